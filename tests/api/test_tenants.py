"""What one tenant's prompts left in the prefix cache serves that tenant alone; the built-in prompt serves everybody."""
import re

import pytest
import requests

LONG = "想请教一下平时怎么锻炼身体比较合适,每周几次,做些什么运动,饮食上要注意什么,睡觉几点好,要不要定期体检。" * 3


@pytest.fixture(scope="module")
def base(server):
    return server.url


def chat(base, model, messages, user=None, cookies=None, **fields):
    body = {"model": model, "messages": messages, "max_tokens": 4, "temperature": 0, **fields}
    if user:
        body["user"] = user
    answer = requests.post(base + "/v1/chat/completions", json=body, cookies=cookies, timeout=120)
    assert answer.status_code == 200, answer.text
    answer = answer.json()
    return answer["usage"]["prompt_tokens_details"]["cached_tokens"], answer


def raw_model(base):
    return requests.get(base + "/v1/models", timeout=10).json()["data"][0]["id"]


def test_a_second_turn_is_found_by_the_same_user_only(base):
    model = raw_model(base)
    first = [{"role": "system", "content": "你是一名护士。"}, {"role": "user", "content": LONG}]
    cached, answer = chat(base, model, first, user="anna")
    assert cached == 0
    second = first + [answer["choices"][0]["message"], {"role": "user", "content": "需要去哪个科?"}]
    second = [{"role": m["role"], "content": m["content"]} for m in second]
    cached, mine = chat(base, model, second, user="anna")
    assert cached >= mine["usage"]["prompt_tokens"] - 24  # all but the new turn and the answer's last tokens
    cached, theirs = chat(base, model, second, user="bert")
    assert cached == 0
    cached, nobody = chat(base, model, second)
    assert cached == 0
    cached, again = chat(base, model, second)
    assert cached == 0  # nobody's requests leave nothing
    texts = {a["choices"][0]["message"]["content"] for a in (mine, theirs, nobody, again)}
    assert len(texts) == 1  # found or computed: the same answer


def test_the_built_in_prompt_is_shared_and_nothing_behind_it(base):
    messages = [{"role": "user", "content": LONG}]
    chat(base, "xiaobei", messages, user="carla")
    public, _ = chat(base, "xiaobei", [{"role": "user", "content": "你好"}], user="dora")
    assert public > 50
    shared, _ = chat(base, "xiaobei", messages, user="emil")  # the very words of another user
    assert shared == public
    own_rules = [{"role": "system", "content": "只用一句话回答。"}] + messages
    cached, _ = chat(base, "xiaobei", own_rules, user="fritz")
    assert cached <= public


def test_the_page_is_known_by_its_cookie(base):
    answer = requests.get(base + "/", timeout=10)
    cookie = answer.headers["Set-Cookie"]
    assert re.match(r"xiaobei_session=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Strict$", cookie)
    session = {"xiaobei_session": cookie.split("=")[1].split(";")[0]}
    assert "Set-Cookie" not in requests.get(base + "/", cookies=session, timeout=10).headers
    messages = [{"role": "user", "content": "想了解一下。" + LONG}]
    chat(base, "xiaobei", messages, cookies=session)
    public, _ = chat(base, "xiaobei", [{"role": "user", "content": "你好"}], user="gus")
    found, _ = chat(base, "xiaobei", messages, cookies=session)
    assert found > public
    for stranger in ({"xiaobei_session": "0" * 32}, {"xiaobei_session": "short"}, None):
        cached, _ = chat(base, "xiaobei", messages, cookies=stranger)
        assert cached <= public


def test_metrics_tell_of_the_cache(base):
    text = requests.get(base + "/metrics", timeout=10).text
    values = dict(re.findall(r"^(xiaobei_\w+) ([0-9.e+]+)$", text, re.M))
    assert float(values["xiaobei_cached_tokens_total"]) > 0 and float(values["xiaobei_kv_blocks_cached"]) > 0
    assert float(values["xiaobei_kv_blocks"]) > 0 and "xiaobei_preemptions_total" in values
