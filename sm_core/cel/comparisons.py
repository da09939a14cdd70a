"""The closures of comparisons: order, equality, ``in``. Order of ints has one for each sign, and one for each sign with
a constant, since guards are made of them."""

from __future__ import annotations

from .errors import CelError, Place
from .macros import Closure
from .numbers import ordered
from .values import PER_ITEM, Scope, Value, equal, map_key, words

_CHEAP = frozenset({bool, int, float, type(None)})
"""Equal where Python says so, two of the same type."""
_PLAIN = _CHEAP | {str}


def comparison(sign: str, left: Closure, right: Closure, constant: Value, at: Place) -> Closure:
    """The closure of ``left sign right``. ``constant``: what the right side always is, or MISSING."""
    if sign == "in":
        return _member_of(left, right, at)
    if sign in ("==", "!="):
        same = _equals_constant(left, constant) if type(constant) in _PLAIN else _equals(left, right)
        return same if sign == "==" else lambda scope: not same(scope)
    return _ORDER_WITH[sign](left, constant, at) if type(constant) is int else _ORDER[sign](left, right, at)


def _less(left: Closure, right: Closure, at: Place) -> Closure:
    def order(scope: Scope) -> Value:
        one, other = left(scope), right(scope)
        if type(one) is int and type(other) is int:
            return one < other
        return ordered("<", one, other, at, scope)

    return order


def _less_number(left: Closure, number: int, at: Place) -> Closure:
    def order(scope: Scope) -> Value:
        value = left(scope)
        if type(value) is int:
            return value < number
        return ordered("<", value, number, at, scope)

    return order


def _at_most(left: Closure, right: Closure, at: Place) -> Closure:
    def order(scope: Scope) -> Value:
        one, other = left(scope), right(scope)
        if type(one) is int and type(other) is int:
            return one <= other
        return ordered("<=", one, other, at, scope)

    return order


def _at_most_number(left: Closure, number: int, at: Place) -> Closure:
    def order(scope: Scope) -> Value:
        value = left(scope)
        if type(value) is int:
            return value <= number
        return ordered("<=", value, number, at, scope)

    return order


def _greater(left: Closure, right: Closure, at: Place) -> Closure:
    def order(scope: Scope) -> Value:
        one, other = left(scope), right(scope)
        if type(one) is int and type(other) is int:
            return one > other
        return ordered(">", one, other, at, scope)

    return order


def _greater_number(left: Closure, number: int, at: Place) -> Closure:
    def order(scope: Scope) -> Value:
        value = left(scope)
        if type(value) is int:
            return value > number
        return ordered(">", value, number, at, scope)

    return order


def _at_least(left: Closure, right: Closure, at: Place) -> Closure:
    def order(scope: Scope) -> Value:
        one, other = left(scope), right(scope)
        if type(one) is int and type(other) is int:
            return one >= other
        return ordered(">=", one, other, at, scope)

    return order


def _at_least_number(left: Closure, number: int, at: Place) -> Closure:
    def order(scope: Scope) -> Value:
        value = left(scope)
        if type(value) is int:
            return value >= number
        return ordered(">=", value, number, at, scope)

    return order


_ORDER = {"<": _less, "<=": _at_most, ">": _greater, ">=": _at_least}
_ORDER_WITH = {"<": _less_number, "<=": _at_most_number, ">": _greater_number, ">=": _at_least_number}


def _equals_constant(left: Closure, constant: Value) -> Closure:
    kind = type(constant)

    def equals(scope: Scope) -> Value:
        value = left(scope)
        if type(value) is kind:
            return value == constant
        return equal(value, constant, scope)

    return equals


def _equals(left: Closure, right: Closure) -> Closure:
    def equals(scope: Scope) -> Value:
        one, other = left(scope), right(scope)
        kind = type(one)
        if kind is type(other) and kind in _CHEAP:
            return one == other
        return equal(one, other, scope)

    return equals


def _member_of(left: Closure, right: Closure, at: Place) -> Closure:
    def is_in(scope: Scope) -> Value:
        value, container = left(scope), right(scope)
        if type(container) is list:
            scope.charge(PER_ITEM * len(container))
            return any(equal(value, item, scope) for item in container)
        if type(container) is not dict:
            hint = ": a text is asked with text.contains(part)" if type(container) is str else ""
            raise CelError(f"'in' looks into a list or a map, not into {words(container)}{hint}", at)
        key = map_key(value)
        if key is None:
            raise CelError(f"{words(value)} is no key of a map", at)
        return key in container

    return is_in
