/* grammar_disjoint.c - can one value satisfy both of two schemas? Only a certain no counts: other types, other listed
 * values, or objects that differ in a property both require. */
#include <string.h>

#include "engine/grammar_schema.h"

enum { MOST_WORK = 2000000 }; /* comparisons: unions in unions multiply, as do listed values */

struct search {
    const struct schema_reader *r;
    size_t *work;
};

static unsigned type_bits(const json_t *name)
{
    static const char *const names[] = {"object", "array", "string", "integer", "number", "boolean", "null"};
    for (unsigned i = 0; json_is_string(name) && i < sizeof names / sizeof *names; i++)
        if (strcmp(json_string_value(name), names[i]) == 0) return 1u << i;
    return 0;
}

static unsigned types_of_keywords(const json_t *schema)
{
    static const struct {
        const char *keyword;
        unsigned types;
    } hints[] = {{"properties", TYPE_OBJECT}, {"required", TYPE_OBJECT},         {"additionalProperties", TYPE_OBJECT},
                 {"items", TYPE_ARRAY},       {"prefixItems", TYPE_ARRAY},       {"minItems", TYPE_ARRAY},
                 {"maxItems", TYPE_ARRAY},    {"minLength", TYPE_STRING},        {"maxLength", TYPE_STRING},
                 {"pattern", TYPE_STRING},    {"format", TYPE_STRING},           {"minimum", TYPE_NUMBER},
                 {"maximum", TYPE_NUMBER},    {"exclusiveMinimum", TYPE_NUMBER}, {"exclusiveMaximum", TYPE_NUMBER}};
    unsigned types = 0;
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (json_object_get(schema, hints[i].keyword)) types |= hints[i].types;
    return types ? types : TYPE_ANY;
}

unsigned schema_types(const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type");
    if (!type)
        return json_object_get(schema, "enum") || json_object_get(schema, "const") ? TYPE_ANY
                                                                                   : types_of_keywords(schema);
    if (!json_is_array(type)) return type_bits(type);
    unsigned types = 0;
    for (size_t i = 0; i < json_array_size(type); i++) {
        unsigned one = type_bits(json_array_get(type, i));
        if (!one) return 0;
        types |= one;
    }
    return types;
}

/* The values of enum or const, as something to walk: count and the i-th. */
static size_t listed(const json_t *schema, const json_t **list, const json_t **only)
{
    *list = json_object_get(schema, "enum");
    *only = json_object_get(schema, "const");
    return *list ? json_array_size(*list) : *only ? 1 : 0;
}

static bool same_value(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) return json_number_value(a) == json_number_value(b);
    return json_equal(a, b);
}

static bool spend(const struct search *s, size_t work)
{
    *s->work += work;
    return *s->work <= MOST_WORK;
}

static bool listed_disjoint(const struct search *s, const json_t *a, const json_t *b)
{
    const json_t *list[2];
    const json_t *only[2];
    size_t n = listed(a, &list[0], &only[0]);
    size_t m = listed(b, &list[1], &only[1]);
    if (n == 0 || m == 0 || !spend(s, n * m)) return false;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            if (same_value(list[0] ? json_array_get(list[0], i) : only[0],
                           list[1] ? json_array_get(list[1], k) : only[1]))
                return false;
    return true;
}

/* Types a value may have, by its listed values or by its keywords; whole numbers count as numbers. */
static unsigned possible_types(const json_t *schema)
{
    const json_t *list;
    const json_t *only;
    size_t n = listed(schema, &list, &only);
    unsigned types = 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *value = list ? json_array_get(list, i) : only;
        types |= json_is_object(value)    ? TYPE_OBJECT
                 : json_is_array(value)   ? TYPE_ARRAY
                 : json_is_string(value)  ? TYPE_STRING
                 : json_is_number(value)  ? TYPE_NUMBER
                 : json_is_boolean(value) ? TYPE_BOOLEAN
                                          : TYPE_NULL;
    }
    if (n == 0) types = json_object_get(schema, "type") ? schema_types(schema) : TYPE_ANY;
    if (types & TYPE_INTEGER) types |= TYPE_NUMBER;
    if (json_is_true(json_object_get(schema, "nullable"))) types |= TYPE_NULL;
    return types & ~(unsigned)TYPE_INTEGER;
}

static bool requires(const json_t *schema, const char *name)
{
    const json_t *list = json_object_get(schema, "required");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_is_string(json_array_get(list, i)) && strcmp(json_string_value(json_array_get(list, i)), name) == 0)
            return true;
    return false;
}

static bool disjoint(const struct search *s, const json_t *a, const json_t *b, int depth);

/* Objects alone: the same required property with values that never agree. */
static bool objects_disjoint(const struct search *s, const json_t *a, const json_t *b, int depth)
{
    json_t *properties = json_object_get(a, "properties");
    const char *key;
    json_t *value;
    if (possible_types(a) != TYPE_OBJECT || possible_types(b) != TYPE_OBJECT) return false;
    size_t names = json_array_size(json_object_get(a, "required")) + json_array_size(json_object_get(b, "required"));
    if (!spend(s, json_object_size(properties) * (names + 1))) return false;
    json_object_foreach(properties, key, value)
    {
        const json_t *other = json_object_get(json_object_get(b, "properties"), key);
        if (!other || !requires(a, key) || !requires(b, key)) continue;
        if (disjoint(s, value, other, depth + 1)) return true;
    }
    return false;
}

static bool disjoint(const struct search *s, const json_t *a, const json_t *b, int depth)
{
    static const char *const unions[] = {"anyOf", "oneOf"};
    if (depth > 8 || !spend(s, 1)) return false;
    a = schema_target(s->r, a);
    b = schema_target(s->r, b);
    if (!json_is_object(a) || !json_is_object(b)) return false;
    for (int i = 0; i < 4; i++) { /* a union is disjoint from what all of its branches are disjoint from */
        const json_t *list = json_object_get(i < 2 ? a : b, unions[i % 2]);
        bool all = json_array_size(list) > 0;
        for (size_t k = 0; all && k < json_array_size(list); k++)
            all = i < 2 ? disjoint(s, json_array_get(list, k), b, depth + 1)
                        : disjoint(s, a, json_array_get(list, k), depth + 1);
        if (list) return all;
    }
    if (!(possible_types(a) & possible_types(b))) return true;
    return listed_disjoint(s, a, b) || objects_disjoint(s, a, b, depth);
}

bool schema_disjoint(const struct schema_reader *r, const json_t *a, const json_t *b, size_t *work)
{
    const struct search s = {r, work};
    return disjoint(&s, a, b, 0);
}
