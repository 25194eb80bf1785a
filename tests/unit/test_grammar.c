/* test_grammar.c - answers with a form: whatever way is taken through the masks, the text satisfies the schema, within
 * max_tokens; what is not kept is refused by its path. With a hand-made tokenizer; test_grammar_real.c has Qwen's. */
#include "support/grammar_check.h"

enum { WALKS = 150, ROOMY = 400 };

static const char *const schemas[] = {
    "{\"enum\":[\"a\",\"ab\",\"abc\",\"b\",\"a\"]}",
    "{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1},\"ab\":{\"const\":2},\"b\":{\"const\":3},\"c\":{"
    "\"const\":4}}}",
    "{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1},\"b\":{\"const\":2},\"c\":{\"const\":3},\"d\":{\"const\":"
    "4}},"
    "\"required\":[\"b\",\"c\"],\"additionalProperties\":{\"const\":9}}",
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"minLength\":12},\"b\":{\"type\":\"array\","
    "\"items\":"
    "{\"type\":\"string\",\"minLength\":5},\"minItems\":2}},\"required\":[\"a\",\"b\"]}",
    "{\"type\":\"object\"}",
    "{}",
    "true",
    "{\"type\":\"array\"}",
    "{\"type\":\"string\"}",
    "{\"type\":\"string\",\"minLength\":3,\"maxLength\":5}",
    "{\"type\":\"string\",\"minLength\":40}",
    "{\"type\":\"string\",\"maxLength\":0}",
    "{\"type\":\"integer\"}",
    "{\"type\":\"number\"}",
    "{\"type\":\"integer\",\"minimum\":-17,\"maximum\":230}",
    "{\"type\":\"integer\",\"exclusiveMinimum\":9,\"exclusiveMaximum\":11}",
    "{\"type\":\"integer\",\"minimum\":1.5}",
    "{\"type\":\"integer\",\"maximum\":-100}",
    "{\"type\":\"integer\",\"minimum\":999,\"maximum\":100001}",
    "{\"type\":\"number\",\"minimum\":35,\"maximum\":42.5}",
    "{\"type\":\"number\",\"exclusiveMinimum\":0,\"exclusiveMaximum\":0.001}",
    "{\"type\":\"number\",\"exclusiveMinimum\":-0.1,\"maximum\":0.1}",
    "{\"type\":\"number\",\"minimum\":-1e300,\"maximum\":-0.25}",
    "{\"type\":\"number\",\"minimum\":1e3}",
    "{\"minimum\":5,\"exclusiveMinimum\":5,\"maximum\":7,\"type\":\"number\"}",
    "{\"enum\":[\"男\",\"女\",null,1,2.5,\"a\\\"b\\\\\",[1,{\"x\":[]}],false]}",
    "{\"type\":\"string\",\"enum\":[\"a\",1,\"ab\"]}",
    "{\"const\":{\"a\":[1,2]}}",
    "{\"type\":[\"string\",\"null\"],\"maxLength\":2}",
    "{\"type\":\"string\",\"nullable\":true,\"maxLength\":2}",
    "{\"type\":\"string\",\"pattern\":\"^[a-c]{2,3}-(x|yy)+$\"}",
    "{\"type\":\"string\",\"pattern\":\"b[0-9]\"}",
    "{\"type\":\"string\",\"pattern\":\"^a|b$\"}",
    "{\"type\":\"string\",\"pattern\":\"^[^a-z]*$\",\"minLength\":2,\"maxLength\":4}",
    "{\"type\":\"string\",\"pattern\":\"^(ab)*$\",\"minLength\":3,\"maxLength\":7}",
    "{\"type\":\"string\",\"pattern\":\"^[男女老幼]{2,4}(医生|大夫)$\"}",
    "{\"type\":\"string\",\"pattern\":\"^.{0,6}$\"}",
    "{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":9},\"minItems\":2,\"maxItems\":4}",
    "{\"type\":\"array\",\"items\":{\"type\":\"boolean\"},\"minItems\":3}",
    "{\"type\":\"array\",\"items\":false}",
    "{\"type\":\"array\",\"items\":{\"type\":\"boolean\"},\"maxItems\":1}",
    "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\",\"maxLength\":1},{\"type\":\"integer\"}],\"minItems\":"
    "1}",
    "{\"type\":\"array\",\"prefixItems\":[{\"const\":1}],\"items\":{\"const\":2},\"minItems\":3}",
    "{\"type\":\"array\",\"prefixItems\":[{\"const\":1}],\"items\":false,\"minItems\":1}",
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"null\"},\"c\":{\"const\":3}},"
    "\"required\":[\"b\"],\"additionalProperties\":false}",
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"ab\":{\"type\":\"null\"}},"
    "\"additionalProperties\":{\"type\":\"boolean\"}}",
    "{\"type\":\"object\",\"properties\":{\"药\":{\"const\":1},\"药名\":{\"const\":2}},\"required\":[\"药名\"],"
    "\"additionalProperties\":{\"const\":\"x\"}}",
    "{\"type\":\"object\",\"properties\":{\"a\":{}},\"required\":[\"a\",\"z\"],\"additionalProperties\":{\"const\":0}}",
    "{\"type\":\"object\",\"properties\":{\"\\\"\\n\":{\"const\":1}},\"required\":[\"\\\"\\n\"]}",
    "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}",
    "{\"anyOf\":[{\"type\":\"string\",\"maxLength\":2},{\"type\":\"integer\"},{\"type\":\"array\",\"items\":{\"type\":"
    "\"null\"}}]}",
    "{\"anyOf\":[{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"a\"},\"v\":{\"type\":\"integer\"}},"
    "\"required\":"
    "[\"k\",\"v\"]},{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"ab\"},\"w\":{\"type\":\"null\"}},"
    "\"required\":"
    "[\"k\",\"w\"]}]}",
    "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"a\"}},\"required\":[\"k\"]},{\"type\":"
    "\"object\","
    "\"properties\":{\"k\":{\"enum\":[\"b\",\"c\"]}},\"required\":[\"k\"]},{\"type\":\"null\"}]}",
    "{\"$defs\":{\"tree\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"integer\",\"maximum\":9,\"minimum\":0}"
    ","
    "\"kids\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/tree\"}}},\"required\":[\"v\",\"kids\"]}},\"$ref\":"
    "\"#/$defs/tree\"}",
    "{\"$defs\":{\"list\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":"
    "\"#/$defs/list\"}},\"required\":[\"next\"]}]}},\"type\":\"object\",\"properties\":{\"l\":{\"$ref\":\"#/$defs/"
    "list\"}},"
    "\"required\":[\"l\"]}",
    "{\"type\":\"object\",\"properties\":{\"self\":{\"$ref\":\"#\"},\"n\":{\"const\":1}},\"required\":[\"n\"]}",
    "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/"
    "endless\"},\"n\":{\"const\":1}},\"$defs\":{\"endless\":"
    "{\"type\":\"object\",\"properties\":{\"x\":{\"$ref\":\"#/$defs/endless\"}},\"required\":[\"x\"]}}}",
    "{\"anyOf\":[{\"type\":\"string\",\"maxLength\":3},{\"const\":\"hellohello\"}]}",
    "{\"anyOf\":[{\"type\":\"string\",\"maxLength\":6},{\"type\":\"string\",\"minLength\":9}]}",
    "{\"allOf\":[{\"$ref\":\"#/definitions/"
    "x\"}],\"title\":\"t\",\"definitions\":{\"x\":{\"type\":\"string\",\"maxLength\":1}}}",
};

