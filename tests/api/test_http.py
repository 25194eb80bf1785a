"""What a server must refuse, and what it must survive: raw sockets, hang-ups, signals."""
import http.client
import json
import pathlib
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


def refusal_of(received):
    """The status of the one response that is there, checked to be a whole OpenAI error object after which all is over."""
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    names = [line.split(":")[0].lower() for line in lines[1:]]
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    assert len(names) == len(set(names)), lines
    assert fields["content-type"].startswith("application/json") and fields["connection"] == "close"
    assert int(fields["content-length"]) == len(body)
    error = json.loads(body)["error"]
    assert error["message"] and error["type"] and set(error) == {"message", "type", "param", "code"}
    return status_of(received)


MALFORMED = {
    "length twice": f"Content-Length: {len(BODY)}\r\nContent-Length: {len(BODY)}\r\n",
    "two lengths": f"Content-Length: {len(BODY)}\r\nContent-Length: 3\r\n",
    "length and coding": f"Content-Length: {len(BODY)}\r\nTransfer-Encoding: chunked\r\n",
    "blank before the colon": f"Content-Length : {len(BODY)}\r\n",
    "coding gzip": "Transfer-Encoding: gzip\r\n",
    "coding twice": "Transfer-Encoding: chunked, chunked\r\n",
    "coding identity": "Transfer-Encoding: identity\r\n",
    "negative length": "Content-Length: -1\r\n",
    "signed length": "Content-Length: +5\r\n",
    "hex length": "Content-Length: 0x10\r\n",
    "list of lengths": f"Content-Length: {len(BODY)}, {len(BODY)}\r\n",
    "empty length": "Content-Length:\r\n",
    "folded length": f"Content-Length:\r\n {len(BODY)}\r\n",
    "folded coding": "Transfer-Encoding:\r\n\tchunked\r\n",
    "folded header": "X-Long: a\r\n b\r\n",
    "NUL in a length": "Content-Length: 2\0009\r\n",
    "NUL in a value": "X-Nul: a\0b\r\n",
    "bare CR in a value": "X-Cr: a\rContent-Length: 3\r\n",
    "bare LF as a line's end": "X-Lf: a\nContent-Length: 3\r\n",
    "empty name": ": x\r\n",
    "no colon": "nonsense\r\n",
    "two hosts": "Host: b\r\n",
}


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("name", MALFORMED)
def test_ambiguous_framing_gets_4xx_and_a_close(server, name, kept):
    request = f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\n{MALFORMED[name]}\r\n".encode() + BODY
    first = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" if kept else b""
    received, closed = exchange(server, first + request)
    assert closed
    if kept:  # the request in front is answered as ever
        assert status_of(received) == 200
        received = received[received.index(b"HTTP/1.1 ", 1):]
    assert refusal_of(received) == 400  # and the body is not served as a second request


