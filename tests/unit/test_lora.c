/* test_lora.c - PEFT adapters: what is read, and what is refused by name. That the numbers are right is test_golden's.
 */
#include "support/check.h"

#include <math.h>

#include "base/buf.h"
#include "model/lora.h"
#include "model/model_file.h"
#include "model/safetensors.h"

#define DATA "tests/golden/data/"

static char directory[256];
static struct model_file *base, *other; /* the adapter's base, and another shape */

static int set_up(void **state)
{
    (void)state;
    struct error e = {0};
    check_directory_make(directory, sizeof directory);
    check_ok(model_file_open(&base, DATA "tied-bf16", &e), &e);
    check_ok(model_file_open(&other, DATA "untied-f32", &e), &e);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    model_file_close(base);
    model_file_close(other);
    check_directory_remove(directory);
    return 0;
}

static void write_config(const char *more)
{
    char text[1024];
    int n = snprintf(text, sizeof text, "{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":8,\"bias\":\"none\"%s}", more);
    check_file(directory, "adapter_config.json", text, (size_t)n);
}

static void refuses(const struct model_file *f, int code, const char *words)
{
    struct lora *l;
    struct error e = {0};
    check_refused(lora_load(&l, directory, model_file_config(f), &e), &e, code, words);
    assert_null(l);
}

static void the_published_layout_is_read(void **state)
{
    (void)state;
    struct lora *l;
    struct error e = {0};
    check_ok(lora_load(&l, DATA "tied-bf16-lora", model_file_config(base), &e), &e);
    assert_true(l->layers == 3 && l->max_rank == 4);
    for (int i = 0; i < l->layers; i++)
        for (int k = 0; k < LORA_TARGETS; k++) {
            assert_true(l->pairs[i][k].rank == 4 && l->pairs[i][k].a && l->pairs[i][k].b);
            assert_true(l->pairs[i][k].scale == 2.0f);
        }
    assert_true(l->pairs[0][LORA_DOWN].in == 352 && l->pairs[0][LORA_DOWN].out == 128);
    assert_true(l->pairs[0][LORA_K].in == 128 && l->pairs[0][LORA_K].out == 32);
    lora_free(l);
}

static void scale_follows_the_config(void **state)
{
    (void)state;
    struct lora *l;
    struct error e = {0};
    check_copy(DATA "tied-bf16-lora", directory, "adapter_model.safetensors");
    write_config(",\"use_rslora\":true,\"alpha_pattern\":{\"layers.1.mlp.up_proj\":16,\"k_proj\":2}");
    check_ok(lora_load(&l, directory, model_file_config(base), &e), &e);
    assert_true(l->pairs[0][LORA_UP].scale == 4.0f); /* 8 / sqrt(4) */
    assert_true(l->pairs[1][LORA_UP].scale == 8.0f);
    assert_true(l->pairs[2][LORA_K].scale == 1.0f);
    lora_free(l);
    static const char plain[] = "{\"peft_type\":\"LORA\",\"r\":4}"; /* PEFT's lora_alpha is 8 then */
    check_file(directory, "adapter_config.json", plain, strlen(plain));
    check_ok(lora_load(&l, directory, model_file_config(base), &e), &e);
    assert_true(l->pairs[0][LORA_Q].scale == 2.0f);
    lora_free(l);
    static const char text[] = "{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":\"8\"}";
    check_file(directory, "adapter_config.json", text, strlen(text));
    refuses(base, ERR_FORMAT, "no valid r and lora_alpha");
    write_config(",\"rank_pattern\":{\"q_proj\":8}");
    refuses(base, ERR_FORMAT, "model.layers.0.self_attn.q_proj is incomplete or not of rank 8");
    write_config(",\"rank_pattern\":{\"^model.*q_proj\":8}");
    refuses(base, ERR_UNSUPPORTED, "regular expression");
}

static void what_is_not_honoured_is_refused_by_name(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {",\"use_dora\":true", "use_dora"},
        {",\"fan_in_fan_out\":true", "fan_in_fan_out"},
        {",\"modules_to_save\":[\"lm_head\"]", "modules_to_save"},
        {",\"layer_replication\":[[0,2]]", "layer_replication"},
        {",\"trainable_token_indices\":[5]", "trainable_token_indices"},
    };
    check_copy(DATA "tied-bf16-lora", directory, "adapter_model.safetensors");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_config(cases[i][0]);
        refuses(base, ERR_UNSUPPORTED, cases[i][1]);
    }
    static const char ia3[] = "{\"peft_type\":\"IA3\"}";
    check_file(directory, "adapter_config.json", ia3, strlen(ia3));
    refuses(base, ERR_UNSUPPORTED, "\"IA3\"");
    static const char biased[] = "{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":8,\"bias\":\"all\"}";
    check_file(directory, "adapter_config.json", biased, strlen(biased));
    refuses(base, ERR_UNSUPPORTED, "trains biases");
}

