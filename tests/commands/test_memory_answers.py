"""Repeated questions are answered from the memo, and unused memory is freed: the fields of INFO redisstate."""

from __future__ import annotations

import random

import pytest

from tests.documents import README, TRAFFIC, flat, ring
from tests.servers import Server

FIELDS = {
    "definitions", "nodes", "edges", "machines", "definitions_bytes", "nodes_bytes", "edges_bytes",
    "remembered_bytes", "remembered_bytes_bound", "occupied_nodes_bytes", "machines_bytes", "table_bytes",
    "python_bytes", "engine_calls", "memory_answers", "evictions", "timers", "timers_next_ms", "timers_fired",
    "timers_late_most_ms", "tasks", "outbox_entries",
}  # fmt: skip


def test_info_has_these_fields(server: Server) -> None:
    fields = server.info()
    assert set(fields) == FIELDS | {"version", "python"}
    assert all(isinstance(fields[name], int) and fields[name] >= 0 for name in FIELDS)


def test_a_thousand_repeated_transitions_call_the_engine_once_each_way(server: Server) -> None:
    r = server.client()
    document = flat({"ping": ["pong"], "pong": ["ping"]}, "ping", id="a thousand transitions")
    r.execute_command("SM.SET", "k", document)
    start = server.info()
    assert r.execute_command("SM.MUTATE", "k", "pong") == "OK"
    first = server.info()
    assert first["engine_calls"] - start["engine_calls"] == 1
    assert r.execute_command("SM.MUTATE", "k", "ping") == "OK"
    both = server.info()
    assert both["engine_calls"] - first["engine_calls"] == 1
    for _ in range(500):
        assert r.execute_command("SM.MUTATE", "k", "pong") == "OK"
        assert r.execute_command("SM.MUTATE", "k", "ping") == "OK"
    end = server.info()
    assert end["engine_calls"] == both["engine_calls"]
    assert end["memory_answers"] - both["memory_answers"] >= 1000


def test_a_repeated_command_does_not_call_the_engine(server: Server) -> None:
    r = server.client()
    document = flat({"a": ["b"], "b": ["a"]}, "a", id="answered from memory")
    calls = [
        ("SM.SET", "k", document),
        ("SM.SET", "other", document),
        ("SM.SET", "k", document, "b"),
        ("SM.GET", "k"),
        ("SM.GET", "k", "CURRENT"),
        ("SM.GET", "k", "INITIAL"),
        ("SM.GET", "k", "REASON"),
        ("SM.STATE", "k"),
        ("SM.STATE", "k", "LIST"),
        ("SM.STATE", "k", "ALL"),
        ("SM.MUTATE", "k", "a"),
        ("SM.MUTATE", "k", "b", "with a reason"),
        ("SM.MUTATE", "k", "nowhere"),
        ("SM.MUTATE", "k", "a", "why", "FORCE"),
        ("SM.MUTATE", "k", "nowhere", "why", "FORCE"),
        ("SM.RESET", "k"),
        ("SM.CREATE", "created"),
        ("SM.TEMPLATE",),
    ]
    for call in calls:
        r.execute_command(*call)
    for call in calls:
        before = server.info()["engine_calls"]
        r.execute_command(*call)
        assert server.info()["engine_calls"] == before, call


def test_unknown_states_are_remembered_within_the_bound(server: Server) -> None:
    """Refusals of ever new names are remembered too, within max-memo-bytes."""
    server.config("redisstate.max-memo-bytes", 1024 * 1024)
    r = server.client()
    r.execute_command("SM.SET", "k", TRAFFIC)
    with r.pipeline(transaction=False) as pipe:
        for number in range(50_000):
            pipe.execute_command("SM.MUTATE", "k", f"nowhere{number}")
            if number % 10_000 == 0:
                assert not any(pipe.execute())
        assert not any(pipe.execute())
    info = server.info()
    assert info["edges_bytes"] + info["nodes_bytes"] < 2 * 1024 * 1024
    assert r.execute_command("SM.MUTATE", "k", "green") == "OK"


