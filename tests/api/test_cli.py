"""The terminal: every verb explains itself, refuses what is wrong with the right exit code, and keeps words off stdout."""
import contextlib
import json
import os
import pathlib
import pty
import re
import resource
import select
import signal
import socket
import subprocess
import threading
import time

import numpy
import pytest
import requests

from conftest import BINARY, BUILD, ROOT, Server

GOLD = ROOT / "tests/golden/data"


def run(*arguments, text=None, home="/nonexistent", **environment):
    own = dict(os.environ, XIAOBEI_HOME=str(home), **environment)
    return subprocess.run([BINARY, *map(str, arguments)], input=text, capture_output=True, text=True, env=own, timeout=120)


def verbs():
    lines = subprocess.run([BINARY, "--help"], capture_output=True, text=True).stdout.split("\n")
    return [match[1] for line in lines if (match := re.match(r"  ([a-z]+)  +\S", line))]


def test_help_lists_every_verb_the_readme_names():
    assert {"serve", "chat", "ask", "pull", "ls", "rm", "verify", "plan", "doctor", "bench", "tokenize", "template", "logits", "generate",
            "version"} <= set(verbs())


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_has_help_and_refuses_unknown_options(verb):
    assert run(verb, "--help").stdout.startswith(f"usage: xiaobei {verb}")
    refused = run(verb, "--frobnicate")
    assert refused.returncode == 64 and "--frobnicate" in refused.stderr and refused.stdout == ""


def test_unknown_verb_and_near_miss():
    assert run("frobnicate").returncode == 64
    refused = run("help", "frobnicate")
    assert refused.returncode == 64 and "frobnicate" in refused.stderr and refused.stdout == ""
    assert run("help", "ask").stdout == run("ask", "--help").stdout != ""
    assert run("version", "extra").returncode == 64
    assert "--model" in run("plan", "--modle", "x").stderr


