/* test_model_file.c - whole models on disk: GGUF, split GGUF and Hugging Face directories, and what is said when one of
 * their files is missing, cut, mixed up or not what its name says. */
#include "support/check.h"
#include "support/gguf_writer.h"

#include "model/model_file.h"
#include "model/model_ref.h"
#include "model/weights.h"

#define DATA "tests/golden/data/"

static char directory[256];

static int set_up(void **state)
{
    (void)state;
    check_directory_make(directory, sizeof directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    check_directory_remove(directory);
    return 0;
}

static const char *write_gguf(struct gguf_writer *w, const char *name)
{
    struct buf file = BUF_INIT(MIB);
    gw_finish(w, &file);
    gw_free(w);
    const char *path = check_file(directory, name, file.data, file.len);
    buf_free(&file);
    return path;
}

static void refuses(const char *path, int code, const char *words)
{
    struct model_file *f;
    struct error e = {0};
    check_refused(model_file_open(&f, path, &e), &e, code, words);
    assert_null(f);
}

static void check_tiny(const struct model_file *f)
{
    const struct model_config *c = model_file_config(f);
    assert_string_equal(model_file_container(f), "gguf");
    assert_string_equal(model_file_name(f), "Tiny Qwen2");
    assert_int_equal(model_file_tensor_count(f), TINY_TENSORS);
    assert_true(c->hidden_size == TINY_HIDDEN && c->layers == TINY_LAYERS && c->heads == 2 && c->kv_heads == 1);
    assert_true(c->head_size == 16 && c->vocab_size == TINY_VOCAB && c->max_position == 64 && c->tied_embeddings);
    assert_true(c->eos_count == 2 && c->eos[0] == 4 && c->eos[1] == 3 && c->pad == 3 && c->bos == -1);
    assert_true(c->do_sample && c->temperature == 0.7f && c->top_p == 0.8f && c->top_k == 20);
    assert_true(c->repetition_penalty == 1.1f); /* the small ones' */
    const struct tensor_view *t = model_file_find(f, "model.layers.1.mlp.down_proj.weight");
    assert_true(t && t->rows == TINY_HIDDEN && t->cols == TINY_FFN && t->type == DTYPE_Q8_0);
    t = model_file_find(f, "model.layers.0.self_attn.k_proj.bias");
    assert_true(t && t->rows == 1 && t->cols == TINY_HIDDEN / 2 && t->type == DTYPE_F32);
    assert_null(model_file_find(f, "blk.0.attn_k.bias"));
    assert_null(model_file_find(f, "lm_head.weight"));
}

static void a_gguf_file_is_opened_under_published_names(void **state)
{
    (void)state;
    struct gguf_writer w;
    struct model_file *f;
    struct error e = {0};
    gw_tiny_model(&w);
    check_ok(model_file_open(&f, write_gguf(&w, "tiny.gguf"), &e), &e);
    check_tiny(f);
    const struct tokenizer_data *t = model_file_tokenizer(f);
    assert_true(t->present && t->vocab_size == 7 && t->merge_count == 1); /* the padding token is left out */
    assert_string_equal(t->tokens[2], "ab");
    assert_string_equal(t->merges[0], "a b");
    static const uint8_t kinds[] = {0, 0, 0, 1, 1, 2, 2}; /* <|fim_pad|> as tokenizer.json has it */
    assert_memory_equal(t->kinds, kinds, sizeof kinds);
    assert_string_equal(t->chat_template, "{{ messages }}");
    size_t bytes;
    check_ok(weights_plan(f, QUANT_NONE, &bytes, NULL, &e), &e);
    model_file_close(f);
}

static void write_part(int part, int count, const char *name)
{
    struct gguf_writer w;
    gw_init(&w);
    gw_u16(&w, "split.no", (uint16_t)(part - 1));
    gw_u16(&w, "split.count", (uint16_t)count);
    if (part == 1) {
        gw_u32(&w, "split.tensors.count", TINY_TENSORS);
        gw_tiny_metadata(&w);
        gw_tiny_tokenizer(&w);
        gw_tiny_ends(&w);
    } else {
        gw_tiny_layer(&w, part - 2);
    }
    write_gguf(&w, name);
}

static void any_part_opens_the_whole_set(void **state)
{
    (void)state;
    char path[512];
    for (int i = 1; i <= 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "set-%05d-of-00003.gguf", i);
        write_part(i, 3, name);
    }
    for (int i = 1; i <= 3; i++) {
        struct model_file *f;
        struct error e = {0};
        snprintf(path, sizeof path, "%s/set-%05d-of-00003.gguf", directory, i);
        check_ok(model_file_open(&f, path, &e), &e);
        check_tiny(f);
        model_file_close(f);
    }
    write_part(1, 3, "renamed.gguf");
    snprintf(path, sizeof path, "%s/renamed.gguf", directory);
    refuses(path, ERR_FORMAT, "it is part 1 of 3 but not named so");
    snprintf(path, sizeof path, "%s/set-00001-of-00003.gguf", directory);
    write_part(2, 3, "set-00003-of-00003.gguf");
    refuses(path, ERR_FORMAT, "named part 3 of 3 but says it is part 2 of 3");
    struct gguf_writer w;
    gw_init(&w);
    gw_u16(&w, "split.no", 2);
    gw_u16(&w, "split.count", 3);
    write_gguf(&w, "set-00003-of-00003.gguf");
    refuses(path, ERR_FORMAT, "announces 26 tensors but its parts hold 14");
    unlink(check_file(directory, "set-00002-of-00003.gguf", "", 0));
    refuses(path, ERR_FORMAT, "part 2 of 3, set-00002-of-00003.gguf, is missing");
}

