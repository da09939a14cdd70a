"""The states of a document: numbers in document order, names, places and types; and what a name in a target means.

Targets are resolved as XState 5 does (``resolveTarget``): ``#id`` and ``#id.path`` by id, ``.path`` from the
source, anything else from the source's parent. Both forms of a document are read: as a person writes it, and
as ``JSON.stringify(machine)`` gives it, where ids are written out and may contain dots.
"""

from __future__ import annotations

from typing import Any

from ..document import Limits
from ..errors import LimitError, member, quote, type_name
from . import members as read
from .hints import Names, NamesInside, meant, missing_state
from .members import Faults, Place
from .model import FINAL, HISTORY, NO_STATE, PARALLEL, escape_key, span, split_path

DEFAULT_ID = "(machine)"
_NAMES_TO_DOCUMENT = 16
"""How much longer than the largest document all paths and ids may be in sum."""


class Numbering:
    """The states of one document."""

    def __init__(self, document: dict[str, Any], limits: Limits | None, faults: Faults) -> None:
        self.limits = limits
        self.faults = faults
        self.resolved = "order" in document and document.get("key") == (document.get("id") or DEFAULT_ID)
        self.names_left = limits.document_bytes * _NAMES_TO_DOCUMENT if limits is not None else 1 << 62
        self.version = document.get("version")
        self.nodes: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.ids: list[str] = []
        self.paths: list[str] = []
        self.places: list[str] = []
        self.kinds: list[int] = []
        self.parents: list[int] = []
        self.ends: list[int] = []
        self.offspring: list[dict[str, int]] = []
        self.numbers: dict[str, int] = {}
        self.by_id: dict[str, int] = {}
        self.names_of_ids = Names(self.by_id)
        self.names = NamesInside(self.offspring)
        self.tokens: set[str] = set()
        self.dormant = 0
        """The set of the states inside final ones."""
        self.elements = 0
        self.number(document)

    def count(self, elements: int, place: Place) -> None:
        """Counts what takes time to compile: states, transitions, targets, actions, tags."""
        self.elements += elements
        if self.limits is not None and self.elements > self.limits.elements:
            what = f"more than {self.limits.elements} states, transitions, targets and actions"
            raise LimitError(str(place), f"{what}, which is what max-elements allows")

    # Numbering

    def number(self, document: dict[str, Any]) -> None:
        """Gives every state its number, key, path, id and type."""
        said = document.get("id")
        root_id = said if said and isinstance(said, str) else DEFAULT_ID
        default_ids: list[str] = []
        pending: list[tuple[object, str, int]] = [(document, root_id, NO_STATE)]
        while pending:
            value, key, parent = pending.pop()
            default_ids.append(root_id if parent == NO_STATE else f"{default_ids[parent]}.{key}")
            state = len(self.keys)
            self.parents.append(parent)
            self.keys.append(key)
            self.offspring.append({})
            self.ends.append(0)
            path = ""
            if parent != NO_STATE:
                self.offspring[parent][key] = state
                path = escape_key(key)
                path = f"{self.paths[parent]}.{path}" if parent else path
                self.numbers[path] = state
            self.paths.append(path)
            place = member(f"{self.places[parent]}.states", key) if state else "$"
            self.places.append(place)
            self.name(place, key, parent)
            self.count(1, place)
            if not isinstance(value, dict):
                self.faults.at(place, f"expected a state (an object), got {type_name(value)}")
                value = {}
            self.nodes.append(value)
            states = read.mapping(self.faults, place, value, "states") if "states" in value else {}
            self.kinds.append(read.kind(self.faults, place, value, bool(states)))
            self.identify(state, value, default_ids[state], path)
            if self.limits is not None and state + len(states) > self.limits.states:
                raise LimitError(place, f"more than {self.limits.states} states, which is what max-states allows")
            for child, inner in reversed(states.items()):
                pending.append((inner, child, state))
        for state in range(len(self.keys) - 1, -1, -1):
            self.ends[state] = max(self.ends[state], state + 1)
            parent = self.parents[state]
            if parent != NO_STATE:
                self.ends[parent] = max(self.ends[parent], self.ends[state])
        for state, kind in enumerate(self.kinds):
            if kind == FINAL:
                self.dormant |= span(state + 1, self.ends[state])

    def name(self, place: str, key: str, parent: int) -> None:
        """Refuses names that no target and no state value could say."""
        if parent == NO_STATE:
            return
        if not key:
            self.faults.at(place, "a state needs a name")
        elif key[0] == "#":
            self.faults.at(place, "a state's name cannot start with '#', which starts an id in a target")

    def identify(self, state: int, value: dict[str, Any], default_id: str, path: str) -> None:
        place = self.places[state]
        said = read.text(self.faults, place, value, "id") if "id" in value else ""
        self.names_left -= len(default_id) + len(path) + len(place)
        if self.names_left < 0:
            raise LimitError(place, "the paths of the states are too long in sum")
        identity = said or default_id
        other = self.by_id.setdefault(identity, state)
        if other != state:
            first = self.places[other]
            where = member(place, "id") if said else place
            self.faults.at(where, f"the id {quote(identity)} is that of {first} already")
        self.ids.append(identity)

    # Resolving names

    def target(self, source: int, name: str, place: Place) -> int:
        """The state that a transition of ``source`` names, or NO_STATE after a fault."""
        if name[0] == "#":
            return self.by_identity(name, place)
        if name == ".":
            return source
        if name[0] == ".":
            return self.descend(source, name, split_path(name[1:]), place, ".")
        parent = self.parents[source]
        keys = split_path(name)
        if parent == NO_STATE:
            found = keys[0] in self.offspring[0]
            hint = f"; did you mean {quote('.' + name)}?" if found else meant(keys, 0, self.names[0], ".")[0]
            self.faults.at(place, f"no state {quote(name)} beside the root{hint}")
            return NO_STATE
        return self.descend(parent, name, keys, place)

    def by_identity(self, name: str, place: Place) -> int:
        whole = self.by_id.get(name[1:], NO_STATE)
        if whole != NO_STATE and (self.resolved or ("." not in name and "\\" not in name)):
            return whole
        keys = split_path(name[1:])
        state = self.by_id.get(keys[0], NO_STATE)
        if state != NO_STATE:
            found = self.find(state, keys[1:])
            if found != NO_STATE or whole == NO_STATE:
                return found if found != NO_STATE else self.descend(state, name, keys, place, "#", 1)
        if whole == NO_STATE:
            hint, _ = meant(keys, 0, self.names_of_ids, "#")
            self.faults.at(place, f"no state with the id {quote(keys[0])}{hint}")
        return whole

    def find(self, state: int, keys: list[str]) -> int:
        for key in keys:
            state = self.offspring[state].get(key, NO_STATE)
            if state == NO_STATE:
                break
        return state

    def descend(self, state: int, name: str, keys: list[str], place: Place, start: str = "", first: int = 0) -> int:
        """The state at ``keys`` from the ``first`` on below ``state``, or NO_STATE after a fault.

        ``start`` and the keys are what ``name`` says."""
        for at in range(first, len(keys)):
            inside = self.offspring[state].get(keys[at], NO_STATE)
            if inside == NO_STATE:
                self.faults.at(place, missing_state(name, keys, at, self.paths[state], self.names[state], start))
                return NO_STATE
            state = inside
        return state

    def refuse_exclusive(self, states: list[tuple[int, Place]], found: str) -> None:
        """Refuses targets that cannot be active at once. A history state stands for its parent here."""
        chosen: dict[int, int] = {}
        whole: dict[int, int] = {}
        for target, place in states:
            state = self.parents[target] if self.kinds[target] == HISTORY else target
            if whole.get(state) == target:
                continue
            if state in whole or state in chosen:
                self.faults.at(place, f"{found} {quote(self.label(target))} beside another that is inside it")
                return
            whole[state] = target
            while self.parents[state] != NO_STATE:
                parent = self.parents[state]
                if parent in whole:
                    self.faults.at(place, f"{found} {quote(self.label(target))} beside another that it is inside")
                    return
                if self.kinds[parent] != PARALLEL and chosen.get(parent, state) != state:
                    other = self.label(chosen[parent])
                    self.faults.at(
                        place, f"{found} {quote(self.label(target))} and {quote(other)}, which cannot both be active"
                    )
                    return
                if parent in chosen:
                    break  # what is above it was looked at for another target
                chosen[parent] = state
                state = parent

    def can_be_active(self, state: int, place: Place) -> bool:
        """Refuses a target inside a final state: XState enters nothing there."""
        if self.dormant >> state & 1:
            self.faults.at(place, f"{quote(self.label(state))} is inside a final state, and never active")
            return False
        return True

    def label(self, state: int) -> str:
        return self.paths[state] or "#" + self.ids[0]

    def state_at(self, path: str) -> int:
        """The state that ``#id`` or a dotted path from the root names, or NO_STATE."""
        if path[:1] == "#":
            return self.by_id.get(path[1:], NO_STATE)
        found = self.numbers.get(path)
        return self.find(0, split_path(path)) if found is None else found
