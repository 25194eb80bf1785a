"""What the page tests share: a real Chromium through selenium, a server that answers as told, and the page's parts by name."""
import shutil

import pytest
from fake_server import Fake
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common import utils
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")


class LoopbackService(Service):
    """The driver by its address: a bare system may not know the name localhost."""

    @property
    def service_url(self):
        return f"http://127.0.0.1:{self.port}"

    def is_connectable(self):
        return utils.is_connectable(self.port, "127.0.0.1")


def start_browser(**preferences):
    if not CHROMIUM or not DRIVER:
        pytest.skip("chromium and chromedriver are not installed: tools/install-deps.sh packages-test")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1100,900", "--lang=zh-CN"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    if preferences:
        options.add_experimental_option("prefs", preferences)
    return webdriver.Chrome(service=LoopbackService(DRIVER), options=options)


@pytest.fixture(scope="module")
def browser():
    driver = start_browser()
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def fake():
    return Fake()


class Page:
    def __init__(self, browser, url):
        self.browser = browser
        self.url = url
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        browser.get(url)
        browser.execute_script("sessionStorage.clear(); localStorage.clear()")
        browser.get(url)

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def until(self, condition, seconds=10, what="the page"):
        WebDriverWait(self.browser, seconds, poll_frequency=0.02).until(lambda _: condition(), what)

    def until_ready(self):
        self.until(lambda: self.script("const one = document.querySelector('#examples button'); return one && !one.disabled"), what="ready")
        return self

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def reload(self):
        self.browser.refresh()
        return self.until_ready()

    def screen(self, width, height):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                     {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True})

    def active(self):
        return self.script("return document.activeElement.id || document.activeElement.tagName")

    def problems(self):
        return self.script("return [...document.querySelectorAll('.problem')].map(one => one.innerText)")

    def until_problem(self, words):
        self.until(lambda: any(words in one for one in self.problems()), what=words)

    def press(self, label):
        """The button of the last problem that has this on it."""
        next(one for one in self.all(".problem button") if label in one.text).click()

    def type(self, text):
        self.find("#input").send_keys(text)

    def ask(self, text):
        self.type(text + Keys.ENTER)

    def until_answered(self, seconds=10):
        self.until(lambda: self.find("#send").is_displayed() and self.all(".turn.assistant, .problem"), seconds, "answered")

    def answers(self):
        """All at once by script: the page redraws its turns, so an element found a moment ago may be gone."""
        return self.browser.execute_script("return [...document.querySelectorAll('.turn.assistant .text')].map(one => one.innerText.trim())")


@pytest.fixture
def page(browser, fake):
    fake.reset()
    return Page(browser, fake.url).until_ready()