/* One change to the tiny model, and the words. */
static void no_pre(struct gguf_writer *w)
{
    gw_tiny_metadata(w);
    gw_text(w, "tokenizer.ggml.model", "gpt2");
    gw_text(w, "tokenizer.ggml.pre", "llama-bpe");
    gw_texts(w, "tokenizer.ggml.tokens", NULL, 0);
}
static void other_tokenizer(struct gguf_writer *w)
{
    gw_tiny_metadata(w);
    gw_text(w, "tokenizer.ggml.model", "llama");
    gw_texts(w, "tokenizer.ggml.tokens", NULL, 0);
}
static void many_tokens(struct gguf_writer *w)
{
    static const char *const tokens[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    gw_tiny_metadata(w);
    gw_text(w, "tokenizer.ggml.model", "gpt2");
    gw_text(w, "tokenizer.ggml.pre", "qwen2");
    gw_texts(w, "tokenizer.ggml.tokens", tokens, 9);
    gw_texts(w, "tokenizer.ggml.merges", NULL, 0);
}
static void far_eos(struct gguf_writer *w)
{
    gw_tiny_metadata(w);
    gw_u32(w, "tokenizer.ggml.eos_token_id", 151645);
}
static void linear_rope(struct gguf_writer *w)
{
    gw_tiny_metadata(w);
    gw_text(w, "qwen2.rope.scaling.type", "linear");
}
static void log_rope(struct gguf_writer *w)
{
    gw_tiny_metadata(w);
    gw_f32(w, "qwen2.rope.scaling.attn_factor", 1.5f);
}
static void windowed(struct gguf_writer *w)
{
    gw_tiny_metadata(w);
    gw_u32(w, "qwen2.attention.sliding_window", 4096);
}
static void wide_values(struct gguf_writer *w)
{
    gw_tiny_metadata(w);
    gw_u32(w, "qwen2.attention.value_length", 32);
}
static void other_vocabulary(struct gguf_writer *w)
{
    gw_tiny_metadata(w);
    gw_u32(w, "qwen2.vocab_size", 9);
}
static void other_architecture(struct gguf_writer *w)
{
    gw_text(w, "general.architecture", "llama");
}
static void no_sizes(struct gguf_writer *w)
{
    gw_text(w, "general.architecture", "qwen2");
}
static void many_layers(struct gguf_writer *w)
{
    gw_text(w, "general.architecture", "qwen2");
    gw_u32(w, "qwen2.embedding_length", 32);
    gw_u32(w, "qwen2.feed_forward_length", 64);
    gw_u32(w, "qwen2.block_count", 1000000);
}

static void models_that_do_not_fit_together_are_refused(void **state)
{
    (void)state;
    static const struct {
        void (*write)(struct gguf_writer *);
        int code;
        const char *words;
    } cases[] = {{no_pre, ERR_UNSUPPORTED, "tokenizer.ggml.pre"},
                 {other_tokenizer, ERR_UNSUPPORTED, "tokenizer.ggml.model"},
                 {many_tokens, ERR_FORMAT, "tokenizer has 9 tokens but the weights only 8"},
                 {far_eos, ERR_FORMAT, "eos_token_id is outside the vocabulary of 8"},
                 {linear_rope, ERR_UNSUPPORTED, "only yarn"},
                 {log_rope, ERR_UNSUPPORTED, "attn_factor"},
                 {windowed, ERR_UNSUPPORTED, "qwen2.attention.sliding_window = 4096"},
                 {wide_values, ERR_UNSUPPORTED, "keys of 16, values of 32"},
                 {other_vocabulary, ERR_FORMAT, "qwen2.vocab_size is 9 but the embedding has 8"},
                 {other_architecture, ERR_UNSUPPORTED, "architecture \"llama\""},
                 {no_sizes, ERR_FORMAT, "no qwen2.embedding_length"},
                 {many_layers, ERR_FORMAT, "qwen2.block_count is 1000000"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gguf_writer w;
        gw_init(&w);
        cases[i].write(&w);
        gw_tiny_ends(&w);
        refuses(write_gguf(&w, "case.gguf"), cases[i].code, cases[i].words);
    }
}

/* Settings that change the mathematics: refused by their key, whatever number type they have; harmless when neutral. */
static void settings_that_are_not_honoured_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        float value, neutral;
    } cases[] = {{"qwen2.rope.scaling.factor", 4, 1},
                 {"qwen2.attention.causal", 0, 1},
                 {"qwen2.attention.scale", 0.5f, 0},
                 {"qwen2.attention.max_alibi_bias", 8, 0},
                 {"qwen2.attention.sliding_window", 8, 0},
                 {"qwen2.logit_scale", 0.5f, 1},
                 {"qwen2.attn_logit_softcapping", 50, 0},
                 {"qwen2.final_logit_softcapping", 30, 0},
                 {"general.sampling.temp", 2.5f, 2},
                 {"general.sampling.top_p", 0, 1},
                 {"general.sampling.penalty_repeat", 0.001f, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int neutral = 0; neutral <= 1; neutral++) {
            struct gguf_writer w;
            struct model_file *f;
            struct error e = {0};
            float value = neutral ? cases[i].neutral : cases[i].value;
            gw_tiny_model(&w);
            if (strcmp(cases[i].key, "qwen2.attention.causal") == 0) {
                gw_key(&w, cases[i].key, 7);
                gw_number(&w.pairs, value != 0, 1);
            } else {
                gw_f32(&w, cases[i].key, value);
            }
            const char *path = write_gguf(&w, "case.gguf");
            if (!neutral) {
                refuses(path, strncmp(cases[i].key, "qwen2", 5) ? ERR_FORMAT : ERR_UNSUPPORTED, cases[i].key);
                continue;
            }
            check_ok(model_file_open(&f, path, &e), &e);
            model_file_close(f);
        }
}

static void missing_and_misshapen_tensors_are_named_before_loading(void **state)
{
    (void)state;
    struct gguf_writer w;
    struct model_file *f;
    struct error e = {0};
    size_t bytes;
    gw_init(&w);
    gw_tiny_metadata(&w);
    gw_tiny_ends(&w);
    gw_tiny_layer(&w, 0);
    check_ok(model_file_open(&f, write_gguf(&w, "one-layer.gguf"), &e), &e);
    check_refused(weights_plan(f, QUANT_NONE, &bytes, NULL, &e), &e, ERR_FORMAT,
                  "model.layers.1.input_layernorm.weight is missing");
    model_file_close(f);
    e = (struct error){0};
    gw_init(&w);
    gw_tiny_metadata(&w);
    gw_tensor(&w, "token_embd.weight", GGML_F32, 64, TINY_VOCAB, 64 * TINY_VOCAB * 4);
    check_ok(model_file_open(&f, write_gguf(&w, "wide.gguf"), &e), &e);
    check_refused(weights_plan(f, QUANT_NONE, &bytes, NULL, &e), &e, ERR_FORMAT, "8 x 64 where the config says 8 x 32");
    model_file_close(f);
}

static void open_mutant(const uint8_t *data, size_t n)
{
    struct model_file *f;
    struct error e = {0};
    size_t bytes;
    if (model_file_open(&f, check_file(directory, "mutant.gguf", data, n), &e)) {
        assert_true(e.code != OK && e.text[0]);
        return;
    }
    if (weights_plan(f, QUANT_Q4_K, &bytes, NULL, &e)) assert_true(e.text[0]);
    model_file_close(f);
}

static void no_changed_byte_and_no_cut_crashes_opening(void **state)
{
    (void)state;
    struct gguf_writer w;
    struct buf file = BUF_INIT(MIB);
    gw_tiny_model(&w);
    size_t header = 24 + w.pairs.len; /* the table is test_gguf's */
    gw_finish(&w, &file);
    gw_free(&w);
    check_mutants((const uint8_t *)file.data, file.len, header, open_mutant);
    buf_free(&file);
}

/* --- Hugging Face --- */

static void copy_model(const char *name, const char *const *files)
{
    char from[128];
    snprintf(from, sizeof from, DATA "%s", name);
    for (; *files; files++) check_copy(from, directory, *files);
}

static void write_text(const char *name, const char *text)
{
    check_file(directory, name, text, strlen(text));
}

static void published_directories_are_opened(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t tensors;
        enum dtype type;
        bool tied;
    } models[] = {{"tied-bf16", 38, DTYPE_BF16, true},
                  {"yarn-bf16", 38, DTYPE_BF16, true},
                  {"untied-f32", 39, DTYPE_F32, false},
                  {"untied-f16-sharded", 39, DTYPE_F16, false}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct model_file *f;
        struct error e = {0};
        char path[128];
        size_t bytes;
        snprintf(path, sizeof path, DATA "%s/", models[i].name);
        check_ok(model_file_open(&f, path, &e), &e);
        assert_string_equal(model_file_container(f), "huggingface");
        assert_string_equal(model_file_name(f), models[i].name);
        assert_int_equal(model_file_tensor_count(f), models[i].tensors);
        assert_int_equal(model_file_config(f)->tied_embeddings, models[i].tied);
        assert_int_equal(model_file_find(f, "model.embed_tokens.weight")->type, models[i].type);
        assert_false(model_file_tokenizer(f)->present);
        check_ok(weights_plan(f, QUANT_NONE, &bytes, NULL, &e), &e);
        model_file_close(f);
    }
}

