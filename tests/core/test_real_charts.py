"""Charts of public code, every name replaced, do what they do in the real XState, their guards decided by the client.

``real_charts.json.gz`` is a part of the 126 charts that lie beside a full checkout; those are tested where they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sm_core.definition import SPAWN
from tests.core.data_support import MOVED, XSTATE, EngineTaker, Taken, follow, read_charts

ALL = Path(__file__).parents[2].parent / "shared" / "charts" / "real-a.json.gz"
COMMITTED = read_charts(XSTATE / "real_charts.json.gz")


class RealTaker(EngineTaker):
    """The records of real charts do not have the input of a task."""

    def __call__(self, record: dict[str, Any]) -> Taken:
        taken = super().__call__(record)
        for effect in taken.effects or ():
            if effect["type"] == SPAWN:
                effect.pop("input", None)
        return taken


def test_the_fixtures_are_what_they_should_be() -> None:
    features = {feature for chart in COMMITTED for feature in chart["features"]}
    steps = [step for chart in COMMITTED for step in chart["steps"]]
    assert len(COMMITTED) >= 35
    assert features >= {"context", "guard by name", "candidates", "parallel", "history", "always", "final", "output"}
    assert features >= {"after", "after named", "invoke id", "invoke without id", "invoke onDone", "invoke onError"}
    assert any(MOVED in step.get("quirks", []) for step in steps)
    assert any("fires" in step for step in steps)
    assert {step["status"] for step in steps} == {"active", "done", "error"}


@pytest.mark.parametrize("chart", COMMITTED, ids=[chart["name"] for chart in COMMITTED])
def test_agrees_with_xstate(chart: dict[str, Any]) -> None:
    assert follow(chart, RealTaker(chart)) == 1 + len(chart["steps"])


@pytest.mark.skipif(not ALL.exists(), reason="../shared/charts is not there")
def test_all_agree_with_xstate() -> None:
    charts = read_charts(ALL)
    assert len(charts) == 126
    steps = [follow(chart, RealTaker(chart)) - 1 for chart in charts]
    assert sum(steps) > 3200