@pytest.mark.parametrize("verb,arguments", [("plan", []), ("tokenize", []), ("bench", []), ("ask", ["hello"]), ("logits", ["--ids", GOLD / "tied-bf16/gold_input_ids.npy", "--out", "/dev/null"])])
def test_missing_and_broken_models_have_their_codes(verb, arguments, tmp_path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF\x03\x00\x00\x00" + b"\xff" * 64)
    for model, code in ((broken, 65), (tmp_path / "nothing", 66)):
        done = run(verb, *arguments, "--model", model, text="")
        assert done.returncode == code, (done.returncode, done.stderr)
        assert done.stdout == "" and len(done.stderr.strip().split("\n")) <= 2


def test_plan_speaks_json_and_words():
    plan = json.loads(run("plan", "--model", GOLD / "tied-bf16", "--json").stdout)
    assert plan["weights_bytes"] > 500_000 and plan["fits"] is True
    assert "weights" in run("plan", "--model", GOLD / "tied-bf16").stdout
    adapted = json.loads(run("plan", "--model", GOLD / "tied-bf16", "--lora", GOLD / "tied-bf16-lora", "--json").stdout)
    assert plan["lora_bytes"] == 0 and adapted["total_bytes"] == plan["total_bytes"] + adapted["lora_bytes"] > plan["total_bytes"]
    assert run("plan", "--model", GOLD / "untied-f32", "--lora", GOLD / "tied-bf16-lora").returncode == 65


@pytest.mark.parametrize("verb,code", [("plan", 65), ("doctor", 69)])
def test_a_broken_tokenizer_is_found_before_loading(verb, code, tmp_path):
    for file in ("config.json", "model.safetensors"):
        (tmp_path / file).write_bytes((GOLD / "tied-bf16" / file).read_bytes())
    whole = run(verb, "--model", tmp_path, home=tmp_path / "home")
    vocabulary = json.dumps({"model": {"vocab": {"a": 0, "b": 1, "c": 2, "d": 3}, "merges": ["a c"]}})
    (tmp_path / "tokenizer.json").write_text(vocabulary)
    broken = run(verb, "--model", tmp_path, home=tmp_path / "home")
    assert whole.returncode == 0 and broken.returncode == code, (whole.stderr, broken.stderr)
    assert "vocabulary" in broken.stdout + broken.stderr


@pytest.mark.parametrize("verb", ["logits", "generate"])
@pytest.mark.parametrize("shape", [(1, 2), ()])
def test_ids_that_are_no_row_are_refused(verb, shape, tmp_path):
    numpy.save(tmp_path / "ids.npy", numpy.full(shape, 1, dtype=numpy.int32))
    more = ["--out", tmp_path / "o.npy"] if verb == "logits" else []
    done = run(verb, "--model", GOLD / "tied-bf16", "--ids", tmp_path / "ids.npy", *more)
    assert done.returncode == 65 and "one row of token ids" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("name", ["tied-bf16", "untied-f16-sharded", "untied-f32", "yarn-bf16"])
def test_logits_and_greedy_equal_the_reference(name, tmp_path):
    out = tmp_path / "out.npy"
    done = run("logits", "--model", GOLD / name, "--ids", GOLD / name / "gold_input_ids.npy", "--out", out, "--precise")
    assert done.returncode == 0, done.stderr
    want = numpy.load(GOLD / name / "gold_logits.npy")
    got = numpy.load(out)
    assert got.dtype == numpy.float32 and got.shape == want.reshape(-1, want.shape[-1]).shape
    assert numpy.abs(got - want.reshape(got.shape)).max() / numpy.abs(want).max() < 1e-4
    ids = numpy.load(GOLD / name / "gold_input_ids.npy").reshape(-1)[:16].astype(numpy.int32)
    numpy.save(tmp_path / "ids.npy", ids)
    done = run("generate", "--model", GOLD / name, "--ids", tmp_path / "ids.npy", "--max-tokens", 24, "--precise", "--ignore-eos", "--json")
    assert json.loads(done.stdout)["ids"] == numpy.load(GOLD / name / "gold_greedy.npy").tolist()


def test_bad_ids_are_named(tmp_path):
    numpy.save(tmp_path / "ids.npy", numpy.array([1, 512], dtype=numpy.int32))
    done = run("logits", "--model", GOLD / "tied-bf16", "--ids", tmp_path / "ids.npy", "--out", tmp_path / "o.npy")
    assert done.returncode == 65 and "512" in done.stderr and not (tmp_path / "o.npy").exists()
    (tmp_path / "ids.npy").write_bytes(b"not numpy")
    assert run("logits", "--model", GOLD / "tied-bf16", "--ids", tmp_path / "ids.npy", "--out", tmp_path / "o.npy").returncode == 65


@pytest.mark.parametrize("verb", ["logits", "generate"])
@pytest.mark.parametrize("ids", [[], [1, 512], [-1]])
def test_bad_ids_are_bad_data_for_every_verb(verb, ids, tmp_path):
    numpy.save(tmp_path / "ids.npy", numpy.array(ids, dtype=numpy.int32))
    more = ["--out", tmp_path / "o.npy"] if verb == "logits" else []
    done = run(verb, "--model", GOLD / "tied-bf16", "--ids", tmp_path / "ids.npy", *more)
    assert done.returncode == 65 and done.stdout == "", done.stderr


def run_limited(limit, *arguments):
    """With at most so many bytes of private memory."""
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)))


def test_the_limit_on_data_is_part_of_the_plan():
    done = run_limited(200 << 20, "plan", "--model", GOLD / "tied-bf16", "--json")
    assert json.loads(done.stdout)["available_bytes"] < 200 << 20


def test_logits_that_do_not_fit_are_refused_with_the_plan(tmp_path):
    numpy.save(tmp_path / "ids.npy", numpy.ones(1 << 20, dtype=numpy.int32))
    done = run_limited(200 << 20, "logits", "--model", GOLD / "tied-bf16", "--ids", tmp_path / "ids.npy", "--out", tmp_path / "o.npy")
    assert done.returncode == 71 and "does not fit" in done.stderr and "1048576 ids" in done.stderr, done.stderr
    assert not (tmp_path / "o.npy").exists()


