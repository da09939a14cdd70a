"""A cluster of three primaries, each with a replica: creating it, its roles and slots, moving slots."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from redis.backoff import ConstantBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.crc import key_slot
from redis.retry import Retry

from tests.groups import STRICT
from tests.servers import HANG, Server, wait_until
from tools import servers

SLOTS = 16384
SETTINGS = STRICT | {
    "cluster-enabled": "yes",
    "cluster-node-timeout": 15000,
    "cluster-allow-replica-migration": "no",
    "cluster-replica-validity-factor": 0,
}
"""A slow node does not cause a failover; a test that wants one sets a shorter timeout."""


@cache
def a_key_of_every_slot() -> tuple[str, ...]:
    """Keys; the one at index N is in slot N."""
    names: dict[int, str] = {}
    number = 0
    while len(names) < SLOTS:
        name = f"machine:{number}"
        names.setdefault(key_slot(name.encode()), name)
        number += 1
    return tuple(names[slot] for slot in range(SLOTS))


class Cluster:
    """Six servers. ``by_hand`` joins them with CLUSTER MEET; otherwise redis-cli does, where there is one."""

    def __init__(self, start: Callable[..., Server], by_hand: bool = False, **options: Any) -> None:
        settings = SETTINGS | options.pop("settings", {})
        self.servers = [start(settings=settings, **options) for _ in range(6)]
        self.clients: list[RedisCluster] = []
        client = servers.command_line(self.servers[0].binary.path)
        if client is None or by_hand:
            self._join_by_hand()
        else:
            self._join_by(client)
        self.wait_until_complete()

    def _join_by(self, client: Path) -> None:
        addresses = [f"127.0.0.1:{server.port}" for server in self.servers]
        command = [client, "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=HANG, check=False)
        assert run.returncode == 0, run.stdout + run.stderr

    def _join_by_hand(self) -> None:
        first, *others = self.servers
        share = SLOTS // 3 + 1
        for number, server in enumerate(self.servers):
            server.own.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number < 3:
                last = min((number + 1) * share, SLOTS) - 1
                server.own.execute_command("CLUSTER", "ADDSLOTSRANGE", number * share, last)
        for server in others:
            first.own.execute_command("CLUSTER", "MEET", "127.0.0.1", server.port)
        for server in self.servers:
            wait_until(lambda server=server: len(nodes(server)) == 6, "the nodes know each other")
        for primary, replica in zip(self.servers[:3], self.servers[3:], strict=True):
            replica.own.execute_command("CLUSTER", "REPLICATE", identity(primary))

    # Roles

    def alive(self) -> list[Server]:
        return [server for server in self.servers if server.alive()]

    def primaries(self) -> list[Server]:
        return [server for server in self.alive() if role(server) == "master"]

    def owner(self, slot: int) -> Server:
        """The primary that owns the slot. Waits until there is one, as after a failover."""
        found: Server = wait_until(
            lambda: next((server for server in self.primaries() if has_slot(server, slot)), None),
            f"slot {slot} has an owner",
        )
        return found

    def replica_of(self, primary: Server) -> Server:
        def follows(server: Server) -> bool:
            status = server.info("replication")
            return status["role"] == "slave" and status["master_port"] == primary.port

        return next(server for server in self.alive() if server is not primary and follows(server))

    def wait_until_complete(self) -> None:
        """Waits until all nodes agree on three primaries that own all slots, each with a connected replica."""

        def complete() -> bool:
            primaries = self.primaries()
            return (
                len(primaries) == 3
                and all(p.info("replication").get("slave0", {}).get("state") == "online" for p in primaries)
                and all(
                    server.own.cluster("INFO")["cluster_state"] == "ok"
                    and server.own.cluster("INFO")["cluster_slots_ok"] == str(SLOTS)
                    for server in self.servers
                )
                and len({slot_ranges(server) for server in self.servers}) == 1
                and len({roles(server) for server in self.servers}) == 1
            )

        wait_until(complete, "the cluster is complete")

    def promote(self, replica: Server) -> None:
        """CLUSTER FAILOVER, repeated when it times out, which it does after 5 seconds."""
        asked = 0.0

        def promoted() -> bool:
            nonlocal asked
            if time.monotonic() - asked > 7:
                replica.own.execute_command("CLUSTER", "FAILOVER")
                asked = time.monotonic()
            return role(replica) == "master"

        wait_until(promoted, "the replica is promoted")

    # Clients

    def client(self, **options: Any) -> RedisCluster:
        """redis-py's client, with its own redirections and retries."""
        start = [ClusterNode("127.0.0.1", server.port) for server in self.alive()]
        client = RedisCluster(
            startup_nodes=start,
            decode_responses=options.pop("decode_responses", True),
            socket_timeout=HANG,
            retry=Retry(ConstantBackoff(0.1), 100),
            **options,
        )
        self.clients.append(client)
        return client

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.clients.clear()

    # Slots

    def move_key_by_key(self, slot: int, target: Server, between: Callable[[], None] = lambda: None) -> None:
        """MIGRATING, IMPORTING, MIGRATE for a few keys at a time with ``between`` after each, then the new owner."""
        source = self.owner(slot)
        target.own.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", identity(source))
        source.own.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", identity(target))
        while keys := source.raw().execute_command("CLUSTER", "GETKEYSINSLOT", slot, 3):
            migrate(source, target, keys)
            between()
        for server in (target, source, *[s for s in self.primaries() if s not in {source, target}]):
            server.own.execute_command("CLUSTER", "SETSLOT", slot, "NODE", identity(target))

    def move_at_once(self, slot: int, target: Server, between: Callable[[], None] = lambda: None) -> None:
        """Valkey's CLUSTER MIGRATESLOTS."""
        source = self.owner(slot)
        between()
        source.own.execute_command("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", identity(target))
        wait_until(lambda: last_migration(source)["state"] in {"success", "failed", "canceled"}, "the move ends")
        assert last_migration(source)["state"] == "success", last_migration(source)
        wait_until(lambda: has_slot(target, slot), "the target has the slot")


