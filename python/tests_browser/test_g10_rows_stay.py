"""G10: rows that a callback returns again keep their nodes; unknown renderers stay as they are."""

from __future__ import annotations

import pytest
from browser import Browser
from servers import App, Gateway


def kept(browser: Browser, server: App | Gateway) -> int:
    """Mark the nodes of 200 rows, ask for the rows again, and count the marks that are left."""
    browser.open(server.url).sees("#row-199 td:last-child", "0")
    browser.js("all('#rows *').forEach(node => node.isMarked = true)")
    browser.click("#more").sees("#row-199 td:last-child", "1").idle()
    return browser.js("return all('#rows *').filter(node => node.isMarked).length")


def test_g10_two_hundred_rows_keep_all_nodes(shared, browser: Browser):
    app, gateway = shared("4.4.1", "fifty")
    assert kept(browser, gateway) == 600
    assert kept(browser, app) == 0


@pytest.mark.parametrize("version", ["3.2.0", "2.18.2"])
def test_g10_another_renderer_is_passed_on_with_one_line(shared, browser: Browser, version: str):
    app, gateway = shared(version, "fifty")
    kept(browser, gateway)
    browser.reload()
    scripts = "return all('script').map(it => it.src).filter(it => /dash_renderer/.test(it))[0]"
    path = browser.js(scripts).removeprefix(gateway.url)
    assert gateway.get(path) == app.get(path)
    assert len([line for line in gateway.lines if "renderer" in line and "repaired" in line]) == 1
