"""A refusal keeps nothing: no memory, and no cycle that only a collector would find. In a server there is none.

The engine's sources are walked for every place that refuses something. Each must be reached by an input of
``tests/refusals.py``, so that a new refusal is tried here too.
"""

from __future__ import annotations

import ast
import gc
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import sm_core
from sm_core import EngineError, Limits, check_document, compile_document, diagram
from sm_core.chart import compile_chart
from tests.core.chart_support import FIXTURES
from tests.documents import README, compact, ring
from tests.refusals import CURRENTS, DOCUMENTS, ENDLESS, LIMITS, order
from tests.tracing import tracing

ENGINE = Path(sm_core.__file__).parent
WITHIN = {"AssertionError", "_DuplicateError"}
"""What is raised and caught in the same file, or never."""


def refusing(path: Path) -> Iterator[tuple[int, int]]:
    """The first line and the last of each statement in a file that refuses something."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if not (isinstance(raised, ast.Name) and raised.id in WITHIN):
                yield node.lineno, node.end_lineno or node.lineno
        elif (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
            and node.value.func.attr in ("at", "lost")
        ):
            yield node.lineno, node.end_lineno or node.lineno


PLACES = {
    f"{path.relative_to(ENGINE)}:{first}": (str(path), range(first, last + 1))
    for path in sorted(ENGINE.rglob("*.py"))
    for first, last in refusing(path)
}


def refuse(ask: Callable[[], object]) -> None:
    """Asks, and lets go of the error."""
    try:
        ask()
    except EngineError as error:
        sm_core.explain(error)


def set_document(document: bytes, limits: Limits | None = LIMITS) -> None:
    refuse(lambda: compile_document(document, limits))


def set_current(document: bytes, current: str) -> None:
    definition = compile_document(document, LIMITS).definition
    refuse(lambda: definition.enter(current, None, LIMITS, Given()))


def admit(document: bytes, configuration: bytes) -> None:
    definition = compile_document(document, LIMITS).definition
    refuse(lambda: definition.admit(configuration, strict=True))


def deeper_than_can_be_written() -> dict[str, Any]:
    meta: list[Any] = []
    for _ in range(100_000):
        meta = [meta]
    return {"initial": "a", "states": {"a": {}}, "meta": meta}


DEEP = deeper_than_can_be_written()
CHART = compact(order(states={"h": {"history": "deep"}, "x": {}, "y": {}}, initial="x")).encode()
CONFIGURATIONS = {
    "a map's, not UTF-8": (README.encode(), b"\xff"),
    "a map's, unknown": (README.encode(), b"x"),
    "empty": (CHART, b""),
    "a number that goes on": (CHART, b"\x01\x80"),
    "not the shortest form": (CHART, b"\x01\x80\x00"),
    "a number too large": (CHART, b"\x01\xff\xff\xff\xff\xff"),
    "no such state": (CHART, b"\x01\x70"),
    "more states than there are": (CHART, b"\x70"),
    "no atomic state": (CHART, b"\x01\x00"),
    "two states": (CHART, b"\x02\x04\x00"),
    "no history state": (CHART, b"\x01\x01\x01\x01\x01"),
    "a history that cannot be": (CHART, b"\x01\x01\x03\x01\x01"),
}


LARGE = dict.fromkeys(map(str, range(10_001)), "a")


def questions() -> dict[str, Callable[[], None]]:
    """What is refused that is no document."""
    ends = compile_document(compact(ENDLESS).encode(), LIMITS)
    large = compile_document(compact({"initial": "a", "states": {"a": {"on": LARGE}}}).encode(), None)
    assert ends.machine is not None
    machine = ends.machine
    return {
        "a picture of too much": lambda: refuse(lambda: diagram(large.definition, b"\x01\x01", "DOT")),
        "a picture of another form": lambda: refuse(lambda: diagram(ends.definition, machine.configuration, "PNG")),
        "an event that does not end": lambda: refuse(lambda: ends.definition.send(machine, "GO", Given())),
        "a move that does not end": lambda: refuse(lambda: ends.definition.mutate(machine, "a", Given())),
        "a state that does not end": lambda: refuse(lambda: ends.definition.force(machine, "b", Given())),
        "deeper than can be written": lambda: refuse(lambda: compile_chart(DEEP, None)),
        "a chart without states": lambda: refuse(lambda: compile_chart({}, None)),
        "a diagram of a chart without rest": lambda: refuse(lambda: ends.definition.enter("a", None, None, Given())),
    }


REFUSALS: dict[str, Callable[[], None]] = {
    **{f"set {name}": partial(set_document, document) for name, document in DOCUMENTS},
    **{f"check {name}": partial(check_document, document, LIMITS) for name, document in DOCUMENTS},
    **{f"load {name}": partial(set_document, document, None) for name, document in DOCUMENTS},
    **{
        f"current {name}": partial(set_current, document, current.decode())
        for name, document, current in CURRENTS
        if name != "not UTF-8"
    },
    **{f"configuration {name}": partial(admit, *given) for name, given in CONFIGURATIONS.items()},
    **questions(),
}


def lines_of(ask: Callable[[], None]) -> set[tuple[str, int]]:
    """The lines of the engine that run."""
    ran: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(str(ENGINE)):
            return None
        if event == "line":
            ran.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    with tracing(trace):
        ask()
    return ran


@pytest.fixture(scope="module")
def reached() -> set[tuple[str, int]]:
    return set().union(*map(lines_of, REFUSALS.values()))


def test_there_is_something_to_look_at() -> None:
    assert len(PLACES) > 80
    assert len({path for path, _ in PLACES.values()}) > 8


@pytest.mark.parametrize("place", PLACES)
def test_every_refusal_is_reached(place: str, reached: set[tuple[str, int]]) -> None:
    """Where this fails, tests/refusals.py lacks an input that the engine refuses at this line."""
    path, lines = PLACES[place]
    assert any((path, line) in reached for line in lines)


@pytest.mark.parametrize(("name", "document"), DOCUMENTS, ids=[name for name, _ in DOCUMENTS])
def test_a_finding_is_told_once(name: str, document: bytes) -> None:
    found = check_document(document, LIMITS)
    assert sorted(set(found)) == sorted(found)


@pytest.mark.parametrize(("name", "document"), DOCUMENTS, ids=[name for name, _ in DOCUMENTS])
def test_what_set_refuses_check_finds(name: str, document: bytes) -> None:
    try:
        error = compile_document(document, LIMITS).unknown_current
    except EngineError as refused:
        error = sm_core.explain(refused)
    assert error is not None
    severity, path, fault = check_document(document, LIMITS)[0]
    assert severity == "error"
    assert error in (f"invalid document at {path}: {fault}", fault)


@pytest.fixture(scope="module")
def uncollected() -> Iterator[None]:
    """As in a server: no collector. What there is already is passed over when one is asked for."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


