/* schema_check.h - does a value satisfy a JSON schema? Written against the specification, not against src/engine, so
 * that a test of one by the other means something. Only what the tests use. */
#ifndef XIAOBEI_TESTS_SCHEMA_CHECK_H
#define XIAOBEI_TESTS_SCHEMA_CHECK_H

#include <jansson.h>
#include <regex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static bool schema_holds(const json_t *root, const json_t *schema, const json_t *value);

static inline const json_t *schema_at(const json_t *root, const char *ref)
{
    char name[64];
    const json_t *at = root;
    for (ref++; *ref; ref += strcspn(ref, "/")) {
        ref++;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(ref, "/"), ref);
        at = json_object_get(at, name);
    }
    return at;
}

static inline bool has_type(const json_t *value, const char *type)
{
    static const char *const names[] = {"object", "array", "string", "integer", "number", "boolean", "boolean", "null"};
    if (strcmp(type, "number") == 0) return json_is_number(value);
    if (strcmp(type, "integer") == 0 && json_is_real(value))
        return json_real_value(value) == (double)(long long)json_real_value(value);
    return strcmp(names[json_typeof(value)], type) == 0;
}

static inline bool type_holds(const json_t *type, const json_t *value)
{
    if (!type) return true;
    if (json_is_string(type)) return has_type(value, json_string_value(type));
    for (size_t i = 0; i < json_array_size(type); i++)
        if (has_type(value, json_string_value(json_array_get(type, i)))) return true;
    return false;
}

static inline bool pattern_holds(const char *pattern, const char *text)
{
    regex_t r;
    if (regcomp(&r, pattern, REG_EXTENDED | REG_NOSUB)) return false;
    bool found = regexec(&r, text, 0, NULL, 0) == 0;
    regfree(&r);
    return found;
}

static inline json_int_t bound(const json_t *schema, const char *name, json_int_t missing)
{
    const json_t *n = json_object_get(schema, name);
    return n ? json_integer_value(n) : missing;
}

static inline bool string_holds(const json_t *schema, const json_t *value)
{
    const json_t *pattern = json_object_get(schema, "pattern");
    json_int_t n = (json_int_t)utf8_count(json_string_value(value), json_string_length(value));
    if (n < bound(schema, "minLength", 0) || n > bound(schema, "maxLength", 1 << 30)) return false;
    return !pattern || pattern_holds(json_string_value(pattern), json_string_value(value));
}

static inline bool number_holds(const json_t *schema, const json_t *value)
{
    double x = json_number_value(value);
    const json_t *b;
    if ((b = json_object_get(schema, "minimum")) && !(x >= json_number_value(b))) return false;
    if ((b = json_object_get(schema, "maximum")) && !(x <= json_number_value(b))) return false;
    if ((b = json_object_get(schema, "exclusiveMinimum")) && !(x > json_number_value(b))) return false;
    if ((b = json_object_get(schema, "exclusiveMaximum")) && !(x < json_number_value(b))) return false;
    return true;
}

static inline bool array_holds(const json_t *root, const json_t *schema, const json_t *value)
{
    const json_t *prefix = json_object_get(schema, "prefixItems");
    const json_t *items = json_object_get(schema, "items");
    json_int_t n = (json_int_t)json_array_size(value);
    if (n < bound(schema, "minItems", 0) || n > bound(schema, "maxItems", 1 << 30)) return false;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = i < json_array_size(prefix) ? json_array_get(prefix, i) : items;
        if (item && !schema_holds(root, item, json_array_get(value, i))) return false;
    }
    return true;
}

static inline bool object_holds(const json_t *root, const json_t *schema, json_t *value)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *extra = json_object_get(schema, "additionalProperties");
    const json_t *required = json_object_get(schema, "required");
    const char *key;
    json_t *member;
    for (size_t i = 0; i < json_array_size(required); i++)
        if (!json_object_get(value, json_string_value(json_array_get(required, i)))) return false;
    json_object_foreach(value, key, member)
    {
        const json_t *one = json_object_get(properties, key);
        if (!one) one = extra;
        if (one && !schema_holds(root, one, member)) return false;
    }
    return true;
}

static inline bool listed_holds(const json_t *schema, const json_t *value)
{
    const json_t *list = json_object_get(schema, "enum");
    const json_t *only = json_object_get(schema, "const");
    if (only && !json_equal(only, value)) return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), value)) return true;
    return !list;
}

static inline int branches_that_hold(const json_t *root, const json_t *list, const json_t *value)
{
    int n = 0;
    for (size_t i = 0; i < json_array_size(list); i++) n += schema_holds(root, json_array_get(list, i), value);
    return n;
}

static bool schema_holds(const json_t *root, const json_t *schema, const json_t *value)
{
    if (json_is_boolean(schema)) return json_is_true(schema);
    if (json_is_null(value) && json_is_true(json_object_get(schema, "nullable"))) return true;
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    const json_t *any = json_object_get(schema, "anyOf");
    const json_t *one = json_object_get(schema, "oneOf");
    if (ref) return schema_holds(root, schema_at(root, ref), value);
    if (any && branches_that_hold(root, any, value) < 1) return false;
    if (one && branches_that_hold(root, one, value) != 1) return false;
    if (!type_holds(json_object_get(schema, "type"), value) || !listed_holds(schema, value)) return false;
    if (json_is_string(value)) return string_holds(schema, value);
    if (json_is_number(value)) return number_holds(schema, value);
    if (json_is_array(value)) return array_holds(root, schema, value);
    return !json_is_object(value) || object_holds(root, schema, (json_t *)value);
}

#endif
