"""/v1/embeddings with the official client: vectors of length 1, batches, both encodings, refusals by name."""
import base64
import math
import struct
import time

import openai
import pytest
import requests

TEXTS = ["发热、咳嗽三天", "发烧咳嗽", "The stock market fell today."]


@pytest.fixture(scope="module")
def client(server):
    return openai.OpenAI(base_url=server.url + "/v1", api_key="none")


@pytest.fixture(scope="module")
def name(client):
    return client.models.list().data[0].id


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b))


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_vectors_have_length_1_whatever_their_company(client, name, pooling):
    together = client.embeddings.create(model=name, input=TEXTS, encoding_format="float", extra_body={"pooling": pooling})
    assert [d.index for d in together.data] == [0, 1, 2] and together.usage.prompt_tokens > 10
    for text, datum in zip(TEXTS, together.data):
        assert math.isclose(cosine(datum.embedding, datum.embedding), 1, abs_tol=1e-4)
        alone = client.embeddings.create(model=name, input=text, encoding_format="float", extra_body={"pooling": pooling})
        assert alone.data[0].embedding == datum.embedding


def test_alike_is_nearer_than_unlike(client, name):
    a, b, c = (d.embedding for d in client.embeddings.create(model=name, input=TEXTS, encoding_format="float").data)
    assert cosine(a, b) > cosine(a, c)


def test_encodings_and_ids_give_the_same(client, server, name):
    plain = client.embeddings.create(model=name, input=TEXTS[0], encoding_format="float").data[0].embedding
    body = {"model": name, "input": TEXTS[0], "encoding_format": "base64"}
    packed = requests.post(server.url + "/v1/embeddings", json=body, timeout=60).json()["data"][0]["embedding"]
    values = struct.unpack(f"<{len(plain)}f", base64.b64decode(packed))
    assert all(math.isclose(x, y, abs_tol=1e-6) for x, y in zip(values, plain))
    assert client.embeddings.create(model=name, input=TEXTS[0]).data[0].embedding == list(values)  # its own default
    many = client.embeddings.create(model=name, input=[[1, 2, 3], [4]], encoding_format="float").data
    one = client.embeddings.create(model=name, input=[1, 2, 3], encoding_format="float").data
    assert len(many) == 2 and len(one) == 1 and one[0].embedding == many[0].embedding


@pytest.mark.parametrize("fields, word", [
    ({"input": []}, "input"), ({"input": ""}, "input"), ({"input": [""]}, "input"), ({"input": {"a": 1}}, "input"),
    ({"input": [[1], "x", 3]}, "input"), ({"input": [-1]}, "input"), ({"input": [10 ** 7]}, "input"), ({}, "input"),
    ({"input": "a", "encoding_format": "int8"}, "encoding_format"), ({"input": "a", "dimensions": 7}, "dimensions"),
    ({"input": "a", "pooling": "max"}, "pooling"), ({"input": "a", "temperature": 1}, "temperature"),
    ({"input": "病" * 30000}, "input")])
def test_what_is_not_honoured_is_refused_by_name(server, name, fields, word):
    answer = requests.post(server.url + "/v1/embeddings", json={"model": name, **fields}, timeout=60)
    assert answer.status_code == 400 and answer.json()["error"]["param"] == word


def test_other_models_and_broken_bodies(server, name):
    for model in ("xiaobei", "gpt-4"):
        answer = requests.post(server.url + "/v1/embeddings", json={"model": model, "input": "a"}, timeout=60)
        assert answer.status_code == 404 and answer.json()["error"]["param"] == "model"
    for body in (b"", b"[]", b"{", b'{"model":1,"input":"a"}'):
        assert requests.post(server.url + "/v1/embeddings", data=body, timeout=60).status_code == 400
    assert requests.get(server.url + "/v1/embeddings", timeout=60).status_code == 405


def test_a_client_that_leaves_frees_the_engine(server, name):
    server.wait_idle(60)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(server.url + "/v1/embeddings", json={"model": name, "input": ["咳嗽三天。" * 200] * 40}, timeout=0.5)
    time.sleep(0.2)
    server.wait_idle(100)  # all forty would take longer