REPEATS = 60


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_leaves_nothing(name: str) -> None:
    """What the collector is asked for beside the cycles: it empties Python's free lists, whose blocks count too."""
    ask = REFUSALS[name]
    ask()
    gc.collect()
    grown = REPEATS
    for _ in range(5):  # other threads of the test take blocks now and then, a leak takes them each time
        before = sys.getallocatedblocks()
        for _ in range(REPEATS):
            ask()
        assert gc.collect() == 0
        grown = sys.getallocatedblocks() - before
        if grown < REPEATS // 2:
            break
    assert grown < REPEATS // 2


def walk(document: bytes, events: list[str]) -> None:
    """A machine's life: every question, every way to move it, with what it takes and with what it does not."""
    compiled = compile_document(document, Limits())
    definition, where = compiled.definition, compiled.configuration
    assert where is not None
    for event in [*events, *events, "none"]:
        for state in [*definition.known[:5], "none"]:
            refuse(lambda state=state, where=where: definition.mutate(where, state))  # type: ignore[misc]
            refuse(lambda state=state, where=where: definition.force(where, state))  # type: ignore[misc]
            refuse(lambda state=state, where=where: definition.enter(state, where, Limits()))  # type: ignore[misc]
        assert definition.admit(where, strict=True) == where
        definition.head(where)
        definition.states(where)
        definition.current(where)
        definition.next(where)
        try:
            moved = definition.send(where, event)
        except EngineError:
            continue
        if moved is not None:
            where = moved[0]
    _ = (definition.rows, definition.known, definition.initial, definition.start())
    for form in ("MERMAID", "DOT"):
        diagram(definition, where, form)
    check_document(document, Limits())


ACCEPTED = {
    "readme": (README.encode(), ["blee", "boo"]),
    "a large map": (ring(500).encode(), ["s1", "s2"]),
    "warnings": (b'{"map":{"a":["b","b","Cc"],"cc":["a"]},"initial":"a"}', ["b"]),
    **{
        fixture["name"]: (compact(fixture["config"]).encode(), [event["event"] for event in fixture["events"]])
        for fixture in FIXTURES[:60]
    },
}


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_taken_leaves_no_cycle(name: str) -> None:
    gc.collect()
    walk(*ACCEPTED[name])
    assert gc.collect() == 0
