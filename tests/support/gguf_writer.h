/* gguf_writer.h - writes GGUF v3 files for tests: valid ones, and with the raw calls any broken one. Layout after the
 * format's description: header, metadata, tensor table, padding to 32 bytes, data. */
#ifndef XIAOBEI_TESTS_GGUF_WRITER_H
#define XIAOBEI_TESTS_GGUF_WRITER_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"

enum { GGML_F32 = 0, GGML_F16 = 1, GGML_Q8_0 = 8, GGML_Q4_K = 12 };

struct gguf_writer {
    struct buf pairs, table, data;
    uint64_t pair_count, tensor_count;
    uint32_t version;
};

static inline void gw_init(struct gguf_writer *w)
{
    *w = (struct gguf_writer){BUF_INIT(16 * MIB), BUF_INIT(16 * MIB), BUF_INIT(16 * MIB), .version = 3};
}

static inline void gw_free(struct gguf_writer *w)
{
    buf_free(&w->pairs);
    buf_free(&w->table);
    buf_free(&w->data);
}

static inline void gw_number(struct buf *b, uint64_t value, size_t bytes)
{
    buf_append(b, &value, bytes); /* little-endian machine */
}

static inline void gw_string(struct buf *b, const char *text)
{
    gw_number(b, strlen(text), 8);
    buf_append_text(b, text);
}

static inline void gw_key(struct gguf_writer *w, const char *key, uint32_t type)
{
    gw_string(&w->pairs, key);
    gw_number(&w->pairs, type, 4);
    w->pair_count++;
}

static inline void gw_text(struct gguf_writer *w, const char *key, const char *text)
{
    gw_key(w, key, 8);
    gw_string(&w->pairs, text);
}

static inline void gw_u32(struct gguf_writer *w, const char *key, uint32_t value)
{
    gw_key(w, key, 4);
    gw_number(&w->pairs, value, 4);
}

static inline void gw_u16(struct gguf_writer *w, const char *key, uint16_t value)
{
    gw_key(w, key, 2);
    gw_number(&w->pairs, value, 2);
}

static inline void gw_f32(struct gguf_writer *w, const char *key, float value)
{
    gw_key(w, key, 6);
    buf_append(&w->pairs, &value, 4);
}

static inline void gw_texts(struct gguf_writer *w, const char *key, const char *const *texts, size_t n)
{
    gw_key(w, key, 9);
    gw_number(&w->pairs, 8, 4);
    gw_number(&w->pairs, n, 8);
    for (size_t i = 0; i < n; i++) gw_string(&w->pairs, texts[i]);
}

static inline void gw_i32s(struct gguf_writer *w, const char *key, const int32_t *values, size_t n)
{
    gw_key(w, key, 9);
    gw_number(&w->pairs, 5, 4);
    gw_number(&w->pairs, n, 8);
    buf_append(&w->pairs, values, 4 * n);
}

/* A line of the tensor table and nothing else. */
static inline void gw_entry(struct gguf_writer *w, const char *name, uint32_t dims, const uint64_t *size, uint32_t type,
                            uint64_t offset)
{
    gw_string(&w->table, name);
    gw_number(&w->table, dims, 4);
    for (uint32_t i = 0; i < dims; i++) gw_number(&w->table, size[i], 8);
    gw_number(&w->table, type, 4);
    gw_number(&w->table, offset, 8);
    w->tensor_count++;
}

static inline void gw_pad(struct buf *b)
{
    while (b->len % 32) buf_append_char(b, 0);
}

/* A tensor with `bytes` bytes of 0x01 (small numbers in every format). rows 0: a vector. */
static inline void gw_tensor(struct gguf_writer *w, const char *name, uint32_t type, uint64_t cols, uint64_t rows,
                             size_t bytes)
{
    const uint64_t size[2] = {cols, rows};
    gw_pad(&w->data);
    gw_entry(w, name, rows ? 2 : 1, size, type, w->data.len);
    for (size_t i = 0; i < bytes; i++) buf_append_char(&w->data, 1);
}

/* The whole file into out (cleared first). */
static inline void gw_finish(const struct gguf_writer *w, struct buf *out)
{
    buf_clear(out);
    buf_append_text(out, "GGUF");
    gw_number(out, w->version, 4);
    gw_number(out, w->tensor_count, 8);
    gw_number(out, w->pair_count, 8);
    buf_append(out, buf_text(&w->pairs), w->pairs.len);
    buf_append(out, buf_text(&w->table), w->table.len);
    gw_pad(out);
    buf_append(out, buf_text(&w->data), w->data.len);
}

