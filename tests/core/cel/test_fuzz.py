"""Random texts and random data: nothing but the errors that are meant comes out, no budget is overdrawn, and nothing
is left for a collector of cycles, which a server does not have."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator
from itertools import islice
from json import dumps as dumped
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_core.cel import CelError, ExpressionFault, Program, Scope, compile_expression, to_json
from tests.core.cel.encoding import ORACLE, answer, read
from tests.core.cel.expressions import SCOPE
from tests.core.cel.random_expressions import Generator

STEPS = 2_000
PIECES = """
( ) [ ] { } , . : ? ! - + * / % < <= > >= == != && || in 0 1 2.5 1u 'a' "b" b'c' true false null context event params
input now x y has( .map(x, .all(x, .filter(y, .exists(x, size( int( string( type( .size() .contains( .a .b inState(
'state') timestamp( duration( '1s' // \\ ' " ''' === => ?. ?? and not _ 0x1F 1e3 9223372036854775807 é 😀 ; =
"""


def compiled(text: str) -> Program | None:
    try:
        return compile_expression(text)
    except ExpressionFault as fault:
        assert 1 <= fault.line <= text.count("\n") + 1
        assert 1 <= fault.column <= len(text) + 1
        return None


def evaluated(program: Program, context: Any, steps: int = STEPS) -> Any:
    scope = Scope(context, {"type": "E", "list": [1, "a", None]}, [1], None, 5, lambda path: path == "a", steps)
    try:
        return to_json(program.evaluate(scope), scope)
    except CelError:
        return None
    finally:
        assert scope.locals == []


@given(st.text(max_size=60))
def test_random_characters_are_refused_or_compiled(text: str) -> None:
    compiled(text)


@given(st.text(alphabet="()[]{}'\"\\.,+-*/?:!&|=<>0123456789abx \n", max_size=80))
def test_random_signs_are_refused_or_compiled(text: str) -> None:
    compiled(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "x", ""]), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=400)
@given(st.lists(st.sampled_from(PIECES.split()), max_size=14), JSON)
def test_random_pieces_with_random_data_fail_as_they_should(pieces: list[str], context: Any) -> None:
    program = compiled(" ".join(pieces))
    if program is not None:
        evaluated(program, context)


@settings(max_examples=300)
@given(st.randoms(use_true_random=False), JSON)
def test_random_expressions_with_random_data_fail_as_they_should(source: random.Random, context: Any) -> None:
    for text in islice(Generator(source).expressions(), 5):
        program = compiled(text)
        if program is not None:
            evaluated(program, context)


@given(st.randoms(use_true_random=False), st.integers(1, 300))
def test_a_smaller_budget_gives_the_same_value_or_none(source: random.Random, steps: int) -> None:
    for text in islice(Generator(source).expressions(), 3):
        least = answer(text, SCOPE, steps)
        assert least == {"error": "evaluate"} or dumped(least) == dumped(answer(text, SCOPE))


def test_expressions_of_random_mutations_fail_as_they_should() -> None:
    """One piece of an expression that has a value is another one."""
    source = random.Random(7)
    texts = [text for text, _ in read(ORACLE)[1:]]
    for text in source.sample(texts, 1_500):
        at = source.randrange(len(text) + 1)
        program = compiled(text[:at] + source.choice(PIECES.split()) + text[at + source.randrange(3) :])
        if program is not None:
            evaluated(program, {"a": 1, "n": 2, "list": [1, 2]})


def test_a_budget_bounds_the_time_of_any_expression() -> None:
    source = random.Random(11)
    big = {"list": list(range(500)), "name": "a" * 5_000, "tags": ["x" * 500] * 50, "n": 3, "on": True}
    slowest = 0.0
    for text in islice(Generator(source).expressions(), 100):
        program = compiled(f"context.list.map(a, context.list.map(b, {text}))")
        if program is not None:
            begun = time.process_time()
            evaluated(program, big, steps=50_000)
            slowest = max(slowest, time.process_time() - begun)
    assert slowest < 0.5


def ours(thing: object) -> bool:
    """Is it one of our objects, or a function of ours? What else the process leaves is not looked at."""
    return any(str(getattr(one, "__module__", "")).startswith("sm_core") for one in (thing, type(thing)))


@pytest.fixture
def cycles() -> Iterator[Callable[[], list[Any]]]:
    """What of ours only a collector would find, since it was last asked; there is none meanwhile."""

    def found() -> list[Any]:
        gc.collect()
        left = [thing for thing in gc.garbage if ours(thing)]
        gc.garbage.clear()
        return left

    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield found
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


def test_nothing_is_left_for_a_collector_of_cycles(cycles: Callable[[], list[Any]]) -> None:
    scope, *pairs = read(ORACLE)
    texts = [text for text, _ in pairs[::7]]
    texts += [
        "1 / 0 == 1 || true",
        "[1, 0].exists(x, 1 / x > 5)",
        "[0].all(x, 1 / x == 1) || 1",
        "context.n === 1",
        "foo",
    ]
    for text in texts:
        answer(text, scope)
    assert cycles() == []


def test_a_compiled_expression_and_its_scope_go_when_they_are_let_go(cycles: Callable[[], list[Any]]) -> None:
    program = compile_expression(
        "context.list.map(x, context.list.filter(y, y > x)) == [] || context.n > 1 || 1 / 0 == 1"
    )
    scope = Scope({"list": [1], "n": 1}, {}, None, None, None, None, 1_000)
    with pytest.raises(CelError):
        program.evaluate(scope)
    assert scope.locals == []
    del program, scope
    assert cycles() == []


def test_a_cycle_would_be_seen(cycles: Callable[[], list[Any]]) -> None:
    scope = Scope({}, {}, None, None, None, None, 1)
    scope.context["scope"] = scope
    del scope
    assert [type(thing) for thing in cycles() if isinstance(thing, Scope)] == [Scope]
