/* triage_classifier.h - the second reader: a softmax over hashed character n-grams and concepts of one sentence.
 *
 * Features: runs of 1-3 characters that start with a Han character, of 3-5 that start with anything else, hashed into
 * 2^TRIAGE_HASH_BITS rows, and the concepts found in the sentence, by name; each counts once, all scaled by
 * 1/sqrt(their number). One class per red-flag group and one for none. Weights are 8-bit with one scale per class
 * (data/triage_classifier.bin, made by `xiaobei train-triage`). The layer may only raise, and only above the file's
 * threshold. Rejected: a neural encoder (not reviewable, slower than the rules it helps), word lists (the rules are
 * those).
 *
 * File: "XBTC" version rows classes (u32 each, little endian), threshold f32, 512 bytes of notice, classes x 32 bytes
 * of id, f32 scale and f32 bias per class, int8 weights[rows][classes].
 * Thread: read-only after open. Ownership: borrows the file's bytes.
 */
#ifndef XIAOBEI_MEDICAL_TRIAGE_CLASSIFIER_H
#define XIAOBEI_MEDICAL_TRIAGE_CLASSIFIER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "medical/lex.h"

enum {
    TRIAGE_HASH_BITS = 14,
    TRIAGE_ROWS = 1 << TRIAGE_HASH_BITS,
    TRIAGE_CLASSES_MAX = 96,
    TRIAGE_CLASS_ID = 32,
    TRIAGE_NOTICE = 512,
    TRIAGE_GRAMS_MAX = 1024, /* features of one sentence; the rest is not read */
};

struct triage_classifier {
    uint32_t classes;
    float threshold;
    const char (*ids)[TRIAGE_CLASS_ID]; /* ids[0] is "none" */
    float scale[TRIAGE_CLASSES_MAX], bias[TRIAGE_CLASSES_MAX];
    const int8_t *weights; /* [TRIAGE_ROWS][classes] */
};

/* data[0..n) must outlive c. ERR_FORMAT says what is wrong. */
int triage_classifier_open(struct triage_classifier *c, const void *data, size_t n, struct error *e) MUST_USE;

/* A sentence: its characters and the concepts that count in it (numbers of l; hits of the whole text). */
struct triage_sentence {
    const uint32_t *cp; /* the whole text */
    size_t start, end;  /* the sentence in it */
    const struct lex *l;
    const struct lex_hits *hits;
};

/* The rows of one sentence, each once. Returns their number, at most TRIAGE_GRAMS_MAX. */
size_t triage_features(const struct triage_sentence *x, uint16_t rows[TRIAGE_GRAMS_MAX]);

/* Probabilities of all classes for one sentence; returns the likeliest class but none.
 * The sentence holds a flag when 1 - p[0] reaches the threshold. */
uint32_t triage_classify(const struct triage_classifier *c, const struct triage_sentence *x,
                         float p[TRIAGE_CLASSES_MAX]);

#endif
