"""What an answer looks like: no sign of it may be lost or changed on the way to the screen."""
import pytest
from browser_page import Page, browser, fake, page  # noqa: F401 the fixtures of this file

LAB_TABLE = ("| 检查项目 | 您的结果 | 参考范围 | 单位 | 说明 |\n|---|---|---|---|---|\n"
             "| 白细胞计数 | 12.35 | 3.5-9.5 | 10^9/L | 偏高，提示可能有细菌感染，复查后12.35 10^9/L以上请就诊 |\n"
             "| C反应蛋白 | 105.2 | 0 - 10 | mg/L | 明显升高 |\n")


def shown(page, text):
    """The HTML and the words of a text as an answer shows it."""
    return page.browser.execute_async_script("""
        const done = arguments[1];
        import('/assets/markdown.js').then((module) => {
          const box = document.createElement('div');
          box.className = 'text';
          document.getElementById('turns').append(box);
          module.show(box, arguments[0]);
          done([box.innerHTML, box.innerText]);
          box.remove();
        });""", text)


@pytest.mark.parametrize("text", [
    "结节约12*8*6mm", "12**8**6", "2*3*4 与 a*b*c", "血红蛋白 90*，白细胞 12*", "长*宽*高", "(a)*(b)*(c)", "5%*3%*2", "WBC (*10^9/L) 12 (*10^9/L)",
    "12 *8* 6", "snake_case_name 与 __dunder__", "a * b * c", "*未完", "** x **", "+ 阳性", "> 38.5℃ 时就医", "< 3 个月", "1.5 mg", "37~38℃ ~~a~~",
    "`未完", "$\\frac{1}{2}$", "注" + "*" * 300])
def test_what_is_no_markup_stays(page, text):
    html, words = shown(page, text)
    assert words.strip() == text.strip() and "<em>" not in html and "<strong>" not in html


@pytest.mark.parametrize("text, html", [
    ("请**立即**拨打", "<p>请<strong>立即</strong>拨打</p>"),
    ("**“立即拨打120”**。", "<p><strong>“立即拨打120”</strong>。</p>"),
    ("结果**12**偏高", "<p>结果<strong>12</strong>偏高</p>"),
    ("很 *重要* 的", "<p>很 <em>重要</em> 的</p>"),
    ("**粗 *斜* 粗**", "<p><strong>粗 <em>斜</em> 粗</strong></p>"),
    ("***粗斜***", "<p><em><strong>粗斜</strong></em></p>"),
    ("`a*b*c` 与 ``x`y``", "<p><code>a*b*c</code> 与 <code>x`y</code></p>"),
    ("12\\*8\\*6", "<p>12*8*6</p>"),
    ("**12*8*6mm** 的结节", "<p><strong>12*8*6mm</strong> 的结节</p>"),
    ("[来源](http://a.b/c)", "<p>来源 (http://a.b/c)</p>"),
    ("> 引用", "<blockquote>引用</blockquote>")])
def test_markup(page, text, html):
    assert shown(page, text)[0] == html


def items(page, text):
    """Every item of every list as (kind, number, own words), in order of appearance."""
    shown_html = shown(page, text)[0]
    return page.script("""
        const box = document.createElement('div');
        box.innerHTML = arguments[0];
        return [...box.querySelectorAll('li')].map((item) => [item.parentNode.tagName, item.value, item.firstChild?.textContent ?? ''])""", shown_html)


def test_lists_keep_their_numbers_and_kinds(page):
    assert items(page, "1. 一\n- 甲\n- 乙\n2. 二") == [["OL", 1, "一"], ["UL", 0, "甲"], ["UL", 0, "乙"], ["OL", 2, "二"]]
    assert items(page, "3. a\n5. b") == [["OL", 3, "a"], ["OL", 5, "b"]]
    assert items(page, "1) 甲\n2) 乙\n   7) 丙\n   - 丁\n3) 戊") == [
        ["OL", 1, "甲"], ["OL", 2, "乙"], ["OL", 7, "丙"], ["UL", 0, "丁"], ["OL", 3, "戊"]]
    assert items(page, "1. 甲\n\n说明\n\n2. 乙") == [["OL", 1, "甲"], ["OL", 2, "乙"]]


def test_a_thousandfold_nested_list_leaves_the_tab_alive(page):
    text = "\n".join(" " * (2 * depth) + f"- 第{depth}项" for depth in range(2000))
    html, words = shown(page, text)
    assert html.count("<li>") == 2000 and html.count("<ul>") <= 8 and "第1999项" in words
    stars = "".join("*a **b " for _ in range(3000)) + "".join("c** d* " for _ in range(3000))
    assert page.script("return 1 + 1") == 2 and shown(page, stars)[1]


def test_figures_in_a_table_never_break_on_a_phone(page, fake):
    page.screen(360, 740)
    fake.pieces = [LAB_TABLE]
    page.ask("q")
    page.until_answered()
    broken = page.script("""
        const lines = (node, from, to) => {
          const range = document.createRange();
          range.setStart(node, from);
          range.setEnd(node, to);
          return new Set([...range.getClientRects()].map((one) => Math.round(one.top))).size;
        };
        const broken = [];
        const walker = document.createTreeWalker(document.querySelector('.text table'), NodeFilter.SHOW_TEXT);
        while (walker.nextNode())
          for (const found of walker.currentNode.data.matchAll(/[0-9.^/A-Za-z -]*[0-9.^/A-Za-z-]/g))
            if (lines(walker.currentNode, found.index, found.index + found[0].length) > 1) broken.push(found[0]);
        return broken;""")
    assert broken == []
    box = page.script("""
        const box = document.querySelector('.text .table'), all = document.getElementById('scroll');
        return [box.scrollWidth > box.clientWidth, all.scrollWidth <= all.clientWidth, document.scrollingElement.scrollWidth <= innerWidth]""")
    assert box == [True, True, True]  # it scrolls in its own box, and nothing else does
