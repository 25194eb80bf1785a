/* options.c - see options.h. */
#include "cli/options.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int common_prefix(const char *a, const char *b)
{
    int n = 0;
    while (a[n] && a[n] == b[n]) n++;
    return n;
}

static int refuse_unknown(const struct option_spec *specs, const char *name, struct error *e)
{
    const char *nearest = NULL;
    int best = 3; /* "--" plus at least two letters in common, or no suggestion */
    for (const struct option_spec *s = specs; s->name; s++) {
        int n = common_prefix(s->name, name);
        if (n > best) {
            best = n;
            nearest = s->name;
        }
    }
    if (nearest)
        return error_set(e, ERR_INVALID, "unknown option %s; did you mean %s? (--help lists all)", name, nearest);
    return error_set(e, ERR_INVALID, "unknown option %s (--help lists all)", name);
}

static int store(const struct option_spec *s, const char *value, struct error *e)
{
    char *end = NULL;
    errno = 0;
    switch (s->kind) {
    case OPTION_FLAG: *(bool *)s->value = true; return OK;
    case OPTION_TEXT: *(const char **)s->value = value; return OK;
    case OPTION_INT:
    case OPTION_COUNT: {
        long number = strtol(value, &end, 10);
        if (errno || end == value || *end || number < INT32_MIN || number > INT32_MAX) break;
        if (s->kind == OPTION_COUNT && number < 1) break;
        *(int *)s->value = (int)number;
        return OK;
    }
    case OPTION_UINT64: {
        if (value[0] == '-') break;
        unsigned long long number = strtoull(value, &end, 10);
        if (errno || end == value || *end) break;
        *(uint64_t *)s->value = number;
        return OK;
    }
    case OPTION_FLOAT: {
        float number = strtof(value, &end);
        if (errno || end == value || *end || !isfinite(number)) break;
        *(float *)s->value = number;
        return OK;
    }
    }
    return error_set(e, ERR_INVALID, "%s needs a %s, not \"%s\"", s->name,
                     s->kind == OPTION_FLOAT   ? "number"
                     : s->kind == OPTION_COUNT ? "whole number of at least 1"
                                               : "whole number",
                     value);
}

static const struct option_spec *find(const struct option_spec *specs, const char *argument, size_t name_len)
{
    for (const struct option_spec *s = specs; s->name; s++)
        if (strlen(s->name) == name_len && strncmp(s->name, argument, name_len) == 0) return s;
    return NULL;
}

int options_parse(const struct option_spec *specs, int argc, char **argv, int *count, struct error *e)
{
    int positional = 0;
    bool options_ended = false;
    for (int i = 1; i < argc; i++) {
        char *argument = argv[i];
        if (options_ended || argument[0] != '-' || argument[1] == '\0') {
            argv[1 + positional++] = argument;
            continue;
        }
        if (strcmp(argument, "--") == 0) {
            options_ended = true;
            continue;
        }
        if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) return OPTIONS_HELP;
        const char *equals = strchr(argument, '=');
        size_t name_len = equals ? (size_t)(equals - argument) : strlen(argument);
        const struct option_spec *s = find(specs, argument, name_len);
        if (!s) return refuse_unknown(specs, argument, e);
        const char *value = equals ? equals + 1 : NULL;
        if (s->kind == OPTION_FLAG) {
            if (value) return error_set(e, ERR_INVALID, "%s takes no value", s->name);
        } else if (!value) {
            if (i + 1 >= argc) return error_set(e, ERR_INVALID, "%s needs a value", s->name);
            value = argv[++i];
        }
        int rc = store(s, value, e);
        if (rc) return rc;
    }
    *count = positional;
    return OK;
}

int cli_fail(const char *verb, const struct error *e)
{
    fprintf(stderr, "xiaobei %s: %s\n", verb, e->text[0] ? e->text : error_code_text(e->code));
    return error_exit_code(e->code);
}

int cli_reader_gone(void)
{
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
    return 128 + SIGPIPE;
}
