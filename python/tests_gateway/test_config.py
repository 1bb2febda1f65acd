"""G15: a configuration that cannot be right is refused, and an app that changes is followed."""

from __future__ import annotations

import contextlib
import re
import signal
import socket

import pytest
import support
from support import LIST, PAGE, BadServer, answer, call, configuration, eventually, key

UP = 'upstreams = ["http://127.0.0.1:1"]\n'
CALLBACK = UP + '[[callback]]\noutput = "one.children"\n'

MISTAKES = [
    # The text, the line, and what is said about it.
    (UP + "runing = 3\n", 2, "did you mean `running`"),
    (CALLBACK + 'timeot = "5m"\n', 4, "did you mean `timeout`"),
    (CALLBACK + 'timeout = "5 parsecs"\n', 4, "is not a duration; write a number with a unit"),
    (CALLBACK + 'timeout = "0s"\n', 4, "is no time"),
    (CALLBACK + 'timeout = "11 years"\n', 4, "longer than ten years"),
    (CALLBACK + "timeout = 5\n", 4, "string"),
    (CALLBACK + 'timeout = "-5m"\n', 4, "is not a duration"),
    (CALLBACK + 'debounce = { "in.value" = "fast" }\n', 4, "is not a duration"),
    (CALLBACK + 'timeout = "1m"\nvary = ["lang"]\n', 5, "cookie:NAME"),
    (CALLBACK + 'timeout = "1m"\nvary = ["header:no good"]\n', 5, "header:NAME"),
    (CALLBACK + 'timeout = "1m"\nidentity = ["signed:x"]\n', 5, "secret"),
    (CALLBACK + 'timeout = "1m"\nshared = true\nidentity = ["cookie:x"]\n', 6, "shared"),
    (CALLBACK + 'timeout = "1m"\nclient = "soon"\n', 5, "is not a duration"),
    (CALLBACK + "client = true\n", 3, 'add timeout = "5m"'),
    (CALLBACK + "shared = true\n", 3, 'add timeout = "5m"'),
    (CALLBACK + "trigger = false\n", 3, 'add timeout = "5m"'),
    (CALLBACK + 'max_wait = "1s"\n', 4, "debounce"),
    (CALLBACK, 3, "nothing"),
    (CALLBACK + CALLBACK[len(UP) :], 5, "declared twice"),
    (UP + 'memory = "64"\n', 2, "is not a size"),
    (UP + 'memory = "64 lightyears"\n', 2, "is not a size"),
    (UP + 'secret = "short"\n', 2, "openssl rand -hex 32"),
    (UP + 'secret = "env:NO_SUCH_NAME"\n', 2, "NO_SUCH_NAME"),
    (UP + 'build = "env:NO_SUCH_NAME"\n', 2, "NO_SUCH_NAME"),
    (UP + "running = 0\n", 2, "running"),
    (UP + "waiting = -1\n", 2, "-1"),
    (UP + 'guard = "auth"\n', 2, "is not a path"),
    (UP + 'prefix = "/a"\n', 2, '"/a/"'),
    (UP + 'listen = "nonsense"\n', 2, "listen"),
    (UP + 'cache = "redsi://localhost"\n', 2, "redis"),
    (UP + '[control]\ntoken = "x"\n', 3, "openssl"),
    (UP + '[control]\nsocket = "relative.sock"\n', 3, "is not a path"),
    ('upstreams = ["ftp://127.0.0.1"]\n', 1, "its scheme is not http"),
    ('upstreams = ["127.0.0.1:80"]\n', 1, "http://HOST:PORT"),
    ('upstreams = ["http://127.0.0.1:99999"]\n', 1, "is not a server of the app"),
    ('upstreams = ["unix:relative"]\n', 1, "begins with a slash"),
    ('upstreams = ["http://a/path"]\n', 1, "it has a path"),
    ("upstreams = []\n", 0, "no server of the app"),
    ('[run]\napp = "app"\n', 2, "MODULE:NAME"),
    ('[run]\napp = "app:server"\nworkers = 0\n', 3, "at least one"),
    (UP + "this is no toml\n", 2, ""),
]


