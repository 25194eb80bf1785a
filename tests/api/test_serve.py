"""The server's life: what it inherits, what it is called, how it starts and ends whatever others do."""
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.parse

import pytest
import requests
from conftest import BINARY, Server, free_port


def child_of(process):
    return int(subprocess.run(["ps", "--ppid", str(process.pid), "-o", "pid="], capture_output=True, text=True).stdout.split()[0])


def wait_for_port(process, port, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        assert process.poll() is None
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10).close()
        except OSError:
            time.sleep(0.01)
    raise AssertionError("nobody listens")


@pytest.mark.parametrize("supervise", [[], ["--supervise"]])
def test_a_reader_of_standard_error_that_reads_nothing_stops_nobody(model, tmp_path, supervise):
    """The pipe holds 64 KiB; every request is a line."""
    port = free_port()
    process = subprocess.Popen([BINARY, "serve", "--model", model, "--port", str(port), *supervise], stdin=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, env=dict(os.environ, XIAOBEI_HOME=str(tmp_path)))
    try:
        wait_for_port(process, port)
        with requests.Session() as session:
            for _ in range(1500):
                assert session.get(f"http://127.0.0.1:{port}/v1/models", timeout=20).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=40) == 0
        assert (tmp_path / "logs/server.log").read_text().count("GET /v1/models 200") == 1500
        assert process.stderr.read().count(b"GET /v1/models 200") < 1500, "the pipe was never full: more requests are needed"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_a_supervisor_whose_parent_ignores_sigchld_restarts(model, tmp_path):
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # inherited by what is started now
    try:
        server = Server(model, tmp_path, "--supervise")
    finally:
        signal.signal(signal.SIGCHLD, before)
    try:
        server.wait_ready()
        first = child_of(server.process)
        os.kill(first, signal.SIGKILL)
        end = time.time() + 60
        while "starting it again" not in server.log() and time.time() < end:
            time.sleep(0.1)
        server.wait_ready()
        assert child_of(server.process) != first
    finally:
        server.process.send_signal(signal.SIGTERM)
        try:
            assert server.process.wait(timeout=40) == 0
        finally:
            server.process.kill()


def test_a_supervised_server_has_the_programs_name(model, tmp_path):
    server = Server(model, tmp_path, "--supervise")
    try:
        server.wait_ready()
        child = pathlib.Path(f"/proc/{child_of(server.process)}")
        assert (child / "comm").read_text() == "xiaobei\n"
        assert (child / "cmdline").read_bytes().split(b"\0")[0] == b"xiaobei"
        done = subprocess.run([BINARY, "serve", "--port", str(server.port), "--model", model], capture_output=True, text=True,
                              env={"XIAOBEI_HOME": str(tmp_path)}, timeout=30)
        assert done.returncode == 73 and f"in use by xiaobei (pid {child.name})" in done.stderr
    finally:
        assert server.stop() == 0


def test_a_stop_while_loading_ends_at_once(model, tmp_path):
    server = Server(model, tmp_path)
    try:
        wait_for_port(server.process, server.port)  # it listens before it loads
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=40) == 0
        assert "ended before the model was loaded" in server.log()
    finally:
        server.process.kill()
        server.process.wait()


def test_a_pipe_in_place_of_the_log_is_refused(model, tmp_path):
    os.mkfifo(tmp_path / "server.log")
    done = subprocess.run([BINARY, "serve", "--model", model, "--port", "0", "--log-dir", tmp_path], capture_output=True, text=True,
                          env={"XIAOBEI_HOME": str(tmp_path)}, timeout=30)
    assert done.returncode == 73 and "server.log is a pipe" in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_an_ipv6_address_is_announced_as_it_is(model, tmp_path):
    host = "::ffff:127.0.0.1"  # loopback, but not ::1
    process = subprocess.Popen([BINARY, "serve", "--model", model, "--host", host, "--port", "0", "--quiet", "--insecure"], stderr=subprocess.PIPE,
                               text=True, env=dict(os.environ, XIAOBEI_HOME=str(tmp_path)))
    try:
        line = process.stderr.readline()
        if "not an address" in line or "cannot listen" in line:
            pytest.skip("no IPv6 on this machine")
        assert f"http://[{host}]:" in line
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name,wanted", [(b"a\xffb.gguf", "a?b"), ("问 诊%41.gguf".encode(), "问 诊%41")])
def test_a_models_name_may_be_any_file_name(model, tmp_path, name, wanted):
    odd = os.fsencode(tmp_path) + b"/" + name
    os.symlink(model, odd)
    server = Server(odd, tmp_path)
    try:
        server.wait_ready()
        assert requests.get(server.url + "/health").json()["model"] == wanted
        listed = requests.get(server.url + "/v1/models").json()["data"]
        assert listed[0]["id"] == wanted
        with open(model, "rb") as weights:
            coder = b"Coder" in weights.read(4096)  # what it calls itself
        assert [entry["xiaobei:standin"] for entry in listed] == [coder, coder] and ("演示模型" in server.text()) == coder
        assert requests.get(server.url + "/v1/models/" + urllib.parse.quote(wanted)).json()["id"] == wanted
        answer = requests.post(server.url + "/v1/completions", json={"model": wanted, "prompt": "a", "max_tokens": 1})
        assert answer.status_code == 200 and answer.json()["model"] == wanted
    finally:
        server.stop()
