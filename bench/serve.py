#!/usr/bin/env python3
"""Many people at one server: time to the first token, gaps between tokens, tokens per second of all together.

Starts `xiaobei serve` on a free loopback port (or measures any OpenAI-compatible server with --url), lets 1, 2, 4 ... clients
ask at once, each with the same system prompt and its own question, and prints one line per load. Requests are bounded and the
servers end with the script.

Usage: bench/run.sh serve [--model FILE] [--clients 1,4,8,16] [--tokens 64] [--url http://127.0.0.1:8080/v1 --name MODEL]
"""
import argparse
import http.client
import json
import pathlib
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse

from compare import HERE, append, cpu_description

SYSTEM = ("你是一名分诊护士,用通俗的话回答,先判断轻重缓急,再说去哪个科、多快去、要带什么。不开药、不给剂量,不确定时直说。" * 6)
QUESTIONS = ["嗓子疼三天了,要紧吗?", "孩子发烧一天,精神还好。", "最近老是反酸。", "膝盖下楼疼。", "体检说血脂高。", "晚上睡不着。",
             "手上起了一片红疹。", "头晕,起身的时候明显。"]


class Client(threading.Thread):
    def __init__(self, url, name, number, tokens):
        super().__init__(daemon=True)
        self.url, self.name_of_model, self.number, self.tokens = urllib.parse.urlparse(url), name, number, tokens
        self.first, self.gaps, self.count, self.error = None, [], 0, None

    def run(self):
        body = json.dumps({"model": self.name_of_model, "stream": True, "max_tokens": self.tokens, "temperature": 0, "ignore_eos": True,
                           "user": "one application",  # a tenant: its clients share what was computed of the system prompt
                           "messages": [{"role": "system", "content": SYSTEM},
                                        {"role": "user", "content": QUESTIONS[self.number % len(QUESTIONS)] + str(self.number)}]})
        start = last = time.perf_counter()
        try:
            connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=600)
            connection.request("POST", self.url.path + "/chat/completions", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise OSError(f"{answer.status} {answer.read(200)}")
            for line in answer:
                if not line.startswith(b"data: {") or b'"content"' not in line:
                    continue
                if not (json.loads(line[6:])["choices"] or [{}])[0].get("delta", {}).get("content"):
                    continue
                now = time.perf_counter()
                if self.first is None:
                    self.first = now - start
                else:
                    self.gaps.append(now - last)
                last = now
                self.count += 1
        except OSError as problem:
            self.error = problem
        self.ended = time.perf_counter()


def load(url, name, clients, tokens, offset):
    crowd = [Client(url, name, offset + i, tokens) for i in range(clients)]
    start = time.perf_counter()
    for client in crowd:
        client.start()
    for client in crowd:
        client.join()
    failed = [c.error for c in crowd if c.error]
    if failed:
        raise SystemExit(f"{len(failed)} of {clients} requests failed: {failed[0]}")
    gaps = sorted(g for c in crowd for g in c.gaps)
    firsts = sorted(c.first for c in crowd)
    at = lambda values, share: values[min(len(values) - 1, int(share * len(values)))]
    return {"clients": clients, "tokens_per_s": sum(c.count for c in crowd) / (max(c.ended for c in crowd) - start),
            "first_token_median_s": statistics.median(firsts), "first_token_p95_s": at(firsts, 0.95),
            "gap_median_ms": 1e3 * statistics.median(gaps), "gap_p95_ms": 1e3 * at(gaps, 0.95)}


class OwnServer:
    def __init__(self, binary, model, slots, *options):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.home = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen([binary, "serve", "--model", model, "--port", str(self.port), "--quiet", "--slots", str(slots), *options],
                                        env={"XIAOBEI_HOME": self.home.name, "PATH": "/usr/bin:/bin"}, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{self.port}/v1"
        end = time.time() + 120
        while time.time() < end:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise SystemExit("the server did not become ready")

    def name(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", "/v1/models")
        return json.load(connection.getresponse())["data"][0]["id"]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default="build/xiaobei")
    parser.add_argument("--model", required=True)
    parser.add_argument("--clients", default="1,2,4,8,16")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--slots", type=int, default=16)
    parser.add_argument("--url", help="measure this server instead of our own")
    parser.add_argument("--name", help="its model")
    parser.add_argument("--csv", type=pathlib.Path, default=HERE / "results/serve.csv")
    a = parser.parse_args()
    own = None if a.url else OwnServer(a.bin, a.model, a.slots)
    url, name = (a.url, a.name) if a.url else (own.url, own.name())
    try:
        load(url, name, 1, 8, 1000)  # warm-up; the system prompt is read once
        rows = []
        for clients in map(int, a.clients.split(",")):
            row = load(url, name, clients, a.tokens, 100 * clients)
            rows.append({"cpu": cpu_description(), "server": "other" if a.url else "xiaobei", "model": pathlib.Path(a.model).name,
                         **{key: f"{value:.4g}" for key, value in row.items()}})
            print(", ".join(f"{key} {value:.4g}" for key, value in row.items()), flush=True)
        append(a.csv, rows)
    finally:
        if own:
            own.stop()


if __name__ == "__main__":
    main()
