"""Answers with a form, as the official openai SDK asks for them: response_format, tool_choice, strict tools."""
import json
import re
import threading
from enum import Enum
from typing import List, Optional

import openai
import pydantic
import pytest
import requests

PATIENT = {"type": "object", "properties": {
    "姓名": {"type": "string", "minLength": 1, "maxLength": 10}, "age": {"type": "integer", "minimum": 0, "maximum": 120},
    "sex": {"enum": ["男", "女"]}, "symptoms": {"type": "array", "items": {"type": "string", "maxLength": 12}, "minItems": 1, "maxItems": 4},
    "temperature": {"type": ["number", "null"], "minimum": 35, "maximum": 42}},
    "required": ["姓名", "age", "sex", "symptoms", "temperature"], "additionalProperties": False}
STORY = "张三，45岁，男，头痛三天，发烧38.5度。"
LAB = {"type": "function", "function": {"name": "lookup_lab", "description": "reference range of a laboratory test", "parameters": {
    "type": "object", "properties": {"test": {"type": "string", "maxLength": 30}, "sex": {"enum": ["男", "女"]}}, "required": ["test", "sex"]}}}
NOW = {"type": "function", "function": {"name": "now", "description": "the present time"}}


@pytest.fixture(scope="module")
def client(server):
    return openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0, timeout=120)


@pytest.fixture(scope="module")
def raw(client):
    return client.models.list().data[0].id


def ask(client, raw, text=STORY, **fields):
    fields = {"temperature": 0, "max_tokens": 200, **fields}
    return client.chat.completions.create(model=raw, messages=[{"role": "user", "content": text}], **fields).choices[0]


def schema_format(schema, **more):
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, **more}}


def check_patient(text):
    patient = json.loads(text)
    assert list(patient) == list(PATIENT["properties"])
    assert 1 <= len(patient["姓名"]) <= 10 and 0 <= patient["age"] <= 120 and patient["sex"] in "男女"
    assert 1 <= len(patient["symptoms"]) <= 4 and all(len(one) <= 12 for one in patient["symptoms"])
    assert patient["temperature"] is None or 35 <= patient["temperature"] <= 42
    return patient


def test_any_object(client, raw):
    choice = ask(client, raw, "你好，今天天气不错。", response_format={"type": "json_object"})
    assert choice.finish_reason == "stop" and isinstance(json.loads(choice.message.content), dict)


def test_a_schema_is_kept_and_filled_with_what_was_said(client, raw):
    choice = ask(client, raw, response_format=schema_format(PATIENT, strict=True))
    patient = check_patient(choice.message.content)
    assert choice.finish_reason == "stop" and patient["姓名"] == "张三" and patient["age"] == 45


@pytest.mark.parametrize("seed", range(4))
def test_a_schema_is_kept_at_a_high_temperature(client, raw, seed):
    check_patient(ask(client, raw, "随便写点什么", response_format=schema_format(PATIENT), temperature=2, seed=seed).message.content)


def test_both_nestings_say_the_same(server, raw):
    def content(response_format):
        body = {"model": raw, "messages": [{"role": "user", "content": STORY}], "temperature": 0, "max_tokens": 200, "response_format": response_format}
        answer = requests.post(server.url + "/v1/chat/completions", json=body, timeout=120)
        assert answer.status_code == 200, answer.text
        return answer.json()["choices"][0]["message"]["content"]
    nested = content(schema_format(PATIENT))
    assert nested == content({"type": "json_schema", "schema": PATIENT})
    assert nested == content({"type": "json_schema", "name": "x", "description": "y", "strict": None, "schema": PATIENT})
    assert nested == content({"type": "json_object", "schema": PATIENT})


@pytest.mark.parametrize("max_tokens", [2, 3, 5, 8, 13, 21])
def test_max_tokens_never_cuts_json_open(client, raw, max_tokens):
    choice = ask(client, raw, "写一个很长的故事", response_format={"type": "json_object"}, max_tokens=max_tokens, temperature=1, seed=max_tokens)
    assert isinstance(json.loads(choice.message.content), dict)


