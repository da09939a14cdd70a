"""Expressions of ECMAScript and Python, as CEL: what they give, and what is refused by name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redisstate.convert.cel import UNKNOWN_KINDS, Kind, Scope, cel, condition
from redisstate.convert.content import kind_of
from redisstate.convert.expression import ExpressionFault, constant, parse
from sm_core.cel import Scope as Values
from sm_core.cel import compile_expression, to_json

DATA: dict[str, Any] = {"n": 3, "f": 2.5, "s": "abc", "flag": True, "l": [1, 2], "m": {"a": 1}, "none": None}
KINDS: dict[str, Kind] = {name: kind_of(value) for name, value in DATA.items()}
EVENT = {"type": "PAY", "amount": 10, "who": {"name": "ada"}}


def scope(python: bool) -> Scope:
    return Scope(KINDS, lambda name: f"top.{name}" if name.isalpha() else None, "", None, python, "order")


def text(source: str, python: bool = False) -> str:
    return cel(parse(source, python), scope(python)).text


def evaluated(source: str, data: dict[str, Any] = DATA) -> Any:
    """What the engine makes of CEL."""
    program = compile_expression(source, frozenset(("context", "event")))
    values = Values(data, EVENT, None, None, None, None, 10_000)
    return to_json(program.evaluate(values), values)


@pytest.mark.parametrize(
    ("source", "python", "expected", "value"),
    [
        ("n + 1", False, "context.n + 1", 4),
        ("n / 2", False, "double(context.n) / 2", 1.5),
        ("n * (n - 1) % 4", False, "context.n * (context.n - 1) % 4", 2),
        ("-n % 2", True, "((-context.n % 2) + 2) % 2", 1),
        ("'x' + n", False, "'x' + string(context.n)", "x3"),
        ("s + 'd'", True, "context.s + 'd'", "abcd"),
        ("n === 3 && !flag", False, "context.n == 3 && !context.flag", False),
        ("1 < n <= 3", True, "1 < context.n && context.n <= 3", True),
        ("not n == 3 or s in ['abc']", True, "!(context.n == 3) || context.s in ['abc']", True),
        ("n not in l", True, "!(context.n in context.l)", True),
        ("'b' in s", True, "context.s.contains('b')", True),
        ("none is not None", True, "context.none != null", False),
        ("n > 2 ? 'big' : 'small'", False, "context.n > 2 ? 'big' : 'small'", "big"),
        ("'big' if n > 2 else 'small'", True, "context.n > 2 ? 'big' : 'small'", "big"),
        ("l.length + len(s)", False, "size(context.l) + size(context.s)", 5),
        ("l.concat([3])", False, "context.l + [3]", [1, 2, 3]),
        ("m['a'] + m.a", False, "context.m.a + context.m.a", 2),
        ("l[1]", False, "context.l[1]", 2),
        ("{a: n, 'b c': [s]}", False, "{'a': context.n, 'b c': [context.s]}", {"a": 3, "b c": ["abc"]}),
        ("_event.data.amount * 2", False, "event.amount * 2", 20),
        ("_event.data.who.name", False, "event.who.name", "ada"),
        ("_event.name == 'PAY'", False, "event.type == 'PAY'", True),
        ("typeof _event.data.x === 'undefined'", False, "!(has(event.x)) || event.x == null", True),
        ("_event.data.get('x', 5)", True, "'x' in event ? event.x : 5", 5),
        ("typeof s == 'string'", False, "type(context.s) == string", True),
        ("Math.max(n, 7)", False, "context.n >= 7 ? context.n : 7", 7),
        ("n || s", False, "context.n != 0 ? context.n : context.s", 3),
        ("none || 'default'", False, "!(context.none in [null, false, 0, '']) ? context.none : 'default'", "default"),
        ("s.startsWith('a') && l.includes(2)", False, "context.s.startsWith('a') && 2 in context.l", True),
        ("l.indexOf(9) != -1", False, "9 in context.l", False),
        ("_name", False, "'order'", "order"),
        ("'it\\'s' + \"\\n\\u00e9\"", False, "'it\\'s' + '\\né'", "it's\né"),
    ],
)
def test_an_expression_as_cel_and_what_it_gives(source: str, python: bool, expected: str, value: Any) -> None:
    assert text(source, python) == expected
    found = evaluated(expected)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("source", "python", "doubts"),
    [
        ("n == '5'", False, ["== of a number and a string"]),
        ("'5' != n", False, ["!= of a string and a number"]),
        ("s < 5", False, ["< of a string and a number"]),
        ("_event.data.x > 2", False, [UNKNOWN_KINDS]),
        ("_event.data.x == _event.data.y", False, [UNKNOWN_KINDS]),
        ("none < 1", False, [UNKNOWN_KINDS]),
        ("null < 1 && n == s", False, ["< of null and a number", "== of a number and a string"]),
        ("n === '5' || n !== s", False, []),
        ("n == 5 && s >= 'a' && flag == true", False, []),
        ("_event.data.x == null || n != null", False, []),
        ("typeof s == 'string' && _event.name == 'PAY'", False, []),
        ("n == '5' or s < 5", True, []),
    ],
)
def test_comparisons_of_different_kinds_are_doubted(source: str, python: bool, doubts: list[str]) -> None:
    found: list[str] = []
    condition(parse(source, python), scope(python)._replace(doubts=found))
    assert [one if one == UNKNOWN_KINDS else one.partition(":")[0] for one in found] == doubts


def test_states_are_asked_for_by_their_path() -> None:
    assert text("In('a') && !In('b')") == "inState('top.a') && !inState('top.b')"


@pytest.mark.parametrize(
    ("source", "python", "message"),
    [
        ("", False, "an empty expression"),
        ("a", False, "there is no data 'a'"),
        ("f(1)", False, "the function 'f' is not known here"),
        ("s.match(/a/)", False, "expected a value|'/' is not known here"),
        ("s.toUpperCase()", False, "the method 'toUpperCase' is not known here"),
        ("n = 1", False, "'=' is not known here at column 3"),
        ("n ** 2", True, r"'\*\*' is not known here"),
        ("n // 2", True, "'//' is not known here"),
        ("lambda: 1", True, "'lambda' is not known here"),
        ("new Date()", False, "'new' is not known here"),
        ("n ?? 1", False, r"'\?\?' is not known here"),
        ("`x`", False, "'`' is not known here"),
        ("(n", False, r"expected '\)', got the end"),
        ("_event.data", False, "as a whole"),
        ("_event.origin", False, "'_event.origin' is not known here"),
        ("_sessionid", False, "'_sessionid' is not known here"),
        ("In(s)", False, r"In\(\) wants"),
        ("In('9')", False, "there is no state '9'"),
        ("1 < n < 3 == 2 == 1", False, "a comparison of a comparison|'<' is not known here"),
        ("(" * 100 + "n" + ")" * 100, False, "nested deeper"),
        ("- " * 2000 + "n", False, "nested deeper"),
        ("n" + ".a" * 500, False, "nested deeper"),
        ("n" + " + n" * 2000, False, "longer than|nested deeper"),
        (" || ".join(["none"] * 40), False, "as CEL it is longer"),
        ("é", False, "belongs to no expression"),
        ("1e999", False, "1e999 is too large a number"),
    ],
)
def test_what_is_not_known_is_refused_by_name(source: str, python: bool, message: str) -> None:
    with pytest.raises(ExpressionFault, match=message):
        text(source, python)


# Beside Python

NUMBERS = st.sampled_from(["n", "k", "0", "1", "2", "7"])
BOOLS = st.sampled_from(["flag", "True", "False"])
ANY = st.sampled_from(["n", "flag", "word", "nothing", "''", "0", "'a'", "None", "items"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arithmetic = st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*"]), inner)
    return arithmetic | st.builds("({} % {})".format, inner, st.sampled_from(["2", "3", "(0 - 3)"]))


SUMS = st.recursive(NUMBERS, grown, max_leaves=6)
CONDITIONS = st.recursive(
    BOOLS
    | ANY
    | st.builds("({} {} {})".format, SUMS, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), SUMS)
    | st.builds("({} < {} <= {})".format, SUMS, SUMS, SUMS)
    | st.builds("({} in items)".format, SUMS),
    lambda inner: (
        st.builds("({} and {})".format, inner, inner)
        | st.builds("({} or {})".format, inner, inner)
        | st.builds("not {}".format, inner).map("({})".format)
        | st.builds("({} if {} else {})".format, inner, inner, inner)
    ),
    max_leaves=8,
)
PLAIN: dict[str, Any] = {"n": 5, "k": -4, "flag": False, "word": "x", "nothing": None, "items": [1, 5]}


def in_cel(source: str, known: bool, as_condition: bool) -> Any:
    kinds: dict[str, Kind] = {name: kind_of(value) if known else "any" for name, value in PLAIN.items()}
    where = Scope(kinds, lambda _: None, "", None, True)
    node = parse(source, python=True)
    return evaluated((condition if as_condition else cel)(node, where).text, PLAIN)


@given(SUMS, st.booleans())
def test_arithmetic_is_pythons(source: str, known: bool) -> None:
    assert in_cel(source, known, False) == eval(source, {}, dict(PLAIN))


@given(CONDITIONS, st.booleans())
def test_what_is_true_is_what_python_takes_for_true(source: str, known: bool) -> None:
    assert in_cel(source, known, True) is bool(eval(source, {}, dict(PLAIN)))


@given(CONDITIONS, st.booleans())
def test_values_of_conditions_are_pythons(source: str, known: bool) -> None:
    found = in_cel(source, known, False)
    assert json.dumps(found) == json.dumps(eval(source, {}, dict(PLAIN)))


PIECES = st.lists(
    st.sampled_from([*"ab1.'\"()[]{}!&|=<>+-*/%?:, n_", "not ", " in ", " and ", "true", "In('a')"]), max_size=30
).map("".join)


@given(PIECES)
def test_no_text_does_more_than_be_refused(source: str) -> None:
    for python in (False, True):
        try:
            node = parse(source, python)
            constant(node)
            found = condition(node, scope(python)).text
        except ExpressionFault:
            continue
        compile_expression(found, frozenset(("context", "event")))
