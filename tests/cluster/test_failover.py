"""Failovers in a cluster: after a kill, which WAIT makes a transition survive, and by CLUSTER FAILOVER."""

from __future__ import annotations

from collections.abc import Callable

from tests.clusters import Cluster, a_key_of_every_slot, has_slot, role
from tests.groups import assert_same, caught_up
from tests.load import Machine, Writer, steps_taken, under_load, with_wait
from tests.servers import Server, wait_until

SLOTS = (1000, 7000, 13000)
"""A slot of each primary."""


def a_key_of(primary: Server) -> str:
    """A key in one of the primary's slots."""
    return next(key for slot, key in enumerate(a_key_of_every_slot()) if slot % 100 == 0 and has_slot(primary, slot))


def waiting_writer(primary: Server, machines: list[Machine]) -> Writer:
    """A writer that waits for the replica after every step."""
    client = primary.client()
    return Writer(client.execute_command, machines, with_wait(client, 1, 2000))


def test_a_killed_primary_and_wait(start_server: Callable[..., Server]) -> None:
    cluster = Cluster(start_server, by_hand=True)
    for server in cluster.servers:
        server.own.config_set("cluster-node-timeout", 2000)
    first, other, _ = cluster.primaries()
    replica = cluster.replica_of(first)
    mine, others = ([Machine(f"{{{a_key_of(primary)}}}:{n}") for n in range(4)] for primary in (first, other))
    waiting = [waiting_writer(first, mine[:2]), waiting_writer(first, mine[2:])]
    elsewhere = Writer(cluster.client().execute_command, others)

    with under_load([*waiting, elsewhere]) as load:
        load.wait_for_steps(30)
        first.kill9()
        wait_until(lambda: role(replica) == "master", "the replica is promoted")
        wait_until(lambda: replica.own.cluster("INFO")["cluster_state"] == "ok", "the cluster state is ok")
        wait_until(lambda: all(writer.failure for writer in waiting), "the writers of the killed primary fail")
        before = elsewhere.steps
        wait_until(lambda: elsewhere.steps > before or elsewhere.failure, "the other writer takes steps")

    assert elsewhere.failure is None and not elsewhere.faults
    r = cluster.client()
    for machine in elsewhere.machines:
        assert steps_taken(r.execute_command, machine) == machine.acknowledged
    for writer in waiting:
        assert not writer.faults
        for machine in writer.machines:
            assert machine.replicated > 0
            survived = steps_taken(r.execute_command, machine)
            assert machine.replicated <= survived <= machine.sent
            assert r.execute_command("SM.MUTATE", machine.key, machine.state(survived + 1)) == "OK"

    first.start_again()
    cluster.wait_until_complete()
    assert cluster.replica_of(replica) is first
    caught_up(replica, first)
    assert_same(replica, first)
    cluster.close()


def test_a_failover_in_good_order_loses_nothing(cluster: Cluster, long: bool) -> None:
    """CLUSTER FAILOVER: the replica first receives all writes, so that clients need no WAIT."""
    for slot in (*SLOTS, *SLOTS) if long else SLOTS[:1]:  # twice each; after more, the other primaries do not vote
        fail_over_under_load(cluster, slot)
        cluster.client().flushall()


def fail_over_under_load(cluster: Cluster, slot: int) -> None:
    primary = cluster.owner(slot)
    replica = cluster.replica_of(primary)
    key = a_key_of_every_slot()[slot]
    writers = [
        Writer(cluster.client().execute_command, [Machine(f"{{{key}}}:{n}-{m}") for m in range(4)]) for n in range(3)
    ]
    with under_load(writers) as load:
        load.wait_for_steps(20)
        cluster.promote(replica)
        load.wait_for_steps(20)
    assert not load.failures()
    r = cluster.client()
    for machine in load.machines():
        assert steps_taken(r.execute_command, machine) == machine.acknowledged == machine.sent
    cluster.wait_until_complete()
    caught_up(replica, primary)
    assert_same(replica, primary)
