"""Charts of public code, every name replaced, do what they do in the real XState, their guards decided by the client.

``real_charts.json.gz`` is a part of the 126 charts that lie beside a full checkout; those are tested where they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.core.data_support import MOVED, XSTATE, EngineTaker, follow, read_charts

ALL = Path(__file__).parents[2].parent / "shared" / "charts" / "real-a.json.gz"
COMMITTED = read_charts(XSTATE / "real_charts.json.gz")
NOT_YET = ("after", "invoke")
"""How the features begin that are not supported: delays and tasks."""


def is_supported(chart: dict[str, Any]) -> bool:
    return not any(feature.startswith(NOT_YET) for feature in chart["features"])


def test_the_fixtures_are_what_they_should_be() -> None:
    features = {feature for chart in COMMITTED for feature in chart["features"]}
    assert len(COMMITTED) >= 20
    assert all(is_supported(chart) for chart in COMMITTED)
    assert features >= {"context", "guard by name", "candidates", "parallel", "history", "always", "final", "output"}
    assert any(MOVED in step.get("quirks", []) for chart in COMMITTED for step in chart["steps"])


@pytest.mark.parametrize("chart", COMMITTED, ids=[chart["name"] for chart in COMMITTED])
def test_agrees_with_xstate(chart: dict[str, Any]) -> None:
    assert follow(chart, EngineTaker(chart)) == 1 + len(chart["steps"])


@pytest.mark.skipif(not ALL.exists(), reason="../shared/charts is not there")
def test_all_that_are_supported_agree_with_xstate() -> None:
    charts = [chart for chart in read_charts(ALL) if is_supported(chart)]
    assert len(charts) == 82
    steps = [follow(chart, EngineTaker(chart)) - 1 for chart in charts]
    assert sum(steps) > 2200
