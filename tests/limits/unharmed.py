"""What a refused or accepted command must leave as it was: others' keys, and memory."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from tests.limits.table import STANDING
from tests.servers import Server, wait_until

OTHERS = ("a string", "a hash", "a machine")


def prepare(r: redis.Redis) -> None:
    """What stands there before a row."""
    r.flushall()
    for key, document in STANDING.items():
        r.execute_command("SM.SET", key, document)
    r.set("string", "no machine")
    r.set(OTHERS[0], "x" * 100)
    r.hset(OTHERS[1], mapping={"one": "1", "two": "2"})
    r.execute_command("SM.SET", OTHERS[2], STANDING["map"])
    r.execute_command("SM.MUTATE", OTHERS[2], "blee", "because")


@contextmanager
def unharmed(server: Server, kept: int) -> Iterator[None]:
    """Asserts that at the end others' keys are what they were, and ``used_memory`` is back, but for ``kept`` bytes.

    Freed memory may come late, from another thread or with the buffers of a client that has gone: it is waited for.
    """

    def used() -> int:
        """Without what waits for replicas that an earlier test has had, and for the log."""
        memory = server.info("memory")
        beside = ("mem_total_replication_buffers", "mem_aof_buffer")
        return int(memory["used_memory"]) - sum(int(memory.get(name, 0)) for name in beside)

    digests = server.digest(*OTHERS)
    gc.collect()  # clients of earlier tests that are in cycles; others are held by what pytest keeps
    for client in server.own.client_list():
        if int(client["idle"]) > 1:
            server.own.client_kill_filter(_id=client["id"], skipme=True)
    wait_until(lambda: server.info("clients")["connected_clients"] <= 2, "other clients go")
    before = used()
    yield
    assert server.digest(*OTHERS) == digests
    wait_until(lambda: used() <= before + kept, f"used_memory comes back to {before}", 10)
