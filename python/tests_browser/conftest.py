"""Fixtures: one Chromium for all tests, and servers that end with their test or module."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from browser import Browser, Chromedriver
from servers import App, Gateway, Process

VERSIONS = ["4.4.1", "3.2.0", "2.18.2"]


@pytest.fixture(scope="session")
def chromedriver() -> Iterator[Chromedriver]:
    driver = Chromedriver()
    yield driver
    driver.close()


@pytest.fixture
def browser(chromedriver: Chromedriver) -> Browser:
    browser = Browser(chromedriver)
    browser.clean()
    return browser


class Servers:
    """Starts servers, and ends them."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self.folders = folders
        self.processes: list[Process] = []

    def app(self, version: str, name: str, **options: Any) -> App:
        self.processes.append(app := App(version, name, **options))
        return app

    def gateway(self, app: App, declared: str = "") -> Gateway:
        self.processes.append(gateway := Gateway(app, self.folders.mktemp("gateway"), declared))
        return gateway

    def both(
        self, version: str, name: str, declared: str = "", **options: str
    ) -> tuple[App, Gateway]:
        app = self.app(version, name, **options)
        return app, self.gateway(app, declared)

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.stop()


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    servers = Servers(tmp_path_factory)
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def shared(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., tuple[App, Gateway]]]:
    """An app and a gateway for several tests, by version, app and declarations."""
    servers, known = Servers(tmp_path_factory), {}

    def both(*arguments: str, **options: str) -> tuple[App, Gateway]:
        key = (*arguments, *options.items())
        if key not in known:
            known[key] = servers.both(*arguments, **options)
        return known[key]

    yield both
    servers.stop()