static void every_walk_ends_in_what_the_schema_allows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        struct grammar *g = NULL;
        struct error e = {0};
        json_t *root = NULL;
        int rc = compile(&g, schemas[i], &root, NULL, &e);
        if (rc) fail_msg("%s: %s", schemas[i], e.text);
        check_walks(g, schemas[i], root, ROOMY, WALKS);
        for (int more = 0; more < 40; more += more < 8 ? 1 : 7) /* so tight that nearly every token is forced */
            check_walks(g, schemas[i], root, grammar_min_tokens(g) + more, 40);
        grammar_release(g);
        json_decref(root);
    }
}

/* From every place of a walk, a fresh count of tokens equal to the bound is enough. */
static void the_bound_of_every_place_is_enough(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        struct grammar *g = NULL;
        struct error e = {0};
        json_t *root = NULL;
        struct grammar_state *s = NULL;
        uint64_t mask[(TINY_TOKENS + 63) / 64];
        size_t words = grammar_vocab_words(vocab);
        uint64_t seed = 77 + i;
        check_ok(compile(&g, schemas[i], &root, NULL, &e), &e);
        check_ok(grammar_state_new(&s, g, &e), &e);
        for (int step = 0; step < 60 && !grammar_must_end(s); step++) {
            struct grammar_state *tight = NULL;
            check_ok(grammar_state_clone(&tight, s, &e), &e);
            for (int left = grammar_state_min_tokens(tight); left > 0; left--) {
                check_ok(grammar_mask(tight, left, mask, &e), &e);
                int32_t id = walk_choose(mask, words, &seed);
                if (id < 0) fail_msg("%s: no token with %d left", schemas[i], left);
                check_ok(grammar_accept(tight, id, &e), &e);
            }
            assert_true(grammar_may_end(tight));
            grammar_state_free(tight);
            check_ok(grammar_mask(s, 10000, mask, &e), &e);
            int32_t id = walk_choose(mask, words, &seed);
            if (id < 0) break;
            check_ok(grammar_accept(s, id, &e), &e);
        }
        grammar_state_free(s);
        grammar_release(g);
        json_decref(root);
    }
}

