"""Arithmetic and order. Functions of two values, the place of their sign, and the budget; what is no int is here alone.

An int with a double gives a double, which the specification leaves out. Comparisons of numbers are exact: Python
compares an int with a float without rounding either.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

from .errors import CelError, Place
from .times import shift_time, time_between
from .values import (
    LEAST_INT,
    MOST_INT,
    MOST_UINT,
    NUMBERS,
    PER_STEP,
    Budget,
    Duration,
    Timestamp,
    UInt,
    Value,
    outside,
    words,
)

Operation = Callable[[Value, Value, Place, Budget], Value]


def overflow(at: Place) -> CelError:
    return CelError("the result is outside 64 bits", at)


def _no_such(sign: str, left: Value, right: Value, at: Place) -> CelError:
    return CelError(f"'{sign}' cannot take {words(left)} and {words(right)}", at)


def _as_double(value: Value, at: Place) -> float:
    if type(value) is int and not LEAST_INT <= value <= MOST_INT:
        raise outside(at)
    return float(value)


def _doubles(left: Value, right: Value) -> bool:
    """One is a double, the other a double or an int."""
    return (type(left) is float and type(right) in (float, int)) or (type(left) is int and type(right) is float)


def _unsigned(value: int, at: Place) -> UInt:
    if 0 <= value <= MOST_UINT:
        return UInt(value)
    raise overflow(at)


def _signed(value: int, at: Place) -> int:
    if LEAST_INT <= value <= MOST_INT:
        return value
    raise overflow(at)


def add(left: Value, right: Value, at: Place, budget: Budget) -> Value:
    kind = type(left)
    if kind is type(right):
        if kind is int:
            return _signed(left + right, at)
        if kind is float:
            return left + right
        if kind is str or kind is bytes:
            budget.charge(1 + (len(left) + len(right)) // PER_STEP)
            return left + right
        if kind is list:
            budget.charge(1 + len(left) + len(right))
            return left + right
        if kind is UInt:
            return _unsigned(int(left) + int(right), at)
    if _doubles(left, right):
        return _as_double(left, at) + _as_double(right, at)
    if kind is Duration and type(right) in (Duration, Timestamp):
        return shift_time(right, left.nanos, at)
    if kind is Timestamp and type(right) is Duration:
        return shift_time(left, right.nanos, at)
    if {kind, type(right)} & NUMBERS and str in (kind, type(right)):
        raise CelError(f"'+' cannot take {words(left)} and {words(right)}: string(x) makes a string of a number", at)
    raise _no_such("+", left, right, at)


def subtract(left: Value, right: Value, at: Place, budget: Budget) -> Value:
    kind = type(left)
    if kind is type(right):
        if kind is int:
            return _signed(left - right, at)
        if kind is float:
            return left - right
        if kind is UInt:
            return _unsigned(int(left) - int(right), at)
        if kind is Timestamp:
            return time_between(left, right, at)
    if _doubles(left, right):
        return _as_double(left, at) - _as_double(right, at)
    if kind in (Timestamp, Duration) and type(right) is Duration:
        return shift_time(left, -right.nanos, at)
    raise _no_such("-", left, right, at)


def multiply(left: Value, right: Value, at: Place, budget: Budget) -> Value:
    kind = type(left)
    if kind is type(right):
        if kind is int:
            return _signed(left * right, at)
        if kind is float:
            return left * right
        if kind is UInt:
            return _unsigned(int(left) * int(right), at)
    if _doubles(left, right):
        return _as_double(left, at) * _as_double(right, at)
    raise _no_such("*", left, right, at)


def divide(left: Value, right: Value, at: Place, budget: Budget) -> Value:
    kind = type(left)
    if kind is type(right) and (kind is int or kind is UInt):
        if right == 0:
            raise CelError("division by zero", at)
        if kind is UInt:
            return UInt(int(left) // int(right))
        quotient = abs(left) // abs(right)
        return _signed(quotient if (left < 0) == (right < 0) else -quotient, at)
    if _doubles(left, right):
        return _divide_doubles(_as_double(left, at), _as_double(right, at))
    raise _no_such("/", left, right, at)


def _divide_doubles(left: float, right: float) -> float:
    """IEEE 754: by zero it is an infinity, or NaN."""
    if right:
        return left / right
    if not left or left != left:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def remainder(left: Value, right: Value, at: Place, budget: Budget) -> Value:
    kind = type(left)
    if kind is type(right) and (kind is int or kind is UInt):
        if right == 0:
            raise CelError("division by zero", at)
        if kind is UInt:
            return UInt(int(left) % int(right))
        if left == LEAST_INT and right == -1:
            raise overflow(at)
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    if _doubles(left, right):
        raise CelError("'%' takes ints: int(x) makes one of a double", at)
    raise _no_such("%", left, right, at)


ARITHMETIC: dict[str, Operation] = {"+": add, "-": subtract, "*": multiply, "/": divide, "%": remainder}


def negate(value: Value, at: Place) -> Value:
    if type(value) is int:
        return _signed(-value, at)
    if type(value) is float:
        return -value
    raise CelError(f"'-' cannot take {words(value)}", at)


ORDER: dict[str, Callable[[Value, Value], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ORDERED = frozenset({str, bytes, bool})


def ordered(sign: str, left: Value, right: Value, at: Place, budget: Budget) -> bool:
    """Whether ``left sign right`` holds, of numbers, or of two strings, bytes, bools, timestamps or durations."""
    kind = type(left)
    if kind in NUMBERS and type(right) in NUMBERS:
        for value in (left, right):
            if type(value) is int and not LEAST_INT <= value <= MOST_INT:
                raise outside(at)
        return ORDER[sign](left, right)
    if kind is type(right):
        if kind in _ORDERED:
            if kind is not bool:
                budget.charge(min(len(left), len(right)) // PER_STEP)
            return ORDER[sign](left, right)
        if kind is Timestamp or kind is Duration:
            return ORDER[sign](left.nanos, right.nanos)
    raise _no_such(sign, left, right, at)
