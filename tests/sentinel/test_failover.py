"""A failover by sentinels under load: what WAIT confirmed survives, and clients find the new primary."""

from __future__ import annotations

from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.groups import assert_same, caught_up
from tests.load import Machine, Writer, steps_taken, under_load, with_wait
from tests.sentinels import NAME, SentinelGroup
from tests.servers import wait_until


def test_a_killed_primary_under_load(sentinels: SentinelGroup) -> None:
    """Writers that wait for both replicas after each step lose none, whichever replica is promoted."""

    def writer(name: str, waits: bool) -> Writer:
        client = sentinels.service_discovery().master_for(
            NAME, decode_responses=True, retry=Retry(NoBackoff(), 0), socket_timeout=5
        )
        machines = [Machine(f"{name}-{m}") for m in range(3)]
        return Writer(client.execute_command, machines, with_wait(client, 2, 100) if waits else None, persistent=True)

    writers = [writer("waits", True), writer("waits too", True), writer("does not", False)]
    with under_load(writers) as load:
        load.wait_for_steps(50)
        assert all(machine.replicated for one in writers[:2] for machine in one.machines)
        sentinels.primary.kill9()
        promoted = sentinels.wait_for_failover()
        load.wait_for_steps(50)
        sentinels.primary.start_again()
        wait_until(lambda: sentinels.role(sentinels.primary) == "slave", "the old primary follows the new")
        load.wait_for_steps(50)
    assert not load.failures()
    for server in sentinels.servers:
        server.close_clients()  # a sentinel closed them
    for machine in load.machines():
        assert steps_taken(promoted.own.execute_command, machine) == machine.acknowledged
    others = [server for server in sentinels.servers if server is not promoted]
    caught_up(promoted, *others)
    assert_same(promoted, *others)
