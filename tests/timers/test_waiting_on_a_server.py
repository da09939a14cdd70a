"""Deadlines and tasks as commands see them: SM.PENDING, SM.DONE, SM.FAIL, SM.RETRY, SM.FIRE; what they replicate."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis

from tests.charts_with_data import assign
from tests.documents import compact
from tests.groups import calls, caught_up
from tests.servers import Server, wait_until
from tests.timers.charts import CHARGE, handles, pending, state, waiting


def send(r: redis.Redis, *words: object) -> Any:
    return r.execute_command("SM.SEND", *words)


def start_charge(r: redis.Redis, key: str = "k") -> str:
    """A machine whose task is active: its handle."""
    r.execute_command("SM.SET", key, CHARGE)
    assert send(r, key, "PAY") == ["charging"]
    (handle,) = handles(r, key)
    return handle


def spawned(reply: list[Any]) -> list[str]:
    """The handles in an EFFECTS reply."""
    effects = [json.loads(text) for text in reply[reply.index("effects") + 1]]
    return [effect["task"] for effect in effects if effect["type"] == "xstate.spawnChild"]


def test_pending_says_what_a_machine_waits_for(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", waiting())
    (timer,) = pending(r, "k")
    assert set(timer) == {"kind", "handle", "id", "event", "due", "status"}
    assert timer["id"] == "xstate.after.60000.w.a"
    assert json.loads(timer["event"]) == {"type": timer["id"]}
    assert timer["handle"].startswith(timer["id"] + "@")
    assert (timer["kind"], timer["status"]) == ("timer", "waiting")
    handle = start_charge(r, "t")
    (task,) = pending(r, "t")
    assert {**task, "since": 0} == {
        "kind": "task", "handle": handle, "id": "charge", "src": "charge", "since": 0, "status": "active",
        "input": '{"amount":3}',
    }  # fmt: skip
    assert r.execute_command("SM.PENDING", "missing") is None


def test_a_task_ends_once(r: redis.Redis) -> None:
    handle = start_charge(r)
    assert r.execute_command("SM.DONE", "k", handle, '{"receipt":"r1"}', "ACTIONS") == [["paid"], ["xstate.stopChild"]]
    assert r.execute_command("SM.DONE", "k", handle) is None
    assert r.execute_command("SM.FAIL", "k", handle) is None
    assert pending(r, "k") == []
    assert r.execute_command("SM.GET", "k", "STATUS") == "done"


def test_a_task_that_fails_takes_onerror(r: redis.Redis) -> None:
    handle = start_charge(r)
    assert r.execute_command("SM.FAIL", "k", handle, '"no money"') == ["open"]
    assert r.execute_command("SM.DONE", "k", handle) is None


def test_a_report_for_a_task_that_was_left_does_nothing(server: Server, r: redis.Redis) -> None:
    handle = start_charge(r)
    assert send(r, "k", "LEAVE", "ACTIONS") == [["open"], ["xstate.stopChild"]]
    writes = server.writes()
    assert r.execute_command("SM.DONE", "k", handle) is None
    assert server.writes() == writes


def test_a_report_that_no_transition_takes_is_a_step(r: redis.Redis) -> None:
    chart = compact({"initial": "a", "states": {"a": {"invoke": {"id": "t", "src": "s"}, "on": {"E": "b"}}, "b": {}}})
    r.execute_command("SM.SET", "k", chart)
    (handle,) = handles(r, "k")
    assert r.execute_command("SM.DONE", "k", handle, "1") == ["a"]
    assert r.execute_command("SM.GET", "k", "REVISION") == 2
    assert r.execute_command("SM.DONE", "k", handle, "1") is None
    assert pending(r, "k") == []


def test_a_failure_that_nobody_takes_is_an_error(r: redis.Redis) -> None:
    states = {"a": {"invoke": [{"id": "t", "src": "s"}, {"id": "u", "src": "s"}], "after": {"60000": "b"}}, "b": {}}
    r.execute_command("SM.SET", "k", compact({"initial": "a", "states": states}))
    one = pending(r, "k")[1]
    reply = r.execute_command("SM.FAIL", "k", one["handle"], '"gone"', "EFFECTS")
    assert reply[-1] == "error"
    assert [json.loads(text)["params"]["id"] for text in reply[3]] == ["t", "u"]
    assert pending(r, "k") == []
    assert send(r, "k", "E") is None
    assert r.execute_command("SM.RESET", "k") == "OK"
    assert len(pending(r, "k")) == 3


def test_a_task_is_handed_out_once_more(r: redis.Redis) -> None:
    handle = start_charge(r)
    reply = r.execute_command("SM.RETRY", "k", handle, "EFFECTS")
    (again,) = handles(r, "k")
    assert spawned(reply) == [again] != [handle]
    assert r.execute_command("SM.DONE", "k", handle) is None
    assert r.execute_command("SM.RETRY", "k", handle) is None
    assert r.execute_command("SM.DONE", "k", again) == ["paid"]


def test_handles_never_come_again(r: redis.Redis) -> None:
    seen = [start_charge(r)]
    r.delete("k")
    seen.append(start_charge(r))
    seen.append(start_charge(r))
    seen += spawned(send(r, "k", "AGAIN", "EFFECTS"))
    r.execute_command("SM.RESET", "k")
    seen += spawned(send(r, "k", "PAY", "EFFECTS"))
    r.execute_command("SM.MUTATE", "k", "charging", "again", "FORCE")
    seen += handles(r, "k")
    two = compact(
        {
            "initial": "a",
            "states": {
                "a": {"on": {"E": "b"}},
                "b": {"invoke": {"id": "t", "src": "s"}, "always": "c"},
                "c": {"invoke": [{"id": "t", "src": "s"}, {"id": "u", "src": "s"}]},
            },
        }
    )
    r.execute_command("SM.SET", "k", two)
    seen += spawned(send(r, "k", "E", "EFFECTS"))
    assert handles(r, "k") == seen[-2:]
    assert len(seen) == 9 == len(set(seen))


def test_a_copys_task_is_its_own(server: Server, r: redis.Redis) -> None:
    """It has the same handle until it is handed out once more; what is reported of one says nothing of the other."""
    handle = start_charge(r)
    other = server.client(db=1)
    assert r.copy("k", "near")
    assert r.copy("k", "far", destination_db=1)
    assert handles(r, "near") == handles(other, "far") == [handle]
    again = spawned(r.execute_command("SM.RETRY", "near", handle, "EFFECTS"))
    far = spawned(other.execute_command("SM.RETRY", "far", handle, "EFFECTS"))
    assert len({handle, *again, *far}) == 3
    assert r.execute_command("SM.DONE", "near", handle) is None
    assert r.execute_command("SM.DONE", "k", handle) == ["paid"]
    assert r.execute_command("SM.DONE", "near", again[0]) == ["paid"]
    assert other.execute_command("SM.DONE", "far", far[0]) == ["paid"]


def test_one_id_that_is_spawned_twice_in_one_step_has_two_handles(r: redis.Redis) -> None:
    """Two states invoke under one id: the later task is the one that is active."""
    on = {"on": {"E": "b"}}
    states = {"a": on, "b": {"invoke": [{"id": "t", "src": "one"}, {"id": "t", "src": "two"}]}}
    r.execute_command("SM.SET", "k", compact({"initial": "a", "states": states}))
    first, second = spawned(send(r, "k", "E", "EFFECTS"))
    assert first != second
    assert handles(r, "k") == [second]
    assert r.execute_command("SM.DONE", "k", first) is None
    assert r.execute_command("SM.DONE", "k", second) == ["b"]


def test_a_remembered_step_gives_new_handles_and_times(server: Server, r: redis.Redis) -> None:
    for key in ("k1", "k2"):
        r.execute_command("SM.SET", key, CHARGE)
    one = send(r, "k1", "PAY", "EFFECTS")
    calls = server.info()["engine_calls"]
    other = send(r, "k2", "PAY", "EFFECTS")
    assert server.info()["engine_calls"] == calls
    assert spawned(one) != spawned(other)
    assert spawned(other) == handles(r, "k2")


def test_only_its_task_reports_the_end(r: redis.Redis) -> None:
    start_charge(r)
    for event in ("xstate.done.actor.charge", "xstate.error.actor.charge"):
        with pytest.raises(redis.ResponseError, match="no client can send it"):
            send(r, "k", event)


def test_what_is_reported_is_json(r: redis.Redis) -> None:
    handle = start_charge(r)
    with pytest.raises(redis.ResponseError, match="the result"):
        r.execute_command("SM.DONE", "k", handle, "{")
    with pytest.raises(redis.ResponseError, match="no option of"):
        r.execute_command("SM.DONE", "k", handle, "1", "2")
    assert handles(r, "k") == [handle]


def test_get_and_set_make_a_machine_that_waits_alike(r: redis.Redis) -> None:
    for key, document, event in (("t", waiting(), None), ("k", CHARGE, "PAY")):
        r.execute_command("SM.SET", key, document)
        if event:
            send(r, key, event)
        text = r.execute_command("SM.GET", key)
        assert r.execute_command("SM.SET", "other", text) == "OK"
        ours = pending(r, key)
        assert pending(r, "other") == ours
        if event is None:
            r.execute_command("SM.SEND", "other", "GO")
        else:
            assert r.execute_command("SM.DONE", "other", ours[0]["handle"]) == ["paid"]


def test_a_snapshot_of_xstates_waits_from_now(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", waiting())
    snapshot = json.loads(r.execute_command("SM.GET", "k", "SNAPSHOT"))
    assert "deadlines" not in snapshot
    r.execute_command("SM.SET", "other", compact({**json.loads(waiting()), "snapshot": snapshot}))
    assert [one["id"] for one in pending(r, "other")] == [one["id"] for one in pending(r, "k")]
    r.execute_command("SM.SET", "other", waiting(), "CURRENT", "a", "ACTIONS")
    assert len(pending(r, "other")) == 1
    reply = r.execute_command("SM.SET", "other", CHARGE, "CURRENT", "charging", "EFFECTS")
    assert spawned(reply) == handles(r, "other")
    reply = r.execute_command(
        "SM.SET", "other", compact({**json.loads(CHARGE), "current": "charging"}), "CURRENT", "open"
    )
    assert pending(r, "other") == []


@pytest.mark.parametrize(
    ("member", "error"),
    [
        ({"deadlines": 1}, "snapshot.deadlines"),
        ({"deadlines": [{"id": "x", "event": "E", "due": 1}]}, "event"),
        ({"deadlines": [{"id": "x", "event": {"type": "E"}, "due": -1}]}, "due"),
        ({"deadlines": [], "tasks": [{"id": "x", "src": "y", "since": 1, "task": "z@1"}]}, "handle"),
        ({"deadlines": [{"id": "", "event": {"type": "E"}, "due": 9**15}] * 2000}, "1024 deadlines"),
    ],
)
def test_a_snapshot_that_cannot_be_is_refused(r: redis.Redis, member: dict[str, Any], error: str) -> None:
    document = compact({**json.loads(waiting()), "current": "a", "snapshot": {"status": "active", **member}})
    with pytest.raises(redis.ResponseError, match=error):
        r.execute_command("SM.SET", "k", document)
    assert not r.exists("k")


def test_too_many_deadlines_refuse_the_step(r: redis.Redis) -> None:
    later = {"type": "@xstate.raise", "event": {"type": "X"}, "delay": 600_000}
    r.execute_command(
        "SM.SET", "k", compact({"initial": "a", "states": {"a": {"on": {"E": {"actions": [later] * 100}}}}})
    )
    for _ in range(10):
        send(r, "k", "E")
    before = r.dump("k")
    with pytest.raises(redis.ResponseError, match="1024 deadlines"):
        send(r, "k", "E")
    assert r.dump("k") == before
    assert len(pending(r, "k")) == 1000


def test_a_deadline_under_a_pending_id_replaces_it_and_can_be_cancelled(r: redis.Redis) -> None:
    def arm(delay: int) -> dict[str, Any]:
        return {"type": "@xstate.raise", "event": {"type": "X"}, "delay": delay, "id": "one"}

    on = {"A": {"actions": arm(600_000)}, "B": {"actions": arm(900_000)}}
    on["C"] = {"actions": {"type": "@xstate.cancel", "id": "one"}}
    r.execute_command("SM.SET", "k", compact({"initial": "a", "states": {"a": {"on": on}}}))
    send(r, "k", "A")
    (first,) = pending(r, "k")
    send(r, "k", "B")
    (second,) = pending(r, "k")
    assert second["due"] - first["due"] > 200_000
    assert second["handle"] != first["handle"]
    assert r.execute_command("SM.FIRE", "k", first["handle"]) is None
    send(r, "k", "C")
    assert pending(r, "k") == []


def three_regions() -> str:
    """Three deadlines and a task at once."""
    regions = {
        name: {"initial": "a", "states": {"a": {"after": {"60000": "b"}, "on": {f"LEAVE{name}": "b"}}, "b": {}}}
        for name in ("p", "q", "s")
    }
    task = {"id": "t", "src": "work"}
    return compact({"id": "m", "type": "parallel", "invoke": task, "states": regions})


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("how", ["fires", "is cancelled"])
def test_the_end_of_one_deadline_leaves_the_others_as_they_are(r: redis.Redis, place: int, how: str) -> None:
    r.execute_command("SM.SET", "k", three_regions())
    before = [one for one in pending(r, "k") if one["kind"] == "timer"]
    one = before.pop(place)
    assert one["id"] == f"xstate.after.60000.m.{'pqs'[place]}.a"
    if how == "fires":
        r.execute_command("SM.FIRE", "k", one["handle"])
    else:
        send(r, "k", f"LEAVE{'pqs'[place]}")
    after = pending(r, "k")
    assert [one for one in after if one["kind"] == "timer"] == before
    assert [one["id"] for one in after if one["kind"] == "task"] == ["t"]
    r.execute_command("DEBUG", "RELOAD")
    assert pending(r, "k") == after


def test_done_ends_all_deadlines_and_tasks(r: redis.Redis) -> None:
    later = {"type": "@xstate.raise", "event": {"type": "X"}, "delay": 600_000}
    states = {
        "a": {"entry": later, "invoke": [{"id": "t", "src": "s"}, {"id": "u", "src": "s"}], "after": {"60000": "b"}},
        "b": {"type": "final"},
    }
    chart = compact({"initial": "a", "invoke": {"id": "root", "src": "s"}, "states": states})
    r.execute_command("SM.SET", "k", chart)
    timer = next(one["handle"] for one in pending(r, "k") if one["id"] == "xstate.after.60000.(machine).a")
    reply = r.execute_command("SM.FIRE", "k", timer, "EFFECTS")
    assert [json.loads(text)["params"]["id"] for text in reply[3]] == ["t", "u", "root"]
    assert reply[-1] == "done"
    assert pending(r, "k") == []


def test_a_delay_by_expression(r: redis.Redis) -> None:
    chart = {
        "initial": "a",
        "context": {"tries": 3},
        "delays": {"backoff": {"duration": {"@expr": "context.tries * 100000"}}},
        "states": {
            "a": {"after": {"backoff": "b"}, "on": {"E": {"actions": assign(tries="context.tries + 1")}}},
            "b": {},
        },
    }
    r.execute_command("SM.SET", "k", compact(chart))
    (timer,) = pending(r, "k")
    assert 250_000 < timer["due"] - int(r.time()[0]) * 1000 < 310_000
    send(r, "k", "E")
    assert pending(r, "k") == [timer]


def test_what_waits_replicates_as_its_outcome(start_server: Callable[..., Server]) -> None:
    primary, replica = start_server(), start_server()
    p, q = primary.client(), replica.client()
    q.replicaof("127.0.0.1", primary.port)
    replica.wait_info("replication", master_link_status="up")
    handle = start_charge(p)
    p.execute_command("SM.SET", "t", waiting())
    p.execute_command("SM.RETRY", "k", handle)
    start_charge(p, "d")
    p.execute_command("SM.DONE", "d", handles(p, "d")[0], '{"x":1}')
    start_charge(p, "r")
    p.execute_command("SM.RESET", "r")
    p.copy("k", "c")
    send(p, "k", "TELL")
    wait_until(
        lambda: q.execute_command("SM.GET", "k", "REVISION") == p.execute_command("SM.GET", "k", "REVISION"), "sent"
    )
    for key in ("k", "t", "d", "r", "c"):
        assert pending(q, key) == pending(p, key)
        assert q.dump(key) == p.dump(key)
    assert primary.digest("k", "t", "d", "r", "c") == replica.digest("k", "t", "d", "r", "c")


def test_what_only_ends_deadlines_replicates_as_the_command(start_server: Callable[..., Server]) -> None:
    primary, replica = start_server(settings={"appendonly": "yes", "appendfsync": "always"}), start_server()
    p, q = primary.client(), replica.client()
    q.replicaof("127.0.0.1", primary.port)
    replica.wait_info("replication", master_link_status="up")
    ends = {"initial": "a", "states": {"a": {"after": {"60000": "b"}}, "b": {"type": "final"}}}
    p.execute_command("SM.SET", "alone", waiting(50))
    p.execute_command("SM.SET", "cancelled", waiting())
    p.execute_command("SM.SET", "one of three", three_regions())
    p.execute_command("SM.SET", "last", compact(ends))
    wait_until(lambda: state(p, "alone") == ["b"], "it fires")
    send(p, "cancelled", "GO")
    p.execute_command("SM.FIRE", "one of three", handles(p, "one of three")[1])
    p.execute_command("SM.FIRE", "last", handles(p, "last")[0])
    caught_up(primary, replica)
    armed = {"SM.APPLY": 4}
    ended = {"SM.DUE": 1, "SM.SEND": 1, "SM.FIRE": 2}
    assert {name: calls(replica, name) for name in armed | ended} == armed | ended
    keys = ("alone", "cancelled", "one of three", "last")
    digest = primary.digest(*keys)
    assert replica.digest(*keys) == digest
    primary.kill9()
    primary.start_again()
    assert primary.digest(*keys) == digest
    assert [state(primary.client(), key) for key in keys] == [state(q, key) for key in keys]


def test_events_of_what_waits(server: Server, r: redis.Redis) -> None:
    server.config("notify-keyspace-events", "KEA")
    listener = server.client().pubsub()
    listener.psubscribe("__keyspace@0__:k")
    handle = start_charge(r)
    r.execute_command("SM.RETRY", "k", handle)
    r.execute_command("SM.FAIL", "k", handles(r, "k")[0])
    send(r, "k", "PAY")
    r.execute_command("SM.DONE", "k", handles(r, "k")[0])
    names = []
    while len(names) < 6:
        message = listener.get_message(timeout=5)
        assert message is not None
        if message["type"] == "pmessage":
            names.append(message["data"])
    assert names == ["sm.set", "sm.send", "sm.retry", "sm.fail", "sm.send", "sm.done"]
    assert state(r, "k") == ["paid"]


def test_what_takes_no_transition_keeps_the_reason(r: redis.Redis) -> None:
    chart = {"initial": "a", "states": {"a": {"on": {"E": "b"}}, "b": {"invoke": {"id": "t", "src": "s"}}}}
    r.execute_command("SM.SET", "k", compact(chart))
    send(r, "k", "E", "REASON", "why")
    r.execute_command("SM.RETRY", "k", handles(r, "k")[0])
    r.execute_command("SM.DONE", "k", handles(r, "k")[0])
    assert r.execute_command("SM.GET", "k", "REASON") == "why"
    assert r.execute_command("SM.GET", "k", "REVISION") == 4


def test_with_invalid_transition_error_what_is_not_pending_is_an_error(server: Server, r: redis.Redis) -> None:
    server.config("redisstate.invalid-transition", "error")
    start_charge(r)
    with pytest.raises(redis.ResponseError, match="no active task: 'charge@1' at 'k'"):
        r.execute_command("SM.DONE", "k", "charge@1")
    with pytest.raises(redis.ResponseError, match="no pending deadline: 'x' at 'k'"):
        r.execute_command("SM.FIRE", "k", "x")
