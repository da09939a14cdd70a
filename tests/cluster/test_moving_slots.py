"""A slot moves to another primary while its machines take steps: none is lost, none is taken twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.clusters import (
    Cluster,
    a_key_of_every_slot,
    can_move_at_once,
    errors,
    identity,
    migrate,
)
from tests.documents import README, flat, ring
from tests.groups import assert_same, caught_up
from tests.load import Machine, Writer, steps_taken, under_load
from tests.servers import Server

SLOT = 700
CHART = '{"id":"c","initial":"a","states":{"a":{"on":{"GO":"b"}},"b":{"initial":"x","states":{"x":{},"y":{}}}}}'

Move = Callable[[Cluster, Server, Callable[[], None]], None]


def key_by_key(cluster: Cluster, target: Server, between: Callable[[], None]) -> None:
    cluster.move_key_by_key(SLOT, target, between)


def at_once(cluster: Cluster, target: Server, between: Callable[[], None]) -> None:
    cluster.move_at_once(SLOT, target, between)


MOVES: list[Move] = [key_by_key, *([at_once] if can_move_at_once() else [])]
"""The kinds of slot migration that the server has."""


def key_in_slot(name: object) -> str:
    """A key in the slot that moves."""
    return f"{{{a_key_of_every_slot()[SLOT]}}}:{name}"


def source_and_target(cluster: Cluster) -> tuple[Server, Server]:
    """The slot's owner, and another primary."""
    source = cluster.owner(SLOT)
    return source, next(primary for primary in cluster.primaries() if primary is not source)


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__)
def test_nothing_is_lost_under_load(cluster: Cluster, move: Move, long: bool) -> None:
    for _ in range(25 if long else 1):
        move_under_load(cluster, move)
        cluster.client().flushall()


def move_under_load(cluster: Cluster, move: Move) -> None:
    source, target = source_and_target(cluster)
    r = cluster.client()
    others = {
        "reason": ("SM.SET", key_in_slot("reason"), flat({"a": ["b"]}, "a", reason="ü\u0000"), "b"),
        "empty reason": ("SM.SET", key_in_slot("empty reason"), flat({"a": ["b"]}, "a", reason="")),
        "large": ("SM.SET", key_in_slot("large"), ring(1000), "s999"),
        "chart": ("SM.SET", key_in_slot("chart"), CHART, "b.y"),
        "empty": ("SM.CREATE", key_in_slot("empty")),
        "expires": ("SM.SET", key_in_slot("expires"), README),
    }
    for words in others.values():
        r.execute_command(*words)
    r.expire(key_in_slot("expires"), 1000)
    before = dict(zip(others, source.digest(*map(key_in_slot, others)), strict=True))

    writers = [
        Writer(cluster.client().execute_command, [Machine(key_in_slot(f"{n}-{m}")) for m in range(8)]) for n in range(3)
    ]
    made = []

    def make_another() -> None:
        """Stores new machines while the slot moves."""
        name = f"new{len(made)}"
        made.append(name)
        assert r.execute_command("SM.SET", key_in_slot(name), README, "boo") == "OK"

    moved, asked = errors(source, "MOVED"), errors(source, "ASK")
    with under_load(writers) as load:

        def between() -> None:
            make_another()
            load.wait_for_steps()

        move(cluster, target, between)
        load.wait_for_steps(20)
        make_another()
    assert not load.failures()

    assert cluster.owner(SLOT) is target
    assert errors(source, "MOVED") > moved
    assert (errors(source, "ASK") > asked) == (move is key_by_key)
    assert source.own.execute_command("CLUSTER", "COUNTKEYSINSLOT", SLOT) == 0
    for machine in load.machines():
        assert machine.sent > 0
        assert steps_taken(r.execute_command, machine) == machine.sent == machine.acknowledged
    for name in made:
        assert r.execute_command("SM.STATE", key_in_slot(name)) == ["boo"]
    assert 900 < r.ttl(key_in_slot("expires")) <= 1000
    assert dict(zip(others, target.digest(*map(key_in_slot, others)), strict=True)) == before
    for primary in (source, target):
        replica = cluster.replica_of(primary)
        caught_up(primary, replica)
        assert_same(primary, replica)


