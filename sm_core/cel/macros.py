"""The macros that loop: all, exists, exists_one, filter and map. Each turn of a loop costs as many steps as what it
evaluates has nodes, and PER_ITEM."""

from __future__ import annotations

from collections.abc import Callable

from .errors import BudgetError, CelError, Place
from .values import LEAST_INT, MOST_INT, Budget, Scope, Value, key_value, outside, words

Closure = Callable[[Scope], Value]


def with_variables(root: Closure, count: int) -> Closure:
    """An expression that has variables."""

    def evaluate(scope: Scope) -> Value:
        outer = scope.locals
        scope.locals = [None] * count
        try:
            return root(scope)
        finally:
            scope.locals = outer

    return evaluate


def _elements(value: Value, kind: str, at: Place, budget: Budget) -> list[Value]:
    """What a macro goes through: the items of a list, the keys of a map."""
    if type(value) is list:
        return value
    if type(value) is dict:
        budget.charge(len(value))
        return [key_value(key) for key in value]
    raise CelError(f"{kind}() goes through a list or the keys of a map, not {words(value)}", at)


def _turn(scope: Scope, slot: int, item: Value, steps: int, at: Place) -> None:
    """Before each turn: pays for it, and gives the variable its value."""
    scope.left -= steps
    if scope.left < 0:
        scope.charge(0)
    if type(item) is int and not LEAST_INT <= item <= MOST_INT:
        raise outside(at)
    scope.locals[slot] = item


def _bool(value: Value, kind: str, at: Place) -> bool:
    if type(value) is bool:
        return value
    raise CelError(f"what {kind}() asks of each item is a bool, not {words(value)}", at)


def run_macro(
    kind: str,
    range_of: Closure,
    condition: Closure | None,
    transform: Closure | None,
    slot: int,
    steps: int,
    at: Place,
) -> Closure:
    """The closure of a macro. ``steps``: what one turn costs."""
    if transform is not None:
        return _map(range_of, condition, transform, slot, steps, at)
    assert condition is not None  # all macros but map have one
    if kind == "filter":
        return _filter(range_of, condition, slot, steps, at)
    if kind == "exists_one":
        return _exists_one(range_of, condition, slot, steps, at)
    return _any(kind, range_of, condition, slot, steps, at)


def _any(kind: str, range_of: Closure, condition: Closure, slot: int, steps: int, at: Place) -> Closure:
    """all() and exists(): as && and || of all turns, which absorb errors where another turn decides."""
    decisive = kind == "exists"

    def run(scope: Scope) -> Value:
        failed = None
        for item in _elements(range_of(scope), kind, at, scope):
            try:
                _turn(scope, slot, item, steps, at)
                value = _bool(condition(scope), kind, at)
            except BudgetError:
                raise
            except CelError as error:
                failed = failed or error.message
                continue
            if value is decisive:
                return decisive
        if failed:
            raise CelError(failed)
        return not decisive

    return run


def _exists_one(range_of: Closure, condition: Closure, slot: int, steps: int, at: Place) -> Closure:
    def run(scope: Scope) -> Value:
        found = 0
        for item in _elements(range_of(scope), "exists_one", at, scope):
            _turn(scope, slot, item, steps, at)
            found += _bool(condition(scope), "exists_one", at)
        return found == 1

    return run


def _filter(range_of: Closure, condition: Closure, slot: int, steps: int, at: Place) -> Closure:
    def run(scope: Scope) -> Value:
        kept = []
        for item in _elements(range_of(scope), "filter", at, scope):
            _turn(scope, slot, item, steps, at)
            if _bool(condition(scope), "filter", at):
                kept.append(item)
        return kept

    return run


def _map(range_of: Closure, condition: Closure | None, transform: Closure, slot: int, steps: int, at: Place) -> Closure:
    def run(scope: Scope) -> Value:
        made = []
        for item in _elements(range_of(scope), "map", at, scope):
            _turn(scope, slot, item, steps, at)
            if condition is None or _bool(condition(scope), "map", at):
                made.append(transform(scope))
        return made

    return run
