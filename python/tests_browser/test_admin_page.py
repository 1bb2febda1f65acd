"""The admin page: what the callbacks do, and what to declare."""

from __future__ import annotations

import base64

from browser import BACKSPACE, Browser

ADMIN = '[admin]\nuser = "admin"\npassword = "a long and good password"\n'
THIRTY = "the quick brown fox jumps over"


def open_admin(browser: Browser, url: str) -> Browser:
    """Open the page as a visitor who has given the password."""
    basic = base64.b64encode(b"admin:a long and good password").decode()
    browser.devtools("Network.enable")
    headers = {"Authorization": f"Basic {basic}"}
    browser.devtools("Network.setExtraHTTPHeaders", headers=headers)
    browser.open(f"{url}/_ferrodash/").wait("return text('h1') === 'Ferrodash gateway'")
    browser.devtools("Network.setExtraHTTPHeaders", headers={})
    return browser


def row(browser: Browser, callback: str) -> list[str]:
    code = """
        const rows = all('tr').map(row => [...row.cells].map(cell => cell.textContent));
        return rows.find(row => row[0] === arguments[0]);
    """
    return browser.js(code, callback)


def test_the_admin_page_says_what_to_declare_and_its_lines_work(servers, browser):
    app, gateway = servers.both("4.4.1", "typing_", ADMIN)
    browser.open(gateway.url).type_slowly("#text", THIRTY)
    browser.sees("#shout", f"{THIRTY.upper()}, from text")
    # The same search again and again.
    browser.type_slowly("#search", f"a{BACKSPACE}" * 5, pause=200).idle()
    browser.console()
    open_admin(browser, gateway.url)
    callback, calls, mean, _equal_arguments, _equal_answers, failures, kept = row(
        browser, "shout.children"
    )
    shouts = [run for run in app.runs() if run["name"] == "shout"]
    assert int(calls) == len(shouts) > 20, "nearly one for each key"
    assert float(mean) > 0
    assert (failures, kept) == ("0", "not declared")
    (address,) = browser.js("return all('td.up').map(cell => cell.parentNode.cells[0].innerText)")
    assert address == app.url
    lines = browser.text("pre")
    block = lines.split(f'output = "{callback}"')[1].split("\n\n")[0]
    assert block == '\ndebounce = { "text.value" = "500ms" }'
    block = lines.split('output = "found.children"')[1].split("\n\n")[0]
    assert block.startswith('\ntimeout = "1m"\nclient = true')
    names = browser.js("return all('table')[1].innerText")
    assert names.index("shout.children") < names.index("echo-plain.children"), "by their time"
    assert browser.console() == []

    # The lines can be copied as they are.
    better = servers.gateway(app, lines)
    browser.clean()
    app.runs()
    browser.open(better.url).type_slowly("#text", THIRTY)
    browser.sees("#shout", f"{THIRTY.upper()}, from text").idle()
    runs = [run["values"][0] for run in app.runs() if run["name"] == "shout"]
    assert runs == ["", THIRTY], "one at load, and one for all keys"


def test_the_admin_page_needs_the_password(servers, browser):
    _, gateway = servers.both("4.4.1", "typing_", ADMIN)
    browser.ask("/url", {"url": f"{gateway.url}/_ferrodash/"})
    assert browser.js("return document.querySelector('h1')") is None
    (page,) = [request for request in browser.requests() if request.path == "/_ferrodash/"]
    assert page.status == 401
