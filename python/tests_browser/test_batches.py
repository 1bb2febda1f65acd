"""Callbacks that start together travel in few requests, and each answers as soon as it can."""

from __future__ import annotations

import pytest
from browser import Browser
from conftest import VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_batch_forty_callbacks_of_one_click_are_few_requests(
    shared, browser: Browser, version: str
):
    app, gateway = shared(version, "fifty")
    browser.open(gateway.url).sees("#part-39", "39:None ").requests()
    app.runs()
    browser.click("#again")
    for part in range(40):
        browser.sees(f"#part-{part}", f"{part}:1 ")
    calls = [request for request in browser.idle().requests() if request.is_call]
    # Older renderers start twelve callbacks at a time.
    assert len(calls) <= (3 if version == "4.4.1" else 20)
    assert {(request.status, request.failure) for request in calls} == {(200, "")}
    assert sorted(run["name"] for run in app.runs()) == sorted(f"part-{n}" for n in range(40))


def test_batch_a_cookie_and_a_failure_among_many_arrive(shared, browser: Browser):
    app, gateway = shared("4.4.1", "crowd")
    seen = []
    for server in (app, gateway):
        browser.open(server.url).click("#start").wait("return text('#out-11') === '11'").idle()
        texts = browser.js("return all('#outs > *').map(it => it.textContent)")
        # The browser itself has a line for a request that fails, but none for a part of one.
        console = [line for line in browser.console() if "failed to load resource" not in line]
        seen.append((texts, browser.cookies(), console))
        browser.clean()
    assert seen[1] == seen[0]
    assert seen[1][1] == {"five": "5", "six": "6"}
