"""A primary and its replicas: making them, and comparing their data.

Replicas are made by REPLICAOF, not by redis.conf: after a restart, a replica is a primary with the data of its own
disk.
"""

from __future__ import annotations

from collections.abc import Sequence

import redis

from tests.servers import Server, wait_until

STRICT = {"propagation-error-behavior": "panic", "repl-ping-replica-period": 3600, "repl-timeout": 7200}
"""A command that fails on a replica, or while the AOF is loaded, ends the server; no pings change the offset."""


def follow(primary: Server, *replicas: Server) -> None:
    """Makes the replicas follow the primary, and waits until their first sync is done."""
    for replica in replicas:
        replica.own.replicaof("127.0.0.1", primary.port)
    for replica in replicas:
        replica.wait_info("replication", master_link_status="up")


def alone(*servers: Server) -> None:
    """Makes replicas primaries, and waits for their AOF: a full sync makes a replica rewrite it."""
    for server in servers:
        server.own.replicaof("no", "one")
        server.wait_for_child()


def offset(server: Server) -> int:
    """The replication offset: bytes that the server has sent to replicas, or received from its primary."""
    return int(server.info("replication")["master_repl_offset"])


def calls(server: Server, command: str) -> int:
    """How many times the server has run the command, for clients or for its primary."""
    statistics = server.info("commandstats").get(f"cmdstat_{command}")
    return int(statistics["calls"]) if statistics else 0


def caught_up(primary: Server, *replicas: Server) -> None:
    """Waits until the replicas have received all that the primary has sent."""

    def has_all(replica: Server) -> bool:
        status = replica.info("replication")
        return status["master_link_status"] == "up" and status["slave_repl_offset"] == offset(primary)

    for replica in replicas:
        wait_until(lambda replica=replica: has_all(replica), f"port {replica.port} has what its primary sent")


def digest(server: Server) -> str:
    """DEBUG DIGEST: of all keys of all databases, with their types, values and whether they expire."""
    return str(server.own.execute_command("DEBUG", "DIGEST"))


def contents(server: Server) -> dict[tuple[int, bytes], object]:
    """What DEBUG DIGEST-VALUE and PTTL say of every key, by database and name."""
    found: dict[tuple[int, bytes], object] = {}
    for name in server.own.info("keyspace"):
        number = int(name.removeprefix("db"))
        client = server.client(db=number, decode_responses=False)
        for key in client.keys("*"):
            (value,) = client.execute_command("DEBUG", "DIGEST-VALUE", key)
            found[number, key] = (client.type(key), value, client.pttl(key) > 0)
    return found


def assert_same(first: Server, *others: Server) -> None:
    """Waits until the servers have the same data, and else fails with the keys that differ.

    It waits since a replica keeps an expired key until its primary deletes it.
    """
    servers: Sequence[Server] = (first, *others)
    try:
        wait_until(lambda: len({digest(server) for server in servers}) == 1, "the digests agree", 20)
    except AssertionError:
        ours = contents(first)
        for other in others:
            theirs = contents(other)
            differ = [key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]
            shown = [(key, ours.get(key), theirs.get(key)) for key in sorted(differ)[:10]]
            assert not differ, f"port {other.port}: {len(differ)} keys differ: {shown}"
        raise


def run_all(
    client: redis.Redis, commands: Sequence[Sequence[str | bytes | int]], transaction: bool = False
) -> list[object]:
    """Sends the commands in one pipeline; errors are returned as values."""
    with client.pipeline(transaction=transaction) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        return list(pipe.execute(raise_on_error=False))
