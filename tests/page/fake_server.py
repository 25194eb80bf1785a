"""A stand-in for the server behind the page: serves web/ and answers as told, so that a test can make every case happen."""
import http.server
import json
import mimetypes
import pathlib
import threading
import time

WEB = pathlib.Path(__file__).resolve().parents[2] / "web"
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")


class Fake:
    """What the next answers are; requests records the bodies that came."""

    def __init__(self):
        self.reset()
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                fake.get(self)

            def do_POST(self):
                fake.post(self)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reset(self):
        self.requests = []
        self.paths = []
        self.health = "ok"
        self.standin = False
        self.key = None
        self.pieces = ["你好", "，我是", "小贝。"]
        self.delay = 0.02           # seconds between pieces
        self.failure = None         # (status, error object) for the next question
        self.break_after = None     # close the connection after this many pieces
        self.gates = {}             # number of a piece: the event it waits for
        self.disconnected = threading.Event()

    def send(self, handler, status, kind, data, **headers):
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.send_header("Content-Security-Policy", POLICY)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    def get(self, handler):
        path = handler.path.split("?")[0]
        self.paths.append(path)
        if path == "/health":
            self.send(handler, 200 if self.health == "ok" else 503, "application/json", json.dumps({"status": self.health}).encode())
        elif path == "/v1/models" and not self.admits(handler):
            self.refuse(handler)
        elif path == "/v1/models":
            models = {"data": [{"id": name, "xiaobei:standin": self.standin} for name in ("raw", "xiaobei")]}
            self.send(handler, 200, "application/json", json.dumps(models).encode())
        else:
            file = WEB / ("index.html" if path == "/" else path.removeprefix("/assets/"))
            if file.is_file() and file.parent == WEB:
                kind = "text/javascript" if file.suffix == ".js" else mimetypes.guess_type(file.name)[0]
                self.send(handler, 200, f"{kind}; charset=utf-8", file.read_bytes())
            else:
                self.send(handler, 404, "text/plain", b"")

    def admits(self, handler):
        return not self.key or handler.headers.get("Authorization") == f"Bearer {self.key}"

    def refuse(self, handler):
        error = {"error": {"message": "key", "type": "authentication_error", "code": "invalid_api_key"}}
        self.send(handler, 401, "application/json", json.dumps(error).encode())

    def post(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        if not self.admits(handler):
            self.refuse(handler)
            return
        self.requests.append(body)
        if self.failure:
            status, error = self.failure
            self.failure = None
            self.send(handler, status, "application/json", json.dumps({"error": error}).encode(), Retry_After="1")
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream; charset=utf-8")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        try:
            self.stream(handler)
        except (BrokenPipeError, ConnectionResetError):
            self.disconnected.set()

    def stream(self, handler):
        def event(value):
            handler.wfile.write(b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n")
            handler.wfile.flush()

        event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]})
        for count, piece in enumerate(self.pieces):
            if self.break_after == count:
                return
            if count in self.gates:
                self.gates[count].wait(30)
            time.sleep(self.delay)
            event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
        event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        event({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": len(self.pieces)},
               "xiaobei:timings": {"decode_tps": 28.4, "prefill_tps": 100, "queue_ms": 0, "prefill_ms": 90, "decode_ms": 100}})
        handler.wfile.write(b"data: [DONE]\n\n")
