"""Faults that say what was probably meant.

A name is nearly another when the two are alike but for letter case, ``_``, ``-`` and spaces, or when, these left out,
one character more, less or other, or two that have changed places, is all that differs. Then the names begin alike or
end alike, to the half of their length at least: under both halves the names of one kind are filed, once for all the
faults of a document. However many names have a half in common, only so many are looked at that the hints of a document
cost no more than it does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice
from operator import methodcaller

from ..errors import quote
from .model import Tables, escape_key, split_path

_LONGEST_NAME = 64
_LONGEST_PATH = 256
_SHORTEST_NAME = 3
"""Of two that differ, the longer: any name of one letter is nearly any other."""
_MOST_DOTS = 8
_LOOKS = 64
_LOOKS_PER_NAME = 4
_LOOKS_AT_ONCE = 32
_APART = "\udc00"
"""Between names: no text of UTF-8 has it."""


def _alike(text: str) -> str:
    """What names that mean the same have in common."""
    return text.casefold().replace("_", "").replace("-", "").replace(" ", "")


def _differ_by_one(one: str, other: str) -> bool:
    """Is one character more, less or other, or two that have changed places, all the difference?"""
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    if len(long) < _SHORTEST_NAME or len(long) - len(short) > 1:
        return False
    same, most = 0, len(short)
    while same < most:  # how long the beginning is that they have in common, by halves
        middle = (same + most + 1) // 2
        if long.startswith(short[:middle]):
            same = middle
        else:
            most = middle - 1
    if len(short) < len(long):
        return short[same:] == long[same + 1 :]
    swapped = short[same : same + 2] == long[same : same + 2][::-1] and short[same + 2 :] == long[same + 2 :]
    return swapped or short[same + 1 :] == long[same + 1 :]


def _half(length: int) -> int:
    """How much of a name of this length is as it was meant, at its beginning or at its end."""
    return max(0, length - 1) // 2


def _halves(name: str, length: int) -> Iterator[tuple[int, str]]:
    """Under what a name of this length is filed that may be what was meant by ``name``."""
    half = _half(length)
    yield length, name[:half]
    yield -length, name[len(name) - half :]


class Names:
    """Names of one kind, to be asked for the one that is nearly another; they are read when they are first asked for.

    ``lasting``: they are few and the same for every document.
    """

    __slots__ = ("_halves", "_looks", "_whole", "names")

    def __init__(self, names: Collection[str], lasting: bool = False) -> None:
        self.names = names
        self._whole: dict[str, str] | None = None
        self._halves: dict[tuple[int, str], list[str]] = {}
        self._looks = 1 << 62 if lasting else 0

    def near(self, name: str) -> str | None:
        """The name that is nearly ``name``; of several the first one that is as long, else the first."""
        if len(name) > _LONGEST_NAME:
            return None
        whole = self._filed() if self._whole is None else self._whole
        alike = _alike(name)
        if alike in whole:
            return whole[alike]
        for length in (len(alike), len(alike) - 1, len(alike) + 1):
            for half in _halves(alike, length):
                for other in self._halves.get(half, ()):
                    if not self._looks:
                        return None
                    self._looks -= 1
                    if _differ_by_one(alike, other):
                        return whole[other]
        return None

    def hint(self, name: str) -> str:
        """``; did you mean 'shipped'?`` when one of the names is nearly ``name``, else nothing."""
        return _hint(self.near(name))

    def _filed(self) -> dict[str, str]:
        """Files the names; answers each by what it is like, the first of those that are alike."""
        whole: dict[str, str] = {}
        for name in self.names:
            if len(name) <= _LONGEST_NAME and (alike := _alike(name)) and alike not in whole:
                whole[alike] = name
                for half in _halves(alike, len(alike)):
                    self._halves.setdefault(half, []).append(alike)
        self._looks = self._looks or _LOOKS + _LOOKS_PER_NAME * len(whole)
        self._whole = whole
        return whole


class NamesInside(dict[int, Names]):
    """The names inside each state, made when they are first asked for."""

    __slots__ = ("families",)

    def __init__(self, families: Sequence[Collection[str]]) -> None:
        super().__init__()
        self.families = families

    def __missing__(self, state: int) -> Names:
        names = self[state] = Names(self.families[state])
        return names


def did_you_mean(name: str, names: Collection[str]) -> str:
    """The hint where only one name is asked about: nothing is filed for it."""
    if len(name) > _LONGEST_NAME:
        return ""
    alike = _alike(name)
    like = _alike(_APART.join(names)).split(_APART)
    if alike and alike in like:
        return _hint(next(islice(names, like.index(alike), None)))
    half = _half(len(alike))
    begin, end = methodcaller("startswith", alike[:half]), methodcaller("endswith", alike[len(alike) - half :])
    for other in islice(chain(filter(begin, like), filter(end, like)), _LOOKS_AT_ONCE):
        if _differ_by_one(alike, other):
            return _hint(next(islice(names, like.index(other), None)))
    return ""


def _hint(name: str | None) -> str:
    return "" if name is None else f"; did you mean {_written(name)}?"


def _written(name: str) -> str:
    """A name in quotes; one with a backslash also as JSON has it, which is not as an argument has it."""
    if "\\" not in name:
        return quote(name, longest=_LONGEST_PATH)
    in_json = quote(name, '"', longest=_LONGEST_PATH)
    return f"'{in_json[1:-1].replace(chr(92) * 2, chr(92))}' (in JSON {in_json})"


def meant(keys: Sequence[str], at: int, children: Names, start: str) -> tuple[str, bool]:
    """The hint for a path of which ``keys[at]`` is none of the ``children``, and whether the fault is that a dot which
    belongs to a name parts it. ``start`` is what stands before the first key."""
    for end in range(min(len(keys), at + _MOST_DOTS), at + 1, -1):
        key = ".".join(keys[at:end])
        if key in children.names:
            return _path_hint(start, [*keys[:at], key, *keys[end:]]), True
    near = children.near(keys[at])
    if near is not None:
        return _path_hint(start, [*keys[:at], near, *keys[at + 1 :]]), False
    if at + 1 < len(keys):
        near = children.near(".".join(keys[at : at + _MOST_DOTS]))
    return ("", False) if near is None else (_path_hint(start, [*keys[:at], near, *keys[at + _MOST_DOTS :]]), True)


def _path_hint(start: str, keys: Sequence[str]) -> str:
    path = start + ".".join(map(escape_key, keys))
    return _hint(path) if len(path) <= _LONGEST_PATH else ""


def missing_state(written: str, keys: Sequence[str], at: int, parent: str, children: Names, start: str = "") -> str:
    """The fault of the path ``written``: the state ``parent`` has no state ``keys[at]`` among its ``children``."""
    fault = f"no state {quote(written)}"
    hint, parted = meant(keys, at, children, start)
    if hint and parted:
        return f"{fault}: a dot that belongs to a name has a backslash before it{hint}"
    if len(keys) > 1 and parent:
        return f"{fault}: {quote(parent)} has no state {quote(keys[at])}{hint}"
    return fault + hint


def no_state(tables: Tables, value: str) -> str:
    """Why the path ``value`` leads to no state."""
    keys = split_path(value)
    state = 0
    for at, key in enumerate(keys):
        children = _children(tables, state)
        if key not in children:
            return missing_state(value, keys, at, tables.paths[state], Names(children))
        state = children[key]
    return f"no state {quote(value)}"


def no_child(tables: Tables, state: int, key: str) -> str:
    """The fault of a name that no child of ``state`` has."""
    return f"no state {quote(key)}{did_you_mean(key, _children(tables, state))}"


def _children(tables: Tables, state: int) -> dict[str, int]:
    return {tables.keys[child]: child for child in (*tables.children[state], *tables.histories[state])}
