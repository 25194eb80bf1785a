/* triage_train.h - training of the classifier: the same file and program give the same bytes.
 *
 * Softmax regression by AdaGrad over the features of triage_classifier.h, in one thread and a fixed order. Every line
 * is also shown with a letter lost or swapped and inside a frame (a relative speaks, a greeting, a question behind it).
 * One line in ten, chosen by its text, is held out: the threshold is the lowest at which at most 1 % of held-out lines
 * without a flag would raise one. Thread: one.
 */
#ifndef XIAOBEI_MEDICAL_TRIAGE_TRAIN_H
#define XIAOBEI_MEDICAL_TRIAGE_TRAIN_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "medical/triage.h"

struct triage_training_line {
    const char *text; /* one utterance */
    const char *flag; /* id of a red-flag group, or "none" */
};

struct triage_training_report {
    size_t lines, held_out, classes;
    size_t none, none_raised;              /* held-out lines without a flag; those raised at the threshold */
    size_t flagged, flagged_raised, right; /* held-out lines with one; raised at all; raised with the right one */
    float threshold;
};

/* Append the file of triage_classifier.h to out. ERR_FORMAT: a flag that the tables do not know. */
int triage_train(const struct triage *t, const struct triage_training_line *lines, size_t n, struct buf *out,
                 struct triage_training_report *report, struct error *e) MUST_USE;

#endif
