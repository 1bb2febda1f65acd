"""G6: two visitors never share, unless that is declared."""

from __future__ import annotations

import json

import pytest
from support import SECRET, Server, call, key

KEPT = ("one", {"timeout": "1h"})
SHARED = ("one", {"timeout": "1h", "shared": True})


def sign_in(server, query):
    """Return the cookies of a visitor who has signed in."""
    return server.get(f"login?{query}").cookies()


def test_g6_two_visitors_with_the_same_inputs_never_share(app, runs, gateway):
    server, name = gateway(app, KEPT), key()
    cookies = {user: sign_in(server, f"user={user}") for user in ["alice", "bob"]}
    for user in ["alice", "bob"] * 2:
        assert server.call("one", name, Cookie=cookies[user]).value == f"{name} of {user}"
    assert server.call("one", name).value == f"{name} of nobody"
    assert len(runs.of(name)) == 3
    who = [{"Authorization": "Bearer 1"}, {"Authorization": "Bearer 2"}, {"Cookie": "Bearer 1"}]
    assert not any(server.call("one", name, **headers).is_hit for headers in who)


def test_g6_a_shared_call_reaches_the_app_as_nobodys(app, runs, gateway):
    server, name = gateway(app, SHARED), key()
    personal = {
        "Cookie": sign_in(server, "user=alice"),
        "Authorization": "Bearer secret",
        "Proxy_Authorization": "Basic secret",
        "X_Forwarded_For": "203.0.113.9",
        "Forwarded": "for=203.0.113.9",
        "User_Agent": "a browser",
        "Accept_Language": "de",
        "Referer": "http://localhost/secret",
        "Origin": "http://localhost",
        "X_CSRFToken": "secret",
    }
    assert server.call("one", name, **personal).value == f"{name} of nobody"
    assert server.call("one", name).is_hit
    (run,) = runs.of(name)
    left = {header.replace("_", "-").lower() for header in personal} & run["headers"].keys()
    assert not left


@pytest.mark.parametrize(
    "header",
    [
        "X-Real-IP",
        "X-Forwarded-User",
        "X-Forwarded-Email",
        "X-Remote-User",
        "Remote-User",
        "X-Api-Key",
    ],
)
def test_g6_headers_by_which_proxies_name_the_visitor_do_not_reach_a_shared_call(
    app, runs, gateway, header
):
    server, name = gateway(app, SHARED), key()
    server.call("one", name, **{header: "alice"})
    assert header.lower() not in runs.of(name)[0]["headers"]


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-User", "X-Forwarded-Preferred-Username", "X-Remote-User", "X-Auth-Request-User"],
)
def test_g6_visitors_whom_a_proxy_names_never_share(app, gateway, header):
    server, name = gateway(app, KEPT), key()
    hits = [server.call("one", name, **{header: user}).is_hit for user in ["alice", "bob", "bob"]]
    assert hits == [False, False, True]


@pytest.mark.parametrize(
    "header",
    [
        "X-Request-Id",
        "Traceparent",
        "Sentry-Trace",
        "Baggage",
        "Cf-Ray",
        "X-Amz-Cf-Id",
        "X-B3-TraceId",
    ],
)
def test_g6_headers_with_a_number_for_each_request_do_not_end_hits(app, gateway, header):
    server, name = gateway(app, KEPT), key()
    hits = [server.call("one", name, **{header: number}).is_hit for number in "12"]
    assert hits == [False, True]


def test_g6_an_expired_session_behind_a_guard_gets_no_hit(app, runs, gateway):
    server, name = gateway(app, KEPT, guard="/guard"), key()
    user = f"user-{name}"
    cookie = sign_in(server, f"user={user}")
    assert [server.call("one", name, Cookie=cookie).is_hit for _ in range(3)] == [False, True, True]
    runs.release(f"expired-{user}")
    assert not server.call("one", name, Cookie=cookie).is_hit
    assert not server.call("one", name).is_hit
    assert not server.call("one", name).is_hit
    runs.withdraw(f"expired-{user}")
    assert server.call("one", name, Cookie=cookie).is_hit


def test_g6_a_guard_is_not_asked_for_what_is_shared(app, gateway):
    server, name = gateway(app, SHARED, guard="/guard"), key()
    assert [server.call("one", name).is_hit for _ in range(2)] == [False, True]


def test_g6_a_permanent_session_that_signs_its_cookie_anew_hits_with_a_signed_identity(
    signed_app, gateway
):
    parts = {"identity": ["signed:ferrodash_identity"], "secret": SECRET}
    server, name = gateway(signed_app, KEPT, **parts), key()
    jars = {}
    for user in ["alice", "bob"]:
        jars[user] = Jar(server, f"permanent&user={user}&signed={user}")
        # The first answer renews the session, so it is not kept.
        jars[user].call(name)
    assert len(signed_app.runs.of(name)) == 2
    assert jars["alice"].cookies["ferrodash_identity"] != jars["bob"].cookies["ferrodash_identity"]
    for user, jar in jars.items():
        assert jar.call(name).value == f"{name} of {user}"
    stolen = jars["alice"].cookies["ferrodash_identity"].replace("YWxpY2U", "Ym9i")
    assert (
        server.call("one", name, Cookie=f"ferrodash_identity={stolen}").value == f"{name} of nobody"
    )


