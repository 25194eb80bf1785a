/* grammar_schema.c - see grammar_schema.h. Every keyword is kept, says nothing by itself (a title), or is refused. */
#include "engine/grammar_schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* --- where we are ---------------------------------------------------------------------------------------------------
 */

size_t schema_enter(struct schema_reader *r, const char *format, ...)
{
    size_t n = strlen(r->path);
    va_list ap;
    if (r->rc) return n;
    va_start(ap, format);
    vsnprintf(r->path + n, sizeof r->path - n, format, ap);
    va_end(ap);
    return n;
}

void schema_leave(struct schema_reader *r, size_t level)
{
    if (!r->rc) r->path[level] = '\0';
}

/* A name that was cut may end inside a character. */
static void make_valid(char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n;) {
        uint32_t c;
        size_t step = utf8_decode(text + i, n - i, &c);
        if (step == 1 && c == 0xFFFD) text[i] = '?';
        i += step;
    }
}

void schema_refuse(struct schema_reader *r, int code, const char *keyword, const char *format, ...)
{
    char why[256];
    va_list ap;
    if (r->rc) return;
    va_start(ap, format);
    vsnprintf(why, sizeof why, format, ap);
    va_end(ap);
    if (keyword) schema_enter(r, ".%.48s", keyword);
    make_valid(r->path);
    make_valid(why);
    r->rc = error_set(r->e, code, "%s %s", r->path, why);
}

/* --- keywords
 * --------------------------------------------------------------------------------------------------------- */

enum keyword_kind { KEYWORD_NONE, KEYWORD_SAYS_NOTHING, KEYWORD_KEPT };

static enum keyword_kind keyword_kind(const char *name)
{
    static const char *const nothing[] = {"title",    "description", "default",      "examples", "example",
                                          "$comment", "$schema",     "deprecated",   "readOnly", "writeOnly",
                                          "$defs",    "definitions", "discriminator"};
    static const char *const kept[] = {"type",
                                       "enum",
                                       "const",
                                       "$ref",
                                       "anyOf",
                                       "oneOf",
                                       "allOf",
                                       "nullable",
                                       "properties",
                                       "required",
                                       "items",
                                       "additionalProperties",
                                       "prefixItems",
                                       "minItems",
                                       "maxItems",
                                       "minLength",
                                       "maxLength",
                                       "pattern",
                                       "format",
                                       "minimum",
                                       "maximum",
                                       "exclusiveMinimum",
                                       "exclusiveMaximum"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        if (strcmp(name, nothing[i]) == 0) return KEYWORD_SAYS_NOTHING;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strcmp(name, kept[i]) == 0) return KEYWORD_KEPT;
    return KEYWORD_NONE;
}

static void check_keywords(struct schema_reader *r, const json_t *schema)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)schema, key, value)
    {
        bool neutral =
            (strcmp(key, "uniqueItems") == 0 && json_is_false(value)) || (strcmp(key, "$id") == 0 && schema == r->root);
        if (keyword_kind(key) == KEYWORD_NONE && !neutral) schema_refuse(r, ERR_UNSUPPORTED, key, "is not supported");
        if (r->rc) return;
    }
    const json_t *nullable = json_object_get(schema, "nullable");
    if (nullable && !json_is_boolean(nullable)) schema_refuse(r, ERR_INVALID, "nullable", "must be true or false");
}

/* Beside `keyword` only `also` (NULL: nothing) and what says nothing. */
static void check_alone(struct schema_reader *r, const json_t *schema, const char *keyword, const char *also)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)schema, key, value)
    {
        if (keyword_kind(key) != KEYWORD_KEPT || strcmp(key, keyword) == 0 || strcmp(key, "nullable") == 0) continue;
        if (also && strcmp(key, also) == 0) continue;
        schema_refuse(r, ERR_UNSUPPORTED, key, "beside %s is not supported", keyword);
        return;
    }
}

