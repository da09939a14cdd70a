"""Bounds on a server: the size of a chart, of the memo, and of one event's work."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import redis

from tests.documents import compact
from tests.servers import Server

MEGABYTE = 1 << 20
REGIONS = 20


def layers(depth: int, width: int) -> dict[str, Any]:
    """``depth`` levels of ``width`` states, a ring at every level, nested in the first state of the level above."""
    chart: dict[str, Any] = {}
    for level in range(depth, 0, -1):
        names = [f"s{level}_{number}" for number in range(width)]
        states: dict[str, Any] = {
            name: {"on": {f"E{level}": names[(number + 1) % width]}} for number, name in enumerate(names)
        }
        states[names[0]] |= chart
        chart = {"initial": names[0], "states": states}
    return chart


@pytest.mark.parametrize(("depth", "width"), [(1, 1_000), (20, 50), (20, 500)])
def test_a_thousand_states_twenty_levels(server: Server, r: redis.Redis, depth: int, width: int) -> None:
    """A thousand states in one level and in twenty, and as many as max-states allows."""
    server.config("redisstate.max-elements", 1_000_000)
    server.config("redisstate.max-document-bytes", "4mb")
    document = compact(layers(depth, width))
    assert r.execute_command("SM.CHECK", document) == []
    assert r.execute_command("SM.SET", "k", document) == "OK"
    assert len(r.execute_command("SM.STATE", "k", "LIST")) == depth * width
    innermost = ".".join(f"s{level}_0" for level in range(1, depth + 1))
    assert r.execute_command("SM.STATE", "k") == [innermost]
    for _ in range(width):
        states = r.execute_command("SM.SEND", "k", f"E{depth}")
    assert states == [innermost]
    assert r.execute_command("SM.SEND", "k", "E1") == ["s1_1"]
    assert r.execute_command("SM.SET", "copy", r.execute_command("SM.GET", "k")) == "OK"
    assert r.execute_command("DEBUG", "DIGEST-VALUE", "copy") == r.execute_command("DEBUG", "DIGEST-VALUE", "k")


def switches() -> str:
    """A chart of parallel regions with two states each: 2 to the power of REGIONS configurations."""
    regions = {}
    for number in range(REGIONS):
        states = {"off": {"on": {f"T{number}": "on"}}, "on": {"on": {f"T{number}": "off"}}}
        regions[f"r{number}"] = {"initial": "off", "states": states}
    return compact({"type": "parallel", "states": regions})


def send_random_events(r: redis.Redis, events: int, seed: int) -> None:
    """Sends random events, each of which is taken."""
    chance = random.Random(seed)
    for _ in range(events // 1_000):
        with r.pipeline(transaction=False) as pipe:
            for _ in range(1_000):
                pipe.execute_command("SM.SEND", "k", f"T{chance.randrange(REGIONS)}")
            assert all(len(states) == REGIONS for states in pipe.execute())


def memo_bytes(server: Server) -> int:
    info = server.info()
    return int(info["nodes_bytes"] + info["edges_bytes"])


def assert_walk_is_bounded(server: Server, r: redis.Redis, bound: int, events: int) -> None:
    """A random walk through far more configurations than fit into the bound."""
    server.wait_info(machines=0, definitions=0)
    server.config("redisstate.max-memo-bytes", bound)
    r.execute_command("SM.SET", "k", switches())
    send_random_events(r, events // 3, 1)
    full, used = server.info(), server.info("memory")["used_memory"]
    assert full["evictions"] > 0
    send_random_events(r, events - events // 3, 2)
    after = server.info()
    assert after["engine_calls"] - full["engine_calls"] > events // 3
    assert after["evictions"] > full["evictions"]
    assert memo_bytes(server) <= bound + MEGABYTE // 16
    assert after["table_bytes"] <= bound
    assert after["python_bytes"] <= full["python_bytes"] + 4 * MEGABYTE
    assert server.info("memory")["used_memory"] <= used + bound // 2 + MEGABYTE
    assert after["definitions"] == full["definitions"]


def test_a_long_walk_over_a_million_configurations_is_bounded(server: Server, r: redis.Redis) -> None:
    assert_walk_is_bounded(server, r, MEGABYTE, 30_000)


@pytest.mark.long
def test_a_walk_of_a_million_events_is_bounded(server: Server) -> None:
    assert_walk_is_bounded(server, server.client(), 16 * MEGABYTE, 1_000_000)


CYCLE = {
    "initial": "calm",
    "states": {
        "calm": {"on": {"SPIN": {"target": "spin", "actions": "begin"}, "REST": "rest"}},
        "rest": {},
        "spin": {"initial": "a", "states": {"a": {"always": "b"}, "b": {"always": "a"}}},
    },
}


@pytest.mark.parametrize(
    "command",
    [
        ("SM.SEND", "k", "SPIN"),
        ("SM.SEND", "k", "SPIN", "ACTIONS"),
        ("SM.MUTATE", "k", "spin"),
        ("SM.MUTATE", "k", "spin.b", "why", "FORCE"),
        ("SM.SET", "k", compact(CYCLE), "spin"),
        ("SM.SET", "k", compact(CYCLE), '{"spin":"b"}'),
        ("SM.SET", "k", compact({**CYCLE, "current": "spin"})),
        ("SM.SET", "k", compact({**CYCLE, "initial": "spin"})),
        ("SM.SET", "new", compact({**CYCLE, "initial": "spin"})),
    ],
    ids=" ".join,
)
def test_a_cycle_of_automatic_transitions_is_an_error_and_changes_nothing(
    server: Server, r: redis.Redis, command: tuple[str, ...]
) -> None:
    r.execute_command("SM.SET", "k", compact(CYCLE))
    before = r.execute_command("DEBUG", "DIGEST-VALUE", "k")
    writes = server.writes()
    for _ in range(2):
        with pytest.raises(redis.ResponseError, match=r"do not end: a cycle of 2 microsteps, at .*'spin\.a'"):
            r.execute_command(*command)
    assert r.execute_command("DEBUG", "DIGEST-VALUE", "k") == before
    assert r.exists("new") == 0
    assert server.writes() == writes
    assert r.execute_command("SM.SEND", "k", "REST") == ["rest"]


@pytest.mark.parametrize("length", [100, 201, 1_300])
def test_a_finite_chain_of_automatic_transitions_is_taken(r: redis.Redis, length: int) -> None:
    """Up to a chain as long as a document may be. XState takes it too."""
    states: dict[str, Any] = {f"s{number}": {"always": f"s{number + 1}"} for number in range(length)}
    r.execute_command("SM.SET", "k", compact({"initial": "s0", "states": {**states, f"s{length}": {}}}))
    assert r.execute_command("SM.STATE", "k") == [f"s{length}"]


def test_too_much_work_is_not_called_a_cycle(r: redis.Redis) -> None:
    """Regions with rings of 2, 3, 5 ... states are all back at their first state after millions of microsteps."""
    regions = {}
    for length in (2, 3, 5, 7, 11, 13, 17, 19, 23):
        states = {f"s{number}": {"always": f"s{(number + 1) % length}"} for number in range(length)}
        regions[f"r{length}"] = {"initial": "s0", "states": states}
    busy = {"type": "parallel", "states": regions}
    chart = {"initial": "calm", "states": {"calm": {"on": {"E": "busy"}}, "busy": busy}}
    r.execute_command("SM.SET", "k", compact(chart))
    with pytest.raises(redis.ResponseError, match=r"one event may cause 50000 units of work"):
        r.execute_command("SM.SEND", "k", "E")
    assert r.execute_command("SM.STATE", "k") == ["calm"]


def test_the_documents_own_bound_is_named(r: redis.Redis) -> None:
    states = {"a": {"on": {"E": "b"}}, "b": {"always": "c"}, "c": {"always": "d"}, "d": {}}
    r.execute_command("SM.SET", "k", compact({"initial": "a", "options": {"maxIterations": 2}, "states": states}))
    with pytest.raises(redis.ResponseError, match=r"more than 2 microsteps.*options\.maxIterations"):
        r.execute_command("SM.SEND", "k", "E")
    assert r.execute_command("SM.STATE", "k") == ["a"]


def test_a_chart_whose_start_does_not_end_can_be_entered_elsewhere(r: redis.Redis) -> None:
    """It can be stored in another state, and not be reset."""
    endless = compact({**CYCLE, "initial": "spin"})
    assert r.execute_command("SM.SET", "k", endless, "calm") == "OK"
    for command in (("SM.RESET", "k"), ("SM.RESET", "k", "ACTIONS"), ("SM.GET", "k", "INITIAL")):
        with pytest.raises(redis.ResponseError, match="do not end"):
            r.execute_command(*command)
    assert r.execute_command("SM.STATE", "k") == ["calm"]
    document = json.loads(r.execute_command("SM.GET", "k"))
    assert document["current"] == "calm"
    assert r.execute_command("SM.SET", "copy", compact(document)) == "OK"
    restored = r.execute_command("SM.CHECK", compact(document))
    assert [finding for finding in restored if finding[0] == "error"] == []
