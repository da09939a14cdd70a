"""Memory that is copied during a BGSAVE without writes: no more than with hashes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.documents import compact, flat, ring
from tests.servers import Server

COUNT = 30_000


def hashes(server: Server) -> None:
    with server.own.pipeline(transaction=False) as pipe:
        for number in range(COUNT):
            pipe.hset(f"k{number}", mapping={"state": f"s{number}", "since": "2026-11-28"})
        pipe.execute()


def nodes(server: Server) -> None:
    """Machines of one definition, each on a node of its own."""
    server.own.execute_command("SM.SET", "k0", ring(COUNT))
    with server.own.pipeline(transaction=False) as pipe:
        for number in range(1, COUNT):
            pipe.copy("k0", f"k{number}")
            pipe.execute_command("SM.MUTATE", f"k{number}", f"s{number}", "FORCE")
        pipe.execute()
    assert server.info()["nodes"] == COUNT


def definitions(server: Server) -> None:
    """Machines, each with a definition of its own: maps and statecharts."""
    with server.own.pipeline(transaction=False) as pipe:
        for number in range(0, COUNT, 2):
            pipe.execute_command("SM.SET", f"k{number}", flat({f"s{number}": ["end"]}, f"s{number}"))
            chart = {"initial": "on", "states": {"on": {"on": {f"E{number}": "off"}}, "off": {}}}
            pipe.execute_command("SM.SET", f"k{number + 1}", compact(chart))
        pipe.execute()
    assert server.info()["definitions"] == COUNT


def copied(server: Server, fill: Callable[[Server], None]) -> int:
    """Bytes that are copied during a BGSAVE without writes."""
    server.own.flushall()
    fill(server)
    server.own.bgsave()
    server.wait_for_child()
    return int(server.info("persistence")["rdb_last_cow_size"])


@pytest.mark.plain
@pytest.mark.parametrize("fill", [nodes, definitions])
def test_a_snapshot_copies_no_more_than_with_hashes(
    start_server: Callable[..., Server], fill: Callable[[Server], None]
) -> None:
    server = start_server(module_args=["max-states", str(COUNT), "max-document-bytes", "4mb"])
    allowed = copied(server, hashes) + (1 << 20)
    assert copied(server, fill) <= allowed
