"""A statechart document to Tables: validation, numbers in document order, resolved targets.

Targets are resolved as XState 5 does (``resolveTarget``): ``#id`` and ``#id.path`` by id, ``.path`` from the
source, anything else from the source's parent. Both forms of a document are read: as a person writes it, and
as ``JSON.stringify(machine)`` gives it, where ids are written out and may contain dots.
"""

from __future__ import annotations

from itertools import chain, count
from typing import Any

from ..document import Limits
from ..errors import DocumentError, LimitError, member, quote, type_name
from . import members as read
from .entry import transition_domain
from .hints import Names, NamesInside, meant, missing_state
from .indexes import bits, families, index, shared
from .members import Faults, Place, Raw
from .model import (
    ATOMIC,
    COMPOUND,
    DONE_EVENT,
    FINAL,
    HISTORY,
    NO_STATE,
    PARALLEL,
    TYPE_NAMES,
    Handler,
    Tables,
    Transition,
    escape_key,
    split_path,
)
from .step import CHARACTERS

DEFAULT_ID = "(machine)"
_NAMES_TO_DOCUMENT = 16
"""How much longer than the largest document all paths and ids may be in sum."""


class Compiler:
    """The work of one compilation. ``tables`` gives the result."""

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

    def label(self, state: int) -> str:
        return self.paths[state] or "#" + self.ids[0]

    # The members of one state

    def transition(self, source: int, raw: Raw) -> Transition:
        targets: tuple[int, ...] | None = None
        where: int | None = NO_STATE
        self.count(len(raw.actions), raw.path)
        if raw.targets is not None:
            self.count(len(raw.targets), raw.path)
            states = [(self.target(source, name, place), place) for name, place in raw.targets]
            states = [(state, place) for state, place in states if state != NO_STATE]
            if len(states) > 1:
                self.refuse_exclusive(states, "targets")
            targets = tuple(dict.fromkeys(state for state, _ in states))
            if any(self.kinds[state] == HISTORY for state in targets):
                where = None
            elif targets:
                where = transition_domain(self.parents, self.ends, source, raw.reenter, list(targets))
        return Transition(source, targets, raw.actions, raw.reenter, where, self.sibling(targets, where))

    def sibling(self, targets: tuple[int, ...] | None, domain: int | None) -> int:
        """See Transition."""
        if targets and len(targets) == 1 and domain is not None and domain != NO_STATE:
            target = targets[0]
            atomic = self.kinds[target] == ATOMIC and not self.nodes[target].get("initial")
            if atomic and self.parents[target] == domain and self.kinds[domain] == COMPOUND:
                return target
        return NO_STATE

    def written_out(self, state: int, raw: Raw, event: str | None) -> None:
        """Refuses a resolved transition that stands where it does not belong."""
        if raw.source is not None and raw.source != "#" + self.ids[state]:
            self.faults.at(member(raw.path, "source"), f"it stands in {quote('#' + self.ids[state])}")
        if raw.event is not None and event is not None and raw.event != event:
            self.faults.at(member(raw.path, "eventType"), f"it stands under {quote(event)}")

    def transitions(self, state: int, path: str, value: object, event: str | None) -> tuple[Transition, ...]:
        self.count(len(value) or 1 if isinstance(value, list) else 1, path)
        if type(value) is str and value:  # as most are
            return (self.transition(state, Raw(path, [(value, path)], (), False)),)
        found = []
        for raw in read.transitions(self.faults, path, value):
            self.written_out(state, raw, event)
            found.append(self.transition(state, raw))
        return tuple(found)

    def handlers(self, state: int, value: dict[str, Any], place: str) -> tuple[Handler, ...]:
        """What the state answers to events, ``onDone`` included."""
        handlers: dict[str, tuple[Transition, ...]] = {}
        path = f"{place}.on"
        for descriptor, inner in read.mapping(self.faults, place, value, "on").items():
            at = member(path, descriptor)
            if not descriptor:
                self.faults.at(at, "an event needs a name; a transition without an event stands in 'always'")
            handlers[descriptor] = self.transitions(state, at, inner, descriptor)
            self.tokens.update(descriptor.split("."))
        if value.get("onDone") is not None:
            descriptor = DONE_EVENT + self.ids[state]
            handlers[descriptor] = self.transitions(state, member(place, "onDone"), value["onDone"], descriptor)
        if value.get("transitions") is not None:
            self.check_resolved_transitions(state, place, value["transitions"], handlers)
        return tuple(Handler(descriptor, found) for descriptor, found in handlers.items())

    def check_resolved_transitions(
        self, state: int, place: str, value: object, handlers: dict[str, tuple[Transition, ...]]
    ) -> None:
        """``transitions`` of the resolved form may only say again what ``on`` says."""
        path = member(place, "transitions")
        if not isinstance(value, list):
            self.faults.at(path, f"expected an array, got {type_name(value)}")
            return
        meant = [transition for found in handlers.values() for transition in found]
        said: list[Transition] = []
        if len(value) == len(meant):
            self.count(len(value), path)
            said = [self.transition(state, raw) for raw in read.transitions(self.faults, path, value)]
        if [_content(one) for one in said] != [_content(one) for one in meant]:
            self.faults.at(path, "it does not say the same as 'on'")

    def initial(self, state: int, value: dict[str, Any], place: str) -> tuple[int, tuple[str, ...]]:
        """The initial child (NO_STATE where there is none) and the actions of the initial transition."""
        path = member(place, "initial")
        said = value.get("initial")
        actions: tuple[str, ...] = ()
        if isinstance(said, dict):
            raw = read.transition(self.faults, path, said)
            self.written_out(state, raw, None)
            actions = raw.actions
            if len(raw.targets or ()) > 1:
                self.faults.at(member(path, "target"), "an initial transition has one target")
            name, at = raw.targets[0] if raw.targets else ("", path)
        elif isinstance(said, str) or said is None:
            name, at = said or "", path
        else:
            self.faults.at(path, f"expected a string or an object, got {type_name(said)}")
            return NO_STATE, ()
        children = self.offspring[state]
        if not name:
            if self.kinds[state] == COMPOUND and children:
                first = next(iter(children))
                self.faults.at(place, f'a compound state needs "initial", as {quote(first)}')
            return NO_STATE, actions
        child = children.get(name, NO_STATE)
        if child == NO_STATE and name[0] == "#":
            child = self.by_identity(name, at)
            if child != NO_STATE and self.parents[child] != state:
                self.faults.at(at, f"{quote(name)} is not a child of this state")
        elif child == NO_STATE:
            self.faults.at(at, f"no state {quote(name)}{self.names[state].hint(name)}")
        return (child if self.kinds[state] == COMPOUND else NO_STATE), actions

    def default(self, state: int, value: dict[str, Any], place: str) -> tuple[int, ...]:
        """What a history state names for when it holds nothing."""
        path = member(place, "target")
        parent = self.parents[state]
        states: list[tuple[int, Place]] = []
        named = read.targets(self.faults, path, value.get("target")) or []
        self.count(len(named), place)
        for name, at in named:
            target = self.by_identity(name, at) if name[:1] == "#" else self.descend(parent, name, split_path(name), at)
            if target == NO_STATE:
                continue
            if not parent < target < self.ends[parent]:
                self.faults.at(at, f"the target of a history state lies inside its parent, {quote(name)} does not")
            elif self.kinds[target] == HISTORY:
                self.faults.at(at, f"{quote(name)} is a history state, which cannot stand in for another")
            else:
                states.append((target, at))
        if len(states) > 1:
            self.refuse_exclusive(states, "targets")
        return tuple(dict.fromkeys(target for target, _ in states))

    def shape(self, state: int, value: dict[str, Any], place: str) -> None:
        """Refuses members that the state's type does not have."""
        kind = self.kinds[state]
        children = self.offspring[state]
        if state == 0 and kind not in (COMPOUND, PARALLEL):
            what = "needs states" if kind == ATOMIC else f"cannot be of the type {quote(TYPE_NAMES[kind])}"
            self.faults.at(member(place, "type") if "type" in value else place, f"the top level {what}")
        if kind in (COMPOUND, PARALLEL) and all(self.kinds[child] == HISTORY for child in children.values()):
            self.faults.at(place, f"a {TYPE_NAMES[kind]} state needs states inside it")
        if kind in (ATOMIC, FINAL, HISTORY) and children:
            self.faults.at(member(place, "states"), f"{_a(TYPE_NAMES[kind])} state has no states inside it")
        if kind == HISTORY:
            for name in ("on", "always", "entry", "exit", "onDone"):
                if value.get(name):
                    self.faults.at(member(place, name), "a history state is never active: it has none")
        elif value.get("target") is not None and state:
            self.faults.at(member(place, "target"), "only a history state has a target of its own")

    def resolved_members(self, state: int, value: dict[str, Any], place: str) -> None:
        """The members that only the resolved form has must say what is so anyway; XState 5 passes over the top level's
        ``key``, which XState 4 took for an id."""
        key = value.get("key")
        if state and key is not None and key != self.keys[state]:
            self.faults.at(member(place, "key"), f"the key of this state is {quote(self.keys[state])}")
        order = value.get("order")
        if order is not None and (type(order) is not int):
            self.faults.at(member(place, "order"), f"expected a number, got {type_name(order)}")
        if state and value.get("version") is not None and value["version"] != self.version:
            self.faults.at(member(place, "version"), "only the top level has a version")

    # The result

    def tables(self) -> Tables:
        """Reads what is left of every state, and gives the compiled chart."""
        states = range(len(self.keys))
        initial: list[int] = []
        initial_actions: list[tuple[str, ...]] = []
        entry: list[tuple[str, ...]] = []
        leave: list[tuple[str, ...]] = []
        deep: list[bool] = []
        defaults: list[tuple[int, ...]] = []
        on: list[tuple[Handler, ...]] = []
        always: list[tuple[Transition, ...]] = []
        none: tuple[str, ...] = ()
        for state in states:
            value = self.nodes[state]
            place = self.places[state]
            read.members(self.faults, place, value, read.STATE if state else read.ROOT)
            self.shape(state, value, place)
            self.resolved_members(state, value, place)
            for name in ("version", "description"):
                if name in value:
                    read.text(self.faults, place, value, name)
            if "output" in value:
                read.output(self.faults, place, value, self.kinds[state])
            if "tags" in value:
                self.count(len(value["tags"]) if isinstance(value["tags"], list) else 1, place)
                read.tags(self.faults, f"{place}.tags", value["tags"])
            child, actions = NO_STATE, none
            if "initial" in value or self.kinds[state] == COMPOUND:
                child, actions = self.initial(state, value, place)
            initial.append(child)
            initial_actions.append(actions)
            for name, found in (("entry", entry), ("exit", leave)):
                named_actions = read.actions(self.faults, f"{place}.{name}", value[name]) if name in value else none
                found.append(named_actions)
                actions += named_actions
            if actions:
                self.count(len(actions), place)
            deep.append("history" in value and read.is_deep(self.faults, place, value, self.kinds[state]))
            defaults.append(self.default(state, value, place) if self.kinds[state] == HISTORY else ())
            handled = "on" in value or "onDone" in value or "transitions" in value
            on.append(self.handlers(state, value, place) if handled else ())
            named = value.get("always")
            always.append(() if named is None else self.transitions(state, f"{place}.always", named, None))
        self.initial_histories(initial, defaults)
        answers = index(on)
        children, histories, finals = families(self.offspring, self.kinds)
        characters = sum(map(len, chain(self.ids, chain.from_iterable(chain(entry, leave)))))
        return Tables(
            keys=tuple(self.keys),
            ids=tuple(self.ids),
            paths=tuple(self.paths),
            kinds=shared(tuple(self.kinds)),
            parents=shared(tuple(self.parents)),
            ends=shared(tuple(self.ends)),
            children=shared(children),
            finals=shared(tuple([bits(found) if found else 0 for found in finals])),
            initial=shared(tuple(initial)),
            initial_actions=shared(tuple(initial_actions)),
            entry=shared(tuple(entry)),
            exit=shared(tuple(leave)),
            histories=shared(histories),
            deep=shared(tuple(deep)),
            defaults=shared(tuple(defaults)),
            on=tuple(on),
            exact=answers.exact,
            partial=answers.partial,
            lengths=shared(answers.lengths),
            wildcard=answers.wildcard if any(answers.wildcard) else shared(answers.wildcard),
            always=tuple(always) if any(always) else shared(tuple(always)),
            leaves=bits(state for state in states if self.kinds[state] in (ATOMIC, FINAL)),
            has_always=bits(state for state in states if always[state]),
            has_on=bits(state for state in states if on[state]),
            catching=answers.catching,
            listening=answers.listening,
            has_exit=bits(state for state in states if leave[state]),
            has_history=bits(state for state in states if histories[state]),
            numbers=self.numbers,
            by_id=self.by_id if any(histories) else {},
            unused_token=next(name for name in map("event{}".format, count()) if name not in self.tokens),
            size=self.elements + characters // CHARACTERS,
            max_iterations=read.max_iterations(self.faults, self.nodes[0]),
        )

    def initial_histories(self, initial: list[int], defaults: list[tuple[int, ...]]) -> None:
        """A history state that is initial must say where it leads while it holds nothing."""
        for child in initial:
            if child != NO_STATE and self.kinds[child] == HISTORY and not defaults[child]:
                self.faults.at(self.places[child], 'a history state that is initial needs a "target"')


def _content(transition: Transition) -> tuple[object, ...]:
    return (transition.targets, transition.actions, transition.reenter)


def _a(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def compile_tables(document: dict[str, Any], limits: Limits | None, faults: Faults) -> Tables:
    """Compiles ``document``. Faults go to ``faults``; LimitError is raised at once."""
    if "states" not in document:
        raise DocumentError("$", "member 'states' is missing")
    return Compiler(document, limits, faults).tables()