static void both_spellings_of_a_tokenizer_are_the_same(void **state)
{
    (void)state;
    static const char *const files[] = {"config.json", "model.safetensors", NULL};
    copy_model("tied-bf16", files);
    write_text("tokenizer_config.json",
               "{\"chat_template\":\"T\",\"added_tokens_decoder\":{\"3\":{\"content\":\"<|x|>\","
               "\"special\":true},\"4\":{\"content\":\"<y>\",\"special\":false}}}");
    for (int split = 0; split < 2; split++) {
        struct model_file *f;
        struct error e = {0};
        if (split) {
            unlink(check_file(directory, "tokenizer.json", "", 0));
            write_text("vocab.json", "{\"a\":0,\"b\":1,\"ab\":2}");
            write_text("merges.txt", "#version: 0.2\r\na b\r\n");
        } else {
            write_text(
                "tokenizer.json",
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[[\"a\",\"b\"]]},"
                "\"added_tokens\":[{\"id\":3,\"content\":\"<|x|>\",\"special\":true},{\"id\":4,\"content\":\"<y>\","
                "\"special\":false}]}");
        }
        check_ok(model_file_open(&f, directory, &e), &e);
        const struct tokenizer_data *t = model_file_tokenizer(f);
        static const uint8_t kinds[] = {0, 0, 0, 1, 2};
        assert_true(t->present && t->vocab_size == 5 && t->merge_count == 1);
        assert_string_equal(t->merges[0], "a b");
        assert_string_equal(t->tokens[3], "<|x|>");
        assert_memory_equal(t->kinds, kinds, sizeof kinds);
        assert_string_equal(t->chat_template, "T");
        model_file_close(f);
    }
    unlink(check_file(directory, "merges.txt", "", 0));
    refuses(directory, ERR_FORMAT, "merges.txt is missing beside vocab.json");
    write_text("tokenizer.json", "{\"model\":{\"type\":\"Unigram\"}}");
    refuses(directory, ERR_UNSUPPORTED, "Unigram");
    write_text("tokenizer.json", "{\"model\":{\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}}");
    refuses(directory, ERR_FORMAT, "two tokens of one id");
    write_text("tokenizer.json", "{\"model\":{\"vocab\":{\"a\":99999999999},\"merges\":[]}}");
    refuses(directory, ERR_FORMAT, "without a possible id");
    write_text("tokenizer.json", "{\"model\":{\"vocab\":{\"a\":0,\"b\":512},\"merges\":[\"a b\"]}}");
    refuses(directory, ERR_FORMAT, "tokenizer has 513 tokens but the weights only 512");
    write_text("tokenizer.json", "{\"model\":{\"vocab\":{\"a\":0},\"merges\":[7]}}");
    refuses(directory, ERR_FORMAT, "malformed merge");
}

/* The model of DATA tied-bf16 with one word of a file replaced by another of the same length. */
static void plan_refuses_replaced(const char *name, const char *old, const char *word, const char *words)
{
    static const char *const files[] = {"config.json", "model.safetensors", NULL};
    copy_model("tied-bf16", files);
    char path[LIMIT_PATH];
    struct buf text = BUF_INIT(16 * MIB);
    struct error e = {0};
    struct model_file *f;
    size_t bytes;
    assert_int_equal(path_join(path, sizeof path, directory, name), OK);
    check_ok(file_read(&text, path, &e), &e);
    char *at = memmem(text.data, text.len, old, strlen(old));
    assert_true(at && strlen(word) == strlen(old));
    memcpy(at, word, strlen(word));
    check_file(directory, name, text.data, text.len);
    buf_free(&text);
    check_ok(model_file_open(&f, directory, &e), &e);
    check_refused(weights_plan(f, QUANT_NONE, &bytes, NULL, &e), &e, ERR_FORMAT, words);
    model_file_close(f);
}

static void every_tensor_is_there_and_has_a_place(void **state)
{
    (void)state;
    plan_refuses_replaced("model.safetensors", "1.self_attn.q_proj.bias", "1.self_attn.q_proj.bxas",
                          "model.layers.1.self_attn.q_proj.bias is missing");
    plan_refuses_replaced("config.json", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2",
                          "model.layers.2.input_layernorm.weight has no place in a Qwen2.5 model of 2 layers");
    struct gguf_writer w;
    struct model_file *f;
    struct error e = {0};
    size_t bytes;
    gw_tiny_model(&w);
    gw_tensor(&w, "blk.0.attn_q_norm.weight", GGML_F32, 8, 1, 8 * 4);
    check_ok(model_file_open(&f, write_gguf(&w, "normed.gguf"), &e), &e);
    check_refused(weights_plan(f, QUANT_NONE, &bytes, NULL, &e), &e, ERR_FORMAT, "attn_q_norm.weight has no place");
    model_file_close(f);
}

static void a_tokenizer_without_the_end_token_is_refused(void **state)
{
    (void)state;
    static const char *const files[] = {"config.json", "model.safetensors", NULL};
    copy_model("tied-bf16", files);
    write_text("generation_config.json", "{\"eos_token_id\":[1,3]}");
    write_text("tokenizer.json", "{\"model\":{\"vocab\":{\"a\":0,\"b\":1},\"merges\":[]},\"added_tokens\":[]}");
    refuses(directory, ERR_FORMAT, "lacks the model's end token 3");
}

static void broken_directories_are_refused_in_words(void **state)
{
    (void)state;
    static const char *const files[] = {"config.json",
                                        "model.safetensors.index.json",
                                        "model-00001-of-00004.safetensors",
                                        "model-00002-of-00004.safetensors",
                                        "model-00003-of-00004.safetensors",
                                        "model-00004-of-00004.safetensors",
                                        NULL};
    refuses(directory, ERR_NOT_FOUND, "no config.json");
    copy_model("untied-f16-sharded", files);
    write_text("model-00002-of-00004.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    refuses(directory, ERR_FORMAT, "model-00002-of-00004.safetensors: not a safetensors file");
    refuses(directory, ERR_FORMAT, "Git LFS pointer");
    unlink(check_file(directory, "model-00002-of-00004.safetensors", "", 0));
    refuses(directory, ERR_FORMAT, "model-00002-of-00004.safetensors is missing");
    copy_model("untied-f16-sharded", files);
    check_copy(DATA "untied-f16-sharded", directory, "model-00003-of-00004.safetensors");
    write_text("model.safetensors.index.json", "{\"weight_map\":{\"x\":\"../../etc/passwd\"}}");
    refuses(directory, ERR_FORMAT, "names no file for x");
    write_text("model.safetensors.index.json", "{\"weight_map\":{\"x\":\"deeper/model.safetensors\"}}");
    refuses(directory, ERR_FORMAT, "names no file for x");
    write_text("model.safetensors.index.json",
               "{\"weight_map\":{\"model.embed_tokens.weight\":\"model-00001-of-00004.safetensors\","
               "\"model.layers.1.mlp.gate_proj.weight\":\"model-00003-of-00004.safetensors\","
               "\"model.layers.1.mlp.up_proj.weight\":\"model-00001-of-00004.safetensors\"}}");
    refuses(directory, ERR_FORMAT, "model.layers.1.mlp.up_proj.weight is not in model-00001-of-00004.safetensors");
    write_text("model.safetensors.index.json", "{\"weight_map\":{\"x\":\"model-00001-of-00004.safetensors\"}}");
    refuses(directory, ERR_FORMAT, "x is not in model-00001-of-00004.safetensors");
    write_text("model.safetensors.index.json", "{\"weight_map\":[]}");
    refuses(directory, ERR_FORMAT, "no weight_map");
    unlink(check_file(directory, "model.safetensors.index.json", "", 0));
    write_text("pytorch_model.bin", "PK");
    refuses(directory, ERR_FORMAT, "pytorch_model.bin is not read");
    write_text("config.json", "<html>");
    refuses(directory, ERR_FORMAT, "config.json: not valid JSON");
    refuses("tests/golden/data/nothing-here", ERR_NOT_FOUND, "no model nothing-here");
}

static void the_published_gguf_opens(void **state)
{
    (void)state;
    char path[LIMIT_PATH];
    struct error e = {0};
    const char *given = getenv("XIAOBEI_TEST_MODEL");
    if (!(given && *given) && model_resolve("qwen2.5-coder-0.5b-instruct-q4_k_m", path, sizeof path, &e)) {
        print_message("skip: the 0.5B is not here\n");
        skip();
    }
    struct model_file *f;
    e = (struct error){0};
    check_ok(model_file_open(&f, given && *given ? given : path, &e), &e);
    const struct model_config *c = model_file_config(f);
    const struct tokenizer_data *t = model_file_tokenizer(f);
    assert_true(c->vocab_size == 151936 && c->hidden_size == 896 && c->layers == 24 && c->head_size == 64);
    assert_true(c->eos_count == 2 && c->eos[0] == 151645 && c->eos[1] == 151643);
    assert_true(t->vocab_size == 151665 && t->merge_count == 151387);
    assert_string_equal(t->tokens[151644], "<|im_start|>");
    assert_true(t->kinds[151644] == 1 && t->kinds[151657] == 2 && t->kinds[151659] == 2 && t->kinds[100] == 0);
    assert_non_null(strstr(t->chat_template, "<|im_start|>"));
    model_file_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_gguf_file_is_opened_under_published_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_part_opens_the_whole_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(models_that_do_not_fit_together_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(settings_that_are_not_honoured_are_refused_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_and_misshapen_tensors_are_named_before_loading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_changed_byte_and_no_cut_crashes_opening, set_up, tear_down),
        cmocka_unit_test(published_directories_are_opened),
        cmocka_unit_test_setup_teardown(both_spellings_of_a_tokenizer_are_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_tensor_is_there_and_has_a_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tokenizer_without_the_end_token_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_directories_are_refused_in_words, set_up, tear_down),
        cmocka_unit_test(the_published_gguf_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
