/* reply.h - what stands around the model's words: the card before them, the closing lines behind them, and what the
 * model is told about the triage.
 *
 * Every line of ours begins with "> ": a reader sees what came from rules and what from the model, and reply_strip
 * finds it again in a conversation that comes back. 未经临床医师审核 / not yet reviewed by a clinician. Pure; any
 * thread. Appends to out; errors stick to it.
 */
#ifndef XIAOBEI_MEDICAL_REPLY_H
#define XIAOBEI_MEDICAL_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "medical/triage.h"

/* An emergency: its card stands before everything the model says. */
bool reply_is_urgent(const struct triage_result *t);

void reply_card(const struct triage_result *t, struct buf *out);    /* nothing where there is no emergency */
void reply_closing(const struct triage_result *t, struct buf *out); /* level, department, next step, what to bring */
void reply_note(const struct triage_result *t, struct buf *out);    /* for the model; nothing below same day */

/* Append text[0..n) without our lines and the blank lines around them. */
void reply_strip(const char *text, size_t n, struct buf *out);

#endif
