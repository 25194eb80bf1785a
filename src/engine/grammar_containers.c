/* grammar_containers.c - objects and arrays. Each is a rule of its own, so that nesting is calls and its depth can be
 * bounded. Properties come in the schema's order; those that are not required may be left out. */
#include <stdlib.h>
#include <string.h>

#include "engine/grammar_schema.h"

/* ": " and ", " with the space left to the model. */
static int32_t with_space(struct grammar_nfa *a, int32_t from, char c)
{
    int32_t bare = nfa_node(a);
    int32_t end = nfa_node(a);
    nfa_bytes(a, from, (uint8_t)c, (uint8_t)c, bare);
    nfa_bytes(a, bare, ' ', ' ', end);
    nfa_empty(a, bare, end);
    return end;
}

/* --- objects
 * ------------------------------------------------------------------------------------------------------------ */

struct property {
    const char *key;
    const json_t *schema; /* NULL: any value */
    bool required;
};

static bool in_list(const json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        if (json_is_string(entry) && strcmp(json_string_value(entry), name) == 0) return true;
    }
    return false;
}

static void check_required(struct schema_reader *r, const json_t *required)
{
    if (required && !json_is_array(required)) schema_refuse(r, ERR_INVALID, "required", "must be an array of names");
    if (json_array_size(required) > LIMIT_GRAMMAR_LIST)
        schema_refuse(r, ERR_LIMIT, "required", "has more than %u entries", LIMIT_GRAMMAR_LIST);
    for (size_t i = 0; i < json_array_size(required) && !r->rc; i++) {
        const json_t *name = json_array_get(required, i);
        if (!json_is_string(name) || strlen(json_string_value(name)) != json_string_length(name))
            schema_refuse(r, ERR_INVALID, "required", "must be an array of names");
    }
}

/* The named properties in order; behind them what is only in `required`. */
static struct property *list_properties(struct schema_reader *r, const json_t *schema, const json_t *extra, size_t *n)
{
    json_t *properties = json_object_get(schema, "properties");
    const json_t *required = json_object_get(schema, "required");
    const char *key;
    json_t *value;
    *n = 0;
    if (properties && !json_is_object(properties))
        schema_refuse(r, ERR_INVALID, "properties", "must be an object of schemas");
    check_required(r, required);
    if (json_object_size(properties) > LIMIT_GRAMMAR_LIST)
        schema_refuse(r, ERR_LIMIT, "properties", "has more than %u entries", LIMIT_GRAMMAR_LIST);
    struct property *list = calloc(json_object_size(properties) + json_array_size(required) + 1, sizeof *list);
    if (!list) r->a->rc = ERR_NOMEM;
    if (!list || r->rc) return list;
    json_object_foreach(properties, key, value)
    {
        list[(*n)++] = (struct property){key, value, in_list(required, key)};
    }
    for (size_t i = 0; i < json_array_size(required) && !r->rc; i++) {
        const char *name = json_string_value(json_array_get(required, i));
        bool known = false;
        for (size_t k = 0; k < *n; k++) known = known || strcmp(list[k].key, name) == 0;
        if (known) continue;
        if (json_is_false(extra))
            schema_refuse(r, ERR_INVALID, "required", "names %.48s, which may not be there", name);
        list[(*n)++] = (struct property){name, json_is_object(extra) ? extra : NULL, true};
    }
    return list;
}

static void write_key(struct schema_reader *r, const char *key, int32_t from, int32_t to)
{
    json_t *name = json_string(key);
    char *text = name ? json_dumps(name, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    if (text)
        nfa_empty(r->a, nfa_text(r->a, from, text), to);
    else
        r->a->rc = ERR_NOMEM;
    free(text);
    json_decref(name);
}

/* Properties that are not named: behind the named ones, as many as the model likes. */
static void write_extra(struct schema_reader *r, const struct property *list, size_t n, const json_t *extra,
                        int32_t first, int32_t next, int32_t end)
{
    const char **keys = calloc(n + 1, sizeof *keys);
    int32_t behind_key = nfa_node(r->a);
    int32_t behind = nfa_node(r->a);
    for (size_t i = 0; keys && i < n; i++) keys[i] = list[i].key;
    if (first >= 0) nfa_empty(r->a, first, next);
    if (!keys || nfa_other_key(r->a, next, keys, (int)n, behind_key)) r->a->rc = ERR_NOMEM;
    free(keys);
    size_t level = schema_enter(r, ".additionalProperties");
    int32_t value = with_space(r->a, behind_key, ':');
    if (json_is_object(extra))
        schema_value(r, extra, value, behind);
    else
        schema_any(r, value, behind);
    nfa_empty(r->a, with_space(r->a, behind, ','), next);
    nfa_bytes(r->a, behind, '}', '}', end);
    schema_leave(r, level);
}

/* For each property a place before it where nothing was written yet, and one where a comma was; both lead past what may
 * be left out. Behind a property, the object ends where nothing is missing, or a comma comes. */
static void write_properties(struct schema_reader *r, const struct property *list, size_t n, const json_t *extra,
                             int32_t start, int32_t end)
{
    struct grammar_nfa *a = r->a;
    int32_t first = nfa_node(a); /* nothing was written yet; -1: impossible */
    int32_t next = nfa_node(a);  /* a comma was */
    size_t last_required = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i].required) last_required = i + 1;
    nfa_bytes(a, start, '{', '{', first);
    if (last_required == 0) nfa_bytes(a, first, '}', '}', end);
    for (size_t i = 0; i < n && !a->rc && !r->rc; i++) {
        size_t level = schema_enter(r, ".properties.%.64s", list[i].key);
        int32_t behind_key = nfa_node(a);
        int32_t behind = nfa_node(a);
        int32_t key = nfa_node(a);
        int32_t further = nfa_node(a);
        if (first >= 0) nfa_empty(a, first, key);
        nfa_empty(a, next, key);
        write_key(r, list[i].key, key, behind_key);
        int32_t value = with_space(a, behind_key, ':');
        if (list[i].schema)
            schema_value(r, list[i].schema, value, behind);
        else
            schema_any(r, value, behind);
        if (!list[i].required) nfa_empty(a, next, further);
        if (list[i].required) first = -1;
        next = further;
        nfa_empty(a, with_space(a, behind, ','), next);
        if (i + 1 >= last_required) nfa_bytes(a, behind, '}', '}', end);
        schema_leave(r, level);
    }
    if (extra && !a->rc && !r->rc) write_extra(r, list, n, extra, first, next, end);
}

