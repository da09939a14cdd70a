"""Values: numbers at their edges, what Python would confuse, and results as JSON."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sm_core.cel import Budget, CelError, Scope, compile_expression, to_json


def value(text: str, **context: Any) -> Any:
    return compile_expression(text).evaluate(Scope(context, {}, None, None, 1_000, None, 100_000))


def as_json(text: str, steps: int = 100_000, **context: Any) -> Any:
    return to_json(value(text, **context), Budget(steps))


@pytest.mark.parametrize(
    "text",
    [
        "true == 1", "false == 0", "[true] == [1]", "{'a': true} == {'a': 1}", "true in [1]", "1 in [true]",
        "1 in {true: 1}", "true in {1: 1}", "{1: 1} == {true: 1}", "[false].exists(x, x == 0)",
        "context.yes == context.one",
        "context.one in [context.yes]", "{context.yes: 1} == {context.one: 1}", "type(true) == int",
    ],
)  # fmt: skip
def test_a_bool_is_no_number(text: str) -> None:
    assert value(text, yes=True, one=1) is False


@pytest.mark.parametrize("text", ["true + 1", "true < 1", "-true", "[1, 2][true]", "1 - false", "true * 2"])
def test_arithmetic_takes_no_bool(text: str) -> None:
    with pytest.raises(CelError):
        value(text)


def test_a_map_keeps_bools_and_numbers_apart() -> None:
    assert value("{1: 'int', true: 'bool', '1': 'string'}.map(k, type(k) == bool)") == [False, True, False]
    assert value("{1: 'int', true: 'bool'}[true] + {1: 'int', true: 'bool'}[1u]") == "boolint"


def test_an_int_of_json_is_an_int_and_a_fraction_a_double() -> None:
    assert value("[context.a / 4, context.b / 4]", a=30, b=30.0) == [7, 7.5]
    assert [type(item) for item in value("[context.a / 4, context.b / 4]", a=30, b=30.0)] == [int, float]
    assert value("context.a == context.b && context.a <= context.b", a=30, b=30.0) is True


def test_an_int_with_a_double_is_a_double() -> None:
    assert value("1 + 0.5") == 1.5
    assert value("3 / 2.0") == 1.5
    assert value("2 * 1.5 - 1") == 2.0
    assert type(value("1 + 1.0")) is float
    with pytest.raises(CelError):
        value("1u + 1.0")


def test_the_comparison_of_an_int_with_a_double_does_not_round() -> None:
    for text in ("9007199254740993 == 9007199254740992.0", "9007199254740993 < 9007199254740992.0"):
        assert value(text) is False
    assert value("9223372036854775807 < 9223372036854775808.0") is True
    assert value("context.n in [9007199254740992.0]", n=9007199254740993) is False
    assert value("{9007199254740993: 1} == {9007199254740992: 1}") is False


BIG = 1 << 63


@pytest.mark.parametrize(
    "text",
    [
        "context.big + 1", "context.big == 1", "context.big > 0", "context.big", "context.inner.big", "context.list[0]",
        "context.list.map(x, 1)",
        "context.list == [1]", "1 in context.list", "1.5 in context.list", "context.inner == {'big': 1}",
        "context['big']", "context['b' + 'ig']", "-context.big", "string(context.big)",
        "[1][context.big]", "context.list.all(x, x > 1)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("big", [BIG, -BIG - 1, 10**400])
def test_a_number_of_the_data_beyond_64_bits_cannot_be_read(text: str, big: int) -> None:
    with pytest.raises(CelError, match="a number of the data is outside 64 bits"):
        value(text, big=big, inner={"big": big}, list=[big])


def test_such_a_number_may_be_copied_with_what_holds_it() -> None:
    inner = {"big": BIG, "n": 1}
    assert as_json("context.inner", inner=inner) is inner
    assert value("size(context.list) + context.inner.n", inner=inner, list=[BIG]) == 2
    assert value("'a' in context.list", list=[BIG]) is False
    assert value("has(context.inner.big)", inner=inner) is True


def test_the_edges_of_64_bits() -> None:
    assert value(
        "context.most + 0 == 9223372036854775807 && context.least == -9223372036854775808", most=BIG - 1, least=-BIG
    )
    for text in ("context.most + 1", "context.least - 1", "-context.least", "context.least / -1", "context.most * 2"):
        with pytest.raises(CelError, match="the result is outside 64 bits"):
            value(text, most=BIG - 1, least=-BIG)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null", None),
        ("1u", 1),
        ("1.0", 1.0),
        ("b'\\xff\\x00'", "/wA="),
        ("timestamp('2024-02-29T12:30:15.25+01:00')", "2024-02-29T11:30:15.250Z"),
        ("duration('3.5s')", "3.500s"),
        ("duration('-1h')", "-3600s"),
        ("[1u, {'a': b'a'}, duration('1s')]", [1, {"a": "YQ=="}, "1s"]),
        ("{'a': [true, null]}", {"a": [True, None]}),
    ],
)
def test_a_result_becomes_json(text: str, expected: Any) -> None:
    answer = as_json(text)
    assert answer == expected
    assert type(answer) is type(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.0 / 0.0", "the result has the number nan, which JSON does not have"),
        ("[-1.0 / 0.0]", "the result has the number -inf, which JSON does not have"),
        ("int", "the result has the type int, which JSON does not have"),
        ("{1: 2}", "the result has a map with the key 1: in JSON keys are strings"),
        ("[{true: 2}]", "the result has a map with the key true: in JSON keys are strings"),
    ],
)
def test_what_json_does_not_have_is_refused(text: str, message: str) -> None:
    with pytest.raises(CelError) as raised:
        as_json(text)
    assert raised.value.message == message


def test_what_is_json_already_is_not_copied() -> None:
    rows = [{"a": [1, 2]}, "x", 1.5]
    assert as_json("context.rows", rows=rows) is rows
    assert as_json("[context.rows]", rows=rows)[0] is rows
    assert as_json("{'a': context.rows, 'b': 1u}", rows=rows)["a"] is rows


def test_the_size_of_a_result_is_charged() -> None:
    long = "a" * 1_600
    for text, steps in (("context.long", 101), ("[context.long, context.long]", 211), ("{context.long: 1}", 107)):
        assert as_json(text, steps=steps, long=long)
        with pytest.raises(CelError, match="took more than"):
            as_json(text, steps=steps - 1, long=long)


def test_values_are_never_changed() -> None:
    context = {"list": [1, 2], "map": {"a": 1}}
    value("context.list + [3]", **context)
    value("context.list.map(x, x + 1)", **context)
    value("context.list.filter(x, x > 1) + context.list", **context)
    assert context == {"list": [1, 2], "map": {"a": 1}}


def test_strings_count_code_points() -> None:
    assert value("size('Zoë😀')") == 4
    assert value("size(context.s)", s="👩‍👩‍👧") == 5


def test_nan_is_equal_to_nothing() -> None:
    assert value(
        "[context.nan == context.nan, context.nan != context.nan, context.nan in [context.nan]]", nan=math.nan
    ) == [
        False,
        True,
        False,
    ]


def test_in_state_asks_the_machine() -> None:
    program = compile_expression("inState('open.late') && !inState('paid')")
    asked: list[str] = []

    def in_state(path: str) -> bool:
        asked.append(path)
        return path == "open.late"

    assert program.evaluate(Scope({}, {}, None, None, None, in_state, 10)) is True
    assert asked == ["open.late", "paid"]
