"""quantize and make-random as they are used: a file that is a model, progress for programs, nothing left after Ctrl-C."""
import json
import signal
import subprocess

import pytest

from conftest import BINARY, ROOT

TINY = str(ROOT / "tests/golden/data/tied-bf16")
LINES = "tests/golden/data/text/tokenizer.jsonl"


def run(*arguments, text=None):
    return subprocess.run([BINARY, *map(str, arguments)], input=text, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("kind", ["q8_0", "q4_0", "Q4_K_M", "f16", "bf16"])
def test_a_directory_becomes_a_gguf_file(kind, tmp_path):
    out = tmp_path / "out.gguf"
    done = run("quantize", TINY, out, "--type", kind)
    assert done.returncode == 0, done.stderr
    assert kind.upper() in done.stderr and done.stdout == ""
    plan = json.loads(run("plan", "--model", out, "--json").stdout)
    assert plan["container"] == "gguf" and plan["vocab_size"] > 0
    assert run("quantize", TINY, out, "--type", kind).returncode == 73
    assert [p.name for p in tmp_path.iterdir()] == ["out.gguf"]


def test_refusals_name_what_is_wrong(tmp_path):
    assert "q4_k_m" in run("quantize", TINY, tmp_path / "x.gguf", "--type", "q3_k").stderr
    assert run("quantize", TINY).returncode == 64
    assert run("quantize", tmp_path / "absent.gguf", tmp_path / "x.gguf").returncode == 66
    done = run("make-random", "--like", "qwen2.5-9b", "--out", tmp_path / "x.gguf")
    assert done.returncode == 64 and "72b" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing(model, tmp_path):
    out = tmp_path / "big.gguf"
    p = subprocess.Popen([BINARY, "quantize", model, out, "--type", "q8_0", "--json"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    assert "progress" in p.stdout.readline()  # it is in the middle of it
    p.send_signal(signal.SIGINT)
    p.communicate(timeout=60)
    assert p.returncode == -signal.SIGINT
    assert list(tmp_path.iterdir()) == []


def test_a_quantised_model_keeps_its_tokenizer(model, tmp_path):
    out = tmp_path / "copy.gguf"
    assert run("quantize", model, out, "--type", "q4_k_m").returncode == 0
    text = "\n".join((ROOT / LINES).read_text(encoding="utf-8").split("\n")[:40])
    lines = "".join(json.dumps({"text": json.loads(line)["text"]}) + "\n" for line in text.split("\n") if line)
    assert run("tokenize", "--model", out, text=lines).stdout == run("tokenize", "--model", model, text=lines).stdout
    chat = json.dumps({"messages": [{"role": "user", "content": "发热三天"}], "add_generation_prompt": True}) + "\n"
    assert run("template", "--model", out, text=chat).stdout == run("template", "--model", model, text=chat).stdout
    generate = ["generate", "--ids", ROOT / "tests/golden/data/tied-bf16/gold_input_ids.npy", "--max-tokens", 4, "--json"]
    copied, original = (json.loads(run(*generate, "--model", m).stdout) for m in (out, model))
    assert copied == original  # every tensor has its format already and is copied
