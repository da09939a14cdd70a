"""The flat machine: a map of states, each with the list of the states it may move to.

A configuration is the name of a state, in UTF-8.
"""

from __future__ import annotations

from collections.abc import Sequence
from json.encoder import encode_basestring as _string
from sys import getsizeof
from typing import Any

from .definition import Move
from .document import Limits, to_json
from .errors import DocumentError, LimitError, element, member, quote, type_name

MEMBERS = ("current", "map", "initial", "reason", "id", "version", "description", "meta")
_KEPT = ("id", "version", "description", "meta")
_LONG_ROW = 16
_ROW_BYTES = getsizeof(())
_NAME_BYTES = getsizeof("")


class FlatDefinition:
    """A compiled map document. Immutable; see ``Definition`` for what each method promises."""

    __slots__ = ("_initial", "_known", "_rows", "canonical", "footprint", "split")

    def __init__(self, document: dict[str, Any], limits: Limits | None) -> None:
        _check_members(document)
        rows: dict[str, Sequence[str]] = document["map"]
        self._initial: str = document["initial"]
        self._known = known_states(rows, self._initial)
        if limits is not None and len(self._known) > limits.states:
            raise LimitError("$.map", f"{len(self._known)} states, more than max-states ({limits.states}) allows")
        body = f'{{"map":{_rows_to_json(rows)},"initial":{to_json(self._initial)}'
        kept = "".join(f",{to_json(name)}:{to_json(document[name])}" for name in document if name in _KEPT)
        stored = body.encode()
        self.canonical = stored + kept.encode() + b"}"
        self.split = len(stored)
        self._rows = {name: _searchable(row) for name, row in rows.items()}
        self.footprint = (
            getsizeof(self._rows)
            + getsizeof(self._known)
            + _ROW_BYTES * len(self._rows)
            + _NAME_BYTES * len(self._known)
            + 2 * len(self.canonical)  # itself, and the characters and pointers in names and rows
        )

    def start(self) -> Move:
        return self._initial.encode(), ()

    def stand(self, document: dict[str, Any]) -> bytes:
        return self.enter(document["current"]) if "current" in document else self.start()[0]

    def enter(self, current: str, held: bytes = b"") -> bytes:
        name = current if current in self._known else current or self._initial
        if name not in self._known:
            raise DocumentError("$.current", f"no state {quote(name)}")
        return name.encode()

    def mutate(self, configuration: bytes, target: str) -> Move | None:
        return (target.encode(), ()) if target in self._rows.get(configuration.decode(), ()) else None

    def force(self, configuration: bytes, target: str) -> Move | None:
        return (target.encode(), ()) if target in self._known else None

    def send(self, configuration: bytes, event: str) -> Move | None:
        return self.mutate(configuration, event)

    def next(self, configuration: bytes) -> list[str]:
        return list(dict.fromkeys(self._rows.get(configuration.decode(), ())))

    def admit(self, configuration: bytes, strict: bool) -> bytes:
        try:
            name = configuration.decode()
        except UnicodeDecodeError:
            raise DocumentError("$.current", "not UTF-8") from None
        if strict and name not in self._known:
            raise DocumentError("$.current", f"no state {quote(name)}")
        return configuration

    def head(self, configuration: bytes) -> bytes:
        return b'{"current":' + to_json(configuration.decode()).encode()

    def states(self, configuration: bytes) -> Sequence[str]:
        return (configuration.decode(),)

    def current(self, configuration: bytes) -> str:
        return configuration.decode()

    @property
    def initial(self) -> str:
        return self._initial

    @property
    def rows(self) -> Sequence[str]:
        return tuple(self._rows)

    @property
    def known(self) -> Sequence[str]:
        return tuple(self._known)


def _check_members(document: dict[str, Any]) -> None:
    for name in document:
        if name not in MEMBERS:
            raise DocumentError(member("$", name), "unknown member")
    for name, wanted in (("map", dict), ("initial", str)):
        if name not in document:
            raise DocumentError("$", f"member {quote(name)} is missing")
        _check_type(document[name], wanted, f"$.{name}")
    for name in ("current", "reason", "id", "version", "description"):
        if name in document:
            _check_type(document[name], str, f"$.{name}")
    for name, row in document["map"].items():
        if type(row) is not list:
            _check_type(row, list, member("$.map", name))
        for target in row:
            if type(target) is not str:
                _check_type(target, str, element(member("$.map", name), row.index(target)))


_words: dict[type, str] = {dict: "an object", list: "an array", str: "a string"}


def _check_type(value: object, wanted: type, path: str) -> None:
    if not isinstance(value, wanted):
        raise DocumentError(path, f"expected {_words[wanted]}, got {type_name(value)}")


def known_states(rows: dict[str, Sequence[str]], initial: str) -> dict[str, None]:
    """Every state, in document order: each row's own name, then those in its list; ``initial`` last."""
    known: dict[str, None] = {}
    for name, row in rows.items():
        known[name] = None
        for target in row:
            known[target] = None
    known[initial] = None
    return known


def _rows_to_json(rows: dict[str, Sequence[str]]) -> str:
    """What ``to_json`` gives for rows, in a third of its time."""
    return "{" + ",".join([f"{_string(name)}:[{','.join(map(_string, row))}]" for name, row in rows.items()]) + "}"


def _searchable(row: Sequence[str]) -> Sequence[str] | dict[str, None]:
    return tuple(row) if len(row) <= _LONG_ROW else dict.fromkeys(row)
