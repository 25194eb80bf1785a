#!/usr/bin/env python3
"""Mixed load for a long time: memory and descriptors must stay flat, and no answer may hold what another user said.

Clients of several users ask, stream, hang up in the middle, send nonsense and leave; the server has little memory for keys and
values, so that sequences give way to each other. Every user has a secret in every question; an answer that holds another
user's secret ends the run with an error. Prints a line every few seconds; ends by itself.

Usage: bench/run.sh soak [--model FILE] [--seconds 1800] [--clients 64] [--bin build/xiaobei]
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import re
import socket
import threading
import time

from serve import OwnServer

SECRET = re.compile(r"密码是?\s*([0-9]{6})")


class Crowd:
    def __init__(self, server, name, seconds, seed):
        self.server, self.name, self.end = server, name, time.time() + seconds
        self.seed, self.lock, self.counts, self.leaks = seed, threading.Lock(), {}, []

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def ask(self, dice, user):
        secret = f"{user:06d}"
        body = {"model": dice.choice([self.name, "xiaobei"]), "user": f"user-{user}", "stream": dice.random() < 0.6,
                "max_tokens": dice.randint(1, 40), "temperature": dice.choice([0, 0.8]), "seed": dice.randint(0, 9),
                "messages": [{"role": "user", "content": f"请记住,我的密码是 {secret} 。" + "咳嗽三天,晚上重一些。" * dice.randint(1, 30)},
                             {"role": "assistant", "content": "好的。"}, {"role": "user", "content": "我的密码是多少?"}]}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        leave = dice.random() < 0.3
        if leave:
            connection.sock.settimeout(dice.random() * 2)
        try:
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (TimeoutError, socket.timeout):
            self.count("left")
            return
        finally:
            connection.close()
        self.count(str(answer.status))
        for found in SECRET.findall(text) + re.findall(r"\b(0\d{5})\b", text):
            if found != secret and found.startswith("00"):
                self.leaks.append((secret, found))

    def nonsense(self, dice):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as s:
            s.sendall(dice.choice([b"GET / HTTP/1.1\r\n", b"\x00\xff" * 50 + b"\r\n\r\n", b"POST /v1/chat/completions HTTP/1.1\r\nHost: "
                                   b"127.0.0.1\r\nContent-Length: 9\r\n\r\n{\"model\":", b"", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"]))
            if dice.random() < 0.5:
                s.settimeout(1)
                try:
                    s.recv(4096)
                except OSError:
                    pass
        self.count("nonsense")

    def run(self, number):
        dice = random.Random(self.seed * 1000 + number)
        while time.time() < self.end and not self.leaks:
            try:
                self.nonsense(dice) if dice.random() < 0.15 else self.ask(dice, dice.randint(1, 50))
            except OSError as problem:
                self.count(type(problem).__name__)


def resources(pid):
    rss = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    return rss / 2**20, len(os.listdir(f"/proc/{pid}/fd"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default="build/xiaobei")
    parser.add_argument("--model", required=True)
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    server = OwnServer(a.bin, a.model, 8, "--kv-tokens", "4096", "--max-length", "2048")
    crowd = Crowd(server, server.name(), a.seconds, a.seed)
    threads = [threading.Thread(target=crowd.run, args=(i,), daemon=True) for i in range(a.clients)]
    for thread in threads:
        thread.start()
    begun = time.time()
    while time.time() < crowd.end and server.process.poll() is None and not crowd.leaks:
        time.sleep(max(1, min(30, a.seconds / 20)))
        memory, descriptors = resources(server.process.pid)
        print(f"{time.time() - begun:6.0f} s  {memory:7.0f} MiB  {descriptors:4d} descriptors  {crowd.counts}", flush=True)
    for thread in threads:
        thread.join(130)
    if server.process.poll() is not None:
        raise SystemExit(f"the server ended with {server.process.returncode}")
    time.sleep(2)
    memory, descriptors = resources(server.process.pid)
    print(f"at rest: {memory:.0f} MiB, {descriptors} descriptors")
    server.stop()
    if crowd.leaks:
        raise SystemExit(f"a secret of another user was told: {crowd.leaks[:3]}")


if __name__ == "__main__":
    main()
