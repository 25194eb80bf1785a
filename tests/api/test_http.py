"""What a server must refuse, and what it must survive: raw sockets, hang-ups, signals."""
import json
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
import requests

from conftest import BINARY, Server

CHAT = "/v1/chat/completions"


def exchange(server, data, seconds=10):
    """Send bytes, return everything that comes until the server closes (or the time is up)."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as s:
        s.sendall(data)
        received = b""
        closed = False
        try:
            while True:
                piece = s.recv(65536)
                if not piece:
                    closed = True
                    break
                received += piece
        except TimeoutError:
            pass
        except ConnectionResetError:
            closed = True
        return received, closed


def status_of(received):
    return int(received.split(b" ", 2)[1]) if received.startswith(b"HTTP/1.1 ") else None


BODY = json.dumps({"model": "xiaobei", "messages": [{"role": "user", "content": "a"}], "max_tokens": 1}).encode()


@pytest.mark.parametrize("headers", [
    f"Content-Length: {len(BODY)}\r\nContent-Length: {len(BODY)}\r\n",
    f"Content-Length: {len(BODY)}\r\nContent-Length: 3\r\n",
    f"Content-Length: {len(BODY)}\r\nTransfer-Encoding: chunked\r\n",
    f"Content-Length : {len(BODY)}\r\n",
    "Transfer-Encoding: gzip\r\n",
    "Transfer-Encoding: chunked, chunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: 0x10\r\n",
])
def test_ambiguous_framing_gets_4xx_and_a_close(server, headers):
    request = f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode() + BODY
    received, closed = exchange(server, request)
    status = status_of(received)
    assert status and 400 <= status < 500, received[:200]
    assert closed
    # The body is not served as a second request. (The library writes its own refusals' status line twice: count no lines.)
    assert set(re.findall(rb"HTTP/1.1 (\d)", received)) == {b"4"}


def test_no_host_two_hosts_and_nonsense(server):
    for head in ("GET /health HTTP/1.1\r\n\r\n", "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"):
        received, _ = exchange(server, head.encode())
        assert status_of(received) == 400
    exchange(server, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20, seconds=5)
    assert server.get("/health")[0] == 200


def test_headers_that_never_end_are_ended(server):
    for trickle in (False, True):
        start = time.time()
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
            s.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
            received = b""
            try:
                while time.time() - start < 9:
                    if trickle:
                        s.sendall(b"a")
                    s.settimeout(0.3)
                    try:
                        piece = s.recv(4096)
                    except TimeoutError:
                        continue
                    if not piece:
                        break
                    received += piece
            except (BrokenPipeError, ConnectionResetError):
                pass
        assert time.time() - start < 6, "the server waits for headers longer than its limit"
        assert received == b"" or status_of(received) == 408


def test_oversized_body_is_413(server):
    head = f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {17 * 1024 * 1024}\r\n\r\n".encode()
    received, _ = exchange(server, head)
    assert status_of(received) == 413
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    head = f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    received, _ = exchange(server, head + chunk * 272 + b"0\r\n\r\n", seconds=20)
    assert status_of(received) == 413


def test_deep_json_is_400(server):
    deep = "[" * 101 + "]" * 101
    answer = requests.post(server.url + CHAT, data='{"model":"xiaobei","messages":' + deep + "}")
    assert answer.status_code == 400 and "100" in answer.json()["error"]["message"]
    bomb = requests.post(server.url + CHAT, data="[" * 1000000)
    assert bomb.status_code == 400


def test_wrong_paths_and_methods(server):
    assert server.get("/nothing")[0] == 404
    assert requests.get(server.url + CHAT).status_code == 405
    assert requests.delete(server.url + "/health").status_code == 405
    assert requests.head(server.url + "/health").status_code == 200


def test_a_page_of_another_site_is_refused(server):
    strange = requests.post(server.url + CHAT, data=BODY, headers={"Origin": "https://evil.example"})
    assert strange.status_code == 403
    rebound = requests.get(server.url + "/v1/models", headers={"Host": "evil.example"})
    assert rebound.status_code == 403
    own = requests.get(server.url + "/v1/models", headers={"Origin": server.url})
    assert own.status_code == 200 and "Access-Control-Allow-Origin" not in own.headers


def long_request(server, stream, prompt="讲一个很长的故事", tokens=1500):
    body = {"model": "xiaobei", "messages": [{"role": "user", "content": prompt}], "max_tokens": tokens, "stream": stream, "ignore_eos": True}
    data = json.dumps(body).encode()
    s = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    s.sendall(f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
    return s


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("phase", ["prefill", "decode", "queue"])
def test_a_client_that_leaves_frees_its_slot(server, stream, phase):
    server.wait_idle(60)
    crowd = [long_request(server, True) for _ in range(4)] if phase == "queue" else []
    if crowd:
        while server.metric("xiaobei_requests_running") < 4:
            time.sleep(0.05)
    client = long_request(server, stream, "咳嗽三天。" * 300 if phase == "prefill" else "你好")
    before = server.metric("xiaobei_completion_tokens_total")
    if phase == "decode":
        while server.metric("xiaobei_completion_tokens_total") < before + 3:
            time.sleep(0.05)
    else:
        time.sleep(0.3)
    client.close()
    for other in crowd:
        other.close()
    assert server.wait_idle(15) < 10


def test_metrics_and_health(server):
    status, text = server.get("/metrics")
    assert status == 200
    for name in ("xiaobei_requests_running", "xiaobei_first_token_seconds_bucket", "xiaobei_token_gap_seconds_sum", "process_resident_memory_bytes"):
        assert name in text
    assert re.search(r'xiaobei_http_requests_total\{route="/health",status="200"\} \d+', text)
    assert json.loads(server.get("/health")[1])["status"] == "ok"


def test_the_log_holds_no_words_of_the_patient(server):
    secret = "我叫张三丰胸口像压了石头"
    requests.post(server.url + CHAT, json={"model": "xiaobei", "messages": [{"role": "user", "content": secret}], "max_tokens": 2})
    log = server.log()
    assert "POST /v1/chat/completions 200" in log and "张三丰" not in log and "石头" not in log


def test_many_clients_at_once(server):
    failures = []

    def work(index):
        try:
            answer = requests.post(server.url + CHAT, timeout=300, json={"model": "xiaobei", "max_tokens": 2, "stream": index % 2 == 0,
                                                                         "messages": [{"role": "user", "content": f"第{index}位"}]})
            if answer.status_code not in (200, 503):
                failures.append(answer.status_code)
            answer.content
        except requests.RequestException as broken:
            failures.append(repr(broken))
    threads = [threading.Thread(target=work, args=(index,)) for index in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    server.wait_idle(60)


def test_key_is_needed_when_set(start_server):
    server = start_server(environment={"XIAOBEI_API_KEY": "a-long-secret"})
    assert requests.get(server.url + "/v1/models").status_code == 401
    wrong = requests.get(server.url + "/v1/models", headers={"Authorization": "Bearer a-long-secreT"})
    assert wrong.status_code == 401 and wrong.json()["error"]["code"] == "invalid_api_key"
    right = requests.get(server.url + "/v1/models", headers={"Authorization": "Bearer a-long-secret"})
    assert right.status_code == 200
    assert requests.get(server.url + "/health").status_code == 200
    assert "a-long-secret" not in server.log()


def test_beyond_loopback_needs_a_key(model, tmp_path):
    done = subprocess.run([BINARY, "serve", "--host", "0.0.0.0", "--port", "0", "--model", model], capture_output=True, text=True,
                          env={"XIAOBEI_HOME": str(tmp_path)}, timeout=30)
    assert done.returncode == 78 and "XIAOBEI_API_KEY" in done.stderr and "--insecure" in done.stderr


def test_loading_is_said_and_then_ready(start_server):
    server = start_server(wait=False)
    seen = set()
    end = time.time() + 60
    while time.time() < end:
        try:
            status, text = server.get("/health")
        except OSError:
            continue
        seen.add((status, json.loads(text)["status"]))
        if status == 200:
            break
    assert (200, "ok") in seen and seen <= {(200, "ok"), (503, "loading")}
    assert "is ready: http://127.0.0.1" in server.text()


def test_taken_port_names_its_holder(server, model, tmp_path):
    done = subprocess.run([BINARY, "serve", "--port", str(server.port), "--model", model], capture_output=True, text=True,
                          env={"XIAOBEI_HOME": str(tmp_path)}, timeout=30)
    assert done.returncode == 73 and f"port {server.port} is in use by xiaobei (pid {server.process.pid})" in done.stderr


def test_missing_and_broken_models(tmp_path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF\x03\x00\x00\x00" + b"\xff" * 100)
    for path, code in ((tmp_path / "nothing.gguf", 66), (broken, 65)):
        done = subprocess.run([BINARY, "serve", "--port", "0", "--model", path], capture_output=True, text=True, env={"XIAOBEI_HOME": str(tmp_path)},
                              timeout=30)
        assert done.returncode == code, done.stderr
        assert done.stderr.strip().count("\n") < 3


def test_sigterm_drains_running_answers(start_server):
    server = start_server()
    result = {}

    def ask():
        answer = requests.post(server.url + CHAT, timeout=60, json={"model": "xiaobei", "max_tokens": 60, "ignore_eos": True, "stream": True,
                                                                    "messages": [{"role": "user", "content": "你好"}]})
        result["text"] = answer.text
    thread = threading.Thread(target=ask)
    thread.start()
    while (server.metric("xiaobei_completion_tokens_total") or 0) < 3:
        time.sleep(0.05)
    server.process.send_signal(signal.SIGTERM)
    thread.join(60)
    assert server.process.wait(timeout=40) == 0
    assert result["text"].rstrip().endswith("data: [DONE]") and '"finish_reason":"length"' in result["text"]


def test_sigusr1_reopens_the_log(start_server):
    server = start_server()
    log = server.home / "logs/server.log"
    log.rename(log.with_name("moved.log"))
    server.process.send_signal(signal.SIGUSR1)
    end = time.time() + 5
    while time.time() < end and not log.exists():
        time.sleep(0.1)
    assert "log reopened" in log.read_text()


def test_supervisor_restarts_a_crashed_server(model, tmp_path):
    server = Server(model, tmp_path, "--supervise")
    try:
        server.wait_ready()
        children = subprocess.run(["ps", "--ppid", str(server.process.pid), "-o", "pid="], capture_output=True, text=True).stdout.split()
        subprocess.run(["kill", "-SEGV", children[0]], check=True)
        time.sleep(1)
        server.wait_ready()
        assert "signal 11" in (tmp_path / "logs/crash-report.txt").read_text()
    finally:
        assert server.stop() == 0
