"""G5: inputs wait until they are quiet, by the file or by decorators."""

from __future__ import annotations

import pytest
from browser import ENTER, Browser
from servers import App

DECLARED = """
[[callback]]
output = "shout.children"
debounce = { "text.value" = "500ms" }
[[callback]]
output = '{"cell":["MATCH"],"echo":1}.children'
debounce = { '{"cell":["MATCH"]}.value' = "500ms" }
[[callback]]
output = "found.children"
timeout = "5m"
client = true
debounce = { "search.value" = "500ms" }
[[callback]]
output = "follow.children"
throttle = { "fast.value" = "200ms" }
"""
THIRTY = "the quick brown fox jumps over"


@pytest.fixture(
    params=["4.4.1 file", "4.4.1 decorators", "3.2.0 file", "2.18.2 decorators"],
    ids=lambda text: text.replace(" ", "-"),
)
def page(request, shared, browser: Browser) -> tuple[App, Browser]:
    """The app, and its page through the gateway."""
    version, how = request.param.split()
    if how == "file":
        app, gateway = shared(version, "typing_", DECLARED)
    else:
        app, gateway = shared(version, "typing_", DECORATED="1")
    browser.open(gateway.url)
    app.runs()
    return app, browser


def values(app: App, name: str) -> list[str]:
    return [run["values"][0] for run in app.runs() if run["name"] == name]


def test_g5_thirty_keys_are_one_run(page):
    app, browser = page
    assert len(THIRTY) == 30
    browser.type_slowly("#text", THIRTY).sees("#length", "30")
    browser.sees("#shout", f"{THIRTY.upper()}, from text").idle()
    assert values(app, "shout") == [THIRTY]
    assert [line for line in browser.console() if "favicon" not in line] == []


def test_g5_the_app_sees_the_real_input_and_trigger(page):
    app, browser = page
    browser.type("#text", "a").sees("#shout", "A, from text").idle()
    (run,) = app.runs()
    assert (run["values"], run["triggered"]) == (["a"], ["text.value"])


def test_g5_answers_that_browsers_keep_are_of_the_real_trigger_too(page):
    app, browser = page
    browser.type("#search", app.version).sees("#found", f"found {app.version}, from search").idle()
    runs = [run for run in app.runs() if run["name"] == "found"]
    assert [run["triggered"] for run in runs] == [["search.value"]]


def test_g5_a_button_ends_the_wait_and_is_the_trigger(page):
    app, browser = page
    browser.type("#search", "now").click("#go").sees("#found", "found now, from go").idle()
    assert values(app, "found") == ["now"]


def test_g5_two_match_rows_are_two_runs(page):
    app, browser = page
    for cell in (0, 1):
        browser.type(f"[id='{{\"cell\":{cell}}}']", f"{cell}{cell}{cell}")
    browser.sees('[id=\'{"cell":0,"echo":1}\']', "000, from 0")
    browser.sees('[id=\'{"cell":1,"echo":1}\']', "111, from 1").idle()
    assert sorted(values(app, "echo")) == ["000", "111"]


@pytest.mark.parametrize("leave", ["enter", "click elsewhere"])
def test_g5_enter_and_leaving_end_the_wait(page, leave: str):
    app, browser = page
    browser.js(
        "window.typed = 0; window.sent = 0;"
        "one('#text').addEventListener('input', () => typed = performance.now());"
        "new PerformanceObserver(list => list.getEntries().forEach(({name, startTime}) =>"
        "    sent = /update-component/.test(name) && !sent ? startTime : sent)"
        ").observe({type: 'resource'})"
    )
    browser.type("#text", "now")
    if leave == "enter":
        browser.type("#text", ENTER)
    else:
        browser.click("#plain")
    browser.sees("#shout", "NOW, from text").wait("return sent")
    assert browser.js("return sent - typed") < 400
    assert values(app, "shout") == ["now"]


def test_g5_what_a_callback_writes_does_not_wait(page):
    app, browser = page
    browser.click("#fill").sees("#shout", "FILLED 1, from text").idle()
    assert [run["name"] for run in app.runs()] == ["fill", "shout"]


def test_g5_throttled_inputs_run_at_most_so_often_and_with_the_last_value(page):
    app, browser = page
    began = browser.js("return performance.now()")
    browser.type_slowly("#fast", THIRTY).sees("#follow", f"follows {THIRTY}").idle()
    took = browser.js("return performance.now()") - began
    runs = values(app, "follow")
    assert runs[-1] == THIRTY
    assert 2 <= len(runs) <= took / 200 + 2


def test_g5_waiting_shows_no_loading_and_other_inputs_do_not_wait(page):
    app, browser = page
    browser.js(
        "window.titles = []; new MutationObserver(() => titles.push(document.title))"
        ".observe(one('title'), {childList: true, subtree: true, characterData: true})"
    )
    browser.type("[id='{\"cell\":0}']", "a")
    # Renderers before 4.2 show each change for a moment, as they have no callbacks without it.
    shown = [] if app.version == "4.4.1" else ["Updating...", "Dash"]
    browser.wait("return document.title === 'Dash'")
    assert browser.js("return titles") == shown
    browser.type("#plain", "b").sees("#echo-plain", "b")
    browser.sees('[id=\'{"cell":0,"echo":1}\']', "a, from 0")