@pytest.mark.parametrize("names", [("here", "there"), ("a rather long name", "another rather long name")])
def test_eviction_spares_edges_in_use(server: Server, names: tuple[str, str]) -> None:
    server.config("redisstate.max-memo-bytes", 1024 * 1024)
    r = server.client()
    here, there = names
    r.execute_command("SM.SET", "used", flat({here: [there], there: [here]}, here))
    r.execute_command("SM.SET", "k", TRAFFIC)

    def there_and_back() -> int:
        before = server.info()["engine_calls"]
        assert [r.execute_command("SM.MUTATE", "used", name) for name in (there, here)] == ["OK", "OK"]
        return server.info()["engine_calls"] - before

    assert there_and_back() == 2
    for start in range(0, 30_000, 500):
        with r.pipeline(transaction=False) as pipe:
            for number in range(start, start + 500):
                pipe.execute_command("SM.MUTATE", "k", f"nowhere{number}")
            assert not any(pipe.execute())
        assert there_and_back() == 0, start
    assert server.info()["evictions"] > 20_000


def test_a_node_is_freed_when_its_last_machine_has_left(server: Server) -> None:
    """Also where machines move by cached edges, whose counts are added up with a delay."""
    server.wait_info(machines=0, definitions=0)
    server.config("redisstate.max-memo-bytes", 1024 * 1024)
    r = server.client()
    names = [f"s{number}" for number in range(60)]
    document = flat(dict.fromkeys(names, names), "s0")
    standing = {f"m{number}": "s0" for number in range(40)}
    r.execute_command("SM.SET", "k", TRAFFIC)
    for key in standing:
        r.execute_command("SM.SET", key, document)

    def walk(steps: list[tuple[str, str]]) -> None:
        with r.pipeline(transaction=False) as pipe:
            for key, name in steps:
                pipe.execute_command("SM.MUTATE", key, name)
            assert set(pipe.execute()) == {"OK"}
        standing.update(steps)

    def fill_memory() -> None:
        with r.pipeline(transaction=False) as pipe:
            for number in range(10_000):
                pipe.execute_command("SM.MUTATE", "k", f"nowhere{number}")
            assert not any(pipe.execute())

    draw = random.Random(7)
    for _ in range(4):
        walk([(draw.choice(list(standing)), draw.choice(names)) for _ in range(3000)])
        walk([("m0", name) for _ in range(400) for name in ("s1", "s2")])
        gone, kept = draw.sample(sorted(standing), 2)
        assert r.unlink(gone) == r.copy(kept, gone) == 1
        standing[gone] = standing[kept]
        fill_memory()
        assert {key: r.execute_command("SM.STATE", key)[0] for key in standing} == standing
    assert server.info()["nodes"] >= len(set(standing.values()))
    walk([(key, "s0") for key in standing])
    for _ in range(6):
        fill_memory()
    assert server.info()["nodes"] <= 3, "s0, where all machines are, and those of the traffic light"
    walk([(key, "s1") for key in standing])
    r.flushall()
    server.wait_info(machines=0, definitions=0, nodes=0, edges=0, nodes_bytes=0)


def test_similar_names_are_distinguished(server: Server) -> None:
    """Also where short names are cached within a node, and longer ones are in the table."""
    r = server.client()
    short = ["x" * length for length in range(1, 16)]
    names = [*short, *("x" * 11 + end for end in "\0ab"), *("x" * 12 + end for end in "\0a"), "x\0", "x\0\0", "a\0b"]
    absent = ["", "x" * 16, "x" * 11 + "c", "x" * 12 + "c", "x\0\0\0", "a\0", "a\0c"]
    r.execute_command("SM.SET", "k", flat(dict.fromkeys(names, names), "x"))
    draw = random.Random(3)
    for _ in range(300):
        for name in draw.sample(names, 2) * 3:
            assert r.execute_command("SM.MUTATE", "k", name) == "OK"
            assert r.execute_command("SM.STATE", "k") == [name]
        refused = draw.choice(absent)
        assert [r.execute_command("SM.MUTATE", "k", refused) for _ in range(2)] == [None, None], refused
        assert r.execute_command("SM.STATE", "k") == [name]


