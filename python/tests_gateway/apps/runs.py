"""What the test apps have done, told to the tests by a file that all processes share."""

import json
import os
import time
from pathlib import Path

FOLDER = Path(os.environ["FERRODASH_TEST_FOLDER"])


def record(key, request_headers, **more):
    """Write down that a callback or a route ran, with the headers that it got."""
    headers = {name.lower(): value for name, value in request_headers.items()}
    line = json.dumps({"key": key, "pid": os.getpid(), "headers": headers, **more})
    with (FOLDER / "runs").open("a") as runs:
        runs.write(line + "\n")


def wait_for(name):
    """Wait until the test has let this run go on."""
    while not (FOLDER / name).exists():
        time.sleep(0.005)
