"""Python runs neither in a forked child nor on a background thread, and its memory is counted by the server."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.documents import TRAFFIC, ring
from tests.servers import Server


def many(server: Server, count: int, prefix: str = "k") -> None:
    with server.own.pipeline(transaction=False) as pipe:
        for number in range(count):
            pipe.execute_command("SM.SET", f"{prefix}{number}", ring(3, f"n{number % 100}-"))
            pipe.execute_command("SM.MUTATE", f"{prefix}{number}", f"n{number % 100}-1", f"reason {number}")
        pipe.execute()


@pytest.mark.parametrize("freeing", ["FLUSHALL ASYNC", "UNLINK", "FLUSHALL SYNC"])
def test_bgsave_while_machines_are_freed(start_server: Callable[..., Server], freeing: str) -> None:
    server = start_server(settings={"lazyfree-lazy-user-flush": "yes"})
    r = server.own
    for number in range(20):
        many(server, 2000)
        if freeing == "UNLINK":
            r.unlink(*[f"k{i}" for i in range(2000)])
        else:
            r.execute_command(*freeing.split())
        r.execute_command("BGSAVE")
        assert r.execute_command("SM.SET", "after", ring(4, f"round{number}-")) == "OK"
        server.wait_for_child()
        r.flushall()
    server.wait_info(machines=0)


def test_bgrewriteaof_while_machines_are_freed(start_server: Callable[..., Server]) -> None:
    server = start_server(
        settings={
            "appendonly": "yes", "appendfsync": "no", "aof-use-rdb-preamble": "no",
            "auto-aof-rewrite-percentage": 0,
        }
    )  # fmt: skip
    server.wait_for_child()
    for _ in range(10):
        many(server, 2000)
        server.own.execute_command("FLUSHALL", "ASYNC")
        many(server, 100, "after")
        server.own.bgrewriteaof()
        server.wait_for_child()
    digest = server.digest(*[f"after{i}" for i in range(100)])
    server.restart()
    assert server.digest(*[f"after{i}" for i in range(100)]) == digest


def test_a_snapshot_while_machines_move(start_server: Callable[..., Server]) -> None:
    """The snapshot has the data of the moment of the fork, whatever the parent does meanwhile."""
    server = start_server()
    many(server, 5000)
    before = server.digest(*[f"k{i}" for i in range(5000)])
    server.own.config_set("rdb-key-save-delay", 200)
    server.own.execute_command("BGSAVE")
    dice = random.Random(1)
    while server.info("persistence")["rdb_bgsave_in_progress"]:
        with server.own.pipeline(transaction=False) as pipe:
            for _ in range(200):
                number = dice.randrange(5000)
                pipe.execute_command("SM.MUTATE", f"k{number}", f"n{number % 100}-2", "during", "FORCE")
                pipe.execute_command("SM.SET", f"k{dice.randrange(5000)}", ring(5, f"new{dice.random()}"))
                pipe.delete(f"k{dice.randrange(5000)}")
            pipe.execute()
    server.wait_for_child()
    server.kill9()
    server.start_again()
    assert server.digest(*[f"k{i}" for i in range(5000)]) == before


def test_pythons_heap_is_in_used_memory(start_server: Callable[..., Server]) -> None:
    """Also the several megabytes that CPython allocates at its start."""
    bare, ours = start_server(module=None), start_server()
    extra = ours.info("memory")["used_memory"] - bare.info("memory")["used_memory"]
    assert extra > 3_000_000


def test_memory_comes_back(start_server: Callable[..., Server]) -> None:
    """Storing and deleting machines with new definitions does not increase used_memory for good."""
    # On a busy machine, the slow log would retain the documents.
    server = start_server(settings={"slowlog-log-slower-than": -1, "latency-tracking": "no"})

    def store_and_delete(prefix: str) -> int:
        for number in range(100):
            server.own.execute_command("SM.SET", f"{prefix}{number}", ring(20, f"{prefix}{number}-"))
            server.own.execute_command("SM.MUTATE", f"{prefix}{number}", f"{prefix}{number}-1", "why")
        server.own.flushall()
        server.wait_info(machines=0, definitions=0)
        return int(server.info("memory")["used_memory"])

    levels = [store_and_delete(f"round{number}x") for number in range(3)]
    size = 100 * len(ring(20, "round0x100-"))
    assert levels[-1] - levels[1] < size / 2, levels


def test_definitions_are_freed_after_an_asynchronous_flush(start_server: Callable[..., Server]) -> None:
    """FLUSHALL ASYNC frees machines on a background thread; Python's objects are freed on the main thread."""
    server = start_server()
    many(server, 1000)
    assert server.info()["definitions"] == 100
    server.own.execute_command("FLUSHALL", "ASYNC")
    server.wait_info(machines=0, definitions=0, nodes=0, edges=0)
    server.own.execute_command("SM.SET", "k", TRAFFIC)
    assert server.own.execute_command("SM.MUTATE", "k", "green") == "OK"
