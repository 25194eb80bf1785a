"""The page in a real browser: Chromium through selenium, against a server that answers as told, and once against the real one."""
import json
import os
import pathlib
import time

from browser_page import Page, browser, fake, page  # noqa: F401 the fixtures of this file
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

CONSULTATION = "症状描述：发热、咳嗽三天，伴有胸痛"


def test_answer_streams_in_pieces_and_shows_its_speed(page, fake):
    fake.pieces = ["第一段", "第二段", "第三段"]
    fake.delay = 0.4
    page.ask(CONSULTATION)
    page.until(lambda: page.answers() == ["第一段"])
    page.until(lambda: page.answers() == ["第一段第二段第三段"])
    page.until_answered()
    foot = page.find(".turn.assistant .foot").text
    assert "28.4" in foot and "AI 生成" in page.find(".turn.assistant .label").text
    body = fake.requests[0]
    assert body["model"] == "xiaobei" and body["stream"] is True
    assert body["messages"] == [{"role": "user", "content": CONSULTATION}]  # the server knows who 小贝 is, not the page


def test_several_turns_go_back_to_the_server(page, fake):
    page.ask("头痛")
    page.until_answered()
    page.ask("两天了")
    page.until(lambda: len(page.answers()) == 2)
    page.until_answered()
    assert [m["role"] for m in fake.requests[1]["messages"]] == ["user", "assistant", "user"]
    assert fake.requests[1]["messages"][1]["content"] == "你好，我是小贝。"


def test_stop_ends_the_answer_and_the_connection(page, fake):
    fake.pieces = ["字"] * 400
    fake.delay = 0.05
    page.ask("a")
    page.until(lambda: page.answers() and "字字" in page.answers()[0])
    page.find("#stop").click()
    assert fake.disconnected.wait(5)
    page.until_answered()
    assert "已停止" in page.find(".turn.assistant .foot").text
    kept = page.answers()[0]
    time.sleep(0.3)
    assert page.answers()[0] == kept and len(kept) < 400


def test_enter_during_composition_never_sends(page, fake):
    page.find("#input").click()
    page.browser.execute_cdp_cmd("Input.imeSetComposition", {"text": "faz", "selectionStart": 3, "selectionEnd": 3})
    for options in ("{key: 'Enter', keyCode: 13, isComposing: true}", "{key: 'Enter', keyCode: 229}"):
        page.browser.execute_script(
            "document.getElementById('input').dispatchEvent(new KeyboardEvent('keydown', Object.assign({bubbles: true, cancelable: true}, " + options + ")))")
    # Safari: compositionend comes first, then the Enter that ended it
    page.browser.execute_script("""
        const input = document.getElementById('input');
        input.dispatchEvent(new CompositionEvent('compositionend', {bubbles: true}));
        input.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', keyCode: 13, bubbles: true, cancelable: true}));""")
    page.browser.execute_cdp_cmd("Input.insertText", {"text": "发热"})
    time.sleep(0.3)
    assert fake.requests == [] and "发热" in page.find("#input").get_attribute("value")
    page.type(Keys.ENTER)
    page.until_answered()
    assert len(fake.requests) == 1


def test_shift_enter_breaks_the_line(page, fake):
    page.type("一" + Keys.SHIFT + Keys.ENTER + Keys.NULL + "二")
    assert page.find("#input").get_attribute("value") == "一\n二" and fake.requests == []


def test_over_the_limit_offers_both_ways_out(page, fake):
    for text in ("第一问", "第二问"):
        page.ask(text)
        page.until_answered()
    fake.failure = (400, {"message": "the prompt has 9001 tokens", "code": "context_length_exceeded", "type": "invalid_request_error"})
    page.ask("第三问")
    page.until(lambda: page.all(".problem"))
    problem = page.find(".problem")
    assert "9001" in problem.text
    labels = [button.text for button in problem.find_elements(By.TAG_NAME, "button")]
    assert "新对话" in labels and any("略去" in label for label in labels)
    assert "第三问" in page.find("#turns").text  # what was typed is not lost
    problem.find_elements(By.TAG_NAME, "button")[1].click()
    page.until(lambda: len(fake.requests) == 4)
    page.until_answered()
    sent = [message["content"] for message in fake.requests[3]["messages"]]
    assert "第一问" not in sent and sent[0] == "第二问" and sent[-1] == "第三问"
    assert len(page.all(".turn.dropped")) == 2


def test_new_conversation_forgets(page, fake):
    page.ask("a")
    page.until_answered()
    page.find("#new").click()
    assert page.all(".turn") == [] and page.find("#empty").is_displayed()
    page.browser.refresh()
    page.until_ready()
    assert page.all(".turn") == []


def test_reload_keeps_the_conversation(page, fake):
    page.ask("头晕")
    page.until_answered()
    page.browser.refresh()
    page.until_ready()
    assert page.answers() == ["你好，我是小贝。"] and "头晕" in page.find("#turns").text


def test_english_switch(page):
    assert page.find("html").get_attribute("lang") == "zh-CN" and "不是医生" in page.find(".notice").text
    page.find("#language").click()
    assert page.find("html").get_attribute("lang") == "en"
    assert "not a doctor" in page.find(".notice").text and "120" in page.find(".notice").text
    page.browser.refresh()
    assert "not a doctor" in page.find(".notice").text


