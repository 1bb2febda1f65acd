"""G4: answers that are declared for browsers make no further runs and no further requests."""

from __future__ import annotations

import json
import time
import urllib.request

import pytest
from browser import Browser
from conftest import VERSIONS
from servers import Gateway

DECLARED = """
identity = ["cookie:user"]
[control]
token = "0123456789abcdef"
[[callback]]
output = "content.children"
timeout = "5m"
client = true
tags = ["pages"]
[[callback]]
output = "common.children"
timeout = "5m"
client = true
shared = true
"""


@pytest.fixture(params=VERSIONS)
def pages(request, shared):
    app, gateway = shared(request.param, "pages", DECLARED)
    invalidate(gateway)
    app.runs()
    return app, gateway


def invalidate(gateway: Gateway, **what: object) -> None:
    headers = {"Authorization": "Bearer 0123456789abcdef", "Content-Type": "application/json"}
    body = json.dumps(what or {"all": True}).encode()
    url = gateway.url + "/_ferrodash/invalidate"
    urllib.request.urlopen(urllib.request.Request(url, body, headers)).close()


def go(browser: Browser, page: str, user: str = "None") -> None:
    browser.click(f"#to-{page}").sees("#content", f"/{page} for {user}").idle()


def names(runs: list) -> list[tuple[str, str]]:
    return sorted((run["name"], run["values"][0]) for run in runs)


def test_g4_pages_and_back_are_one_run_each_and_no_requests(pages, browser: Browser):
    app, gateway = pages
    browser.open(gateway.url + "/a")
    go(browser, "b")
    assert names(app.runs()) == [
        ("common", "/a"), ("common", "/b"), ("content", "/a"), ("content", "/b"),
    ]  # fmt: skip
    browser.requests()
    for page in "abab":
        go(browser, page)
    assert [request.path for request in browser.requests() if request.is_call] == []
    assert app.runs() == []


def test_g4_a_reload_makes_no_runs_and_no_calls(pages, browser: Browser):
    app, gateway = pages
    browser.open(gateway.url + "/a")
    app.runs(), browser.requests()
    browser.reload().sees("#content", "/a for None").sees("#common", "/a for all, asked by None")
    assert [request.path for request in browser.requests() if request.is_call] == []
    assert app.runs() == []


def test_g4_an_invalidation_reaches_an_open_page(pages, browser: Browser):
    app, gateway = pages
    browser.open(gateway.url + "/a")
    go(browser, "b")
    go(browser, "a")
    app.runs()
    invalidate(gateway, tags=["pages"])
    # What is shown is asked for again at once, or when it is shown again.
    runs, end = [], time.monotonic() + 8
    while not runs and time.monotonic() < end:
        go(browser, "b")
        go(browser, "a")
        runs = names(app.runs())
    assert set(runs) & {("content", "/a"), ("content", "/b")}
    assert not [run for run in runs if run[0] == "common"]


def test_g4_two_users_of_a_browser_never_share(pages, browser: Browser):
    app, gateway = pages
    browser.set_cookie(gateway.url, "user", "alice")
    browser.open(gateway.url + "/a").sees("#content", "/a for alice")
    browser.sees("#common", "/a for all, asked by None")
    browser.set_cookie(gateway.url, "user", "bob")
    browser.open(gateway.url + "/a").sees("#content", "/a for bob")
    browser.sees("#common", "/a for all, asked by None")
    assert names(app.runs()) == [("common", "/a"), ("content", "/a"), ("content", "/a")]


def test_g4_a_callback_that_signs_in_ends_what_the_page_keeps(pages, browser: Browser):
    _, gateway = pages
    browser.set_cookie(gateway.url, "user", "alice")
    browser.open(gateway.url + "/a").sees("#content", "/a for alice")
    go(browser, "b", "alice")
    browser.click("#sign-in").sees("#who", "Bob").idle()
    go(browser, "a", "bob")


def test_g4_a_cookie_of_another_tab_counts_within_seconds(pages, browser: Browser):
    _, gateway = pages
    browser.set_cookie(gateway.url, "user", "alice")
    browser.open(gateway.url + "/a").sees("#content", "/a for alice")
    first = browser.new_tab()
    browser.open(gateway.url + "/b").click("#sign-in").sees("#who", "Bob")
    browser.ask("/window", {"handle": first})
    browser.wait(
        "one('#to-b').click(); one('#to-a').click(); return text('#content') === '/a for bob'", 10
    )
