"""Deadlines in a cluster: each fires once, on the primary that has its slot, whatever happens to the slot meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.cluster.test_moving_slots import MOVES, SLOT, Move, key_in_slot, source_and_target
from tests.clusters import Cluster, a_key_of_every_slot
from tests.documents import compact
from tests.groups import caught_up
from tests.servers import Server, wait_until
from tests.timers.charts import FAILING, pending, wait_for

COUNT = 60


def counting(delay: int) -> str:
    """A chart whose deadline counts how often it has fired."""
    actions = {"type": "@xstate.assign", "context": {"n": {"@expr": "context.n + 1"}}}
    states = {"a": {"after": {str(delay): {"target": "b", "actions": actions}}}, "b": {}}
    return compact({"initial": "a", "context": {"n": 0}, "states": states})


def arm(server: Server, keys: list[str], first: int, step: int) -> None:
    """Deadlines that are due one after the other."""
    for number, key in enumerate(keys):
        server.own.execute_command("SM.SET", key, counting(first + step * number))


def fired(*servers: Server) -> int:
    return sum(int(server.info()["timers_fired"]) for server in servers)


def all_have_fired_once(owner: Server, keys: list[str]) -> None:
    for key in keys:
        wait_until(lambda key=key: owner.own.execute_command("SM.STATE", key) == ["b"], f"{key} has fired")
        assert owner.own.execute_command("SM.GET", key, "CONTEXT") == '{"n":1}'
        assert owner.own.execute_command("SM.GET", key, "REVISION") == 2


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__)
def test_a_slot_that_moves_takes_its_deadlines(cluster: Cluster, move: Move) -> None:
    """They come due before, while and after the slot moves; both primaries together fire each once."""
    source, target = source_and_target(cluster)
    keys = [key_in_slot(number) for number in range(COUNT)]
    before = fired(source, target)
    arm(source, keys, 100, 20)
    source.own.execute_command("SM.SET", key_in_slot("failing"), FAILING)
    wait_until(lambda: pending(source.own, key_in_slot("failing"))[0]["status"] == "failed", "it has failed")
    failed = pending(source.own, key_in_slot("failing"))
    move(cluster, target, lambda: time.sleep(0.03))
    all_have_fired_once(target, keys)
    assert cluster.owner(SLOT) is target
    assert fired(source, target) == before + COUNT + 1
    assert pending(target.own, key_in_slot("failing")) == failed
    for primary in (source, target):
        wait_until(lambda primary=primary: primary.info()["timers_next_ms"] == 0, "nothing is left in the index")
    replica = cluster.replica_of(target)
    caught_up(target, replica)
    assert target.digest(*keys) == replica.digest(*keys)


def test_a_slot_that_is_moving_is_no_hot_loop(cluster: Cluster) -> None:
    """What is due while its slot is half moved fires where it is, or waits until the slot is whole."""
    source, target = source_and_target(cluster)
    keys = [key_in_slot(number) for number in range(9)]
    before = fired(source, target)
    arm(source, keys, 400, 0)

    waited = []

    def between() -> None:
        if not waited:
            waited.append(True)
            time.sleep(0.6)

    cluster.move_key_by_key(SLOT, target, between)
    all_have_fired_once(target, keys)
    assert fired(source, target) == before + len(keys)


def test_a_failover_in_good_order_fires_each_once(cluster: Cluster) -> None:
    primary = cluster.owner(SLOT)
    replica = cluster.replica_of(primary)
    keys = [key_in_slot(number) for number in range(COUNT)]
    before = fired(primary, replica)
    arm(primary, keys, 200, 20)
    cluster.promote(replica)
    all_have_fired_once(replica, keys)
    assert fired(primary, replica) == before + COUNT
    caught_up(replica, primary)
    assert primary.digest(*keys) == replica.digest(*keys)


def test_the_replica_of_a_dead_primary_fires(start_server: Callable[..., Server]) -> None:
    cluster = Cluster(start_server, by_hand=True)
    for server in cluster.servers:
        server.own.config_set("cluster-node-timeout", 2000)
    key = a_key_of_every_slot()[SLOT]
    primary = cluster.owner(SLOT)
    replica = cluster.replica_of(primary)
    primary.own.execute_command("SM.SET", key, counting(1500))
    caught_up(primary, replica)
    primary.kill9()
    wait_until(lambda: replica.info("replication")["role"] == "master", "the replica is promoted")
    wait_for(replica.own, key, "b")
    assert fired(replica) == 1
    primary.start_again()
    cluster.wait_until_complete()
    assert primary.info("replication")["role"] == "slave"
    assert replica.own.execute_command("SM.GET", key, "CONTEXT") == '{"n":1}'
