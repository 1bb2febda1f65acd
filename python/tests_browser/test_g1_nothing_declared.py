"""G1: nothing is declared, so an app behaves through the gateway as directly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, Chromedriver
from conftest import VERSIONS

Story = Callable[[Browser], Any]
PATH = "/start?x=1"


@pytest.fixture(scope="module", params=VERSIONS)
def compare(request, shared, chromedriver: Chromedriver) -> Callable[[Story], Any]:
    """Tell a story of a user in two tabs, directly and through the gateway; return what was seen.

    The tabs stay open, so each story begins where the one before has ended.
    """
    app, gateway = shared(request.param, "everything")
    browser = Browser(chromedriver)
    browser.clean()
    browser.open(app.url + PATH)
    direct = browser.new_tab()
    browser.open(gateway.url + PATH)
    through = browser.ask("/window", method="GET")

    def compare(story: Story) -> Any:
        seen = []
        for tab in (direct, through):
            browser.ask("/window", {"handle": tab})
            browser.devtools("Network.clearBrowserCookies")
            app.runs(), browser.console(), browser.requests()
            told = story(browser)
            runs = sorted(app.runs(), key=json.dumps)
            failures = [(it.path, it.failure) for it in browser.requests() if it.failure]
            seen.append((told, runs, browser.console(), browser.cookies(), failures))
        assert seen[1] == seen[0]
        return seen[0][0]

    return compare


def test_g1_the_page_looks_the_same(compare):
    def story(browser: Browser) -> Any:
        markup = "return document.getElementById('react-entry-point').innerHTML"
        return browser.js("return document.title"), browser.js(markup)

    title, markup = compare(story)
    assert title == "Dash"
    assert "Hello Ada" in markup


def test_g1_keys_start_callbacks_of_server_and_page(compare):
    def story(browser: Browser) -> str:
        return browser.type("#name", "!").sees("#greeting", "Hello Ada!, from name").text("#length")

    assert compare(story) == "4 letters"


def test_g1_pattern_matching_ids(compare):
    def story(browser: Browser) -> list[str]:
        browser.type("[id='{\"cell\":1}']", "5").sees("#sum", "17, because of {'cell': 1}").idle()
        return [browser.text('[id=\'{"cell":1,"twice":1}\']'), browser.text("#sum")]

    assert compare(story) == ["1515", "17, because of {'cell': 1}"]


def test_g1_running_is_shown_and_ends(compare):
    def story(browser: Browser) -> list[Any]:
        browser.js(
            "window.seen = []; new MutationObserver(() => seen.push(text('#state')))"
            ".observe(one('#state'), {childList: true, characterData: true, subtree: true})"
        )
        browser.click("#slow").sees("#state", "running")
        browser.wait("return document.title === 'Updating...'")
        busy = browser.js("return [one('#slow').disabled, document.title]")
        browser.sees("#slow-out", "slow 1").sees("#state", "idle")
        return [busy, browser.js("return [seen, one('#slow').disabled, document.title]")]

    assert compare(story) == [[True, "Updating..."], [["running", "idle"], False, "Dash"]]


def test_g1_a_failed_callback_is_an_error_in_the_console(compare):
    def story(browser: Browser) -> str:
        browser.click("#fail").idle()
        return browser.text("#fail-out")

    assert compare(story) == "-"


def test_g1_prevented_updates_change_nothing(compare):
    def story(browser: Browser) -> str:
        browser.click("#prevent").idle()
        return browser.text("#prevent-out")

    assert compare(story) == "-"


def test_g1_cookies_set_by_callbacks_come_back(compare):
    def story(browser: Browser) -> dict[str, str]:
        browser.click("#cookie").sees("#cookie-out", "cookie 1")
        browser.type("#name", "?").sees("#greeting", "Hello Ada!?, from name")
        return browser.cookies()

    assert compare(story) == {"visits": "1"}


def test_g1_set_props_and_callbacks_without_output(compare):
    def story(browser: Browser) -> list[str]:
        browser.click("#set").sees("#set-out", "and this 1").sees("#state", "set 1")
        browser.click("#empty").idle()
        return [browser.text("#set-out"), browser.text("#empty-out")]

    assert compare(story) == ["and this 1", "-"]


def test_g1_patches_add_up(compare):
    def story(browser: Browser) -> str:
        browser.click("#patch").sees("#patch-out", "01")
        browser.click("#patch").sees("#patch-out", "012")
        return browser.js("return one('#patch-out').innerHTML")

    assert compare(story) == "<li>0</li><li>1</li><li>2</li>"


def test_g1_location_goes_back_and_forward(compare):
    def story(browser: Browser) -> str:
        browser.click("#to-a").sees("#page", "page /a").click("#to-b").sees("#page", "page /b")
        browser.ask("/back")
        browser.sees("#page", "page /a")
        browser.ask("/back")
        browser.sees("#page", "page /start?x=1")
        browser.ask("/forward")
        return browser.sees("#page", "page /a").js("return location.pathname")

    assert compare(story) == "/a"


def test_g1_a_store_outlives_a_reload(compare):
    def story(browser: Browser) -> str:
        browser.click("#remember").sees("#remember-out", "1")
        return browser.reload().sees("#remember-out", "1").js("return localStorage.store")

    assert compare(story) == '{"clicks":1}'


def test_g1_intervals_tick(compare):
    def story(browser: Browser) -> str:
        return browser.click("#count").sees("#ticks", "3 ticks").text("#ticks")

    assert compare(story) == "3 ticks"


def test_g1_uploads_arrive_whole(compare, tmp_path: Path):
    file = tmp_path / "data.bin"
    file.write_bytes(bytes(range(256)) * 8192)

    def story(browser: Browser) -> str:
        browser.type("#upload input", str(file))
        return browser.wait("return text('#upload-out')").text("#upload-out")

    assert compare(story) == f"data.bin: {256 * 8192} bytes, sum {sum(range(256)) * 8192}"


def test_g1_downloads_arrive_whole(compare, tmp_path: Path):
    file = tmp_path / "download-1.bin"

    def story(browser: Browser) -> bytes:
        behavior = {"behavior": "allow", "downloadPath": str(tmp_path)}
        browser.devtools("Page.setDownloadBehavior", **behavior)
        browser.click("#download").idle()
        data = b""
        while len(data) < 25_600:
            browser.wait("return true")
            data = file.read_bytes() if file.exists() else b""
        file.unlink()
        return data

    assert compare(story) == bytes(range(256)) * 100


def test_g1_a_table_turns_its_pages(compare):
    def story(browser: Browser) -> list[str]:
        cells = "all('#table td').map(cell => cell.textContent)"
        browser.wait(f"return {cells}.length === 5").click("#table .next-page")
        return browser.wait(f"return {cells}[0] === '25'").js(f"return {cells}")

    assert compare(story) == ["25", "36", "49", "64", "81"]