USAGE_ERRORS = [("serve", "--cpu", "foo"), ("logits", "--ids", GOLD / "tied-bf16/gold_input_ids.npy", "--out", "/dev/null", "--cpu", "foo"),
                ("plan", "--max-length", 0), ("plan", "--sequences", 0), ("ask", "x", "--max-length", 0), ("ask", "x", "--max-tokens", 0),
                ("serve", "--slots", 0), ("serve", "--threads", -1), ("serve", "--ping-seconds", -1), ("serve", "--ping-seconds", 0),
                ("serve", "--header-seconds", 0), ("serve", "--header-seconds", -3), ("doctor", "--port", 99999), ("doctor", "--port", 0)]


@pytest.mark.parametrize("arguments", USAGE_ERRORS, ids=lambda a: " ".join(map(str, a))[-30:])
def test_values_out_of_range_are_refused_by_name(arguments, tmp_path):
    done = run(*arguments, "--model", GOLD / "tied-bf16", home=tmp_path)
    assert done.returncode == 64 and str(arguments[-2]) in done.stderr and done.stdout == "", (done.returncode, done.stderr)


def test_serve_explains_all_its_options():
    words = run("serve", "--help").stdout
    assert "--header-seconds" in words and "--ping-seconds" in words


@pytest.mark.parametrize("arguments", [["--help"], ["help"], ["help", "ask"], ["ask", "--help"], ["version"]])
def test_a_full_disk_is_noticed(arguments):
    with open("/dev/full", "w") as full:
        assert subprocess.run([BINARY, *arguments], stdout=full, stderr=subprocess.DEVNULL).returncode == 74


@pytest.mark.parametrize("supervise", [[], ["--supervise"]])
def test_a_log_that_cannot_be_written_is_named(supervise):
    done = run("serve", "--model", GOLD / "tied-bf16", "--port", 0, "--log-dir", "/proc/nowhere", *supervise)
    assert done.returncode == 73 and "/proc/nowhere" in done.stderr and "--log-dir" in done.stderr, done.stderr