def test_too_few_tokens_for_the_shortest_answer_are_refused(client, raw):
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, raw, response_format=schema_format(PATIENT), max_tokens=5)
    assert refused.value.body["param"] == "max_tokens"


def test_streamed(client, raw):
    chunks = client.chat.completions.create(model=raw, messages=[{"role": "user", "content": STORY}], temperature=0, max_tokens=200,
                                            response_format=schema_format(PATIENT), stream=True)
    text, reasons = "", []
    for chunk in chunks:
        text += chunk.choices[0].delta.content or ""
        reasons.append(chunk.choices[0].finish_reason)
    check_patient(text)
    assert reasons[-1] == "stop"


def test_logprobs_under_a_form_are_numbers(client, raw):
    choice = ask(client, raw, response_format=schema_format({"enum": ["男", "女"]}), logprobs=True, top_logprobs=5)
    assert json.loads(choice.message.content) in ("男", "女")
    assert all(entry.logprob <= 0 and all(top.logprob > -1000 for top in entry.top_logprobs) for entry in choice.logprobs.content)


def test_the_sdk_parses_into_a_class_of_ones_own(client, raw):
    class Level(str, Enum):
        now = "立即"
        today = "当天"
        later = "门诊"

    class Symptom(pydantic.BaseModel):
        name: str
        days: Optional[int]

    class Triage(pydantic.BaseModel):
        level: Level
        symptoms: List[Symptom]
        note: str
    done = client.beta.chat.completions.parse(model=raw, messages=[{"role": "user", "content": STORY}], response_format=Triage, temperature=0, max_tokens=200)
    assert isinstance(done.choices[0].message.parsed, Triage)


def test_guided_regex(client, raw):
    choice = ask(client, raw, "急救电话是多少？", extra_body={"guided_regex": "(120|110|119)"})
    assert re.fullmatch("120|110|119", choice.message.content) and choice.finish_reason == "stop"
    text = client.completions.create(model=raw, prompt="体温：", max_tokens=20, extra_body={"guided_regex": r"3[5-9]\.\d℃"}).choices[0].text
    assert re.fullmatch(r"3[5-9]\.\d℃", text)


def test_a_required_call_comes_even_where_nothing_asks_for_one(client, raw):
    for seed in range(3):
        choice = ask(client, raw, "你好", tools=[LAB, NOW], tool_choice="required", temperature=1.5, seed=seed)
        assert choice.finish_reason == "tool_calls" and choice.message.content is None
        for call in choice.message.tool_calls:
            arguments = json.loads(call.function.arguments)
            assert call.function.name in ("lookup_lab", "now")
            if call.function.name == "now":
                assert arguments == {}
            else:
                assert set(arguments) == {"test", "sex"} and arguments["sex"] in "男女" and len(arguments["test"]) <= 30


def test_a_named_call_is_that_call(client, raw):
    for name in ("lookup_lab", "now"):
        choice = ask(client, raw, "你好", tools=[LAB, NOW], tool_choice={"type": "function", "function": {"name": name}}, parallel_tool_calls=False)
        assert [call.function.name for call in choice.message.tool_calls] == [name]


def test_one_call_where_parallel_calls_are_off(client, raw):
    for seed in range(4):
        choice = ask(client, raw, "查血红蛋白、白细胞、血小板", tools=[LAB], tool_choice="required", parallel_tool_calls=False, temperature=1.5, seed=seed)
        assert len(choice.message.tool_calls) == 1


def test_streamed_call(client, raw):
    chunks = list(client.chat.completions.create(model=raw, messages=[{"role": "user", "content": "血红蛋白正常值"}], tools=[LAB], tool_choice="required",
                                                 parallel_tool_calls=False, stream=True, max_tokens=100))
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert len(calls) == 1 and set(json.loads(calls[0].function.arguments)) == {"test", "sex"}
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_strict_tools_leave_the_choice_and_keep_their_schema(client, raw):
    strict = json.loads(json.dumps(LAB))
    strict["function"]["strict"] = True
    free = ask(client, raw, "你好", tools=[strict], max_tokens=30)
    assert free.message.content
    for seed in range(3):
        choice = ask(client, raw, "用 lookup_lab 查男性血红蛋白的参考范围。", tools=[strict], temperature=1, seed=seed)
        for call in choice.message.tool_calls or []:
            assert set(json.loads(call.function.arguments)) == {"test", "sex"}
        assert "<tool_call>" not in (choice.message.content or "")


