"""Machines and maxmemory: evicting one frees its memory, other keys survive, MEMORY USAGE is right."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.documents import compact, flat
from tests.servers import Server

MEGABYTE = 1 << 20
ROOM = 6 * MEGABYTE
WRITES = 20_000
IN_USE = 200
AT_ONCE = 100


def own_map(number: int) -> str:
    """A map with a definition of its own."""
    return flat({f"open{number}": ["paid"], "paid": ["sent"]}, f"open{number}")


def own_chart(number: int) -> str:
    """A statechart with a definition of its own."""
    return compact({"id": f"order{number}", "initial": "open", "states": {"open": {"on": {"PAY": "paid"}}, "paid": {}}})


def survivors(server: Server, policy: str, write: Callable[[redis.client.Pipeline, int], object]) -> int:
    """Writes far more than fits into maxmemory, while some strings are read continuously. Returns how many of them are
    left. Fails if a write is refused.
    """
    r = server.client()
    r.flushall()
    server.wait_info(machines=0, definitions=0)
    server.config("maxmemory-policy", policy)
    server.config("maxmemory", server.info("memory")["used_memory"] + ROOM)
    for number in range(IN_USE):
        r.set(f"in use {number}", "x" * 100, ex=86_400 if policy.startswith("volatile") else None)
    for start in range(0, WRITES, AT_ONCE):
        with r.pipeline(transaction=False) as pipe:
            for number in range(start, start + AT_ONCE):
                write(pipe, number)
            for number in range(IN_USE):
                pipe.get(f"in use {number}")
            pipe.execute()
    left = r.exists(*(f"in use {number}" for number in range(IN_USE)))
    server.config("maxmemory", 0)
    return int(left)


@pytest.mark.plain
@pytest.mark.parametrize("document", [own_map, own_chart])
@pytest.mark.parametrize("lazy", ["yes", "no"])
@pytest.mark.parametrize("policy", ["allkeys-lfu", "volatile-ttl"])
def test_keys_in_use_survive_machines_as_they_survive_strings(
    server: Server, document: Callable[[int], str], lazy: str, policy: str
) -> None:
    """Each machine has a definition of its own, so that most of its memory is that of the definition.

    LFU rather than LRU, whose clock has a resolution of a second: it would decide by the speed of the machine.
    """
    server.config("lazyfree-lazy-eviction", lazy)
    r = server.client()
    r.execute_command("SM.SET", "one", document(WRITES))
    size = r.execute_command("MEMORY", "USAGE", "one")
    expire = 3600 if policy.startswith("volatile") else None

    def write_string(pipe: redis.client.Pipeline, number: int) -> None:
        pipe.set(f"k{number}", "x" * (size - 80), ex=expire)

    def write_machine(pipe: redis.client.Pipeline, number: int) -> None:
        pipe.execute_command("SM.SET", f"k{number}", document(number))
        if expire:
            pipe.expire(f"k{number}", expire)

    with_strings = survivors(server, policy, write_string)
    with_machines = survivors(server, policy, write_machine)
    assert with_machines >= with_strings - IN_USE // 20
    assert server.info()["machines"] > ROOM // size // 3, "machines get as much memory as strings"


@pytest.mark.plain
@pytest.mark.parametrize("document", [own_map, own_chart])
def test_no_write_is_refused_while_something_can_be_evicted(server: Server, document: Callable[[int], str]) -> None:
    r = server.client()
    r.execute_command("SM.SET", "one", document(WRITES))
    size = r.execute_command("MEMORY", "USAGE", "one")
    survivors(server, "allkeys-lru", lambda pipe, n: pipe.execute_command("SM.SET", f"k{n}", document(n)))
    assert server.info()["machines"] > ROOM // size // 3


@pytest.mark.plain
@pytest.mark.parametrize("document", [own_map, own_chart])
def test_memory_usage_is_what_deleting_the_key_frees(server: Server, document: Callable[[int], str]) -> None:
    r = server.client()
    count = 2000
    server.wait_info(machines=0, definitions=0)
    server.config("maxmemory", 1 << 40)
    with r.pipeline(transaction=False) as pipe:
        for number in range(count):
            pipe.execute_command("SM.SET", f"k{number}", document(number))
            pipe.execute_command("SM.SEND", f"k{number}", "paid" if document is own_map else "PAY")
        pipe.execute()
    said = sum(r.execute_command("MEMORY", "USAGE", f"k{number}") for number in range(count))
    before = server.info("memory")["used_memory"]
    r.delete(*(f"k{number}" for number in range(count)))
    server.wait_info(machines=0, definitions=0)
    freed = before - server.info("memory")["used_memory"]
    assert said * 0.85 < freed < said * 1.15


def test_the_memo_leaves_memory_for_keys(server: Server) -> None:
    """The memo uses an eighth of maxmemory at most, whatever its own setting is."""
    r = server.client()
    server.wait_info(machines=0, definitions=0)
    server.config("maxmemory", server.info("memory")["used_memory"] + ROOM)
    bound = server.info("memory")["maxmemory"] // 8
    assert server.info()["remembered_bytes_bound"] == bound
    r.execute_command("SM.SET", "k", own_map(1))
    for start in range(0, 20_000, 1000):
        with r.pipeline(transaction=False) as pipe:
            for number in range(start, start + 1000):
                pipe.execute_command("SM.MUTATE", "k", f"nowhere{number}")
            pipe.execute()
    assert server.info()["remembered_bytes"] <= bound
    assert r.set("other", "x") is True
    server.config("maxmemory", 0)
    assert server.info()["remembered_bytes_bound"] == 128 * MEGABYTE


def test_a_deleted_machine_that_is_stored_again_soon_is_not_compiled_again(server: Server) -> None:
    """If memory is not scarce, a definition is kept for some seconds after its last machine is deleted."""
    r = server.client()
    r.execute_command("SM.SET", "k", own_chart(77))
    before = server.info()["engine_calls"]
    r.delete("k")
    r.execute_command("SM.SET", "k", own_chart(77))
    assert server.info()["engine_calls"] == before