@pytest.mark.parametrize("status,head", [
    (400, "GET /health HTTP/1.1\r\n\r\n"),
    (400, "GET /health foo HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET health HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /health\r\n\r\n"),
    (400, "GET http://127.0.0.1/health HTTP/1.1\r\nHost: other\r\n\r\n"),
    (400, "\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, f"POST {CHAT} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (404, "GET /assets/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"),
    (404, "GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    (413, f"POST {CHAT} HTTP/1.1\r\nHost: a\r\nContent-Length: {17 * 1024 * 1024}\r\n\r\n"),
    (413, f"POST {CHAT} HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999999\r\n\r\n"),
    (414, "GET /" + "a" * 10000 + " HTTP/1.1\r\nHost: a\r\n\r\n"),
    (431, "GET /health HTTP/1.1\r\nHost: a\r\nX-Long: " + "a" * 70000 + "\r\n\r\n"),
    (431, "GET /health HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 300 + "\r\n"),
    (431, "GET /health HTTP/1.1\r\nHost: a\r\nCookie: " + "a=b;" * 300 + "\r\n\r\n"),
    (505, "GET /health HTTP/2.0\r\nHost: a\r\n\r\n"),
])
def test_other_mistakes_are_answered_once_with_an_error_object(server, status, head):
    received, closed = exchange(server, head.encode())
    assert refusal_of(received) == status and closed


@pytest.mark.parametrize("status,head", [
    (400, "HEAD /health HTTP/1.1\r\n\r\n"),
    (400, "\r\nHEAD /health HTTP/1.1\r\nHost: a\r\nX-Lf: a\nX: b\r\n\r\n"),
    (400, "HEAD /health HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
    (403, "HEAD /health HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
    (404, "HEAD /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    (408, "HEAD /health HTTP/1.1\r\nHost: a\r\n"),
    (431, "HEAD /health HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 300 + "\r\n"),
])
def test_a_refused_head_request_gets_no_body(server, status, head):
    received, closed = exchange(server, head.encode(), seconds=60)
    assert closed and status_of(received) == status
    assert received.count(b"HTTP/1.1 ") == 1 and received.endswith(b"\r\n\r\n") and b"Content-Length: " in received


def test_nonsense_is_survived(server):
    received, closed = exchange(server, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20)
    assert refusal_of(received) == 400 and closed
    assert server.get("/health")[0] == 200


def test_what_is_sound_passes(server):
    """Large heads, an empty line in front, an absolute address, all on one connection; a body in chunks with all they may have."""
    host = f"127.0.0.1:{server.port}"
    request = f"GET /health HTTP/1.1\r\nHost: {host}\r\nX-Long: {'a' * 60000}\r\n\r\n"
    absolute = f"\r\nGET http://{host}/health?a=b HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    received, closed = exchange(server, (request * 3 + absolute).encode(), seconds=30)
    assert closed and received.count(b"HTTP/1.1 200") == 4
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as s:
        s.sendall(f"POST {CHAT} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode())
        for byte in BODY:  # every boundary the network can make
            for piece in (b"1;a=b\r", b"\n%c\r" % byte, b"\n"):
                s.sendall(piece)
        s.sendall(b"000\r\nX-Trailer: b\r\n\r\n")
        received = b"".join(iter(lambda: s.recv(65536), b""))
    assert status_of(received) == 200 and b'"finish_reason"' in received


def test_methods_that_are_possible_are_said(server):
    for method, path, allow in (("DELETE", "/health", "GET, HEAD"), ("GET", CHAT, "POST")):
        refused = requests.request(method, server.url + path)
        assert refused.status_code == 405 and refused.headers["Allow"] == allow


def trickle(s, data, every):
    """Send byte by byte until the server ends it; returns what it said and how long it bore it."""
    start = time.time()
    received = b""
    s.settimeout(every)
    try:
        for byte in data:
            s.sendall(bytes([byte]))
            try:
                piece = s.recv(4096)
            except TimeoutError:
                continue
            received += piece
            if not piece:
                break
    except (BrokenPipeError, ConnectionResetError):
        pass
    return received, time.time() - start


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("kind", ["request line", "empty lines", "headers"])
def test_a_head_that_never_ends_is_ended(server, kind, kept):
    data = {"request line": b"G" * 200, "empty lines": b"\r\n" * 100, "headers": b"GET /health HTTP/1.1\r\n" + b"X-Slow: a\r\n" * 100}[kind]
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
        if kept:
            s.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert status_of(s.recv(65536)) == 200
        received, seconds = trickle(s, data, 0.5)
    assert seconds < 60, "the server waits for a head longer than its limit"
    assert refusal_of(received) == (400 if kind == "empty lines" else 408)


def test_a_silent_connection_is_ended(server):
    received, closed = exchange(server, b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", seconds=60)
    assert closed and refusal_of(received) == 408


@pytest.mark.parametrize("framing", ["length", "chunks", "trailers"])
def test_a_body_that_never_ends_is_ended(start_server, framing):
    server = start_server("--body-seconds", "2", wait=False)
    while server.process.poll() is None:
        try:
            s = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            break
        except OSError:
            time.sleep(0.1)
    header, data = {"length": ("Content-Length: 1000", b" " * 200),
                    "chunks": ("Transfer-Encoding: chunked", b"1\r\n \r\n" * 40),
                    "trailers": ("Transfer-Encoding: chunked", b"0\r\n" + b"X: a\r\n" * 40)}[framing]
    with s:
        s.sendall(f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n\r\n".encode())
        received, seconds = trickle(s, data, 0.5)
    assert seconds < 60 and refusal_of(received) == 408


@pytest.mark.parametrize("end", ["declared", "endless", "many"])
def test_a_chunked_body_is_refused_when_it_passes_the_limit(server, end):
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    size = b"FFFFFFFFFFFFFFFF\r\n" if end == "declared" else b"1000001\r\n" if end == "endless" else b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as s:
        s.sendall(f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + size)
        if end == "many":
            s.sendall(chunk * 256 + b"1\r\n")
        received = b"".join(iter(lambda: s.recv(65536), b""))  # it comes although the body has no end
    assert refusal_of(received) == 413


@pytest.mark.parametrize("body", [b"5 \r\nhello\r\n", b"x\r\n", b"5\nhello\n0\n\n", b"2\r\n{}0\r\n\r\n", b"0\r\n folded: a\r\n\r\n", b"\r\n"])
def test_malformed_chunks_are_refused(server, body):
    received, closed = exchange(server, f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + body)
    assert closed and refusal_of(received) == 400


def test_a_body_is_not_read_for_a_request_that_is_refused_anyway(server, start_server):
    """The headers alone bring the refusal, and it reaches a client that goes on sending."""
    locked = start_server(environment={"XIAOBEI_API_KEY": "a-long-secret"})
    head = "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Length: 10000000\r\n{}\r\n"
    for to, path, host, more, status in ((locked, CHAT, "127.0.0.1", "", 401), (server, CHAT, "evil.example", "", 403),
                                         (server, CHAT, "127.0.0.1", "Origin: https://evil.example\r\n", 403),
                                         (server, "/nothing", "127.0.0.1", "", 404), (server, "/health", "127.0.0.1", "", 405)):
        received, closed = exchange(to, head.format(path, host, more).encode(), seconds=60)
        assert closed and refusal_of(received) == status
    received, closed = exchange(locked, head.format(CHAT, "127.0.0.1", "").encode() + b" " * 10000000, seconds=60)
    assert closed and refusal_of(received) == 401 and b'"invalid_api_key"' in received


def test_the_log_takes_no_words_from_outside(server):
    exchange(server, b"SECRETWORD /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert "SECRETWORD" not in server.log() and " ? - 405 " in server.log()


def test_deep_json_is_400(server):
    deep = "[" * 101 + "]" * 101
    answer = requests.post(server.url + CHAT, data='{"model":"xiaobei","messages":' + deep + "}")
    assert answer.status_code == 400 and "100" in answer.json()["error"]["message"]
    bomb = requests.post(server.url + CHAT, data="[" * 1000000)
    assert bomb.status_code == 400


def memory_of(server, name):
    """A line of /proc/PID/status, in MiB."""
    return int(re.search(rf"^{name}:\s+(\d+)", pathlib.Path(f"/proc/{server.process.pid}/status").read_text(), re.M)[1]) / 1024


@pytest.mark.parametrize("mebibytes,body", [
    (250, b'{"model":"xiaobei","messages":[' + b"[]," * 5000000 + b"[]]}"),
    (700, b'{"model":"xiaobei","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"['
     + b"[]," * 5000000 + b'[]]"}}]},{"role":"user","content":"a"}]}'),  # read as text: its tokens are counted
], ids=["values", "values in a text"])
def test_many_small_values_cost_little_memory(server, mebibytes, body):
    """As JSON values they would take up sixty times their bytes."""
    server.wait_idle(60)
    before = memory_of(server, "VmRSS")
    pathlib.Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # VmHWM starts anew
    answer = requests.post(server.url + CHAT, data=body, timeout=120)
    assert answer.status_code == 400
    assert ("200000 values" in answer.json()["error"]["message"]) == (b"tool_calls" not in body)
    assert memory_of(server, "VmHWM") - before < mebibytes
    end = time.time() + 5  # it is given back behind the answer
    while memory_of(server, "VmRSS") - before > 60 and time.time() < end:
        time.sleep(0.05)
    assert memory_of(server, "VmRSS") - before < 60


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


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("phase", ["prefill", "queue"])
def test_a_client_that_only_ends_its_sending_gets_its_answer(server, stream, phase):
    server.wait_idle(60)
    crowd = [long_request(server, True, tokens=20) for _ in range(4)] if phase == "queue" else []
    if crowd:
        while server.metric("xiaobei_requests_running") < 4:
            time.sleep(0.05)
    with long_request(server, stream, "咳嗽三天。" * 100 if phase == "prefill" else "你好", tokens=4) as client:
        time.sleep(0.1)  # it is under way
        client.shutdown(socket.SHUT_WR)
        client.settimeout(120)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        text = answer.read().decode()
    for other in crowd:
        other.close()
    assert answer.status == 200
    if stream:
        assert '"finish_reason":"length"' in text and text.rstrip().endswith("data: [DONE]")
    else:
        assert json.loads(text)["choices"][0]["finish_reason"] == "length"
    server.wait_idle(60)


def test_a_request_whose_client_left_is_counted_as_such(server):
    server.wait_idle(60)
    line = 'xiaobei_http_requests_total{route="/v1/chat/completions",status="499"}'
    before = server.metric(line) or 0
    for stream in (True, False):
        long_request(server, stream).close()
    server.wait_idle(15)
    end = time.time() + 5
    while (server.metric(line) or 0) < before + 2 and time.time() < end:
        time.sleep(0.05)
    assert server.metric(line) == before + 2


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
    while "is ready: http://127.0.0.1" not in server.text():  # the word follows the state, a moment later
        assert time.time() < end
        time.sleep(0.05)


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


@pytest.mark.parametrize("stream", [True, False])
def test_a_server_that_ends_says_so_and_blames_nobody(start_server, stream):
    server = start_server("--max-length", "4096", "--slots", "4")
    clients = [long_request(server, stream, tokens=4000) for _ in range(24)]  # most of them wait in the queue
    while (server.metric("xiaobei_completion_tokens_total") or 0) < 3 or (server.metric("xiaobei_requests_queued") or 0) < 20:
        time.sleep(0.05)
    server.process.send_signal(signal.SIGTERM)
    while "draining" not in server.log():
        time.sleep(0.05)
    server.process.send_signal(signal.SIGTERM)  # at once
    error = {"message": "the server is shutting down", "type": "server_error", "param": None, "code": None}
    for client in clients:
        client.settimeout(60)
        with client:
            received = b"".join(iter(lambda: client.recv(65536), b""))
        if stream:
            events = [line[6:] for line in received.decode().split("\n") if line.startswith("data: ")]
            assert json.loads(events[-1])["error"] == error and "[DONE]" not in received.decode()
        else:
            head, _, body = received.partition(b"\r\n\r\n")
            assert status_of(received) == 503 and b"Retry-After: 5" in head and json.loads(body)["error"] == error
    assert server.process.wait(timeout=60) == 0


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
