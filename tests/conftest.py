"""What the Python tests share: the program, a model, and servers on free loopback ports."""
import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("XIAOBEI_BUILD", ROOT / "build"))
BINARY = BUILD / "xiaobei"
START_SECONDS = 120
TEST_MODELS = ("qwen2.5-0.5b-instruct-q4_k_m", "qwen2.5-coder-0.5b-instruct-q4_k_m")


def find_model():
    """The 0.5B: XIAOBEI_TEST_MODEL, or what `xiaobei pull` brought."""
    named = os.environ.get("XIAOBEI_TEST_MODEL")
    if named:
        return named if pathlib.Path(named).exists() else None
    home = os.environ.get("XIAOBEI_HOME")
    data = os.environ.get("XDG_DATA_HOME") or str(pathlib.Path.home() / ".local/share")
    models = pathlib.Path(home) / "models" if home else pathlib.Path(data) / "xiaobei/models"
    for name in TEST_MODELS:
        found = sorted((models / name).glob("*.gguf"))
        if found:
            return str(found[0])
    return None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One `xiaobei serve` on loopback, ended by its pid."""

    def __init__(self, model, home, *options, environment=None, own_group=False):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.home = pathlib.Path(home)
        self.output = open(self.home / "output.txt", "w+b")
        own = dict(os.environ, XIAOBEI_HOME=str(self.home), **(environment or {}))
        command = [str(BINARY), "serve", "--model", model, "--port", str(self.port), "--quiet", *options]
        self.process = subprocess.Popen(command, env=own, stdout=self.output, stderr=self.output, stdin=subprocess.DEVNULL,
                                        start_new_session=own_group)

    def get(self, path, timeout=10):
        try:
            with urllib.request.urlopen(self.url + path, timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def wait_ready(self):
        end = time.time() + START_SECONDS
        while time.time() < end:
            if self.process.poll() is not None:
                raise AssertionError("the server ended: " + self.text())
            try:
                if self.get("/health")[0] == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError("the server did not become ready: " + self.text())

    def metric(self, name):
        for line in self.get("/metrics")[1].split("\n"):
            if line.startswith(name + " "):
                return float(line.split()[1])
        return None

    def wait_idle(self, seconds=10):
        """Until no request holds a slot or waits; returns how long that took."""
        start = time.time()
        while time.time() < start + seconds:
            health = json.loads(self.get("/health")[1])
            if health["running"] == 0 and health["queued"] == 0:
                return time.time() - start
            time.sleep(0.02)
        raise AssertionError("a request still runs")

    def text(self):
        self.output.flush()
        return (self.home / "output.txt").read_text(errors="replace")

    def log(self):
        return (self.home / "logs/server.log").read_text(errors="replace")

    def stop(self, seconds=40):
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(timeout=seconds)
        self.output.close()
        return code


@pytest.fixture(scope="session")
def model():
    found = find_model()
    if not found:
        pytest.skip("the 0.5B model is not here: `xiaobei pull qwen2.5-0.5b-instruct-q4_k_m` brings it")
    return found


@pytest.fixture(scope="session")
def server(model, tmp_path_factory):
    running = Server(model, tmp_path_factory.mktemp("server"), "--slots", "4", "--max-length", "2048", "--ping-seconds", "0.5",
                     "--header-seconds", "2")
    try:
        yield running.wait_ready()
    finally:
        running.stop()


@pytest.fixture
def start_server(model, tmp_path):
    """Start further servers with options of their own; all are ended after the test."""
    started = []

    def start(*options, environment=None, wait=True):
        one = Server(model, tmp_path, *options, environment=environment)
        started.append(one)
        return one.wait_ready() if wait else one

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
