"""What can go wrong between a question and its answer: it is said, it stays said, and there is a way on."""
import threading

import pytest
from browser_page import Page, browser, fake, page, start_browser  # noqa: F401 the fixtures of this file
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

TOO_LONG = (400, {"message": "the prompt has 9265 tokens, but the context holds 8192 and the answer needs room",
                  "code": "context_length_exceeded", "type": "invalid_request_error"})


@pytest.fixture
def gate(fake):
    """A gate before a piece of the answer: fake.gates[number] = gate; what waits at it goes on after the test."""
    event = threading.Event()
    yield event
    event.set()


def saved(page):
    return page.script("return JSON.parse(sessionStorage.conversation)")


# --- while an answer streams


def test_language_switch_keeps_the_answer_streaming(page, fake, gate):
    last = threading.Event()
    fake.pieces = ["第一段", "第二段", "第三段"]
    fake.gates = {1: gate, 2: last}
    page.ask("头痛")
    page.until(lambda: page.answers() == ["第一段"])
    page.find("#language").click()
    assert "AI-generated" in page.find(".turn.assistant .label").text
    gate.set()
    page.until(lambda: page.answers() == ["第一段第二段"])  # while it still streams, not only at its end
    last.set()
    page.until(lambda: page.answers() == ["第一段第二段第三段"])
    page.until_answered()
    assert "tokens/s" in page.find(".turn.assistant .foot").text


def test_reload_keeps_what_was_streamed(page, fake, gate):
    fake.pieces = ["第一段", "第二段"]
    fake.gates[1] = gate
    page.ask("头痛")
    page.until(lambda: page.answers() == ["第一段"])
    page.reload()
    assert page.answers() == ["第一段"]
    page.until_problem("中断")
    gate.set()
    page.press("重试")
    page.until(lambda: page.answers() == ["第一段第二段"])
    page.until_answered()
    assert [message["content"] for message in fake.requests[-1]["messages"]] == ["头痛"] and page.problems() == []


def test_streaming_is_saved_now_and_then(page, fake, gate):
    fake.pieces = ["第一段", "第二段"]
    fake.gates[1] = gate
    page.ask("头痛")
    page.until(lambda: saved(page)[-1]["content"] == "第一段")  # without leaving the page: a crash of the tab loses little


# --- stopping


def test_double_click_on_send_does_not_stop(page, fake, gate):
    fake.gates[0] = gate
    page.type("咳嗽两天")
    page.script("""
        document.getElementById('send').click();
        document.getElementById('stop').click();""")
    gate.set()
    page.until(lambda: page.answers() == ["你好，我是小贝。"])


def test_stop_before_the_first_word_leaves_a_way_on(page, fake, gate):
    fake.gates[0] = gate
    page.ask("咳嗽两天")
    page.until(lambda: len(fake.requests) == 1)
    page.find("#stop").click()
    page.until_problem("已停止")
    assert page.all(".turn.assistant .bubble") == []  # nothing that could be marked as generated
    gate.set()
    page.press("重试")
    page.until(lambda: page.answers() == ["你好，我是小贝。"])


# --- too long


def test_a_question_too_long_alone_goes_back_into_the_input(page, fake):
    fake.failure = TOO_LONG
    page.ask("很长的描述" * 20)
    page.until_problem("9265")
    assert "8192" in page.problems()[0] and "tokens" not in page.problems()[0]  # in the page's language
    assert page.all(".problem button") == []
    assert page.find("#input").get_attribute("value") == "很长的描述" * 20
    page.reload()
    assert page.find("#input").get_attribute("value") == "很长的描述" * 20
    page.find("#input").clear()
    page.ask("短一些")
    page.until(lambda: page.answers() == ["你好，我是小贝。"])
    assert [message["content"] for message in fake.requests[-1]["messages"]] == ["短一些"]
    assert "很长的描述" not in page.find("#turns").text


def test_leaving_out_ends_where_nothing_is_left(page, fake):
    page.ask("第一问")
    page.until_answered()
    fake.failure = TOO_LONG
    page.ask("第二问")
    page.until_problem("9265")
    fake.failure = TOO_LONG
    page.press("略去")
    page.until(lambda: page.find("#input").get_attribute("value") == "第二问")
    assert len(fake.requests) == 3 and page.all(".problem button") == []
    assert "第一问" in page.find("#turns").text


def test_a_new_conversation_keeps_the_unanswered_question(page, fake):
    page.ask("第一问")
    page.until_answered()
    fake.failure = TOO_LONG
    page.ask("第二问")
    page.until_problem("9265")
    page.press("新对话")
    assert page.all(".turn") == [] and page.find("#input").get_attribute("value") == "第二问"


def test_a_long_paste_is_not_cut(page, fake):
    page.find("#input").click()
    page.browser.execute_cdp_cmd("Input.insertText", {"text": "长" * 25000})
    assert "25,000" in page.find("#count").text
    page.find("#send").click()
    page.until_answered()
    assert fake.requests[0]["messages"][0]["content"] == "长" * 25000


# --- problems belong to their turn


