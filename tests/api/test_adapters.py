"""LoRA adapters over the API: loaded, chosen, replaced and removed while the server runs."""
import json
import struct

import pytest
import requests


def write_adapter(directory, scale, hidden=896, rank=1, layers=24, **config):
    """An adapter on q_proj of every layer whose effect is large and reproducible."""
    directory.mkdir(parents=True, exist_ok=True)
    settings = {"peft_type": "LORA", "r": rank, "lora_alpha": rank, "target_modules": ["q_proj"], "bias": "none", **config}
    (directory / "adapter_config.json").write_text(json.dumps(settings))
    header, data = {}, b""
    for layer in range(layers):
        for part, shape, value in (("lora_A", [rank, hidden], 0.05), ("lora_B", [hidden, rank], scale)):
            values = [value * (1 if (i + layer) % 3 else -1) for i in range(shape[0] * shape[1])]
            blob = struct.pack(f"<{len(values)}f", *values)
            name = f"base_model.model.model.layers.{layer}.self_attn.q_proj.{part}.weight"
            header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(blob)]}
            data += blob
    text = json.dumps(header).encode()
    (directory / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.fixture(scope="module")
def adapters(server):
    home = server.home / "data/adapters"
    write_adapter(home / "strong", 3.0)
    write_adapter(home / "weak", 0.0)
    write_adapter(home / "wide", 3.0, hidden=128)
    (server.home / "secret").mkdir(exist_ok=True)
    return home


def call(server, path, **fields):
    return requests.post(server.url + path, json=fields, timeout=60)


def model_ids(server):
    return [m["id"] for m in requests.get(server.url + "/v1/models", timeout=10).json()["data"]]


def answer(server, model, **fields):
    body = {"model": model, "messages": [{"role": "user", "content": "发热三天怎么办?"}], "max_tokens": 12, "temperature": 0, **fields}
    got = requests.post(server.url + "/v1/chat/completions", json=body, timeout=120)
    return got.json()["choices"][0]["message"]["content"] if got.status_code == 200 else got


def test_adapters_are_loaded_chosen_replaced_and_removed(server, adapters):
    base = model_ids(server)[0]
    plain = answer(server, base)
    assert call(server, "/v1/load_lora_adapter", lora_name="tuned", lora_path="strong").status_code == 200
    assert model_ids(server) == [base, "xiaobei", base + "+tuned"]
    tuned = answer(server, base + "+tuned")
    assert isinstance(tuned, str) and tuned != plain
    assert answer(server, base, lora="tuned") == tuned and answer(server, base) == plain
    assert call(server, "/v1/load_lora_adapter", lora_name="tuned", lora_path="weak").status_code == 200  # replaced
    assert answer(server, base + "+tuned") == plain  # it changes nothing, and nothing cached of the other is found
    assert call(server, "/v1/unload_lora_adapter", lora_name="tuned").status_code == 200
    gone = answer(server, base + "+tuned")
    assert gone.status_code == 404 and model_ids(server) == [base, "xiaobei"]


@pytest.mark.parametrize("fields, status", [
    ({"lora_name": "x", "lora_path": "../secret"}, 400), ({"lora_name": "x", "lora_path": "/etc"}, 400),
    ({"lora_name": "x", "lora_path": "absent"}, 404), ({"lora_name": "x", "lora_path": "wide"}, 400),
    ({"lora_name": "a/b", "lora_path": "weak"}, 400), ({"lora_name": "", "lora_path": "weak"}, 400), ({"lora_name": "x"}, 400),
    ({"lora_name": "x", "lora_path": "weak", "base_model": "y"}, 400)])
def test_wrong_adapters_are_refused(server, adapters, fields, status):
    refused = call(server, "/v1/load_lora_adapter", **fields)
    assert refused.status_code == status and refused.json()["error"]["message"]
    if "base_model" in fields:
        assert refused.json()["error"]["param"] == "base_model"
    assert len(model_ids(server)) == 2


def test_what_is_not_there_cannot_be_removed(server, adapters):
    assert call(server, "/v1/unload_lora_adapter", lora_name="nobody").status_code == 404
