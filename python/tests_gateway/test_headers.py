"""The headers of what is passed on, and attempts to pass more than one request."""

from __future__ import annotations

import base64

import pytest
from support import call, key


def echoed(server, **headers):
    return {name.lower(): value for name, value in server.get("echo", **headers).json()["headers"]}


def test_headers_about_one_connection_stay_here(app, gateway):
    server = gateway(app)
    headers = echoed(
        server,
        Connection="close, X-Secret",
        X_Secret="1",
        Keep_Alive="timeout=5",
        TE="trailers",
        Trailer="X-Later",
        Proxy_Authorization="Basic secret",
        Proxy_Connection="keep-alive",
        X_Kept="1",
    )
    assert headers["x-kept"] == "1"
    for name in [
        "x-secret",
        "keep-alive",
        "te",
        "trailer",
        "proxy-authorization",
        "proxy-connection",
    ]:
        assert name not in headers
    assert server.get("echo")["Keep-Alive"] is None


def test_headers_say_where_a_request_came_from(app, gateway):
    server = gateway(app)
    headers = echoed(server)
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == headers["host"] == server.address
    # This machine is a proxy that is believed.
    near = {
        "X_Forwarded_For": "203.0.113.9",
        "X_Forwarded_Proto": "https",
        "X_Forwarded_Host": "app.example",
    }
    headers = echoed(server, **near)
    assert headers["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"
    assert (headers["x-forwarded-proto"], headers["x-forwarded-host"]) == ("https", "app.example")


def test_our_own_headers_and_ambiguous_names_do_not_reach_the_app(app, runs, gateway):
    server, name = gateway(app), key()
    mine = {"X_Ferrodash_Build": "0", "X_Ferrodash_Page": "1", "X_Ferrodash_Seen": "1.1"}
    assert not [header for header in echoed(server, **mine) if "ferrodash" in header]
    server.call("one", name, **mine)
    assert not [header for header in runs.of(name)[0]["headers"] if "ferrodash" in header]
    names = b"Content_Length: 5\r\nX_Forwarded_For: 1.1.1.1\r\nConnection: close\r\n\r\n"
    request = b"GET /echo HTTP/1.1\r\nHost: x\r\n" + names
    answer = server.raw(request, end=b"}")
    assert b"1.1.1.1" not in answer
    assert b"200 OK" in answer


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
TRICKS = {
    "both lengths": HEAD + b"Content-Length: 4\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + SMUGGLED,
    "both lengths, turned": HEAD + CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": HEAD
    + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED)
    + SMUGGLED,
    "a list of lengths": HEAD + b"Content-Length: 0, %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
    "a signed length": HEAD + b"Content-Length: +0\r\n\r\n" + SMUGGLED,
    "an unknown coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a coding after chunked": HEAD
    + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "two codings": HEAD + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a coding with a tab": HEAD
    + b"Transfer-Encoding:\tchunked\x0b\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "a space before the colon": HEAD
    + b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "bare line feeds": HEAD
    + b"Content-Length: 0\nX: 1\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED)
    + SMUGGLED,
    "a folded line": HEAD
    + b"X: 1\r\n Content-Length: 0\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "a folded coding": HEAD
    + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "a chunk with a large size": HEAD
    + CHUNKED
    + b"\r\nfffffffffffffffff1\r\nx\r\n0\r\n\r\n"
    + SMUGGLED,
    "a chunk with an extension": HEAD + CHUNKED + b"\r\n0;x=\n\r\n\r\n" + SMUGGLED,
    "a carriage return in a value": HEAD
    + b"X: a\rContent-Length: 5\r\nContent-Length: 0\r\n\r\n"
    + SMUGGLED,
    "a zero in a value": HEAD + b"X: a\0b\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
    "a body of a read": b"GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    % len(SMUGGLED)
    + SMUGGLED,
    "another protocol": b"GET /echo HTTP/1.1\r\nHost: x\r\n"
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n" + SMUGGLED,
    "a length named by Connection": HEAD
    + b"Connection: Content-Length\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED)
    + SMUGGLED,
    "a space in the target": b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n".replace(
        b"/echo", b"/echo%0d%0aX:1"
    ),
    "an old version with chunks": HEAD.replace(b"1.1", b"1.0")
    + CHUNKED
    + b"\r\n0\r\n\r\n"
    + SMUGGLED,
}


