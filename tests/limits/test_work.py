"""The engine's work on the worst documents, counted in lines of Python that are executed: twice the document, twice
the work. No clock is read; C's share (sets of states are integers, text) is not counted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

import sm_core
from sm_core import EngineError, Given, Machine, check_document, compile_document, diagram
from sm_core.chart.step import MOST_WORK
from tests.documents import compact
from tests.limits.worst import CHARTS, MAPS, Worst
from tests.tracing import tracing

WORST: dict[str, Worst] = {**CHARTS, **MAPS}
ENGINE = str(sm_core.__file__).removesuffix("__init__.py")
SIZE = 400
BOUNDED = {"counter", "done beside", "heavy chain", "many histories", "wide always"}
"""Whose steps do more than in proportion, and are cut off by the bound of one event's work."""


def lines(work: Callable[[], Any]) -> int:
    """How many lines of the engine are executed, inner loops of comprehensions among them."""
    count = 0

    def inside(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return inside

    def entered(frame: FrameType, event: str, argument: Any) -> Any:
        return inside if frame.f_code.co_filename.startswith(ENGINE) else None

    with tracing(entered), suppress(EngineError):
        work()
    return count


def counted(worst: Worst, size: int) -> dict[str, int]:
    """The lines of each thing that can be asked."""
    text = compact(worst.make(size)).encode()
    compiled = compile_document(text, None)
    assert compiled.machine is not None
    definition, where = compiled.definition, compiled.machine.configuration
    document = definition.head(where) + b"," + definition.canonical[1:]
    asked: dict[str, Callable[[], object]] = {
        "SM.SET": lambda: compile_document(text, None),
        "SM.SET of SM.GET": lambda: compile_document(document, None),
        "SM.CHECK": lambda: check_document(text, UNLIMITED),
        "SM.GET": lambda: definition.head(where),
        "SM.STATE": lambda: (definition.states(where), definition.known),
        "RESTORE": lambda: definition.admit(where, True),
        "SM.NEXT": lambda: definition.next(Machine(where)),
        "SM.DIAGRAM": lambda: (diagram(definition, where, "MERMAID"), diagram(definition, where, "DOT")),
        "SM.SEND": lambda: definition.send(Machine(where), worst.event, Given()),
        "SM.MUTATE": lambda: definition.mutate(Machine(where), worst.state, Given()),
        "FORCE": lambda: definition.force(Machine(where), worst.state, Given()),
        "SM.RESET": lambda: definition.start(Given()),
        "current": lambda: definition.enter(definition.current(where), Machine(where), None, Given()),
    }
    return {name: lines(work) for name, work in asked.items()}


UNLIMITED = sm_core.Limits(1 << 30, 1 << 30, 256, 1 << 30)
STEPS = ("SM.SEND", "SM.MUTATE", "FORCE", "SM.RESET")


@pytest.mark.parametrize("name", WORST)
def test_twice_the_document_is_twice_the_work(name: str) -> None:
    once, twice = counted(WORST[name], SIZE), counted(WORST[name], 2 * SIZE)
    for what, count in once.items():
        if name in BOUNDED and what in STEPS:
            assert twice[what] <= LINES_OF_A_UNIT * 2 * MOST_WORK, what
        else:
            assert twice[what] <= 3 * count + 300, what  # four times would be quadratic; large sets are read by words


LINES_OF_A_UNIT = 12


def test_the_count_sees_what_is_quadratic() -> None:
    """The tool itself: a loop inside a loop over the same thing is found."""

    def pairs(count: int) -> int:
        source = f"def work():\n for a in range({count}):\n  for b in range({count}):\n   pass\nwork()"
        return lines(lambda: exec(compile(source, ENGINE + "made_up.py", "exec"), {}))

    assert pairs(40) > 3 * pairs(20)
