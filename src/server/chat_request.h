/* chat_request.h - a request body of /v1/chat/completions or /v1/completions, read strictly: every field is honoured or
 * refused by its name, none is ignored. Shapes after OpenAI's API reference; extensions: top_k, min_p,
 * repetition_penalty, ignore_eos, guided_regex. Pure; any thread.
 */
#ifndef XIAOBEI_SERVER_CHAT_REQUEST_H
#define XIAOBEI_SERVER_CHAT_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "engine/sampler.h"
#include "server/answer_form.h"
#include "server/chat_messages.h"

struct chat_request {
    bool is_completion; /* /v1/completions: prompt instead of messages */
    json_t *root;       /* owns every borrowed string and value below */
    const char *model;
    json_t *messages;     /* contents are plain strings */
    const json_t *tools;  /* NULL if none, or if tool_choice is none */
    const json_t *prompt; /* string or array of token ids */
    bool stream, include_usage;
    int max_tokens; /* 0: not given */
    float temperature, top_p, min_p, repetition_penalty, presence_penalty, frequency_penalty;
    int top_k;
    unsigned given; /* GIVEN_* bits of the sampling fields that were in the request */
    bool has_seed;
    uint64_t seed;
    struct logit_bias bias[LIMIT_LOGIT_BIAS];
    int bias_count;
    const char *stop[LIMIT_STOP_STRINGS];
    int stop_count;
    struct answer_form form;
    struct grammar *grammar; /* of the form; NULL: free. Released with the request */
    bool logprobs;
    int top_logprobs;
    bool ignore_eos;
    const char *user;
    const char *lora;           /* an adapter's name; NULL: none */
    char param[CHAT_PARAM_MAX]; /* the path of the field an error is about, "" if none */
};

enum { GIVEN_TEMPERATURE = 1, GIVEN_TOP_P = 2, GIVEN_TOP_K = 4, GIVEN_REPETITION = 8 };

/* data: the body's bytes. The struct is large: allocate it. On error it needs no chat_request_fini. */
int chat_request_parse(struct chat_request *r, bool is_completion, const char *data, size_t n,
                       struct error *e) MUST_USE;
void chat_request_fini(struct chat_request *r);

#endif
