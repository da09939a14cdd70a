"""When an acknowledged write survives: asynchronous replication, WAIT, WAITAOF, min-replicas-to-write.

Replication is asynchronous: the primary replies before its replicas have the write. The first test loses one.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
import redis

from tests.documents import TRAFFIC
from tests.groups import STRICT, alone, assert_same, caught_up, digest, follow
from tests.load import Machine, Writer, steps_taken, under_load, with_wait
from tests.servers import Server, wait_until
from tools import servers

Start = Callable[..., Server]

HAS_WAITAOF = servers.find().version >= (7, 2, 0)
LOG = {"appendonly": "yes", "appendfsync": "everysec"}


def pair(start_server: Start, **settings: object) -> tuple[Server, Server]:
    """A primary with a machine, and its replica."""
    primary = start_server(settings=STRICT | settings)
    replica = start_server(settings=STRICT | settings)
    primary.own.execute_command("SM.SET", "k", TRAFFIC)
    follow(primary, replica)
    caught_up(primary, replica)
    return primary, replica


class CutOff:
    """A replica that receives nothing, as after a network failure: it is stopped, and its link is cut."""

    def __init__(self, primary: Server, replica: Server) -> None:
        self.primary, self.replica = primary, replica

    def __enter__(self) -> None:
        os.kill(self.replica.pid, signal.SIGSTOP)
        self.primary.own.execute_command("CLIENT", "KILL", "TYPE", "replica")

    def __exit__(self, *_: object) -> None:
        os.kill(self.replica.pid, signal.SIGCONT)


def test_an_acknowledged_write_can_be_lost(start_server: Start) -> None:
    primary, replica = pair(start_server)
    with CutOff(primary, replica):
        assert primary.own.execute_command("SM.MUTATE", "k", "green") == "OK"
        primary.kill9()
    alone(replica)
    assert replica.own.execute_command("SM.STATE", "k") == ["red"]


def test_wait_tells_whether_replicas_have_it(start_server: Start) -> None:
    primary, replica = pair(start_server)
    client = primary.client(single_connection_client=True)
    assert client.execute_command("SM.MUTATE", "k", "green", "confirmed") == "OK"
    assert client.wait(1, 10_000) == 1
    with CutOff(primary, replica):
        assert client.execute_command("SM.MUTATE", "k", "amber", "not confirmed") == "OK"
        assert client.wait(1, 100) == 0
        primary.kill9()
    alone(replica)
    assert replica.own.execute_command("SM.STATE", "k") == ["green"]
    assert replica.own.execute_command("SM.GET", "k", "REASON") == "confirmed"


def test_what_wait_confirmed_survives_the_primary(start_server: Start, long: bool) -> None:
    """Under load: each writer's confirmed steps are on the promoted replica, and no step that was not sent."""
    for _ in range(25 if long else 1):
        kill_the_primary_under_load(*pair(start_server))


def kill_the_primary_under_load(primary: Server, replica: Server) -> None:

    def writer(number: int) -> Writer:
        client = primary.client()
        machines = [Machine(f"{number}-{m}") for m in range(3)]
        return Writer(client.execute_command, machines, with_wait(client, 1, 5000))

    writers = [writer(number) for number in range(3)]
    with under_load(writers) as load:
        load.wait_for_steps(50)
        primary.kill9()
        wait_until(lambda: all(one.failure for one in writers), "the writers fail")
    alone(replica)
    for machine in load.machines():
        assert 0 < machine.replicated <= steps_taken(replica.own.execute_command, machine) <= machine.sent


def test_min_replicas_refuses_rather_than_lose(start_server: Start) -> None:
    """A primary without replicas refuses writes and changes nothing; reads work."""
    primary, replica = pair(start_server)
    primary.own.config_set("min-replicas-to-write", 1)
    wait_until(lambda: primary.info("replication")["min_slaves_good_slaves"] == 1, "the replica counts")
    before = digest(primary)
    with CutOff(primary, replica):
        for words in (
            ("SM.MUTATE", "k", "green"),
            ("SM.MUTATE", "k", "amber", "why", "FORCE"),
            ("SM.SEND", "k", "green"),
            ("SM.RESET", "k"),
            ("SM.SET", "k", TRAFFIC, "green"),
            ("SM.CREATE", "new"),
        ):
            for call in (words, ("EVAL", "return redis.call(unpack(ARGV))", "0", *words)):
                with pytest.raises(redis.ResponseError, match=r"NOREPLICAS|Not enough good replicas"):
                    primary.own.execute_command(*call)
        assert primary.own.execute_command("SM.STATE", "k") == ["red"]
        assert digest(primary) == before
    wait_until(lambda: primary.info("replication")["min_slaves_good_slaves"] == 1, "the replica is back")
    assert primary.own.execute_command("SM.MUTATE", "k", "green") == "OK"
    caught_up(primary, replica)
    assert_same(primary, replica)


def both_have_it_on_disk(start_server: Start) -> None:
    """WAITAOF 1 1: the write survives if both are killed."""
    primary, replica = pair(start_server, **LOG)
    client = primary.client(single_connection_client=True)
    assert client.execute_command("SM.MUTATE", "k", "green", "on both disks") == "OK"
    assert client.execute_command("WAITAOF", 1, 1, 20_000) == [1, 1]
    primary.kill9()
    replica.kill9()
    for server in (primary, replica):
        server.start_again()
        assert server.own.execute_command("SM.GET", "k", "REASON") == "on both disks"


def only_the_primary_has_it_on_disk(start_server: Start) -> None:
    """WAITAOF counts the primary's disk, and not that of a replica that is cut off."""
    primary, replica = pair(start_server, **LOG)
    client = primary.client(single_connection_client=True)
    with CutOff(primary, replica):
        assert client.execute_command("SM.MUTATE", "k", "green") == "OK"
        assert client.execute_command("WAITAOF", 1, 0, 20_000) == [1, 0]
        assert client.execute_command("WAITAOF", 0, 1, 100) == [1, 0]


def the_command_is_missing(start_server: Start) -> None:
    """Redis 7.0 has no WAITAOF; there, WAIT and replicas with appendfsync always serve the purpose."""
    server = start_server()
    with pytest.raises(redis.ResponseError, match="unknown command"):
        server.own.execute_command("WAITAOF", 1, 0, 0)


@pytest.mark.parametrize(
    "what",
    [both_have_it_on_disk, only_the_primary_has_it_on_disk] if HAS_WAITAOF else [the_command_is_missing],
    ids=lambda what: what.__name__,
)
def test_waitaof(start_server: Start, what: Callable[[Start], None]) -> None:
    what(start_server)


def test_wait_and_a_log_that_is_always_synced(start_server: Start) -> None:
    """On every server: a replica with appendfsync always confirms what is in its own AOF, so that both can be killed.

    This holds when the AOF rewrite that follows a full sync has finished: WAITAOF waits for it, WAIT does not.
    """
    primary, replica = pair(start_server, appendonly="yes", appendfsync="always")
    replica.wait_for_child()
    client = primary.client(single_connection_client=True)
    for number in range(20):
        assert client.execute_command("SM.MUTATE", "k", ["green", "amber", "red"][number % 3], str(number)) == "OK"
        assert client.wait(1, 20_000) == 1
    primary.kill9()
    replica.kill9()
    for server in (primary, replica):
        server.start_again()
        assert server.own.execute_command("SM.GET", "k", "REASON") == "19"
