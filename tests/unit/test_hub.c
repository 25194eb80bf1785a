/* test_hub.c - the parts of a download that can be judged without a network: names, journal, choice of files,
 * addresses, helper processes, and what a model reference leads to. The network side is tests/api/test_pull.py. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "hub/child.h"
#include "hub/hub_source.h"
#include "hub/journal.h"
#include "hub/manifest.h"
#include "hub/pull_select.h"
#include "hub/tree.h"
#include "model/model_ref.h"
#include "support/check.h"

static char directory[] = "/tmp/xiaobei-test-hub-XXXXXX";

static void path_of(char *out, const char *name)
{
    assert_int_equal(path_join(out, LIMIT_PATH, directory, name), OK);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "model.gguf", "dir/a.b", "...", "a..b", "模型.gguf", ".gitattributes"};
    static const char *const bad[] = {"",       "/a", "a/",  "a//b", "..",   "../a",  "a/..",
                                      "a/../b", ".",  "./a", "a\\b", "a\tb", "a\x7f", "\xff"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(hub_path_is_safe(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(hub_path_is_safe(bad[i], strlen(bad[i])));
    assert_false(hub_path_is_safe("a\0b", 3));
    assert_true(hub_name_is_safe("Qwen2.5-7B_x", 12));
    assert_false(hub_name_is_safe("-r", 2));
    assert_false(hub_name_is_safe(".locks", 6));
    assert_false(hub_name_is_safe("a/b", 3));
}

static void test_journal_merges_and_finds_holes(void **state)
{
    (void)state;
    char path[LIMIT_PATH];
    struct journal j;
    struct journal_range hole;
    struct error e = {0};
    path_of(path, "a.journal");
    assert_int_equal(journal_open(&j, path, 1000, "id", -1, &e), OK);
    assert_true(journal_hole(&j, 0, &hole) && hole.from == 0 && hole.to == 1000);
    assert_int_equal(journal_add(&j, 100, 200, &e), OK);
    assert_int_equal(journal_add(&j, 300, 400, &e), OK);
    assert_int_equal(journal_add(&j, 200, 300, &e), OK); /* joins its neighbours */
    assert_int_equal(j.count, 1);
    assert_int_equal(journal_add(&j, 50, 500, &e), OK); /* swallows all */
    assert_int_equal(journal_add(&j, 900, 1000, &e), OK);
    assert_int_equal(journal_done(&j), 550);
    assert_true(journal_hole(&j, 60, &hole) && hole.from == 500 && hole.to == 900);
    assert_true(journal_hole(&j, 0, &hole) && hole.from == 0 && hole.to == 50);
    assert_false(journal_hole(&j, 900, &hole));
    journal_close(&j);

    assert_int_equal(journal_open(&j, path, 1000, "id", 1000, &e), OK);
    assert_int_equal(journal_done(&j), 550); /* what was written is read back */
    journal_close(&j);
    assert_int_equal(journal_open(&j, path, 1000, "id", 600, &e), OK);
    assert_int_equal(journal_done(&j), 450); /* ... but not beyond the data that is there */
    journal_close(&j);
    assert_int_equal(journal_open(&j, path, 1000, "other", 1000, &e), OK);
    assert_int_equal(journal_done(&j), 0); /* another file's journal says nothing */
    journal_close(&j);
}

static void test_journal_drops_a_torn_line(void **state)
{
    (void)state;
    static const char text[] = "xiaobei-journal 1 1000 id\nP 1 0 100\nP 2 100 150\nR 500 60";
    char path[LIMIT_PATH];
    struct journal j;
    struct error e = {0};
    path_of(path, "b.journal");
    assert_int_equal(file_write_atomic(path, text, sizeof text - 1, 0600, &e), OK);
    assert_int_equal(journal_open(&j, path, 1000, "id", 1000, &e), OK);
    assert_int_equal(j.parts, 2);
    assert_int_equal(j.parts_end, 150);
    assert_int_equal(journal_add(&j, 500, 600, &e), OK); /* must not be glued to the torn line */
    journal_close(&j);
    assert_int_equal(journal_open(&j, path, 1000, "id", 1000, &e), OK);
    assert_int_equal(journal_done(&j), 250);
    journal_close(&j);
}