def test_a_missing_adapter_is_noticed_before_the_weights_are_read(model, tmp_path):
    process = subprocess.Popen([BINARY, "ask", "x", "--model", model, "--lora", tmp_path / "nothing"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 66
    assert used.ru_maxrss < 200 << 10  # KiB; the weights alone are twice that


def test_start_sh_takes_paths_from_where_it_is_called(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/start.sh").write_bytes((ROOT / "start.sh").read_bytes())
    (tmp_path / "home/build").symlink_to(BUILD.resolve())
    (tmp_path / "broken.gguf").write_bytes(b"GGUF\x03\x00\x00\x00" + b"\xff" * 64)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/xiaobei-start").symlink_to("../home/start.sh")
    for script in ("home/start.sh", "elsewhere/xiaobei-start"):
        done = subprocess.run(["sh", script, "--model", "./broken.gguf", "--port", "0"], cwd=tmp_path, capture_output=True, text=True,
                              env=dict(os.environ, XIAOBEI_HOME=str(tmp_path / "state"), PATH="/usr/bin:/bin"), timeout=60)
        assert done.returncode == 65, (done.returncode, done.stderr)  # found, and refused for what it holds


def test_doctor_looks_and_says_what_to_do(tmp_path):
    done = run("doctor", "--json", home=tmp_path)
    checks = {check["check"]: check for check in json.loads(done.stdout)}
    assert done.returncode == 69 and checks["model"]["status"] == "fail" and "pull" in checks["model"]["advice"]
    assert checks["cpu"]["status"] in ("ok", "warn") and "writable" in checks["logs dir"]["finding"]
    assert run("doctor", "--json", home="/proc/nowhere").returncode == 69


def test_json_line_verbs_name_the_bad_line(model):
    done = run("tokenize", "--model", model, text='{"text":"好"}\n\n{"txt":1}\n')
    assert done.returncode == 65 and "line 3" in done.stderr
    assert json.loads(done.stdout)["decoded"] == "好"
    deep = "[" * 200 + "]" * 200
    assert "100" in run("template", "--model", model, text='{"messages":' + deep + "}\n").stderr


def test_ask_writes_the_answer_and_nothing_else_to_stdout(model):
    done = run("ask", "你好", "--model", model, "--max-tokens", 8, "--seed", 1)
    assert done.returncode == 0 and done.stdout.strip() and "120" in done.stderr and "AI" in done.stderr
    again = run("ask", "--model", model, "--max-tokens", 8, "--seed", 1, text="你好\n")
    assert again.stdout == done.stdout
    assert "\033[" not in done.stdout + done.stderr


def test_a_question_is_not_cut_at_a_nul_byte(model):
    done = run("ask", "--raw", "--model", model, "--max-length", 512, "--max-tokens", 4, text="好\0" + "长" * 3000)
    assert done.returncode == 65 and "512" in done.stderr, (done.returncode, done.stderr)


@pytest.mark.parametrize("verb", ["ask", "chat", "tokenize", "template"])
def test_a_failed_read_is_not_the_end_of_the_input(verb, model):
    with open_directory() as directory:
        done = subprocess.run([BINARY, verb, "--model", model], stdin=directory, capture_output=True, text=True, timeout=120)
    assert done.returncode == 74 and "directory" in done.stderr, (done.returncode, done.stderr)


@contextlib.contextmanager
def open_directory():
    """Opens like a file; every read of it fails."""
    descriptor = os.open("/", os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def test_a_line_over_the_limit_is_refused_while_it_comes(model):
    process = subprocess.Popen([BINARY, "tokenize", "--model", model], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    try:
        try:
            process.stdin.write(b"x" * (17 << 20))
            process.stdin.flush()
        except BrokenPipeError:
            pass
        assert process.wait(timeout=60) == 65  # with its input still open
        assert b"16777216" in process.stderr.read()
    finally:
        process.kill()
        process.wait()


def test_a_reader_that_leaves_before_the_last_byte_ends_us_like_any_filter():
    read_end, write_end = os.pipe()
    os.close(read_end)
    for arguments in (["version"], ["--help"], ["help", "ask"]):  # short enough to stay in our buffer until the end
        process = subprocess.run([BINARY, *arguments], stdout=write_end, stderr=subprocess.PIPE, timeout=60)
        assert process.returncode == -signal.SIGPIPE and process.stderr == b"", arguments
    os.close(write_end)


def test_ask_ends_quietly_when_its_reader_is_gone(model):
    process = subprocess.Popen([BINARY, "ask", "从一数到一千", "--raw", "--model", model, "--max-tokens", "4000"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.read(1)
    process.stdout.close()
    words = process.stderr.read().decode()
    assert process.wait(timeout=120) == -signal.SIGPIPE
    assert "xiaobei ask" not in words


def test_chat_ctrl_c_stops_the_answer_not_the_program(model):
    """In a real terminal: Ctrl-C during an answer leads back to the prompt, so does one there; Ctrl-D ends."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["XIAOBEI_HOME"] = "/nonexistent"
        os.execv(BINARY, [str(BINARY), "chat", "--model", model, "--raw", "--seed", "1", "--max-tokens", "2000"])
    seen = ""

    def until(words, seconds=60):
        nonlocal seen
        end = time.time() + seconds
        while words not in seen and time.time() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    seen += os.read(terminal, 65536).decode(errors="replace")
                except OSError:
                    break
        assert words in seen, seen[-500:]
        seen = seen.split(words, 1)[1]

    try:
        until("您>")
        os.write(terminal, "请写一篇关于长江的长篇文章，至少两千字。\n".encode())  # long, and the same one each time
        until("小贝>")
        time.sleep(1.5)
        os.write(terminal, b"\x03")
        until("stopped")
        until("您>")
        os.write(terminal, "/help\n".encode())
        until("/drop")
        until("您>")
        os.write(terminal, "不要了".encode() + b"\x03")
        until("Ctrl-D or /quit ends")
        until("您>")
        os.write(terminal, b"/new\n")  # and not a question that begins with what was dropped
        until("a new conversation")
        until("您>")
        os.write(terminal, b"\x04")
        end = time.time() + 20
        while time.time() < end:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                assert os.waitstatus_to_exitcode(status) == 0
                child = None
                return
            time.sleep(0.05)
        raise AssertionError("chat did not end")
    finally:
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        os.close(terminal)


def test_chat_ends_at_ctrl_c_twice_at_once(model):
    child, terminal = pty.fork()
    if child == 0:
        os.execv(BINARY, [str(BINARY), "chat", "--model", model, "--raw"])
    seen = b""
    ended = 0
    try:
        end = time.time() + 60
        while not ended and time.time() < end:
            try:
                if select.select([terminal], [], [], 0.1)[0]:
                    seen += os.read(terminal, 65536)
                if "您>".encode() in seen:
                    seen = b""
                    os.write(terminal, b"\x03")
            except OSError:  # it has hung up
                pass
            ended, status = os.waitpid(child, os.WNOHANG)
        assert ended and os.waitstatus_to_exitcode(status) == 0
    finally:
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        os.close(terminal)


@pytest.fixture
def supervised(model, tmp_path):
    """A server under its supervisor, in a group of its own as a terminal would have it."""
    server = Server(model, tmp_path, "--supervise", own_group=True)
    try:
        yield server.wait_ready()
    finally:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()


def stream_answer(server, max_tokens):
    """Begin to stream an answer; the list gets its text at the end."""
    result = []
    before = server.metric("xiaobei_completion_tokens_total") or 0

    def read():
        body = {"model": "xiaobei", "max_tokens": max_tokens, "ignore_eos": True, "stream": True,
                "messages": [{"role": "user", "content": "你好"}]}
        try:
            result.append(requests.post(server.url + "/v1/chat/completions", json=body, timeout=120).text)
        except requests.RequestException:
            result.append("")  # it was cut off

    thread = threading.Thread(target=read)
    thread.start()
    while (server.metric("xiaobei_completion_tokens_total") or 0) < before + 3:
        time.sleep(0.05)
    return thread, result


@pytest.mark.parametrize("number,to_all", [(signal.SIGINT, True), (signal.SIGTERM, True), (signal.SIGTERM, False), (signal.SIGHUP, True)])
def test_one_stop_of_a_supervised_server_drains(supervised, number, to_all):
    """Ctrl-C and a closed terminal reach the supervisor and the server, and the supervisor passes them on besides."""
    thread, result = stream_answer(supervised, 60)
    (os.killpg if to_all else os.kill)(supervised.process.pid, number)
    thread.join(60)
    assert supervised.process.wait(timeout=60) == 0
    assert '"finish_reason":"length"' in result[0] and result[0].rstrip().endswith("data: [DONE]")
    assert not (supervised.home / "logs/crash-report.txt").exists()


def test_a_second_ctrl_c_ends_a_supervised_server_at_once(supervised):
    thread, result = stream_answer(supervised, 7000)
    os.killpg(supervised.process.pid, signal.SIGINT)
    while "draining" not in supervised.log():
        time.sleep(0.02)
    os.killpg(supervised.process.pid, signal.SIGINT)
    assert supervised.process.wait(timeout=25) == 0  # and not when the 30 s of draining are over
    thread.join(60)
    assert '"finish_reason":"length"' not in result[0]


def test_a_taken_port_is_not_tried_again(model, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", "--supervise", "--model", model, "--port", taken.getsockname()[1], home=tmp_path)
    assert done.returncode == 73 and done.stderr.count("is in use by") == 1, done.stderr
    assert not (tmp_path / "logs/crash-report.txt").exists()


def test_the_unit_file_restarts_nothing_that_a_restart_cannot_mend():
    unit = (ROOT / "deploy/xiaobei.service").read_text()
    listed = re.search(r"^RestartPreventExitStatus=(.*)$", unit, re.M)[1].split()
    assert {"64", "65", "66", "69", "71", "73", "77", "78"} == set(listed)


def test_source_tour_names_files_that_exist():
    readme = (ROOT / "README.md").read_text()
    for path in re.findall(r"`((?:src|web|docs|tests)/[\w./]+)`", readme):
        assert (pathlib.Path(ROOT) / path).exists(), path
