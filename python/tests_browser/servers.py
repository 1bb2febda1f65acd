"""The processes of a test: gunicorn with an app, and the gateway in front of it."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
APPS = HERE / "apps"
BINARY = os.environ.get("FERRODASH_BINARY", str(ROOT / "target/debug/ferrodash"))
VENVS = Path(os.environ.get("FERRODASH_VENVS", ROOT / "target/python-venvs"))
PATIENCE = 60


class Process:
    """A program whose lines are kept."""

    def __init__(self, command: list[str], ready: str, **options: Any) -> None:
        self.lines: list[str] = []
        self._unread: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
        )
        threading.Thread(target=self._read, daemon=True).start()
        self.url = self.wait_for(ready)[1]

    def _read(self) -> None:
        with self.process.stdout as lines:
            for line in lines:
                self.lines.append(line.rstrip())
                self._unread.put(line)
        self._unread.put(None)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait for a line, among those that were not looked at before."""
        end = time.monotonic() + PATIENCE
        while (line := self._unread.get(timeout=max(0.0, end - time.monotonic()))) is not None:
            if found := re.search(pattern, line):
                return found
        raise AssertionError("it ended without the line:\n" + "\n".join(self.lines))

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as response:
            return response.read()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(PATIENCE)


class App(Process):
    """gunicorn with an app of the folder ``apps``, by default in one process that counts."""

    def __init__(
        self,
        version: str,
        name: str,
        port: int = 0,
        options: str = "--threads=16",
        **environment: str,
    ) -> None:
        self.version = version
        command = [
            str(VENVS / f"d{version}/bin/python"), "-m", "gunicorn", *options.split(),
            f"--bind=127.0.0.1:{port}", f"{name}:server",
        ]  # fmt: skip
        variables = {**os.environ, "PYTHONPATH": str(ROOT / "python/src"), **environment}
        super().__init__(command, r"Listening at: (\S+)", cwd=APPS, env=variables)

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs of callbacks since the last time."""
        return json.loads(self.get("/runs"))

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop without waiting for connections that browsers hold."""
        super().stop(how)


class Gateway(Process):
    """The gateway in front of an app."""

    def __init__(self, app: App, folder: Path, declared: str = "") -> None:
        config = folder / "ferrodash.toml"
        config.write_text(f'listen = "127.0.0.1:0"\nupstreams = ["{app.url}"]\n{declared}')
        command = [BINARY, "gateway", "--config", str(config)]
        super().__init__(command, r"Listening on (http://[\d.:]+)")