/* --- a tiny Qwen2 --- */
enum { TINY_HIDDEN = 32, TINY_FFN = 64, TINY_VOCAB = 8, TINY_LAYERS = 2, TINY_TENSORS = 2 + 12 * TINY_LAYERS };

static inline void gw_tiny_metadata(struct gguf_writer *w)
{
    gw_text(w, "general.architecture", "qwen2");
    gw_text(w, "general.name", "Tiny Qwen2");
    gw_u32(w, "qwen2.block_count", TINY_LAYERS);
    gw_u32(w, "qwen2.context_length", 64);
    gw_u32(w, "qwen2.embedding_length", TINY_HIDDEN);
    gw_u32(w, "qwen2.feed_forward_length", TINY_FFN);
    gw_u32(w, "qwen2.attention.head_count", 2);
    gw_u32(w, "qwen2.attention.head_count_kv", 1);
    gw_f32(w, "qwen2.rope.freq_base", 1000000.0f);
    gw_f32(w, "qwen2.attention.layer_norm_rms_epsilon", 1e-6f);
}

static inline void gw_tiny_tokenizer(struct gguf_writer *w)
{
    static const char *const tokens[TINY_VOCAB] = {"a",          "b",           "ab",          "<|endoftext|>",
                                                   "<|im_end|>", "<tool_call>", "<|fim_pad|>", "[PAD7]"};
    static const char *const merges[] = {"a b"};
    static const int32_t types[TINY_VOCAB] = {1, 1, 1, 3, 3, 4, 3, 5};
    gw_text(w, "tokenizer.ggml.model", "gpt2");
    gw_text(w, "tokenizer.ggml.pre", "qwen2");
    gw_texts(w, "tokenizer.ggml.tokens", tokens, TINY_VOCAB);
    gw_i32s(w, "tokenizer.ggml.token_type", types, TINY_VOCAB);
    gw_texts(w, "tokenizer.ggml.merges", merges, 1);
    gw_u32(w, "tokenizer.ggml.eos_token_id", 4);
    gw_u32(w, "tokenizer.ggml.padding_token_id", 3);
    gw_text(w, "tokenizer.chat_template", "{{ messages }}");
}

static inline void gw_tiny_layer(struct gguf_writer *w, int layer)
{
    static const struct {
        const char *name;
        uint64_t cols, rows; /* rows 0: a float32 vector; else Q8_0 */
    } parts[] = {{"attn_norm.weight", TINY_HIDDEN, 0},
                 {"ffn_norm.weight", TINY_HIDDEN, 0},
                 {"attn_q.weight", TINY_HIDDEN, TINY_HIDDEN},
                 {"attn_k.weight", TINY_HIDDEN, TINY_HIDDEN / 2},
                 {"attn_v.weight", TINY_HIDDEN, TINY_HIDDEN / 2},
                 {"attn_q.bias", TINY_HIDDEN, 0},
                 {"attn_k.bias", TINY_HIDDEN / 2, 0},
                 {"attn_v.bias", TINY_HIDDEN / 2, 0},
                 {"attn_output.weight", TINY_HIDDEN, TINY_HIDDEN},
                 {"ffn_gate.weight", TINY_HIDDEN, TINY_FFN},
                 {"ffn_up.weight", TINY_HIDDEN, TINY_FFN},
                 {"ffn_down.weight", TINY_FFN, TINY_HIDDEN}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char name[64];
        snprintf(name, sizeof name, "blk.%d.%s", layer, parts[i].name);
        size_t bytes = parts[i].rows ? parts[i].cols * parts[i].rows / 32 * 34 : parts[i].cols * 4;
        gw_tensor(w, name, parts[i].rows ? GGML_Q8_0 : GGML_F32, parts[i].cols, parts[i].rows, bytes);
    }
}

static inline void gw_tiny_ends(struct gguf_writer *w)
{
    gw_tensor(w, "token_embd.weight", GGML_Q8_0, TINY_HIDDEN, TINY_VOCAB, TINY_HIDDEN * TINY_VOCAB / 32 * 34);
    gw_tensor(w, "output_norm.weight", GGML_F32, TINY_HIDDEN, 0, TINY_HIDDEN * 4);
}

static inline void gw_tiny_model(struct gguf_writer *w)
{
    gw_init(w);
    gw_tiny_metadata(w);
    gw_tiny_tokenizer(w);
    gw_tiny_ends(w);
    for (int i = 0; i < TINY_LAYERS; i++) gw_tiny_layer(w, i);
}

#endif