def test_g6_a_signed_identity_hits(signed_app, gateway):
    parts = {"identity": ["signed:ferrodash_identity"], "secret": SECRET}
    server, name = gateway(signed_app, KEPT, **parts), key()
    jars = {user: Jar(server, f"user={user}&signed={user}") for user in ["alice", "bob"]}
    for _ in range(3):
        assert {user: jar.call(name).value for user, jar in jars.items()} == {
            user: f"{name} of {user}" for user in jars
        }
    assert len(signed_app.runs.of(name)) == 2


class Jar:
    """A browser with its cookies."""

    def __init__(self, server: Server, query: str):
        self.server, self.cookies = server, {}
        self.take(server.get(f"login?{query}"))

    def take(self, answer):
        for cookie in answer.all("Set-Cookie"):
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer

    def call(self, name):
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return self.take(self.server.call("one", name, Cookie=cookies))


def test_g6_a_permanent_session_hits_with_a_part_of_its_own(app, gateway):
    server, name = gateway(app, KEPT, identity=["cookie:user"]), key()
    cookies = [f"session=changes-{count}; user=alice" for count in range(3)]
    cookies += ["session=changes-0; user=bob", "session=changes-0"]
    hits = [server.call("one", name, Cookie=cookie).is_hit for cookie in cookies]
    assert hits == [False, True, True, False, False]


def raw_call(server, name, *headers):
    """Call with header lines of any bytes."""
    body = call("one", name)
    lines = [b"POST /_dash-update-component HTTP/1.1", b"Host: localhost", b"Connection: close"]
    lines += [b"Content-Type: application/json", b"Content-Length: %d" % len(body), *headers]
    return server.raw(b"\r\n".join(lines) + b"\r\n\r\n" + body, end=b"}}}")


@pytest.mark.parametrize(
    ("parts", "alice", "bob"),
    [
        (
            ["cookie:session"],
            "name=José; session=alice".encode(),
            "name=José; session=bob".encode(),
        ),
        (["cookie:session"], "session=José".encode(), "session=Josè".encode()),
        (None, b"session=\xe9", b"session=\xe8"),
    ],
)
def test_g6_cookies_that_are_not_ascii_tell_visitors_apart(app, runs, gateway, parts, alice, bob):
    server, name = gateway(app, KEPT, identity=parts), key()
    for _ in range(2):
        raw_call(server, name, b"Cookie: " + alice)
    assert len(runs.of(name)) == 1
    raw_call(server, name, b"Cookie: " + bob)
    assert len(runs.of(name)) == 2


def test_g6_cookies_in_two_lines_reach_the_app_as_one(app, runs, gateway):
    # HTTP/2 clients write them so (RFC 9113, section 8.2.3), and WSGI would join them by commas.
    server, name = gateway(app), key()
    raw_call(server, name, b"Cookie: a=1", b"Cookie: lang=en")
    assert runs.of(name)[0]["headers"]["cookie"] == "a=1; lang=en"


def test_g6_pages_of_two_visitors_have_scopes_of_their_own(app, gateway):
    server = gateway(app, ("one", {"timeout": "1h", "client": True}), identity=["cookie:user"])
    scopes = [
        server.get("_ferrodash/changes?since=.0", Cookie=f"user={user}").json()["scopes"]
        for user in ["alice", "bob", "alice"]
    ]
    assert scopes[0] == scopes[2] != scopes[1]
    keep = [
        json.loads(server.call("one", "x", Cookie=f"user={user}")["X-Ferrodash-Keep"])
        for user in ["alice", "bob"]
    ]
    assert [each["scope"] for each in keep] == [scopes[0][0], scopes[1][0]]


def test_g6_answers_depend_on_the_host_that_they_name(app, gateway):
    server, name = gateway(app, KEPT), key()
    hosts = ["one.example", "two.example"]
    assert not any(server.call("one", name, Host=host).is_hit for host in hosts)


def test_g6_an_identity_that_is_not_signed_is_nobodys(signed_app, gateway):
    parts = {"identity": ["signed:ferrodash_identity"], "secret": SECRET}
    server, name = gateway(signed_app, KEPT, **parts), key()
    for cookie in ["", "x", "YWxpY2U.", "YWxpY2U.AAAA", "." * 10]:
        answer = server.call("one", name, Cookie=f"ferrodash_identity={cookie}")
        assert answer.value == f"{name} of nobody"
        assert not answer.is_hit


def test_g6_one_visitor_with_a_wrong_cookie_does_not_end_the_hits_of_others(signed_app, gateway):
    parts = {"identity": ["signed:ferrodash_identity"], "secret": SECRET}
    server, name = gateway(signed_app, KEPT, **parts), key()
    # The app removes the wrong cookie, so that answer is not kept. Those of the others are.
    server.call("one", name, Cookie="ferrodash_identity=wrong")
    assert [server.call("one", name).is_hit for _ in range(3)] == [False, True, True]