/* The mask, with its shortcuts and what it remembers, against stepping over every token by itself. */
static void the_mask_is_what_each_token_would_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        struct grammar *g = NULL;
        struct error e = {0};
        json_t *root = NULL;
        struct grammar_state *s = NULL;
        uint64_t mask[(TINY_TOKENS + 63) / 64];
        uint64_t seed = 5 + i;
        check_ok(compile(&g, schemas[i], &root, NULL, &e), &e);
        check_ok(grammar_state_new(&s, g, &e), &e);
        for (int step = 0; step < 40 && !grammar_must_end(s); step++) {
            int left = grammar_state_min_tokens(s) + (step % 3 ? 1000 : 1);
            check_ok(grammar_mask(s, left, mask, &e), &e);
            for (int32_t id = 0; id < TINY_TOKENS; id++) {
                struct grammar_state *after = NULL;
                struct error no = {0};
                check_ok(grammar_state_clone(&after, s, &e), &e);
                bool fits = grammar_accept(after, id, &no) == OK && grammar_state_min_tokens(after) < left;
                if (fits != walk_allows(mask, id)) fail_msg("%s: step %d, token %d: %d", schemas[i], step, id, fits);
                grammar_state_free(after);
            }
            int32_t id = walk_choose(mask, grammar_vocab_words(vocab), &seed);
            if (id >= 0) check_ok(grammar_accept(s, id, &e), &e);
        }
        grammar_state_free(s);
        grammar_release(g);
        json_decref(root);
    }
}

/* Does the grammar accept exactly this text? */
static bool takes(struct grammar *g, const char *text)
{
    struct grammar_state *s = NULL;
    struct error e = {0};
    bool fits = true;
    check_ok(grammar_state_new(&s, g, &e), &e);
    for (const char *c = text; *c && fits; c++) {
        uint64_t mask[(TINY_TOKENS + 63) / 64];
        int32_t id = 0;
        size_t n = 0;
        while (id < 256 && *tokenizer_token_bytes(tokenizer, id, &n) != *c) id++;
        check_ok(grammar_mask(s, 10000, mask, &e), &e);
        fits = grammar_accept(s, id, &e) == OK;
        assert_int_equal(fits, walk_allows(mask, id)); /* the mask and the step agree */
        error_clear(&e);
    }
    fits = fits && grammar_may_end(s);
    grammar_state_free(s);
    return fits;
}

