"""What the statechart tests share: the fixtures that the real XState wrote, and walks through a chart."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sm_core.chart import Chart, Configuration, compile_chart
from sm_core.document import Limits
from sm_core.errors import DocumentError, EngineError

XSTATE = Path(__file__).parent / "xstate"
EVENTS = ["A", "B", "C", "D", "a", "a.b", "a.b.c", "a.x", "Z"]


def read_lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (XSTATE / name).read_text(encoding="utf-8").splitlines()]


def fixtures() -> list[dict[str, Any]]:
    """All charts that XState ran, with the alphabet that their "can" refers to."""
    first, *rest = read_lines("random.jsonl")
    for fixture in rest:
        fixture["alphabet"] = first["alphabet"]
    return [*read_lines("known.jsonl"), *rest]


FIXTURES = fixtures()
BY_NAME = {fixture["name"]: fixture for fixture in FIXTURES}
ALL = [fixture["config"] for fixture in FIXTURES]


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in items]


def chart_of(config: dict[str, Any]) -> Chart:
    return compile_chart(config, Limits())


def walk(chart: Chart, seed: str, events: list[str], steps: int = 25) -> Iterator[Configuration]:
    """The configurations of a random walk; an event whose automatic transitions do not end changes nothing."""
    chance = random.Random(seed)
    configuration = chart.start().configuration
    yield configuration
    for _ in range(steps):
        try:
            step = chart.step(configuration, chance.choice(events))
        except DocumentError:
            raise
        except EngineError:
            continue
        if step is not None:
            configuration = step.configuration
            yield configuration