@pytest.mark.parametrize(
    ("text", "line", "said"), MISTAKES, ids=[text.splitlines()[-1][:40] for text, *_ in MISTAKES]
)
def test_g15_a_mistake_is_named_with_its_line(start, tmp_path, text, line, said):
    (tmp_path / "f.toml").write_text(text)
    process = start("gateway", "--config", "f.toml")
    assert eventually(lambda: process.popen.poll() is not None, "the refusal", within=5)
    assert process.wait() == 1
    assert not line or f"f.toml:{line}: " in process.text(), process.text()
    assert said in process.text(), process.text()


def test_g15_all_mistakes_are_named_at_once(start, tmp_path):
    (tmp_path / "f.toml").write_text(
        UP + 'memory = "1"\nsecret = "x"\n[[callback]]\noutput = "a.b"\ntimeout = "x"\n'
    )
    process = start("gateway", "--config", "f.toml")
    assert process.wait() == 1
    assert "f.toml has 3 mistakes" in process.text()
    assert [int(line) for line in re.findall(r"f.toml:(\d+): ", process.text())] == [2, 3, 6]


@pytest.mark.parametrize(
    ("declared", "line", "said"),
    [
        (("one.childern", {"timeout": "1m"}), 5, 'did you mean "one.children"'),
        (("nothing.like", {"timeout": "1m"}), 5, "see _dash-dependencies"),
        (("one", {"debounce": {"in.vale": "1s"}}), 5, 'did you mean "in.value"'),
        (("one", {"debounce": {"other.value": "1s"}}), 5, "its inputs are in.value"),
        (("one", {"debounce": {"in.value": "1s"}, "throttle": {"in.value": "1s"}}), 5, "in.value"),
        (("one", {"debounce": {"in.value": "1s"}, "max_wait": "10ms"}), 5, "in.value"),
    ],
)
def test_g15_what_the_app_does_not_have_is_named_with_its_line(
    app, start, tmp_path, declared, line, said
):
    (tmp_path / "f.toml").write_text(configuration([app.upstream], [declared]))
    for check in [[], ["--check"]]:
        process = start("gateway", "--config", "f.toml", *check)
        assert process.wait() == 1
        assert f"f.toml:{line}: " in process.text(), process.text()
        assert said in process.text(), process.text()


@pytest.mark.parametrize(
    ("version", "is_refused"), [("2.16.1", True), ("2.17.0", True), ("2.17.1", False)]
)
def test_g15_waits_are_refused_if_dash_is_too_old(
    start, tmp_path, monkeypatch, version, is_refused
):
    monkeypatch.setattr(support, "PAGE", PAGE.replace(b"0.0.0", version.encode()))
    with contextlib.closing(BadServer()) as app:
        for declared in ({"timeout": "1m"}, {"debounce": {"in.value": "1s"}}):
            (tmp_path / "f.toml").write_text(configuration([app.address], [("one", declared)]))
            process = start("gateway", "--config", "f.toml", "--check")
            assert process.wait() == int(is_refused and "debounce" in declared)
    assert (
        f"one.children has an input that waits, and this app has Dash {version}" in process.text()
    ) == is_refused


def test_g15_inputs_do_not_wait_if_dash_turns_out_to_be_too_old(gateway, monkeypatch):
    # The page that the gateway sees at its start does not have the version.
    monkeypatch.setattr(support, "PAGE", PAGE.replace(b',"dash_version":"0.0.0"', b""))
    with contextlib.closing(BadServer()) as app:
        declared = {"timeout": "1m", "client": True, "debounce": {"in.value": "1s"}}
        server = gateway([app.address], ("one", declared))
        for version, waits in (("2.17.1", True), ("2.17.0", False)):
            page = PAGE.replace(b"0.0.0", version.encode())
            monkeypatch.setattr(support, "PAGE", page)
            page = server.get("", Accept="text/html")
            assert (b"_ferrodash/" in page.body) == waits
            assert (b"data-fd-" in server.get("_dash-dependencies").body) == waits
        eventually(
            lambda: "inputs that wait need Dash 2.17.1" in server.process.text(),
            "a line in the log",
        )


def test_g15_a_configuration_that_is_right_is_told_so(app, start, tmp_path):
    (tmp_path / "f.toml").write_text(configuration([app.upstream], [("one", {"timeout": "1m"})]))
    assert start("gateway", "--config", "f.toml", "--check").wait() == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "there is no server of the app"),
        (["--config", "no.toml"], "no.toml"),
        (["--upstream", "nonsense"], "http://HOST:PORT"),
        (["--upstream", "http://127.0.0.1:1", "--listen", "nonsense"], "nonsense"),
    ],
)
def test_g15_arguments_that_are_wrong_are_refused(start, arguments, said):
    process = start("gateway", *arguments)
    assert eventually(lambda: process.popen.poll() is not None, "the refusal", within=5)
    assert process.wait() == 1
    assert said in process.text()


