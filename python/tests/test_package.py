"""The package as a whole: without Dash, as a program, and in a page of a browser."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import dash
import pytest
from dash import Dash, Input, Output, dcc, html
from werkzeug.serving import make_server

import ferrodash
from ferrodash import __main__ as program

SOURCE = Path(ferrodash.__file__).parents[1]


def test_the_package_can_be_used_without_dash(python):
    program = """
import sys
sys.modules["dash"] = sys.modules["flask"] = None
import ferrodash

@ferrodash.cached()
def function():
    return "result"

print(function(), ferrodash.invalidate("orders"))
"""
    assert python("-c", program) == "result False\n"


def test_the_program_is_started_with_all_arguments(tmp_path):
    package = tmp_path / "ferrodash"
    shutil.copytree(SOURCE / "ferrodash", package)
    script = tmp_path / "bin" / "ferrodash"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\necho "$@"\nexit 3\n')
    script.chmod(0o755)
    result = subprocess.run(
        [sys.executable, "-m", "ferrodash", "run", "app:server"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (3, "run app:server\n")


def test_a_program_that_is_not_installed_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(program, "__file__", str(tmp_path / "ferrodash" / "__main__.py"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr("sysconfig.get_path", lambda *_: str(tmp_path / "scripts"))
    with pytest.raises(SystemExit) as raised:
        program.main()
    assert raised.value.code == (
        f"the program ferrodash is not installed; it is in none of {tmp_path}, "
        f"{tmp_path / 'scripts'}, {tmp_path / 'bin'}; "
        "run: pip install --force-reinstall ferrodash"
    )


def test_the_renderer_ignores_what_is_declared(tmp_path):
    """The page of a declared app, with all checks of the developer tools, in a browser."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    assert browser, "Chromium is needed (on Debian: apt-get install chromium)"
    app = Dash(__name__)
    app.layout = html.Div(
        [
            dcc.Location(id="url", cache=True),
            dcc.Input(id="in", value="typed"),
            *(html.P(id=name) for name in ("page", "out", "saved")),
        ]
    )

    @app.callback(Output("page", "children"), Input("url", "pathname"))
    def page(pathname):
        return f"page {pathname}"

    @dash.callback(Output("out", "children"), Input("in", "value"))
    @ferrodash.debounce(500, max_wait="2s")
    @ferrodash.cached("5m", client=True, shared=True, tags=["orders"], vary=["cookie:lang"])
    def out(value):
        return f"out {value}"

    @app.callback(Output("saved", "children"), Input("out", "children"))
    @ferrodash.invalidates("orders")
    @ferrodash.throttle(200)
    def save(children):
        return f"saved {children}"

    app.enable_dev_tools(debug=True, dev_tools_hot_reload=False)
    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        result = subprocess.run(
            [
                browser,
                "--headless",
                "--no-sandbox",
                f"--user-data-dir={tmp_path}",
                "--virtual-time-budget=20000",
                "--dump-dom",
                f"http://127.0.0.1:{server.port}/reports",
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    finally:
        server.shutdown()
        thread.join()
    for text in ("page /reports", "out typed", "saved out typed"):
        assert f">{text}</p>" in result.stdout
    assert "dash-debug" in result.stdout
    assert "test-devtools-error-count" not in result.stdout


def test_the_example_of_the_readme_declares_what_it_says(declared):
    text = (SOURCE.parent / "README.md").read_text()
    scope: dict[str, Dash] = {"__name__": "example"}
    exec(text.split("```python\n")[1].split("```")[0], scope)
    location = {"timeout": 300_000, "client": 300_000}
    assert declared(scope["app"]) == {
        "content.children": {"cache": location},
        "results.children": {
            "cache": {"timeout": 300_000, "tags": ["orders"]},
            "debounce": {"search.value": 500},
        },
        "saved.children": {"invalidates": ["orders"]},
    }
