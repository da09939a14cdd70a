"""The corpus is saved and loaded in every form; a long run has 10,000 definitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests import corpus
from tests.servers import Server


@dataclass(frozen=True)
class Filled:
    """A server with the corpus, its data, and the number of definitions."""

    server: Server
    seen: corpus.Seen
    definitions: int

    def check(self, seen: corpus.Seen | None = None) -> None:
        """All machines are there, and each definition once."""
        assert corpus.changes(self.seen if seen is None else seen, corpus.everything(self.server)) == []
        self.server.wait_info(definitions=self.definitions)


@pytest.fixture
def filled(start_server: Callable[..., Server], long: bool) -> Filled:
    server = start_server(settings={"auto-aof-rewrite-percentage": 0})
    corpus.fill(server, 10_000 if long else 1_000)
    return Filled(server, corpus.everything(server), server.info()["definitions"])


def test_snapshots(filled: Filled) -> None:
    """DEBUG RELOAD, SAVE, BGSAVE and the save at shutdown."""
    server = filled.server
    server.own.execute_command("DEBUG", "RELOAD")
    filled.check()
    server.own.save()
    server.kill9()
    server.start_again()
    filled.check()
    (server.folder / "dump.rdb").unlink()
    server.own.execute_command("BGSAVE")
    server.wait_for_child()
    server.kill9()
    server.start_again()
    filled.check()
    (server.folder / "dump.rdb").unlink()
    server.own.execute_command("CONFIG", "SET", "save", "3600 1")
    server.own.execute_command("SET", "changed", "so that there is something to save")
    server.own.execute_command("DEL", "changed")
    server.restart()
    filled.check()


def test_append_only_file(filled: Filled) -> None:
    """A rewrite as a snapshot, a rewrite as commands, and commands that were appended to both."""
    server = filled.server
    r = server.own
    r.config_set("appendonly", "yes")
    server.wait_for_child()
    r.config_rewrite()
    server.kill9()
    server.start_again()
    filled.check()
    r = server.own
    r.config_set("aof-use-rdb-preamble", "no")
    r.bgrewriteaof()
    server.wait_for_child()
    r.config_rewrite()
    r.execute_command("SM.MUTATE", "fresh", "blee", "appended")
    seen = corpus.everything(server)
    server.kill9()
    server.start_again()
    filled.check(seen)
