"""G11 and G16: `ferrodash run` starts, restarts and stops everything."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import RemoteDisconnected

import pytest
from conftest import PYTHON_PATH
from support import (
    HERE,
    NEWEST,
    SECRET,
    VENVS,
    Gateway,
    Runs,
    call,
    children,
    configuration,
    eventually,
    is_alive,
    key,
)


class Run(Gateway):
    """An app and a gateway, started together."""

    def __init__(self, process, folder):
        super().__init__(process, "/")
        self.folder, self.runs = folder, Runs(folder)

    def master(self):
        return children(self.pid)[0]


@pytest.fixture
def project(tmp_path):
    """Return a folder with an app whose sources a test may change."""
    shutil.copy(HERE / "apps" / "small.py", tmp_path / "app.py")
    shutil.copy(HERE / "apps" / "asgi.py", tmp_path / "asgi.py")
    return tmp_path


@pytest.fixture
def launch(project, start):
    """Start `ferrodash run`, and end all that it may have left behind."""
    left = set()

    def launch(*arguments, callbacks=(), version=NEWEST, **keys):
        keys = {"upstreams": None, "tables": '[run]\napp = "app:server"', **keys}
        (project / "ferrodash.toml").write_text(configuration(callbacks=callbacks, **keys))
        environment = {
            "VIRTUAL_ENV": str(VENVS / version),
            "PYTHONPATH": PYTHON_PATH,
            "FERRODASH_TEST_FOLDER": str(project),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        process = start("run", *arguments, **environment)
        launch.process = process
        run = Run(process, project)
        left.update(children(process.pid))
        return run

    yield launch
    process = launch.process
    left.update(children(process.pid))
    process.stop()
    still = [pid for pid in left if is_alive(pid)]
    for pid in still:
        os.kill(pid, signal.SIGKILL)


SYNC = ["app:server", "--workers", "2", "--", "--threads", "8"]
ONE = ("one", {"timeout": "1h"})


@pytest.mark.parametrize("version", ["d4.4.1", "d2.18.2"])
def test_g11_it_starts_the_app_and_stops_all_processes(launch, version):
    run = launch("app:server", "--workers", "3", version=version)
    assert "in front of Dash" in run.line
    assert run.call("one", {"key": key()}).value == "version 1"
    pids = children(run.pid)
    assert len(pids) == 4
    assert run.process.stop() == 0
    eventually(lambda: not any(map(is_alive, pids)), "the end of the app")
    assert "[app] " in run.process.text()


def test_g11_a_file_that_only_declares_callbacks_will_do(launch):
    run = launch("app:server", callbacks=[ONE], tables="")
    assert "1 cached" in run.line


def test_g11_an_asgi_app_is_started_with_uvicorn(launch):
    run = launch("asgi:server", "--asgi", "--workers", "2")
    assert run.call("one", "abc").value == "ABC"
    pids = children(run.pid)
    assert len(pids) >= 3
    assert run.process.stop() == 0
    eventually(lambda: not any(map(is_alive, pids)), "the end of the app")


@pytest.mark.parametrize(
    "server", [SYNC, ["asgi:server", "--asgi", "--workers", "2"]], ids=["wsgi", "asgi"]
)
def test_g11_the_app_is_started_again_when_its_first_process_is_killed(launch, server):
    run = launch(*server)
    before = children(run.pid)
    os.kill(run.master(), signal.SIGKILL)
    run.process.wait_for("starting it again")
    eventually(lambda: run.call("one", {"key": key()}).status == 200, "an answer")
    # The workers of the first one have not stayed.
    eventually(lambda: not any(map(is_alive, before)), "the end of the old workers", within=20)
    assert run.process.stop() == 0


def test_g11_hits_are_served_while_the_app_is_started_again(launch):
    run = launch(*SYNC, callbacks=[ONE])
    name = key()
    run.call("one", {"key": name})
    os.kill(run.master(), signal.SIGKILL)
    run.process.wait_for("starting it again")
    assert run.call("one", {"key": name}).is_hit


def test_g11_sigterm_under_load_loses_no_call(launch):
    run = launch(*SYNC)
    stopped = threading.Event()
    results, refused = [], []

    def make(name):
        with run.connect() as connection:
            body = call("one", {"key": name})
            headers = {"Content-Type": "application/json", "Connection": "close"}
            connection.request("POST", "/_dash-update-component", body, headers)
            response = connection.getresponse()
            results.append((response.status, response.read()[-30:]))

    def caller(number):
        for count in range(60):
            try:
                make(f"{number}-{count}")
            except RemoteDisconnected:
                raise  # An accepted call was not answered. It is a ConnectionResetError, too.
            except (ConnectionRefusedError, ConnectionResetError):
                # The system resets a connection that comes in the moment in which the port closes.
                refused.append(f"{number}-{count}")
                assert stopped.is_set()
                return
            time.sleep(0.02)

    with ThreadPoolExecutor(10) as threads:
        callers = [threads.submit(caller, number) for number in range(10)]
        eventually(lambda: len(results) > 100, "a hundred calls")
        stopped.set()
        run.process.send(signal.SIGTERM)
        for each in callers:
            each.result(30)
    assert run.process.wait() == 0
    assert {status for status, _ in results} == {200}
    assert all(b"version 1" in end for _, end in results)
    assert refused != []
    assert [name for name in refused if run.runs.of(name)] == [], "what ran was answered"


def test_g11_a_call_in_progress_is_finished_before_the_app_stops(launch):
    run = launch(*SYNC)
    name = key()
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(run.call, "one", {"key": name, "hold": name})
        run.runs.wait_for(name)
        run.process.send(signal.SIGTERM)
        run.process.wait_for("stopping")
        run.runs.release(name)
        assert held.result(30).value == "version 1"
    assert run.process.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_g11_a_signal_while_the_app_is_starting_leaves_nothing_behind(start, project, number):
    (project / "app.py").write_text("import time\nprint('slow', flush=True)\ntime.sleep(60)\n")
    arguments = ["app:server", "--", "--graceful-timeout", "1"]
    process = start("run", *arguments, VIRTUAL_ENV=str(VENVS / NEWEST))
    process.wait_for("[app] slow")
    pids = children(process.pid)
    process.stop(number)
    try:
        eventually(lambda: not any(map(is_alive, pids)), "the end of the app", within=5)
    finally:
        for pid in filter(is_alive, pids):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_module\n", "no_such_module"),
        ("server = 1 +\n", "SyntaxError"),
        ("app = 1\n", "server"),
    ],
)
def test_g11_an_app_that_cannot_start_ends_with_its_reason(start, project, source, said):
    (project / "app.py").write_text(source)
    process = start("run", "app:server", VIRTUAL_ENV=str(VENVS / NEWEST))
    assert process.wait() == 1
    assert said in process.text()
    assert "ferrodash: the app ended with status" in process.text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "write MODULE:NAME"),
        (["app"], "MODULE:NAME, such as app:server"),
        (["app:server", "--chdir", "/no/such"], "/no/such"),
        (["app:server", "--config", "no.toml"], "no.toml"),
    ],
)
def test_g11_arguments_that_are_wrong_are_refused(start, project, arguments, said):
    process = start("run", *arguments, VIRTUAL_ENV=str(VENVS / NEWEST))
    assert process.wait() == 1
    assert said in process.text()


def change(project):
    source = (project / "app.py").read_text()
    (project / "app.py").write_text(source.replace("version 1", "version 2"))


def test_g16_after_sighup_what_was_kept_is_gone(launch, project):
    run = launch(*SYNC, callbacks=[ONE])
    name = key()
    assert [run.call("one", {"key": name}).is_hit for _ in range(2)] == [False, True]
    change(project)
    run.process.send(signal.SIGHUP)
    eventually(lambda: not run.call("one", {"key": name}).is_hit, "another version")


def test_g16_an_answer_of_an_old_worker_after_sighup_is_not_kept(launch, project):
    run = launch(*SYNC, callbacks=[ONE])
    names = [key() for _ in range(400)]
    old = set(children(run.pid)) - {run.master()}
    change(project)
    run.process.send(signal.SIGHUP)
    for name in names:
        run.call("one", {"key": name})
        if not any(map(is_alive, old)):
            break
    eventually(lambda: not any(map(is_alive, old)), "the end of the old workers")
    asked = [name for name in names if run.runs.of(name)]

    def values():
        return {run.call("one", {"key": name}).value for name in asked}

    eventually(lambda: values() == {"version 2"}, "the new version")
    assert values() == {"version 2"}


def test_g16_an_answer_of_an_old_worker_of_uvicorn_after_sighup_is_not_kept(launch, project):
    # Python starts another process beside the workers, which stays.
    run = launch("asgi:server", "--asgi", "--workers", "2", callbacks=[ONE])
    source = (project / "asgi.py").read_text()
    (project / "asgi.py").write_text(source.replace(".upper()", ".lower()"))
    run.process.send(signal.SIGHUP)
    names = [f"Name {number}" for number in range(200)]
    new = 0
    for name in names:
        new += run.call("one", name).value == name.lower()
        time.sleep(0.02)
        if new > 20:
            break
    asked = names[: names.index(name) + 1]

    def values():
        return [run.call("one", name).value for name in asked]

    eventually(lambda: values() == [name.lower() for name in asked], "the new version")
    assert all(run.call("one", name).is_hit for name in asked)


def test_g16_an_app_that_was_started_again_has_the_version_of_its_sources(launch, project):
    run = launch(*SYNC, callbacks=[ONE])
    name = key()
    assert [run.call("one", {"key": name}).is_hit for _ in range(2)] == [False, True]
    change(project)
    os.kill(run.master(), signal.SIGKILL)
    run.process.wait_for("starting it again")
    new = {"key": key(), "again": True}
    eventually(lambda: (it := run.call("one", new)).status == 200 and it.value == "version 2")
    assert run.call("one", {"key": name}).value == "version 2"


def test_g16_a_restart_with_changed_sources_has_none_of_the_answers_in_redis(
    launch, project, redis
):
    shared = {"callbacks": [ONE], "cache": redis, "secret": SECRET}
    name, values = key(), []
    for count in range(3):
        if count == 2:
            change(project)
        run = launch(*SYNC, **shared)
        answer = run.call("one", {"key": name}, Host="app.example")
        values.append((answer.value, answer.is_hit))
        assert run.process.stop() == 0
    assert values == [("version 1", False), ("version 1", True), ("version 2", False)]


def test_g11_two_runs_do_not_share_a_port(launch, start, project):
    run = launch(*SYNC)
    environment = {"VIRTUAL_ENV": str(VENVS / NEWEST), "PYTHONPATH": PYTHON_PATH}
    environment["FERRODASH_TEST_FOLDER"] = str(project)
    process = start("run", "app:server", "--listen", run.address, **environment)
    assert process.wait() == 1
    assert run.address in process.text()
