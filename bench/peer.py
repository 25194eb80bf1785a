"""llama.cpp through the published package's library, one measurement in this process; prints one JSON line.

Usage: peer.py --model FILE --threads N --prompt N --gen N [--streams N]
"""
import argparse
import json
import os
import time

import llama_cpp
import numpy


def token(i, salt=0):
    """The same prompts as `xiaobei bench` uses."""
    return (i * 7919 + 13 + 1009 * salt) % 50000


def one(llama, prompt, gen):
    tokens = [token(i) for i in range(prompt)]
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
    return prompt / prefill_s, gen / (time.perf_counter() - start)


def together(model, threads, streams, prompt, gen):
    """`streams` sequences in one batch, through llama_decode; all tokens per second."""
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = streams * (prompt + gen + 8)
    parameters.n_batch = parameters.n_ubatch = 512
    parameters.n_seq_max = streams
    parameters.n_threads = parameters.n_threads_batch = threads
    parameters.kv_unified = False
    context = llama_cpp.llama_init_from_model(model, parameters)
    vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    batch = llama_cpp.llama_batch_init(512, 0, 1)

    def add(value, position, sequence, wanted):
        i = batch.n_tokens
        batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = value, position, 1, wanted
        batch.seq_id[i][0] = sequence
        batch.n_tokens += 1

    for sequence in range(streams):
        batch.n_tokens = 0
        for i in range(prompt):
            add(token(i, sequence), i, sequence, i == prompt - 1)
        assert llama_cpp.llama_decode(context, batch) == 0
    following = [1000 + s for s in range(streams)]
    start = time.perf_counter()
    for step in range(gen):
        batch.n_tokens = 0
        for sequence in range(streams):
            add(following[sequence], prompt + step, sequence, True)
        assert llama_cpp.llama_decode(context, batch) == 0
        for sequence in range(streams):
            logits = llama_cpp.llama_get_logits_ith(context, sequence)
            following[sequence] = int(numpy.ctypeslib.as_array(logits, shape=(vocabulary,)).argmax())
    return streams * gen / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser()
    for name in ("threads", "prompt", "gen"):
        parser.add_argument("--" + name, type=int, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--streams", type=int, default=1)
    a = parser.parse_args()
    start = time.perf_counter()
    context = max(4096, a.prompt + a.gen + 8) if a.streams == 1 else 64
    llama = llama_cpp.Llama(a.model, n_ctx=context, n_batch=min(a.prompt, 2048), n_ubatch=512, n_threads=a.threads,
                            n_threads_batch=a.threads, verbose=False, logits_all=False)
    result = {"load_s": time.perf_counter() - start, "version": llama_cpp.__version__}
    if a.streams == 1:
        result["prefill_tps"], result["decode_tps"] = one(llama, a.prompt, a.gen)
    else:
        result["decode_tps"] = together(llama.model, a.threads, a.streams, a.prompt, a.gen)
    with open("/proc/self/statm") as statm:
        result["rss_bytes"] = int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
