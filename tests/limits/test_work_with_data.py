"""The engine's work on the worst documents with data: twice the document, twice the work. See test_work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sm_core import Given, Limits, Machine, check_document, compile_document, diagram
from tests.documents import compact
from tests.limits.test_work import SIZE, lines
from tests.limits.worst_data import WORST, Json

UNLIMITED = Limits(1 << 30, 1 << 30, 256, 1 << 30, 1 << 30, 1 << 30)


def counted(make: Callable[[int], Json], size: int) -> dict[str, int]:
    """The lines of each thing that can be asked."""
    text = compact(make(size)).encode()
    definition = compile_document(text, None).definition
    begin = Given(guards=frozenset(), limits=UNLIMITED)
    given = begin._replace(data=compact({f"d{number}": number for number in range(size)}).encode())
    start = definition.start(begin)
    machine = Machine(start.configuration, start.context, start.output)
    where = machine.configuration
    snapshot = definition.snapshot(machine).encode()
    document = definition.head(where) + b',"snapshot":' + snapshot + b"," + definition.canonical[1:]
    asked: dict[str, Callable[[], Any]] = {
        "SM.SET": lambda: compile_document(text, None),
        "SM.SET of SM.GET": lambda: compile_document(document, None),
        "SM.CHECK": lambda: check_document(text, UNLIMITED),
        "SM.SEND": lambda: definition.send(machine, "E", given),
        "SM.SEND of another": lambda: definition.send(machine, "OTHER", given),
        "SM.SEND without GUARDS": lambda: definition.send(machine, "E", given._replace(guards=None)),
        "SM.CAN": lambda: definition.can(machine, "E", given),
        "WHY": lambda: definition.why(machine, "E", given),
        "why not": lambda: definition.why_not(machine, "E", given),
        "SM.MUTATE": lambda: definition.mutate(machine, "z", given),
        "FORCE": lambda: definition.force(machine, "z", given),
        "SM.RESET": lambda: definition.start(begin),
        "SM.NEXT": lambda: definition.next(machine),
        "current": lambda: definition.enter("z", machine, None, begin),
        "RESTORE": lambda: definition.keeps and definition.admit_data(machine, UNLIMITED),
        "SNAPSHOT": lambda: definition.snapshot(machine),
        "SM.DIAGRAM": lambda: diagram(definition, where, "DOT"),
    }
    return {name: lines(work) for name, work in asked.items()}


@pytest.mark.parametrize("name", WORST)
def test_twice_the_document_is_twice_the_work(name: str) -> None:
    once, twice = counted(WORST[name], SIZE), counted(WORST[name], 2 * SIZE)
    for what, count in once.items():
        assert twice[what] <= 3 * count + 300, what
