"""Random charts with time and tasks do what they do in the real XState, event by event, whether it is a deadline that
fires, a task that ends or an event that is sent; xstate/generate_timed.mjs wrote them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sm_core.definition import STOP
from tests.core.data_support import (
    ARMED_TWICE,
    CANCEL,
    DONE_TASK,
    FAILED_TASK,
    MOVED,
    RAISE,
    RAN_AGAIN,
    STARTED_TWICE,
    XSTATE,
    EngineTaker,
    follow,
    is_report,
    read_charts,
)

CHARTS = read_charts(XSTATE / "random_timed.json.gz")


def test_the_fixtures_are_what_they_should_be() -> None:
    steps = [step for chart in CHARTS for step in chart["steps"]]
    actions = [action for step in steps for action in step["actions"]]
    assert len(CHARTS) >= 300
    assert {len(chart["steps"]) for chart in CHARTS} == {25}
    assert {step["status"] for step in steps} == {"active", "done", "error"}
    assert {quirk for step in steps for quirk in step.get("quirks", [])} == {
        *(MOVED, RAN_AGAIN, ARMED_TWICE, STARTED_TWICE)
    }
    for enough, count in (
        (1500, sum("fires" in step for step in steps)),
        (100, sum(step.get("fires") == "" for step in steps)),
        (400, sum(step["event"]["type"].startswith(DONE_TASK) and "late" not in step for step in steps)),
        (200, sum(step["event"]["type"].startswith(FAILED_TASK) and "late" not in step for step in steps)),
        (200, sum("late" in step for step in steps)),
        (50, sum(is_report(step) and step["taken"] == 0 and "late" not in step for step in steps)),
        (20, sum("error" in step for step in steps)),
        (5, sum(step["status"] == "done" and any(one["type"] == STOP for one in step["actions"]) for step in steps)),
        (100, sum("input" in action for action in actions)),
        (500, sum(action["type"] == CANCEL for action in actions)),
        (100, sum(action["type"] == RAISE and not isinstance(action["event"], str) for action in actions)),
    ):
        assert count >= enough


def test_the_fixtures_have_all_that_waits() -> None:
    text = json.dumps([chart["config"] for chart in CHARTS])
    for feature in (
        *('"after"', '"1e3"', '"2500.5"', '"2592000000"', '"PT2M"', '"1.5s"', '"by plan"', '"delays"', '"duration"'),
        *("@xstate.raise", "@xstate.cancel", '"delay": {"@expr"', '"id": {"@expr"', '"delay": "PT2M"', '"reenter"'),
        *('"invoke": [', '"invoke": {', '"input": {"@expr"', '"onDone": [', '"onError": [', "has(event.error)"),
    ):
        assert feature in text, feature


@pytest.mark.parametrize("chart", CHARTS, ids=[chart["name"] for chart in CHARTS])
def test_agrees_with_xstate(chart: dict[str, Any]) -> None:
    assert follow(chart, EngineTaker(chart)) == 26
