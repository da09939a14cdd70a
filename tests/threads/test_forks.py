"""The server forks while it frees memory on other threads, evicts or compiles: no child hangs, nothing crashes.

Each round stores many machines, then sends the commands of a scenario and, in the middle of them without waiting for
replies, a command that forks: BGSAVE, BGREWRITEAOF or a full sync. A long run has 200 rounds of each combination. A
scenario below yields None where the fork is to happen.
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
    """FLUSHALL ASYNC frees machines on another thread while machines that were stored after it are saved."""
    yield ("FLUSHALL", "ASYNC")
    yield corpus.many("kept:", 100, 10, f"r{serial}-")
    yield None


def unlink(serial: int, dice: random.Random) -> Iterator[Words | None]:
    for first in range(101, MACHINES["unlinked"], 500):
        yield ("UNLINK", *(f"many:{i}" for i in range(first, first + 500)))
        if first == 2101:
            yield None


def evict(serial: int, dice: random.Random) -> Iterator[Words | None]:
    """Memory is full from the first command on, so that each write evicts."""
    for i in range(100):
        yield ("SM.SET", f"new:{i}", ring(3, f"e{serial}-{i % 20}-"))
        if i == 20:
            yield None


def store(serial: int, dice: random.Random) -> Iterator[Words | None]:
    """Each document is new: it is compiled, and the sweep frees unused definitions."""
    middle = dice.randrange(200)
    for i in range(200):
        yield ("SM.SET", f"new:{i}", ring(3, f"n{serial}-{i}-"))
        if i == middle:
            yield None


SCENARIOS = {"flushed": flush, "unlinked": unlink, "evicted": evict, "stored": store}
MACHINES = {"flushed": 20_000, "unlinked": 5_000, "evicted": 10_000, "stored": 500}
"""The number of machines before each scenario."""


class Round:
    """Runs rounds of one scenario on a server."""

    def __init__(self, server: Server, scenario: str) -> None:
        self.server = server
        self.scenario = scenario
        self.snapshot = server.folder / "synced.rdb"

    def run(self, serial: int, fork: str, dice: random.Random) -> None:
        server, own = self.server, self.server.own
        with server.socket() as wire:
            wire.send(*map(str, corpus.many("many:", MACHINES[self.scenario], 50, f"{self.scenario}-")))
            succeed(wire, 1)
            if fork.endswith("sync"):
                own.config_set("repl-diskless-sync", "yes" if fork == "diskless sync" else "no")
            if self.scenario == "evicted":
                own.config_set("maxmemory", server.info("memory")["used_memory"] - 200_000)
            with server.socket() as replica:
                replica.send("REPLCONF", "capa", "eof", "capa", "psync2")
                assert replica.reply() == b"+OK"
                waiting = 0
                for words in SCENARIOS[self.scenario](serial, dice):
                    if words is not None or not fork.endswith("sync"):
                        wire.send(*map(str, words or (fork,)))
                        waiting += 1
                        continue
                    # A full sync has a connection of its own: it must begin after the commands that were sent before.
                    succeed(wire, waiting)
                    waiting = 0
                    replica.send("PSYNC", "?", "-1")
                succeed(wire, waiting)
                if fork.endswith("sync"):
                    self.snapshot.write_bytes(full_sync(replica))
        server.wait_for_child()
        if self.scenario == "evicted":
            assert server.info("stats")["evicted_keys"] > 0
            own.config_set("maxmemory", 0)


def succeed(wire: Wire, answers: int) -> None:
    """Reads ``answers`` replies, none of which may be an error."""
    for _ in range(answers):
        reply = wire.reply()
        assert not reply.startswith(b"-"), reply


def full_sync(replica: Wire) -> bytes:
    """Reads the snapshot of a full sync."""
    answer = replica.line()
    assert answer.startswith(b"+FULLRESYNC"), answer
    while not (header := replica.line()).startswith(b"$"):
        assert header == b"\n", header  # the primary keeps the connection alive
    if not header.startswith(b"$EOF:"):
        return replica.read(int(header[1:]))
    return replica.read_until(header.removeprefix(b"$EOF:"))


def assert_loads(start_server: Callable[..., Server], file: Path, wanted: corpus.Seen) -> None:
    """A new server that starts from the file has the machines."""
    fresh = start_server()
    fresh.kill9()
    (fresh.folder / "dump.rdb").write_bytes(file.read_bytes())
    fresh.start_again()
    assert corpus.changes(wanted, corpus.everything(fresh)) == []


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_fork_during_other_work(start_server: Callable[..., Server], long: bool, scenario: str) -> None:
    server = start_server(
        settings={
            "maxmemory-policy": "allkeys-lru", "lazyfree-lazy-eviction": "yes", "lazyfree-lazy-user-del": "yes",
            "hz": 100,
        }
    )  # fmt: skip
    dice = random.Random(scenario)
    round_ = Round(server, scenario)
    for serial, fork in zip(range(200 * len(FORKS) if long else len(FORKS)), cycle(FORKS), strict=False):
        round_.run(serial, fork, dice)
    wait_until(lambda: server.info("replication")["connected_slaves"] == 0, "the last sync has ended", HANG)
    before = corpus.everything(server)
    assert len(before) > 50
    server.own.execute_command("BGSAVE")
    server.wait_for_child()
    assert_loads(start_server, server.folder / "dump.rdb", before)
    server.own.execute_command("DEBUG", "RELOAD")
    assert corpus.changes(before, corpus.everything(server)) == []
    server.own.flushall()
    server.wait_info(machines=0, definitions=0)
    assert round_.snapshot.stat().st_size > 100
    if long:
        print(f"{scenario}: 200 rounds of each of {', '.join(FORKS)}")