def respond(connection, _request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


def test_two_requests_on_one_connection_are_two_for_the_app(bad_server, gateway):
    # So the server of the next test would see a request that was smuggled.
    app = bad_server(respond)
    server = gateway([app.address])
    server.raw(HEAD + b"Content-Length: 4\r\n\r\nbody" + SMUGGLED, patience=1)
    assert [request.split()[1] for request in app.requests] == [b"/echo", b"/smuggled"]
    assert app.requests[0].endswith(b"\r\n\r\nbody")


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_one_request_is_never_two_for_the_app(bad_server, gateway, trick):
    app = bad_server(respond)
    server = gateway([app.address])
    server.raw(trick, patience=0.4)
    # Each that the app got is framed in one way only: what it has beside its body is nothing.
    for request in app.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line.lower() for line in head.split(b"\r\n")[1:]]
        lengths = [
            line for line in lines if line.startswith((b"content-length", b"transfer-encoding"))
        ]
        assert len(lengths) <= 1, request
        assert b"\n" not in head.replace(b"\r\n", b""), request
        assert b"\r" not in head.replace(b"\r\n", b""), request
        assert b"\0" not in head, request
        if lengths == [b"transfer-encoding: chunked"]:
            assert body.endswith(b"0\r\n\r\n"), request
        else:
            length = int(lengths[0].split(b":")[1]) if lengths else 0
            assert len(body) == length, request
        assert not [line for line in lines if line.startswith((b"upgrade", b"http2-settings"))], (
            request
        )


@pytest.mark.parametrize(
    "line",
    [
        b"OPTIONS * HTTP/1.1",
        b"CONNECT example.com:443 HTTP/1.1",
        b"GET http://evil.example/echo HTTP/1.1",
        b"TRACE /echo HTTP/1.1",
        b"GET //echo HTTP/1.1",
        b"GET /%2e%2e/echo HTTP/1.1",
        b"GET /echo?" + b"x" * 20_000 + b" HTTP/1.1",
        b"GET /" + b"\xff" + b" HTTP/1.1",
        b"BREW /echo HTTP/1.1",
    ],
    ids=lambda line: line[:20].decode("latin-1"),
)
def test_strange_targets_and_methods_get_an_answer(app, gateway, line):
    server = gateway(app)
    answer = server.raw(line + b"\r\nHost: x\r\nConnection: close\r\n\r\n", end=b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 "), answer
    assert answer.split()[1] not in (b"500", b"502")
    assert server.get("echo").status == 200


def test_a_request_without_a_host_is_refused_or_passed_without_one(app, gateway):
    server = gateway(app)
    answer = server.raw(b"GET /echo HTTP/1.0\r\n\r\n", end=b"}")
    assert b'"Host","app"' not in answer.replace(b" ", b"")


def test_errors_of_the_gateway_do_not_name_what_is_behind_it(gateway, bad_server):
    def fall_silent(connection, _request):
        connection.close()

    server = gateway([bad_server(fall_silent).address])
    answer = server.call("one", key())
    assert answer.status == 502
    assert b"127.0.0.1" not in answer.body


def test_the_password_of_the_admin_page_does_not_reach_the_app(app, runs, gateway):
    # Browsers send it with all requests below `/_ferrodash/`: also with those of the app's pages.
    admin = '[admin]\nuser = "admin"\npassword = "a long and good password"'
    server, name = gateway(app, ("one", {"timeout": "1h", "client": True}), tables=admin), key()
    basic = "Basic " + base64.b64encode(b"admin:a long and good password").decode()
    assert server.get("_ferrodash/").status == 401
    assert server.get("_ferrodash/", Authorization=basic).status == 200
    server.batch([call("one", name)], Authorization=basic)
    assert "authorization" not in runs.of(name)[0]["headers"]
    assert server.call("one", name).is_hit
    scopes = [
        server.get("_ferrodash/changes?since=.0", Authorization=each).json()["scopes"]
        for each in (None, basic)
    ]
    assert scopes[0] == scopes[1]
