"""G3 and G16: what is declared is answered from the cache, and nothing old is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import SECRET, VERSIONS, call, configuration, eventually, key, together

KEPT = ("one", {"timeout": "1h"})
# Answers may have addresses of their host in them, so gateways share those of one host only.
HOST = {"Host": "app.example"}


@pytest.mark.parametrize("version", VERSIONS)
def test_g3_fifty_equal_cold_calls_are_one_run(apps, gateway, version):
    app = apps.get(version=version)
    server, name, hold = gateway(app, KEPT), key(), key()
    what = {"key": name, "hold": hold}

    def release():
        app.runs.wait_for(name)
        app.runs.release(hold)

    *answers, _ = together(*[lambda: server.call("one", what)] * 50, release)
    assert {each.value for each in answers} == {f"{name} of nobody"}
    assert server.call("one", what).is_hit
    assert len(app.runs.of(name)) == 1


def test_g3_two_gateways_over_one_redis_are_one_run(app, runs, gateway, redis):
    shared = {"cache": redis, "secret": SECRET, "build": key()}
    servers, name, hold = [gateway(app, KEPT, **shared) for _ in range(2)], key(), key()
    what = {"key": name, "hold": hold}

    def release():
        runs.wait_for(name)
        runs.release(hold)

    calls = [lambda server=server: server.call("one", what, **HOST) for server in servers * 10]
    *answers, _ = together(*calls, release)
    assert {each.value for each in answers} == {f"{name} of nobody"}
    assert all(server.call("one", what, **HOST).is_hit for server in servers)
    assert len(runs.of(name)) == 1


def test_g3_an_answer_that_is_not_declared_is_never_kept(app, runs, gateway):
    server, name = gateway(app, KEPT), key()
    for _ in range(3):
        assert server.call("write", name)["Cache-Status"] is None
    assert len(runs.of(name)) == 3


def test_g3_other_inputs_and_states_are_other_answers(app, runs, gateway):
    server, name = gateway(app, ("slow", {"timeout": "1h"}), ("other", {"timeout": "1h"})), key()
    for data in ["", "x", "xx", "x"]:
        server.call("slow", name, data)
    assert [run["more"] for run in runs.of(name)] == [[0], [1], [2]]
    name = key()
    for second, changed in [(1, ()), (2, ()), (1, ["second.value"]), (1, ())]:
        server.call("other", name, second, changed=changed)
    assert len(runs.of(name)) == 3


def test_g3_an_answer_past_its_timeout_is_asked_for_again(app, runs, gateway):
    server, name = gateway(app, ("one", {"timeout": "300ms"})), key()
    server.call("one", name)
    eventually(lambda: not server.call("one", name).is_hit, "the end of the answer")
    assert len(runs.of(name)) == 2


def test_g3_a_stale_answer_is_served_while_one_call_gets_a_new_one(app, runs, gateway):
    declared = ("one", {"timeout": "100ms", "stale_while_revalidate": "1h"})
    server, name, hold = gateway(app, declared), key(), key()
    what = {"key": name, "hold": hold, "tick": True}
    runs.release(hold)
    first = server.call("one", what).value
    runs.withdraw(hold)
    eventually(lambda: server.call("one", what) and len(runs.of(name)) > 1, "a second run")
    # The second run is held, and nobody waits for it.
    assert [server.call("one", what).value for _ in range(5)] == [first] * 5
    assert len(runs.of(name)) == 2
    runs.release(hold)
    eventually(lambda: server.call("one", what).value != first, "the new answer")


def test_g3_a_page_with_a_stale_answer_waits_for_a_fresh_one(app, gateway):
    declared = ("one", {"timeout": "100ms", "stale_while_revalidate": "1h"})
    server, name = gateway(app, declared), key()
    first = server.call("one", {"key": name, "tick": True}).value
    fresh = lambda: server.call("one", {"key": name, "tick": True}, Cache_Control="max-age=0").value  # noqa: E731
    eventually(lambda: fresh() != first, "a fresh answer")


def test_g3_a_stale_answer_is_served_if_the_callback_fails(app, runs, gateway):
    declared = ("one", {"timeout": "50ms", "stale_if_error": "1h"})
    server, name, broken = gateway(app, declared), key(), key()
    what = {"key": name, "fail_if": broken}
    assert server.call("one", what).status == 200
    runs.release(broken)
    eventually(lambda: server.call("one", what) and len(runs.of(name)) > 1, "a run that fails")
    assert server.call("one", what).value == f"{name} of nobody"
    assert server.call("one", {"key": key(), "fail_if": broken}).status == 500


def test_g3_a_failure_is_kept_if_that_is_declared(app, runs, gateway):
    declared = [("one", {"timeout": "1h", "negative": "1h"}), ("slow", {"timeout": "1h"})]
    server, name = gateway(app, *declared), key()
    failures = [server.call("one", {"key": name, "do": "error"}) for _ in range(3)]
    assert [each.status for each in failures] == [500] * 3
    assert failures[0].body == failures[2].body
    assert failures[0]["Content-Type"] == failures[2]["Content-Type"]
    assert len(runs.of(name)) == 1
    for _ in range(3):
        server.call("slow", {"key": name, "do": "error"})
    assert len(runs.of(name)) == 4


def test_g3_tags_are_invalidated_over_the_socket_and_with_a_token(app, gateway):
    tagged = [("one", {"timeout": "1h", "tags": ["orders"]}), ("slow", {"timeout": "1h"})]
    control = f'[control]\nsocket = "{app.control}"\ntoken = "{SECRET}"'
    server, name = gateway(app, *tagged, tables=control), key()

    def invalidate(body=b'{"tags": ["orders"]}', token=SECRET):
        return server.request(
            "POST", "/_ferrodash/invalidate", body, Authorization=token and f"Bearer {token}"
        ).status

    def ask_both():
        return [server.call(output, name).is_hit for output in ["one", "slow"]]

    assert ask_both() == [False, False]
    assert ask_both() == [True, True]
    # As `ferrodash.invalidate` of the Python package does it, within the app.
    assert server.get("invalidate/orders").body == b"True"
    assert ask_both() == [False, True]
    assert invalidate() == 204
    assert ask_both() == [False, True]
    assert invalidate(b'{"all": true}') == 204
    assert ask_both() == [False, False]
    assert [invalidate(token=wrong) for wrong in [None, "wrong", SECRET[:-1]]] == [403] * 3
    assert invalidate(b'{"tag": "orders"}') == 422
    assert ask_both() == [True, True]
    assert oct(Path(app.control).stat().st_mode)[-3:] == "600"


def test_g3_there_is_no_address_for_invalidations_unless_declared(app, gateway):
    server = gateway(app, KEPT)
    body = b'{"all": true}'
    assert server.request("POST", "/_ferrodash/invalidate", body).status == 404


def test_g3_a_callback_that_writes_invalidates_when_it_succeeds(app, gateway):
    kept = ("one", {"timeout": "1h", "tags": ["orders"]})
    server, name = gateway(app, kept, ("write", {"invalidates": ["orders"]})), key()
    server.call("one", name)
    assert server.call("write", {"key": key(), "do": "error"}).status == 500
    assert server.call("one", name).is_hit
    for how in [{}, {"do": "prevent"}]:
        server.call("write", {"key": key(), **how})
        assert not server.call("one", name).is_hit
        assert server.call("one", name).is_hit


def test_g3_a_long_call_that_writes_invalidates_too(app, gateway):
    kept = ("one", {"timeout": "1h", "tags": ["orders"]})
    server, name = gateway(app, kept, ("write", {"invalidates": ["orders"]})), key()
    server.call("one", name)
    upload = {"key": key(), "contents": "x" * (2 << 20)}
    assert server.call("write", upload).status == 200
    assert not server.call("one", name).is_hit


def test_g3_a_call_with_a_long_state_and_an_input_that_waits_is_understood(app, runs, gateway):
    server = gateway(app, ("slow", {"debounce": {"in.value": "500ms"}}))
    name, data = key(), "x" * (2 << 20)
    carried = call("slow", name, data).replace(
        b'"inputs":[{"id":"in","property":"value","value":"%s"}]' % name.encode(),
        b'"inputs":[{"id":"in","property":"data-fd-value-500","value":1}]',
    )
    real = b',{"id":"in","property":"value","value":"%s"}]}' % name.encode()
    assert server.call("slow", carried[: carried.rindex(b"]")] + real).value.startswith(name)
    assert runs.of(name)[0]["more"] == [len(data)]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    ("part", "headers"),
    [("cookie:lang", {"Cookie": "lang="}), ("header:x-lang", {"X-Lang": ""})],
)
def test_g3_what_an_answer_varies_by_reaches_the_app(app, runs, gateway, shared, part, headers):
    declared = {"timeout": "1h", "vary": [part], "shared": shared}
    server, name = gateway(app, ("one", declared)), key()
    (header, start), *_ = headers.items()
    values = [server.call("one", name, **{header: start + lang}).value for lang in ["en", "de"] * 2]
    assert values == [f"{name} of nobody en", f"{name} of nobody de"] * 2
    assert len(runs.of(name)) == 2


def test_g3_what_a_decorator_declares_is_kept(app, gateway):
    server, name = gateway(app), key()
    assert "1 cached" in server.line
    assert [server.call("next", name).is_hit for _ in range(2)] == [False, True]
    assert "ferrodash" not in str(server.get("_dash-dependencies").json())


def test_g3_a_call_that_names_a_part_twice_does_not_take_the_key_of_another(app, gateway):
    server, name, evil = gateway(app, ("one", {"timeout": "1h", "shared": True})), key(), key()
    body = call("one", name)
    twice = body[:-1] + b"," + call("one", evil)[1:]
    server.call("one", twice)
    assert server.call("one", name).value == f"{name} of nobody"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # `ctx.triggered_id` is the first of them.
        (["in.value", "second.value"], ["second.value", "in.value"]),
        # Python takes the keys of an object for a list.
        ({"evil.value": 1}, []),
        ([1], []),
    ],
)
def test_g3_what_caused_a_call_is_not_taken_for_something_else(app, runs, gateway, first, second):
    server, name = gateway(app, ("other", {"timeout": "1h", "shared": True})), key()
    for changed in (first, second):
        body = call("other", name, 1).replace(
            b'"changedPropIds":[]', b'"changedPropIds":' + json.dumps(changed).encode()
        )
        server.call("", body)
    assert len(runs.of(name)) == 2


def test_g3_without_the_trigger_the_app_does_not_see_one_that_is_not_its_own(app, runs, gateway):
    server, name = gateway(app, ("one", {"timeout": "1h", "shared": True})), key()
    server.call("one", name, changed=["evil.value"])
    assert "evil.value" not in runs.of(name)[0]["triggered"]


def test_g3_what_a_query_adds_does_not_change_the_answer_of_others(app, gateway):
    server, name = gateway(app, ("one", {"timeout": "1h", "shared": True})), key()
    server.call("one", name, query="?endId=abc&evil=1")
    assert server.call("one", name, query="?endId=def").value == f"{name} of nobody"
    name = key()
    server.call("one", name, query="?endId=abc")
    assert server.call("one", name, query="?endId=def").is_hit


def test_g16_with_redis_each_start_without_a_build_is_a_version(app, gateway, redis):
    name, shared = key(), {"cache": redis, "secret": SECRET}
    for _ in range(2):
        server = gateway(app, KEPT, **shared)
        assert not server.call("one", name, **HOST).is_hit
    assert server.call("one", name, **HOST).is_hit


def test_g16_with_redis_another_build_has_none_of_the_answers(app, gateway, redis):
    name, shared, build = key(), {"cache": redis, "secret": SECRET}, key()
    hits = []
    for version in [build, build, build + "2"]:
        server = gateway(app, KEPT, build="env:GIT_SHA", environment={"GIT_SHA": version}, **shared)
        hits.append(server.call("one", name, **HOST).is_hit)
    assert hits == [False, True, False]


def test_a_gateway_starts_and_works_while_its_store_does_not_answer(app, gateway):
    server, name = (
        gateway(app, KEPT, cache="redis://127.0.0.1:1?namespace=tests", secret=SECRET),
        key(),
    )
    assert [server.call("one", name).status for _ in range(3)] == [200] * 3


def test_g15_an_address_of_redis_has_to_say_whose_answers_these_are(app, start, tmp_path, redis):
    (tmp_path / "f.toml").write_text(configuration([app.upstream], cache=redis.split("/0?")[0]))
    process = start("gateway", "--config", "f.toml")
    assert process.wait() == 1
    assert "f.toml:3: cache: " in process.text()
    assert "?namespace=" in process.text()
