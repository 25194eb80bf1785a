/* test_plan.c - the memory plan: its parts are what loading takes, it fits or says the way out, and the memory that is
 * left is read from the machine and its control groups alike. */
#include "support/check.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "engine/forward.h"
#include "engine/plan.h"

#define DATA "tests/golden/data/"

static struct model_file *open_model(const char *path)
{
    struct model_file *f;
    struct error e = {0};
    check_ok(model_file_open(&f, path, &e), &e);
    return f;
}

static void planned_weights_are_what_loading_takes(void **state)
{
    (void)state;
    static const char *const models[] = {"tied-bf16", "untied-f32", "untied-f16-sharded"};
    for (size_t m = 0; m < 3; m++)
        for (enum quant_mode quant = QUANT_NONE; quant <= QUANT_Q4_K; quant++) {
            char path[128];
            struct error e = {0};
            struct model_weights w;
            struct memory_plan p;
            struct plan_request r = {.quant = quant, .threads = 1};
            snprintf(path, sizeof path, DATA "%s", models[m]);
            struct model_file *f = open_model(path);
            check_ok(plan_compute(&p, f, &r, &e), &e);
            check_ok(weights_load(&w, f, quant, NULL, &e), &e);
            assert_int_equal(p.weights, w.bytes);
            weights_free(&w);
            model_file_close(f);
        }
}

static void quantising_makes_it_smaller(void **state)
{
    (void)state;
    struct model_file *f = open_model(DATA "tied-bf16");
    struct error e = {0};
    struct memory_plan none;
    struct memory_plan q8;
    struct plan_request r = {.threads = 1};
    check_ok(plan_compute(&none, f, &r, &e), &e);
    r.quant = QUANT_Q8_0;
    check_ok(plan_compute(&q8, f, &r, &e), &e);
    assert_true(q8.weights < none.weights);
    assert_true(q8.kv == none.kv);
    model_file_close(f);
}

/* tied-bf16: 3 layers, 2 K/V heads of 16, f16: 384 bytes a position; positions come in sixteens. */
static void kv_counts_every_position_of_every_sequence(void **state)
{
    (void)state;
    struct model_file *f = open_model(DATA "tied-bf16");
    struct error e = {0};
    struct memory_plan p;
    struct memory_plan more;
    struct plan_request r = {.max_length = 112, .sequences = 3, .threads = 1};
    check_ok(plan_compute(&p, f, &r, &e), &e);
    assert_int_equal(p.kv, 384 * 3 * 256); /* in blocks of 256 */
    assert_int_equal(p.kv_tokens, 3 * 256);
    assert_int_equal(p.total, p.weights + p.kv + p.scratch + p.tokenizer);
    r.threads = 5;
    check_ok(plan_compute(&more, f, &r, &e), &e);
    assert_true(more.scratch >= p.scratch + (size_t)4 * KERNELS_SCRATCH);
    r.precise = true;
    check_ok(plan_compute(&more, f, &r, &e), &e);
    assert_int_equal(more.kv, 2 * p.kv);
    r = (struct plan_request){0}; /* the defaults: the model's own 256 positions, memory for 4 full sequences */
    check_ok(plan_compute(&p, f, &r, &e), &e);
    assert_true(p.context == 256 && p.sequences == 16 && p.kv == 384 * 1024);
    model_file_close(f);
    f = open_model(DATA "yarn-bf16");
    check_ok(plan_compute(&p, f, &r, &e), &e);
    assert_int_equal(p.context, 128); /* 32 times YaRN's 4 */
    model_file_close(f);
}

static void impossible_requests_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct plan_request r;
        int code;
        const char *words;
    } cases[] = {{{.max_length = -1}, ERR_INVALID, "--max-length must be"},
                 {{.max_length = LIMIT_CONTEXT + 1}, ERR_INVALID, "--max-length must be"},
                 {{.sequences = LIMIT_SLOTS + 1}, ERR_INVALID, "--sequences must be"},
                 {{.threads = LIMIT_THREADS + 1}, ERR_INVALID, "--threads must be"},
                 {{.max_length = 1025}, ERR_TOO_LONG, "beyond what YaRN extends this model to (1024)"}};
    struct model_file *f = open_model(DATA "tied-bf16");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct memory_plan p;
        struct error e = {0};
        check_refused(plan_compute(&p, f, &cases[i].r, &e), &e, cases[i].code, cases[i].words);
    }
    model_file_close(f);
}