@pytest.mark.parametrize("param,fields", [
    ("response_format.json_schema.schema.properties.a.format", {"response_format": schema_format({"type": "object", "properties": {"a": {"type": "string", "format": "uri"}}})}),
    ("response_format.json_schema.schema.not", {"response_format": schema_format({"not": {}})}),
    ("response_format.schema.multipleOf", {"response_format": {"type": "json_schema", "schema": {"type": "integer", "multipleOf": 5}}}),
    ("response_format.json_schema.schema", {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}),
    ("response_format.json_schema", {"response_format": {"type": "json_schema"}}),
    ("response_format.json_schema.foo", {"response_format": schema_format({}, foo=1)}),
    ("response_format.json_schema.strict", {"response_format": schema_format({}, strict=1)}),
    ("response_format.type", {"response_format": {"type": "yaml"}}),
    ("response_format", {"response_format": "json"}),
    ("tools[0].function.parameters.properties.a.pattern", {"tools": [{"type": "function", "function": {"name": "f", "parameters": {
        "type": "object", "properties": {"a": {"type": "string", "pattern": "(?!x)"}}}}}], "tool_choice": "required"}),
    ("tools[1].function.parameters.type", {"tools": [NOW, {"type": "function", "function": {"name": "f", "parameters": {"type": "string"}}}],
                                           "tool_choice": "required"}),
    ("tool_choice", {"tool_choice": "required"}),
    ("tool_choice", {"tools": [NOW], "tool_choice": "always"}),
    ("tool_choice.function.name", {"tools": [NOW], "tool_choice": {"type": "function", "function": {"name": "later"}}}),
    ("tool_choice.function", {"tools": [NOW], "tool_choice": {"type": "function", "function": {"name": "now", "x": 1}}}),
    ("response_format", {"tools": [NOW], "tool_choice": "required", "response_format": {"type": "json_object"}}),
    ("parallel_tool_calls", {"tools": [NOW], "parallel_tool_calls": "no"}),
    ("guided_regex", {"guided_regex": "(a"}),
    ("guided_regex", {"guided_regex": "((a{1000}){1000}){1000}"}),
    ("guided_regex", {"guided_regex": "a", "response_format": {"type": "json_object"}}),
])
def test_what_cannot_be_kept_is_refused_by_its_path(server, raw, param, fields):
    body = {"model": raw, "messages": [{"role": "user", "content": "a"}], "max_tokens": 100, **fields}
    answer = requests.post(server.url + "/v1/chat/completions", json=body, timeout=60)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param, answer.text
    assert param in answer.json()["error"]["message"]


@pytest.mark.parametrize("param,value", [("response_format", {"type": "json_object"}), ("guided_regex", "a+"), ("tools", [NOW])])
def test_the_assistant_has_no_forms(server, param, value):
    body = {"model": "xiaobei", "messages": [{"role": "user", "content": "a"}], "max_tokens": 50, param: value}
    answer = requests.post(server.url + "/v1/chat/completions", json=body, timeout=60)
    assert answer.status_code == 400 and answer.json()["error"]["param"] == param


def test_forms_beside_free_answers_change_neither(client, raw):
    jobs = [lambda: ask(client, raw, "讲讲高血压", max_tokens=24).message.content,
            lambda: ask(client, raw, response_format=schema_format(PATIENT)).message.content,
            lambda: ask(client, raw, "列出三种水果", response_format={"type": "json_object"}, max_tokens=40).message.content,
            lambda: ask(client, raw, "What is asthma?", max_tokens=24).message.content]
    alone = [job() for job in jobs]
    together = [None] * len(jobs)

    def work(index):
        together[index] = jobs[index]()
    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
