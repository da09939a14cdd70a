"""The outbox in a cluster: machine and stream share a slot, also while that moves."""

from __future__ import annotations

import time
from typing import Any

import pytest
import redis

from tests.clusters import Cluster, a_key_of_every_slot, identity, migrate
from tests.documents import compact
from tests.servers import wait_until

SLOT = 900
TAG = a_key_of_every_slot()[SLOT]
KEY, STREAM = f"{{{TAG}}}:machine", f"out:{{{TAG}}}"


def telling(stream: str) -> str:
    on = {"GO": {"actions": "tell"}}
    return compact({"initial": "a", "store": {"outbox": {"stream": stream}}, "states": {"a": {"on": on}}})


def told(r: Any) -> list[str]:
    return [fields["revision"] for _, fields in r.xrange(STREAM)]


def test_a_stream_in_another_slot_is_refused(cluster: Cluster) -> None:
    r = cluster.client()
    with pytest.raises(redis.ResponseError, match=r"the outbox 'out' may lie in another slot: put \{\} into its name"):
        r.execute_command("SM.SET", KEY, telling("out"))
    assert not r.exists(KEY)
    assert r.execute_command("SM.SET", KEY, telling(f"{{{TAG}}}")) == "OK"


def test_braces_make_them_share_a_slot(cluster: Cluster) -> None:
    r = cluster.client()
    r.execute_command("SM.SET", KEY, telling("out:{}"))
    r.execute_command("SM.SEND", KEY, "GO")
    assert told(r) == ["2"]


@pytest.mark.parametrize("first", [KEY, STREAM])
def test_while_a_slot_moves_no_stream_begins_on_its_other_node(cluster: Cluster, first: str) -> None:
    r = cluster.client()
    source = cluster.owner(SLOT)
    target = next(primary for primary in cluster.primaries() if primary is not source)
    r.execute_command("SM.SET", KEY, telling("out:{}"))
    r.execute_command("SM.SEND", KEY, "GO")
    target.own.execute_command("CLUSTER", "SETSLOT", SLOT, "IMPORTING", identity(source))
    source.own.execute_command("CLUSTER", "SETSLOT", SLOT, "MIGRATING", identity(target))
    migrate(source, target, [first.encode()])

    def send() -> Any:
        server = target if first == KEY else source
        with server.client().pipeline(transaction=False) as pipe:
            pipe.execute_command("ASKING")
            pipe.execute_command("SM.SEND", KEY, "GO")
            return pipe.execute(raise_on_error=False)[1]

    for _ in range(2):
        answer = send()
        assert isinstance(answer, redis.ResponseError)
        assert "may be on the other node of a slot that moves" in str(answer)
    migrate(source, target, [(STREAM if first == KEY else KEY).encode()])
    for server in (target, source):
        server.own.execute_command("CLUSTER", "SETSLOT", SLOT, "NODE", identity(target))
    assert r.execute_command("SM.SEND", KEY, "GO") == ["a"]
    assert told(r) == ["2", "3"]


def test_a_deadline_waits_while_its_stream_is_on_the_other_node(cluster: Cluster) -> None:
    r = cluster.client()
    source = cluster.owner(SLOT)
    target = next(primary for primary in cluster.primaries() if primary is not source)
    chart = {"initial": "a", "store": {"outbox": {"stream": "out:{}"}},
             "states": {"a": {"after": {"500": {"target": "b", "actions": "tell"}}}, "b": {}}}  # fmt: skip
    r.xadd(STREAM, {"revision": "0"})
    r.execute_command("SM.SET", KEY, compact(chart))
    target.own.execute_command("CLUSTER", "SETSLOT", SLOT, "IMPORTING", identity(source))
    source.own.execute_command("CLUSTER", "SETSLOT", SLOT, "MIGRATING", identity(target))
    migrate(source, target, [STREAM.encode()])
    time.sleep(0.8)
    (waits,) = source.own.execute_command("SM.PENDING", KEY)
    assert waits[waits.index("status") + 1] == "waiting"
    migrate(source, target, [KEY.encode()])
    for server in (target, source):
        server.own.execute_command("CLUSTER", "SETSLOT", SLOT, "NODE", identity(target))
    wait_until(lambda: told(r) == ["0", "2"], "the deadline fires where the slot is")


def test_the_stream_goes_on_while_both_are_where_they_were(cluster: Cluster) -> None:
    r = cluster.client()
    source = cluster.owner(SLOT)
    target = next(primary for primary in cluster.primaries() if primary is not source)
    r.execute_command("SM.SET", KEY, telling("out:{}"))
    r.execute_command("SM.SEND", KEY, "GO")

    def between() -> None:
        if r.exists(KEY) and r.exists(STREAM):
            r.execute_command("SM.SEND", KEY, "GO")

    cluster.move_key_by_key(SLOT, target, between)
    r.execute_command("SM.SEND", KEY, "GO")
    assert told(r) == [str(number) for number in range(2, 2 + len(told(r)))]