uint32_t schema_count(struct schema_reader *r, const json_t *schema, const char *keyword, uint32_t missing)
{
    const json_t *count = json_object_get(schema, keyword);
    json_int_t n = json_integer_value(count);
    if (!count) return missing;
    if (!json_is_integer(count) || n < 0)
        schema_refuse(r, ERR_INVALID, keyword, "must be a whole number from 0");
    else if (n > LIMIT_GRAMMAR_REPEAT && strncmp(keyword, "max", 3) != 0)
        schema_refuse(r, ERR_LIMIT, keyword, "is above %d", LIMIT_GRAMMAR_REPEAT);
    return n < LIMIT_GRAMMAR_REPEAT ? (uint32_t)n : LIMIT_GRAMMAR_REPEAT; /* a shorter maximum keeps a longer one */
}

/* --- references
 * --------------------------------------------------------------------------------------------------------- */

/* One step of a JSON pointer: name[0..n) with ~0 and ~1. */
static const json_t *pointer_step(const json_t *at, const char *name, size_t n)
{
    char key[256];
    size_t used = 0;
    for (size_t i = 0; i < n && used < sizeof key - 1; i++) {
        bool escaped = name[i] == '~' && i + 1 < n && (name[i + 1] == '0' || name[i + 1] == '1');
        key[used++] = escaped ? (name[++i] == '0' ? '~' : '/') : name[i];
    }
    key[used] = '\0';
    if (!json_is_array(at)) return json_object_get(at, key);
    char *end;
    unsigned long index = strtoul(key, &end, 10);
    return *end || end == key ? NULL : json_array_get(at, index);
}

static const json_t *follow_ref(const struct schema_reader *r, const char *ref)
{
    const json_t *at = r->root;
    if (*ref != '#' || strchr(ref, '%')) return NULL;
    for (ref++; at && *ref;) {
        if (*ref++ != '/') return NULL;
        size_t n = strcspn(ref, "/");
        at = pointer_step(at, ref, n);
        ref += n;
    }
    return at;
}

const json_t *schema_target(const struct schema_reader *r, const json_t *schema)
{
    for (int i = 0; i < 32 && json_is_object(schema); i++) {
        const char *ref = json_string_value(json_object_get(schema, "$ref"));
        const json_t *all = json_object_get(schema, "allOf");
        if (!ref && json_array_size(all) != 1) return schema;
        schema = ref ? follow_ref(r, ref) : json_array_get(all, 0);
    }
    return NULL;
}

static void path_of_ref(struct schema_reader *r, char *path, const char *ref)
{
    size_t n = (size_t)snprintf(path, SCHEMA_PATH_MAX, "%.120s", r->base);
    snprintf(path + n, SCHEMA_PATH_MAX - n, "%.120s", ref + 1);
    for (char *c = path + n; *c; c++)
        if (*c == '/') *c = '.';
}

static void read_ref(struct schema_reader *r, const json_t *schema, int32_t from, int32_t to)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    check_alone(r, schema, "$ref", NULL);
    if (r->rc) return;
    const json_t *target = ref ? follow_ref(r, ref) : NULL;
    if (!target) {
        schema_refuse(r, ERR_UNSUPPORTED, "$ref", "leads nowhere: only places in this schema (#/$defs/...) are known");
        return;
    }
    for (size_t i = 0; i < r->n_refs; i++)
        if (r->refs[i].schema == target) {
            nfa_call(r->a, from, r->refs[i].rule, to);
            return;
        }
    if (r->n_refs == r->cap_refs) {
        size_t cap = r->cap_refs ? 2 * r->cap_refs : 16;
        struct pending_rule *grown = realloc(r->refs, cap * sizeof *grown);
        if (!grown) {
            r->a->rc = ERR_NOMEM;
            return;
        }
        r->refs = grown;
        r->cap_refs = cap;
    }
    struct pending_rule *p = &r->refs[r->n_refs++];
    *p = (struct pending_rule){.schema = target, .rule = nfa_rule(r->a)};
    path_of_ref(r, p->path, ref);
    nfa_call(r->a, from, p->rule, to);
}

/* --- values that are listed
 * -------------------------------------------------------------------------------------------- */

