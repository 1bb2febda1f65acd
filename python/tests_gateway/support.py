"""What the tests share: processes that are waited for, requests, and what the apps have done."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BINARY = Path(os.environ.get("FERRODASH_BINARY", ROOT / "target/debug/ferrodash"))
VENVS = Path(os.environ.get("FERRODASH_VENVS", ROOT / "target/python-venvs"))
NEWEST = "d4.4.1"
VERSIONS = [NEWEST, "d3.2.0", "d2.18.2"]
PATIENCE = 30
SECRET = "a secret of the tests, long enough"

unused = itertools.count()


def python(version):
    """Return the Python of an environment."""
    return str(VENVS / version / "bin" / "python")


def key():
    """Return a name that no other test uses."""
    return uuid.uuid4().hex[:12]


def eventually(condition, what="it", within=PATIENCE):
    """Wait until a condition holds that is seen from outside only, such as the end of a process."""
    until = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < until, f"{what} did not happen"
        time.sleep(0.005)
    return found


# Processes


class Process:
    """A process with its output in a file, ended by its id."""

    def __init__(self, arguments, folder, **environment):
        name = f"{Path(arguments[0]).name}-{next(unused)}"
        self.log = folder / f"{name}.log"
        variables = {**os.environ, "NO_COLOR": "1", **environment}
        with self.log.open("w") as log:
            self.popen = subprocess.Popen(
                arguments,
                cwd=folder,
                env=variables,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    @property
    def pid(self):
        return self.popen.pid

    def text(self):
        return self.log.read_text()

    def wait_for(self, text):
        """Wait for a line of the log, and return it."""

        def line():
            found = [line for line in self.text().splitlines() if text in line]
            if not found and self.popen.poll() is not None:
                raise AssertionError(f"it ended with {self.popen.returncode}:\n{self.text()}")
            return found and found[0]

        return eventually(line, f"{text!r} in the log\n")

    def send(self, number):
        self.popen.send_signal(number)

    def wait(self):
        """Wait for the end, and return the status."""
        return self.popen.wait(PATIENCE)

    def stop(self, number=signal.SIGTERM):
        """End it, and return the status."""
        if self.popen.poll() is None:
            self.send(number)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"it did not end:\n{self.text()[-2000:]}") from None


def is_alive(pid):
    """Return whether any thread of a process runs. One that nobody has waited for does not."""

    def state(task):
        try:
            return (task / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return "X"

    return any(state(task) not in "XZ" for task in Path(f"/proc/{pid}/task").glob("*"))


def children(pid):
    """Return the ids of the processes below one, of all generations."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


def memory(pid):
    """Return the bytes of memory that a process takes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


# Requests


@dataclass
class Answer:
    """An answer, read to its end."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name):
        return [value for known, value in self.headers if known.lower() == name.lower()]

    def __getitem__(self, name):
        return ", ".join(self.all(name)) or None

    def json(self):
        return json.loads(self.body)

    def cookies(self):
        """Return what a browser would send back."""
        return "; ".join(each.split(";")[0] for each in self.all("Set-Cookie"))

    @property
    def value(self):
        """The property that a callback answers with."""
        assert self.status == 200, (self.status, self.body)
        (properties,) = self.json()["response"].values()
        (value,) = properties.values()
        return value

    @property
    def is_hit(self):
        return "; hit" in (self["Cache-Status"] or "")


class UnixConnection(http.client.HTTPConnection):
    """A connection over a unix socket."""

    def __init__(self, path, **options):
        super().__init__("localhost", **options)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Server:
    """Something to send requests to."""

    def __init__(self, address, prefix="/"):
        self.address, self.prefix = address, prefix

    def connect(self):
        """Return a connection, which closes itself."""
        if self.address.startswith("/"):
            return contextlib.closing(UnixConnection(self.address, timeout=PATIENCE))
        host, port = self.address.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
        return contextlib.closing(connection)

    def request(self, method, path, body=None, **headers):
        """Send a request. Names of headers are written with underscores."""
        sent = {
            name.replace("_", "-"): value for name, value in headers.items() if value is not None
        }
        with self.connect() as connection:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())

    def get(self, path, **headers):
        return self.request("GET", self.prefix + path.lstrip("/"), **headers)

    def call(self, output, *values, query="", changed=(), **headers):
        """Call a callback of the test apps."""
        body = (
            values[0]
            if values and isinstance(values[0], bytes)
            else call(output, *values, changed=changed)
        )
        headers = {"Content_Type": "application/json", **headers}
        return self.request("POST", f"{self.prefix}_dash-update-component{query}", body, **headers)

    def batch(self, calls, query="", **headers):
        """Make many calls in one request, and return the lines by place: status, headers, body."""
        headers = {"Content_Type": "application/json", **headers}
        body = b"[" + b",".join(calls) + b"]"
        answer = self.request("POST", f"{self.prefix}_ferrodash/batch{query}", body, **headers)
        assert answer.status == 200, answer
        lines = {}
        for line in answer.body.splitlines():
            if b"\t" in line:
                head, body = line.split(b"\t", 1)
                place, status, told = json.loads(head)
                lines[place] = Answer(status, list(told.items()), body)
        return lines

    def raw(self, text, end=b"", patience=PATIENCE):
        """Send bytes as they are, and return what comes back: up to an end, or to a long pause."""
        host, port = self.address.split(":")
        with socket.create_connection((host, int(port)), timeout=patience) as connection:
            connection.sendall(text)
            return read_until(connection, end)

    def settings(self, path=""):
        """Return the settings of our script in a page."""
        page = self.get(path, Accept="text/html").body.decode()
        start = '<script id="_ferrodash-config" type="application/json">'
        return json.loads(page.split(start)[1].split("</script>")[0]) if start in page else None


