"""The flat machine: a map of states, each with the list of the states it may move to.

It is a chart (chart/rows.py) and steps as one. What is its own is its document, and that a configuration is the name
of a state, in UTF-8.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from itertools import chain
from typing import Any

from .arguments import event_of, read_object
from .chart import Configuration, Names, Step, Tables, did_you_mean, listed, map_tables, move, step
from .definition import Given, Machine, Outcome
from .document import Limits, check_size, to_json
from .errors import THIRD_ARGUMENT, DocumentError, EngineError, LimitError, element, member, quote, type_name
from .store import store_of

MEMBERS = frozenset(("current", "map", "initial", "reason", "id", "version", "description", "meta", "store"))
_KEPT = ("id", "version", "description", "meta", "store")
_names_of_members = Names(sorted(MEMBERS), lasting=True)
_BEHIND_NAMES = (b",", b":", b"]", b"}")
_SMALL = 4096
"""Bytes of a map whose tables are made when they are first asked for: so few that no step waits for them long."""


class FlatDefinition:
    """A compiled map document. Immutable; see ``Definition`` for what each method promises."""

    __slots__ = ("_tables", "canonical", "counts", "initial", "split", "store")

    keeps = waits = nests = False

    def __init__(self, document: dict[str, Any], limits: Limits | None) -> None:
        _check_members(document)
        rows: dict[str, list[str]] = document["map"]
        self.initial: str = document["initial"]
        self.store = store_of(document, limits)
        self.counts = isinstance(document.get("store"), dict)
        _check_rows(rows)
        stored = to_json({"map": rows, "initial": self.initial})[:-1]
        self._tables: Tables | None = None
        if len(stored) > _SMALL:
            self._tables = map_tables(rows, self.initial)
            names: Collection[str] = self._tables.numbers
        else:
            names = {self.initial, *rows, *chain.from_iterable(rows.values())}
        if limits is not None:
            if len(names) > limits.states:
                raise LimitError("$.map", f"{len(names)} states, more than max-states ({limits.states}) allows")
            _check_initial(rows, self.initial)
        kept = {name: value for name, value in document.items() if name in _KEPT}
        body = stored.encode()
        self.canonical = body + (b"," + to_json(kept)[1:].encode() if kept else b"}")
        self.split = len(body)

    @property
    def tables(self) -> Tables:
        if self._tables is None:
            self._tables = map_tables(json.loads(self.canonical[: self.split] + b"}")["map"], self.initial)
        return self._tables

    def place(self, configuration: bytes) -> Configuration:
        return _place(self.tables.numbers.get(configuration.decode(), 0))

    def start(self, given: Given) -> Outcome:
        _check_given(given)
        return Outcome(self.initial.encode())

    def stand(self, document: dict[str, Any]) -> bytes:
        if "current" not in document:
            return self.initial.encode()
        current = document["current"]
        if self._tables is not None:
            return self._enter(current, current in self.tables.numbers, "$.current")
        rows = document["map"]
        known = current in rows or current in chain((self.initial,), *rows.values())
        return self._enter(current, known, "$.current")

    def enter(self, current: str, held: Machine | None, limits: Limits | None, given: Given) -> Outcome:
        check_size(current.encode(), limits, THIRD_ARGUMENT)
        _check_given(given)
        return Outcome(self._enter(current, current in self.tables.numbers, THIRD_ARGUMENT))

    def _enter(self, current: str, known: bool, path: str) -> bytes:
        if known:
            return current.encode()
        if current:
            raise DocumentError(path, f"no state {quote(current)}{did_you_mean(current, self.known)}")
        return self.initial.encode()

    def force(self, machine: Machine, target: str, given: Given) -> Outcome | None:
        _check_given(given)
        forced = move.force(self.tables, self.place(machine.configuration), target, None)
        return _outcome(self.tables, forced) if forced else None

    def send(self, machine: Machine, event: str, given: Given) -> Outcome | None:
        _check_given(given)
        tables = self.tables
        state = tables.numbers.get(machine.configuration.decode(), 0)
        found = tables.exact[state].get(event)
        return _outcome(tables, step.run(tables, _place(state), [*found], None)) if found else None

    mutate = send

    def give(
        self,
        configuration: bytes,
        context: bytes | None,
        event: str,
        text: bytes | None,
        guards: frozenset[str] | None,
        now: int,
        limits: Limits,
    ) -> Outcome | None:
        return self.send(Machine(configuration, context), event, Given(text, guards, None, now, limits))

    def fire(self, machine: Machine, event: bytes, given: Given) -> Outcome | None:
        return None

    def report(self, machine: Machine, task: str, result: bytes | None, failed: bool, given: Given) -> Outcome | None:
        return None

    def waiting_at(self, machine: Machine, given: Given) -> Outcome:
        return Outcome(machine.configuration)

    def can(self, machine: Machine, event: str, given: Given) -> bool:
        return self.send(machine, event, given) is not None

    def why(self, machine: Machine, event: str, given: Given) -> list[tuple[str, str]]:
        row = self.next(machine)
        if event not in row:
            return []
        return [(element(member("$.map", machine.configuration.decode()), row.index(event)), "taken")]

    def why_not(self, machine: Machine, event: str, given: Given) -> str:
        if event not in self.tables.numbers:
            return f"no state {quote(event)}{did_you_mean(event, self.tables.numbers)}"
        return f"no transition from {quote(machine.configuration.decode())} to {quote(event)}"

    def next(self, machine: Machine) -> list[str]:
        return list(self.tables.exact[self.tables.numbers.get(machine.configuration.decode(), 0)])

    def admit_data(self, machine: Machine, limits: Limits) -> Machine:
        if any(text is not None for text in (machine.context, machine.output, machine.error)):
            raise DocumentError("context", "a flat machine keeps no data")
        return machine

    def is_done(self, configuration: bytes) -> bool:
        """In the stored text where there are no tables, which are made when a step asks for them: a quote within a name
        is behind a backslash, so a key is behind a comma or a brace. What follows another name's end looks like one of
        a few names: the tables are asked for these."""
        if self._tables is not None or configuration[:1] in _BEHIND_NAMES:
            return not self.next(Machine(configuration))
        row = to_json(configuration.decode()).encode() + b':["'
        return self.canonical.find(b"{" + row, 0, self.split) < 0 and self.canonical.find(b"," + row, 0, self.split) < 0

    def snapshot(self, machine: Machine) -> str:
        value = machine.configuration.decode()
        status = "done" if self.is_done(machine.configuration) else "active"
        return to_json({"status": status, "value": value, "context": {}, "historyValue": {}, "children": {}})

    def admit(self, configuration: bytes, strict: bool) -> bytes:
        try:
            name = configuration.decode()
        except UnicodeDecodeError:
            raise DocumentError("$.current", "not UTF-8") from None
        if strict and name not in self.tables.numbers:
            raise DocumentError("$.current", f"no state {quote(name)}")
        return configuration

    def head(self, configuration: bytes) -> bytes:
        return b'{"current":' + to_json(configuration.decode()).encode()

    def states(self, configuration: bytes) -> Sequence[str]:
        return (configuration.decode(),)

    def current(self, configuration: bytes) -> str:
        return configuration.decode()

    @property
    def rows(self) -> Sequence[str]:
        return listed(self.tables)

    @property
    def known(self) -> Sequence[str]:
        return self.tables.paths[1:]


def _check_given(given: Given) -> None:
    """Refuses what is given wrongly: a map uses none of it. Raises DocumentError, EngineError."""
    if given.guards:
        raise EngineError(f"guard {quote(min(given.guards))} is not the client's to decide: a map has no guards")
    event_of("", given.data, given.limits)
    if given.input is not None:
        read_object(given.input, given.limits, "INPUT")


def _place(state: int) -> Configuration:
    """A machine on a state that the map does not know stands on the root: nothing else is active."""
    return Configuration(1 << state | 1)


def _outcome(tables: Tables, step: Step) -> Outcome:
    return Outcome(tables.paths[step.configuration.active.bit_length() - 1].encode())


def _check_members(document: dict[str, Any]) -> None:
    if not document.keys() <= MEMBERS:
        name = next(name for name in document if name not in MEMBERS)
        raise DocumentError(member("$", name), f"unknown member{_names_of_members.hint(name)}")
    for name, wanted in (("map", dict), ("initial", str)):
        if type(document.get(name)) is not wanted:
            if name not in document:
                raise DocumentError("$", f"member {quote(name)} is missing")
            _check_type(document[name], wanted, f"$.{name}")
    for name, value in document.items():
        if type(value) is not str and name not in ("map", "meta", "store"):
            _check_type(value, str, f"$.{name}")


def _check_initial(rows: dict[str, list[str]], initial: str) -> None:
    if rows and initial not in rows and not any(initial in row for row in rows.values()):
        hint = did_you_mean(initial, dict.fromkeys(chain(rows, *rows.values())))
        raise DocumentError("$.initial", f"no state {quote(initial)} in the map{hint}")


_words: dict[type, str] = {dict: "an object", list: "an array", str: "a string"}


def _check_type(value: object, wanted: type, path: str) -> None:
    if not isinstance(value, wanted):
        raise DocumentError(path, f"expected {_words[wanted]}, got {type_name(value)}")


def _check_rows(rows: dict[str, Any]) -> None:
    for name, row in rows.items():
        if type(row) is not list:
            _check_type(row, list, member("$.map", name))
    if not set(map(type, chain.from_iterable(rows.values()))) <= {str}:
        for name, row in rows.items():
            for index, target in enumerate(row):
                _check_type(target, str, element(member("$.map", name), index))
