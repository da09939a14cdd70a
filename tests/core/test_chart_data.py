"""Random charts with data do what they do in the real XState, event by event; xstate/generate_data.mjs wrote them."""

from __future__ import annotations

import json
from typing import Any

import pytest

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
    assert {step["status"] for step in steps} == {"active", "done"}
    assert quirks == {MOVED, RAN_AGAIN}
    for member in ("context", "output", "history"):
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
    assert history_of(ours["historyValue"]) == history_of(theirs["historyValue"])
    for member in ("value", "status", "context", "output"):
        require(f"snapshot: {member}", ours.get(member), theirs.get(member))