def test_phone_width_has_no_sideways_scroll(page, fake):
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})
    fake.pieces = ["| 项目 | 结果 | 参考范围 | 说明说明说明 |\n|---|---|---|---|\n| WBC | 12.3 | 3.5-9.5 | 偏高 |\n\n", "x" * 300, "\n\n```\n" + "y" * 200 + "\n```\n"]
    page.ask("长" * 200)
    page.until_answered()
    assert page.browser.execute_script("return document.scrollingElement.scrollWidth <= innerWidth")
    assert page.find(".notice").is_displayed() and page.find(".emergency").is_displayed()
    assert page.browser.execute_script("return document.getElementById('scroll').scrollWidth <= document.getElementById('scroll').clientWidth")


def test_markup_from_model_or_user_never_runs(page, fake):
    attack = "<img src=x onerror=\"window.hit=1\"><script>window.hit=1</script>[a](javascript:window.hit=1) <svg onload=window.hit=1>"
    fake.pieces = [attack, "\n\n**粗**与`代码`\n\n- 一\n- 二\n\n```html\n<b>x</b>\n```"]
    page.ask(attack)
    page.until_answered()
    time.sleep(0.3)
    assert page.browser.execute_script("return window.hit") is None
    assert not page.all("#turns img, #turns script, #turns svg, #turns a")
    assert page.find(".turn.assistant strong").text == "粗" and len(page.all(".turn.assistant li")) == 2
    assert page.find(".turn.assistant pre").text == "<b>x</b>" and "<script>" in page.find(".turn.user").text


def test_broken_busy_and_offline_are_said_and_can_be_retried(page, fake):
    fake.break_after = 2
    page.ask("a")
    page.until(lambda: page.all(".problem"))
    assert "中断" in page.find(".problem").text and page.answers() == ["你好，我是"]
    fake.break_after = None
    page.find(".problem button").click()
    page.until(lambda: page.answers() == ["你好，我是小贝。"])
    page.until_answered()
    fake.failure = (503, {"message": "busy"})
    page.ask("b")
    page.until(lambda: page.all(".problem"))
    assert "稍后" in page.find(".problem").text


def test_loading_is_shown_until_ready(browser, fake):
    fake.reset()
    fake.health = "loading"
    page = Page(browser, fake.url)
    page.until(lambda: "加载" in page.find("#state").text)
    page.type("胸痛")
    assert not page.find("#send").is_enabled()
    fake.health = "ok"
    page.until_ready()
    assert page.find("#send").is_enabled() and page.find("#input").get_attribute("value") == "胸痛"


def test_key_is_asked_for_and_kept_for_the_tab(page, fake):
    fake.key = "secret"
    page.ask("a")
    page.until(lambda: page.find("#key").is_displayed())
    assert page.find("#key-value").get_attribute("type") == "password"
    page.find("#key-value").send_keys("secret" + Keys.ENTER)
    page.until(lambda: page.answers() == ["你好，我是小贝。"])
    assert page.browser.execute_script("return JSON.stringify(localStorage)").count("secret") == 0


def test_standin_is_marked(browser, fake):
    fake.reset()
    fake.standin = True
    page = Page(browser, fake.url).until_ready()
    page.until(lambda: page.find("#standin").is_displayed())
    assert "演示模型" in page.find("#standin").text


def test_nothing_is_asked_of_anyone_else(page, fake):
    page.browser.get_log("performance")
    page.browser.refresh()
    page.until_ready()
    page.ask("a")
    page.until_answered()
    hosts = set()
    for entry in page.browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            hosts.add(message["params"]["request"]["url"].split("/assets")[0].split("/v1")[0].split("/health")[0].rstrip("/"))
    assert {host for host in hosts if not host.startswith("data:")} == {fake.url}


def test_long_answers_stay_usable(page, fake):
    fake.pieces = ["很长的段落。" * 40 + "\n\n"] * 400
    fake.delay = 0
    page.ask("a")
    page.until_answered(60)
    assert len(page.answers()[0]) > 90000


def test_a_consultation_with_the_real_server(browser, server):
    page = Page(browser, server.url).until_ready()
    page.ask(CONSULTATION)
    page.until(lambda: page.answers() and len(page.answers()[0]) > 10, 60)
    page.until_answered(180)
    assert "词元/秒" in page.find(".turn.assistant .foot").text
    headers = page.browser.execute_async_script("fetch('/').then(r => arguments[0]([r.headers.get('content-security-policy'), r.headers.get('etag')]))")
    assert "default-src 'none'" in headers[0] and "unsafe" not in headers[0] and headers[1]
    severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE" and "favicon" not in entry["message"]]
    assert not [entry for entry in severe if server.url in entry["message"]], severe
    picture = os.environ.get("XIAOBEI_SCREENSHOT")
    if picture:
        pathlib.Path(picture).parent.mkdir(parents=True, exist_ok=True)
        browser.set_window_size(1100, 900)
        browser.save_screenshot(picture)
