"""G16: a page of an older build is never answered wrongly, and a reload helps."""

from __future__ import annotations

import pytest
from browser import Browser
from conftest import VERSIONS
from servers import App, Gateway

KEPT = """
[[callback]]
output = "content.children"
timeout = "5m"
client = true
shared = true
"""


def port(app: App) -> int:
    return int(app.url.rsplit(":", 1)[1])


@pytest.fixture(params=VERSIONS)
def changed(request, servers, browser: Browser) -> tuple[App, Gateway]:
    """An app of the second build, with a page of the first one open."""
    app = servers.app(request.param, "builds")
    gateway = servers.gateway(app, KEPT)
    browser.open(gateway.url + "/a").sees("#content", "/a of build one")
    browser.click("#to-b").sees("#content", "/b of build one").idle()
    app.stop()
    second = servers.app(request.param, "builds", port=port(app), BUILD="two")
    second.get("/_dash-layout")
    return second, gateway


def test_g16_a_page_of_the_old_build_works_after_a_reload(changed, browser: Browser):
    browser.reload().sees("h1", "build two").sees("#content", "/b of build two")
    browser.click("#to-a").sees("#content", "/a of build two")
    browser.click("#count").sees("#counted", "build two: True")


def test_g16_a_removed_callback_is_not_answered(changed, browser: Browser):
    other = changed[1].get("/")  # Another visitor, by whom the gateway learns of the new build.
    assert b"_dash-config" in other
    browser.console()
    browser.click("#old").wait("return window.isIdle()")
    assert browser.text("#old-out") == "-"
    assert any("410" in line or "500" in line for line in browser.console())


def test_g16_a_changed_callback_is_not_answered_wrongly(changed, browser: Browser):
    changed[1].get("/")
    browser.click("#count").idle()
    assert browser.text("#counted") in ("-", "build two: True")
