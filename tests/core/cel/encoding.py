"""Values of expressions as JSON that keeps their types: what the files of expected answers hold.

null, bool, string and int are themselves, a list is an array; all others are an object with one member that says what
they are: uint, double (its digits), bytes (hex), type (its name), timestamp and duration (nanoseconds), map (pairs).
``{"error": …}`` is no value: ``compile`` for a text that is refused, ``evaluate`` for an evaluation that fails.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sm_core.cel import CelError, ExpressionFault, Scope, compile_expression
from sm_core.cel.values import CelType, Duration, Timestamp, UInt, key_value

ORACLE = Path(__file__).parent / "oracle.jsonl"
DIFFERENCES = Path(__file__).parent / "differences.jsonl"


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().rstrip("\n").split("\n")]


def agree(one: Any, other: Any) -> bool:
    """Whether two answers are the same value of the same type, or both an error."""
    failed = [isinstance(answer, dict) and "error" in answer for answer in (one, other)]
    return all(failed) or json.dumps(one) == json.dumps(other)


def encode(value: Any) -> Any:
    kind = type(value)
    if kind is UInt:
        return {"uint": int(value)}
    if kind is float:
        return {"double": repr(value)}
    if kind is bytes:
        return {"bytes": value.hex()}
    if kind is CelType:
        return {"type": value.name}
    if kind is Timestamp:
        return {"timestamp": value.nanos}
    if kind is Duration:
        return {"duration": value.nanos}
    if kind is list:
        return [encode(item) for item in value]
    if kind is dict:
        return {"map": sorted(([plain(key), encode(item)] for key, item in value.items()), key=repr)}
    return value


def plain(key: Any) -> Any:
    value = key_value(key)
    return int(value) if type(value) is UInt else value


def answer(text: str, names: dict[str, Any], steps: int = 1_000_000) -> Any:
    """What our engine answers to an expression in a scope of these values."""
    scope = Scope(
        context=names.get("context"),
        event=names.get("event"),
        params=names.get("params"),
        input=names.get("input"),
        now=names.get("now"),
        in_state=None,
        steps=steps,
    )
    try:
        program = compile_expression(text)
    except ExpressionFault:
        return {"error": "compile"}
    try:
        return encode(program.evaluate(scope))
    except CelError:
        return {"error": "evaluate"}
