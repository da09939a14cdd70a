"""Histories of machines that go anywhere: entries chain, and what is not cut leads to where the machine stands."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sm_core import Given, Machine, compile_document
from tests.documents import compact, flat
from tests.histories import assert_chained
from tests.servers import Server

FLAT_WALK = flat({"a": ["b", "c", "a"], "b": ["a"], "c": ["b", "d"], "d": [], "": ["a"]}, "a", store={"history": 1000})
CHART_WALK = compact(
    {
        "initial": "a",
        "store": {"history": 1000},
        "states": {
            "a": {"on": {"GO": "b", "IN": "p", "STAY": {"actions": "tell"}}},
            "b": {
                "initial": "x",
                "states": {"x": {"on": {"GO": "y"}}, "y": {"always": "#a2"}, "h": {"type": "history"}},
                "on": {"OUT": "a"},
            },
            "c": {"id": "a2", "on": {"GO": "b.h", "OUT": "a", "IN": "p.r.two"}},
            "p": {
                "type": "parallel",
                "states": {
                    "l": {"initial": "one", "states": {"one": {"on": {"GO": "two"}}, "two": {"on": {"GO": "one"}}}},
                    "r": {"initial": "one", "states": {"one": {"on": {"GO": "two"}}, "two": {"on": {"GO": "one"}}}},
                },
                "on": {"OUT": "a"},
            },
        },
    }
)  # fmt: skip
EVENTS = ["GO", "IN", "OUT", "STAY", "a", "b", "c", "d", ""]
commands = st.one_of(
    st.sampled_from(EVENTS).map(lambda event: ("SM.SEND", event)),
    st.sampled_from(["a", "b", "c", "d", "p", "b.y", "p.l.two", ""]).map(lambda state: ("SM.MUTATE", state)),
    st.sampled_from(["a", "b", "c", "d", "p", "b.x", "p.l.two", ""]).map(lambda s: ("SM.MUTATE", s, "why", "FORCE")),
    st.just(("SM.RESET",)),
)


@pytest.fixture
def r(server: Server) -> redis.Redis:
    return server.client()


def replayed(document: str, found: list[dict[str, Any]]) -> list[list[str]]:
    """Where the engine goes by the events of a history, each time. What no event says is done by state."""
    definition = compile_document(document.encode(), None).definition
    machine = Machine(definition.start(Given()).configuration)
    went = []
    for entry in found:
        if entry["event"] == "xstate.init":
            outcome: Any = definition.start(Given())
        elif entry["event"] == "xstate.force":
            outcome = definition.force(machine, entry["target"], Given())
        elif entry["event"] is None:
            outcome = definition.mutate(machine, entry["target"], Given())
        else:
            outcome = definition.send(machine, entry["event"], Given())
        assert outcome is not None, entry
        machine = Machine(outcome.configuration)
        went.append([*definition.states(machine.configuration)])
    return went


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(document=st.sampled_from([FLAT_WALK, CHART_WALK]), walk=st.lists(commands, max_size=30))
def test_an_uncut_history_leads_to_where_the_machine_stands(
    r: redis.Redis, document: str, walk: list[tuple[str, ...]]
) -> None:
    r.delete("k")
    r.execute_command("SM.SET", "k", document)
    targets: list[str | None] = [None]
    for name, *words in walk:
        if r.execute_command(name, "k", *words) is not None:
            targets.append(words[0] if name == "SM.MUTATE" else None)
    found = assert_chained(r, "k")
    assert found[0]["revision"] == 1
    assert [one["ms"] for one in found] == sorted(one["ms"] for one in found)
    assert len(found) == len(targets)
    told = [{**entry, "target": target} for entry, target in zip(found, targets, strict=True)]
    assert replayed(document, told) == [one["to"] for one in found]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    keep=st.integers(1, 6),
    walk=st.lists(st.tuples(commands, st.sampled_from(["", "dump", "copy", "reload"])), max_size=20),
)
def test_a_cut_history_chains_likewise(r: redis.Redis, keep: int, walk: list[tuple[tuple[str, ...], str]]) -> None:
    document = json.loads(CHART_WALK)
    document["store"]["history"] = keep
    r.delete("k", "other")
    r.execute_command("SM.SET", "k", compact(document))
    for (name, *words), then in walk:
        r.execute_command(name, "k", *words)
        if then == "dump":
            r.restore("k", 0, r.dump("k"), replace=True)
        elif then == "copy":
            r.copy("k", "other", replace=True)
            r.rename("other", "k")
        elif then == "reload":
            r.execute_command("DEBUG", "RELOAD")
        found = assert_chained(r, "k")
        assert len(found) == min(keep, found[-1]["revision"])
