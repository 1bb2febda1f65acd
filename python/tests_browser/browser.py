"""A Chromium that is driven over the HTTP interface of chromedriver."""

from __future__ import annotations

import base64
import http.client
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ENTER, TAB, BACKSPACE = "\ue007", "\ue004", "\ue003"
PATIENCE = 15
"""How long a page may take to show something, in seconds."""

HELPERS = """
window.one = css => document.querySelector(css);
window.all = css => [...document.querySelectorAll(css)];
window.text = css => (one(css) || {textContent: null}).textContent;
window.isIdle = () => {
    const state = window.store && store.getState();
    const lists = ["requested", "prioritized", "blocked", "executing", "watched", "executed"];
    return !!state && state.appLifecycle === "HYDRATED" &&
        lists.every(name => !state.callbacks[name].length);
};
"""
WAIT = """
const done = arguments[0], look = () => { %s };
const again = () => {
    try { if (look()) return done(true); } catch (error) {}
    setTimeout(again, 5);
};
again();
"""


# Answers are drawn in the next frame, or after a while in a tab that is not shown.
DRAWN = """
const done = arguments[0];
requestAnimationFrame(() => requestAnimationFrame(() => done(true)));
setTimeout(() => done(true), 500);
"""


class Chromedriver:
    """The process of chromedriver, and one browser."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for line in self.process.stdout:
            if started := re.search(r"started successfully on port (\d+)", line):
                break
        self.reader = threading.Thread(target=self.process.stdout.read, daemon=True)
        self.reader.start()
        self.connection = http.client.HTTPConnection("127.0.0.1", int(started[1]), timeout=60)
        options = {
            "args": [
                "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server",
                "--window-size=1200,900", "--disable-background-networking",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ]
        }  # fmt: skip
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        capabilities = {"capabilities": {"alwaysMatch": wanted}}
        self.session = self.ask("POST", "/session", capabilities)["sessionId"]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a command of WebDriver."""
        text = None if method == "GET" else json.dumps(body or {})
        self.connection.request(method, path, text, {"Content-Type": "application/json"})
        value = json.loads(self.connection.getresponse().read())["value"]
        if isinstance(value, dict) and "error" in value:
            raise DriverError(f"{value['error']}: {value['message'][:2000]}")
        return value

    def close(self) -> None:
        self.connection.close()  # A command may have been interrupted.
        self.ask("DELETE", f"/session/{self.session}")
        self.connection.close()
        self.process.terminate()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class DriverError(Exception):
    """chromedriver refused a command."""


@dataclass
class Request:
    """A request of the page, as the browser's log tells it."""

    method: str
    path: str
    type: str
    body: str = ""
    status: int = 0
    size: int = 0
    is_from_cache: bool = False
    failure: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_call(self) -> bool:
        """Whether it calls callbacks."""
        return bool(re.search(r"_dash-update-component|_ferrodash/(call|batch|parked)", self.path))