static void what_does_not_fit_is_refused_with_the_way_out(void **state)
{
    (void)state;
    struct memory_plan p = {.weights = 4 * GIB,
                            .kv = 8 * GIB,
                            .scratch = GIB,
                            .total = 13 * GIB,
                            .available = 6 * GIB,
                            .context = 32768,
                            .sequences = 4};
    struct error e = {0};
    check_refused(plan_check(&p, &e), &e, ERR_MEMORY_PLAN, "needs 13.00 GiB (weights 4.00 GiB, KV cache 8.00 GiB");
    assert_non_null(strstr(e.text, "smaller --max-length"));
    assert_int_equal(error_exit_code(e.code), 71);
    p.available = 3 * GIB; /* not even the weights */
    e = (struct error){0};
    check_refused(plan_check(&p, &e), &e, ERR_MEMORY_PLAN, "take a smaller quantisation (--quant q4_k");
    p.fits = true;
    e = (struct error){0};
    check_ok(plan_check(&p, &e), &e);
}

static void the_plan_prints_every_part(void **state)
{
    (void)state;
    static const char *const words[] = {"weights",
                                        "KV cache",
                                        "scratch",
                                        "total",
                                        "available",
                                        "BF16 22",
                                        "1024 tokens; up to 16 sequences, the longest of 256 tokens"};
    struct model_file *f = open_model(DATA "tied-bf16");
    struct memory_plan p;
    struct plan_request r = {0};
    struct error e = {0};
    struct buf text = BUF_INIT(4 * KIB);
    check_ok(plan_compute(&p, f, &r, &e), &e);
    plan_print(&p, f, &text);
    assert_int_equal(buf_error(&text), OK);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) assert_non_null(strstr(buf_text(&text), words[i]));
    buf_free(&text);
    model_file_close(f);
}

/* --- what is left --- */

static char root[256];

static void write_under(const char *file, const char *text)
{
    char path[LIMIT_PATH];
    struct error e = {0};
    assert_int_equal(path_join(path, sizeof path, root, file), OK);
    *strrchr(path, '/') = '\0';
    check_ok(file_make_directories(path, 0700, &e), &e);
    path[strlen(path)] = '/';
    check_ok(file_write_atomic(path, text, strlen(text), 0600, &e), &e);
}