/* PEFT's ways to initialise that take their start off the base model's weights: on the published base they answer
 * something else. */
static void initialisations_that_change_the_base_are_refused(void **state)
{
    (void)state;
    static const char *const fine[] = {"null", "true", "false", "\"gaussian\"", "\"orthogonal\"", "\"eva\""};
    static const char *const others[] = {"\"pissa\"", "\"pissa_niter_16\"", "\"olora\"",    "\"corda\"",
                                         "\"loftq\"", "\"lora_ga\"",        "\"tomorrow\"", "5"};
    char more[64];
    check_copy(DATA "tied-bf16-lora", directory, "adapter_model.safetensors");
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        struct lora *l;
        struct error e = {0};
        snprintf(more, sizeof more, ",\"init_lora_weights\":%s", fine[i]);
        write_config(more);
        check_ok(lora_load(&l, directory, model_file_config(base), &e), &e);
        lora_free(l);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(more, sizeof more, ",\"init_lora_weights\":%s", others[i]);
        write_config(more);
        refuses(base, ERR_UNSUPPORTED, "init_lora_weights");
    }
}

static void values_of_another_type_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{",\"use_rslora\":\"yes\"", "use_rslora"},
                                           {",\"rank_pattern\":[1]", "rank_pattern"},
                                           {",\"alpha_pattern\":\"x\"", "alpha_pattern"},
                                           {",\"target_modules\":5", "target_modules"},
                                           {",\"target_modules\":[5]", "target_modules"}};
    check_copy(DATA "tied-bf16-lora", directory, "adapter_model.safetensors");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_config(cases[i][0]);
        refuses(base, ERR_FORMAT, cases[i][1]);
    }
    static const char biased[] = "{\"peft_type\":\"LORA\",\"r\":4,\"lora_alpha\":8,\"bias\":5}";
    check_file(directory, "adapter_config.json", biased, strlen(biased));
    refuses(base, ERR_FORMAT, "bias must be text");
}

/* An adapter of one tensor, all ones. */
static void write_tensor(const char *name, int rows, int cols)
{
    char header[512];
    struct buf file = BUF_INIT(MIB);
    int bytes = rows * cols * 4;
    uint64_t n = (uint64_t)snprintf(header, sizeof header,
                                    "{\"%s\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[0,%d]}}", name,
                                    rows, cols, bytes);
    buf_append(&file, &n, 8);
    buf_append_text(&file, header);
    for (int i = 0; i < bytes; i++) buf_append_char(&file, 1);
    check_file(directory, "adapter_model.safetensors", file.data, file.len);
    buf_free(&file);
}

/* q_proj of one layer, rank 4, all ones. */
static void write_pair(int layer)
{
    char header[512];
    struct buf file = BUF_INIT(MIB);
    uint64_t n = (uint64_t)snprintf(
        header, sizeof header,
        "{\"model.layers.%d.self_attn.q_proj.lora_A.weight\":{\"dtype\":\"F32\",\"shape\":[4,128],"
        "\"data_offsets\":[0,2048]},\"model.layers.%d.self_attn.q_proj.lora_B.weight\":{\"dtype\":\"F32\","
        "\"shape\":[128,4],\"data_offsets\":[2048,4096]}}",
        layer, layer);
    buf_append(&file, &n, 8);
    buf_append_text(&file, header);
    for (int i = 0; i < 4096; i++) buf_append_char(&file, 1);
    check_file(directory, "adapter_model.safetensors", file.data, file.len);
    buf_free(&file);
}

#define SEVEN "\"q_proj\",\"k_proj\",\"v_proj\",\"o_proj\",\"gate_proj\",\"up_proj\",\"down_proj\""