void schema_object(struct schema_reader *r, const json_t *schema, int32_t from, int32_t to)
{
    const json_t *extra = json_object_get(schema, "additionalProperties");
    size_t n = 0;
    if (extra && !json_is_object(extra) && !json_is_boolean(extra)) {
        schema_refuse(r, ERR_INVALID, "additionalProperties", "must be a schema, true or false");
        return;
    }
    struct property *list = list_properties(r, schema, extra, &n);
    int32_t rule = nfa_rule(r->a);
    if (!extra && !json_object_get(schema, "properties") && n == 0) extra = json_true(); /* says nothing: any object */
    if (json_is_false(extra)) extra = NULL;
    if (!r->a->rc && !r->rc) {
        nfa_call(r->a, from, rule, to);
        write_properties(r, list, n, extra, r->a->rules[rule].start, r->a->rules[rule].end);
    }
    free(list);
}

/* --- arrays
 * ------------------------------------------------------------------------------------------------------------- */

/* The schema of the item at i, NULL for any value; *none if there may be none. */
static const json_t *item_at(const json_t *prefix, const json_t *items, size_t i, bool *none)
{
    const json_t *schema = i < json_array_size(prefix) ? json_array_get(prefix, i) : items;
    *none = json_is_false(schema);
    return json_is_true(schema) ? NULL : schema;
}

static void write_item(struct schema_reader *r, const json_t *schema, bool in_prefix, size_t i, int32_t from,
                       int32_t to)
{
    size_t level = in_prefix ? schema_enter(r, ".prefixItems[%zu]", i) : schema_enter(r, ".items");
    if (schema)
        schema_value(r, schema, from, to);
    else
        schema_any(r, from, to);
    schema_leave(r, level);
}

/* Items beyond the last that differ share one rule, so that maxItems costs a few nodes each. */
static int32_t shared_item(struct schema_reader *r, const json_t *schema)
{
    int32_t rule = nfa_rule(r->a);
    if (!r->a->rc) write_item(r, schema, false, 0, r->a->rules[rule].start, r->a->rules[rule].end);
    return rule;
}

static void write_items(struct schema_reader *r, const json_t *schema, uint32_t min, uint32_t max, int32_t start,
                        int32_t end)
{
    struct grammar_nfa *a = r->a;
    const json_t *prefix = json_object_get(schema, "prefixItems");
    const json_t *items = json_object_get(schema, "items");
    size_t n_prefix = json_array_size(prefix);
    if (max != UINT32_MAX && max > LIMIT_GRAMMAR_ITEMS) max = min > LIMIT_GRAMMAR_ITEMS ? min : LIMIT_GRAMMAR_ITEMS;
    if (!items && n_prefix > 0 && min <= n_prefix && max > n_prefix) max = (uint32_t)n_prefix;
    bool none;
    int32_t rule = -1;
    int32_t at = nfa_node(a);
    nfa_bytes(a, start, '[', '[', at);
    for (uint32_t i = 0;; i++) {
        if (i >= min) nfa_bytes(a, at, ']', ']', end);
        const json_t *item = item_at(prefix, items, i, &none);
        if (none && i < min) schema_refuse(r, ERR_INVALID, "minItems", "asks for more items than there may be");
        if (i >= max || none || a->rc || r->rc) return;
        int32_t value = i == 0 ? at : with_space(a, at, ',');
        int32_t behind = nfa_node(a);
        if (i < n_prefix) {
            write_item(r, item, true, i, value, behind);
        } else {
            if (rule < 0) rule = shared_item(r, item);
            nfa_call(a, value, rule, behind);
            bool endless = max == UINT32_MAX && i + 1 >= min && i > 0;
            if (endless) { /* one more item leads back to where it began */
                nfa_empty(a, behind, at);
                if (i + 1 >= min && i < min) nfa_bytes(a, behind, ']', ']', end);
                return;
            }
        }
        at = behind;
    }
}

void schema_array(struct schema_reader *r, const json_t *schema, int32_t from, int32_t to)
{
    const json_t *prefix = json_object_get(schema, "prefixItems");
    const json_t *items = json_object_get(schema, "items");
    uint32_t min = schema_count(r, schema, "minItems", 0);
    uint32_t max = schema_count(r, schema, "maxItems", UINT32_MAX);
    if (prefix && !json_is_array(prefix)) schema_refuse(r, ERR_INVALID, "prefixItems", "must be an array of schemas");
    if (json_is_array(items))
        schema_refuse(r, ERR_UNSUPPORTED, "items", "as an array is not supported; prefixItems says the same");
    if (!r->rc && min > max) schema_refuse(r, ERR_INVALID, "minItems", "is above maxItems");
    int32_t rule = nfa_rule(r->a);
    if (r->a->rc || r->rc) return;
    nfa_call(r->a, from, rule, to);
    write_items(r, schema, min, max, r->a->rules[rule].start, r->a->rules[rule].end);
}
