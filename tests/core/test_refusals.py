"""A refusal keeps nothing: no memory, and no cycle that only a collector would find. In a server there is none.

The engine's sources are walked for every place that refuses something. Each must be reached by an input of
``tests/refusals.py``, so that a new refusal is tried here too.
"""

from __future__ import annotations

import ast
import gc
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import sm_core
from sm_core import (
    NOT_TAKEN,
    Definition,
    EngineError,
    Given,
    Limits,
    Machine,
    check_document,
    compile_document,
    diagram,
)
from sm_core.cel import NAMES, Scope, compile_expression, to_json
from sm_core.chart import compile_chart
from tests.core.cel.encoding import ORACLE, read
from tests.core.cel.test_messages import ERRORS, FAULTS
from tests.core.chart_support import FIXTURES
from tests.core.effect_text import effect_text
from tests.documents import README, compact, ring
from tests.refusals import CURRENTS, DOCUMENTS, ENDLESS, LIMITS, order
from tests.refused_data import STEPS, WITH_DATA, Refused, guarded, tower
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


def check_it(document: bytes) -> None:
    check_document(document, LIMITS)


def set_current(document: bytes, current: str) -> None:
    definition = compile_document(document, LIMITS).definition
    refuse(lambda: definition.enter(current, None, LIMITS, Given()))


def admit(document: bytes, configuration: bytes) -> None:
    definition = compile_document(document, LIMITS).definition
    refuse(lambda: definition.admit(configuration, strict=True))


def deeper(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def deeper_than_can_be_written() -> dict[str, Any]:
    return {"initial": "a", "states": {"a": {}}, "meta": deeper(100_000)}


FAILING = [text for text, theirs in read(ORACLE)[1:] if isinstance(theirs, dict) and "error" in theirs]
EDGES = [
    "context.big > 1",
    "context.big == 1",
    "[context.big].all(x, x > 0)",
    "context.deep == context.same",
    "context.list[context.big]",
    "-context.big",
    "context.big + context.big",
    "type(1)",
    "context.bigs.all(x, x > 0)",
    "context.bigs[0] > 1",
    "context.bigs == [1]",
    "context.bigs[0] in [1]",
    "(true ? context : context).big > 1",
    "(true ? context : context).big + 1",
    "1 + (true ? context : context)['big']",
    "has(context.big) ? int(context.bigs[0]) : 1",
    "context.bigs.map(x, x).map(x, x + 1)",
    "context.bigs.exists(x, context.bigs.exists(y, y > x))",
    "size(context.bigs.filter(x, true))",
    "context.list.map(a, context.list.map(b, context.list.map(c, context.list.map(d, context.list.map(e, "
    "context.list.map(f, context.list.map(g, context.list.map(h, context.list.map(i, context.list.map(j, "
    "context.list.map(k, context.list.map(l, context.list.map(m, context.list.map(n, context.list.map(o, 1" + ")" * 15,
    "params > 1",
    "params + 1.5",
    "params > 1.5",
    "1.5 < params",
    "{1: 2}",
    "context.deep",
    "0.0 / 0.0",
    ". 1",
    "'" + "x" * 20_000 + "'",
    "'\ud800'",
    "(" * 500 + "1" + ")" * 500,
    "[" + "1," * 5_000 + "1]",
    "'a'.matches('a')",
]
EXPRESSIONS = [*FAILING, *(text for text, *_ in (*FAULTS, *ERRORS)), *EDGES]
VALUES = read(ORACLE)[0]
ODD = {
    "context": {
        "n": 1,
        "a": {},
        "list": [1, 2],
        "big": 1 << 63,
        "bigs": [1 << 63],
        "deep": deeper(300),
        "same": deeper(300),
    },
    "params": 1 << 63,
}


def evaluate(text: str, names: dict[str, Any]) -> None:
    scope = Scope(**{name: names.get(name) for name in NAMES}, in_state=None, steps=100_000)
    program = compile_expression(text, in_state="event" in names)
    to_json(program.evaluate(scope), scope)


def evaluate_all() -> None:
    for text in EXPRESSIONS:
        for names in (VALUES, ODD):
            refuse(partial(evaluate, text, names))


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


def step(refused: Refused) -> None:
    definition = compile_document(compact(refused.document).encode(), LIMITS).definition
    refuse(lambda: refused.ask(definition))


LARGE = dict.fromkeys(map(str, range(10_001)), "a")


NO_START = {
    "a context that always fails": {"initial": "a", "context": {"n": {"@expr": "1/0"}}, "states": {"a": {}}},
    "a context of many bytes": {"initial": "a", "context": {"text": "x" * 70_000}, "states": {"a": {}}},
}
"""Documents that are taken apart, and of which no machine can start."""


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
        "guards that no stack holds": lambda: refuse(lambda: compile_chart(guarded(tower(300)), None)),
        "deeper than can be written": lambda: refuse(lambda: compile_chart(DEEP, None)),
        "a chart without states": lambda: refuse(lambda: compile_chart({}, None)),
        "a diagram of a chart without rest": lambda: refuse(lambda: ends.definition.enter("a", None, None, Given())),
    }