static void tensors_and_target_modules_must_agree(void **state)
{
    (void)state;
    static const struct {
        const char *more, *words;
    } cases[] = {
        {"[" SEVEN "]", NULL},
        {"\"all-linear\"", NULL},
        {"\".*_proj\"", NULL}, /* a regular expression: the tensors decide */
        {"[" SEVEN ",\"lm_head\"]", "target_modules name lm_head, for which it has no tensors"},
        {"[\"q_proj\",\"v_proj\"]",
         "tensors for model.layers.0.self_attn.k_proj, which its target_modules do not name"},
    };
    char more[256];
    struct lora *l;
    struct error e = {0};
    check_copy(DATA "tied-bf16-lora", directory, "adapter_model.safetensors");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(more, sizeof more, ",\"target_modules\":%s", cases[i].more);
        write_config(more);
        if (cases[i].words) {
            refuses(base, ERR_FORMAT, cases[i].words);
            continue;
        }
        check_ok(lora_load(&l, directory, model_file_config(base), &e), &e);
        lora_free(l);
    }
    write_pair(0); /* q_proj of layer 0 alone */
    write_config(",\"target_modules\":[\"q_proj\"]");
    refuses(base, ERR_FORMAT, "no tensors for model.layers.1.self_attn.q_proj");
    write_config(",\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[0]");
    check_ok(lora_load(&l, directory, model_file_config(base), &e), &e);
    assert_true(l->pairs[0][LORA_Q].rank == 4 && !l->pairs[1][LORA_Q].rank);
    lora_free(l);
}

static void a_plan_counts_what_loading_holds(void **state)
{
    (void)state;
    size_t bytes;
    size_t held = 0;
    struct lora *l;
    struct error e = {0};
    check_ok(lora_plan(DATA "tied-bf16-lora", model_file_config(base), &bytes, &e), &e);
    check_ok(lora_load(&l, DATA "tied-bf16-lora", model_file_config(base), &e), &e);
    for (int i = 0; i < l->layers; i++)
        for (int k = 0; k < LORA_TARGETS; k++)
            held += (size_t)l->pairs[i][k].rank * (size_t)(l->pairs[i][k].in + l->pairs[i][k].out) * sizeof(float);
    assert_int_equal(bytes, held);
    lora_free(l);
    write_config(",\"use_dora\":true");
    check_refused(lora_plan(directory, model_file_config(base), &bytes, &e), &e, ERR_UNSUPPORTED, "use_dora");
}

static void tensors_that_do_not_fit_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int rows, cols, code;
        const char *words;
    } cases[] = {
        {"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", 4, 64, ERR_FORMAT, "4 x 64"},
        {"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", 1025, 128, ERR_FORMAT, "1025 x 128"},
        {"base_model.model.model.layers.3.self_attn.q_proj.lora_A.weight", 4, 128, ERR_FORMAT, "which has 3 layers"},
        {"base_model.model.model.layers.-1.self_attn.q_proj.lora_A.weight", 4, 128, ERR_FORMAT, "which has 3 layers"},
        {"base_model.model.lm_head.lora_A.weight", 4, 128, ERR_FORMAT, "lm_head.lora_A.weight has no place"},
        {"base_model.model.model.layers.0.self_attn.q_proj.lora_C.weight", 4, 128, ERR_UNSUPPORTED, "lora_C"},
        {"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", 4, 128, ERR_FORMAT, "is incomplete"},
    };
    write_config("");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_tensor(cases[i].name, cases[i].rows, cases[i].cols);
        refuses(base, cases[i].code, cases[i].words);
    }
    static const char empty[] = "\x02\0\0\0\0\0\0\0{}";
    check_file(directory, "adapter_model.safetensors", empty, sizeof empty - 1);
    refuses(base, ERR_FORMAT, "adapter_model.safetensors is empty");
    unlink(check_file(directory, "adapter_model.safetensors", "", 0));
    refuses(base, ERR_FORMAT, "adapter_model.safetensors is missing");
    unlink(check_file(directory, "adapter_config.json", "", 0));
    refuses(base, ERR_NOT_FOUND, "no adapter_config.json");
    check_copy(DATA "tied-bf16-lora", directory, "adapter_model.safetensors");
    write_config("");
    refuses(other, ERR_FORMAT, "trained for another base");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_published_layout_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scale_follows_the_config, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_honoured_is_refused_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(initialisations_that_change_the_base_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values_of_another_type_are_refused_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tensors_and_target_modules_must_agree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plan_counts_what_loading_holds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tensors_that_do_not_fit_are_refused_by_name, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
