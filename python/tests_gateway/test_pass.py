"""G8: all that the gateway does not answer itself works as without it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import struct

import pytest
from support import NEWEST, VERSIONS, call, configuration, eventually, key, read_until

SIZE = 30 << 20


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_g8_routes_of_ones_own_have_all_methods(app, gateway, method):
    server = gateway(app)
    direct, passed = [each.request(method, "/echo?a=1&b=%20", b"body") for each in (app, server)]
    assert (passed.status, passed["X-Mine"]) == (direct.status, "1")
    assert passed.all("Set-Cookie") == direct.all("Set-Cookie") == ["a=1", "b=2"]
    if method != "HEAD":
        assert passed.json()["method"] == method
        assert passed.json()["path"] == "/echo?a=1&b=%20"
        assert passed.json()["body"] == "body"


@pytest.mark.parametrize(
    "path", ["/_dash-layout", "/_dash-dependencies", "/_dash-update-component", "/", "/none"]
)
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE"])
def test_g8_other_methods_of_dash_answer_as_directly(app, gateway, method, path):
    server = gateway(app)
    direct, passed = [each.request(method, path) for each in (app, server)]
    assert passed.status == direct.status
    assert passed["Allow"] == direct["Allow"] or set(passed["Allow"].split(", ")) == set(
        direct["Allow"].split(", ")
    )


def test_g8_an_upload_of_30_mb_arrives(app, gateway):
    server = gateway(app)
    assert server.request("POST", "/echo", b"x" * SIZE).json()["size"] == SIZE
    chunks = (b"x" * (1 << 20) for _ in range(30))
    assert server.request("POST", "/echo", chunks).json()["size"] == SIZE


def test_g8_a_call_of_30_mb_is_answered(app, runs, gateway):
    server, name = gateway(app, ("one", {"timeout": "1h"})), key()
    for _ in range(2):
        assert server.call("one", {"key": name, "file": "x" * SIZE}).value == f"{name} of nobody"
    assert len(runs.of(name)) == 2


def test_g8_an_answer_of_30_mb_arrives(app, gateway):
    server = gateway(app)
    large = {"key": key(), "do": "large", "size": SIZE}
    assert len(server.call("one", large).value) == SIZE


def test_g8_a_client_that_asks_first_may_upload(app, gateway):
    server = gateway(app)
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    head += b"Content-Length: 4\r\nConnection: close\r\n\r\n"
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head)
        assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 100")
        connection.sendall(b"body")
        assert b'"size":4' in read_until(connection).replace(b" ", b"")


def test_g8_the_first_bytes_of_a_download_come_before_the_last_are_made(app, runs, gateway):
    server, name = gateway(app), key()
    with server.connect() as connection:
        connection.request("GET", f"/stream/{name}", headers={"Accept": "text/html,*/*"})
        response = connection.getresponse()
        assert response.read(5) == b"first"
        runs.release(name)
        assert response.read() == b"last"


@pytest.mark.parametrize("version", VERSIONS)
def test_g8_dcc_download_works(apps, gateway, version):
    app = apps.get(version=version)
    server = gateway(app)
    content = server.call("to", 1).json()["response"]["to"]["data"]
    assert (content["filename"], content["content"]) == ("table.csv", "a,b\n1,2\n")


def test_g8_a_part_of_a_bundle_and_what_a_browser_has(app, gateway):
    server = gateway(app)
    address = next(
        part for part in app.get("full/").body.decode().split('"') if "dash_renderer.v" in part
    )
    whole = app.get(address)
    part = server.get(address, Range="bytes=0-99")
    assert (part.status, part.body) in [(206, whole.body[:100]), (200, whole.body)]
    again = server.get(address)
    assert again.body == whole.body
    assert "max-age=31536000" in again["Cache-Control"]
    assert server.get(address, If_None_Match=again["ETag"]).status == 304


def test_g8_what_a_browser_has_is_not_sent_again(app, gateway):
    server = gateway(app)
    tag = server.get("not-modified")["ETag"]
    assert server.get("not-modified", If_None_Match=tag).status == 304
    # The page of Dash 4.4.1 has a number of its own each time.
    for path in ["_dash-layout", "_dash-dependencies"]:
        tag = server.get(path, Accept="text/html")["ETag"]
        if tag:
            assert server.get(path, If_None_Match=tag, Accept="text/html").status == 304


def test_g8_hot_reload_and_absolute_redirects(app, gateway):
    server = gateway(app)
    direct, passed = [each.get("_reload-hash") for each in (app, server)]
    assert passed.status == direct.status
    redirect = server.get("redirect")
    assert (redirect.status, redirect["Location"]) == (302, f"http://{server.address}/echo")


@pytest.mark.parametrize("version", ["d4.4.1", "d2.18.2"])
def test_g8_a_background_callback_is_called_polled_and_answered(apps, gateway, version):
    app = apps.get("background", version)
    server, name = gateway(app), key()
    before = app.runs.all()
    listed = server.get("_dash-dependencies").json()[0]
    assert listed.get("background") or listed.get("long")
    first = server.call("one", name).json()
    address, seen = f"?cacheKey={first['cacheKey']}&job={first['job']}", []

    def answered():
        seen.append(server.call("one", name, query=address))
        # Old versions answer 204 for a moment when the job has just ended.
        return seen[-1].body and "response" in seen[-1].json()

    eventually(answered, "the answer of the background callback")
    assert seen[-1].value == f"made from {name}"
    # Each request has reached the app.
    calls = [run for run in app.runs.all()[len(before) :] if "update" in run["key"]]
    assert len(calls) == len(seen) + 1


def test_g15_a_background_callback_that_is_declared_is_refused(apps, start, tmp_path):
    app = apps.get("background")
    (tmp_path / "f.toml").write_text(configuration([app.upstream], [("one", {"timeout": "1h"})]))
    process = start("gateway", "--config", "f.toml")
    assert process.wait() == 1
    assert "f.toml:5" in process.text()
    assert "background" in process.text()


class Websocket:
    """The client's end of a websocket, as RFC 6455 has it."""

    def __init__(self, server, path, **headers):
        host, port = server.address.split(":")
        self.connection = socket.create_connection((host, int(port)), timeout=30)
        secret = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {server.address}", "Upgrade: websocket"]
        lines += ["Connection: keep-alive, Upgrade", "Sec-WebSocket-Version: 13"]
        lines += [f"Sec-WebSocket-Key: {secret}", f"Origin: http://{server.address}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.connection.sendall("\r\n".join([*lines, "", ""]).encode())
        head, _, self.rest = read_until(self.connection, b"\r\n\r\n").partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        digest = hashlib.sha1(secret.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        self.is_right = base64.b64encode(digest) in head

    def send(self, text):
        data, mask = text.encode(), os.urandom(4)
        size = (
            bytes([0x80 | len(data)])
            if len(data) < 126
            else bytes([0xFE]) + struct.pack(">H", len(data))
        )
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        self.connection.sendall(b"\x81" + size + mask + masked)

    def take(self, count):
        while len(self.rest) < count:
            piece = self.connection.recv(1 << 16)
            assert piece, "the socket was closed"
            self.rest += piece
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def receive(self):
        """Return the next text, or the code of the end."""
        kind, size = self.take(2)
        if size == 126:
            (size,) = struct.unpack(">H", self.take(2))
        data = self.take(size)
        return struct.unpack(">H", data[:2])[0] if kind & 15 == 8 else data.decode()

    def close(self):
        self.connection.close()


@pytest.fixture
def sockets(apps, gateway):
    """Open websockets to the app on FastAPI, through a gateway."""
    opened, server = [], gateway(apps.get("asgi"))

    def sockets(path, **headers):
        opened.append(Websocket(server, path, **headers))
        return opened[-1]

    sockets.server = server
    yield sockets
    for each in opened:
        each.close()


def test_g8_a_websocket_of_ones_own_works(sockets):
    socket = sockets("/echo-socket", Cookie="a=1", X_Ferrodash_Build="0")
    assert (socket.status, socket.is_right) == (101, True)
    headers = json.loads(socket.receive())
    assert headers["cookie"] == "a=1"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert "x-ferrodash-build" not in headers
    for text in ["abc", "x" * 1000, "last"]:
        socket.send(text)
        assert socket.receive() == text[::-1]


def test_g8_a_callback_over_a_websocket_works(sockets):
    config = sockets.server.get("", Accept="text/html").body.decode()
    path = json.loads(config.split('type="application/json">')[1].split("<")[0])["websocket"]["url"]
    socket = sockets(path)
    assert socket.status == 101
    payload = json.loads(call("one", "abc"))
    message = {"type": "callback_request", "rendererId": "r", "requestId": "1", "payload": payload}
    socket.send(json.dumps(message))
    answer = json.loads(socket.receive())
    answer = answer[0] if isinstance(answer, list) else answer
    assert "ABC" in json.dumps(answer)


def test_g8_a_websocket_that_the_app_refuses_is_refused(sockets):
    assert sockets("/no-such-socket").status in (403, 404)


def test_g8_websockets_end_when_the_gateway_stops(sockets):
    socket = sockets("/echo-socket")
    socket.receive()
    assert sockets.server.process.stop() == 0
    assert socket.connection.recv(100) in (b"", b"\x88\x02\x03\xe9")


def test_g8_an_asgi_app_is_answered_as_another(apps, gateway):
    server = gateway(apps.get("asgi"))
    assert NEWEST[1:] in server.line
    assert server.call("one", "abc").value == "ABC"
    answer = server.call("one", "abc" * 1000, Accept_Encoding="gzip")
    assert answer["Content-Encoding"] == "gzip"


def test_g8_answers_of_an_asgi_app_are_kept(apps, gateway):
    server, what = gateway(apps.get("asgi"), ("one", {"timeout": "1h"})), key()
    answers = [server.call("one", what) for _ in range(2)]
    assert [answer.is_hit for answer in answers] == [False, True]
    assert {answer.value for answer in answers} == {what.upper()}


def test_g8_programs_call_a_callback_by_its_address(apps, gateway):
    app = apps.get("programs")
    server = gateway(app, ("one", {"timeout": "1h", "debounce": {"in.value": "1s"}}))
    for each in (app, server):
        body, headers = b'{"value": "abc"}', {"Content_Type": "application/json"}
        answer = each.request("POST", "/api/one", body, **headers)
        assert (answer.status, answer.json()) == (200, "ABC")


def test_g8_programs_call_callbacks_over_mcp(apps, gateway):
    # What is declared is for pages: the tool has the inputs of the app, and no others.
    app = apps.get("programs")
    server = gateway(app, ("one", {"timeout": "1h", "debounce": {"in.value": "1s"}}))
    direct, behind = mcp_session(app), mcp_session(server)
    assert behind == direct
    assert "one" in [tool["name"] for tool in behind[1]["tools"]]
    assert "ABC" in json.dumps(behind[2])


def mcp_session(server):
    """Return the results of a session that lists the tools and calls one."""
    client = {"name": "test", "version": "1"}
    hello = {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": client}
    calls = [
        ("initialize", hello),
        ("tools/list", {}),
        ("tools/call", {"name": "one", "arguments": {"value": "abc"}}),
    ]
    results, session = [], {}
    for number, (method, params) in enumerate(calls):
        body = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        headers = {
            "Content_Type": "application/json",
            "Accept": "application/json, text/event-stream",
            **session,
        }
        answer = server.request("POST", "/_mcp", json.dumps(body).encode(), **headers)
        session = {"Mcp_Session_Id": answer["Mcp-Session-Id"]}
        results.append(answer.json()["result"])
    return results
