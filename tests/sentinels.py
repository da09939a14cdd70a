"""Three sentinels that watch a primary and its replicas, run by the server's own binary."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from redis.sentinel import Sentinel

from tests.groups import STRICT, caught_up, follow
from tests.servers import Server, wait_until

NAME = "machines"
DOWN_AFTER = 2000
"""Milliseconds without an answer after which a sentinel considers the primary down."""


class SentinelServer(Server):
    """A sentinel: the server's binary, started with --sentinel."""

    def __init__(self, folder: Path, primary: Server, quorum: int) -> None:
        super().__init__(folder, module=None)
        self.primary, self.quorum = primary, quorum
        self.arguments = ("--sentinel",)

    def write_conf(self) -> None:
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {self.folder}",
            f"logfile {self.folder / 'server.log'}",
            f"sentinel monitor {NAME} 127.0.0.1 {self.primary.port} {self.quorum}",
            f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER}",
            f"sentinel failover-timeout {NAME} 10000",
        ]
        self.conf.write_text("\n".join(lines) + "\n", encoding="utf-8")


class SentinelGroup:
    """A primary, two replicas, three sentinels of which two must agree."""

    def __init__(self, start: Callable[..., Server], folder: Path) -> None:
        self.servers = [start(settings=STRICT | {"repl-timeout": 60, "repl-ping-replica-period": 1}) for _ in range(3)]
        self.primary = self.servers[0]
        follow(self.primary, *self.servers[1:])
        caught_up(self.primary, *self.servers[1:])
        self.sentinels: list[SentinelServer] = []
        for number in range(3):
            place = folder / f"sentinel{number}"
            place.mkdir()
            self.sentinels.append(SentinelServer(place, self.primary, 2))
            self.sentinels[-1].start()
        wait_until(lambda: all(map(self.knows_all, self.sentinels)), "the sentinels know each other and the replicas")

    def knows_all(self, sentinel: Server) -> bool:
        reply = sentinel.raw().execute_command("SENTINEL", "MASTER", NAME)
        words = dict(zip(reply[::2], reply[1::2], strict=True)) if isinstance(reply, list) else reply
        return words[b"num-other-sentinels"] == b"2" and words[b"num-slaves"] == b"2" and words[b"flags"] == b"master"

    def service_discovery(self, **options: Any) -> Sentinel:
        """redis-py's client of the sentinels, which finds the current primary."""
        addresses = [("127.0.0.1", sentinel.port) for sentinel in self.sentinels]
        return Sentinel(addresses, socket_timeout=5, **options)

    def role(self, server: Server) -> str:
        """master or slave, by a new connection: a sentinel that changes a server's role closes its connections."""
        server.close_clients()
        try:
            return str(server.info("replication")["role"])
        except redis.ConnectionError:
            return "not reachable"

    def wait_for_failover(self) -> Server:
        """Waits until all sentinels name another primary, and that server is one."""

        def done() -> Server | None:
            ports = {
                int(sentinel.own.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[1])
                for sentinel in self.sentinels
            }
            if len(ports) != 1 or ports == {self.primary.port}:
                return None
            named = next(server for server in self.servers if server.port in ports)
            return named if self.role(named) == "master" else None

        found: Server = wait_until(done, "another primary is named")
        return found

    def stop(self) -> None:
        for sentinel in self.sentinels:
            sentinel.stop()
