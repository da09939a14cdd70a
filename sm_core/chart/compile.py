"""A statechart document to Tables: validation, transitions with their resolved targets, behaviour, outputs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count
from typing import Any

from ..document import Limits
from ..errors import DocumentError, member, quote, type_name
from ..store import store_of
from . import members as read
from .actions import CHARACTERS, NONE, Action, Actions
from .behaviour import START, STEP, Behaviour
from .entry import transition_domain
from .indexes import bits, families, index, shared
from .members import NOTHING, Faults, Place, Raw
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
    split_path,
)
from .numbering import Numbering
from .templates import Template
from .waiting import Waiting, waiting

WAITS = frozenset(("after", "timeout", "onTimeout", "invoke"))


class Compiler(Numbering):
    """The work of one compilation. ``tables`` gives the result."""

    def __init__(self, document: dict[str, Any], limits: Limits | None, faults: Faults) -> None:
        super().__init__(document, limits, faults)
        self.behaviour = Behaviour(document, faults, self)

    # The members of one state

    def transition(self, source: int, raw: Raw) -> Transition:
        targets: tuple[int, ...] | None = None
        where: int | None = NO_STATE
        actions, guard = NONE, None
        if raw.behaviour:
            actions = self.behaviour.transition_actions(raw.path, raw.behaviour)
            self.count(len(actions), raw.path)
            if "guard" in raw.behaviour:
                guard = self.behaviour.guard(member(raw.path, "guard"), raw.behaviour["guard"])
        if raw.targets is not None:
            self.count(len(raw.targets), raw.path)
            states = [(self.target(source, name, place), place) for name, place in raw.targets]
            states = [(state, at) for state, at in states if state != NO_STATE and self.can_be_active(state, at)]
            if len(states) > 1:
                self.refuse_exclusive(states, "targets")
            targets = tuple(dict.fromkeys(state for state, _ in states))
            if any(self.kinds[state] == HISTORY for state in targets):
                where = None
            elif targets:
                where = transition_domain(self.parents, self.ends, source, raw.reenter, list(targets))
        return Transition(source, targets, actions, raw.reenter, where, self.sibling(targets, where), guard)

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
            return (self.transition(state, Raw(path, [(value, path)], NOTHING, False)),)
        found = []
        for raw in read.transitions(self.faults, path, value):
            self.written_out(state, raw, event)
            found.append(self.transition(state, raw))
        return tuple(found)

    def handlers(self, state: int, value: dict[str, Any], place: str, waits: Waiting | None) -> tuple[Handler, ...]:
        """What the state answers to events, ``onDone`` and what it waits for included."""
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
        for descriptor, at, inner in waits.answers if waits else ():
            handlers[descriptor] = (*handlers.get(descriptor, ()), *self.transitions(state, at, inner, descriptor))
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

    def initial(self, state: int, value: dict[str, Any], place: str) -> tuple[int, Actions]:
        """The initial child (NO_STATE where there is none) and the actions of the initial transition."""
        path = member(place, "initial")
        said = value.get("initial")
        actions = NONE
        if isinstance(said, dict):
            raw = read.transition(self.faults, path, said)
            self.written_out(state, raw, None)
            actions = self.behaviour.transition_actions(path, said)
            if "guard" in said and not (self.faults.before and said["guard"] in (None, {}, [])):
                self.faults.at(member(path, "guard"), "an initial transition has no guard")
            if len(raw.targets or ()) > 1:
                self.faults.at(member(path, "target"), "an initial transition has one target")
            name, at = raw.targets[0] if raw.targets else ("", path)
        elif isinstance(said, str) or said is None:
            name, at = said or "", path
        else:
            self.faults.at(path, f"expected a string or an object, got {type_name(said)}")
            return NO_STATE, NONE
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
            elif self.can_be_active(target, at):
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
        if kind in (ATOMIC, HISTORY) and children:
            self.faults.at(member(place, "states"), f"{_a(TYPE_NAMES[kind])} state has no states inside it")
        if kind == HISTORY:
            for name in ("on", "always", "entry", "exit", "onDone", *WAITS):
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
        initial_actions: list[Actions] = []
        entry: list[Actions] = []
        leave: list[Actions] = []
        deep: list[bool] = []
        defaults: list[tuple[int, ...]] = []
        on: list[tuple[Handler, ...]] = []
        always: list[tuple[Transition, ...]] = []
        outputs: dict[int, Template] = {}
        waits: list[Actions] = []
        stops: list[Actions] = []
        for state in states:
            value = self.nodes[state]
            place = self.places[state]
            read.members(self.faults, place, value, read.STATE if state else read.ROOT)
            self.shape(state, value, place)
            self.resolved_members(state, value, place)
            for name in ("version", "description"):
                if name in value:
                    read.text(self.faults, place, value, name)
            if "output" in value and read.has_output(self.faults, place, value, self.kinds[state]):
                outputs[state] = self.behaviour.template(member(place, "output"), value["output"], STEP)
            if "tags" in value:
                self.count(len(value["tags"]) if isinstance(value["tags"], list) else 1, place)
                read.tags(self.faults, f"{place}.tags", value["tags"])
            child, actions = NO_STATE, NONE
            if "initial" in value or self.kinds[state] == COMPOUND:
                child, actions = self.initial(state, value, place)
            initial.append(child)
            initial_actions.append(actions)
            waiting_for = None
            if not WAITS.isdisjoint(value):
                waiting_for = waiting(self.behaviour, place, value, self.ids[state])
            counted = len(actions)
            for name, found in (("entry", entry), ("exit", leave)):
                named_actions = self.behaviour.actions(f"{place}.{name}", value[name]) if name in value else NONE
                found.append(named_actions)
                counted += len(named_actions)
            if counted:
                self.count(counted, place)
            waits.append(NONE)
            stops.append(NONE)
            if waiting_for is not None:
                waits[state] = _some([*waiting_for.arms, *waiting_for.starts])
                stops[state] = _some(waiting_for.stops)
                entry[state] = _some([*entry[state].items, *waits[state].items])
                leave[state] = _some([*leave[state].items, *waiting_for.cancels])
            deep.append("history" in value and read.is_deep(self.faults, place, value, self.kinds[state]))
            defaults.append(self.default(state, value, place) if self.kinds[state] == HISTORY else ())
            handled = waiting_for or "on" in value or "onDone" in value or "transitions" in value
            on.append(self.handlers(state, value, place, waiting_for) if handled else ())
            named = value.get("always")
            always.append(() if named is None else self.transitions(state, f"{place}.always", named, None))
        self.initial_histories(initial, defaults)
        answers = index(on)
        children, histories, finals = families(self.offspring, self.kinds)
        asks = sum([actions.cost for actions in chain(entry, leave)])
        characters = sum(map(len, self.ids))
        context = None
        said = self.nodes[0].get("context")
        if said is not None and (self.behaviour.assigned or (said != {} and said != [])):
            context = self.behaviour.template("$.context", self.nodes[0]["context"], START)
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
            initial_actions=_shared_none(initial_actions),
            entry=_shared_none(entry),
            exit=_shared_none(leave),
            stops=_shared_none(stops),
            waits=_shared_none(waits),
            has_waits=self.behaviour.delays_events or any(map(len, waits)),
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
            has_exit=bits(state for state in states if leave[state] or stops[state]),
            has_history=bits(state for state in states if histories[state]),
            numbers=self.numbers,
            by_id=self.by_id if any(histories) else {},
            unused_token=next(name for name in map("event{}".format, count()) if name not in self.tokens),
            size=self.elements + asks + characters // CHARACTERS,
            max_iterations=read.max_iterations(self.faults, self.nodes[0]),
            has_guards=self.behaviour.has_guards,
            guarded_always=bits(state for state in states if any(one.guard for one in always[state])),
            dormant=self.dormant,
            named_states=self.behaviour.named_states,
            raised=frozenset(self.behaviour.raised),
            client_guards=frozenset(self.behaviour.client_guards),
            context=context,
            keeps_context=context is not None or bool(self.behaviour.assigned),
            assigns=bool(self.behaviour.assigned),
            outputs=outputs,
        )

    def initial_histories(self, initial: list[int], defaults: list[tuple[int, ...]]) -> None:
        """A history state that is initial must say where it leads while it holds nothing."""
        for child in initial:
            if child != NO_STATE and self.kinds[child] == HISTORY and not defaults[child]:
                self.faults.at(self.places[child], 'a history state that is initial needs a "target"')


def _content(transition: Transition) -> tuple[object, ...]:
    label = transition.guard.label if transition.guard else None
    return (transition.targets, transition.actions.names, transition.reenter, label)


def _some(actions: Sequence[Action]) -> Actions:
    return Actions(actions) if actions else NONE


def _shared_none(actions: list[Actions]) -> tuple[Actions, ...]:
    """Where there are none, as in most charts: others are equal to no others, and to remember them keeps them."""
    return tuple(actions) if any(actions) else shared(tuple(actions))


def _a(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def compile_tables(document: dict[str, Any], limits: Limits | None, faults: Faults) -> Tables:
    """Compiles ``document``. Faults go to ``faults``; LimitError is raised at once."""
    return compile_whole(document, limits, faults)[0]


def check_store(document: dict[str, Any], limits: Limits | None, faults: Faults) -> None:
    try:
        store_of(document, limits)
    except DocumentError as fault:
        path, why = fault.path, fault.fault
    else:
        return
    faults.at(path, why)


def compile_whole(document: dict[str, Any], limits: Limits | None, faults: Faults) -> tuple[Tables, Behaviour]:
    """The same, with what was found out about the expressions, guards and assignments on the way."""
    if "states" not in document:
        raise DocumentError("$", "member 'states' is missing")
    check_store(document, limits, faults)
    compiler = Compiler(document, limits, faults)
    behaviour = compiler.behaviour
    try:
        return compiler.tables(), behaviour
    finally:
        del compiler.behaviour  # which holds the compiler
