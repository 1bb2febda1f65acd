"""G9: an app that is down, silent, full, or not one of Dash: nobody waits for ever."""

from __future__ import annotations

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
from support import PATIENCE, answer, call, children, eventually, is_alive, key, memory, together

KEPT = {"timeout": "1h", "stale_if_error": "1h"}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture
def doomed(apps):
    """Start an app that the test may kill."""
    app = apps.start("small", "d4.4.1", 2, {})
    yield app
    for each in children(app.process.pid):
        if is_alive(each):
            os.kill(each, signal.SIGKILL)
    app.process.stop(signal.SIGKILL)


def test_g9_if_python_is_killed_hits_and_stale_answers_are_served_and_nothing_else(doomed, gateway):
    fresh, stale = ("one", {**KEPT, "timeout": "1h"}), ("one", {**KEPT, "timeout": "1ms"})
    servers, name = [gateway(doomed, declared) for declared in (fresh, stale)], key()
    before = [server.call("one", {"key": name}).value for server in servers]
    pids = [doomed.process.pid, *children(doomed.process.pid)]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(map(is_alive, pids)), "the end of the app")
    for server, value in zip(servers, before):
        assert [server.call("one", {"key": name}).value for _ in range(3)] == [value] * 3
        other = server.call("one", {"key": key()})
        assert other.status == 502
        assert b"cannot be reached" in other.body
        assert server.get("pid").status == 502
        assert server.get("", Accept="text/html").status == 502
        assert server.get("_ferrodash/health").body == b"OK"


def test_g9_a_worker_that_dies_is_restarted_and_calls_go_on(doomed, gateway):
    server = gateway(doomed)
    old = int(server.get("pid").body)
    os.kill(old, signal.SIGKILL)
    eventually(lambda: not is_alive(old), "the end of the worker")
    assert server.call("one", {"key": key()}).status == 200
    eventually(lambda: len(children(doomed.process.pid)) == 2, "a new worker")


def test_g9_more_calls_than_run_and_wait_are_refused(app, runs, gateway):
    server, name = gateway(app, running=2, waiting=3), key()
    held = {"key": name, "hold": name}
    with ThreadPoolExecutor(6) as threads:
        calls = [threads.submit(server.call, "one", held) for _ in range(6)]
        try:
            refusal = next(as_completed(calls, PATIENCE)).result()
            # What is not a call is answered all the same.
            assert server.get("echo").status == 200
        finally:
            runs.release(name)
        statuses = sorted(each.result(PATIENCE).status for each in calls)
    assert statuses == [200] * 5 + [503]
    assert refusal.status == 503
    assert int(refusal["Retry-After"]) >= 1
    assert server.call("write", "x").status == 200


def test_g9_calls_that_wait_get_their_turn(app, runs, gateway):
    server, name = gateway(app, running=2, waiting=100), key()

    def release():
        runs.wait_for(name, 2)
        runs.release(name)

    *answers, _ = together(*[lambda: server.call("one", {"key": name, "hold": name})] * 20, release)
    assert {each.status for each in answers} == {200}


def test_g9_clients_that_leave_free_their_places(app, runs, gateway):
    server, names = gateway(app, running=1, waiting=0), [key(), key()]
    body = call("one", {"key": names[0], "hold": names[0]})
    host, port = server.address.split(":")
    head = b"POST /_dash-update-component HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        runs.wait_for(names[0])
        assert server.call("one", names[1]).status == 503
    eventually(lambda: server.call("one", names[1]).status == 200, "a free place")
    runs.release(names[0])


def silent(connection, _request):
    connection.recv(1)


def closed(connection, _request):
    pass


def half_a_head(connection, _request):
    connection.sendall(HEAD[:30])


def half_an_answer(connection, _request):
    connection.sendall(HEAD + b'Content-Length: 100\r\n\r\n{"multi"')


def half_an_answer_and_silence(connection, request):
    half_an_answer(connection, request)
    connection.recv(1)


def half_a_chunk(connection, _request):
    connection.sendall(HEAD + b'Transfer-Encoding: chunked\r\n\r\n20\r\n{"multi"')


def nonsense(connection, _request):
    connection.sendall(b"220 mail.example ESMTP\r\n")


def two_lengths(connection, _request):
    connection.sendall(HEAD + b"Content-Length: 2\r\nContent-Length: 7\r\n\r\n{}12345")


@pytest.mark.parametrize(
    ("behave", "status"),
    [
        (silent, 504),
        (closed, 502),
        (half_a_head, 502),
        (half_an_answer, 502),
        (half_an_answer_and_silence, 504),
        (nonsense, 502),
        (two_lengths, 502),
    ],
)
@pytest.mark.parametrize("output", ["one", "write"], ids=["kept", "passed"])
def test_g9_an_app_that_does_not_answer_is_told_in_time(
    bad_server, gateway, behave, status, output
):
    server = gateway([bad_server(behave).address], ("one", {"timeout": "1h"}), timeout="400ms")
    start = time.monotonic()
    answers = together(*[lambda: server.call(output, key())] * 3)
    assert time.monotonic() - start < 5
    assert {each.status for each in answers} == {status}
    assert server.get("_ferrodash/health").body == b"OK"


