"""The examples do what their comments say."""

from __future__ import annotations

import os
import signal

import pytest
from browser import Browser
from conftest import VERSIONS
from servers import BINARY, ROOT, VENVS, Process

SMALL = ROOT / "examples/python/small"


@pytest.fixture(params=VERSIONS)
def small(request):
    """The example, as `ferrodash run` starts it."""
    variables = {**os.environ, "VIRTUAL_ENV": str(VENVS / f"d{request.param}")}
    command = [BINARY, "run", "--listen", "127.0.0.1:0"]
    process = Process(command, r"Listening on (http://[\d.:]+)", cwd=SMALL, env=variables)
    yield process
    process.stop(signal.SIGINT)
    assert process.process.returncode == 0


def test_example_small_does_what_its_file_says(small: Process, browser: Browser):
    cell = "#application-content tr:last-child td"
    browser.open(small.url + "/orders").sees(cell, "/orders-199")
    browser.click("a[href='/stock']").sees(cell, "/stock-199").idle().requests()
    for page in ("orders", "stock", "orders"):
        browser.click(f"a[href='/{page}']").sees(cell, f"/{page}-199")
    browser.reload().sees(cell, "/orders-199").idle()
    calls = [request for request in browser.requests() if request.is_call]
    assert [call.body for call in calls if "application-content" in call.body] == []
    browser.type("#input-div", "thirty keys make a single call").sees(
        "#output-div", "THIRTY KEYS MAKE A SINGLE CALL"
    )
    assert len([request for request in browser.idle().requests() if request.is_call]) == 1
    assert browser.console() == []