def test_a_definition_is_interned(server: Server) -> None:
    r = server.client()
    server.wait_info(machines=0, definitions=0)
    document = ring(100)
    r.execute_command("SM.SET", "first", document)
    one = server.info()
    assert (one["definitions"], one["machines"]) == (1, 1)
    assert one["definitions_bytes"] >= len(document) / 2
    with r.pipeline(transaction=False) as pipe:
        for number in range(1000):
            spelled = document.replace(":", " : ") if number % 2 else document
            pipe.execute_command("SM.SET", f"k{number}", spelled)
        pipe.execute()
    many = server.info()
    assert (many["definitions"], many["machines"]) == (1, 1001)
    assert many["definitions_bytes"] <= one["definitions_bytes"] + 2 * len(document) + 1000
    assert many["machines_bytes"] == 0, "a machine without a reason is a pointer to its node"


def test_machines_bytes_are_those_of_reasons(server: Server) -> None:
    r = server.client()
    server.wait_info(machines=0, machines_bytes=0)
    r.execute_command("SM.SET", "k", flat({"red": ["green"], "green": ["red"]}, "red"))
    assert server.info()["machines_bytes"] == 0
    r.execute_command("SM.MUTATE", "k", "green", "x" * 1000)
    assert 1000 <= server.info()["machines_bytes"] <= 1300
    r.execute_command("SM.MUTATE", "k", "red", "y" * 1000)
    assert 1000 <= server.info()["machines_bytes"] <= 1300, "the block is reused"
    r.execute_command("SM.MUTATE", "k", "green", "short")
    assert 5 <= server.info()["machines_bytes"] <= 64, "a block that is far too large is not reused"
    assert r.execute_command("SM.GET", "k", "REASON") == "short"
    r.execute_command("SM.MUTATE", "k", "red")
    assert server.info()["machines_bytes"] == 0
    assert r.execute_command("SM.GET", "k", "REASON") == ""


def test_only_visited_states_have_a_node(server: Server) -> None:
    server.wait_info(machines=0, definitions=0, nodes=0, edges=0)
    r = server.client()
    r.execute_command("SM.SET", "k", ring(1000))
    assert server.info()["nodes"] <= 2
    for number in range(1, 11):
        assert r.execute_command("SM.MUTATE", "k", f"s{number}") == "OK"
    assert 2 <= server.info()["nodes"] <= 12
    assert 10 <= server.info()["edges"] <= 12


def test_unused_definitions_nodes_and_edges_are_freed(server: Server) -> None:
    r = server.client()
    server.wait_info(machines=0, definitions=0)
    with r.pipeline(transaction=False) as pipe:
        for number in range(500):
            pipe.execute_command("SM.SET", f"k{number}", ring(5, f"x{number}-"))
            pipe.execute_command("SM.MUTATE", f"k{number}", f"x{number}-1", "why")
        pipe.execute()
    assert server.info()["definitions"] == 500
    assert server.info()["machines"] == 500
    r.flushall()
    server.wait_info(machines=0, definitions=0, nodes=0, edges=0)
    server.wait_info(machines_bytes=0, definitions_bytes=0, nodes_bytes=0, edges_bytes=0)


def test_machines_are_counted_however_they_are_removed(server: Server) -> None:
    r = server.client()
    server.wait_info(machines=0)
    for key in ("deleted", "unlinked", "expired", "overwritten", "set again", "restored over", "stays"):
        r.execute_command("SM.SET", key, README)
    assert server.info()["machines"] == 7
    r.execute_command("SM.SET", "set again", TRAFFIC)
    raw = server.raw()
    raw.execute_command("RESTORE", "restored over", 0, raw.execute_command("DUMP", "stays"), "REPLACE")
    server.wait_info(machines=7)
    r.delete("deleted")
    r.unlink("unlinked")
    r.pexpire("expired", 1)
    r.set("overwritten", "a string")
    server.wait_info(machines=3)


def test_the_engines_memory_is_in_used_memory(server: Server) -> None:
    """used_memory includes what Python allocates, so that maxmemory applies to it."""
    r = server.client()
    server.wait_info(machines=0, definitions=0)  # memory that is freed during the test would distort it
    before = server.info("memory")["used_memory"]
    with r.pipeline(transaction=False) as pipe:
        for number in range(300):
            pipe.execute_command("SM.SET", f"k{number}", ring(200, f"y{number}-"))
        pipe.execute()
    grown = server.info("memory")["used_memory"] - before
    documents = sum(len(ring(200, f"y{number}-")) for number in range(300))
    assert grown > 2 * documents
