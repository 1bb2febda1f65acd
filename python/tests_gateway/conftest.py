"""The gateway as it runs: in front of real gunicorn, uvicorn, Dash and Redis.

Each app is started once for all tests, and each test starts gateways of its own in front of it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support import (
    BINARY,
    HERE,
    NEWEST,
    ROOT,
    SECRET,
    BadServer,
    Gateway,
    Process,
    Runs,
    Server,
    configuration,
    eventually,
    python,
)

PYTHON_PATH = os.pathsep.join([str(HERE / "apps"), str(ROOT / "python" / "src")])


class Apps:
    """The apps that run, each started when it is first wanted."""

    def __init__(self, folder):
        self.folder, self.known = folder, {}

    def get(self, module="main", version=NEWEST, workers=2, **environment):
        """Return an app on its socket."""
        name = f"{module}-{version}-{workers}" + "".join(environment.values())
        if name not in self.known:
            self.known[name] = self.start(module, version, workers, environment)
        return self.known[name]

    def start(self, module, version, workers, environment):
        folder = Path(self.folder(f"{module}-{version}"))
        path = f"{folder}/app.sock"
        if module == "asgi":
            command = ["uvicorn", "asgi:server", "--uds", path]
        else:
            threads = ["--workers", str(workers), "--threads", "32", "--worker-class", "gthread"]
            command = ["gunicorn", f"{module}:server", "--bind", f"unix:{path}", *threads]
            command += ["--graceful-timeout", "1"]
        app = Server(path)
        app.runs = Runs(folder)
        app.upstream = f"unix:{path}"
        app.control = f"{folder}/control.sock"
        app.process = Process(
            [python(version), "-m", *command],
            folder,
            PYTHONPATH=PYTHON_PATH,
            FERRODASH_TEST_FOLDER=str(folder),
            FERRODASH_CONTROL=f"unix:{app.control}",
            **environment,
        )

        def is_up():
            assert app.process.popen.poll() is None, app.process.text()
            try:
                return app.get("/").status < 500
            except OSError:
                return False

        eventually(is_up, f"the start of {module} on {version}")
        return app

    def stop(self):
        for app in self.known.values():
            app.process.stop(signal.SIGTERM)


@pytest.fixture(scope="session")
def apps(tmp_path_factory):
    """Return the apps that run."""
    apps = Apps(tmp_path_factory.mktemp)
    yield apps
    apps.stop()


@pytest.fixture
def app(apps):
    """Return the app of most tests, on the newest Dash."""
    return apps.get()


@pytest.fixture
def runs(app):
    """Return what the app has done."""
    return app.runs


@pytest.fixture
def start(tmp_path):
    """Start the binary; what a test has left running is stopped, and must not have panicked."""
    started = []

    def start(*arguments, folder=tmp_path, **environment):
        process = Process([str(BINARY), *arguments], folder, **environment)
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()
    for process in started:
        assert "panicked" not in process.text(), process.text()


@pytest.fixture
def gateway(start, tmp_path):
    """Start a gateway in front of an app or addresses, with declarations for callbacks."""
    made = []

    def gateway(upstreams, *callbacks, prefix="/", environment=None, **keys):
        if isinstance(upstreams, Server):
            upstreams = [upstreams.upstream]
        made.append(tmp_path / f"ferrodash-{len(made)}.toml")
        made[-1].write_text(configuration(upstreams, callbacks, prefix=prefix, **keys))
        process = start("gateway", "--config", str(made[-1]), **(environment or {}))
        return Gateway(process, prefix)

    return gateway


@pytest.fixture
def bad_server():
    """Start servers whose answers to calls are what a test says."""
    made = []

    def bad_server(behave=None):
        made.append(BadServer(behave))
        return made[-1]

    yield bad_server
    for server in made:
        server.close()


@pytest.fixture(scope="session")
def redis(tmp_path_factory):
    """Start a Redis server, and return its address."""
    folder = tmp_path_factory.mktemp("redis")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    process = Process(["redis-server", *options], folder)
    process.wait_for("Ready to accept connections")
    yield f"redis://127.0.0.1:{port}/0?namespace=tests"
    process.stop()


@pytest.fixture
def signed_app(apps):
    """Return the app with the signed cookie of the Python package."""
    return apps.get(FERRODASH_SECRET=SECRET)
