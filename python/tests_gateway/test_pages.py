"""Pages of apps with any prefix, and what is added to them."""

from __future__ import annotations

import gzip
import re

import pytest
from support import VERSIONS, cpu, key, together

KEPT = ("one", {"timeout": "1h", "client": True})
HTML = {"Accept": "text/html,*/*"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("prefix", ["/", "/a/", "/b/", "/custom/"])
def test_apps_with_a_prefix_are_answered_and_their_pages_have_the_script(
    apps, gateway, version, prefix
):
    app = apps.get(version=version)
    server, name = gateway(app, KEPT, prefix=prefix), key()
    settings = server.settings()
    assert settings["prefix"] == prefix
    assert "one.children" in settings["client"]
    page = server.get("", **HTML).body.decode()
    script = re.search(r'<script src="([^"]*ferrodash.js)"', page)[1]
    assert script.startswith(prefix)
    assert server.request("GET", script).status == 200
    assert page.index(script) < page.index('id="_dash-renderer"')
    assert f'href="{prefix}_dash-layout"' in page.split("</head>")[0]
    assert [server.call("one", name).is_hit for _ in range(2)] == [False, True]
    assert ("mine" in page) == (prefix == "/custom/")


def test_two_apps_on_one_server_have_answers_of_their_own(app, runs, gateway):
    server, name = gateway(app, KEPT), key()
    for prefix in ["/", "/a/", "/b/"] * 2:
        server.prefix = prefix
        server.call("one", name)
        assert server.settings()["prefix"] == prefix
    assert len(runs.of(name)) == 3


def test_what_is_declared_for_another_app_of_the_server_is_no_mistake(app, gateway):
    # `next.children` is one of the app at `/`.
    server = gateway(app, KEPT, ("next", {"timeout": "1h"}))
    server.prefix = "/a/"
    assert server.settings()


def test_an_app_behind_a_server_that_removes_a_prefix_works(app, gateway):
    server, name = gateway(app, KEPT, prefix="/inside/"), key()
    page = server.get("", **HTML)
    assert page.status == 200
    assert b"/outside/_dash-layout" in page.body
    assert server.get("_dash-layout").status == 200
    assert [server.call("one", name).is_hit for _ in range(2)] == [False, True]


def test_an_app_with_pages_works(app, gateway):
    server = gateway(app, prefix="/pages/")
    assert b"_dash-renderer" in server.get("", **HTML).body
    assert b"_dash-renderer" in server.get("anything/below", **HTML).body
    assert "_pages_location.pathname" in str(server.get("_dash-dependencies").json()).replace(
        "'id': '_pages_location', 'property': '", "_pages_location."
    )


def test_a_page_with_a_policy_gets_the_script_if_it_may_load_it(app, gateway):
    server = gateway(app, KEPT, prefix="/csp/")
    page = server.get("", **HTML)
    assert b"ferrodash.js" in page.body
    assert page["Content-Security-Policy"] == "script-src 'self' 'unsafe-inline'"
    server.prefix = "/csp-none/"
    page = server.get("", **HTML)
    assert b"ferrodash.js" not in page.body
    assert page["Content-Security-Policy"] == "script-src 'nonce-abc'"
    server.process.wait_for("Content-Security-Policy forbids")
    assert server.call("one", key()).status == 200


def test_without_the_script_no_input_waits(app, gateway):
    declared = ("one", {"debounce": {"in.value": "500ms"}})
    server = gateway(app, declared, prefix="/csp/")
    server.get("", **HTML)
    assert "data-fd-value-500" in str(server.get("_dash-dependencies").json())
    server.prefix = "/csp-none/"
    server.get("", **HTML)
    assert "data-fd" not in str(server.get("_dash-dependencies").json())


def test_an_app_that_compresses_its_answers_is_read(app, gateway):
    server, name = gateway(app, KEPT, prefix="/gzip/"), key()
    browser = {"Accept_Encoding": "gzip", **HTML}
    page = server.get("", **browser)
    assert page["Content-Encoding"] == "gzip"
    assert b"ferrodash.js" in gzip.decompress(page.body)
    for path in ["_dash-layout", "_dash-dependencies"]:
        answer = server.get(path, **browser)
        assert gzip.decompress(answer.body) == app.request("GET", f"/gzip/{path}").body
    answers = [
        server.call("one", {"key": name, "do": "large", "size": 5000}, **browser) for _ in range(2)
    ]
    assert [answer.is_hit for answer in answers] == [False, True]
    assert [answer["Content-Encoding"] for answer in answers] == ["gzip", "gzip"]
    assert server.call("one", {"key": name, "do": "large", "size": 5000}).value == "x" * 5000
    assert server.call("write", key(), **browser).status == 200


def test_cookies_and_errors_of_pages_are_those_of_the_app(app, gateway):
    server = gateway(app)
    for path in ["login?user=alice", "none/of/these", "redirect", "echo"]:
        direct, passed = [each.get(path, **HTML) for each in (app, server)]
        assert passed.status == direct.status
        assert passed["Content-Type"] == direct["Content-Type"]
        assert (
            passed.all("Set-Cookie") == direct.all("Set-Cookie")
            or "session" in passed["Set-Cookie"]
        )


@pytest.mark.parametrize("version", VERSIONS)
def test_bundles_are_compressed_and_equal(apps, gateway, version):
    app = apps.get(version=version)
    server = gateway(app, prefix="/a/")
    page = app.get("full/").body.decode()
    addresses = re.findall(r'src="(/full/_dash-component-suites/dash/deps/[^"]*)"', page)[:2]
    for address in addresses:
        answer = server.request("GET", address, Accept_Encoding="gzip")
        assert answer["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.body) == app.request("GET", address).body


def test_the_renderer_of_the_newest_dash_is_repaired_and_others_are_not(apps, gateway):
    for version, is_repaired in [("d4.4.1", True), ("d2.18.2", False)]:
        app = apps.get(version=version)
        server = gateway(app, prefix="/a/")
        page = server.request("GET", "/full/", **HTML).body.decode()
        address = re.search(r'src="([^"]*dash_renderer\.v[^"]*)"', page)[1]
        assert ("?fd=" in address) == is_repaired
        stock = app.request("GET", address.split("?")[0]).body
        assert (server.request("GET", address).body != stock) == is_repaired


def test_bundles_under_any_address_cost_neither_time_nor_memory(app, gateway):
    server = gateway(app, prefix="/a/")
    page = app.get("full/").body.decode()
    address = re.search(r'src="([^"]*react-dom@[^"]*)"', page)[1]
    server.request("GET", address)
    before = cpu(server.pid)
    for count in range(5):
        server.request("GET", f"{address}?x={count}")
        server.request("GET", re.sub(r"m\d+\.min", f"m{count}.min", address))
    assert cpu(server.pid) - before < 1


def test_a_cold_bundle_is_compressed_once_for_all(app, gateway):
    page = app.get("full/").body.decode()
    address = re.search(r'src="([^"]*react-dom@[^"]*)"', page)[1]
    costs = []
    for count in [1, 10]:
        server = gateway(app, prefix="/a/")
        before = cpu(server.pid)
        together(*[lambda server=server: server.request("GET", address)] * count)
        costs.append(cpu(server.pid) - before)
    assert costs[1] < 3 * costs[0] + 0.5
