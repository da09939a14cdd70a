"""The outbox: each effect of a step is an entry of a stream, with the step or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import redis

from tests.charts_with_data import assign
from tests.documents import compact
from tests.groups import STRICT, assert_same, caught_up, follow
from tests.servers import Server, wait_until
from tests.timers.charts import wait_for

STREAM = "orders:effects"


def order(stream: str = STREAM, **outbox: Any) -> str:
    """An order that tells of a payment, has a task, and expires after 50 ms in ``held``."""
    return compact({
        "id": "order", "version": "2", "initial": "open", "context": {"paid": 0},
        "store": {"outbox": {"stream": stream, **outbox}},
        "states": {
            "open": {"on": {
                "PAY": {"target": "charging", "actions": [
                    assign(paid="event.amount"), {"type": "receipt", "params": {"amount": {"@expr": "event.amount"}}},
                ]},
                "LOOK": {},
                "HOLD": "held",
            }},
            "charging": {"invoke": {"id": "charge", "src": "bank", "input": {"amount": {"@expr": "context.paid"}},
                                    "onDone": "paid", "onError": "open"}, "on": {"BACK": "open"}},
            "held": {"after": {"50": {"target": "open", "actions": "released"}}},
            "paid": {"type": "final", "entry": "thank"},
        },
    })  # fmt: skip


def entries(r: redis.Redis, stream: str = STREAM) -> list[dict[str, str]]:
    return [fields for _, fields in r.xrange(stream)]


def pay(r: redis.Redis, key: str = "k") -> Any:
    return r.execute_command("SM.SEND", key, "PAY", "DATA", '{"amount":20}', "EFFECTS")


def test_an_entry_says_all_of_an_effect(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", order())
    answer = pay(r)
    said = [json.loads(text) for text in answer[answer.index("effects") + 1]]
    receipt, spawn = entries(r)
    now = int(r.time()[0]) * 1000
    assert abs(int(receipt.pop("ms")) - now) < 60_000
    assert len(receipt.pop("id")) >= 14
    assert receipt == {
        "key": "k", "machine": "order@2", "type": "receipt", "params": '{"amount":20}', "event": "PAY", "revision": "2",
    }  # fmt: skip
    assert {"type": spawn["type"], "params": json.loads(spawn["params"]), "task": spawn["task"]} == said[1]
    assert spawn["task"].startswith("charge@")


def test_entries_come_whether_or_not_the_client_asks_for_effects(r: redis.Redis) -> None:
    for more in ([], ["ACTIONS"], ["EFFECTS"]):
        r.execute_command("SM.SET", "k", order())
        r.execute_command("SM.SEND", "k", "PAY", "DATA", '{"amount":1}', *more)
        assert [entry["type"] for entry in entries(r)] == ["receipt", "xstate.spawnChild"]
        r.delete(STREAM)


def test_names_of_actions_are_answered_beside_the_outbox(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", order())
    answer = r.execute_command("SM.SEND", "k", "PAY", "DATA", '{"amount":1}', "ACTIONS")
    assert answer == [["charging"], ["receipt", "xstate.spawnChild"]]


def test_a_remembered_step_writes_too(r: redis.Redis) -> None:
    chart = {"initial": "a", "store": {"outbox": {"stream": STREAM}},
             "states": {"a": {"on": {"GO": {"target": "a", "actions": "hi"}}}}}  # fmt: skip
    r.execute_command("SM.SET", "k", compact(chart))
    for _ in range(3):
        assert r.execute_command("SM.SEND", "k", "GO") == ["a"]
    assert [(entry["type"], entry["revision"]) for entry in entries(r)] == [("hi", "2"), ("hi", "3"), ("hi", "4")]
    assert len({entry["id"] for entry in entries(r)}) == 3


def test_what_leads_to_an_entry_is_named(server: Server, r: redis.Redis) -> None:
    chart = json.loads(order())
    chart["states"]["open"]["entry"] = "opened"
    r.execute_command("SM.SET", "k", compact(chart))
    pay(r)
    task = entries(r)[-1]["task"]
    r.execute_command("SM.RETRY", "k", task)
    task = entries(r)[-1]["task"]
    r.execute_command("SM.FAIL", "k", task, '"no"')
    r.execute_command("SM.SEND", "k", "HOLD")
    wait_for(r, "k", "open")
    r.execute_command("SM.MUTATE", "k", "open", "FORCE")
    r.execute_command("SM.RESET", "k")
    assert [(entry["type"], entry.get("event")) for entry in entries(r)] == [
        ("opened", "xstate.init"),
        ("receipt", "PAY"),
        ("xstate.spawnChild", "PAY"),
        ("xstate.spawnChild", None),
        ("xstate.stopChild", "xstate.error.actor.charge"),
        ("opened", "xstate.error.actor.charge"),
        ("released", "xstate.after.50.order.held"),
        ("opened", "xstate.after.50.order.held"),
        ("opened", "xstate.force"),
        ("opened", "xstate.init"),
    ]


def test_a_delayed_event_is_named_as_it_was_raised(r: redis.Redis) -> None:
    name = 'go "on"\n'
    chart = {"initial": "a", "store": {"outbox": {"stream": STREAM}},
             "states": {"a": {"entry": {"type": "@xstate.raise", "event": {"type": name, "n": 1}, "delay": 20},
                              "on": {name: {"target": "b", "actions": "went"}}}, "b": {}}}  # fmt: skip
    r.execute_command("SM.SET", "k", compact(chart))
    wait_for(r, "k", "b")
    assert [(entry["type"], entry["event"]) for entry in entries(r)] == [("went", name)]


def test_tasks_of_a_machine_that_ends_are_stopped_in_the_outbox(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", order())
    pay(r)
    r.execute_command("SM.MUTATE", "k", "paid", "FORCE")
    assert [entry["type"] for entry in entries(r)][2:] == ["xstate.stopChild", "thank"]


def test_steps_are_written_where_the_document_says_so(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", order(of="steps"))
    r.execute_command("SM.SEND", "k", "LOOK")
    pay(r)
    seen = [(entry["type"], json.loads(entry["params"]), entry["revision"]) for entry in entries(r)]
    assert seen == [
        ("xstate.step", {"to": ["open"]}, "1"),
        ("xstate.step", {"from": ["open"], "to": ["charging"]}, "2"),
        ("receipt", {"amount": 20}, "2"),
        ("xstate.spawnChild", {"id": "charge", "src": "bank", "input": {"amount": 20}}, "2"),
    ]


def test_a_map_writes_its_steps(r: redis.Redis) -> None:
    document = {"map": {"a": ["b"], "b": ["a"]}, "initial": "a", "store": {"outbox": {"stream": "s", "of": "steps"}}}
    assert r.execute_command("SM.SET", "k", compact(document)) == "OK"
    assert r.execute_command("SM.MUTATE", "k", "b") == "OK"
    assert r.execute_command("SM.MUTATE", "k", "x") is None
    assert [entry["params"] for entry in entries(r, "s")] == ['{"to":["a"]}', '{"from":["a"],"to":["b"]}']
    assert r.execute_command("SM.GET", "k", "REVISION") == 2
    assert json.loads(r.execute_command("SM.GET", "k")) == {"current": "b", **document}
    assert r.execute_command("SM.SET", "k", r.execute_command("SM.GET", "k")) == "OK"


def test_a_step_that_is_not_taken_writes_nothing(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", order(of="steps"))
    before = entries(r)
    assert r.execute_command("SM.SEND", "k", "NEVER") is None
    with pytest.raises(redis.ResponseError, match=r"^EXPR "):
        r.execute_command("SM.SEND", "k", "PAY")
    assert entries(r) == before


def test_maxlen_trims(r: redis.Redis) -> None:
    document = {"map": {"a": ["a"]}, "initial": "a",
                "store": {"outbox": {"stream": "s", "of": "steps", "maxlen": 100}}}  # fmt: skip
    r.execute_command("SM.SET", "k", compact(document))
    for _ in range(400):
        r.execute_command("SM.MUTATE", "k", "a")
    assert 100 <= r.xlen("s") < 300
    assert entries(r, "s")[-1]["revision"] == "401"


def test_an_event_says_that_a_stream_was_trimmed_only_where_it_was(server: Server, r: redis.Redis) -> None:
    server.config("notify-keyspace-events", "Et")
    document = {"map": {"a": ["a"]}, "initial": "a",
                "store": {"outbox": {"stream": "s", "of": "steps", "maxlen": 1}}}  # fmt: skip
    with server.client().pubsub() as listener:
        listener.psubscribe("__keyevent@0__:*")
        assert listener.get_message(timeout=60)["type"] == "psubscribe"
        lengths = []
        for command in [("SM.SET", "k", compact(document)), *[("SM.MUTATE", "k", "a")] * 120]:
            r.execute_command(*command)
            lengths.append(r.xlen("s"))
        r.xadd("end", {"a": "b"})
        seen = []
        while len(seen) < 2 or seen[-1] != ("xadd", "end"):
            message = listener.get_message(timeout=60)
            seen.append((message["channel"].partition(":")[2], message["data"]))
    trimmed = sum(after <= before for before, after in pairwise(lengths))
    assert seen.count(("xtrim", "s")) == trimmed > 0


def test_what_a_step_writes_is_there_after_it(r: redis.Redis) -> None:
    chart = {"initial": "a", "store": {"outbox": {"stream": STREAM, "maxlen": 1}},
             "states": {"a": {"on": {"GO": {"actions": [f"tell{number}" for number in range(500)]}}}}}  # fmt: skip
    r.execute_command("SM.SET", "", compact(chart))
    for _ in range(2):
        r.execute_command("SM.SEND", "", "GO")
        written = entries(r)[-500:]
        assert [entry["type"] for entry in written] == [f"tell{number}" for number in range(500)]
    assert {entry["key"] for entry in written} == {""}


# ---- the stream's name ----


def test_braces_stand_for_the_keys_hash_tag(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "order:{42}:x", order("effects:{}:out"))
    pay(r, "order:{42}:x")
    assert len(entries(r, "effects:{42}:out")) == 2


@pytest.mark.parametrize("key", ["order", "order:{}", "order:{", "order:}{"])
def test_a_key_without_a_hash_tag_is_refused(r: redis.Redis, key: str) -> None:
    with pytest.raises(redis.ResponseError, match=f"^the outbox has .* the key '{key}' has none, as in"):
        r.execute_command("SM.SET", key, order("{}"))
    assert not r.exists(key)


def test_a_renamed_machine_writes_by_its_new_key(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "{1}", order("s:{}"))
    r.rename("{1}", "{2}")
    pay(r, "{2}")
    assert {entry["key"] for entry in entries(r, "s:{2}")} == {"{2}"}
    r.rename("{2}", "2")
    with pytest.raises(redis.ResponseError, match="the key '2' has none"):
        r.execute_command("SM.SEND", "2", "BACK")
    assert r.execute_command("SM.STATE", "2") == ["charging"]


def nothing_changes(server: Server, r: redis.Redis, words: list[str], error: str) -> None:
    """The command is refused, and neither the keys nor what replicas are sent are others than before."""
    before = server.own.execute_command("DEBUG", "DIGEST"), server.info("replication")["master_repl_offset"]
    with pytest.raises(redis.ResponseError, match=re.escape(error)):
        r.execute_command(*words)
    after = server.own.execute_command("DEBUG", "DIGEST"), server.info("replication")["master_repl_offset"]
    assert after == before


PAY = ["SM.SEND", "k", "PAY", "DATA", '{"amount":20}']


def test_another_type_at_the_streams_key_refuses(server: Server, r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", order())
    r.set(STREAM, "a string")
    message = f"the outbox '{STREAM}' is a key that holds no stream"
    nothing_changes(server, r, PAY, message)
    nothing_changes(server, r, ["SM.SET", "new", order()], message)
    assert r.execute_command("SM.SEND", "k", "HOLD") == ["held"], "a step without effects writes nothing"


def test_the_machines_own_key_is_no_outbox(server: Server, r: redis.Redis) -> None:
    nothing_changes(server, r, ["SM.SET", "k", order("k")], "the outbox 'k' is the machine's own key")


def test_a_setting_says_which_streams_machines_write(server: Server, r: redis.Redis) -> None:
    server.config("redisstate.outbox-streams", "orders:*")
    r.execute_command("SM.SET", "k", order())
    pay(r)
    message = "is none that redisstate.outbox-streams lets machines write to"
    nothing_changes(server, r, ["SM.SET", "new", order("other")], message)
    server.config("redisstate.outbox-streams", "others:*")
    nothing_changes(server, r, ["SM.SEND", "k", "BACK"], message)


def test_a_setting_of_streams_ends_at_no_nul(server: Server, r: redis.Redis) -> None:
    server.config("redisstate.outbox-streams", "orders:*")
    with pytest.raises(redis.ResponseError, match="a pattern has no NUL"):
        r.config_set("redisstate.outbox-streams", "*\0orders")
    assert r.config_get("redisstate.outbox-streams") == {"redisstate.outbox-streams": "orders:*"}


def test_a_stream_that_takes_no_more_entries_refuses(server: Server, r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", order())
    last = 2**64 - 1
    r.xadd(STREAM, {"a": "b"}, id=f"{last}-{last - 1}")
    nothing_changes(server, r, PAY, f"the outbox '{STREAM}' takes no more entries")


def test_memory_that_is_full_refuses_entries_alone(server: Server, r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", order())
    server.config("maxmemory-policy", "noeviction")
    server.config("maxmemory", 1)
    with pytest.raises(redis.exceptions.OutOfMemoryError, match="outbox"):
        r.execute_command("SM.MUTATE", "k", "paid", "FORCE")
    assert r.execute_command("SM.SEND", "k", "LOOK") is None
    server.config("maxmemory", 0)
    assert r.execute_command("SM.STATE", "k") == ["open"]


def test_a_deadline_whose_entry_cannot_be_written_has_failed_once(server: Server, r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", order())
    r.set(STREAM, "a string")
    r.execute_command("SM.SEND", "k", "HOLD")
    wait_until(lambda: "failed" in str(r.execute_command("SM.PENDING", "k")), "the deadline has failed")
    assert "holds no stream" in str(r.execute_command("SM.PENDING", "k"))
    r.delete(STREAM)
    handle = r.execute_command("SM.PENDING", "k")[0]
    timer = handle[handle.index("handle") + 1]
    assert r.execute_command("SM.FIRE", "k", timer) == ["open"]
    assert [entry["type"] for entry in entries(r)] == ["released"]


@pytest.mark.parametrize(
    ("transition", "status"),
    [({"guard": "may", "target": "b"}, "due"), ({"target": "b", "actions": assign(n="context.no")}, "failed")],
)
def test_a_deadline_that_waits_for_someone_says_so_once(r: redis.Redis, transition: Any, status: str) -> None:
    chart = {"id": "c", "initial": "a", "context": {"n": 0}, "store": {"outbox": {"stream": STREAM}},
             "states": {"a": {"after": {"20": transition}}, "b": {}}}  # fmt: skip
    r.execute_command("SM.SET", "k", compact(chart))
    wait_until(lambda: r.xlen(STREAM), "an entry")
    wait_until(lambda: status in str(r.execute_command("SM.PENDING", "k")), "its status")
    (entry,) = entries(r)
    handle = r.execute_command("SM.PENDING", "k")[0]
    params = json.loads(entry["params"])
    assert (entry["type"], entry["event"]) == ("xstate.due", "xstate.after.20.c.a")
    assert params.pop("timer") == handle[handle.index("handle") + 1]
    assert params.pop("status") == status
    assert list(params) == (["error"] if status == "failed" else [])
    assert "no" in params.get("error", "no")


# ---- rights ----


def test_where_memory_is_full_a_deadline_says_later_that_it_failed(server: Server, r: redis.Redis) -> None:
    broken = {"target": "a", "actions": {"type": "x", "params": {"@expr": "context.none"}}}
    chart = {"initial": "a", "context": {"n": 1}, "store": {"outbox": {"stream": "s"}},
             "states": {"a": {"after": {"200": broken}}}}  # fmt: skip
    r.execute_command("SM.SET", "k", compact(chart))
    server.config("maxmemory", 1_000_000)
    before = int(server.info("commandstats").get("cmdstat_SM.DUE", {}).get("calls", 0))
    wait_until(lambda: int(server.info("commandstats").get("cmdstat_SM.DUE", {}).get("calls", 0)) > before, "it is due")
    (waits,) = r.execute_command("SM.PENDING", "k")
    assert waits[waits.index("status") + 1] == "waiting"
    server.config("maxmemory", 0)
    wait_until(lambda: r.xlen("s"), "it says so")
    (waits,) = r.execute_command("SM.PENDING", "k")
    assert waits[waits.index("status") + 1] == "failed"
    assert [entry["type"] for entry in entries(r, "s")] == ["xstate.due"]


@pytest.mark.parametrize("rules", [["~k", "+@all"], ["~*", "+@all", "-xadd"], ["~k", "%R~orders:*", "+@all"]])
def test_who_may_not_write_the_stream_makes_no_machine_that_does(server: Server, rules: list[str]) -> None:
    server.own.execute_command("ACL", "SETUSER", "someone", "reset", "on", ">secret", *rules)
    client = server.client(username="someone", password="secret")
    for words in (["SM.SET", "k", order()], ["EVAL", "return redis.call(unpack(ARGV))", 0, "SM.SET", "k", order()]):
        with pytest.raises(redis.ResponseError, match="no stream that this user may write to by XADD"):
            client.execute_command(*words)
    assert not server.own.exists("k")
    server.own.execute_command("ACL", "DELUSER", "someone")


def test_afterwards_the_machine_writes_as_itself(server: Server, r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", order())
    server.own.execute_command("ACL", "SETUSER", "worker", "reset", "on", ">secret", "~k", "+sm.send")
    worker = server.client(username="worker", password="secret")
    pay(worker)
    assert len(entries(r)) == 2
    server.own.execute_command("ACL", "DELUSER", "worker")


# ---- one unit ----


def test_readers_that_wait_are_woken(server: Server, r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", order())
    r.xgroup_create(STREAM, "workers", mkstream=True)
    reader = server.client()
    connection = reader.connection_pool.get_connection()
    connection.send_command("XREADGROUP", "GROUP", "workers", "w1", "BLOCK", "30000", "STREAMS", STREAM, ">")
    wait_until(lambda: server.info("clients")["blocked_clients"], "the reader waits")
    pay(r)
    ((_, found),) = connection.read_response()
    types = [dict(zip(fields[::2], fields[1::2], strict=True))["type"] for _, fields in found]
    assert types == ["receipt", "xstate.spawnChild"], "all of the step, and its task"
    reader.connection_pool.release(connection)


@pytest.mark.parametrize("form", ["plain", "multi", "script"])
def test_replicas_and_the_log_have_the_step_and_its_entries(start_server: Callable[..., Server], form: str) -> None:
    primary, replica = start_server(settings=STRICT | {"appendonly": "yes"}), start_server(settings=STRICT)
    r = primary.own
    r.execute_command("SM.SET", "k", order(of="steps", maxlen=100))
    follow(primary, replica)
    for number in range(150):
        steps = [["SM.SEND", "k", "PAY", "DATA", compact({"amount": number})], ["SM.SEND", "k", "BACK"]]
        if form == "script":
            r.eval("for _, words in ipairs(cjson.decode(ARGV[1])) do redis.call(unpack(words)) end", 0, compact(steps))
        else:
            with r.pipeline(transaction=form == "multi") as pipe:
                for words in steps:
                    pipe.execute_command(*words)
                pipe.execute()
    r.execute_command("SM.SEND", "k", "HOLD")
    wait_for(r, "k", "open")
    caught_up(primary, replica)
    assert_same(primary, replica)
    assert r.xlen(STREAM) >= 100
    replica.own.replicaof("no", "one")
    before = r.execute_command("DEBUG", "DIGEST")
    primary.restart()
    assert primary.own.execute_command("DEBUG", "DIGEST") == before


def test_replicas_keep_the_deadlines_of_a_machine_whose_step_changes_none(start_server: Callable[..., Server]) -> None:
    primary, replica = start_server(settings=STRICT), start_server(settings=STRICT)
    follow(primary, replica)
    r = primary.own
    for regions in range(1, 60):
        states = {f"r{number}": {"initial": "a", "states": {"a": {}, "b": {}}} for number in range(regions)}
        chart = {"type": "parallel", "store": {"outbox": {"stream": STREAM}}, "states": states,
                 "on": {"GO": {"actions": "hi"}}, "after": {"1000000": {"actions": "late"}}}  # fmt: skip
        r.execute_command("SM.SET", f"k{regions}", compact(chart))
        r.execute_command("SM.SEND", f"k{regions}", "GO")
    caught_up(primary, replica)
    assert_same(primary, replica)


def test_a_reader_of_a_replica_sees_no_entry_without_its_state(start_server: Callable[..., Server]) -> None:
    primary, replica = start_server(settings=STRICT), start_server(settings=STRICT)
    r = primary.own
    r.execute_command("SM.SET", "k", order(of="steps"))
    follow(primary, replica)
    reader = replica.own
    seen = 0
    for _ in range(200):
        r.execute_command("SM.SEND", "k", "PAY", "DATA", '{"amount":1}')
        r.execute_command("SM.SEND", "k", "BACK")
        with reader.pipeline() as pipe:  # MULTI: one look
            pipe.execute_command("XREVRANGE", STREAM, "+", "-", "COUNT", "1")
            pipe.execute_command("SM.GET", "k", "REVISION")
            entry, revision = pipe.execute()
        assert not entry or int(entry[0][1]["revision"]) == revision
        seen += bool(entry)
    assert seen
