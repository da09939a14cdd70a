"""Expressions made of what by_hand.txt holds, which is written from the language definition: each operator with each
pair of types, each function with each value, the macros, literals, and texts that are none. One scope serves all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

SCOPE: dict[str, Any] = {
    "context": {
        "n": 5,
        "zero": 0,
        "big": 9007199254740993,
        "ratio": 2.5,
        "name": "Zoë",
        "on": True,
        "off": False,
        "nothing": None,
        "list": [1, 2, 3],
        "mixed": [1, 2.5, True, None, "a", [1], {"k": 1}],
        "tags": ["new", "paid"],
        "deep": {"a": {"b": {"c": 7}}},
        "if": 3,
        "a-b": 4,
        "rows": [{"id": 1, "price": 10}, {"id": 2, "price": 2.5}],
    },
    "event": {"type": "PAY", "amount": 20, "items": []},
    "params": {"limit": 3},
    "input": None,
    "now": 1_700_000_000_000,
}

_OPERATORS = ["+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "in", "&&", "||"]

_TRUTHS = ["true", "false", "1/0 == 1", "1", "null"]

_CONVERSIONS = ["int", "uint", "double", "string", "bytes", "bool", "timestamp", "duration", "dyn", "type", "size"]

_MOMENTS = ["2024-02-29T12:30:15.678Z", "1969-12-31T23:59:59.001Z", "2023-01-01T00:00:00Z", "0001-01-01T00:00:00Z"]
_MOMENTS += ["2024-12-31T23:59:59.999999999Z", "1900-03-01T06:07:08Z"]
_PARTS = "getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear "
_PARTS += "getHours getMinutes getSeconds getMilliseconds"
_ZONES = ["UTC", "+01:00", "-05:30", "01:00", "+1:00", "+0100", "+14:00", "-23:59", "+24:00", "+00:60", "Z", "", "GMT"]
_ZONES += ["Europe/Berlin", "America/New_York", "Nowhere/None", "utc", "+a:00", "1:2", "+01:00:00"]

_RANGES = ["[]", "[1]", "[1, 2, 3]", "[1, 'a']", "['a', 3]", "[true, false]", "[1, 1]", "[[1], [2]]", "{}", "{'a': 1}"]
_RANGES += [
    "{1: 'a'}",
    "{true: 1}",
    "{1u: 1}",
    "'abc'",
    "1",
    "null",
    "1/0",
    "context.list",
    "context.mixed",
    "context.rows",
    "int",
]
_BODIES = ["true", "x", "x > 1", "x == 1", "x == 'a'", "1 / (x - 2) > 0", "type(x) == int", "x in [1, 'a']", "null"]


def _section(name: str) -> list[str]:
    """The expressions, one a line, below this heading of by_hand.txt."""
    text = (Path(__file__).parent / "by_hand.txt").read_text()
    return text.split(f"### {name}\n")[1].split("\n###")[0].rstrip("\n").split("\n")


def all_by_hand() -> Iterator[str]:
    """Every expression of this file."""
    values = _section("values of all types")
    for left, operator, right in product(values, _OPERATORS, values):
        yield f"{left} {operator} {right}" if "/" not in left + right else f"({left}) {operator} ({right})"
    for one, other, third in product(_TRUTHS, repeat=3):
        yield f"{one} && {other} && {third}"
        yield f"{one} || {other} || {third}"
        yield f"({one} && {other}) || {third}"
        yield f"{one} ? {other} : {third}"
    for function, value in product(_CONVERSIONS, _section("what is converted")):
        yield f"{function}({value})"
    for text in _section("timestamps"):
        yield f"timestamp('{text}')"
    for text in _section("durations"):
        yield f"duration('{text}')"
        yield f"string(duration('{text}'))"
    yield from _parts()
    for macro, container, body in product(["all", "exists", "exists_one", "filter", "map"], _RANGES, _BODIES):
        yield f"{container}.{macro}(x, {body})"
    for container, body in product(_RANGES, _BODIES):
        yield f"{container}.map(x, {body}, [x])"
    yield from _section("written")
    yield "  1  +\n\t2 // three\r\n"
    yield "'''two\nlines'''"
    yield "'two\nlines'"
    yield "1 | 2"
    yield "true | false"
    yield "context.n > 4 |  context.n < 3"


def _parts() -> Iterator[str]:
    for moment, part in product(_MOMENTS, _PARTS.split()):
        yield f"timestamp('{moment}').{part}()"
        zones = _ZONES if moment == _MOMENTS[0] and part in ("getHours", "getDate") else ["+05:45", "-11:00"]
        for zone in zones:
            yield f"timestamp('{moment}').{part}('{zone}')"
    for span, part in product(["90061.5s", "-90061.5s", "0s", "999us", "-1ns"], _PARTS.split()):
        yield f"duration('{span}').{part}()"
        yield f"duration('{span}').{part}('UTC')"
    for part in _PARTS.split():
        yield f"'a'.{part}()"
        yield f"now.{part}()"
        yield f"timestamp(0).{part}(1)"
        yield f"timestamp(0).{part}('UTC', 'UTC')"
