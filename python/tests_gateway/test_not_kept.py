"""G7: what is not a whole answer for everybody is never kept, though that is declared."""

from __future__ import annotations

import pytest
from support import VERSIONS, eventually, key, together

EVERYTHING = {"timeout": "1h", "shared": True, "stale_while_revalidate": "1h", "negative": "1h"}
NOT_KEPT = {
    "a cookie": {"cookie": "1"},
    "another property": {"do": "side"},
    "a part of a property": {"do": "patch"},
    "nothing": {"do": "prevent"},
    "no-store": {"headers": {"Cache-Control": "no-store"}},
    "private": {"headers": {"Cache-Control": "max-age=60, Private"}},
}


@pytest.mark.parametrize("what", NOT_KEPT.values(), ids=NOT_KEPT)
@pytest.mark.parametrize("version", VERSIONS)
def test_g7_it_is_never_kept(apps, gateway, version, what):
    app = apps.get(version=version)
    server, name = gateway(app, ("one", EVERYTHING)), key()
    direct = app.call("one", {"key": key(), **what})
    answers = [server.call("one", {"key": name, **what}) for _ in range(3)]
    assert len(app.runs.of(name)) == 3
    for answer in answers:
        assert (answer.status, answer["Set-Cookie"]) == (direct.status, direct["Set-Cookie"])
        assert not answer.is_hit


def test_g7_an_output_that_stays_as_it_is_is_not_kept(app, runs, gateway):
    server, whole, half = gateway(app, ("both", EVERYTHING)), key(), key()
    for _ in range(2):
        server.call("both", {"key": whole})
        server.call("both", {"key": half, "do": "half"})
    assert (len(runs.of(whole)), len(runs.of(half))) == (1, 2)


def test_g7_failures_are_not_kept(app, runs, gateway):
    server, name = gateway(app, ("one", {"timeout": "1h"})), key()
    assert [server.call("one", {"key": name, "do": "error"}).status for _ in range(3)] == [500] * 3
    assert len(runs.of(name)) == 3


def test_g7_a_failure_that_sets_a_cookie_is_not_kept(app, runs, gateway):
    server, name = gateway(app, ("one", EVERYTHING)), key()
    what = {"key": name, "do": "error", "cookie": "1"}
    assert [server.call("one", what)["Set-Cookie"] for _ in range(2)] == ["failed=1; Path=/"] * 2
    assert len(runs.of(name)) == 2


@pytest.mark.parametrize("what", [{"cookie": "1"}, {"do": "side"}, {"do": "error"}])
def test_g7_those_who_waited_ask_for_themselves(app, runs, gateway, what):
    server, name, hold = gateway(app, ("one", {"timeout": "1h"}), running=64), key(), key()
    what = {"key": name, "hold": hold, **what}

    def release():
        runs.wait_for(name)
        runs.release(hold)

    *answers, _ = together(*[lambda: server.call("one", what)] * 10, release)
    assert len(runs.of(name)) == 10
    statuses = {answer.status for answer in answers}
    assert len(statuses) == 1
    if "cookie" in what:
        assert {answer["Set-Cookie"] for answer in answers} == {"seen=1; Path=/"}


def test_g7_an_answer_that_may_not_be_kept_any_more_ends_the_old_one(app, runs, gateway):
    declared = {"timeout": "1ms", "stale_while_revalidate": "1h", "stale_if_error": "1h"}
    server, name, secret = gateway(app, ("one", declared)), key(), key()
    # The same call, whose answer becomes private: the app decides by a file.
    what = {"key": name, "tick": True, "private_if": secret}
    first = server.call("one", what).value
    runs.release(secret)
    eventually(lambda: server.call("one", what).value != first, "the end of the old answer")
    values = [server.call("one", what).value for _ in range(3)]
    assert len({first, *values}) == 4
