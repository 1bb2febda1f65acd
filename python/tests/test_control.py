"""``ferrodash.invalidate``, against servers that answer as the gateway does, or do not."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

import pytest

import ferrodash


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append((self.path, dict(self.headers), json.loads(body)))
        status, text = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if text:
            self.wfile.write(text.encode())

    def log_message(self, *args): ...


@pytest.fixture(params=["tcp", "unix"])
def gateway(request, tmp_path, monkeypatch):
    if request.param == "tcp":
        server = socketserver.TCPServer(("127.0.0.1", 0), Handler)
        address = f"http://127.0.0.1:{server.server_address[1]}"
    else:
        server = socketserver.UnixStreamServer(str(tmp_path / "control"), Handler)
        address = f"unix:{tmp_path / 'control'}"
    server.calls, server.answer, server.address = [], (204, ""), address
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("FERRODASH_CONTROL", address)
    monkeypatch.delenv("FERRODASH_TOKEN", raising=False)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_tags_are_sent_to_the_gateway(gateway):
    assert ferrodash.invalidate("orders", "prices") is True
    ((path, headers, body),) = gateway.calls
    assert path == "/_ferrodash/invalidate"
    assert body == {"tags": ["orders", "prices"]}
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers


def test_the_token_is_sent(gateway, monkeypatch):
    monkeypatch.setenv("FERRODASH_TOKEN", "secret\n")
    assert ferrodash.invalidate("orders")
    assert gateway.calls[0][1]["Authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [((401, "the token is wrong"), "status 401: the token is wrong"), ((302, ""), "302: Found")],
)
def test_a_refusal_is_an_error(gateway, answer, reason):
    gateway.answer = answer
    message = f"the gateway at {gateway.address} refused to invalidate with "
    with pytest.raises(ferrodash.GatewayError, match=re.escape(message)) as raised:
        ferrodash.invalidate("orders")
    assert str(raised.value).endswith(reason)


def test_a_gateway_that_is_down_is_an_error(monkeypatch, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        addresses = [f"http://127.0.0.1:{free.getsockname()[1]}", f"unix:{tmp_path}/nothing"]
        for address in addresses:
            monkeypatch.setenv("FERRODASH_CONTROL", address)
            message = f"the gateway at {address} cannot be reached: "
            with pytest.raises(ferrodash.GatewayError, match=re.escape(message)) as raised:
                ferrodash.invalidate("orders")
            assert "check that it runs" in str(raised.value)
            assert isinstance(raised.value.__cause__, OSError)


def test_a_gateway_that_does_not_answer_is_an_error(monkeypatch):
    monkeypatch.setattr("ferrodash.control._TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("FERRODASH_CONTROL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(ferrodash.GatewayError, match="timed out"):
            ferrodash.invalidate("orders")


@pytest.mark.parametrize(
    "address", ["unix:", "/run/control", "https://host", "http://host:port", "http://host/path"]
)
def test_a_wrong_address_is_an_error(monkeypatch, address):
    monkeypatch.setenv("FERRODASH_CONTROL", address)
    with pytest.raises(ferrodash.GatewayError) as raised:
        ferrodash.invalidate("orders")
    assert str(raised.value) == (
        f"FERRODASH_CONTROL is {address!r}; "
        'write "unix:/path/of/the/socket" or "http://127.0.0.1:PORT"'
    )


def test_without_a_gateway_nothing_is_sent_but_mistakes_are_found(monkeypatch):
    monkeypatch.delenv("FERRODASH_CONTROL", raising=False)
    assert ferrodash.invalidate("orders") is False
    with pytest.raises(ValueError, match=re.escape('has no tag; write ferrodash.invalidate("o')):
        ferrodash.invalidate()
    with pytest.raises(TypeError, match=re.escape("has the member ['orders']; write a text")):
        ferrodash.invalidate(["orders"])
