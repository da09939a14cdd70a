"""The values of expressions, and what is true of values of every type: equality, the names of types,
and the budget.

A value is what json.loads makes (None, bool, int, float, str, list, dict), or bytes, UInt, Timestamp, Duration or
CelType. Values are never changed. A dict's keys are str, int, UInt or BoolKey: as keys, int and UInt of one value are
equal, and a bool is equal to no number, which Python's True is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..errors import quote
from .errors import BudgetError, CelError, Place

Value = Any

LEAST_INT = -(1 << 63)
MOST_INT = (1 << 63) - 1
MOST_UINT = (1 << 64) - 1
PER_STEP = 16
"""So many characters, or bytes, that are compared, copied or searched count as one step."""
PER_ITEM = 2
"""So many steps is an item of a list or a map that is compared, searched or gone through."""
PER_CONTAINER = 5
"""So many steps, its items left out, is a list or a map that is compared or becomes JSON."""
MOST_NESTING = 100
"""Of lists and maps in each other, where two are compared or one becomes JSON."""


class Budget:
    """How many steps the evaluations of one command may take together. ``left`` is what they have not yet taken.

    A step is a node of an expression that is evaluated; other work counts as what takes about as long.
    """

    __slots__ = ("left", "most")

    def __init__(self, steps: int) -> None:
        self.most = steps
        self.left = steps

    def charge(self, steps: int) -> None:
        """Takes steps before the work is done. Raises BudgetError."""
        self.left -= steps
        if self.left < 0:
            raise BudgetError(f"the expression took more than {self.most} steps")


class Scope(Budget):
    """What one evaluation may read, and its budget of ``steps``.

    ``now``: Unix milliseconds, or None where there is none. ``in_state`` says whether the machine stands in the state
    at a path. ``locals`` are the variables of the macros that are running.
    """

    __slots__ = ("context", "event", "in_state", "input", "locals", "now", "params")

    def __init__(
        self,
        context: Value,
        event: Value,
        params: Value,
        input: Value,
        now: int | None,
        in_state: Callable[[str], bool] | None,
        steps: int,
    ) -> None:
        self.most = steps
        self.left = steps
        self.context = context
        self.event = event
        self.params = params
        self.input = input
        self.now = now
        self.in_state = in_state
        self.locals: list[Value] = []

    def member(self, name: str) -> Value:
        """A member that ``context`` does not have: where that is a part of the whole, it is looked for.

        Raises KeyError, TypeError where there is none.
        """
        raise KeyError(name)

    def whole_context(self) -> Value:
        """The context with all its members."""
        return self.context


class UInt(int):
    """An unsigned number of 64 bits."""

    __slots__ = ()


class Timestamp:
    """A moment: nanoseconds since 1970-01-01T00:00:00Z."""

    __slots__ = ("nanos",)

    def __init__(self, nanos: int) -> None:
        self.nanos = nanos


class Duration:
    """A length of time in nanoseconds, which may be negative."""

    __slots__ = ("nanos",)

    def __init__(self, nanos: int) -> None:
        self.nanos = nanos


class CelType:
    """A type as a value: what ``type(1)`` answers. There is one object a type."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class BoolKey:
    """A bool as the key of a map. There are two objects."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value


TRUE_KEY = BoolKey(True)
FALSE_KEY = BoolKey(False)

_TYPES: dict[type, tuple[str, str]] = {  # the name in CEL, and the words of a message
    type(None): ("null_type", "null"),
    bool: ("bool", "a bool"),
    int: ("int", "an int"),
    UInt: ("uint", "a uint"),
    float: ("double", "a double"),
    str: ("string", "a string"),
    bytes: ("bytes", "bytes"),
    list: ("list", "a list"),
    dict: ("map", "a map"),
    Timestamp: ("google.protobuf.Timestamp", "a timestamp"),
    Duration: ("google.protobuf.Duration", "a duration"),
    CelType: ("type", "a type"),
}
TYPES = {name: CelType(name) for name, _ in _TYPES.values()}
_TYPE_OF = {python: TYPES[name] for python, (name, _) in _TYPES.items()}

NUMBERS = frozenset({int, UInt, float})
MISSING: Any = CelType("")
"""Stands where a dict has no member: no value is this object."""


def type_of(value: Value) -> CelType:
    return _TYPE_OF[type(value)]


def words(value: Value) -> str:
    """What a value is, for a message: ``a string``."""
    return _TYPES[type(value)][1]


def quoted(text: str) -> str:
    """A text in double quotes, for a message: one line of ASCII, cut when long."""
    return quote(text, '"')


def shown(value: Value) -> str:
    """A key or an index, for a message."""
    if type(value) is str:
        return quoted(value)
    if type(value) is bool:
        return "true" if value else "false"
    return str(value) if type(value) in NUMBERS else words(value)


def outside(at: Place) -> CelError:
    """The error of a number of the document that is no int: reading it would give another number."""
    return CelError("a number of the data is outside 64 bits", at)


def map_key(value: Value) -> Value:
    """A value as a key of dicts, to look it up; MISSING for one that no key is equal to, None for what is no key."""
    kind = type(value)
    if kind is str or kind is int or kind is UInt:
        return value
    if kind is bool:
        return TRUE_KEY if value else FALSE_KEY
    if kind is float:
        return int(value) if math.isfinite(value) and value.is_integer() else MISSING
    return None


def key_value(key: Value) -> Value:
    """The value that a key of a dict stands for."""
    return key.value if type(key) is BoolKey else key


def equal(left: Value, right: Value, budget: Budget, nesting: int = 0) -> bool:
    """Whether two values are the same: numbers by their value, whatever their types; others of two types never are."""
    kind = type(left)
    if kind is not type(right):
        if kind in NUMBERS and type(right) in NUMBERS:
            return bool(_in_range(left) == _in_range(right))
        return False
    if kind is int:
        return bool(_in_range(left) == _in_range(right))
    if kind is str or kind is bytes:
        if len(left) > PER_STEP and len(left) == len(right):
            budget.charge(len(left) // PER_STEP)
        return bool(left == right)
    if kind is list or kind is dict:
        return _equal_containers(left, right, budget, nesting)
    if kind is Timestamp or kind is Duration:
        return bool(left.nanos == right.nanos)
    return bool(left == right)


def _in_range(number: Value) -> Value:
    if type(number) is int and not LEAST_INT <= number <= MOST_INT:
        raise CelError("a number of the data is outside 64 bits")
    return number


def _equal_containers(left: Value, right: Value, budget: Budget, nesting: int) -> bool:
    if len(left) != len(right):
        return False
    if nesting >= MOST_NESTING:
        raise CelError(f"lists and maps are nested more than {MOST_NESTING} deep")
    budget.charge(PER_CONTAINER + PER_ITEM * len(left))
    if type(left) is list:
        return all(equal(one, other, budget, nesting + 1) for one, other in zip(left, right, strict=True))
    for key, value in left.items():
        other = right.get(key, MISSING)
        if other is MISSING or not equal(value, other, budget, nesting + 1):
            return False
    return True