def read_until(connection, end=b""):
    """Read until some bytes have come, or the other side closes."""
    read, piece = b"", b""
    with contextlib.suppress(ConnectionError, TimeoutError):
        while (piece := connection.recv(1 << 16)) and not (end and end in read + piece):
            read += piece
        read += piece
    return read


SHAPES = {
    "one": ("one.children", 1, ["one.children"]),
    "other": ("other.children", 2, ["other.children"]),
    "both": ("..both.children...both.title..", 1, ["both.children", "both.title"]),
    "write": ("write.children", 1, ["write.children"]),
    "slow": ("slow.children", 1, ["slow.children"]),
    "next": ("next.children", 1, ["next.children"]),
    "to": ("to.data", 1, ["to.data"]),
}
INPUTS = {"next": ["url.pathname"], "to": ["next.n_clicks"]}


def place(name, **more):
    element, name = name.rsplit(".", 1)
    return {"id": element, "property": name, **more}


def call(output, *values, changed=(), **more):
    """Return the body of a call, as the renderer writes it."""
    name, count, outputs = SHAPES[output]
    inputs = INPUTS.get(output, ["in.value", "second.value"])[:count]
    values = [*values, *([None] * (count - len(values)))]
    outputs = [place(each) for each in outputs]
    body = {
        "output": name,
        "outputs": outputs if len(outputs) > 1 else outputs[0],
        "inputs": [place(each, value=value) for each, value in zip(inputs, values)],
        "changedPropIds": list(changed),
        **more,
    }
    if output == "slow":
        body["state"] = [place("data.data", value=values[1] if len(values) > 1 else None)]
    return json.dumps(body, separators=(",", ":")).encode()


def together(*functions):
    """Run functions at the same time, and return what they return."""
    with ThreadPoolExecutor(len(functions)) as threads:
        running = [threads.submit(function) for function in functions]
        return [each.result(PATIENCE) for each in running]


# Configurations


def toml(value):
    """Write a value of a configuration."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def configuration(upstreams, callbacks=(), tables="", **keys):
    """Write a configuration. A callback is a pair of its output and options."""
    keys = {"listen": "127.0.0.1:0", "upstreams": upstreams, **keys}
    lines = [f"{name} = {toml(value)}" for name, value in keys.items() if value is not None]
    lines += [tables]
    for output, options in callbacks:
        named = {"output": SHAPES[output][0] if output in SHAPES else output, **options}
        lines += ["[[callback]]", *(f"{name} = {toml(value)}" for name, value in named.items())]
    return "\n".join(lines) + "\n"


class Gateway(Server):
    """A gateway that runs."""

    def __init__(self, process, prefix):
        self.process = process
        line = process.wait_for("Listening on http://")
        self.line = line[line.index("Listening") :]
        super().__init__(self.line.split("http://")[1].split(",")[0], prefix)

    @property
    def pid(self):
        return self.process.pid


# What the apps have done


class Runs:
    """What the test apps have written down."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "runs").touch()

    def all(self):
        return [json.loads(line) for line in (self.folder / "runs").read_text().splitlines()]

    def of(self, key):
        """Return the runs for a key."""
        return [run for run in self.all() if run["key"] == key]

    def wait_for(self, key, count=1):
        """Wait until the app has begun so many runs for a key."""
        return eventually(
            lambda: len(self.of(key)) >= count and self.of(key), f"run {count} of {key}"
        )

    def release(self, name):
        """Let runs go on that wait for a name, or have it hold from now on."""
        (self.folder / name).touch()

    def withdraw(self, name):
        (self.folder / name).unlink()


# A server that behaves as badly as a test wants

PAGE = b"""<!DOCTYPE html><html><head></head><body><footer>
<script id="_dash-config" type="application/json">
{"requests_pathname_prefix":"/","dash_version":"0.0.0"}</script>
<script id="_dash-renderer" type="application/javascript">new DashRenderer();</script>
</footer></body></html>"""
LIST = json.dumps(
    [
        {"output": name, "inputs": [place("in.value")], "state": [], "clientside_function": None}
        for name in ["one.children", "write.children"]
    ]
).encode()


def answer(body, content_type="application/json", head=b""):
    """Write an answer that ends its connection."""
    start = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n"
    )
    return start.encode() + head + b"\r\n" + body


class BadServer:
    """A server whose answers to calls are what a test says: a function of its connection."""

    def __init__(self, behave=None):
        self.behave = behave or (lambda connection, _request: connection.sendall(answer(b"{}")))
        self.requests, self.open = [], []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.open.append(connection)
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError):
            connection.settimeout(PATIENCE)
            request = read_until(connection, b"\r\n\r\n")
            head, _, body = request.partition(b"\r\n\r\n")
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    while len(body) < int(line.split(b":")[1]):
                        body += connection.recv(1 << 16)
            path = head.split(b" ")[1] if b" " in head else b""
            if path.endswith(b"_dash-dependencies"):
                connection.sendall(answer(LIST))
            elif path == b"/":
                connection.sendall(answer(PAGE, "text/html"))
            elif path:
                # What follows a request on its connection would be another one.
                connection.settimeout(0.05)
                body += read_until(connection)
                connection.settimeout(PATIENCE)
                self.requests.append(head + b"\r\n\r\n" + body)
                self.behave(connection, self.requests[-1])
            connection.close()

    def close(self):
        # It ends the wait for the next connection.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(PATIENCE)
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def is_silent(connection, seconds=0):
    """Return whether nothing has come from the other side."""
    return not select.select([connection], [], [], seconds)[0]


def cpu(pid):
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
