/* fuzz_triage.c - the texts that triage reads. The first byte chooses: c a concepts file, r a rules file over a small
 * one, b a classifier, anything else a conversation of one message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "medical/triage.h"
#include "medical/triage_classifier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct triage *triage;
static struct triage_result result;

static void read_files(uint8_t kind, const char *text, size_t n)
{
    static const char small[] = "= pain\n疼\npain\n= fever\n发烧\n";
    struct error e = {0};
    struct lex *l = NULL;
    struct rules *r = NULL;
    struct triage_classifier c;
    int rc = kind == 'c'   ? lex_new(&l, text, n, &e)
             : kind == 'b' ? triage_classifier_open(&c, text, n, &e)
                           : lex_new(&l, small, sizeof small - 1, &e);
    if (!rc && kind == 'r') rc = rules_new(&r, text, n, l, &e);
    if (rc && !e.text[0]) abort(); /* a refusal without a sentence */
    rules_free(r);
    lex_free(l);
}

static void read_message(const char *text, size_t n)
{
    struct error e = {0};
    char *message = malloc(n + 1);
    if (!message || (!triage && triage_open(&triage, &e))) abort();
    memcpy(message, text, n);
    message[n] = '\0';
    const char *turns[] = {message};
    struct triage_input in = {
        .profile = {.age = -1, .age_months = -1, .age_days = -1, .pregnant = -1}, .turns = turns, .n_turns = 1};
    if (triage_assess(triage, &in, TRIAGE_BOTH, &result, &e) == OK && !result.advice[0]) abort();
    free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    const char *text = (const char *)data + 1;
    if (data[0] == 'c' || data[0] == 'r' || data[0] == 'b')
        read_files(data[0], text, size - 1);
    else
        read_message(text, size - 1);
    return 0;
}
