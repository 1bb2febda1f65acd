"""G1: the developer tools show the errors of callbacks as directly."""

from __future__ import annotations

import pytest
from browser import Browser
from conftest import VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_g1_developer_tools_show_errors(shared, browser: Browser, version: str):
    seen = []
    errors = (
        "const {backEnd, frontEnd} = store.getState().error, errors = [...backEnd, ...frontEnd];"
    )
    for server in shared(version, "everything", DEVELOPER_TOOLS="1"):
        browser.open(server.url).click("#fail").wait(f"{errors} return errors.length > 0").idle()
        messages = browser.js(f"{errors} return errors.map(({{error}}) => error.message)")
        seen.append((messages, browser.text(".dash-debug-menu__outer"), browser.console()))
        browser.clean()
    assert seen[1] == seen[0]
    assert any("Callback error" in message for message in seen[0][0])
