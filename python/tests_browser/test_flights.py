"""The larger example, as `ferrodash run` starts it, does for a visitor what its README says."""

from __future__ import annotations

import json
import os
import re
import signal
import time
import urllib.request

import pytest
from browser import Browser
from servers import BINARY, PATIENCE, ROOT, VENVS, Process

FLIGHTS = ROOT / "examples/python/flights"
ROWS = "..table.data...table.page_count...table.page_current...found.children.."
NOTES = "..notes.children...notes-title.children.."
FIGURES = {"by-carrier.figure", "by-hour.figure", "by-visibility.figure"}
# What each page shows when it is complete.
PAGES = {
    "/": "all('.main-svg .ytitle, .main-svg').length >= 3 && /^336,776/.test(text('.totals'))",
    "/airports": "all('#map .points path').length > 1000 && /^Click/.test(text('#details'))",
    "/flights": "all('#table td').length === 15 * 8 && text('#found') === '336,776 flights'",
    "/notes": "text('#notes-title') === 'Notes' && one('#notes li')",
}


class Example(Process):
    """The gateway and the app behind it."""

    def runs(self) -> dict[str, int]:
        """Return how often each callback has run."""
        found = re.findall(
            r'^ferrodash_gateway_calls_total\{callback="(.*)"\} (\d+)$',
            self.get("/metrics").decode(),
            re.MULTILINE,
        )
        return {name: int(count) for name, count in found}


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory):
    variables = {
        **os.environ,
        "VIRTUAL_ENV": str(VENVS / "d4.4.1"),
        "PYTHONPATH": str(ROOT / "python/src"),
        "FLIGHTS_NOTES": str(tmp_path_factory.mktemp("notes") / "notes.sqlite3"),
    }
    command = [BINARY, "run", "app:server", "--listen", "127.0.0.1:0"]
    example = Example(command, r"Listening on (http://[\d.:]+)", cwd=FLIGHTS, env=variables)
    yield example
    example.stop(signal.SIGINT)
    assert example.process.returncode == 0


def show(browser: Browser, path: str) -> Browser:
    """Follow the link to a page, and wait until it is complete."""
    browser.click(f"#links a[href='{path}']")
    return browser.wait(f"return location.pathname === '{path}' && {PAGES[path]}").idle()


def calls(browser: Browser) -> int:
    return len([request for request in browser.idle().requests() if request.is_call])


def test_flights_pages_have_content_and_a_second_visit_is_no_request(
    example: Example, browser: Browser
):
    browser.open(example.url + "/nowhere").sees("#page h2", "There is no such page")
    for path in PAGES:
        show(browser, path)
        browser.sees("#links .here", browser.text(f"#links a[href='{path}']"))
    assert calls(browser) > 0
    for path in PAGES:
        show(browser, path)
    show(browser, "/")
    browser.reload().wait(f"return {PAGES['/']}")
    assert calls(browser) == 0
    assert browser.console() == []


def test_flights_a_search_is_one_call_after_the_last_key(example: Example, browser: Browser):
    browser.open(example.url + "/flights").wait(f"return {PAGES['/flights']}")
    browser.requests()
    before = example.runs()[ROWS]
    browser.type_slowly("#search", "jetblue chicago").sees("#found", "905 flights")
    browser.wait("return all('#table td:nth-child(3)').every(cell => /^B6/.test(cell.innerText))")
    assert (calls(browser), example.runs()[ROWS] - before) == (1, 1)
    browser.click(".next-page").wait("return one('.current-page').placeholder === '2'")
    browser.type("#search", " jfk").sees("#found", "905 flights").idle()
    browser.wait("return one('.current-page').placeholder === '1'")
    assert browser.console() == []


def test_flights_a_slider_tells_a_number_while_it_is_dragged(example: Example, browser: Browser):
    browser.open(example.url).wait(f"return {PAGES['/']}")
    browser.requests()
    before = example.runs()
    browser.wait("window.shown = text('#totals'); return shown")
    place = "const r = all('#months [role=slider]')[1].getBoundingClientRect();"
    x, y = browser.js(place + "return [r.x + r.width / 2, r.y + r.height / 2].map(Math.round)")
    ways = [{"x": x - moved, "y": y, "duration": 20} for moved in range(0, 220, 10)]
    down, *moves = [{"type": "pointerMove", **way} for way in ways]
    mouse(browser, down, {"type": "pointerDown", "button": 0}, *moves)
    browser.wait("return /^Jan to (Apr|May), 1\\d\\d,\\d+ flights$/.test(text('#chosen-months'))")
    # The text of the month under the handle, which the last call of the throttle brings.
    last = "all('#months [role=slider]')[1].ariaValueNow"
    months = '["", "Jan", "Feb", "Mar", "Apr", "May", "Jun"]'
    browser.wait(f"return text('#chosen-months').includes('to ' + {months}[{last}] + ',')").idle()
    during = example.runs()
    names = {name for name in during if during[name] != before.get(name)}
    assert names == {"chosen-months.children"}
    mouse(browser, {"type": "pointerUp", "button": 0})
    browser.wait("return text('#totals') !== shown").idle()
    after = example.runs()
    names = {name for name in after if after[name] != during.get(name)}
    assert names == {*FIGURES, "totals.children"}
    assert browser.console() == []


