#!/usr/bin/env python3
"""The whole table of docs/performance.md: every kind of work beside llama.cpp, each ratio beside its mark.

Files that are not published are made once into build/bench-models from the given 1.5B (and 0.5B): Q4_0, Q8_0 and bf16 by
`xiaobei quantize`, a 7B with random weights by `xiaobei make-random`. About 10 GB of disk, an hour on two cores.

Usage: bench/run.sh table [--rounds 3] [--only WORD] [--model 1.5B.gguf] [--small 0.5B.gguf] [--csv FILE]
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time

from compare import HERE, Case, append, cpu_description, run

MODELS = pathlib.Path(os.environ.get("BUILD", "build")) / "bench-models"

# name, file, prompt, gen, streams, {metric: mark}
CASES = [
    ("prefill 512, decode", "1.5b", 512, 128, 1, {"prefill_tps": 2.0, "decode_tps": 1.0}),
    ("prefill 2048", "1.5b", 2048, 8, 1, {"prefill_tps": 1.8}),
    ("decode at 8k", "1.5b", 8000, 32, 1, {"decode_tps": 1.6}),
    ("8 sequences together", "1.5b", 32, 48, 8, {"decode_tps": 3.5}),
    ("0.5B", "0.5b", 512, 128, 1, {"prefill_tps": 2.2, "decode_tps": 1.4}),
    ("Q4_0", "q4_0", 512, 64, 1, {"prefill_tps": 1.9, "decode_tps": 1.0}),
    ("Q8_0", "q8_0", 512, 64, 1, {"prefill_tps": 1.9, "decode_tps": 1.0}),
    ("7B random, Q4_K_M", "7b", 256, 16, 1, {"prefill_tps": 1.9, "decode_tps": 1.0}),
    ("bf16", "bf16", 256, 16, 1, {"prefill_tps": 1.5, "decode_tps": 1.0}),
]
AVX2_MARKS = {"prefill_tps": 1.3, "decode_tps": 1.0}


def make(binary, kind, source):
    """The file of a kind; made if it is not there yet."""
    path = MODELS / f"{kind}.gguf"
    if not path.exists():
        MODELS.mkdir(parents=True, exist_ok=True)
        command = (["make-random", "--like", "qwen2.5-7b", "--quant", "q4_k_m", "--out", path] if kind == "7b" else
                   ["quantize", source, path, "--type", kind])
        subprocess.run([binary, *map(str, command)], check=True)
    return str(path)


def busy_core(binary, model, threads):
    """Our decode beside a process that keeps one core busy, over our decode alone."""
    command = [binary, "bench", "--json", "--repeat", 3, "--prompt", 64, "--gen", 48, "--threads", threads, "--model",
               model]
    alone = run(command)["decode_tps"]
    end = time.time() + 300  # it ends by itself
    spinner = subprocess.Popen([sys.executable, "-c", f"import time\nwhile time.time() < {end}: pass"])
    try:
        return run(command)["decode_tps"] / alone
    finally:
        spinner.kill()
        spinner.wait()


def marked(ratio, mark):
    return f"{ratio:6.2f}x  (must {mark:.2f}x: {'met' if ratio >= mark else 'NOT met'})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default="build/xiaobei")
    parser.add_argument("--model", required=True, help="the 1.5B, Q4_K_M")
    parser.add_argument("--small", help="the 0.5B")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="cases whose name or file holds this word")
    parser.add_argument("--csv", type=pathlib.Path, default=HERE / "results/table.csv")
    a = parser.parse_args()
    print(cpu_description())
    wide = "avx512f" in cpu_description()
    for name, kind, prompt, gen, streams, marks in CASES:
        if a.only not in name and a.only not in kind:
            continue
        if kind == "0.5b" and not a.small:
            print(f"{name}: left out, name the file with --small")
            continue
        path = {"1.5b": a.model, "0.5b": a.small}.get(kind) or make(a.bin, kind, a.model)
        case = Case(a.bin, path, a.threads, prompt, gen, streams)
        for index in range(a.rounds):
            case.round()
            print(f"{name}, round {index + 1}: {case.said()}", file=sys.stderr)
        for metric, mark in marks.items():
            mine, theirs = case.medians(metric)
            note = "" if wide or kind != "1.5b" or prompt != 512 else f"  AVX2's own mark {AVX2_MARKS[metric]:.1f}x"
            print(f"{name:24} {metric:12} {mine:8.1f} / {theirs:8.1f} {marked(mine / theirs, mark)}{note}", flush=True)
        if kind == "1.5b" and prompt == 512:
            load, memory = case.medians("load_s"), case.medians("rss_bytes")
            print(f"{name:24} {'load_s':12} {load[0]:8.2f} / {load[1]:8.2f}  (must be at most 1.0 s)")
            print(f"{name:24} {'rss_gb':12} {memory[0] / 1e9:8.2f} / {memory[1] / 1e9:8.2f}")
        append(a.csv, list(case.rows()))
    if a.only in "busy core":
        print(f"{'busy core':24} {'decode_tps':12} of our own without it {marked(busy_core(a.bin, a.model, a.threads), 0.45)}")


if __name__ == "__main__":
    main()
