"""Sentinels fail over under load: what WAIT confirmed survives, clients find the new primary, the old returns."""

from __future__ import annotations

from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.groups import assert_same, caught_up
from tests.load import Machine, Writer, steps_taken, under_load, with_wait
from tests.sentinels import NAME, Watched
from tests.servers import wait_until


def test_a_killed_primary_under_load(watched: Watched) -> None:
    """Each writer asks both replicas after every step: then it does not matter which of them is promoted."""

    def writer(name: str, waits: bool) -> Writer:
        client = watched.finder().master_for(
            NAME, decode_responses=True, retry=Retry(NoBackoff(), 0), socket_timeout=5
        )
        machines = [Machine(f"{name}-{m}") for m in range(3)]
        return Writer(client.execute_command, machines, with_wait(client, 2, 100) if waits else None, persistent=True)

    writers = [writer("waits", True), writer("waits too", True), writer("does not", False)]
    with under_load(writers) as load:
        load.go_on(50)
        assert all(machine.safe for one in writers[:2] for machine in one.machines)
        watched.primary.kill9()
        promoted = watched.wait_for_failover()
        load.go_on(50)
        watched.primary.start_again()
        wait_until(lambda: watched.role(watched.primary) == "slave", "the old primary follows the new")
        load.go_on(50)
    assert not load.failures()
    for server in watched.servers:
        server.close_clients()  # a sentinel closed them
    for machine in load.machines():
        assert steps_taken(promoted.own.execute_command, machine) == machine.acknowledged
    others = [server for server in watched.servers if server is not promoted]
    caught_up(promoted, *others)
    assert_same(promoted, *others)
