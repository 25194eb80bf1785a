#!/usr/bin/env python3
"""xiaobei beside llama.cpp in one run: the same file, the same threads, alternating, medians, ratios.

Both sides do the same work per round: load the model, warm up, prefill 512 tokens, then decode 128 tokens greedily behind
them. Each round is a fresh process on both sides, so that page cache and heap are alike. Prints a table and appends to
bench/results/compare.csv with the CPU's description.

Usage: bench/run.sh [--model FILE] [--rounds 5] [--threads N] [--prompt 512] [--gen 128] [--csv FILE]
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
import time

METRICS = ("prefill_tps", "decode_tps", "load_s", "rss_bytes")


def peer_round(model, threads, prompt, gen):
    """One measurement of llama.cpp in this process; prints one JSON line."""
    import llama_cpp
    import numpy

    start = time.perf_counter()
    llama = llama_cpp.Llama(model, n_ctx=4096, n_batch=prompt, n_ubatch=512, n_threads=threads, n_threads_batch=threads,
                            verbose=False, logits_all=False)
    load_s = time.perf_counter() - start
    tokens = [(i * 7919 + 13) % 50000 for i in range(prompt)]
    llama.eval(tokens[:64])  # warm-up
    llama.reset()
    start = time.perf_counter()
    llama.eval(tokens)
    prefill_s = time.perf_counter() - start
    vocabulary = llama.n_vocab()
    start = time.perf_counter()
    for _ in range(gen):
        logits = numpy.ctypeslib.as_array(llama_cpp.llama_get_logits(llama.ctx), shape=(vocabulary,))
        llama.eval([int(logits.argmax())])
    decode_s = time.perf_counter() - start
    with open("/proc/self/statm") as statm:
        rss = int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    print(json.dumps({"prefill_tps": prompt / prefill_s, "decode_tps": gen / decode_s, "load_s": load_s, "rss_bytes": rss,
                      "version": llama_cpp.__version__}))


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=600)
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}")
    return json.loads(done.stdout.strip().split("\n")[-1])


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def cpu_description():
    flags = next((line for line in open("/proc/cpuinfo") if line.startswith("flags")), "")
    isa = [name for name in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16") if f" {name}" in flags]
    return f"{cpu_name()}, {os.cpu_count()} cores, {' '.join(isa)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default="build/xiaobei")
    parser.add_argument("--model", required=True, help="a GGUF file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--gen", type=int, default=128)
    parser.add_argument("--csv", type=pathlib.Path, default=pathlib.Path(__file__).parent / "results/compare.csv")
    parser.add_argument("--peer-round", action="store_true", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.peer_round:
        peer_round(a.model, a.threads, a.prompt, a.gen)
        return
    common = ["--model", a.model, "--threads", str(a.threads), "--prompt", str(a.prompt), "--gen", str(a.gen)]
    ours, peers = [], []
    for index in range(a.rounds):
        ours.append(run([a.bin, "bench", "--json", "--repeat", "1", *common]))
        peers.append(run([sys.executable, __file__, "--peer-round", *common]))
        print(f"round {index + 1}: prefill {ours[-1]['prefill_tps']:.1f} / {peers[-1]['prefill_tps']:.1f}, "
              f"decode {ours[-1]['decode_tps']:.1f} / {peers[-1]['decode_tps']:.1f} tokens/s (xiaobei / llama.cpp)",
              file=sys.stderr)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    rows = []
    for metric in METRICS:
        mine = statistics.median(r[metric] for r in ours)
        theirs = statistics.median(r[metric] for r in peers)
        rows.append({"date": datetime.date.today().isoformat(), "commit": commit, "cpu": cpu_description(),
                     "model": pathlib.Path(a.model).name, "threads": a.threads, "prompt": a.prompt, "gen": a.gen,
                     "rounds": a.rounds, "metric": metric, "xiaobei": f"{mine:.4g}", "llama.cpp": f"{theirs:.4g}",
                     "ratio": f"{mine / theirs:.3f}", "peer": f"llama-cpp-python {peers[0]['version']}"})
        print(f"{metric:12} xiaobei {mine:12.4g}   llama.cpp {theirs:12.4g}   ratio {mine / theirs:.3f}")
    a.csv.parent.mkdir(parents=True, exist_ok=True)
    fresh = not a.csv.exists()
    with a.csv.open("a", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
