/* test_config.c - config.json and generation_config.json: fields, defaults, YaRN's frequencies, refusals by name. */
#include "support/check.h"

#include <math.h>

#include "engine/sampler.h"
#include "model/config.h"

/* Qwen2.5-7B-Instruct's config.json with room for more keys. */
#define CONFIG_7B(more)                                                                                                \
    "{\"architectures\":[\"Qwen2ForCausalLM\"],\"bos_token_id\":151643,\"eos_token_id\":151645,\"hidden_act\":"        \
    "\"silu\","                                                                                                        \
    "\"hidden_size\":3584,\"intermediate_size\":18944,\"max_position_embeddings\":32768,\"max_window_layers\":28,"     \
    "\"model_type\":\"qwen2\",\"num_attention_heads\":28,\"num_hidden_layers\":28,\"num_key_value_heads\":4,"          \
    "\"rms_norm_eps\":1e-06,\"sliding_window\":131072,\"tie_word_embeddings\":false,"                                  \
    "\"torch_dtype\":\"bfloat16\",\"use_sliding_window\":false,\"vocab_size\":152064" more "}"
#define THETA ",\"rope_theta\":1000000.0"

static int parse(struct model_config *c, const char *text, struct error *e)
{
    config_init(c);
    *e = (struct error){0};
    int rc = config_parse_hf(c, text, strlen(text), e);
    return rc ? rc : config_validate(c, e);
}

static void the_published_7b_is_read(void **state)
{
    (void)state;
    static const char generation[] =
        "{\"bos_token_id\":151643,\"pad_token_id\":151643,\"do_sample\":true,\"eos_token_id\":[151645,151643],"
        "\"repetition_penalty\":1.05,\"temperature\":0.7,\"top_p\":0.8,\"top_k\":20}";
    struct model_config c;
    struct error e;
    check_ok(parse(&c, CONFIG_7B(THETA), &e), &e);
    assert_true(c.vocab_size == 152064 && c.hidden_size == 3584 && c.intermediate_size == 18944 && c.layers == 28);
    assert_true(c.heads == 28 && c.kv_heads == 4 && c.head_size == 128 && c.max_position == 32768);
    assert_false(c.tied_embeddings);
    assert_false(c.yarn.enabled);
    assert_true(c.rope_theta == 1e6f && c.rms_eps == 1e-6f);
    assert_true(c.eos_count == 1 && c.eos[0] == 151645 && c.bos == 151643);
    assert_true(c.temperature == 1.0f && c.top_k == 50 && !c.do_sample); /* the library's defaults */
    check_ok(config_parse_generation(&c, generation, strlen(generation), &e), &e);
    assert_true(c.eos_count == 2 && c.eos[0] == 151645 && c.eos[1] == 151643);
    assert_true(c.do_sample && c.top_k == 20 && c.temperature == 0.7f && c.top_p == 0.8f);
    assert_true(c.repetition_penalty == 1.05f);
    assert_int_equal(config_native_context(&c), 32768);
}

/* Values computed from transformers' _compute_yarn_parameters formulas in double precision. */
static void yarn_in_both_spellings_gives_the_reference_frequencies(void **state)
{
    (void)state;
    static const char *const spellings[] = {
        CONFIG_7B(THETA
                  ",\"rope_scaling\":{\"factor\":4.0,\"original_max_position_embeddings\":32768,\"type\":\"yarn\"}"),
        CONFIG_7B(",\"rope_parameters\":{\"rope_type\":\"yarn\",\"rope_theta\":1000000.0,\"factor\":4.0,"
                  "\"original_max_position_embeddings\":32768,\"mscale\":null}")};
    static const struct {
        int i;
        double value;
    } wanted[] = {{0, 1.0},
                  {10, 0.1154781984689458},
                  {23, 0.006978305848598663},
                  {24, 0.005375321490790102},
                  {30, 0.0010643609812470017},
                  {39, 6.490394320837028e-05},
                  {40, 4.445698525097307e-05},
                  {63, 3.102344401879299e-07}};
    for (size_t s = 0; s < 2; s++) {
        struct model_config c;
        struct error e;
        float frequency[64];
        float factor;
        check_ok(parse(&c, spellings[s], &e), &e);
        assert_true(c.yarn.enabled && c.yarn.factor == 4.0f && c.yarn.original_context == 32768);
        assert_int_equal(config_native_context(&c), 131072);
        config_rope_frequencies(&c, frequency, &factor);
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            assert_true(fabs((double)frequency[wanted[i].i] / wanted[i].value - 1) < 1e-6);
        assert_true(fabs((double)factor - 1.138629436111989) < 1e-6);
    }
}

