/* verb_train_triage.c - make data/triage_classifier.bin from data/triage_training.jsonl. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "medical/triage_train.h"

struct lines {
    struct triage_training_line *items; /* strings of the JSON values in kept */
    size_t n, cap;
    json_t *kept;
};

static int add_line(struct lines *l, const char *text, size_t n, struct error *e)
{
    json_t *line = NULL;
    int rc = json_read(&line, text, n, e);
    if (rc) return rc;
    json_array_append_new(l->kept, line);
    const char *words = json_string_value(json_object_get(line, "text"));
    const char *flag = json_string_value(json_object_get(line, "flag"));
    if (!words || !flag) return error_set(e, ERR_FORMAT, "has no strings \"text\" and \"flag\"");
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 1024;
        struct triage_training_line *items = cap <= LIMIT_TRIAGE_ITEMS ? realloc(l->items, cap * sizeof *items) : NULL;
        if (!items) return error_set(e, ERR_NOMEM, "no memory for the lines");
        l->items = items;
        l->cap = cap;
    }
    l->items[l->n++] = (struct triage_training_line){words, flag};
    return OK;
}

static int read_lines(struct lines *l, const struct buf *file, struct error *e)
{
    const char *text = buf_text(file);
    int rc = OK;
    for (size_t i = 0, number = 1; i < file->len && !rc; number++) {
        const char *newline = memchr(text + i, '\n', file->len - i);
        size_t end = newline ? (size_t)(newline - text) : file->len;
        if (end > i) rc = add_line(l, text + i, end - i, e);
        if (rc) error_context(e, "line %zu", number);
        i = end + 1;
    }
    return rc;
}

static void print_report(const struct triage_training_report *r)
{
    printf("%zu lines, %zu classes; each line judged once while held out\n", r->lines, r->classes);
    printf("threshold %.2f: raised %zu of %zu lines with a flag (%zu with the right one), %zu of %zu without\n",
           (double)r->threshold, r->flagged_raised, r->flagged, r->right, r->none_raised, r->none);
}

static int run(int argc, char **argv)
{
    const struct option_spec specs[] = {{0}};
    struct error e = {0};
    struct triage *t = NULL;
    struct triage_training_report report = {0};
    struct buf file = BUF_INIT(LIMIT_TRIAGE_FILE);
    struct buf out = BUF_INIT(LIMIT_TRIAGE_FILE);
    struct lines lines = {.kept = json_array()};
    int positional = 0;
    int rc = options_parse(specs, argc, argv, &positional, &e);
    if (!rc && positional != 2)
        rc = error_set(&e, ERR_INVALID, "needs the training file and the file to write (--help)");
    if (!rc) rc = triage_open(&t, &e);
    if (!rc) rc = file_read(&file, argv[1], &e);
    if (!rc) rc = read_lines(&lines, &file, &e);
    if (!rc) rc = triage_train(t, lines.items, lines.n, &out, &report, &e);
    if (!rc) rc = file_write_atomic(argv[2], buf_text(&out), out.len, 0644, &e);
    if (!rc) print_report(&report);
    triage_close(t);
    free(lines.items);
    json_decref(lines.kept);
    buf_free(&file);
    buf_free(&out);
    return rc ? cli_fail("train-triage", &e) : 0;
}

const struct verb verb_train_triage = {
    .name = "train-triage",
    .run = run,
    .summary = "train triage's classifier from labelled utterances (for its maintainers)",
    .usage = "usage: xiaobei train-triage DATA OUT\n\n"
             "DATA: lines {\"text\",\"flag\"}; flag is an id of data/red_flags.tsv or \"none\". OUT: the classifier. "
             "The same\n"
             "lines give the same bytes. In the source tree:\n"
             "  xiaobei train-triage data/triage_training.jsonl data/triage_classifier.bin && make\n",
};
