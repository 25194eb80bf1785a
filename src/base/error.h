/* error.h - one list of everything that can go wrong, and the value that carries it.
 *
 * Functions return 0 or a negative code from ERROR_CODES. At the boundaries of a module they also take a
 * `struct error *`, filled with one sentence that says what happened and what to do about it. The sentence may reach
 * a user: it never holds a patient's words, SQL, or (over HTTP) a path.
 *
 * Each code knows its HTTP status and its exit code (BSD sysexits), so that no caller maps them again.
 * Thread: values only, no state. Ownership: the caller owns the struct error; nothing in it is allocated.
 */
#ifndef XIAOBEI_BASE_ERROR_H
#define XIAOBEI_BASE_ERROR_H

/*      name          HTTP exit  text */
#define ERROR_CODES(X)                                                                                                 \
    X(ERR_INTERNAL, 1, 500, 70, "internal error")                                                                      \
    X(ERR_NOMEM, 2, 503, 71, "not enough memory")                                                                      \
    X(ERR_IO, 3, 500, 74, "input/output error")                                                                        \
    X(ERR_FORMAT, 4, 500, 65, "broken or malformed file")                                                              \
    X(ERR_UNSUPPORTED, 5, 400, 65, "not supported")                                                                    \
    X(ERR_INVALID, 6, 400, 64, "invalid argument")                                                                     \
    X(ERR_NOT_FOUND, 7, 404, 66, "not found")                                                                          \
    X(ERR_TOO_LONG, 8, 400, 65, "input too long")                                                                      \
    X(ERR_BUSY, 9, 503, 75, "busy, try again later")                                                                   \
    X(ERR_CANCELLED, 10, 499, 130, "cancelled")                                                                        \
    X(ERR_AUTH, 11, 401, 77, "authentication required")                                                                \
    X(ERR_FORBIDDEN, 12, 403, 77, "not permitted")                                                                     \
    X(ERR_UNAVAILABLE, 13, 503, 69, "service unavailable")                                                             \
    X(ERR_NO_SPACE, 14, 507, 73, "not enough disk space")                                                              \
    X(ERR_TIMEOUT, 15, 504, 75, "timed out")                                                                           \
    X(ERR_NETWORK, 16, 502, 69, "network error")                                                                       \
    X(ERR_CONFLICT, 17, 409, 73, "conflict")                                                                           \
    X(ERR_CONFIG, 18, 500, 78, "bad configuration")                                                                    \
    X(ERR_LIMIT, 19, 413, 65, "over a limit")                                                                          \
    X(ERR_MEMORY_PLAN, 20, 503, 71, "the model does not fit into memory")                                              \
    X(ERR_CANNOT_CREATE, 21, 500, 73, "cannot create a file")

enum {
    OK = 0,
#define X(name, number, http, exit, text) name = -(number),
    ERROR_CODES(X)
#undef X
};

enum { ERROR_TEXT_MAX = 512 };

struct error {
    int code;                  /* 0 or one of ERROR_CODES */
    char text[ERROR_TEXT_MAX]; /* one sentence of valid UTF-8, whatever went into it */
};

/* Results that carry an error must be looked at. */
#define MUST_USE __attribute__((warn_unused_result))

/* Fill e (may be NULL) and return code, so that `return error_set(e, ERR_IO, "...")` reads as one step.
 * The first failure wins: a struct that already holds an error keeps it. */
int error_set(struct error *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Prefix the text of a set error: error_context(e, "model.gguf") -> "model.gguf: tensor table cut short". */
void error_context(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

void error_clear(struct error *e);

const char *error_code_name(int code); /* "ERR_IO"; static */
const char *error_code_text(int code); /* "input/output error"; static */
int error_http_status(int code);       /* 200 for OK */
int error_exit_code(int code);         /* 0 for OK */

#endif
