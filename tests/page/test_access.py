"""The page by keyboard, by screen reader, on small and dark screens."""
import threading

import pytest
from browser_page import Page, browser, fake, page  # noqa: F401 the fixtures of this file
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

LONG = ["很长的段落。" * 20 + "\n\n"] * 30


def press(page, *keys):
    for key in keys:
        ActionChains(page.browser).send_keys(key).perform()


def scroll_top(page):
    return page.script("return document.getElementById('scroll').scrollTop")


def test_focus_goes_back_to_the_input(page, fake):
    page.type("咳嗽")
    page.find("#send").click()
    assert page.active() == "input"
    page.until_answered()
    page.find("#new").click()
    assert page.active() == "input"
    page.find("#examples button").click()
    assert page.active() == "input"
    page.until_answered()
    fake.failure = (500, {"message": "odd"})
    page.ask("再问")
    page.until_problem("odd")
    page.press("重试")
    assert page.active() == "input"
    page.until(lambda: len(page.answers()) == 2)
    page.until_answered()
    gate = fake.gates[1] = threading.Event()
    page.ask("三问")
    page.until(lambda: page.answers()[-1] == "你好")
    page.find("#stop").click()
    page.until_answered()
    gate.set()
    assert page.active() == "input"


def test_the_conversation_scrolls_by_keyboard(page, fake):
    fake.pieces, fake.delay = LONG, 0
    page.ask("问")
    page.until_answered(20)
    page.until(lambda: scroll_top(page) > 500)
    page.script("document.getElementById('input').focus()")
    press(page, Keys.SHIFT + Keys.TAB)
    page.script("document.getElementById('scroll').focus()")
    before = scroll_top(page)
    press(page, Keys.PAGE_UP)
    page.until(lambda: scroll_top(page) < before)
    press(page, Keys.HOME)
    page.until(lambda: scroll_top(page) == 0)
    page.script("document.getElementById('input').focus()")
    press(page, Keys.PAGE_DOWN)
    page.until(lambda: scroll_top(page) > 0)  # in a one-line input the key means the conversation


def accessible(page):
    tree = page.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node.get("ignored") and "role" in node]


def test_every_part_has_a_name(page, fake):
    page.ask("头痛")
    page.until_answered()
    nodes = accessible(page)
    names = dict(nodes)
    assert names["main"] == "对话" and names["navigation"] == "页面操作" and names["banner"] == "小贝"
    assert ("list", "对话记录") in nodes and ("article", "小贝的回答（AI 生成）") in nodes
    assert any(role == "StaticText" and name == "您：" for role, name in nodes)
    page.find("#language").click()
    assert ("main", "Conversation") in accessible(page)


def contrast(page, selector):
    """WCAG's ratio of the colours of text and ground."""
    values = page.script("""const style = getComputedStyle(document.querySelector(arguments[0]));
        return [style.color, style.backgroundColor].map((one) => one.match(/[0-9.]+/g).map(Number))""", selector)

    def luminance(colour):
        parts = [one / 255 for one in colour[:3]]
        red, green, blue = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted(map(luminance, values), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_read(page, fake, scheme):
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    for selector in ("#stop", "#send", ".emergency", ".notice"):
        assert contrast(page, selector) >= 4.5, selector


def test_a_standin_is_said_in_visible_words(browser, fake):
    fake.reset()
    fake.standin = True
    page = Page(browser, fake.url).until_ready()
    page.until(lambda: "请勿用于真实就医" in page.find("body").text)
    page.find("#language").click()
    assert "Do not use it for real care" in page.find("body").text


@pytest.mark.parametrize("present", [True, False])
def test_copy_works_without_the_clipboard(page, fake, present):
    if not present:
        page.script("Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true})")
    page.script("document.addEventListener('copy', () => { window.copiedText = document.activeElement.value; })")
    page.ask("头痛")
    page.until_answered()
    page.find(".turn.assistant .foot button").click()
    page.until(lambda: page.find(".turn.assistant .foot button").text == "已复制")
    if not present:
        assert page.script("return window.copiedText").startswith("你好，我是小贝。")
    page.script("document.execCommand = () => false; Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true})")
    page.find(".turn.assistant .foot button").click()
    page.until(lambda: "手动" in page.find(".turn.assistant .foot button").text)


@pytest.mark.parametrize("width, height", [(360, 740), (320, 568), (320, 256), (740, 360)])
@pytest.mark.parametrize("english", [False, True])
def test_small_screens_keep_the_input_in_sight(browser, fake, width, height, english):
    fake.reset()
    fake.standin = True
    page = Page(browser, fake.url).until_ready()
    if english:
        page.find("#language").click()
    page.screen(width, height)
    page.until(lambda: page.find("#standin-note").text != "")
    page.ask("头痛")
    page.until_answered()
    outside, low = page.script("""
        const boxes = (selector) => [...document.querySelectorAll(selector)].map((one) => [one, one.getBoundingClientRect()])
          .filter(([, box]) => box.width);
        return [
          boxes('header *, .composer *').filter(([, box]) => box.right > innerWidth + 1 || box.left < -1 || box.bottom > innerHeight + 1 || box.top < -1)
            .map(([one]) => one.id || one.className || one.tagName),
          boxes('button, a').filter(([, box]) => box.height < 36 || box.width < 36).map(([one]) => one.textContent)];""")
    assert outside == [] and low == []
    assert page.script("return document.getElementById('scroll').clientHeight") >= min(100, height / 3)
    assert page.script("return document.scrollingElement.scrollWidth <= innerWidth && document.scrollingElement.scrollHeight <= innerHeight")


def test_the_english_placeholder_fits(page):
    page.find("#language").click()
    page.screen(320, 568)
    assert page.script("""
        const input = document.getElementById('input');
        const style = getComputedStyle(input);
        const pen = document.createElement('canvas').getContext('2d');
        pen.font = style.font;
        return pen.measureText(input.placeholder).width <= input.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)""")