static void check_taken(const char *schema, const char *const *good, const char *const *bad)
{
    struct grammar *g = NULL;
    struct error e = {0};
    json_t *root = NULL;
    check_ok(compile(&g, schema, &root, NULL, &e), &e);
    for (; *good; good++)
        if (!takes(g, *good)) fail_msg("%s does not take %s", schema, *good);
    for (; *bad; bad++)
        if (takes(g, *bad)) fail_msg("%s takes %s", schema, *bad);
    grammar_release(g);
    json_decref(root);
}

static void what_can_be_written(void **state)
{
    (void)state;
    check_taken("{\"type\":\"object\"}",
                (const char *[]){"{}", "{\"a\":1}", "{\"a\": [1, 2.5e-3, \"x\\n\"], \"b\":{\"c\":null}}",
                                 "{\"胸痛\": \"三天😀\"}", NULL},
                (const char *[]){"", "[]", "{\"a\":1,}", "{\"a\":  1}", "{\"\":1}", "{\"a\":01}", "{\"a\":\"\x01\"}",
                                 "{\"a\":\"\xC0\x80\"}", "{\"a\":\"\xED\xA0\x80\"}", "{\"a\":1} ", "{\n}", NULL});
    check_taken("{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1},\"b\":{\"const\":2},\"c\":{\"const\":3}},"
                "\"required\":[\"b\"],"
                "\"additionalProperties\":{\"const\":0}}",
                (const char *[]){"{\"b\":2}", "{\"a\":1,\"b\":2}", "{\"b\":2, \"c\":3}",
                                 "{\"a\":1,\"b\":2,\"c\":3,\"d\":0,\"e\":0}", "{\"b\":2,\"cc\":0}", NULL},
                (const char *[]){"{}", "{\"a\":1}", "{\"b\":2,\"a\":1}", "{\"a\":1,\"c\":3}", "{\"b\":2,\"c\":0}",
                                 "{\"d\":0,\"b\":2}", "{\"b\":2,}", "{,\"b\":2}", "{\"b\":2,\"d\":0,\"c\":3}", NULL});
    check_taken("{\"type\":\"integer\",\"minimum\":-17,\"maximum\":230}",
                (const char *[]){"0", "-17", "-1", "9", "230", "199", "100", NULL},
                (const char *[]){"-18", "231", "1000", "00", "-0", "1.0", "-20", "-170", NULL});
    check_taken("{\"type\":\"number\",\"minimum\":35,\"exclusiveMaximum\":42.5}",
                (const char *[]){"35", "35.0", "36.6", "42.499999", "42.4", NULL},
                (const char *[]){"34.999999", "42.5", "42.50", "42.500000", "43", "3", "4", "36.", "35e0", NULL});
    check_taken("{\"type\":\"number\",\"exclusiveMinimum\":-0.5,\"maximum\":0.25}",
                (const char *[]){"0", "-0.4", "-0.499999", "0.25", "0.250", "0.0", NULL},
                (const char *[]){"-0.5", "-0.500", "0.2501", "0.26", "1", "-1", NULL});
    check_taken("{\"type\":\"string\",\"pattern\":\"^\\\\d{3}-[^\\\\d\\\\s]$\"}",
                (const char *[]){"\"123-x\"", "\"000-药\"", "\"000-\\\"\"", "\"000-\\\\\"", NULL},
                (const char *[]){"\"123-4\"", "\"123- \"", "\"12-x\"", "\"123-xx\"", "\"a123-x\"", NULL});
    check_taken(
        "{\"type\":\"string\",\"format\":\"date\"}",
        (const char *[]){"\"2024-02-28\"", "\"1999-12-31\"", "\"2023-04-30\"", NULL},
        (const char *[]){"\"2023-02-30\"", "\"2023-04-31\"", "\"2023-13-01\"", "\"2023-00-10\"", "\"23-01-01\"", NULL});
    check_taken(
        "{\"type\":\"string\",\"format\":\"date-time\"}",
        (const char *[]){"\"2024-02-28T23:59:59Z\"", "\"2024-01-31T00:00:00.5+08:00\"", NULL},
        (const char *[]){"\"2024-02-28T24:00:00Z\"", "\"2024-02-28 10:00:00Z\"", "\"2024-02-28T10:00:00\"", NULL});
    check_taken("{\"type\":\"string\",\"minLength\":1,\"maxLength\":2}",
                (const char *[]){"\"a\"", "\"胸痛\"", "\"\\n\\\"\"", "\"😀😀\"", NULL},
                (const char *[]){"\"\"", "\"abc\"", "\"胸痛了\"", NULL});
}