def can_move_at_once() -> bool:
    """Whether the server has CLUSTER MIGRATESLOTS (Valkey 9.0)."""
    found = servers.find()
    return found.vendor == "Valkey" and found.version >= (9, 0, 0)


def migrate(source: Server, target: Server, keys: Sequence[bytes]) -> Any:
    """MIGRATE of the keys, by the source."""
    return source.raw().execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 20_000, "KEYS", *keys)


def last_migration(server: Server) -> dict[str, Any]:
    """The newest entry of CLUSTER GETSLOTMIGRATIONS."""
    listed = server.raw().execute_command("CLUSTER", "GETSLOTMIGRATIONS")
    entry = [word.decode() if isinstance(word, bytes) else word for word in listed[0]]
    return dict(zip(entry[::2], entry[1::2], strict=True))


def identity(server: Server) -> str:
    return str(server.own.execute_command("CLUSTER", "MYID"))


def role(server: Server) -> str:
    return str(server.info("replication")["role"])


def nodes(server: Server) -> list[list[str]]:
    """The lines of CLUSTER NODES, in words."""
    text = server.raw().execute_command("CLUSTER", "NODES").decode()
    return [line.split() for line in text.splitlines()]


def has_slot(server: Server, slot: int) -> bool:
    """Whether the server owns the slot, by its own CLUSTER NODES."""
    return any(low <= slot <= high for owner, low, high in slot_ranges(server) if owner == identity(server))


def slots_of(server: Server) -> int:
    """The number of slots that the server owns, by its own CLUSTER NODES."""
    return sum(high - low + 1 for owner, low, high in slot_ranges(server) if owner == identity(server))


def roles(server: Server) -> frozenset[tuple[str, bool, str]]:
    """The replication of all nodes, as the server sees it: (identity, whether a primary, its primary or -)."""
    return frozenset((words[0], "master" in words[2].split(","), words[3]) for words in nodes(server))


def slot_ranges(server: Server) -> frozenset[tuple[str, int, int]]:
    """The owners of all slots, as the server sees them: (primary's identity, first slot, last slot)."""
    found = set()
    for words in nodes(server):
        for span in (word for word in words[8:] if not word.startswith("[")):
            low, _, high = span.partition("-")
            found.add((words[0], int(low), int(high or low)))
    return frozenset(found)


def errors(server: Server, prefix: str) -> int:
    """How many errors with this prefix the server has sent: ASK, MOVED."""
    statistics = server.info("errorstats").get(f"errorstat_{prefix}")
    return int(statistics["count"]) if statistics else 0
