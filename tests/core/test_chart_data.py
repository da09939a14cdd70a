"""Random charts with data do what they do in the real XState, event by event; xstate/generate_data.mjs wrote them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sm_core import Limits, Machine, compile_document
from tests.core.data_support import MOVED, RAN_AGAIN, XSTATE, EngineTaker, follow, history_of, read_charts, require

CHARTS = read_charts(XSTATE / "random_data.json.gz")
NAMES = [chart["name"] for chart in CHARTS]


def test_the_fixtures_are_what_they_should_be() -> None:
    steps = [step for chart in CHARTS for step in chart["steps"]]
    quirks = {quirk for step in steps for quirk in step.get("quirks", [])}
    text = json.dumps([chart["config"] for chart in CHARTS])
    assert len(CHARTS) >= 500
    assert {len(chart["steps"]) for chart in CHARTS} == {25}
    assert {step["taken"] for step in steps} == {0, 1, 2}
    assert {step.get("status") for step in steps} == {"active", "done", None}
    assert quirks == {MOVED, RAN_AGAIN}
    for member in ("context", "output", "history", "error"):
        assert sum(member in step for step in steps) >= 100
    for feature in (
        *("@xstate.assign", "@xstate.raise", "@xstate.emit", "@xstate.log", "inState", "has(event.output)", "input.n"),
        *("xstate.and", "xstate.or", "xstate.not", "xstate.stateIn", "params.k", '"always"', "deep", "parallel"),
        *('"when"', '"isVip"', '"params"', '"reenter"', '"guards"', '"actions"', "@lang"),
    ):
        assert feature in text, feature


@pytest.mark.parametrize("chart", CHARTS, ids=NAMES)
def test_agrees_with_xstate(chart: dict[str, Any]) -> None:
    taker = EngineTaker(chart)
    assert follow(chart, taker) == 26
    ours, theirs = taker.snapshot(), chart["snapshot"]
    assert ours["children"] == {}
    require("snapshot: historyValue", history_of(ours["historyValue"]), history_of(theirs["historyValue"]))
    for member in ("value", "status", "context", "output"):
        require(f"snapshot: {member}", ours.get(member), theirs.get(member))
    assert restored(chart, theirs) == taker.machine
    assert restored(chart, ours) == taker.machine


def restored(chart: dict[str, Any], snapshot: dict[str, Any]) -> Machine | None:
    """The machine of a document that says by a snapshot where it stands."""
    document = {**chart["config"], "snapshot": snapshot}
    return compile_document(json.dumps(document).encode(), Limits()).machine


def start_and_send(document: dict[str, Any], event: str, guards: set[str]) -> tuple[Any, list[str]]:
    """Where a document is that was started without guards and given an event, and the effects of the event."""
    taker = EngineTaker({"config": document})
    taker({"guards": {}})
    taken = taker({"event": {"type": event}, "guards": dict.fromkeys(guards, True)})
    return taken.seen.value, [effect["type"] for effect in taken.effects or ()]


def test_behind_guards_that_do_not_hold_the_wildcard_of_the_same_state_is_asked() -> None:
    on = {"E.x": {"guard": "no", "target": "b"}, "E.*": [{"guard": "no"}], "*": "c"}
    states: dict[str, Any] = {"a": {"on": on}, "b": {}, "c": {}}
    assert start_and_send({"initial": "a", "states": states}, "E.x", set()) == ("c", [])


def test_an_always_that_changes_nothing_runs_once_after_an_event_that_no_transition_takes() -> None:
    inside = {"initial": "x", "states": {"x": {"entry": "in", "exit": "out"}}, "always": {"guard": "g", "target": ".x"}}
    assert start_and_send({"initial": "a", "states": {"a": inside}}, "Z", {"g"}) == ({"a": "x"}, ["out", "in"])