static unsigned type_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return TYPE_OBJECT;
    case JSON_ARRAY: return TYPE_ARRAY;
    case JSON_STRING: return TYPE_STRING;
    case JSON_INTEGER: return TYPE_INTEGER | TYPE_NUMBER;
    case JSON_REAL: return TYPE_NUMBER;
    case JSON_NULL: return TYPE_NULL;
    default: return TYPE_BOOLEAN;
    }
}

/* Its shortest JSON text that reads as the same value. */
static char *value_text(const json_t *value)
{
    for (size_t digits = 15; digits <= 17; digits++) {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
        json_t *back = text ? json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
        bool same = back && json_equal(back, value);
        json_decref(back);
        if (same || digits == 17) return text;
        free(text);
    }
    return NULL;
}

static void read_listed(struct schema_reader *r, const json_t *schema, int32_t from, int32_t to)
{
    const json_t *list = json_object_get(schema, "enum");
    const json_t *only = json_object_get(schema, "const");
    unsigned types = schema_types(schema);
    size_t written = 0;
    int32_t start = nfa_node(r->a);
    check_alone(r, schema, list ? "enum" : "const", "type");
    nfa_empty(r->a, from, start);
    if (!r->rc && list && (!json_is_array(list) || json_array_size(list) == 0))
        schema_refuse(r, ERR_INVALID, "enum", "must be an array of values");
    if (json_array_size(list) > LIMIT_GRAMMAR_LIST)
        schema_refuse(r, ERR_LIMIT, "enum", "has more than %u entries", LIMIT_GRAMMAR_LIST);
    for (size_t i = 0; !r->rc && !r->a->rc && i < (list ? json_array_size(list) : 1); i++) {
        const json_t *value = list ? json_array_get(list, i) : only;
        if (!(type_of(value) & types)) continue;
        char *text = value_text(value);
        if (text)
            nfa_empty(r->a, nfa_branch(r->a, start, text), to);
        else
            r->a->rc = ERR_NOMEM;
        free(text);
        written++;
    }
    if (written == 0) schema_refuse(r, ERR_INVALID, list ? "enum" : "const", "has no value of its type");
}

/* --- unions
 * -------------------------------------------------------------------------------------------------------------- */

static void check_disjoint(struct schema_reader *r, const json_t *list)
{
    size_t n = json_array_size(list);
    size_t work = 0;
    for (size_t i = 0; i < n && !r->rc; i++)
        for (size_t k = i + 1; k < n && !r->rc; k++)
            if (!schema_disjoint(r, json_array_get(list, i), json_array_get(list, k), &work))
                schema_refuse(r, ERR_UNSUPPORTED, "oneOf",
                              "is not supported where one value could satisfy both %zu and %zu; anyOf is", i, k);
}

static void read_union(struct schema_reader *r, const json_t *schema, const char *keyword, int32_t from, int32_t to)
{
    const json_t *list = json_object_get(schema, keyword);
    check_alone(r, schema, keyword, NULL);
    if (!r->rc && (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > 256))
        schema_refuse(r, ERR_INVALID, keyword, "must be an array of 1 to 256 schemas");
    if (!r->rc && strcmp(keyword, "allOf") == 0 && json_array_size(list) > 1)
        schema_refuse(r, ERR_UNSUPPORTED, keyword, "with more than one schema is not supported");
    for (size_t i = 0; !r->rc && i < json_array_size(list); i++) {
        size_t level = schema_enter(r, ".%s[%zu]", keyword, i);
        schema_value(r, json_array_get(list, i), from, to);
        schema_leave(r, level);
    }
    if (!r->rc && strcmp(keyword, "oneOf") == 0) check_disjoint(r, list);
}

/* --- scalars
 * -------------------------------------------------------------------------------------------------------------- */

