"""Results of expressions as JSON."""

from __future__ import annotations

import math
from binascii import b2a_base64
from operator import is_

from .errors import CelError
from .times import write_time
from .values import (
    MOST_NESTING,
    PER_CONTAINER,
    PER_ITEM,
    PER_STEP,
    Budget,
    CelType,
    Duration,
    Timestamp,
    UInt,
    Value,
    key_value,
    shown,
)


def to_json(value: Value, budget: Budget) -> Value:
    """A result as json.dumps takes it. What is JSON already is answered itself, not copied; its size is charged.

    uint is an int, bytes are base64, timestamps and durations are as ``string()`` writes them.
    Raises CelError for what JSON cannot say: NaN, infinities, types, maps with other keys than strings.
    """
    kind = type(value)
    if kind is bool or kind is int or value is None:
        return value
    return _json(value, budget, 0)


def _json(value: Value, budget: Budget, nesting: int) -> Value:
    kind = type(value)
    if kind is str:
        budget.charge(1 + len(value) // PER_STEP)
        return value
    if kind is float:
        if not math.isfinite(value):
            raise CelError(f"the result has the number {value}, which JSON does not have")
        return value
    if kind is list or kind is dict:
        return _json_container(value, budget, nesting)
    if kind is UInt:
        return int(value)
    if kind is bytes:
        budget.charge(1 + len(value) // PER_STEP)
        return b2a_base64(value, newline=False).decode()
    if kind is Timestamp or kind is Duration:
        return write_time(value)
    if kind is CelType:
        raise CelError(f"the result has the type {value.name}, which JSON does not have")
    return value


def _json_container(value: Value, budget: Budget, nesting: int) -> Value:
    if nesting >= MOST_NESTING:
        raise CelError(f"lists and maps are nested more than {MOST_NESTING} deep")
    budget.charge(PER_CONTAINER + PER_ITEM * len(value))
    if type(value) is list:
        items = [_json(item, budget, nesting + 1) for item in value]
        return value if all(map(is_, items, value)) else items
    for key in value:
        if type(key) is not str:
            raise CelError(f"the result has a map with the key {shown(key_value(key))}: in JSON keys are strings")
        budget.charge(len(key) // PER_STEP)
    members = {key: _json(item, budget, nesting + 1) for key, item in value.items()}
    return value if all(map(is_, members.values(), value.values())) else members