@pytest.mark.parametrize("failure, chinese, english", [
    (TOO_LONG, "9265", "9265 tokens"), ((413, {"message": "too large"}), "内容太大", "too large for the server"),
    ((503, {"message": "40 requests are waiting already"}), "稍后再试", "try again shortly"),
    ((500, {"message": "odd thing"}), "odd thing", "The server says: odd thing")])
def test_problems_outlive_language_and_reload(page, fake, failure, chinese, english):
    page.ask("第一问")
    page.until_answered()
    fake.failure = failure
    page.ask("第二问")
    page.until_problem(chinese)
    count = len(page.all(".problem button"))
    page.find("#language").click()
    page.until_problem(english)
    page.reload()
    page.until_problem(english)
    assert len(page.all(".problem button")) == count > 0 and len(page.all(".turn.assistant .bubble")) == 1


def test_only_the_last_problem_has_buttons(page, fake):
    for _ in range(2):
        fake.failure = (500, {"message": "odd"})
        page.ask("问")
        page.until(lambda: page.find("#send").is_displayed() and page.problems() and len(page.all(".turn.user")) == len(page.problems()))
    assert len(page.all(".problem")) == 2 and len(page.all(".problem button")) == 1


def test_strange_saved_turns_do_no_harm(page, fake):
    page.script("""sessionStorage.conversation = JSON.stringify([{role: 'user', content: 'a'}, {role: 'evil x', content: 'c'}, null, 7,
        {role: 'assistant', content: 'b', notes: 5, problem: 'x'}, {role: 'assistant', content: 'd', notes: [['nokey'], ['speed', '<b>']]}])""")
    page.reload()
    assert page.answers() == ["b", "d"] and not page.all(".turn b b")


# --- a service that is not ready


@pytest.mark.parametrize("health, words", [("loading", "加载"), ("draining", "重启"), ("stuck", "没有反应")])
def test_a_service_that_is_not_ready_is_not_called_busy(page, fake, health, words):
    fake.health = health
    fake.failure = (503, {"message": "not now"})
    page.ask("咳嗽")
    page.until_problem(words)
    assert "咨询的人较多" not in page.problems()[0]
    page.until(lambda: words in page.find("#state").text)
    page.type("还有发热")
    assert not page.find("#send").is_enabled()
    page.find("#language").click()
    assert page.find("#state").text and words not in page.find("#state").text
    fake.health = "ok"
    page.until(lambda: page.find("#send").is_enabled() and not page.find("#state").is_displayed())
    page.find(".problem button").click()
    page.until(lambda: page.answers() == ["你好，我是小贝。"])


# --- the key


def give_key(page, key):
    page.until(lambda: page.find("#key").is_displayed())
    page.find("#key-value").clear()
    page.find("#key-value").send_keys(key + Keys.ENTER)


def test_a_key_is_asked_for_at_once_and_shows_the_standin(browser, fake):
    fake.reset()
    fake.key = "secret"
    fake.standin = True
    page = Page(browser, fake.url).until_ready()
    page.until(lambda: page.active() == "key-value")
    give_key(page, "secret")
    page.until(lambda: page.find("#standin").is_displayed() and not page.find("#key").is_displayed())
    assert page.active() == "input"


@pytest.mark.parametrize("key, words", [("wrong", "密钥不对"), ("秘密", "输入法")])
def test_a_key_that_cannot_be_right_is_called_so(page, fake, key, words):
    fake.key = "secret"
    page.ask("咳嗽")
    page.until_problem("密钥")
    give_key(page, key)
    page.until(lambda: words in page.find("#key-problem").text)
    assert "连不上" not in page.find("body").text
    page.until(lambda: page.active() == "key-value")
    give_key(page, "secret")
    page.until(lambda: page.answers() == ["你好，我是小贝。"])  # asked again without another click
    assert page.active() == "input" and not page.find("#key").is_displayed()


# --- a browser that keeps nothing


def test_the_page_works_without_storage(fake):
    fake.reset()
    driver = start_browser(**{"profile.default_content_setting_values.cookies": 2})
    try:
        driver.get(fake.url)
        page = Page.__new__(Page)
        page.browser, page.url = driver, fake.url
        page.until_ready()
        fake.key = "secret"
        page.ask("咳嗽")
        give_key(page, "secret")
        page.until(lambda: page.answers() == ["你好，我是小贝。"])
        assert driver.find_element(By.ID, "state").is_displayed() is False
    finally:
        driver.quit()


def fill_storage(page):
    page.script("for (let n = 1 << 20; n >= 1; n >>= 1) try { while (true) sessionStorage['full' + sessionStorage.length] = 'x'.repeat(n); } catch {}")


def test_the_page_works_with_full_storage(page, fake):
    fake.key = "secret"
    fill_storage(page)
    page.ask("咳嗽")
    page.until_problem("密钥")
    give_key(page, "wrong")
    page.until(lambda: "密钥不对" in page.find("#key-problem").text)
    page.script("sessionStorage.clear()")  # room again: what is kept now counts, not what was kept in its place
    page.until(lambda: page.active() == "key-value")
    give_key(page, "secret")
    page.until(lambda: page.answers() == ["你好，我是小贝。"])
    assert page.script("return sessionStorage.getItem('key')") == "secret"
    fill_storage(page)
    page.ask("头痛")
    page.until(lambda: len(page.answers()) == 2)
    assert page.problems() == []