/* Patterns that are nothing but a length take a way of their own. */
static void a_dot_is_no_end_of_a_line(void **state)
{
    (void)state;
    check_taken(
        "{\"type\":\"string\",\"pattern\":\"^.{1,3}$\",\"minLength\":2}",
        (const char *[]){"\"ab\"", "\"\\t\\\"药\"", "\"😀😀😀\"", NULL},
        (const char *[]){"\"a\"", "\"abcd\"", "\"a\\n\"", "\"a\\rb\"", "\"a\xE2\x80\xA8\"", "\"a\xE2\x80\xA9\"", NULL});
    check_taken("{\"type\":\"string\",\"pattern\":\"^[\\\\s\\\\S]+$\",\"maxLength\":3}",
                (const char *[]){"\"a\\nb\"", "\"\xE2\x80\xA8\"", NULL}, (const char *[]){"\"\"", "\"abcd\"", NULL});
    check_taken("{\"type\":\"string\",\"pattern\":\"^.*$\"}", (const char *[]){"\"\"", "\"abc\"", NULL},
                (const char *[]){"\"\\n\"", NULL});
}

static void patterns_mean_what_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *good[5], *bad[5];
    } cases[] = {
        {"(120|999|110)", {"120", "999"}, {"", "1209", "12"}},
        {"a?b*c+", {"c", "abbc", "bcc"}, {"", "a", "aac", "cb"}},
        {"[^x-z\\]]{2}", {"ab", "药a"}, {"a", "ax", "a]", "abc"}},
        {"(?:a|b){2,}?x{0}", {"ab", "baba"}, {"a", "abx"}},
        {"\\u836f\\x41\\u{1F600}", {"药A😀"}, {"药A", "药a😀"}},
        {"^(?<year>\\d\\d)\\.$", {"12."}, {"12x", "1."}},
        {"[\\w-]+@\\S", {"a-b_9@药"}, {"@x", "a@ "}},
        {"()|a", {"", "a"}, {"aa"}},
        {"(a*)*b", {"b", "aab"}, {"a"}},
        {".\\n", {"x\n", "药\n"}, {"\n\n", "x"}},
        {"[一-龥]{2,3}", {"胸痛", "一龥"}, {"胸", "胸a", "龦一", "㐀一"}},
        {"[\\d\\-+]", {"-", "+", "7"}, {"a"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct grammar *g = compile_pattern(cases[i].pattern);
        for (size_t k = 0; k < 5 && cases[i].good[k]; k++)
            if (!takes(g, cases[i].good[k])) fail_msg("%s does not take %s", cases[i].pattern, cases[i].good[k]);
        for (size_t k = 0; k < 5 && cases[i].bad[k]; k++)
            if (takes(g, cases[i].bad[k])) fail_msg("%s takes %s", cases[i].pattern, cases[i].bad[k]);
        grammar_release(g);
    }
}

static void what_is_not_kept_is_refused_by_its_path(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *path;
        int code;
    } cases[] = {
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\",\"items\":{\"type\":\"number\",\"multipleOf\":"
         "3}}}}",
         "schema.properties.a.items.multipleOf", ERR_UNSUPPORTED},
        {"{\"type\":\"object\",\"patternProperties\":{}}", "schema.patternProperties", ERR_UNSUPPORTED},
        {"{\"type\":\"object\",\"minProperties\":1}", "schema.minProperties", ERR_UNSUPPORTED},
        {"{\"type\":\"array\",\"uniqueItems\":true}", "schema.uniqueItems", ERR_UNSUPPORTED},
        {"{\"type\":\"array\",\"contains\":{}}", "schema.contains", ERR_UNSUPPORTED},
        {"{\"type\":\"array\",\"items\":[{}]}", "schema.items", ERR_UNSUPPORTED},
        {"{\"not\":{}}", "schema.not", ERR_UNSUPPORTED},
        {"{\"if\":{}}", "schema.if", ERR_UNSUPPORTED},
        {"{\"allOf\":[{},{}]}", "schema.allOf", ERR_UNSUPPORTED},
        {"{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\",\"format\":\"uri\"}]}", "schema.anyOf[1].format",
         ERR_UNSUPPORTED},
        {"{\"anyOf\":[{}],\"type\":\"string\"}", "schema.type", ERR_UNSUPPORTED},
        {"{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"string\",\"maxLength\":2}]}", "schema.oneOf", ERR_UNSUPPORTED},
        {"{\"oneOf\":[{\"properties\":{\"a\":{}}},{\"type\":\"string\"}]}", "schema.oneOf", ERR_UNSUPPORTED},
        {"{\"$ref\":\"#/$defs/x\",\"$defs\":{\"x\":{\"type\":\"string\",\"pattern\":\"(?=a)\"}}}",
         "schema.$defs.x.pattern", ERR_UNSUPPORTED},
        {"{\"$ref\":\"#/$defs/y\"}", "schema.$ref", ERR_UNSUPPORTED},
        {"{\"$ref\":\"http://example.org/x\"}", "schema.$ref", ERR_UNSUPPORTED},
        {"{\"$ref\":\"#\",\"minLength\":1}", "schema.minLength", ERR_UNSUPPORTED},
        {"{\"type\":\"string\",\"pattern\":\"a\\\\b\"}", "schema.pattern", ERR_UNSUPPORTED},
        {"{\"type\":\"string\",\"pattern\":\"(a)\\\\1\"}", "schema.pattern", ERR_UNSUPPORTED},
        {"{\"type\":\"string\",\"pattern\":\"[z-a]\"}", "schema.pattern", ERR_INVALID},
        {"{\"type\":\"string\",\"pattern\":\"(\"}", "schema.pattern", ERR_INVALID},
        {"{\"type\":\"string\",\"pattern\":\"a**\"}", "schema.pattern", ERR_INVALID},
        {"{\"type\":\"string\",\"pattern\":\"((a{1000}){1000}){1000}\"}", "schema.pattern", ERR_LIMIT},
        {"{\"type\":\"string\",\"pattern\":\"^.{2}$\",\"minLength\":3}", "schema.pattern", ERR_INVALID},
        {"{\"type\":\"string\",\"minLength\":3,\"maxLength\":2}", "schema.minLength", ERR_INVALID},
        {"{\"type\":\"string\",\"maxLength\":-1}", "schema.maxLength", ERR_INVALID},
        {"{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}", "schema.minimum", ERR_INVALID},
        {"{\"type\":\"integer\",\"exclusiveMinimum\":true}", "schema.exclusiveMinimum", ERR_INVALID},
        {"{\"type\":\"integer\",\"minimum\":1e20}", "schema.minimum", ERR_UNSUPPORTED},
        {"{\"type\":\"text\"}", "schema.type", ERR_INVALID},
        {"{\"type\":[]}", "schema.type", ERR_INVALID},
        {"{\"enum\":[]}", "schema.enum", ERR_INVALID},
        {"{\"type\":\"string\",\"enum\":[1]}", "schema.enum", ERR_INVALID},
        {"{\"enum\":[\"a\"],\"maxLength\":1}", "schema.maxLength", ERR_UNSUPPORTED},
        {"{\"type\":\"object\",\"required\":[\"a\"],\"additionalProperties\":false}", "schema.required", ERR_INVALID},
        {"{\"type\":\"object\",\"properties\":{\"a\":false},\"required\":[\"a\"]}", "schema.properties.a", ERR_INVALID},
        {"{\"type\":\"array\",\"items\":false,\"minItems\":1}", "schema.minItems", ERR_INVALID},
        {"false", "schema", ERR_INVALID},
        {"{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/a\"}},\"$ref\":\"#/$defs/a\"}", "schema", ERR_INVALID},
        {"{\"$defs\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/$defs/b\"},{\"type\":\"null\"}]},\"b\":{\"$ref\":\"#/$defs/a\"}},"
         "\"$ref\":\"#/$defs/a\"}",
         "schema", ERR_INVALID},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}", "schema", ERR_INVALID},
        {"{\"type\":\"string\",\"pattern\":\"^(ab)*$\",\"minLength\":3,\"maxLength\":3}", "schema", ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct grammar *g = NULL;
        struct error e = {0};
        json_t *root = NULL;
        char param[160] = "";
        int rc = compile(&g, cases[i].schema, &root, param, &e);
        if (rc != cases[i].code || strcmp(param, cases[i].path) != 0 || !strstr(e.text, cases[i].path))
            fail_msg("%s: %s \"%s\": %s", cases[i].schema, rc ? error_code_name(rc) : "OK", param, e.text);
        json_decref(root);
    }
}

