#!/usr/bin/env python3
"""How near xiaobei and llama.cpp stay to the same weights in float32, and their perplexities on one text.

1. The chats of tests/golden/data/qwen2.5-coder-0.5b-q4_k_m.json: KL behind the prompt over the stored 40 choices and one
   bucket for the rest, the prompt's mean negative log-likelihood, and, along the reference's answer, other choices.
2. With --text FILE: perplexity over windows of 512 tokens, the second half of each counted, on both sides.

Usage: bench/run.sh quality [--model FILE] [--text FILE] [--tokens 4096] [--cpu NAME]
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy

GOLD = pathlib.Path(__file__).parent.parent / "tests/golden/data/qwen2.5-coder-0.5b-q4_k_m.json"
WINDOW = 512


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - numpy.log(numpy.exp(shifted).sum(axis=-1, keepdims=True))


class Ours:
    def __init__(self, a):
        self.a = a

    def log_probabilities(self, ids):
        with tempfile.TemporaryDirectory() as folder:
            source, target = pathlib.Path(folder) / "ids.npy", pathlib.Path(folder) / "logits.npy"
            numpy.save(source, numpy.array(ids, dtype=numpy.int32))
            extra = ["--cpu", self.a.cpu] if self.a.cpu else []
            subprocess.run([self.a.bin, "logits", "--model", self.a.model, "--ids", source, "--out", target, *extra],
                           check=True)
            return log_softmax(numpy.load(target).astype(numpy.float64))

    def tokens(self, text):
        line = json.dumps({"text": text}) + "\n"
        done = subprocess.run([self.a.bin, "tokenize", "--plain", "--model", self.a.model], input=line, text=True,
                              stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)["ids"]


class Peer:
    def __init__(self, a):
        import llama_cpp
        self.llama = llama_cpp.Llama(a.model, n_ctx=WINDOW * 2, n_batch=WINDOW, logits_all=True, verbose=False)

    def log_probabilities(self, ids):
        self.llama.reset()
        self.llama.eval(ids)
        return log_softmax(numpy.array(self.llama.scores[:len(ids)], dtype=numpy.float64))


def against_reference(side):
    """Per chat: KL behind the prompt, the prompt's mean NLL, and the reference's answer forced upon the model."""
    divergences, nll_errors, differing, widest = [], [], 0, 0.0
    rows = json.load(open(GOLD))["rows"]
    for row in rows:
        ids, answer = row["ids"], row["greedy"]
        got = side.log_probabilities(ids + answer[:-1])
        last = len(ids) - 1
        p, q = numpy.exp(numpy.array(row["top_logprobs"])), numpy.exp(got[last][row["top_ids"]])
        rest_p, rest_q = max(1 - p.sum(), 1e-12), max(1 - q.sum(), 1e-12)
        divergences.append(float((p * numpy.log(p / q)).sum() + rest_p * numpy.log(rest_p / rest_q)))
        nll = -numpy.mean([got[i][ids[i + 1]] for i in range(last)])
        nll_errors.append(abs(nll / row["mean_nll"] - 1))
        for step, (token, margin) in enumerate(zip(answer, row["greedy_margin"])):
            if int(got[last + step].argmax()) != token:
                differing += 1
                widest = max(widest, margin)
    return {"chats": len(rows), "mean_kl": float(numpy.mean(divergences)), "max_kl": max(divergences),
            "max_nll_error": max(nll_errors), "other_choices": differing, "widest_margin": widest}


def perplexity(side, ids):
    total, count = 0.0, 0
    for begin in range(0, len(ids) - WINDOW + 1, WINDOW):
        window = ids[begin:begin + WINDOW]
        got = side.log_probabilities(window)
        for position in range(WINDOW // 2, WINDOW):
            total -= got[position - 1][window[position]]
            count += 1
    return float(numpy.exp(total / count))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default="build/xiaobei")
    parser.add_argument("--model", required=True, help="a GGUF file")
    parser.add_argument("--text", type=pathlib.Path, help="UTF-8 text for the perplexity")
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--no-reference", action="store_true", help="only the perplexity (for another model)")
    parser.add_argument("--cpu", default="")
    a = parser.parse_args()
    ours, peer = Ours(a), Peer(a)
    if not a.no_reference:
        for name, side in (("xiaobei", ours), ("llama.cpp", peer)):
            print(name, json.dumps(against_reference(side)))
    if a.text:
        ids = ours.tokens(a.text.read_text(encoding="utf-8"))[:a.tokens]
        mine, theirs = perplexity(ours, ids), perplexity(peer, ids)
        print(f"perplexity over {len(ids)} tokens: xiaobei {mine:.4f}, llama.cpp {theirs:.4f}, ratio {mine / theirs:.5f}")


if __name__ == "__main__":
    main()