static const char *format_pattern(const char *format)
{
#define DAY   "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
#define CLOCK "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
    /* A date that exists in every month and year: 29 to 31 only where they always do. */
#define DATE "(" DAY "|[0-9]{4}-(0[13-9]|1[0-2])-(29|30)|[0-9]{4}-(0[13578]|1[02])-31)"
    static const char *const known[][2] = {
        {"date", "^" DATE "$"},
        {"time", "^" CLOCK "$"},
        {"date-time", "^" DATE "T" CLOCK "$"},
        {"uuid", "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
        {"ipv4", "^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])$"},
        {"email", "^[A-Za-z0-9_+-]{1,32}(\\.[A-Za-z0-9_+-]{1,32}){0,3}@[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?"
                  "(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?){1,3}$"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(format, known[i][0]) == 0) return known[i][1];
    return NULL;
}

static void read_pattern(struct schema_reader *r, const char *keyword, struct regex_use *use, int32_t from, int32_t to)
{
    struct error why = {0};
    bool line_ends;
    if (regex_is_length(use, &line_ends)) {
        if (use->min > use->max)
            schema_refuse(r, ERR_INVALID, keyword, "leaves no length between minLength and maxLength");
        nfa_string(r->a, from, use->min, use->max, line_ends, to);
        return;
    }
    int32_t inside = nfa_node(r->a);
    int32_t behind = nfa_node(r->a);
    nfa_bytes(r->a, from, '"', '"', inside);
    nfa_bytes(r->a, behind, '"', '"', to);
    int rc = r->a->rc ? OK : nfa_regex(r->a, inside, use, behind, &why);
    if (rc) schema_refuse(r, rc, keyword, "cannot be kept: %s", why.text);
}

static void read_string(struct schema_reader *r, const json_t *schema, int32_t from, int32_t to)
{
    const json_t *pattern = json_object_get(schema, "pattern");
    const json_t *format = json_object_get(schema, "format");
    struct regex_use use = {.search = true, .as = CHARS_IN_JSON};
    use.min = schema_count(r, schema, "minLength", 0);
    use.max = schema_count(r, schema, "maxLength", UINT32_MAX);
    if (pattern && (!json_is_string(pattern) || strlen(json_string_value(pattern)) != json_string_length(pattern)))
        schema_refuse(r, ERR_INVALID, "pattern", "must be a regular expression");
    if (format && !json_is_string(format)) schema_refuse(r, ERR_INVALID, "format", "must be a name");
    if (use.min > use.max) schema_refuse(r, ERR_INVALID, "minLength", "is above maxLength");
    if (pattern && format) schema_refuse(r, ERR_UNSUPPORTED, "format", "beside pattern is not supported");
    if (r->rc) return;
    if (format) {
        use.pattern = format_pattern(json_string_value(format));
        if (!use.pattern)
            schema_refuse(r, ERR_UNSUPPORTED, "format",
                          "is not supported with this value; date, time, date-time, uuid, ipv4 and email are");
        else
            read_pattern(r, "format", &use, from, to);
    } else if (pattern) {
        use.pattern = json_string_value(pattern);
        read_pattern(r, "pattern", &use, from, to);
    } else {
        nfa_string(r->a, from, use.min, use.max, true, to);
    }
}

/* The rule of a range: one for all numbers of the same range. */
static int32_t number_rule(struct schema_reader *r, const struct number_range *range)
{
    for (int i = 0; i < r->n_numbers; i++)
        if (memcmp(&r->numbers[i].range, range, sizeof *range) == 0) return r->numbers[i].rule;
    int32_t rule = nfa_rule(r->a);
    if (r->a->rc) return rule;
    if (range->low <= range->high)
        nfa_number(r->a, r->a->rules[rule].start, range, r->a->rules[rule].end);
    else
        nfa_number_any(r->a, r->a->rules[rule].start, r->a->rules[rule].end);
    if (r->n_numbers < SCHEMA_NUMBERS) r->numbers[r->n_numbers++] = (struct number_memo){*range, rule};
    return rule;
}

static void read_number(struct schema_reader *r, const json_t *schema, bool whole, int32_t from, int32_t to)
{
    struct number_range range;
    const char *bad;
    const char *why;
    int rc = number_range_read(&range, schema, whole, &bad, &why);
    bool bounded = json_object_get(schema, "minimum") || json_object_get(schema, "maximum") ||
                   json_object_get(schema, "exclusiveMinimum") || json_object_get(schema, "exclusiveMaximum");
    if (rc) {
        schema_refuse(r, rc, bad, "%s", why);
        return;
    }
    if (!whole && !bounded) range = (struct number_range){1, -1, 0}; /* stands for any number */
    nfa_call(r->a, from, number_rule(r, &range), to);
}

static void literal(struct schema_reader *r, int32_t from, const char *text, int32_t to)
{
    nfa_empty(r->a, nfa_text(r->a, from, text), to);
}

static void read_types(struct schema_reader *r, const json_t *schema, unsigned types, int32_t from, int32_t to)
{
    if (types & TYPE_OBJECT) schema_object(r, schema, from, to);
    if (types & TYPE_ARRAY) schema_array(r, schema, from, to);
    if (types & TYPE_STRING) read_string(r, schema, from, to);
    if (types & (TYPE_INTEGER | TYPE_NUMBER)) read_number(r, schema, !(types & TYPE_NUMBER), from, to);
    if (types & TYPE_BOOLEAN) literal(r, from, "true", to);
    if (types & TYPE_BOOLEAN) literal(r, from, "false", to);
    if (types & TYPE_NULL) literal(r, from, "null", to);
}

/* --- any value
 * ------------------------------------------------------------------------------------------------------------ */

void schema_any(struct schema_reader *r, int32_t from, int32_t to)
{
    if (r->any < 0 && !r->a->rc) {
        r->any = nfa_rule(r->a);
        if (r->a->rc) return;
        int32_t start = r->a->rules[r->any].start;
        int32_t end = r->a->rules[r->any].end;
        json_t *nothing = json_object();
        if (nothing)
            read_types(r, nothing, TYPE_ANY, start, end);
        else
            r->a->rc = ERR_NOMEM;
        json_decref(nothing);
    }
    nfa_call(r->a, from, r->any, to);
}

void schema_value(struct schema_reader *r, const json_t *schema, int32_t from, int32_t to)
{
    static const char *const unions[] = {"anyOf", "oneOf", "allOf"};
    if (r->rc || r->a->rc) return;
    if (json_is_true(schema)) {
        schema_any(r, from, to);
        return;
    }
    if (!json_is_object(schema)) {
        schema_refuse(r, ERR_INVALID, NULL, json_is_false(schema) ? "allows nothing" : "must be a schema (an object)");
        return;
    }
    check_keywords(r, schema);
    if (r->rc) return;
    if (json_is_true(json_object_get(schema, "nullable"))) literal(r, from, "null", to);
    if (json_object_get(schema, "$ref")) {
        read_ref(r, schema, from, to);
        return;
    }
    for (int i = 0; i < 3; i++) {
        if (!json_object_get(schema, unions[i])) continue;
        read_union(r, schema, unions[i], from, to);
        return;
    }
    if (json_object_get(schema, "enum") || json_object_get(schema, "const")) {
        read_listed(r, schema, from, to);
        return;
    }
    unsigned types = schema_types(schema);
    if (types == 0)
        schema_refuse(r, ERR_INVALID, "type",
                      "must be object, array, string, integer, number, boolean, null or a list");
    else if (types == TYPE_ANY && !json_object_get(schema, "type"))
        schema_any(r, from, to);
    else
        read_types(r, schema, types, from, to);
}

int nfa_schema(struct grammar_nfa *a, int32_t from, const struct grammar_part *part, int32_t to, char *param,
               size_t param_size, struct error *e)
{
    struct schema_reader r = {.a = a, .root = part->schema, .any = -1, .e = e};
    snprintf(r.base, sizeof r.base, "%s", part->path ? part->path : "schema");
    memcpy(r.path, r.base, sizeof r.path);
    schema_value(&r, part->schema, from, to);
    for (; r.built < r.n_refs && !r.rc && !a->rc; r.built++) {
        const struct pending_rule p = r.refs[r.built];
        memcpy(r.path, p.path, sizeof r.path);
        schema_value(&r, p.schema, a->rules[p.rule].start, a->rules[p.rule].end);
    }
    if (!r.rc && a->rc)
        schema_refuse(&r, a->rc, NULL, a->rc == ERR_LIMIT ? "is too large a schema" : "finds no memory");
    if (r.rc && param) snprintf(param, param_size, "%s", r.path);
    free(r.refs);
    return r.rc;
}