def test_g9_an_answer_in_chunks_that_ends_early_is_no_whole_answer(bad_server, gateway):
    server = gateway([bad_server(half_a_chunk).address], timeout="400ms")
    body = call("write", key())
    head = b"POST /_dash-update-component HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    got = server.raw(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert b"502" in got.split(b"\r\n")[0] or not got.endswith(b"0\r\n\r\n")


def test_g9_a_stale_answer_is_served_if_the_app_is_silent(bad_server, gateway):
    good = b'{"multi":true,"response":{"one":{"children":"good"}}}'
    is_good = [True]

    def behave(connection, request):
        connection.sendall(answer(good)) if is_good.pop() else silent(connection, request)
        is_good.append(False)

    server = gateway(
        [bad_server(behave).address], ("one", {**KEPT, "timeout": "1ms"}), timeout="300ms"
    )
    assert [server.call("one", "x").value for _ in range(3)] == ["good"] * 3


def test_g9_those_who_waited_for_a_silent_app_do_not_wait_twice(bad_server, gateway):
    app = bad_server(silent)
    server = gateway([app.address], ("one", {"timeout": "1h"}), timeout="1s")
    start = time.monotonic()
    answers = together(*[lambda: server.call("one", "x")] * 10)
    assert {each.status for each in answers} == {504}
    assert time.monotonic() - start < 1.8


def test_g9_what_is_not_dash_is_passed_on(bad_server, gateway):
    def other(connection, _request):
        connection.sendall(answer(b"<html>another app</html>", "text/html"))

    server = gateway([bad_server(other).address], ("one", {"timeout": "1h"}))
    for _ in range(2):
        answers = [server.get("other", Accept="text/html"), server.call("one", "x")]
        assert [each.body for each in answers] == [b"<html>another app</html>"] * 2
        assert not any(each.is_hit for each in answers)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"response":[]}',
        b'{"response":{"one":1}}',
        b'{"response":{"one":{"children"',
        b"\xff",
    ],
)
def test_g9_an_answer_that_is_not_understood_is_passed_on_and_not_kept(bad_server, gateway, body):
    app = bad_server(lambda connection, _request: connection.sendall(answer(body)))
    server = gateway([app.address], ("one", {"timeout": "1h"}))
    assert [server.call("one", "x").body for _ in range(2)] == [body] * 2
    assert len(app.requests) == 2


def test_g9_a_server_that_is_down_is_left_out(app, gateway):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = gateway([f"http://127.0.0.1:{port}", app.upstream, "unix:/no/such.sock"])
    for _ in range(4):
        assert server.call("one", key()).status == 200
        assert server.request("POST", "/echo", b"body").status == 200


def test_g9_a_server_that_is_restarted_while_its_connections_are_open_loses_no_call(
    doomed, gateway
):
    server = gateway(doomed)
    assert server.call("one", {"key": key()}).status == 200
    # gunicorn closes its connections and starts new workers.
    doomed.process.send(signal.SIGHUP)
    until = time.monotonic() + 3
    while time.monotonic() < until:
        assert server.call("one", {"key": key()}).status == 200


def test_g9_a_gateway_in_front_of_a_silent_app_can_be_stopped(start):
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    with listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = start("gateway", "--upstream", address, "--listen", "127.0.0.1:0")
        begun = time.monotonic()
        # It is asked to stop while it still waits for the app.
        assert process.stop() in (0, -signal.SIGTERM)
        assert time.monotonic() - begun < 5


def test_names_of_callbacks_that_clients_invent_take_no_memory(app, gateway):
    server = gateway(app)
    server.call("one", key())
    before = memory(server.pid)
    for count in range(100):
        invented = call("one", "x").replace(b"one.children", b"%d" % count + b"y" * 500_000, 1)
        server.call("", invented)
    assert memory(server.pid) - before < 20 << 20


def test_what_clients_call_is_no_label_of_the_metrics(app, gateway):
    server = gateway(app, metrics="/metrics")
    name = key()
    server.call("one", name)
    server.call("", call("one", "x").replace(b"one.children", name.encode(), 1))
    text = server.get("metrics").body.decode()
    assert 'calls_total{callback="one.children"} 1' in text
    assert name not in text


def test_an_answer_that_is_parked_and_never_fetched_keeps_no_place(bad_server, gateway):
    def in_chunks_with_a_cookie(connection, _request):
        connection.sendall(
            HEAD + b"Set-Cookie: a=1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        )

    server = gateway([bad_server(in_chunks_with_a_cookie).address], running=2, waiting=2)
    start = time.monotonic()
    for _ in range(3):
        line = server.batch([call("write", key())])[0]
    assert server.get(f"_ferrodash/parked/{line['x-ferrodash-parked']}").body == b"{}"
    assert time.monotonic() - start < 10