static void control_groups_have_their_say(void **state)
{
    (void)state;
    check_directory_make(root, sizeof root);
    assert_true(memory_available_under(root) == SIZE_MAX); /* nobody says anything */
    write_under("proc/meminfo", "MemTotal:  9000000 kB\nMemFree:  1 kB\nMemAvailable:    4096 kB\n");
    assert_true(memory_available_under(root) == 4096 * KIB);
    write_under("proc/self/cgroup", "0::/a/b\n");
    assert_true(memory_available_under(root) == 4096 * KIB);
    write_under("sys/fs/cgroup/a/b/memory.max", "max\n");
    write_under("sys/fs/cgroup/a/memory.max", "3000000\n"); /* the parent's limit counts */
    write_under("sys/fs/cgroup/a/memory.current", "2500000\n");
    assert_true(memory_available_under(root) == 500000);
    write_under("sys/fs/cgroup/a/memory.stat", "anon 5\ninactive_file 300000\nactive_file 200000\n");
    assert_true(memory_available_under(root) == 1000000); /* page cache goes back */
    write_under("sys/fs/cgroup/a/memory.current", "9000000\n");
    assert_true(memory_available_under(root) == 0);
    write_under("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/x\n0::/\n");
    write_under("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "9223372036854771712\n"); /* none */
    assert_true(memory_available_under(root) == 4096 * KIB);
    write_under("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "2000000\n");
    write_under("sys/fs/cgroup/memory/x/memory.usage_in_bytes", "1500000\n");
    write_under("sys/fs/cgroup/memory/x/memory.stat", "inactive_file 1\ntotal_inactive_file 100000\n");
    assert_true(memory_available_under(root) == 600000);
}

static int remove_root(void **state)
{
    (void)state;
    static const char *const made[] = {"proc/self",
                                       "proc",
                                       "sys/fs/cgroup/a/b",
                                       "sys/fs/cgroup/a",
                                       "sys/fs/cgroup/memory/x",
                                       "sys/fs/cgroup/memory",
                                       "sys/fs/cgroup",
                                       "sys/fs",
                                       "sys",
                                       ""};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        char path[LIMIT_PATH];
        if (path_join(path, sizeof path, root, made[i]) == OK) check_directory_remove(path);
    }
    return 0;
}

static void this_machine_says_something(void **state)
{
    (void)state;
    size_t available = memory_available();
    assert_true(available > MIB);
}

/* In a child: a limit once lowered stays. */
static void limits_of_the_process_count(void **state)
{
    (void)state;
    static const int kinds[] = {RLIMIT_AS, RLIMIT_DATA};
    for (size_t i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0) {
            const struct rlimit limit = {64 * MIB, 64 * MIB};
            setrlimit(kinds[i], &limit);
            _exit(memory_available() <= 64 * MIB ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

/* What `logits` asks: more rows of logits than sequences, and positions beyond what YaRN could reach. */
static void rows_and_unextended_positions_are_planned(void **state)
{
    (void)state;
    struct model_file *f = open_model(DATA "tied-bf16");
    struct error e = {0};
    struct memory_plan one;
    struct memory_plan many;
    struct plan_request r = {.max_length = 4096, .sequences = 1, .threads = 1, .unextended = true};
    check_ok(plan_compute(&one, f, &r, &e), &e);
    assert_int_equal(one.kv, 384 * 4096);
    r.logit_rows = 65;
    check_ok(plan_compute(&many, f, &r, &e), &e);
    assert_int_equal(many.scratch - one.scratch, (size_t)64 * 512 * sizeof(float));
    model_file_close(f);
}

static void an_adapter_is_part_of_the_plan(void **state)
{
    (void)state;
    struct model_file *f = open_model(DATA "tied-bf16");
    struct error e = {0};
    struct memory_plan base;
    struct memory_plan p;
    struct buf text = BUF_INIT(4 * KIB);
    struct plan_request r = {.threads = 1};
    size_t bytes;
    check_ok(plan_compute(&base, f, &r, &e), &e);
    r.lora = DATA "tied-bf16-lora";
    check_ok(plan_compute(&p, f, &r, &e), &e);
    check_ok(lora_plan(r.lora, model_file_config(f), &bytes, &e), &e);
    assert_true(bytes > 0 && p.lora == bytes && p.total == base.total + bytes);
    plan_print(&p, f, &text);
    assert_non_null(strstr(buf_text(&text), "adapter"));
    p.fits = false;
    check_refused(plan_check(&p, &e), &e, ERR_MEMORY_PLAN, ", adapter 0.1 MiB)");
    buf_free(&text);
    r.lora = DATA "tied-bf16"; /* no adapter */
    error_clear(&e);
    check_refused(plan_compute(&p, f, &r, &e), &e, ERR_NOT_FOUND, "adapter_config.json");
    model_file_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planned_weights_are_what_loading_takes),
        cmocka_unit_test(quantising_makes_it_smaller),
        cmocka_unit_test(kv_counts_every_position_of_every_sequence),
        cmocka_unit_test(impossible_requests_are_refused),
        cmocka_unit_test(what_does_not_fit_is_refused_with_the_way_out),
        cmocka_unit_test(the_plan_prints_every_part),
        cmocka_unit_test_teardown(control_groups_have_their_say, remove_root),
        cmocka_unit_test(this_machine_says_something),
        cmocka_unit_test(limits_of_the_process_count),
        cmocka_unit_test(an_adapter_is_part_of_the_plan),
        cmocka_unit_test(rows_and_unextended_positions_are_planned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