/* The id is what `git hash-object` says of the content. */
static void test_checksums(void **state)
{
    (void)state;
    char path[LIMIT_PATH];
    struct digest got;
    struct error e = {0};
    path_of(path, "hello");
    assert_int_equal(file_write_atomic(path, "hello\n", 6, 0600, &e), OK);
    assert_int_equal(digest_file(path, true, &got, NULL, NULL, &e), OK);
    assert_string_equal(got.git, "ce013625030ba8dba906f756967f9e9ca394464a");
    assert_string_equal(got.sha256, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
    assert_int_equal(digest_file(path, false, &got, NULL, NULL, &e), OK);
    assert_string_equal(got.git, "");
    path_of(path, "fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(digest_file(path, true, &got, NULL, NULL, &e), ERR_FORMAT);
}

static void test_which_oid_is_a_checksum(void **state)
{
    (void)state;
    static const char id[] = "ce013625030ba8dba906f756967f9e9ca394464a";
    static const char text[] = "[{\"type\":\"file\",\"path\":\"a\",\"size\":1,\"oid\":\"%s\"},"
                               "{\"type\":\"file\",\"path\":\"b\",\"size\":1,\"oid\":\"%s\",\"lfs\":{\"size\":1}},"
                               "{\"type\":\"file\",\"path\":\"c\",\"size\":1,\"oid\":\"%.39s\"}]";
    char json[512];
    struct hub_listing all = {0}, copy = {0};
    struct manifest m = {0}, back;
    struct error e = {0};
    int n = snprintf(json, sizeof json, text, id, id, id);
    assert_int_equal(hub_listing_parse_huggingface(&all, json, (size_t)n, &e), OK);
    assert_string_equal(all.files[0].git, id);
    assert_string_equal(all.files[1].git, ""); /* of the pointer, not of the content */
    assert_string_equal(all.files[2].git, ""); /* cut short: not an id */
    assert_int_equal(hub_listing_copy(&copy, &all.files[0], &e), OK);
    m.files = copy;
    assert_int_equal(manifest_write(&m, directory, &e), OK);
    assert_int_equal(manifest_read(&back, directory, &e), OK);
    assert_string_equal(back.files.files[0].git, id);
    manifest_free(&back);
    hub_listing_free(&copy);
    hub_listing_free(&all);
}

static void test_choice_of_files(void **state)
{
    (void)state;
    static const char *const names[] = {"config.json",
                                        "README.md",
                                        "tokenizer.json",
                                        "model-00001-of-00002.safetensors",
                                        "model-00002-of-00002.safetensors",
                                        "original/x.safetensors",
                                        "pytorch_model.bin"};
    struct hub_listing all = {0}, chosen = {0};
    struct pull_target t = {.repo = "Org/Repo"};
    struct error e = {0};
    char open[1025];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(hub_listing_add(&all, names[i], 1, NULL, &e), OK);
    assert_int_equal(pull_select(&t, &all, &chosen, open, &e), OK);
    assert_int_equal(chosen.count, 4);
    assert_string_equal(open, "");
    hub_listing_free(&chosen);
    assert_int_equal(hub_listing_add(&all, "q/m-00001-of-00002.gguf", 1, NULL, &e), OK);
    assert_int_equal(pull_target_parse(&t, "hf:Org/Repo:q/m-00001-of-00002.gguf", model_entries(), &e), OK);
    assert_int_equal(pull_select(&t, &all, &chosen, open, &e), ERR_NOT_FOUND); /* its second half is missing */
    hub_listing_free(&chosen);
    hub_listing_free(&all);
}

static void test_addresses(void **state)
{
    (void)state;
    struct hub_source s;
    struct error e = {0};
    char url[LIMIT_PATH];
    setenv("HF_ENDPOINT", "https://mirror.example/hf/", 1);
    setenv("MODELSCOPE_ENDPOINT", "mirror.example", 1);
    setenv("HF_TOKEN", "secret", 1);
    assert_int_equal(hub_source_init(&s, HUB_HUGGINGFACE, &e), OK);
    assert_int_equal(hub_source_url(&s, "Org/Repo", "a b/模#?.gguf", url, sizeof url, &e), OK);
    assert_string_equal(url, "https://mirror.example/hf/Org/Repo/resolve/main/a%20b/%E6%A8%A1%23%3F.gguf");
    assert_false(s.http.allow_http);
    assert_string_equal(s.http.bearer, "secret");
    assert_int_equal(hub_source_init(&s, HUB_MODELSCOPE, &e), OK);
    assert_int_equal(hub_source_url(&s, "Org/Repo", "x", url, sizeof url, &e), OK);
    assert_string_equal(url, "https://mirror.example/models/Org/Repo/resolve/master/x");
    assert_null(s.http.bearer);
    setenv("HF_ENDPOINT", "ftp://mirror.example", 1);
    assert_int_equal(hub_source_init(&s, HUB_HUGGINGFACE, &e), ERR_CONFIG);
}

/* A complete model below XIAOBEI_HOME, as pull leaves it. */
static void place_model(const char *id, const char *file)
{
    char path[LIMIT_PATH], below[LIMIT_PATH];
    struct error e = {0};
    struct manifest m = {0};
    snprintf(below, sizeof below, "models/%s", id);
    path_of(path, below);
    assert_int_equal(file_make_directories(path, 0700, &e), OK);
    snprintf(m.id, sizeof m.id, "%s", id);
    snprintf(m.open, sizeof m.open, "%s", file);
    assert_int_equal(hub_listing_add(&m.files, file, 1, NULL, &e), OK);
    assert_int_equal(manifest_write(&m, path, &e), OK);
    manifest_free(&m);
    assert_int_equal(path_join(below, sizeof below, path, file), OK);
    assert_int_equal(file_write_atomic(below, "x", 1, 0600, &e), OK);
}

static bool resolves_to(const char *ref, const char *end)
{
    char path[LIMIT_PATH];
    struct error e = {0};
    if (model_resolve(ref, path, sizeof path, &e)) return false;
    size_t n = strlen(path), m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

static void test_references(void **state)
{
    (void)state;
    static const char standin[] = "qwen2.5-coder-0.5b-instruct-q4_k_m";
    char path[LIMIT_PATH];
    struct error e = {0};
    setenv("XIAOBEI_HOME", directory, 1);
    assert_int_equal(model_resolve("qwen2.5-7b-instruct", path, sizeof path, &e), ERR_NOT_FOUND);
    assert_non_null(strstr(e.text, "xiaobei pull qwen2.5-7b-instruct"));
    error_clear(&e);
    assert_int_equal(model_resolve(NULL, path, sizeof path, &e), ERR_NOT_FOUND);
    place_model(standin, "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf");
    assert_true(resolves_to(standin, "0.5b-instruct-q4_k_m.gguf"));
    assert_true(resolves_to("qwen2.5-0.5b-instruct-q4_k_m", "/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"));
    assert_true(resolves_to(NULL, "/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")); /* there is nothing better here */
    assert_true(model_resolve(standin, path, sizeof path, &e) == OK && model_is_standin(path, "m"));
    place_model("Org--Repo", "m.gguf");
    assert_true(resolves_to("hf:Org/Repo", "models/Org--Repo/m.gguf"));
    assert_true(resolves_to("hf:Org/Repo:m.gguf", "models/Org--Repo/m.gguf"));
    assert_false(resolves_to("hf:Org/Repo:../Org--Repo/m.gguf", "m.gguf"));
    assert_false(model_is_standin("/x/Org--Repo/m.gguf", "m"));
    assert_true(resolves_to("/etc/hostname", "/etc/hostname"));
    assert_false(resolves_to("", ""));
    place_model("half", "gone.gguf");
    path_of(path, "models/half/gone.gguf");
    unlink(path);
    assert_false(resolves_to("half", "gone.gguf"));
}

static void test_a_stand_in_stays_one_under_another_name(void **state)
{
    (void)state;
    assert_true(model_is_standin("/m/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "Qwen2.5 0.5B"));
    assert_true(model_is_standin("/m/doctor.gguf", "Qwen2.5 Coder 0.5B Instruct AWQ"));
    assert_true(model_is_standin("/m/doctor", "qwen2.5-coder-7b"));
    assert_false(model_is_standin("/m/qwen2.5-0.5b-instruct-q4_k_m.gguf", "qwen2.5-0.5b-instruct"));
}

/* Who starts us may have SIGCHLD ignored: the kernel would reap the helper, and how it ended would be lost. */
static void test_a_helpers_end_is_seen(void **state)
{
    (void)state;
    char *const argv[] = {"/bin/sh", "-c", "exit 3", NULL};
    struct error e = {0};
    int code = -1;
    pid_t pid = 0;
    signal(SIGCHLD, SIG_IGN);
    assert_int_equal(child_start(&pid, argv, "/dev/null", NULL, &e), OK);
    assert_int_equal(child_wait(pid), 3);
    assert_true(child_ended(pid, &code)); /* nobody to wait for any more */
    assert_int_equal(code, 127);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    struct error e = {0};
    return tree_remove(directory, &e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_journal_merges_and_finds_holes),
        cmocka_unit_test(test_choice_of_files),
        cmocka_unit_test(test_journal_drops_a_torn_line),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_which_oid_is_a_checksum),
        cmocka_unit_test(test_a_helpers_end_is_seen),
        cmocka_unit_test(test_a_stand_in_stays_one_under_another_name),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
