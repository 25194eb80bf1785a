#!/usr/bin/env python3
"""xiaobei beside llama.cpp in one run: the same file, the same threads, alternating, medians, ratios.

Both sides do the same work per round: load the model, warm up, prefill, then decode greedily behind it (or decode
--streams sequences in one batch). Each round is a fresh process on both sides, so that page cache and heap are alike.
Prints a table and appends to bench/results/compare.csv with the CPU's description.

Usage: bench/run.sh [--model FILE] [--rounds 5] [--threads N] [--prompt 512] [--gen 128] [--streams 1] [--cpu ISA]
"""
import argparse
import csv
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
METRICS = ("prefill_tps", "decode_tps", "load_s", "rss_bytes")
SECONDS_PER_ROUND = 1200


def run(command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, timeout=SECONDS_PER_ROUND)
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}")
    return json.loads(done.stdout.strip().split("\n")[-1])


def cpu_description():
    name, flags = "unknown", ""
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            name = line.split(":", 1)[1].strip()
        if line.startswith("flags"):
            flags = line
    isa = [name for name in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16") if f" {name}" in flags]
    return f"{name}, {os.cpu_count()} cores, {' '.join(isa)}"


class Case:
    """One file and one kind of work, measured on both sides in turn."""

    def __init__(self, binary, model, threads, prompt=512, gen=128, streams=1, cpu=""):
        self.binary, self.model, self.threads = binary, model, threads
        self.prompt, self.gen, self.streams, self.cpu = prompt, gen, streams, cpu
        self.ours, self.peers = [], []

    def round(self):
        common = ["--model", self.model, "--threads", self.threads, "--prompt", self.prompt, "--gen", self.gen,
                  "--streams", self.streams]
        ours = [self.binary, "bench", "--json", "--repeat", 1, *common, *(["--cpu", self.cpu] if self.cpu else [])]
        self.ours.append(run(ours))
        self.peers.append(run([sys.executable, HERE / "peer.py", *common]))

    def said(self):
        pair = [f"{m.split('_')[0]} {self.ours[-1][m]:.1f} / {self.peers[-1][m]:.1f}" for m in METRICS[:2]
                if m in self.peers[-1]]
        return f"{', '.join(pair)} tokens/s (xiaobei / llama.cpp)"

    def medians(self, metric):
        """(ours, theirs), or None where this kind of work has no such figure."""
        if metric not in self.peers[0]:
            return None
        return statistics.median(r[metric] for r in self.ours), statistics.median(r[metric] for r in self.peers)

    def rows(self):
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        for metric in METRICS:
            both = self.medians(metric)
            if both:
                yield {"date": datetime.date.today().isoformat(), "commit": commit, "cpu": cpu_description(),
                       "model": pathlib.Path(self.model).name, "threads": self.threads, "prompt": self.prompt,
                       "gen": self.gen, "streams": self.streams, "rounds": len(self.ours), "metric": metric,
                       "xiaobei": f"{both[0]:.4g}", "llama.cpp": f"{both[1]:.4g}", "ratio": f"{both[0] / both[1]:.3f}",
                       "bandwidth_gbs": f"{max(r['bandwidth_gbs'] for r in self.ours):.1f}",
                       "int8_gops": f"{max(r['int8_gops'] for r in self.ours):.0f}",
                       "peer": f"llama-cpp-python {self.peers[0]['version']}"}


def append(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    with path.open("a", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default="build/xiaobei")
    parser.add_argument("--model", required=True, help="a GGUF file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--gen", type=int, default=128)
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--cpu", default="")
    parser.add_argument("--csv", type=pathlib.Path, default=HERE / "results/compare.csv")
    a = parser.parse_args()
    case = Case(a.bin, a.model, a.threads, a.prompt, a.gen, a.streams, a.cpu)
    for index in range(a.rounds):
        case.round()
        print(f"round {index + 1}: {case.said()}", file=sys.stderr)
    rows = list(case.rows())
    for row in rows:
        print(f"{row['metric']:12} xiaobei {row['xiaobei']:>12}   llama.cpp {row['llama.cpp']:>12}   ratio {row['ratio']}")
    append(a.csv, rows)


if __name__ == "__main__":
    main()