def test_redirections_while_a_slot_moves(cluster: Cluster) -> None:
    """ASK and MOVED, and commands after ASKING."""
    source, target = source_and_target(cluster)
    here, gone, new = key_in_slot("here"), key_in_slot("gone"), key_in_slot("new")
    for key in (here, gone):
        source.own.execute_command("SM.SET", key, README)
    target.own.execute_command("CLUSTER", "SETSLOT", SLOT, "IMPORTING", identity(source))
    source.own.execute_command("CLUSTER", "SETSLOT", SLOT, "MIGRATING", identity(target))
    migrate(source, target, [gone.encode()])
    at_target = target.client(single_connection_client=True)

    assert source.own.execute_command("SM.MUTATE", here, "boo") == "OK"
    for call in (("SM.MUTATE", gone, "boo"), ("SM.GET", gone), ("SM.SET", new, README)):
        with pytest.raises(redis.ResponseError) as caught:
            source.own.execute_command(*call)
        assert type(caught.value).__name__ == "AskError"
        with pytest.raises(redis.ResponseError) as caught:
            at_target.execute_command(*call)
        assert type(caught.value).__name__ == "MovedError"
        at_target.execute_command("ASKING")
        assert at_target.execute_command(*call)
    script = "return redis.call('SM.STATE', KEYS[1])"
    at_target.execute_command("ASKING")
    assert at_target.execute_command("EVAL", script, 1, gone) == ["boo"]

    cluster.move_key_by_key(SLOT, target)
    assert target.own.execute_command("SM.GET", here, "CURRENT") == "boo"
    assert cluster.client().execute_command("SM.STATE", new) == ["bar"]


def test_a_target_with_lower_limits_refuses_and_the_machine_stays(cluster: Cluster) -> None:
    """MIGRATE is a client of the target, and subject to its limits."""
    _, target = source_and_target(cluster)
    r = cluster.client()
    r.execute_command("SM.SET", key_in_slot("large"), ring(100), "s7")
    r.execute_command("SM.SET", key_in_slot("small"), README)
    target.config("redisstate.max-states", 20)
    with pytest.raises(redis.ResponseError, match="Bad data format"):
        cluster.move_key_by_key(SLOT, target)
    assert r.execute_command("SM.GET", key_in_slot("large"), "CURRENT") == "s7"
    assert r.execute_command("SM.MUTATE", key_in_slot("large"), "s8", "between") == "OK"
    assert r.execute_command("SM.MUTATE", key_in_slot("small"), "boo") == "OK"

    target.config("redisstate.max-states", 10_000)
    cluster.move_key_by_key(SLOT, target)
    assert cluster.owner(SLOT) is target
    assert r.execute_command("SM.GET", key_in_slot("large"), "REASON") == "between"
    assert r.execute_command("SM.STATE", key_in_slot("small")) == ["boo"]


if can_move_at_once():

    @pytest.mark.parametrize("limits", [{"max-states": 20}, {"max-document-bytes": 100}], ids=str)
    def test_a_slot_that_moves_at_once_takes_what_its_primary_took(cluster: Cluster, limits: dict[str, int]) -> None:
        """The target and its replica accept it, whatever their limits are."""
        source, target = source_and_target(cluster)
        r = cluster.client()
        r.execute_command("SM.SET", key_in_slot("large"), ring(100), "s7")
        r.execute_command("SM.MUTATE", key_in_slot("large"), "s8", "a reason")
        before = source.digest(key_in_slot("large"))
        replica = cluster.replica_of(target)
        for server in (target, replica):
            for name, value in limits.items():
                server.config(f"redisstate.{name}", value)
        cluster.move_at_once(SLOT, target)
        assert target.digest(key_in_slot("large")) == before
        assert r.execute_command("SM.MUTATE", key_in_slot("large"), "s9") == "OK"
        caught_up(target, replica)
        assert_same(target, replica)