static void a_longer_context_turns_yarn_on(void **state)
{
    (void)state;
    struct model_config c;
    struct error e;
    check_ok(parse(&c, CONFIG_7B(THETA), &e), &e);
    check_ok(config_extend_context(&c, 32768, &e), &e);
    assert_false(c.yarn.enabled);
    check_ok(config_extend_context(&c, 65536, &e), &e);
    assert_true(c.yarn.enabled && c.yarn.factor == 2.0f && c.yarn.original_context == 32768);
    check_refused(config_extend_context(&c, 131073, &e), &e, ERR_TOO_LONG, "131073 tokens is beyond");
}

static void what_is_not_honoured_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
        const char *words;
    } cases[] = {
        {"[]", ERR_FORMAT, "not a JSON object"},
        {"{\"model_type\":\"llama\"}", ERR_UNSUPPORTED, "model type \"llama\""},
        {"{}", ERR_UNSUPPORTED, "only qwen2"},
        {"{\"model_type\":\"qwen2\"}", ERR_FORMAT, "does not say"},
        {CONFIG_7B(",\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}"), ERR_UNSUPPORTED, "rope type \"linear\""},
        {CONFIG_7B(",\"rope_scaling\":{\"rope_type\":\"dynamic\",\"factor\":2}"), ERR_UNSUPPORTED, "\"dynamic\""},
        {CONFIG_7B(",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2,\"mscale\":1}"), ERR_UNSUPPORTED, "mscale"},
        {CONFIG_7B(",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":0.5}"), ERR_FORMAT, "YaRN"},
        {CONFIG_7B(",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":\"x\"}"), ERR_FORMAT, "\"factor\""},
        {CONFIG_7B(",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":0}"), ERR_FORMAT, "YaRN"},
        {CONFIG_7B(",\"rope_scaling\":{\"factor\":4}"), ERR_UNSUPPORTED, "\"rope_scaling\" has a factor of 4"},
        {CONFIG_7B(",\"rope_parameters\":{\"factor\":0.5}"), ERR_UNSUPPORTED, "\"rope_parameters\" has a factor"},
        {CONFIG_7B(",\"rope_scaling\":{\"type\":5,\"factor\":1}"), ERR_FORMAT, "the rope type must be text"},
        {CONFIG_7B(",\"layer_types\":\"abc\""), ERR_FORMAT, "\"layer_types\" must be a list"},
        {CONFIG_7B(",\"rope_scaling\":[]"), ERR_FORMAT, "\"rope_scaling\" must be an object"},
        {CONFIG_7B(",\"rope_parameters\":\"x\""), ERR_FORMAT, "\"rope_parameters\" must be an object"},
        {CONFIG_7B(",\"layer_types\":[\"full_attention\",\"sliding_attention\"]"), ERR_UNSUPPORTED,
         "\"sliding_attention\""},
        {CONFIG_7B(",\"quantization_config\":{\"quant_method\":\"awq\"}"), ERR_UNSUPPORTED, "awq"},
        {CONFIG_7B(",\"head_dim\":24"), ERR_UNSUPPORTED, "head size of 24"},
        {CONFIG_7B(",\"head_dim\":100000"), ERR_FORMAT, "\"head_dim\""},
        {CONFIG_7B(",\"rope_theta\":0"), ERR_FORMAT, "rope_theta"},
        {CONFIG_7B(",\"pad_token_id\":\"x\""), ERR_FORMAT, "\"pad_token_id\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model_config c;
        struct error e;
        check_refused(parse(&c, cases[i].text, &e), &e, cases[i].code, cases[i].words);
        assert_int_equal(error_exit_code(e.code), 65);
    }
}

/* The same text with one value replaced. */
static void check_replaced(const char *old, const char *new_value, int code, const char *words)
{
    char text[2048];
    const char *whole = CONFIG_7B("");
    const char *at = strstr(whole, old);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - whole), whole, new_value, at + strlen(old));
    struct model_config c;
    struct error e;
    check_refused(parse(&c, text, &e), &e, code, words);
}

