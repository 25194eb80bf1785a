/* test_printing.c - an answer reaches its stream and its waiter, who may forget it at once; a reader that is gone ends
 * it. Lines are read within bounds. */
#include "support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include "cli/lines.h"
#include "cli/printing.h"

enum { ROUNDS = 3000 };

static const struct engine_usage usage = {.prompt_tokens = 3, .completion_tokens = 1};

static struct engine_event event_of(enum engine_event_kind kind, const char *text)
{
    return (struct engine_event){
        .kind = kind, .text = text, .text_len = strlen(text), .reason = FINISH_STOP, .usage = &usage};
}

static void *end_it(void *printing)
{
    const struct engine_event last = event_of(ENGINE_DONE, "");
    assert_int_equal(printing_event(printing, &last), 0);
    return NULL;
}

/* The struct's page is taken away as soon as the wait is over: a callback that still looks at it crashes. */
static void the_end_is_the_callbacks_last_touch(void **state)
{
    (void)state;
    volatile sig_atomic_t stop = 0;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t engine;
        struct error e = {0};
        struct printing *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(p != MAP_FAILED);
        printing_init(p, stdout, &stop);
        assert_int_equal(pthread_create(&engine, NULL, end_it, p), 0);
        check_ok(printing_wait(p, &e), &e);
        assert_int_equal(p->result.usage.prompt_tokens, 3);
        printing_fini(p);
        assert_int_equal(munmap(p, sizeof *p), 0);
        assert_int_equal(pthread_join(engine, NULL), 0);
    }
}

static void text_is_printed_and_kept(void **state)
{
    (void)state;
    char *written = NULL;
    size_t n = 0;
    struct printing p;
    struct error e = {0};
    volatile sig_atomic_t stop = 0;
    FILE *out = open_memstream(&written, &n);
    printing_init(&p, out, &stop);
    const struct engine_event events[] = {event_of(ENGINE_PREFILL, "x"), event_of(ENGINE_TOKEN, "多"),
                                          event_of(ENGINE_DONE, "喝水")};
    for (size_t i = 0; i < 3; i++) assert_int_equal(printing_event(&p, &events[i]), 0);
    stop = 1;
    assert_int_not_equal(printing_event(&p, &events[1]), 0);
    check_ok(printing_wait(&p, &e), &e);
    assert_string_equal(buf_text(&p.text), "多喝水多");
    assert_string_equal(written, "多喝水多");
    printing_fini(&p);
    fclose(out);
    free(written);
}

static void a_reader_that_is_gone_ends_the_answer(void **state)
{
    (void)state;
    int ends[2];
    struct printing p;
    struct error e = {0};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    FILE *out = fdopen(ends[1], "w");
    printing_init(&p, out, NULL);
    const struct engine_event token = event_of(ENGINE_TOKEN, "好");
    const struct engine_event last = event_of(ENGINE_DONE, "");
    assert_int_equal(printing_event(&p, &token), 0);
    close(ends[0]);
    assert_int_not_equal(printing_event(&p, &token), 0);
    assert_int_equal(printing_event(&p, &last), 0);
    check_refused(printing_wait(&p, &e), &e, ERR_IO, "cannot write the answer");
    assert_int_equal(p.write_errno, EPIPE);
    printing_fini(&p);
    fclose(out);
}

static void a_failure_reaches_the_waiter(void **state)
{
    (void)state;
    struct printing p;
    struct error e = {0};
    struct error why = {0};
    error_set(&why, ERR_TIMEOUT, "its time was up");
    struct engine_event last = event_of(ENGINE_FAILED, "");
    last.error = &why;
    printing_init(&p, stdout, NULL);
    assert_int_equal(printing_event(&p, &last), 0);
    check_refused(printing_wait(&p, &e), &e, ERR_TIMEOUT, "its time was up");
    printing_fini(&p);
}

static void lines_hold_every_byte_and_no_more_than_their_limit(void **state)
{
    (void)state;
    static char text[] = "a\0b\n\nlast";
    struct buf line = BUF_INIT(4);
    struct error e = {0};
    FILE *in = fmemopen(text, sizeof text - 1, "r");
    assert_int_equal(line_read(&line, in, &e), LINE_READ);
    assert_int_equal(line.len, 3);
    assert_memory_equal(line.data, "a\0b", 3);
    assert_int_equal(line_read(&line, in, &e), LINE_READ);
    assert_int_equal(line.len, 0);
    assert_int_equal(line_read(&line, in, &e), LINE_READ); /* without a newline, just as long as may be */
    assert_string_equal(buf_text(&line), "last");
    assert_int_equal(line_read(&line, in, &e), LINE_END);
    fclose(in);
    in = fmemopen(text + 5, 4, "r");
    line.max = 3;
    check_refused(line_read(&line, in, &e), &e, ERR_LIMIT, "over the limit of 3 bytes");
    fclose(in);
    buf_free(&line);
}

static void a_failed_read_is_not_the_end(void **state)
{
    (void)state;
    struct buf line = BUF_INIT(4);
    struct error e = {0};
    FILE *in = fopen("/", "r"); /* a directory opens, and every read of it fails */
    assert_non_null(in);
    check_refused(line_read(&line, in, &e), &e, ERR_IO, "cannot read standard input");
    fclose(in);
    buf_free(&line);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_is_the_callbacks_last_touch),
        cmocka_unit_test(text_is_printed_and_kept),
        cmocka_unit_test(a_reader_that_is_gone_ends_the_answer),
        cmocka_unit_test(a_failure_reaches_the_waiter),
        cmocka_unit_test(lines_hold_every_byte_and_no_more_than_their_limit),
        cmocka_unit_test(a_failed_read_is_not_the_end),
    };
    return cmocka_run_group_tests_name("printing", tests, NULL, NULL);
}