class Browser:
    """What a person sees and does in one window."""

    def __init__(self, driver: Chromedriver) -> None:
        self.driver = driver

    def ask(self, path: str, body: Any = None, method: str = "POST") -> Any:
        return self.driver.ask(method, f"/session/{self.driver.session}{path}", body)

    def devtools(self, command: str, **params: Any) -> Any:
        return self.ask("/goog/cdp/execute", {"cmd": command, "params": params})

    def clean(self) -> None:
        """Forget everything: pages, cookies, caches, stores and logs."""
        first, *others = self.ask("/window/handles", method="GET")
        for other in others:
            self.ask("/window", {"handle": other})
            self.ask("/window", method="DELETE")
        self.ask("/window", {"handle": first})
        origin = self.js("return location.origin")
        if origin != "null":
            self.devtools("Storage.clearDataForOrigin", origin=origin, storageTypes="all")
        self.ask("/url", {"url": "about:blank"})
        self.devtools("Network.clearBrowserCookies")
        self.devtools("Network.clearBrowserCache")
        self.devtools("Page.addScriptToEvaluateOnNewDocument", source=HELPERS)
        self.console()
        self.requests()

    def open(self, url: str) -> Browser:
        """Open a page, and wait until its callbacks have ended."""
        self.ask("/url", {"url": url})
        return self.idle()

    def reload(self) -> Browser:
        self.ask("/refresh")
        return self.idle()

    def new_tab(self) -> str:
        """Open a tab and go to it. Returns the name of the one before."""
        before = self.ask("/window", method="GET")
        self.ask("/window", {"handle": self.ask("/window/new", {"type": "tab"})["handle"]})
        self.devtools("Page.addScriptToEvaluateOnNewDocument", source=HELPERS)
        return before

    def idle(self) -> Browser:
        """Wait until all callbacks have ended, and what they have answered is drawn."""
        self.wait("return isIdle()")
        self.ask("/execute/async", {"script": DRAWN, "args": []})
        return self

    def js(self, code: str, *args: Any) -> Any:
        return self.ask("/execute/sync", {"script": code, "args": args})

    def wait(self, condition: str, within: float = PATIENCE) -> Browser:
        """Wait until a condition is true in the page."""
        self.ask("/timeouts", {"script": int(within * 1000)})
        try:
            self.ask("/execute/async", {"script": WAIT % condition, "args": []})
        except DriverError as error:
            shown = self.js("return document.body.innerText.slice(0, 1500)")
            raise AssertionError(f"never true: {condition}\n{error}\nshown:\n{shown}") from None
        return self

    def sees(self, css: str, text: str, within: float = PATIENCE) -> Browser:
        """Wait until an element shows a text."""
        return self.wait(f"return text({json.dumps(css)}) === {json.dumps(text)}", within)

    def text(self, css: str) -> str:
        return self.js("return text(arguments[0])", css)

    def element(self, css: str) -> str:
        found = self.ask("/element", {"using": "css selector", "value": css})
        return found[ELEMENT]

    def click(self, css: str) -> Browser:
        self.ask(f"/element/{self.element(css)}/click")
        return self

    def type(self, css: str, keys: str) -> Browser:
        """Press keys one after the other, as fast as the browser takes them."""
        self.ask(f"/element/{self.element(css)}/value", {"text": keys})
        return self

    def type_slowly(self, css: str, keys: str, pause: int = 30) -> Browser:
        """Press keys as a person does, with a pause in milliseconds after each."""
        self.js("one(arguments[0]).focus()", css)
        actions = []
        for key in keys:
            actions += [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
            actions.append({"type": "pause", "duration": pause})
        self.ask("/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})
        return self

    def cookies(self) -> dict[str, str]:
        cookies = self.devtools("Network.getAllCookies")["cookies"]
        return {cookie["name"]: cookie["value"] for cookie in cookies}

    def set_cookie(self, url: str, name: str, value: str) -> None:
        self.devtools("Network.setCookie", url=url, name=name, value=value)

    def console(self) -> list[str]:
        """Return what was written to the console since the last time, without addresses.

        It is in small letters, as reason phrases have those of the server.
        """
        entries = self.ask("/se/log", {"type": "browser"})
        return [f"{it['level']} {without_origin(it['message'])}".lower() for it in entries]

    def requests(self) -> list[Request]:
        """Return the requests since the last time that have ended."""
        requests: dict[str, Request] = {}
        for event, params in self._events():
            if event == "Network.requestWillBeSent":
                sent = params["request"]
                path = without_origin(sent["url"])
                type_ = params.get("type", "")
                body = sent.get("postData", "")
                if not sent["url"].startswith(("data:", "blob:", "about:", "chrome")):
                    requests[params["requestId"]] = Request(sent["method"], path, type_, body)
                continue
            request = requests.get(params.get("requestId", ""))
            if request is None:
                continue
            if event == "Network.responseReceived":
                response = params["response"]
                request.status, request.headers = response["status"], response["headers"]
                request.is_from_cache |= response.get("fromDiskCache", False)
            elif event == "Network.requestServedFromCache":
                request.is_from_cache = True
            elif event == "Network.loadingFinished":
                request.size = int(params["encodedDataLength"])
            elif event == "Network.loadingFailed":
                request.failure = params["errorText"]
        return list(requests.values())

    def _events(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for entry in self.ask("/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            yield message["method"], message["params"]

    def sent(self) -> list[Request]:
        """Return the requests since the last time that have left the browser."""
        return [request for request in self.requests() if not request.is_from_cache]

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.ask("/screenshot", method="GET")))


def without_origin(text: str) -> str:
    """Remove what differs from server to server, and from one page to the next."""
    return re.sub(r"http://127\.0\.0\.1:\d+|\?endId=[^\s&\"]+|\?fd=\w+| \d+:\d+", "", text)
