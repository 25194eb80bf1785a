/* printing.c - see printing.h. */
#include "cli/printing.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"

void printing_init(struct printing *p, FILE *out, volatile sig_atomic_t *stop)
{
    *p = (struct printing){.out = out, .stop = stop, .text = BUF_INIT(LIMIT_PROMPT_BYTES)};
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->done, NULL);
}

void printing_fini(struct printing *p)
{
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
    consult_free(p->consult);
    buf_free(&p->text);
}

static void print(struct printing *p, const char *text, size_t n)
{
    if (n == 0 || p->write_errno) return;
    errno = 0;
    if (fwrite(text, 1, n, p->out) != n || fflush(p->out)) p->write_errno = errno ? errno : EIO;
    buf_append(&p->text, text, n);
}

int printing_take(void *printing, const char *text, size_t n)
{
    print(printing, text, n);
    return OK;
}

/* An answer that fails keeps unsaid what the guard held back. */
static void take_event(struct printing *p, const struct engine_event *event)
{
    if (event->kind == ENGINE_PREFILL || p->error.code) return;
    if (!p->consult) {
        print(p, event->text, event->text_len);
        return;
    }
    int rc = consult_feed(p->consult, event->text, event->text_len, &p->error);
    if (!rc && event->kind == ENGINE_DONE) rc = consult_end(p->consult, &p->error);
    if (rc && !p->error.code) error_set(&p->error, rc, "the answer could not be checked");
}

int printing_event(void *printing, const struct engine_event *event)
{
    struct printing *p = printing;
    take_event(p, event);
    if (event->kind != ENGINE_DONE && event->kind != ENGINE_FAILED)
        return p->write_errno || p->error.code || (p->stop && *p->stop);
    pthread_mutex_lock(&p->lock);
    p->result = (struct engine_result){event->reason, *event->usage};
    if (event->kind == ENGINE_FAILED && !p->error.code) p->error = *event->error;
    p->finished = true;
    pthread_cond_signal(&p->done);
    pthread_mutex_unlock(&p->lock);
    return 0; /* *p may be gone: the owner has been let go */
}

int printing_wait(struct printing *p, struct error *e)
{
    pthread_mutex_lock(&p->lock);
    while (!p->finished) pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
    if (p->error.code) return error_set(e, p->error.code, "%s", p->error.text);
    if (p->write_errno) return error_set(e, ERR_IO, "cannot write the answer: %s", strerror(p->write_errno));
    return OK;
}