/* --- tool calls and free text
 * ------------------------------------------------------------------------------------------------ */

static struct grammar *calls_grammar(const char *separator, const char *trigger)
{
    struct grammar *g = NULL;
    struct error e = {0};
    json_t *schema = json_pack("{s:s, s:{s:{s:s}}}", "type", "object", "properties", "n", "type", "integer");
    const struct grammar_part parts[] = {{.before = "<t>a", .schema = schema, .after = "</t>"},
                                         {.before = "<t>b", .after = "</t>"}};
    struct grammar_spec spec = {.parts = parts, .n_parts = 2, .separator = separator, .trigger = trigger};
    check_ok(grammar_new(&g, vocab, &spec, &e), &e);
    json_decref(schema);
    return g;
}

static void parts_come_once_or_often_or_behind_free_text(void **state)
{
    (void)state;
    struct grammar *g = calls_grammar(NULL, NULL);
    assert_true(takes(g, "<t>a{\"n\":1}</t>") && takes(g, "<t>b</t>"));
    assert_false(takes(g, "<t>b</t>,<t>b</t>") || takes(g, "") || takes(g, "x<t>b</t>"));
    grammar_release(g);
    g = calls_grammar(",", NULL);
    assert_true(takes(g, "<t>b</t>,<t>a{}</t>") && takes(g, "<t>b</t>"));
    assert_false(takes(g, "<t>b</t><t>b</t>") || takes(g, "<t>b</t>,"));
    grammar_release(g);
    g = calls_grammar(NULL, "<t>");
    assert_true(takes(g, "") && takes(g, "hello < <t \n t>") && takes(g, "x<<t>b</t>") && takes(g, "<t>a{}</t>"));
    assert_false(takes(g, "<t>") || takes(g, "x<t>c") || takes(g, "<t>b</t>x") || takes(g, "<t>b</t><t>b</t>"));
    grammar_release(g);
}

static void a_call_that_began_is_closed_in_time(void **state)
{
    (void)state;
    struct grammar *g = calls_grammar(",", "<t>");
    for (int max = 1; max < 40; max++)
        for (uint64_t seed = 0; seed < 60; seed++) {
            struct buf text = BUF_INIT(MIB);
            assert_true(grammar_walk(g, vocab, tokenizer, max, 1000, seed, &text) >= 0);
            buf_free(&text);
        }
    grammar_release(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_walk_ends_in_what_the_schema_allows),
        cmocka_unit_test(the_bound_of_every_place_is_enough),
        cmocka_unit_test(the_mask_is_what_each_token_would_do),
        cmocka_unit_test(what_can_be_written),
        cmocka_unit_test(patterns_mean_what_they_say),
        cmocka_unit_test(a_dot_is_no_end_of_a_line),
        cmocka_unit_test(what_is_not_kept_is_refused_by_its_path),
        cmocka_unit_test(parts_come_once_or_often_or_behind_free_text),
        cmocka_unit_test(a_call_that_began_is_closed_in_time),
    };
    return cmocka_run_group_tests_name("grammar", tests, set_up, tear_down);
}
