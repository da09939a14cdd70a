"""Where a machine stands, as XState's snapshot says it in JSON, and read back from there.

The state value of a compound state is its active child's key, or an object with that key when the child has
children of its own; of a parallel state it is an object with a member for each region (``{}`` for an atomic
one). ``historyValue`` maps the id of a history state to what it will restore, a list of ``{"id": …}``.
"""

from __future__ import annotations

from typing import Any

from ..errors import DocumentError, element, member, quote, type_name
from .entry import Entry
from .hints import did_you_mean, no_child, no_state
from .legal import check_active, check_history
from .model import (
    ATOMIC,
    COMPOUND,
    FINAL,
    HISTORY,
    Configuration,
    Tables,
    ascending,
    escape_key,
)
from .step import Macrostep, is_done, start

CURRENT = "$.current"
HISTORY_VALUE = "$.historyValue"


def state_value(tables: Tables, active: int) -> str | dict[str, Any]:
    """XState's state value of the configuration."""
    keys, kinds, parents = tables.keys, tables.kinds, tables.parents
    inside: dict[int, dict[str, Any]] = {0: {}}
    for state in ascending(active & ~1):
        parent = parents[state]
        if kinds[state] != ATOMIC and kinds[state] != FINAL:
            inside[state] = inside[parent][keys[state]] = {}
        elif kinds[parent] != COMPOUND:
            inside[parent][keys[state]] = {}
        elif parent:
            inside[parents[parent]][keys[parent]] = keys[state]
        else:
            return keys[state]
    return inside[0]


def history_value(tables: Tables, configuration: Configuration) -> dict[str, list[dict[str, str]]] | None:
    """XState's ``historyValue``, as in its persisted snapshot; None when no history state holds anything."""
    if not configuration.history:
        return None
    return {
        tables.ids[state]: [{"id": tables.ids[restored]} for restored in ascending(states)]
        for state, states in configuration.history
    }


def read_history(tables: Tables, value: object) -> dict[int, int]:
    """The history values that the JSON ``value`` gives. Raises DocumentError when one is not possible."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DocumentError(HISTORY_VALUE, f"expected an object, got {type_name(value)}")
    history = {}
    for name, listed in value.items():
        path = member(HISTORY_VALUE, name)
        state = tables.by_id.get(name)
        if state is None or tables.kinds[state] != HISTORY:
            hint = did_you_mean(name, [tables.ids[one] for inside in tables.histories for one in inside])
            raise DocumentError(path, f"no history state with the id {quote(name)}{hint}")
        if not isinstance(listed, list):
            raise DocumentError(path, f"expected an array, got {type_name(listed)}")
        states = 0
        for index, item in enumerate(listed):
            place = element(path, index)
            if not isinstance(item, dict):
                raise DocumentError(place, f"expected an object, got {type_name(item)}")
            if list(item) != ["id"]:
                raise DocumentError(place, 'expected an object with the one member "id"')
            said = item["id"]
            if not isinstance(said, str):
                raise DocumentError(place, f"expected an id (a string), got {type_name(said)}")
            restored = tables.by_id.get(said)
            if restored is None:
                raise DocumentError(place, f"no state with the id {quote(said)}{did_you_mean(said, tables.by_id)}")
            if states >> restored & 1:
                raise DocumentError(place, f"{quote(said)} is listed twice")
            states |= 1 << restored
        fault = check_history(tables, state, states)
        if fault:
            raise DocumentError(path, fault)
        history[state] = states
    return history


def find(tables: Tables, path: str) -> int | None:
    """The number of the state at a dotted path, or None."""
    return tables.numbers.get(path)


def named(tables: Tables, value: str | dict[str, Any], at: str) -> list[int]:
    """The innermost states that a state value or a path names, in document order; ``at`` is where it is said."""
    if isinstance(value, str):
        state = child_with_key(tables, 0, value)
        if state is None:
            state = find(tables, value)
        if state is None:
            raise DocumentError(at, no_state(tables, value))
        refuse_inactive(tables, state, at)
        return [state]
    states = []
    pending: list[tuple[int, object, str]] = [(0, value, at)]
    while pending:
        state, inside, path = pending.pop()
        if isinstance(inside, str):
            inside = {inside: {}}
            place = path
        elif isinstance(inside, dict):
            place = ""
        else:
            raise DocumentError(path, f"expected a string or an object, got {type_name(inside)}")
        if not inside:
            states.append(state)
        elif tables.kinds[state] == COMPOUND and len(inside) > 1:
            raise DocumentError(path, "only one state of a compound state can be active")
        for key, further in inside.items():
            child = child_with_key(tables, state, key)
            inner = place or member(path, key)
            if child is None:
                raise DocumentError(inner, no_child(tables, state, key))
            refuse_inactive(tables, child, inner)
            pending.append((child, further, inner))
    return sorted(states)


def child_with_key(tables: Tables, state: int, key: str) -> int | None:
    """The child of ``state`` with the key ``key``."""
    path = escape_key(key)
    return tables.numbers.get(f"{tables.paths[state]}.{path}" if state else path)


def refuse_inactive(tables: Tables, state: int, path: str) -> None:
    """Refuses a state that is never active."""
    if tables.dormant >> state & 1:
        raise DocumentError(path, f"{quote(tables.keys[state])} is inside a final state, and never active")
    if tables.kinds[state] == HISTORY:
        raise DocumentError(path, f"{quote(tables.keys[state])} is a history state, which is never active")


def stand(tables: Tables, document: dict[str, Any]) -> Configuration:
    """Where ``current`` and ``historyValue`` of a document say that the machine stands; without them, as at the start,
    as far as no guard is asked.

    Raises DocumentError, EngineError.
    """
    current, history = document.get("current", ""), document.get("historyValue")
    if current == "" and history is None:
        return start(tables, None).configuration
    return enter(tables, {} if current == "" else current, history)


def enter(tables: Tables, value: str | dict[str, Any], history: object = None, place: str = CURRENT) -> Configuration:
    """Stands where ``value`` says: those states, their parents, and the initial states that they entail. ``place`` is
    where it is said.

    No action runs and nothing is reported as done. Transitions without an event are taken then, so that a
    machine never rests where it could not: a configuration that a step led to is not changed by that. Guards are not
    asked, as nothing has happened yet: those transitions wait for the first event.
    Raises DocumentError, and EngineError when the automatic transitions do not end.
    """
    held = read_history(tables, history)
    entry = Entry(tables, held, 0)
    states = named(tables, value, place)
    for state in states:
        entry.enter |= 1 << state
    for state in states:
        entry.descend(state)
    climbed: set[int] = set()
    for state in states:
        entry.climb(state, -1, -1, climbed)
    entry.enter |= 1
    assert check_active(tables, entry.enter) is None, "states with their parents and initial states are complete"
    configuration = Configuration(entry.enter, tuple(sorted(held.items())))
    if is_done(tables, configuration):
        return configuration
    work = Macrostep(tables, configuration, None)
    work.settle()
    return work.configuration()
