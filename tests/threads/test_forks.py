"""The server forks in the middle of what it does on other threads and in the engine: no child hangs, nothing crashes.

Each round makes many machines, then sends, without waiting for an answer in between, what troubles the server and
the command that makes it fork: BGSAVE, BGREWRITEAOF or a full sync, in turn. A long run has 200 rounds of each pair.
Where the fork comes, the generators below yield None.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import pytest

from tests import corpus
from tests.documents import ring
from tests.servers import HANG, Server, Wire, wait_until

FORKS = ("BGSAVE", "BGREWRITEAOF", "diskless sync", "disk-based sync")

Words = tuple[str | int, ...]


def flush(serial: int, dice: random.Random) -> Iterator[Words | None]:
    """FLUSHALL ASYNC frees on another thread; what is saved meanwhile was made after it."""
    yield ("FLUSHALL", "ASYNC")
    yield corpus.many("kept:", 100, 10, f"r{serial}-")
    yield None


def unlink(serial: int, dice: random.Random) -> Iterator[Words | None]:
    for first in range(101, MACHINES["unlinked"], 500):
        yield ("UNLINK", *(f"many:{i}" for i in range(first, first + 500)))
        if first == 2101:
            yield None


def evict(serial: int, dice: random.Random) -> Iterator[Words | None]:
    """Memory is full from the first command on; each write makes room for itself and for the excess."""
    for i in range(100):
        yield ("SM.SET", f"new:{i}", ring(3, f"e{serial}-{i % 20}-"))
        if i == 20:
            yield None


def storm(serial: int, dice: random.Random) -> Iterator[Words | None]:
    """Each document is new: the engine compiles, and a sweep gives the old ones back."""
    middle = dice.randrange(200)
    for i in range(200):
        yield ("SM.SET", f"storm:{i}", ring(3, f"n{serial}-{i}-"))
        if i == middle:
            yield None


TROUBLES = {"flushed": flush, "unlinked": unlink, "evicted": evict, "stored": storm}
MACHINES = {"flushed": 20_000, "unlinked": 5_000, "evicted": 10_000, "stored": 500}
"""How many there are before."""


class Round:
    """One server, and what one round does to it."""

    def __init__(self, server: Server, trouble: str) -> None:
        self.server = server
        self.trouble = trouble
        self.snapshot = server.folder / "synced.rdb"

    def run(self, serial: int, fork: str, dice: random.Random) -> None:
        server, own = self.server, self.server.own
        with server.socket() as wire:
            wire.send(*map(str, corpus.many("many:", MACHINES[self.trouble], 50, f"{self.trouble}-")))
            succeed(wire, 1)
            if fork.endswith("sync"):
                own.config_set("repl-diskless-sync", "yes" if fork == "diskless sync" else "no")
            if self.trouble == "evicted":
                own.config_set("maxmemory", server.info("memory")["used_memory"] - 200_000)
            with server.socket() as replica:
                replica.send("REPLCONF", "capa", "eof", "capa", "psync2")
                assert replica.reply() == b"+OK"
                waiting = 0
                for words in TROUBLES[self.trouble](serial, dice):
                    if words is not None or not fork.endswith("sync"):
                        wire.send(*map(str, words or (fork,)))
                        waiting += 1
                        continue
                    # A full sync comes on a connection of its own: what was sent before it is to be done before it.
                    succeed(wire, waiting)
                    waiting = 0
                    replica.send("PSYNC", "?", "-1")
                succeed(wire, waiting)
                if fork.endswith("sync"):
                    self.snapshot.write_bytes(full_sync(replica))
        server.wait_for_child()
        if self.trouble == "evicted":
            assert server.info("stats")["evicted_keys"] > 0
            own.config_set("maxmemory", 0)


def succeed(wire: Wire, answers: int) -> None:
    """Reads so many answers; none is an error."""
    for _ in range(answers):
        reply = wire.reply()
        assert not reply.startswith(b"-"), reply


def full_sync(replica: Wire) -> bytes:
    """The snapshot that a full sync brings, from the primary's answer on."""
    answer = replica.line()
    assert answer.startswith(b"+FULLRESYNC"), answer
    while not (header := replica.line()).startswith(b"$"):
        assert header == b"\n", header  # the primary keeps the connection awake
    if not header.startswith(b"$EOF:"):
        return replica.read(int(header[1:]))
    return replica.read_until(header.removeprefix(b"$EOF:"))


def loads(start_server: Callable[..., Server], file: Path, wanted: corpus.Seen) -> None:
    """A fresh server starts from the file and holds the machines."""
    fresh = start_server()
    fresh.kill9()
    (fresh.folder / "dump.rdb").write_bytes(file.read_bytes())
    fresh.start_again()
    assert corpus.changes(wanted, corpus.everything(fresh)) == []


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_fork_in_the_middle(start_server: Callable[..., Server], long: bool, trouble: str) -> None:
    server = start_server(
        settings={
            "maxmemory-policy": "allkeys-lru", "lazyfree-lazy-eviction": "yes", "lazyfree-lazy-user-del": "yes",
            "hz": 100,
        }
    )  # fmt: skip
    dice = random.Random(trouble)
    round_ = Round(server, trouble)
    for serial, fork in zip(range(200 * len(FORKS) if long else len(FORKS)), cycle(FORKS), strict=False):
        round_.run(serial, fork, dice)
    wait_until(lambda: server.info("replication")["connected_slaves"] == 0, "the last sync has ended", HANG)
    before = corpus.everything(server)
    assert len(before) > 50
    server.own.execute_command("BGSAVE")
    server.wait_for_child()
    loads(start_server, server.folder / "dump.rdb", before)
    server.own.execute_command("DEBUG", "RELOAD")
    assert corpus.changes(before, corpus.everything(server)) == []
    server.own.flushall()
    server.wait_info(machines=0, definitions=0)
    assert round_.snapshot.stat().st_size > 100
    if long:
        print(f"{trouble}: 200 rounds of each of {', '.join(FORKS)}")
