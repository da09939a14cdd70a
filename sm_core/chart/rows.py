"""A map of states, each with the list of those it may move to, as the tables of a chart.

The states stand side by side below the root. Each name in a state's list is a transition to the state of that name,
and the name is its event. A map may name a million of them, and few are ever taken: one is made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from .actions import NONE
from .model import ATOMIC, COMPOUND, NO_STATE, Handler, Tables, Transition

_LONG_ROW = 16
_SMALL = 128
"""Tables of so many states are remembered."""


class Row:
    """What one state answers: a transition for each state in its list."""

    __slots__ = ("rows", "source", "targets")

    def __init__(self, rows: Rows, source: int, targets: Collection[int]) -> None:
        self.rows = rows
        self.source = source
        self.targets = targets

    def get(self, name: str) -> tuple[Transition, ...] | None:
        target = self.rows.numbers.get(name)
        if target is None or target not in self.targets:
            return None
        return (Transition(self.source, (target,), NONE, False, 0, target),)

    def __iter__(self) -> Iterator[str]:
        return iter([self.rows.paths[target] for target in dict.fromkeys(self.targets)])


class Rows:
    """The rows of all states, by number; the root and a state without a list answer nothing."""

    __slots__ = ("numbers", "paths", "targets")

    def __init__(self, targets: dict[int, Collection[int]], paths: Sequence[str], numbers: dict[str, int]) -> None:
        self.targets = targets
        self.paths = paths
        self.numbers = numbers

    def __getitem__(self, state: int) -> Row:
        return Row(self, state, self.targets.get(state, ()))


class Handlers:
    """The same as the members of an ``on``."""

    __slots__ = ("rows",)

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def __getitem__(self, state: int) -> tuple[Handler, ...]:
        row = self.rows[state]
        return tuple([Handler(name, found) for name in row if (found := row.get(name)) is not None])


def listed(tables: Tables) -> tuple[str, ...]:
    """The states of a map that have a list, in document order."""
    assert isinstance(tables.exact, Rows)
    return tuple([tables.paths[state] for state in tables.exact.targets])


def map_tables(rows: Mapping[str, list[str]], initial: str) -> Tables:
    """The tables of the map ``rows``: its states in document order, each row's own name before those in its list."""
    numbers: dict[str, int] = {}
    targets: dict[int, Collection[int]] = {}
    for name, row in rows.items():
        if name not in numbers:
            numbers[name] = len(numbers) + 1
        found = []
        for target in row:
            number = numbers.get(target)
            if number is None:
                number = numbers[target] = len(numbers) + 1
            found.append(number)
        targets[numbers[name]] = tuple(found) if len(found) <= _LONG_ROW else dict.fromkeys(found)
    if initial not in numbers:
        numbers[initial] = len(numbers) + 1
    paths = ("", *numbers)
    count = len(paths)
    exact = Rows(targets, paths, numbers)
    shape = _remembered_shape if count <= _SMALL else _shape
    return Tables(
        keys=paths,
        ids=paths,
        paths=paths,
        numbers=numbers,
        by_id=numbers,
        on=Handlers(exact),
        exact=exact,
        **shape(count, numbers[initial]),
    )


def _shape(count: int, initial: int) -> dict[str, Any]:
    """The other fields of Tables: all maps of so many states that begin at the same one have these in common."""
    none = ((),) * count
    zeros = (0,) * count
    no_actions = (NONE,) * count
    states = range(1, count)
    return {
        "kinds": (COMPOUND, *(ATOMIC,) * (count - 1)),
        "parents": (NO_STATE, *zeros[1:]),
        "ends": (count, *range(2, count + 1)),
        "children": (states, *none[1:]),
        "finals": zeros,
        "initial": (initial, *(NO_STATE,) * (count - 1)),
        "initial_actions": no_actions,
        "entry": no_actions,
        "exit": no_actions,
        "stops": no_actions,
        "waits": no_actions,
        "has_waits": False,
        "histories": none,
        "deep": (False,) * count,
        "defaults": none,
        "partial": ({},) * count,
        "lengths": (frozenset(),) * count,
        "wildcard": none,
        "always": none,
        "leaves": (1 << count) - 2,
        "has_always": 0,
        "has_history": 0,
        "has_on": (1 << count) - 2,
        "catching": (1 << count) - 2,
        "listening": {},
        "has_exit": 0,
        "unused_token": "",
        "size": count,
        "max_iterations": 0,
        "has_guards": False,
        "guarded_always": 0,
        "dormant": 0,
        "client_guards": frozenset(),
        "raised": frozenset(),
        "context": None,
        "keeps_context": False,
        "assigns": False,
        "outputs": {},
        "named_states": {},
    }


_remembered_shape = lru_cache(maxsize=32)(_shape)
"""Most maps are small, and many have as many states: these tables are shared."""
