"""A map of states, each with the list of those it may move to, as the tables of a chart.

The states stand side by side below the root. Each name in a state's list is a transition to the state of that name,
and the name is its event. A map may name a million of them, and few are ever taken: one is made when it is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from .model import ATOMIC, COMPOUND, NO_STATE, Handler, Tables, Transition

_LONG_ROW = 16
_SMALL = 128
"""As many states, or names in a row: up to here time is worth more than memory, and a name is soon found."""


class Row:
    """What one state answers: a transition for each name in its list."""

    __slots__ = ("names", "numbers", "source")

    def __init__(self, source: int, names: Collection[str], numbers: dict[str, int]) -> None:
        self.source = source
        self.names = names
        self.numbers = numbers

    def get(self, name: str) -> Transition | None:
        return Transition(self.source, (self.numbers[name],), (), False, 0) if name in self.names else None

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(self.names))


class Rows:
    """The rows of all states, by number; the root and a state without a list answer nothing."""

    __slots__ = ("names", "numbers", "paths")

    def __init__(self, names: Mapping[str, Collection[str]], paths: Sequence[str], numbers: dict[str, int]) -> None:
        self.names = names
        self.paths = paths
        self.numbers = numbers

    def __getitem__(self, state: int) -> Row:
        return Row(state, self.names.get(self.paths[state], ()) if state else (), self.numbers)


class Handlers:
    """The same as the members of an ``on``."""

    __slots__ = ("rows",)

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def __getitem__(self, state: int) -> tuple[Handler, ...]:
        row = self.rows[state]
        return tuple([Handler(name, (transition,)) for name in row if (transition := row.get(name)) is not None])


def map_tables(rows: Mapping[str, Sequence[str]], initial: str) -> Tables:
    """The tables of the map ``rows``: its states in document order, each row's own name before those in its list."""
    numbers: dict[str, int] = {}
    for name, row in rows.items():
        if name not in numbers:
            numbers[name] = len(numbers) + 1
        for target in row:
            if target not in numbers:
                numbers[target] = len(numbers) + 1
    if initial not in numbers:
        numbers[initial] = len(numbers) + 1
    paths = ("", *numbers)
    count = len(paths)
    small = count <= _SMALL and max(map(len, rows.values()), default=0) <= _SMALL
    exact = Rows(rows if small else _compact(rows, numbers), paths, numbers)
    shape = _remembered_shape(count) if small else _shape(count)
    return Tables(
        keys=paths,
        ids=paths,
        paths=paths,
        numbers=numbers,
        by_id=numbers,
        exact=exact,
        on=Handlers(exact),
        initial=(numbers[initial], *(NO_STATE,) * (count - 1)),
        **shape,
    )


def _compact(rows: Mapping[str, Sequence[str]], names: Iterable[str]) -> dict[str, Collection[str]]:
    """``rows`` with each name once in memory, and long rows fit to be searched."""
    known = {name: name for name in names}
    compact: dict[str, Collection[str]] = {}
    for name, row in rows.items():
        found = [known[target] for target in row]
        compact[name] = tuple(found) if len(row) <= _LONG_ROW else dict.fromkeys(found)
    return compact


def _shape(count: int) -> dict[str, Any]:
    """What the tables of all maps of so many states have in common."""
    none = ((),) * count
    zeros = (0,) * count
    states = range(1, count)
    return {
        "kinds": (COMPOUND, *(ATOMIC,) * (count - 1)),
        "parents": (NO_STATE, *zeros[1:]),
        "ends": (count, *range(2, count + 1)),
        "children": (states, *none[1:]),
        "finals": zeros,
        "initial_actions": none,
        "entry": none,
        "exit": none,
        "histories": none,
        "deep": (False,) * count,
        "defaults": none,
        "partial": ({},) * count,
        "lengths": none,
        "wildcard": (None,) * count,
        "always": none,
        "leaves": (1 << count) - 2,
        "transient": 0,
        "recorders": 0,
        "fresh": "",
    }


_remembered_shape = lru_cache(maxsize=32)(_shape)
"""Most maps are small, and many definitions have as many states: they share these tables."""