static void impossible_values_are_refused(void **state)
{
    (void)state;
    check_replaced("\"hidden_size\":3584", "\"hidden_size\":1e99", ERR_FORMAT, "\"hidden_size\"");
    check_replaced("\"hidden_size\":3584", "\"hidden_size\":70000", ERR_FORMAT, "\"hidden_size\"");
    check_replaced("\"num_hidden_layers\":28", "\"num_hidden_layers\":513", ERR_FORMAT, "\"num_hidden_layers\"");
    check_replaced("\"num_key_value_heads\":4", "\"num_key_value_heads\":5", ERR_FORMAT,
                   "28 query heads cannot share 5");
    check_replaced("\"vocab_size\":152064", "\"vocab_size\":1000", ERR_FORMAT, "end token 151645 is outside");
    check_replaced("\"use_sliding_window\":false", "\"use_sliding_window\":true", ERR_UNSUPPORTED, "sliding window");
    check_replaced("\"hidden_act\":\"silu\"", "\"hidden_act\":\"gelu\"", ERR_UNSUPPORTED, "\"gelu\"");
    check_replaced("\"hidden_act\":\"silu\"", "\"hidden_act\":5", ERR_UNSUPPORTED, "hidden_act");
}

/* What the sampler would refuse at every question is refused when the model is opened. */
static void defaults_beyond_the_sampler_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const keys[] = {"temperature", "top_p", "top_k", "repetition_penalty"};
    static const struct {
        int key;
        const char *value;
        bool fine;
    } cases[] = {{0, "0", true},   {0, "2", true},    {0, "2.01", false}, {0, "-0.1", false},   {1, "1", true},
                 {1, "0", false},  {1, "1.5", false}, {2, "0", true},     {2, "1048576", true}, {2, "1048577", false},
                 {2, "-1", false}, {3, "0.01", true}, {3, "100", true},   {3, "0.001", false},  {3, "101", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        char words[64];
        struct model_config c;
        struct error e = {0};
        struct sampling s;
        config_init(&c);
        snprintf(text, sizeof text, "{\"%s\":%s}", keys[cases[i].key], cases[i].value);
        snprintf(words, sizeof words, "\"%s\" must be", keys[cases[i].key]);
        int rc = config_parse_generation(&c, text, strlen(text), &e);
        if (cases[i].fine)
            check_ok(rc, &e);
        else
            check_refused(rc, &e, ERR_FORMAT, words);
        sampling_defaults(&s);
        s.temperature = c.temperature;
        s.top_p = c.top_p;
        s.top_k = c.top_k;
        s.repetition_penalty = c.repetition_penalty;
        if (cases[i].fine) check_ok(sampling_validate(&s, 152064, &e), &e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_7b_is_read),
        cmocka_unit_test(yarn_in_both_spellings_gives_the_reference_frequencies),
        cmocka_unit_test(a_longer_context_turns_yarn_on),
        cmocka_unit_test(what_is_not_honoured_is_refused_by_name),
        cmocka_unit_test(impossible_values_are_refused),
        cmocka_unit_test(defaults_beyond_the_sampler_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
