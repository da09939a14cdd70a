"""redisstate.max-memo-bytes is a bound, whatever commands are sent, and however many machines there are."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.documents import TRAFFIC, compact, ring
from tests.servers import Server

MEGABYTE = 1 << 20
STATES = 6000


def send(server: Server, commands: Iterable[tuple[str, ...]]) -> set[object]:
    """Sends commands in pipelines of 1,000, and returns the set of their replies."""
    replies: set[object] = set()
    with server.own.pipeline(transaction=False) as pipe:
        for number, command in enumerate(commands, 1):
            pipe.execute_command(*command)
            if number % 1000 == 0:
                replies.update(map(str, pipe.execute()))
        replies.update(map(str, pipe.execute()))
    return replies


def remembered_bytes(server: Server) -> int:
    """Bytes of edges, and of nodes that no machine stands on."""
    info = server.info()
    assert info["remembered_bytes"] == info["edges_bytes"] + info["nodes_bytes"] - info["occupied_nodes_bytes"]
    return int(info["remembered_bytes"])


@pytest.fixture
def bounded(server: Server) -> Server:
    server.wait_info(machines=0, definitions=0)
    server.config("redisstate.max-memo-bytes", MEGABYTE)
    return server


def test_many_machines_on_one_node_do_not_raise_the_bound(bounded: Server) -> None:
    assert send(bounded, (("SM.SET", f"k{number}", TRAFFIC) for number in range(20_000))) == {"OK"}
    most = 0
    for start in range(0, 40_000, 5000):
        names = (("SM.MUTATE", "k1", f"nowhere{number}") for number in range(start, start + 5000))
        assert send(bounded, names) == {"None"}
        most = max(most, remembered_bytes(bounded))
    assert most <= MEGABYTE
    assert bounded.info()["occupied_nodes_bytes"] <= 1000


def test_a_hundred_thousand_definitions_in_use_fit_into_the_default(server: Server) -> None:
    """Each with a machine that goes to and fro: beyond the bound Python would be asked at each step. An eighth of it is
    left free for what comes next."""
    count = 1000
    server.wait_info(machines=0, definitions=0)
    rows = {"map": {"a": ["b"], "b": ["a"]}, "initial": "a"}
    documents = (compact({"id": f"d{number:06}", **rows}) for number in range(count))
    send(server, (("SM.SET", f"k{number}", document) for number, document in enumerate(documents)))
    send(server, (("SM.MUTATE", f"k{number}", state) for state in ("b", "a", "b") for number in range(count)))
    info = server.info()
    assert info["edges"] >= 2 * count
    assert remembered_bytes(server) * 100_000 / count < info["remembered_bytes_bound"] * 7 / 8


def test_nodes_that_several_machines_have_left_are_within_the_bound(bounded: Server) -> None:
    """Moves by a cached edge are counted with a delay. The machines that do not move occupy one other node."""
    bounded.own.execute_command("SM.SET", "k0", ring(STATES))
    assert send(bounded, (("COPY", "k0", f"k{number}") for number in range(1, 5000))) == {"True"}
    most = 0
    for start in range(1, STATES, 1000):
        steps = range(start, min(start + 1000, STATES))
        walk = (("SM.MUTATE", key, f"s{number}") for number in steps for key in ("k1", "k2", "k3"))
        assert send(bounded, walk) == {"OK"}
        most = max(most, remembered_bytes(bounded))
    assert most <= MEGABYTE


def test_occupied_nodes_are_not_within_the_bound(bounded: Server) -> None:
    """Each machine on a node of its own, which together exceed the bound; then all of them move."""
    keys = [f"k{number}" for number in range(STATES)]
    bounded.own.execute_command("SM.SET", "k0", ring(STATES))
    assert send(bounded, (("COPY", "k0", key) for key in keys[1:])) == {"True"}
    assert send(bounded, (("SM.MUTATE", key, f"s{number}", "FORCE") for number, key in enumerate(keys))) == {"OK"}
    info = bounded.info()
    assert info["occupied_nodes_bytes"] > MEGABYTE
    assert remembered_bytes(bounded) <= MEGABYTE
    moves = [("SM.MUTATE", key, f"s{(number + 1) % STATES}") for number, key in enumerate(keys)]
    assert send(bounded, moves) == {"OK"}
    assert remembered_bytes(bounded) <= MEGABYTE
    assert send(bounded, (("SM.STATE", key) for key in keys)) == {str([f"s{number}"]) for number in range(STATES)}
    bounded.own.flushall()
    bounded.wait_info(machines=0, definitions=0, nodes=0, edges=0, occupied_nodes_bytes=0, remembered_bytes=0)


def test_a_reply_that_is_too_large_for_the_memo_is_freed(bounded: Server) -> None:
    """A diagram of some hundred kilobytes is not remembered, and is freed when it has been sent."""
    chart = {f"s{number}": {"on": {f"E{other}": f"s{other}" for other in range(40)}} for number in range(100)}
    bounded.config("redisstate.max-elements", 10_000)
    bounded.own.execute_command("SM.SET", "k", compact({"initial": "s0", "states": chart}))
    assert len(bounded.own.execute_command("SM.DIAGRAM", "k")) > 80_000
    before = bounded.info("memory")["used_memory_dataset"]
    for _ in range(10):
        bounded.own.execute_command("SM.DIAGRAM", "k", "DOT")
        bounded.own.execute_command("SM.DIAGRAM", "k")
    assert bounded.info("memory")["used_memory_dataset"] <= before + 20_000
