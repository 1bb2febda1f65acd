"""Helpers of the tests: apps that are asked as a browser asks them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from dash import Dash, _callback

import ferrodash


@pytest.fixture(autouse=True)
def _no_global_callbacks():
    """Remove the callbacks of ``dash.callback`` that a test leaves behind."""
    yield
    _callback.GLOBAL_CALLBACK_LIST.clear()
    _callback.GLOBAL_CALLBACK_MAP.clear()


@pytest.fixture
def declared():
    """Return what the list of callbacks that an app serves declares, by output."""

    def declared(app: Dash) -> dict[str, object]:
        response = app.server.test_client().get("/_dash-dependencies")
        assert response.status_code == 200
        return {entry["output"]: entry.get("ferrodash") for entry in response.get_json()}

    return declared


@pytest.fixture
def python():
    """Run another Python that finds the package, and return what it prints."""

    def python(*arguments: str) -> str:
        source = Path(ferrodash.__file__).parents[1]
        result = subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, "PYTHONPATH": str(source)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert not result.stderr
        return result.stdout

    return python
