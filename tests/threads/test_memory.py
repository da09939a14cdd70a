"""Memory: that of deleted machines is freed, that of the engine is in used_memory, and a snapshot copies no more than
with strings. A long run has a million machines and 10,000 definitions, ten times over.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests import corpus
from tests.documents import ring
from tests.servers import Server, wait_until

AT_ONCE = 50_000
NOISE = 64 << 10
"""Bytes by which used_memory varies, for example with the buffers of clients."""

pytestmark = pytest.mark.plain

STRINGS = "for i = ARGV[1], ARGV[2] do redis.call('SET', KEYS[1] .. i, ARGV[3] .. i % 97) end return 'OK'"


def used(server: Server) -> int:
    """used_memory, when nothing is left to be freed in the background."""
    server.wait_info(machines=0, definitions=0, nodes=0, edges=0)
    wait_until(lambda: server.info("memory")["lazyfree_pending_objects"] == 0, "all is freed")
    sizes = [server.info("memory")["used_memory"] for _ in range(5)]
    return min(sizes)


def fill(server: Server, machines: int, call: Callable[[int, int], tuple[str | int, ...]]) -> None:
    for first in range(1, machines + 1, AT_ONCE):
        count = min(AT_ONCE, machines + 1 - first)
        assert server.own.execute_command(*call(first, count)) in ("OK", b"OK")


def empty(server: Server, serial: int, machines: int) -> None:
    """Deletes all keys: by FLUSHALL ASYNC, FLUSHALL, or UNLINK and DEL, depending on ``serial``."""
    if serial % 3 == 0:
        server.own.flushall(asynchronous=True)
    elif serial % 3 == 1:
        server.own.flushall()
    else:
        for first in range(1, machines + 1, 5000):
            keys = [f"k{number}" for number in range(first, min(first + 5000, machines + 1))]
            server.own.execute_command("UNLINK" if first % 2 else "DEL", *keys)
        assert server.own.dbsize() == 0


def test_memory_of_deleted_machines_is_freed(start_server: Callable[..., Server], long: bool) -> None:
    """After each round, used_memory varies no more than with strings."""
    machines, definitions, times = (1_000_000, 10_000, 10) if long else (20_000, 1_000, 3)
    # The slow log would retain these commands.
    server = start_server(settings={"hz": 500, "slowlog-log-slower-than": -1, "latency-tracking": "no"})

    def strings(first: int, count: int) -> tuple[str | int, ...]:
        return ("EVAL", STRINGS, 1, "k", first, first + count - 1, "a value ")

    def new_machines(first: int, count: int) -> tuple[str | int, ...]:
        return corpus.many("k", count, definitions, f"{serial}-", first)

    figures: dict[str, list[int]] = {"strings": [], "machines": []}
    for kind, call in (("strings", strings), ("machines", new_machines)):
        for serial in range(-3, times):  # the first three warm up: each kind of deletion once
            amount = machines if serial >= 0 else 1000
            fill(server, amount, call)
            if serial == 0:
                print(f"{kind}: {server.info('memory')['used_memory']} at the peak")
            empty(server, serial, amount)
            if serial >= -1:
                figures[kind].append(used(server))
        print(f"{kind}: used_memory before and after each round: {figures[kind]}")
    spread = {kind: max(sizes) - min(sizes) for kind, sizes in figures.items()}
    assert spread["machines"] <= spread["strings"] + NOISE, figures


def test_maxmemory_limits_the_engine(start_server: Callable[..., Server]) -> None:
    """maxmemory includes the engine's memory: new documents are refused as soon as it is reached."""
    server = start_server(settings={"hz": 500, "maxmemory-policy": "noeviction"})
    room = 8 << 20
    before = server.info("memory")["used_memory"]
    server.own.config_set("maxmemory", before + room)
    stored = 0
    highest = 0
    with contextlib.suppress(redis.exceptions.OutOfMemoryError):
        for number in range(10_000):
            server.own.execute_command("SM.SET", f"k{number}", ring(100, f"n{number}-"))
            stored += 1
            if stored % 50 == 0:
                highest = max(highest, server.info("memory")["used_memory"])
    assert 50 < stored < 10_000
    assert highest < before + room + (1 << 20)
    info = server.info()
    assert info["python_bytes"] + info["definitions_bytes"] + info["nodes_bytes"] + info["edges_bytes"] > room // 2
    # definitions_bytes includes Python's share a second time, so that used_memory is checked too.
    assert highest > before + room // 2
    assert server.own.execute_command("SM.MUTATE", "k0", "n0-1") == "OK"
    server.own.flushall()
    server.wait_info(definitions=0)
    assert server.own.execute_command("SM.SET", "k", ring(100, "again-")) == "OK"


# ---- copy on write ----


def saving_child(server: Server) -> int:
    """The process id of the saving child, or 0."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return int(children[0]) if children else 0


def copied_bytes(server: Server, changes: Iterator[tuple[str | int, ...]]) -> int:
    """Bytes that a BGSAVE copies while the changes are made; its child is stopped until then."""
    server.own.execute_command("BGSAVE")
    child = wait_until(lambda: saving_child(server), "the child has started")
    os.kill(child, signal.SIGSTOP)
    for words in changes:
        assert server.own.execute_command(*words) in ("OK", b"OK")
    assert server.info("persistence")["rdb_bgsave_in_progress"] == 1, "the child had finished before"
    os.kill(child, signal.SIGCONT)
    server.wait_for_child()
    return int(server.info("persistence")["rdb_last_cow_size"])


MOVE = """
math.randomseed(ARGV[1])
for _ = 1, ARGV[2] do
    local key = KEYS[1] .. math.random(ARGV[3])
    if ARGV[4] == 'machine' then
        if not redis.call('SM.MUTATE', key, 'on') then redis.call('SM.MUTATE', key, 'off') end
    else
        redis.call('SET', key, redis.call('GET', key) == 'on ' and 'off' or 'on ')
    end
end
return 'OK'
"""


@pytest.mark.long
def test_copy_on_write(start_server: Callable[..., Server]) -> None:
    """A BGSAVE of machines that move copies at most 1.2 times what it copies of strings that are overwritten.

    A long run, since the bound is for a million keys.
    """
    machines, moves = 1_000_000, 200_000
    document = '{"map":{"on":["off"],"off":["on"]},"initial":"off"}'
    sizes = {}
    for kind, value, command in (("machine", document, "SM.SET"), ("string", "off", "SET")):
        # A negative delay: 1 us for one key in 20, which is enough to stop the child before it ends.
        server = start_server(settings={"hz": 10, "rdb-key-save-delay": -20})
        script = f"for i = ARGV[1], ARGV[2] do redis.call('{command}', KEYS[1] .. i, ARGV[3]) end return 'OK'"
        fill(server, machines, lambda first, count, value=value, script=script: (  # type: ignore[misc]
            "EVAL", script, 1, "k", first, first + count - 1, value))  # fmt: skip
        time.sleep(0.2)
        dice = random.Random(9)
        calls = (
            ("EVAL", MOVE, 1, "k", dice.randrange(2**31), min(AT_ONCE, moves), machines, kind)
            for _ in range(0, moves, AT_ONCE)
        )
        sizes[kind] = copied_bytes(server, calls)
        server.stop()
    print(f"copy on write of {machines} keys, {moves} changed meanwhile: {sizes}")
    assert sizes["machine"] > 1 << 20, "nothing was copied: the changes were not made during the BGSAVE"
    assert sizes["machine"] <= 1.2 * sizes["string"], sizes
