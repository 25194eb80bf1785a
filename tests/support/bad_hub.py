"""A model hub on loopback that misbehaves on request. Speaks what the program uses of Hugging Face and of ModelScope.

Faults are attributes of BadHub; everything that was asked for and every byte of a file that was sent is counted.
"""
import email.utils
import hashlib
import http.server
import json
import re
import socket
import ssl
import threading
import time
import urllib.parse
import zlib

CHUNK = 1 << 16


class BadHub:
    def __init__(self, repo="Org/Repo", files=None, host="127.0.0.1", certificate=None):
        self.repo = repo
        self.files = dict(files or {})
        self.listing = None  # bytes sent instead of the true listing
        self.listing_status = 200
        self.pages = None  # Hugging Face: list of (bytes, next address or None)
        self.sizes = {}  # path -> size the listing claims
        self.hashes = {}  # path -> sha256 the listing claims
        self.no_hashes = False  # Hugging Face: no file is in LFS, only git's ids are listed
        self.small = ()  # names that are not in LFS
        self.no_checksums = False  # the listing has neither sha256 nor git's ids
        self.sent = {}  # path -> bytes sent instead of what is listed
        self.prefix = ""  # path below which this mirror lives
        self.validator = None  # how file answers name their version: "ETag", "Last-Modified"
        self.ignore_ranges = False
        self.drop_after = None  # bytes of a body after which the connection is closed
        self.drops_left = None  # how often; None: always
        self.stalls_left = 0  # how often to fall silent in the middle of a body
        self.statuses = []  # [(status, headers)] answered to file requests before the true answer
        self.redirect = None  # where file requests are sent: base address, or a whole one
        self.delay = 0.0  # seconds between chunks
        self.crawl = 0.0  # seconds between steps of a body
        self.step = CHUNK  # bytes
        self.linked_etag = None  # X-Linked-ETag of file answers
        self.shift = 0  # bytes by which Content-Range lies
        self.requests = []  # (monotonic time, path, headers, range or None)
        self.served = 0  # bytes of file bodies
        self.lock = threading.Lock()
        self.closing = threading.Event()
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                try:
                    hub.answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True
            address_family = socket.AF_INET

            def handle_error(self, *_):
                pass

        self.server = Quiet((host, 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if certificate else 'http'}://{host}:{self.port}"
        if certificate:  # a file with key and certificate
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def file_requests(self, name=""):
        return [r for r in self.requests if ("/resolve/" in r[1] or r[1].startswith("/cdn/")) and r[1].endswith(name)]

    # --- answers ---------------------------------------------------------------------------------------------------
    def answer(self, h):
        path = urllib.parse.unquote(h.path)
        with self.lock:
            self.requests.append((time.monotonic(), path, dict(h.headers), h.headers.get("Range")))
        plain = path.split("?")[0]
        if not plain.startswith(self.prefix + "/"):
            return self.send_plain(h, 404, b"no such mirror")
        plain = plain[len(self.prefix):]
        if plain == f"/api/models/{self.repo}/tree/main":
            return self.send_listing(h, self.huggingface_listing())
        if plain == f"/api/v1/models/{self.repo}/repo/files":
            return self.send_listing(h, self.modelscope_listing())
        for prefix in (f"/{self.repo}/resolve/main/", f"/models/{self.repo}/resolve/master/", "/cdn/"):
            if plain.startswith(prefix):
                return self.send_file(h, plain[len(prefix):])
        return self.send_plain(h, 404, b"no such thing")

    def size_of(self, path):
        return self.sizes.get(path, len(self.files[path]))

    def hash_of(self, path):
        return self.hashes.get(path) or hashlib.sha256(self.files[path]).hexdigest()

    def git_id_of(self, path):
        return hashlib.sha1(b"blob %d\0" % len(self.files[path]) + self.files[path]).hexdigest()

    def huggingface_listing(self):
        entries = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": "folder"}]
        for path in self.files:
            entry = {"type": "file", "size": self.size_of(path), "path": path}
            if self.no_checksums:
                pass
            elif self.no_hashes or path in self.small:
                entry["oid"] = self.git_id_of(path)
            else:
                entry["oid"] = hashlib.sha1(path.encode()).hexdigest()  # of the pointer
                entry["lfs"] = {"oid": self.hash_of(path), "size": self.size_of(path), "pointerSize": 130}
            entries.append(entry)
        return json.dumps(entries).encode()

    def modelscope_listing(self):
        files = [{"Type": "blob", "Name": p.split("/")[-1], "Path": p, "Size": self.size_of(p), "Sha256": self.hash_of(p)}
                 for p in self.files]
        return json.dumps({"Code": 200, "Success": True, "Data": {"Files": files}}).encode()

    def send_plain(self, h, status, body, headers=None):
        h.send_response(status)
        for name, value in (headers or {}).items():
            h.send_header(name, value)
        h.send_header("Content-Length", str(len(body)))
        h.end_headers()
        h.wfile.write(body)

    def send_listing(self, h, body):
        headers = {"Content-Type": "application/json"}
        if self.pages is not None:
            number = int((re.search(r"page=(\d+)", h.path) or [0, 0])[1])
            body, following = self.pages[number]
            if following:
                headers["Link"] = f'<{following}>; rel="next"'
        elif self.listing is not None:
            body = self.listing
        self.send_plain(h, self.listing_status, body, headers)

    def send_file(self, h, path):
        with self.lock:
            fault = self.statuses.pop(0) if self.statuses else None
        if fault:
            return self.send_plain(h, fault[0], b"not now", fault[1])
        if self.redirect:
            target = self.redirect if "://" in self.redirect and self.redirect.count("/") > 2 else \
                f"{self.redirect}/cdn/{urllib.parse.quote(path)}?signature=secret"
            return self.send_plain(h, 302, b"", {"Location": target})
        if path not in self.files:
            return self.send_plain(h, 404, b"no such file")
        data = self.sent.get(path, self.files[path])
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", h.headers.get("Range") or "")
        if wanted and not self.ignore_ranges:
            first, last = int(wanted[1]), min(int(wanted[2]), len(data) - 1)
            h.send_response(206)
            h.send_header("Content-Range", f"bytes {first + self.shift}-{last + self.shift}/{len(data)}")
        else:
            first, last = 0, len(data) - 1
            h.send_response(200)
        if self.linked_etag:
            h.send_header("X-Linked-ETag", f'"{self.linked_etag}"')
        if self.validator == "ETag":
            h.send_header("ETag", f'"{hashlib.md5(data).hexdigest()}"')
        elif self.validator:
            h.send_header(self.validator, email.utils.formatdate(1.7e9 + zlib.crc32(data) % 1e6, usegmt=True))
        h.send_header("Content-Length", str(last - first + 1))
        h.end_headers()
        self.send_body(h, data[first:last + 1])

    def send_body(self, h, body):
        with self.lock:
            stall = self.stalls_left > 0
            drop = self.drop_after is not None and self.drops_left != 0
            self.stalls_left -= stall
            if drop and self.drops_left is not None:
                self.drops_left -= 1
        end = len(body)
        if stall:
            end = end // 2
        elif drop:
            end = min(end, self.drop_after)
        for at in range(0, end, self.step):
            if self.closing.wait(self.crawl):
                break
            piece = body[at:min(at + self.step, end)]
            h.wfile.write(piece)
            with self.lock:
                self.served += len(piece)
            if self.delay:
                time.sleep(self.delay)
        if stall:
            self.closing.wait(600)
        if end < len(body):
            h.close_connection = True


class DeadHost:
    """An address where no connection ever stands: a full queue, whose newcomers the kernel drops in silence."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(0)
        self.port = self.socket.getsockname()[1]
        self.fillers = [socket.socket() for _ in range(4)]
        for filler in self.fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in (*self.fillers, self.socket):
            one.close()


class MuteListener:
    """A port where connections are taken and nothing is ever said."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(16)
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
