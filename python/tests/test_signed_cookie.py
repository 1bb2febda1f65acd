"""``ferrodash.identity``: when a response sets the cookie, and what the cookie contains."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import flask
import pytest
from dash import Dash, html

import ferrodash

SECRET = "a secret of this test"


@pytest.fixture
def app():
    app = Dash(__name__)
    app.layout = html.Div()
    app.server.testing = True
    ferrodash.identity(app, lambda: flask.request.headers.get("Who"), secret=SECRET)
    return app


def cookies(response):
    return response.headers.getlist("Set-Cookie")


def test_the_cookie_is_the_signed_name(app):
    (cookie,) = cookies(app.server.test_client().get("/", headers={"Who": "jürgen"}))
    value, *attributes = cookie.split("; ")
    name, signature = value.replace("ferrodash_identity=", "").split(".")
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Lax"]
    assert base64.urlsafe_b64decode(name + "==").decode() == "jürgen"
    text = b"ferrodash identity v1\0" + "jürgen".encode()
    assert base64.urlsafe_b64decode(signature + "==") == (
        hmac.new(SECRET.encode(), text, hashlib.sha256).digest()
    )
    assert "=" not in name + signature


def test_the_value_is_the_one_that_the_gateway_reads():
    assert ferrodash.signed_cookie.signed("alice", b"secret") == (
        "YWxpY2U.iR02Egoh6DOB7ZE2P5mQoBZQ4dx40QgLS6rO-oGIfiA"
    )


def test_a_cookie_is_set_only_if_it_changes(app):
    client = app.server.test_client()
    assert len(cookies(client.get("/_dash-layout", headers={"Who": "alice"}))) == 1
    assert cookies(client.get("/_dash-layout", headers={"Who": "alice"})) == []
    assert len(cookies(client.get("/_dash-layout", headers={"Who": "bob"}))) == 1
    (deleted,) = cookies(client.get("/_dash-layout"))
    assert deleted.startswith("ferrodash_identity=; Expires=Thu, 01 Jan 1970")
    assert cookies(client.get("/_dash-layout")) == []


@pytest.mark.parametrize("forged", ["YWxpY2U.AAAA", "", "ü", "YWxpY2U"])
def test_a_forged_cookie_is_replaced(app, forged):
    client = app.server.test_client()
    client.set_cookie("ferrodash_identity", forged)
    (cookie,) = cookies(client.get("/_dash-layout", headers={"Who": "alice"}))
    assert cookie.startswith("ferrodash_identity=YWxpY2U.")
    assert "AAAA" not in cookie


def test_the_cookie_of_an_https_page_is_secure(app):
    client = app.server.test_client()
    response = client.get("/", headers={"Who": "alice"}, base_url="https://localhost")
    assert "Secure" in cookies(response)[0]


def test_a_server_a_name_and_the_environment_can_be_used(monkeypatch):
    monkeypatch.setenv("FERRODASH_SECRET", SECRET)
    server = flask.Flask(__name__)
    server.add_url_rule("/", view_func=lambda: "page")
    ferrodash.identity(server, lambda: "alice", cookie="visitor")
    (cookie,) = cookies(server.test_client().get("/"))
    expected = ferrodash.signed_cookie.signed("alice", SECRET.encode())
    assert cookie.startswith(f"visitor={expected};")


def test_mistakes_are_refused(app, monkeypatch):
    monkeypatch.delenv("FERRODASH_SECRET", raising=False)
    message = (
        "ferrodash.identity has no secret; "
        "set the environment variable FERRODASH_SECRET or write secret=..."
    )
    for secret in (None, "", b""):
        with pytest.raises(ValueError, match=re.escape(message)):
            ferrodash.identity(app, lambda: None, secret=secret)
    message = (
        "ferrodash.identity was called with 'app'; "
        "call it with a Dash app that has a Flask server, or with the server"
    )
    with pytest.raises(TypeError, match=re.escape(message)):
        ferrodash.identity("app", lambda: None, secret=SECRET)
    ferrodash.identity(app, lambda: 5, secret=SECRET)
    message = "the function of ferrodash.identity returned 5; return a text or None"
    with pytest.raises(TypeError, match=re.escape(message)):
        app.server.test_client().get("/")
