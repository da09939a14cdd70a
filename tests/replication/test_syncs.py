"""Full syncs of every kind, interrupted ones, and partial resynchronisation."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.documents import ring
from tests.groups import STRICT, alone, assert_same, caught_up, digest, follow, offset
from tests.replication.random_commands import RandomLoad
from tests.servers import Server, wait_until
from tools import servers

Start = Callable[..., Server]

SYNCS: dict[str, dict[str, str]] = {
    "disk": {"repl-diskless-sync": "no"},
    "sockets": {"repl-diskless-sync": "yes"},
}
"""The settings for each kind of full sync."""
if servers.find().vendor == "Valkey":
    SYNCS["two channels"] = {"repl-diskless-sync": "yes", "dual-channel-replication-enabled": "yes"}

MACHINES = 400
FILLED = "filled" + "." * 300
"""A reason, so long that a full sync does not fit into the socket buffers."""


def fill(server: Server) -> None:
    with server.own.pipeline(transaction=False) as pipe:
        for number in range(MACHINES):
            pipe.execute_command("SM.SET", f"m{number}", ring(3, f"n{number % 40}-"))
            pipe.execute_command("SM.MUTATE", f"m{number}", f"n{number % 40}-1", FILLED)
        pipe.execute()


@contextmanager
def load(server: Server, seed: int) -> Iterator[RandomLoad]:
    """Sends random commands from another thread during the block."""
    random_load = RandomLoad(server, seed)
    stop = threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            while not stop.is_set():
                random_load.run(100)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield random_load
    finally:
        stop.set()
        thread.join()
    assert not failed, failed


@pytest.mark.parametrize("load_how", ["disabled", "on-empty-db", "swapdb"])
@pytest.mark.parametrize("how", SYNCS)
def test_two_replicas_sync_under_load(start_server: Start, how: str, load_how: str) -> None:
    primary = start_server(settings=STRICT | SYNCS[how] | {"rdb-key-save-delay": 500, "repl-diskless-sync-delay": 1})
    replicas = [
        start_server(settings=STRICT | SYNCS[how] | {"repl-diskless-load": load_how}) for _ in range(2)
    ]
    fill(primary)
    fill(replicas[0])  # is replaced
    replicas[0].own.execute_command("SM.SET", "only here", ring(9))
    with load(primary, 5) as random_load:
        follow(primary, *replicas)
    random_load.settle()
    caught_up(primary, *replicas)
    assert_same(primary, *replicas)
    for replica in replicas:
        replica.wait_info(machines=primary.info()["machines"])  # old machines are freed on another thread


def fall_behind(primary: Server, replica: Server) -> None:
    """Makes the replica miss more than the backlog has, so that its partial resynchronisation fails."""
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        primary.own.execute_command("CLIENT", "KILL", "TYPE", "replica")
        for _ in range(4):
            primary.own.set("padding", "x" * 20_000)
        primary.own.delete("padding")
        primary.own.execute_command("SM.MUTATE", "m0", "n0-2", "while away")
    finally:
        os.kill(replica.pid, signal.SIGCONT)


def slow_swapdb_pair(start_server: Start) -> tuple[Server, Server]:
    """A primary, and a replica that loads a sync beside its old data; slow enough to be observed."""
    primary = start_server(settings=STRICT | {"repl-backlog-size": 16384})
    replica = start_server(
        settings=STRICT | {"repl-diskless-load": "swapdb", "loading-process-events-interval-bytes": 1024}
    )
    fill(primary)
    follow(primary, replica)
    caught_up(primary, replica)
    primary.own.config_set("rdb-key-save-delay", 5000)
    replica.own.config_set("key-load-delay", 1000)
    return primary, replica


def loading(server: Server) -> Any:
    return server.info("persistence")["async_loading"]


def test_old_machines_are_read_until_the_new_ones_are_swapped_in(start_server: Start) -> None:
    primary, replica = slow_swapdb_pair(start_server)
    reason = "while away"
    fall_behind(primary, replica)
    wait_until(lambda: loading(replica), "the replica loads the sync")
    assert replica.own.execute_command("SM.GET", "m0", "REASON") == FILLED
    assert replica.own.execute_command("SM.STATE", "m0") == ["n0-1"]
    replica.wait_info("replication", master_link_status="up")
    caught_up(primary, replica)
    assert_same(primary, replica)
    assert replica.own.execute_command("SM.GET", "m0", "REASON") == reason
    replica.wait_info(machines=MACHINES)  # the old ones are freed on another thread


def test_a_sync_that_breaks_off_leaves_the_old_machines(start_server: Start) -> None:
    primary, replica = slow_swapdb_pair(start_server)
    before = digest(replica)
    fall_behind(primary, replica)
    wait_until(lambda: loading(replica), "the replica loads the sync")
    primary.kill9()
    wait_until(lambda: not loading(replica), "the load has ended")
    assert digest(replica) == before
    alone(replica)
    replica.wait_info(machines=MACHINES)
    assert replica.own.execute_command("SM.MUTATE", "m0", "n0-2") == "OK"
    replica.own.execute_command("DEBUG", "RELOAD")
    assert replica.own.execute_command("SM.STATE", "m0") == ["n0-2"]


def test_a_cut_link_resumes(start_server: Start) -> None:
    primary = start_server(settings=STRICT)
    first, chained = start_server(settings=STRICT), start_server(settings=STRICT)
    fill(primary)
    follow(primary, first)
    follow(first, chained)
    with load(primary, 6) as random_load:
        for _ in range(5):
            for server in (primary, first):
                server.own.execute_command("CLIENT", "KILL", "TYPE", "replica")
            sent = offset(primary)
            wait_until(lambda sent=sent: offset(primary) > sent, "more is sent")
    random_load.settle()
    caught_up(primary, first, chained)
    assert_same(primary, first, chained)
    assert primary.info("stats")["sync_full"] == 1
    assert primary.info("stats")["sync_partial_ok"] > 0


def test_a_restarted_replica_resumes_from_its_own_file(start_server: Start) -> None:
    primary = start_server(settings=STRICT)
    replica = start_server(settings=STRICT | {"save": (3600, 1)})
    fill(primary)
    follow(primary, replica)
    caught_up(primary, replica)
    replica.stop()
    with replica.conf.open("a", encoding="utf-8") as conf:
        conf.write(f"replicaof 127.0.0.1 {primary.port}\n")
    primary.own.execute_command("SM.MUTATE", "m7", "n7-2", "while away")
    replica.start_again()
    caught_up(primary, replica)
    assert_same(primary, replica)
    assert primary.info("stats")["sync_full"] == 1
    assert replica.own.execute_command("SM.GET", "m7", "REASON") == "while away"


def test_replicas_resume_with_the_one_that_is_promoted(start_server: Start) -> None:
    primary = start_server(settings=STRICT)
    first, second = start_server(settings=STRICT), start_server(settings=STRICT)
    fill(primary)
    follow(primary, first, second)
    caught_up(primary, first, second)
    primary.kill9()
    alone(first)
    assert first.own.execute_command("SM.MUTATE", "m1", "n1-2", "promoted") == "OK"
    follow(first, second)
    caught_up(first, second)
    assert_same(first, second)
    assert first.info("stats")["sync_full"] == 0
