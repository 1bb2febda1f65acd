"""Many calls in one request, and calls whose answers pages keep."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from support import VERSIONS, call, key

OURS = {"Sec_Fetch_Site": "same-origin"}
CLIENT = ("one", {"timeout": "1h", "client": True})


@pytest.mark.parametrize("version", VERSIONS)
def test_the_lines_of_a_batch_are_what_single_calls_get(apps, gateway, version):
    app = apps.get(version=version)
    server, names = gateway(app, ("other", {"timeout": "1h"})), [key() for _ in range(20)]
    outputs = ["one", "other", "both", "slow"]
    whats = [
        {"key": name, "do": do}
        for name, do in zip(names, [None, "side", "patch", "prevent", "error"] * 4)
    ]
    calls = [call(output, what) for output, what in zip(outputs * 5, whats)]
    lines = server.batch(calls)
    assert sorted(lines) == list(range(20))
    for place, body in enumerate(calls):
        single = server.call("", body)
        assert lines[place].status == single.status
        told = json.loads(lines[place].body)
        if "json" in (single["Content-Type"] or ""):
            assert told == single.json()
        else:
            assert (told or "") == single.body.decode()
        assert lines[place]["content-type"] == single["Content-Type"]


def test_a_batch_hits_what_a_single_call_has_kept_and_the_other_way_round(app, gateway):
    server, names = gateway(app, CLIENT), [key(), key()]
    server.call("one", names[0])
    lines = server.batch([call("one", name) for name in names], query="?endId=x")
    assert [lines[place].is_hit for place in (0, 1)] == [True, False]
    assert server.call("one", names[1]).is_hit
    assert lines[0]["x-ferrodash-keep"]


def test_equal_calls_of_a_batch_are_one_run(app, runs, gateway):
    server, name = gateway(app, CLIENT), key()
    lines = server.batch([call("one", name)] * 30)
    assert {line.value for line in lines.values()} == {f"{name} of nobody"}
    assert len(runs.of(name)) == 1


def test_a_fast_call_of_a_batch_does_not_wait_for_a_slow_one(app, runs, gateway):
    server, slow, fast = gateway(app), key(), key()
    body = b"[" + call("one", {"key": slow, "hold": slow}) + b"," + call("one", fast) + b"]"
    with server.connect() as connection:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/_ferrodash/batch", body, headers)
        response = connection.getresponse()
        # Other lines say only that the connection is alive.
        places = (json.loads(line.split(b"\t")[0])[0] for line in response if b"\t" in line)
        assert next(places) == 1
        runs.release(slow)
        assert next(places) == 0


def test_an_answer_with_a_cookie_is_parked_for_the_one_who_asked(app, gateway):
    server, what = gateway(app), {"key": key(), "cookie": "1"}

    def park(cookie="who=alice"):
        line = server.batch([call("one", what), call("one", key())], Cookie=cookie)[0]
        assert (line.status, line.body) == (200, b"null")
        return f"_ferrodash/parked/{line['x-ferrodash-parked']}"

    address = park()
    answer = server.get(address, Cookie="who=alice")
    assert (answer.value, answer["Set-Cookie"]) == (f"{what['key']} of nobody", "seen=1; Path=/")
    assert server.get(address, Cookie="who=alice").status == 404
    address = park()
    for others in [{}, {"Cookie": "who=alice", "Sec_Fetch_Site": "cross-site"}]:
        assert server.get(address, **others).status == 404
    assert server.get(address, Cookie="who=alice").status == 200
    assert server.get("_ferrodash/parked/" + "0" * 32).status == 404


def test_headers_that_every_answer_of_an_app_has_park_nothing(app, gateway):
    server = gateway(app)
    # The test app adds X-Frame-Options, as extensions for security do.
    lines = server.batch([call("one", key())] * 2, X_Private="1")
    assert [line["x-ferrodash-parked"] for line in lines.values()] == [None, None]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": None}, 415),
        ({"Sec_Fetch_Site": "cross-site", "Origin": "http://evil.example"}, 403),
    ],
)
def test_a_batch_of_another_site_is_refused(app, runs, gateway, headers, status):
    server, name = gateway(app), key()
    headers = {"Content_Type": "application/json", **headers}
    body = b"[" + call("one", name) + b"]"
    answer = server.request("POST", "/_ferrodash/batch", body, **headers)
    assert (answer.status, runs.of(name)) == (status, [])


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[", b"[1,", b"null", b'["a"', b"[" * 10_000, b"\xff"]
)
def test_a_batch_that_is_not_understood_is_refused(app, gateway, body):
    server = gateway(app)
    headers = {"Content_Type": "application/json"}
    assert server.request("POST", "/_ferrodash/batch", body, **headers).status == 422
    assert server.request("POST", "/_ferrodash/batch", b"[]", **headers).status == 200


def test_calls_of_a_batch_that_are_not_calls_are_answered_as_alone(app, gateway):
    server = gateway(app)
    strange = [b"1", b'"a"', b"{}", b'{"output":1}', b'{"output":"no.such"}', b"null"]
    lines = server.batch(strange)
    assert [lines[place].status for place in range(6)] == [
        server.call("", body).status for body in strange
    ]


TOO_MUCH = b"the calls are too long, broke off, or are too much at the moment\n"


def test_a_batch_that_is_too_long_is_refused(app, gateway):
    server = gateway(app)
    headers = {"Content_Type": "application/json"}
    many = b"[" + b",".join([b"{}"] * 5000) + b"]"
    assert server.request("POST", "/_ferrodash/batch", many, **headers).status == 422
    long = b'["' + b"x" * (5 << 20) + b'"]'
    answer = server.request("POST", "/_ferrodash/batch", long, **headers)
    assert (answer.status, answer.body) == (413, TOO_MUCH)


# Calls whose answers pages keep


def address(settings, output, *values, changed=(), **more):
    """Return the address of a call, as the script of the page makes it."""
    token = settings["client"][output]["token"]
    parts = {"b": settings["build"], "in": json.dumps(values), **more}
    if changed:
        parts["t"] = json.dumps(changed)
    return f"_ferrodash/call/{token}?" + "&".join(f"{k}={quote(v)}" for k, v in parts.items())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_by_address_is_the_call_by_post(apps, gateway, version):
    app = apps.get(version=version)
    both = [CLIENT, ("both", CLIENT[1]), ("slow", CLIENT[1]), ("other", CLIENT[1])]
    server, name = gateway(app, *both), key()
    settings = server.settings()
    ours = {"X_Ferrodash_Build": settings["build"], **OURS}
    for output, values, changed in [
        ("one.children", [name], []),
        ("..both.children...both.title..", [name], []),
        ("slow.children", [name, "data"], []),
        ("other.children", [name, "é&=+ \"'\n"], ["second.value"]),
    ]:
        short = output.strip(".").split(".")[0]
        posted = server.call(short, *values, changed=changed)
        got = server.get(address(settings, output, *values, changed=changed), **ours)
        assert (output, got.status, got.is_hit) == (output, 200, True)
        assert got.json() == posted.json()
        assert got["X-Ferrodash-Build"] is None
        keep = json.loads(got["X-Ferrodash-Keep"])
        assert 0 < keep["fresh"] <= 3_600_000
        assert keep["on"]
        assert posted["X-Ferrodash-Keep"]
    assert len(app.runs.of(name)) == 4


def test_a_call_by_address_reaches_the_app_as_a_post(app, runs, gateway):
    server, name = gateway(app, CLIENT), key()
    settings = server.settings()
    ours = {"X_Ferrodash_Build": settings["build"], "If_None_Match": '"x"', "Range": "bytes=0-1"}
    assert server.get(address(settings, "one.children", name), **ours).value == f"{name} of nobody"
    assert runs.of(name)[0]["headers"]["content-type"] == "application/json"
    assert not {"if-none-match", "range"} & runs.of(name)[0]["headers"].keys()
    assert server.call("one", name).is_hit


def test_a_call_by_address_is_refused_unless_it_is_of_our_page(app, runs, gateway):
    server, name = gateway(app, CLIENT), key()
    settings = server.settings()
    good = address(settings, "one.children", name)
    build = {"X_Ferrodash_Build": settings["build"]}
    for headers in [
        {},
        OURS,
        {**build, "Sec_Fetch_Site": "cross-site"},
        {**build, "Sec_Fetch_Site": "same-site"},
    ]:
        assert server.get(good, **headers).status == 404
    wrong = [good.replace(settings["build"], "0" * 16), good.replace("in=", "on=")]
    wrong += [address(settings, "one.children"), address(settings, "one.children", 1, 2)]
    wrong += [
        good.split("?")[0],
        "_ferrodash/call/none?in=[1]",
        "_ferrodash/call/?in=[1]",
        good + "&t=1",
    ]
    for each in wrong:
        assert server.get(each, **build).status == 404, each
    assert not runs.of(name)


def test_a_call_by_address_cannot_replace_a_part_of_itself(app, gateway):
    server, name, evil = gateway(app, ("one", {**CLIENT[1], "shared": True})), key(), key()
    settings = server.settings()
    ours = {"X_Ferrodash_Build": settings["build"]}
    more = json.dumps({"inputs": json.loads(call("one", evil))["inputs"]})
    server.get(address(settings, "one.children", name, x=more), **ours)
    assert server.call("one", name).value == f"{name} of nobody"
    hook = address(settings, "one.children", name, x=json.dumps({"hook": 1}))
    assert not server.get(hook, **ours).is_hit


def test_a_call_of_a_page_of_another_version_is_told(app, gateway):
    server, name = gateway(app, CLIENT), key()
    old = {"X_Ferrodash_Build": "0" * 16}
    known = server.call("one", name, **old)
    assert known.value == f"{name} of nobody"
    assert known["X-Ferrodash-Build"] == server.settings()["build"]
    assert known["X-Ferrodash-Keep"] is None
    unknown = call("one", name).replace(b"one", b"gone")
    assert server.call("", unknown, **old).status == 410
    assert server.call("", unknown).status == app.call("", unknown).status
    assert server.batch([unknown], **old)[0].status == 410


def test_what_pages_learn_of_changes(app, gateway):
    kept = ("one", {"timeout": "1h", "client": True, "tags": ["orders"]})
    server = gateway(app, kept, ("write", {"invalidates": ["orders"]}))
    keep = json.loads(server.call("one", key())["X-Ferrodash-Keep"])
    first = server.get("_ferrodash/changes?since=.0").json()
    assert server.get(f"_ferrodash/changes?since={first['seen']}").json()["changed"] == []
    with server.connect() as connection:
        connection.request("GET", f"/_ferrodash/events?since={first['seen']}")
        events = connection.getresponse()
        assert events.readline().startswith(b"data:")
        server.call("write", key())
        line = b""
        while not line.startswith(b"data:"):
            line = events.readline()
    changed = json.loads(line[5:])["changed"]
    assert set(changed) & set(keep["on"])
    changed = server.get(f"_ferrodash/changes?since={first['seen']}").json()["changed"]
    assert set(changed) & set(keep["on"])
    assert server.get("_ferrodash/changes?since=.0", Sec_Fetch_Site="cross-site").status == 404