def test_g15_an_address_in_use_is_named(app, start):
    with socket.create_server(("127.0.0.1", 0)) as used:
        address = f"127.0.0.1:{used.getsockname()[1]}"
        process = start("gateway", "--upstream", app.upstream, "--listen", address)
        assert process.wait() == 1
        assert address in process.text()


def test_g15_a_socket_in_use_is_named_and_a_file_stays(app, gateway, start, tmp_path):
    socket_of = lambda path: f'[control]\nsocket = "{path}"'  # noqa: E731
    gateway(app, tables=socket_of(tmp_path / "c.sock"))
    precious = tmp_path / "precious"
    precious.write_text("text")
    for path in [tmp_path / "c.sock", precious]:
        (tmp_path / "f.toml").write_text(configuration([app.upstream], tables=socket_of(path)))
        process = start("gateway", "--config", "f.toml")
        eventually(
            lambda process=process: process.popen.poll() is not None, "the refusal", within=5
        )
        assert str(path) in process.text()
    assert precious.read_text() == "text"


class Changing(BadServer):
    """An app whose list of callbacks changes while it runs."""

    def __init__(self):
        super().__init__(lambda connection, _request: connection.sendall(answer(self.reply)))
        self.list = LIST
        self.reply = b'{"multi":true,"response":{"one":{"children":"old"}}}'

    def serve(self, connection):
        support.LIST = self.list
        super().serve(connection)


@pytest.fixture
def changing(monkeypatch):
    monkeypatch.setattr(support, "LIST", LIST)
    app = Changing()
    yield app
    app.close()


def test_g15_an_app_whose_callbacks_change_is_followed(changing, gateway):
    server = gateway([changing.address], ("one", {"timeout": "1h", "client": True}))
    old = server.settings()
    assert server.call("one", "x").value == "old"
    changing.list = LIST.replace(b'"one.children"', b'"new.children"')
    server.get("_dash-dependencies")
    new = server.settings()
    assert new["build"] != old["build"]
    assert list(new["client"]) == []
    server.process.wait_for("no callback")
    ours = {"X_Ferrodash_Build": old["build"]}
    assert server.call("one", "x", **ours).status == 410
    assert server.call("one", "x", **ours)["X-Ferrodash-Build"] == new["build"]
    changing.reply = changing.reply.replace(b"old", b"new")
    assert server.call("one", "x").value == "new"


def test_g15_an_app_whose_inputs_change_is_never_answered_with_the_old(changing, gateway):
    server = gateway([changing.address], ("one", {"timeout": "1h"}))
    assert [server.call("one", "x").is_hit for _ in range(2)] == [False, True]
    changing.list = LIST.replace(b'"in"', b'"other"', 1)
    server.get("_dash-dependencies")
    changed = call("one", "x").replace(b'"in"', b'"other"')
    assert not server.call("", changed).is_hit


def test_g15_a_list_that_differs_by_visitor_does_not_make_pages_stale(changing, gateway):
    server = gateway([changing.address], ("one", {"timeout": "1h", "client": True}))
    lists = {"alice": LIST, "bob": LIST.replace(b'"write.children"', b'"secret.children"')}
    builds = {}
    for user in ["alice", "bob", "alice"]:
        changing.list = lists[user]
        server.get("_dash-dependencies", Cookie=f"user={user}")
        settings = server.settings()
        builds[user] = settings["build"]
    changing.list = lists["bob"]
    server.get("_dash-dependencies", Cookie="user=bob")
    told = server.call("one", "x", X_Ferrodash_Build=builds["alice"], Cookie="user=alice")
    assert told["X-Ferrodash-Build"] is None


def test_g16_after_sighup_a_gateway_serves_nothing_old(app, gateway):
    server, name = gateway(app, ("one", {"timeout": "1h"})), key()
    assert [server.call("one", name).is_hit for _ in range(2)] == [False, True]
    server.process.send(signal.SIGHUP)
    eventually(lambda: not server.call("one", name).is_hit, "another version")
