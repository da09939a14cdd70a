"""Thousands of random commands on a primary: its replicas, and servers that load the AOF, have the same data."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract import writes
from tests.groups import STRICT, alone, assert_same, calls, caught_up, digest, follow
from tests.replication.random_commands import RandomCommands, RandomLoad
from tests.servers import Server

LOG = {"appendonly": "yes", "appendfsync": "no", "auto-aof-rewrite-percentage": 0}


def test_every_write_is_among_the_random_commands() -> None:
    sent = {words[0] for batch in RandomCommands(1).batches(1000) for words in batch.commands}
    assert set(writes()) <= sent


def pasts(server: Server, command: str) -> list[Any]:
    """The replies of the command for the machines that keep more than where they stand."""
    found = []
    for number in (0, 1):
        raw = server.raw(db=number)
        keys = [key for key in raw.execute_command("KEYS", "*") if raw.execute_command("TYPE", key) == b"StateType"]
        found += [raw.execute_command(command, key) for key in keys if raw.execute_command("SM.GET", key, "REVISION")]
    return found


class Disturbances:
    """Now and then, cuts a replication link or rewrites an AOF."""

    def __init__(self, seed: int, primary: Server, *replicas: Server) -> None:
        self.dice = random.Random(seed)
        self.primary, self.replicas = primary, replicas
        self.links_cut = self.rewrites = 0

    def __call__(self) -> None:
        chance = self.dice.random()
        if chance < 0.05:
            self.dice.choice([self.primary, *self.replicas]).own.execute_command("CLIENT", "KILL", "TYPE", "replica")
            self.links_cut += 1
        elif chance < 0.10:
            server = self.dice.choice([self.primary, *self.replicas])
            if not server.info("persistence")["aof_rewrite_in_progress"]:
                server.own.bgrewriteaof()
                self.rewrites += 1


@pytest.mark.parametrize("seed", [1, *[pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3)]])
def test_replicas_and_logs_agree(start_server: Callable[..., Server], seed: int, long: bool) -> None:
    commands = 50_000 if long else 2_000
    primary = start_server(settings=STRICT | LOG | {"repl-diskless-sync": "no"})
    # A replica's own settings must not matter: its limits, its memo, its reply to a refused transition.
    first = start_server(settings=STRICT | LOG, module_args=["max-states", "1", "max-document-bytes", "64"])
    second = start_server(settings=STRICT | LOG | {"aof-use-rdb-preamble": "no"}, module_args=["max-nesting", "3"])
    chained = start_server(
        settings=STRICT | {"repl-diskless-load": "swapdb"},
        module_args=["max-memo-bytes", str(1 << 20), "invalid-transition", "error"],
    )
    random_load = RandomLoad(primary, seed)
    random_load.run(commands // 10)
    follow(primary, first, second)
    follow(first, chained)

    disturbances = Disturbances(seed, primary, first, second)
    random_load.run(commands - commands // 10, disturbances)
    assert disturbances.links_cut and disturbances.rewrites

    replicas = (first, second, chained)
    random_load.settle()
    caught_up(primary, *replicas)
    assert_same(primary, *replicas)
    assert primary.own.dbsize() > 10
    # A replica that was away for longer than the backlog reaches has the rest in a snapshot.
    sent = {name: max(calls(replica, name) for replica in replicas) for name in (*writes(), "xadd")}
    assert sum(sent[name] for name in writes()) > commands / 16, "too few commands changed anything"
    assert sent["SM.APPLY"] > commands / 50, "too few outcomes depended on data"
    assert sent["xadd"] > commands / 250, "too few steps had effects"
    assert any(pasts(primary, "SM.HISTORY")), "no step is remembered"
    assert any(b"token " in payload for payload in pasts(primary, "DUMP")), "no token is kept"
    agreed = digest(primary)
    alone(*replicas)
    for server in (primary, first, second):
        server.wait_for_child()
        server.restart()
        assert digest(server) == agreed, f"port {server.port} replays its log"
        server.own.config_set("aof-use-rdb-preamble", "no")
        server.own.bgrewriteaof()
        server.wait_for_child()
        server.restart()
        assert digest(server) == agreed, f"port {server.port} replays its rewritten log"