def mouse(browser: Browser, *actions: dict) -> None:
    source = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
    browser.ask("/actions", {"actions": [{**source, "actions": actions}]})


def test_flights_a_destination_is_chosen_by_each_click_and_its_details_are_kept(
    example: Example, browser: Browser
):
    browser.open(example.url + "/airports").wait(f"return {PAGES['/airports']}")
    for name in ("Hartsfield Jackson Atlanta ATL", "Orlando MCO", "Hartsfield Jackson Atlanta ATL"):
        before = example.runs()
        click_the_map(browser, name[-3:])
        browser.sees("#details h2", name).wait("return one('#details .main-svg')").idle()
        time.sleep(0.4)  # Plotly takes two clicks within 300 ms for a double click.
    after = example.runs()
    assert after["destination.value"] - before["destination.value"] == 1
    assert after["details.children"] == before["details.children"]
    for _ in range(3):
        browser.click("#any").idle()
    assert example.runs()["destination.value"] - after["destination.value"] == 3
    assert browser.console() == []


def click_the_map(browser: Browser, code: str) -> None:
    x, y = browser.js(
        """
        const graph = one("#map .js-plotly-plot"), {xaxis, yaxis} = graph._fullLayout;
        const circles = graph._fullData[1], box = graph.getBoundingClientRect();
        const index = circles.customdata.findIndex(each => each[0] === arguments[0]);
        return [
            box.x + xaxis._offset + xaxis.d2p(circles.x[index]),
            box.y + yaxis._offset + yaxis.d2p(circles.y[index]),
        ].map(Math.round);
        """,
        code,
    )
    mouse(browser, {"type": "pointerMove", "x": x, "y": y, "duration": 50})
    browser.wait(f"return /\\({code}\\)/.test(text('#map .hovertext'))")
    mouse(browser, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0})


def test_flights_a_new_note_is_seen_at_once_by_all(example: Example, browser: Browser):
    browser.open(example.url + "/notes").wait(f"return {PAGES['/notes']}")
    first = browser.new_tab()
    browser.open(example.url + "/notes").wait(f"return {PAGES['/notes']}")
    assert "hit" in list_of_notes(example)[0]
    browser.click("#save").sees("#message", "Choose a destination.").idle()
    choose(browser, "#about", "Logan")
    browser.sees("#notes-title", "Notes to General Edward Lawrence Logan")
    browser.type("#note", "Sit on the left side.").click("#save")
    browser.sees("#notes li:first-child p", "Sit on the left side.").sees("#message", "Saved.")
    for kept in ("miss", "hit"):
        status, notes = list_of_notes(example)
        assert kept in status
        assert notes[0] == "Sit on the left side."
    browser.reload().sees("#notes li:first-child p", "Sit on the left side.")
    browser.ask("/window", {"handle": first})
    browser.sees("#notes li:first-child p", "Sit on the left side.")
    assert browser.console() == []


def choose(browser: Browser, dropdown: str, text: str) -> None:
    browser.click(dropdown).wait("return one('.dash-dropdown-search')")
    browser.type(".dash-dropdown-search", text)
    browser.wait("return all('.dash-dropdown-option').length === 1")
    browser.click(".dash-dropdown-option")


def list_of_notes(example: Example) -> tuple[str, list[str]]:
    """Ask for the notes to all destinations as another visitor: how it was answered, and texts."""
    outputs = [{"id": id_, "property": "children"} for id_ in ("notes", "notes-title")]
    inputs = [{"id": "about", "property": "value"}, {"id": "saved", "property": "data"}]
    body = {"output": NOTES, "outputs": outputs, "inputs": inputs, "changedPropIds": []}
    request = urllib.request.Request(
        example.url + "/_dash-update-component",
        json.dumps(body, separators=(",", ":")).encode(),  # As pages write it.
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        items = json.load(answer)["response"]["notes"]["children"]
        texts = [item["props"]["children"] for item in items]
        return answer.headers["Cache-Status"], [
            text if isinstance(text, str) else text[0]["props"]["children"] for text in texts
        ]
