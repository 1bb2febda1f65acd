"""G2: a first load is small, and a reload sends no scripts."""

from __future__ import annotations

import re
import time

import pytest
from browser import Browser, Request
from conftest import VERSIONS
from servers import App, Gateway


def cost(requests: list[Request]) -> tuple[int, int]:
    return sum(request.size for request in requests), len(requests)


def bundles(server: App | Gateway) -> list[str]:
    return re.findall(r'src="(/_dash-component-suites/[^"]+)"', server.get("/").decode())


@pytest.fixture(params=VERSIONS)
def warm(request, shared) -> tuple[App, Gateway]:
    """An app and a gateway that has compressed the bundles."""
    app, gateway = shared(request.param, "fifty")
    for address in bundles(gateway):
        gateway.get(address)
    return app, gateway


def test_g2_a_first_load_is_a_quarter_of_the_bytes(warm, browser: Browser):
    app, gateway = warm
    direct = cost(browser.open(app.url).sees("#part-39", "39:None ").sent())
    browser.clean()
    through = cost(browser.open(gateway.url).sees("#part-39", "39:None ").sent())
    assert through[0] <= 0.25 * direct[0]
    assert through[1] <= 0.4 * direct[1]


def test_g2_a_reload_sends_no_scripts(warm, browser: Browser):
    _, gateway = warm
    browser.open(gateway.url).requests()
    sent = browser.reload().sees("#part-39", "39:None ").sent()
    assert [request.path for request in sent if request.type == "Script"] == []


def test_g2_layout_and_callbacks_are_asked_for_once(warm, browser: Browser):
    _, gateway = warm
    paths = [request.path for request in browser.open(gateway.url).sent()]
    assert paths.count("/_dash-layout") == 1
    assert paths.count("/_dash-dependencies") == 1
    assert not [line for line in browser.console() if "preload" in line]


def test_g2_the_first_visitor_does_not_wait_for_compression(servers):
    _, gateway = servers.both("4.4.1", "everything")
    began = time.monotonic()
    for address in bundles(gateway):
        gateway.get(address)
    assert time.monotonic() - began < 2


def test_g2_chunks_that_are_loaded_later_are_compressed(servers, browser: Browser):
    """dash_table and plotly.js are chunks without a fingerprint, and the largest of all."""
    # A gateway of its own: with another one, the browser may have them, and is answered 304.
    _, gateway = servers.both("4.4.1", "everything")
    sent = browser.open(gateway.url).wait("return one('#table td')").sent()
    chunks = [request for request in sent if "/async-" in request.path]
    assert chunks
    plain = 481_253
    assert all(request.size < plain / 2 for request in chunks), [
        (request.path, request.size) for request in chunks
    ]