REFUSALS: dict[str, Callable[[], None]] = {
    **{f"set {name}": partial(set_document, document) for name, document in DOCUMENTS},
    **{f"check {name}": partial(check_it, document) for name, document in DOCUMENTS},
    **{f"check {name}": partial(check_it, compact(document).encode()) for name, document in NO_START.items()},
    **{f"load {name}": partial(set_document, document, None) for name, document in DOCUMENTS},
    **{
        f"current {name}": partial(set_current, document, current.decode())
        for name, document, current in CURRENTS
        if name != "not UTF-8"
    },
    **{f"configuration {name}": partial(admit, *given) for name, given in CONFIGURATIONS.items()},
    **{f"step {name}": partial(step, refused) for name, refused in STEPS.items()},
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
    return set().union(*map(lines_of, REFUSALS.values()), lines_of(evaluate_all))


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


@pytest.mark.usefixtures("uncollected")
def test_failing_expressions_leave_no_cycle() -> None:
    gc.collect()
    evaluate_all()
    assert gc.collect() == 0


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


def start(definition: Definition) -> Machine:
    started = definition.start(GIVEN[-1])
    return Machine(started.configuration, started.context, started.output)


GIVEN = (Given(), Given(b'{"amount":3,"ok":true,"text":"x"}', frozenset()))


def walk(document: bytes, events: list[str]) -> None:
    """A machine's life: every question, every way to move it, with what it takes and with what it does not."""
    compiled = compile_document(document, Limits())
    definition, machine = compiled.definition, compiled.machine or start(compiled.definition)
    for event in [*events, *events, "none"]:
        for state in [*definition.known[:5], "none"]:
            refuse(lambda state=state, machine=machine: definition.mutate(machine, state, Given()))  # type: ignore[misc]
            refuse(lambda state=state, machine=machine: definition.force(machine, state, Given()))  # type: ignore[misc]
            refuse(lambda state=state, machine=machine: definition.enter(state, machine, Limits(), Given()))  # type: ignore[misc]
        where = machine.configuration
        assert definition.admit(where, strict=True) == where
        definition.head(where)
        definition.states(where)
        definition.current(where)
        definition.next(machine)
        for given in GIVEN:
            refuse(lambda given=given, machine=machine, event=event: definition.can(machine, event, given))  # type: ignore[misc]
            refuse(lambda given=given, machine=machine, event=event: definition.why(machine, event, given))  # type: ignore[misc]
            refuse(lambda given=given, machine=machine, event=event: definition.why_not(machine, event, given))  # type: ignore[misc]
            try:
                moved = definition.send(machine, event, given)
            except EngineError:
                continue
            if moved is not None and moved != NOT_TAKEN:
                machine = Machine(moved.configuration, moved.context or machine.context, moved.output, moved.error)
                if definition.keeps:
                    assert definition.admit_data(machine, Limits()) == machine
                json.loads(definition.snapshot(machine))
                [effect_text(effect) for effect in moved.effects]
    _ = (definition.rows, definition.known, definition.initial)
    refuse(lambda: definition.start(Given()))
    for form in ("MERMAID", "DOT"):
        diagram(definition, machine.configuration, form)
    check_document(document, Limits())


ACCEPTED = {
    "readme": (README.encode(), ["blee", "boo"]),
    "a large map": (ring(500).encode(), ["s1", "s2"]),
    "warnings": (b'{"map":{"a":["b","b","Cc"],"cc":["a"]},"initial":"a"}', ["b"]),
    **{
        fixture["name"]: (compact(fixture["config"]).encode(), [event["event"] for event in fixture["events"]])
        for fixture in FIXTURES[:60]
    },
    **{f"data {number}": (compact(document).encode(), ["PAY", "E"]) for number, document in enumerate(WITH_DATA)},
}


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_taken_leaves_no_cycle(name: str) -> None:
    gc.collect()
    walk(*ACCEPTED[name])
    assert gc.collect() == 0


@pytest.mark.parametrize("name", NO_START)
def test_check_finds_a_context_that_no_start_has(name: str) -> None:
    document = compact(NO_START[name]).encode()
    with pytest.raises(EngineError) as refused:
        compile_document(document, Limits()).definition.start(Given())
    severity, path, fault = check_document(document, Limits())[0]
    assert (severity, path) == ("error", "$.context")
    assert fault in str(refused.value) or str(refused.value).endswith(fault.split(": ")[-1])
