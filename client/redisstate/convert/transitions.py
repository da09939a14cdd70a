"""pytransitions (version 0.9): the dict that its machines are made of, or that MarkupMachine gives.

States are left and entered as there: a transition to the state itself leaves and enters it, one without ``dest`` does
neither, and one of a parent to a state inside it leaves the parent alone. Conditions are guards that the client
decides, callbacks are effects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Any

from .descriptors import MOST
from .findings import ConversionError, Findings, Place

Json = dict[str, Any]

_MACHINE = ("states", "initial", "transitions", "auto_transitions", "ordered_transitions", "name")
_CALLBACKS = ("before_state_change", "after_state_change", "on_final")
_LOST = ("prepare_event", "finalize_event", "on_exception")
_PROCESS = ("send_event", "ignore_invalid_triggers", "queued", "model", "models", "model_attribute", "model_override")
"""What matters in the process that runs the machine alone."""
NEVER = {"type": "xstate.or", "guards": []}
"""A guard that never holds, where one was lost."""
PROCESS = "what matters in the application's process alone is left out"
_STATE = ("name", "on_enter", "on_exit", "final", "on_final", "timeout", "on_timeout", "tags", "label")
_INSIDE = ("children", "states", "parallel", "initial", "transitions")
_TRANSITION = ("trigger", "source", "dest", "conditions", "unless", "before", "after", "prepare", "label")


@dataclass(eq=False)
class _State:
    name: str
    place: Place
    parent: _State | None = None
    children: dict[str, _State] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)
    parallel: bool = False
    initial: Any = None
    on: dict[str, list[Any]] = field(default_factory=dict)

    def chain(self) -> list[_State]:
        """Its parents and itself, from the outermost on, without the machine."""
        found: list[_State] = []
        state: _State | None = self
        while state is not None and state.parent is not None:
            found.insert(0, state)
            state = state.parent
        return found

    def all(self) -> Iterator[_State]:
        for child in self.children.values():
            yield child
            yield from child.all()


def convert(source: Mapping[str, Any], findings: Findings, auto_transitions: bool, separator: str) -> Json:
    """Our document. Raises ConversionError where the source has no states."""
    return _Converter(source, findings, auto_transitions, separator).document()


def listed(value: object) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _named(value: Any) -> Any:
    """The name of an enumeration's member; anything else as it is."""
    return value.name if isinstance(value, Enum) else value


class _Converter:
    def __init__(self, source: Mapping[str, Any], findings: Findings, auto: bool, separator: str) -> None:
        self.source = source
        self.findings = findings
        self.auto = auto
        self.separator = separator
        self.left = MOST
        self.root = _State("", Place("$"))
        name = source.get("name")
        self.id = name if isinstance(name, str) and name else "machine"
        self.needs_id = self.id == name

    def callbacks(self, place: Place, value: object) -> list[str]:
        """The names of callbacks: a function's own where it is one."""
        found = []
        for one in listed(value):
            name = one if isinstance(one, str) else getattr(one, "__name__", "")
            if not name or name == "<lambda>":
                self.findings.error(place, f"code without a name, {type(one).__name__}: it is left out")
                continue
            if "." in name:
                self.findings.note(place, f"{name!r} is the name of a function: a name of yours may be shorter")
            found.append(name)
        return found

    # States

    def document(self) -> Json:
        source, place = self.source, Place("$")
        if not listed(source.get("states")):
            raise ConversionError("it has no states")
        for name, value in source.items():
            if name in _PROCESS:
                if value:
                    self.findings.note_once(place.at(name), PROCESS)
            elif name in _LOST:
                if listed(value):
                    message = "callbacks around every event, taken or not, have no place here"
                    self.findings.error(place.at(name), message)
            elif name not in (*_MACHINE, *_CALLBACKS):
                self.findings.error(place.at(name), f"{name!r} is not known here: it is left out")
        self.add_states(self.root, source["states"], place.at("states"))
        initial = _named(source.get("initial", "initial"))
        if isinstance(initial, str) and self.find(self.root, initial) is None:
            self.root.children[initial] = _State(initial, place.at("initial"), self.root)
        self.root.initial = initial
        first = self.find(self.root, initial)
        if first is not None and any(state.said.get("on_enter") for state in first.chain()):
            self.findings.note(place.at("initial"), "its 'on_enter' runs at the start here, and does not there")
        self.add_transitions(self.root, source.get("transitions"), place.at("transitions"))
        self.add_ordered(place.at("ordered_transitions"))
        written = self.write(self.root)
        if source.get("auto_transitions", True):
            self.add_auto(place.at("auto_transitions"), written)
        return {"id": self.id} | written if self.needs_id else written

    def add_states(self, parent: _State, value: object, place: Place) -> None:
        for index, item in enumerate(listed(value)):
            at = place.item(index)
            said = item if isinstance(item, Mapping) else {"name": item}
            name = _named(said.get("name"))
            if not isinstance(name, str) or not name or name.startswith("#"):
                self.findings.error(at, f"a state cannot be called {name!r} here: it is left out")
                continue
            if name in parent.children:
                self.findings.error(at, f"there is a state {name!r} already")
                continue
            state = _State(name, at, parent, said=said)
            parent.children[name] = state
            for member in said:
                if member == "ignore_invalid_triggers":
                    self.findings.note_once(at.at(member), PROCESS)
                elif member not in (*_STATE, *_INSIDE):
                    self.findings.error(at.at(member), f"{member!r} is not known here: it is left out")
            inside = next((key for key in ("parallel", "children", "states") if said.get(key)), "")
            if inside:
                state.parallel = inside == "parallel"
                self.add_states(state, said[inside], at.at(inside))
            initial = [_named(one) for one in listed(said.get("initial"))]
            if len(initial) > 1 and set(initial) == set(state.children):
                state.parallel = True
            state.initial = initial[0] if len(initial) == 1 else initial
            self.add_transitions(state, said.get("transitions"), at.at("transitions"))

    def find(self, scope: _State, name: object) -> _State | None:
        """A state by its name, or by the names of its parents and its own, seen from ``scope``."""
        name = _named(name)
        if not isinstance(name, str):
            return None
        if name in scope.children:
            return scope.children[name]
        parts = name.split(self.separator)
        for count in range(1, len(parts)):
            child = scope.children.get(self.separator.join(parts[:count]))
            if child is not None:
                found = self.find(child, self.separator.join(parts[count:]))
                if found is not None:
                    return found
        return None

    # Transitions

    def add_transitions(self, scope: _State, value: object, place: Place) -> None:
        for index, item in enumerate(listed(value)):
            at = place.item(index)
            if isinstance(item, (list, tuple)):
                said: Mapping[str, Any] = dict(zip(_TRANSITION, item, strict=False))
            elif isinstance(item, Mapping):
                said = item
            else:
                self.findings.error(at, "expected an object or a list: it is left out")
                continue
            for member in said:
                if member not in _TRANSITION:
                    self.findings.error(at.at(member), f"{member!r} is not known here: it is left out")
            self.add_transition(scope, said, at)

    def add_transition(self, scope: _State, said: Mapping[str, Any], place: Place) -> None:
        trigger = _named(said.get("trigger"))
        if not isinstance(trigger, str) or not trigger:
            self.findings.error(place, "it has no trigger: it is left out")
            return
        if said.get("source") == "*":
            same = said.get("dest") == "="
            sources = list(scope.all() if same else scope.children.values())
        else:
            sources = []
            for name in listed(said.get("source")):
                source = self.find(scope, name)
                if source is None:
                    self.findings.error(place.at("source"), f"there is no state {_named(name)!r}")
                else:
                    sources.append(source)
        target: _State | None = None
        dest = said.get("dest")
        if dest is not None and dest != "=":
            target = self.find(scope, dest) or self.find(self.root, dest)
            if target is None:
                self.findings.error(place.at("dest"), f"there is no state {_named(dest)!r}: it is left out")
                return
        if listed(said.get("prepare")):
            self.findings.error(place.at("prepare"), "what is done before conditions are asked has no place here")
        self.left -= len(sources)
        if self.left < 0:
            raise ConversionError(f"as a document it has more than {MOST} transitions")
        for source in sources:
            to = source if dest == "=" else target
            source.on.setdefault(trigger, []).append(self.transition(source, to, said, place))

    def transition(self, source: _State, target: _State | None, said: Mapping[str, Any], place: Place) -> Any:
        written: Json = {}
        guards: list[Any] = list(self.callbacks(place.at("conditions"), said.get("conditions")))
        for name in self.callbacks(place.at("unless"), said.get("unless")):
            guards.append({"type": "xstate.not", "guard": name})
        if len(guards) < len(listed(said.get("conditions"))) + len(listed(said.get("unless"))):
            guards = [NEVER]
        if guards:
            written["guard"] = guards[0] if len(guards) == 1 else {"type": "xstate.and", "guards": guards}
        actions = [
            *self.callbacks(Place("$").at("before_state_change"), self.source.get("before_state_change")),
            *self.callbacks(place.at("before"), said.get("before")),
            *self.callbacks(place.at("after"), said.get("after")),
            *self.callbacks(Place("$").at("after_state_change"), self.source.get("after_state_change")),
        ]
        if target is not None:
            written["target"] = self.name_of(source, target)
            assert source.parent is not None
            if target is source and source.parent.parallel:  # what is inside it is left, but no other region
                leave = self.callbacks(source.place.at("on_exit"), source.said.get("on_exit"))
                actions = [*leave, *actions, *self.callbacks(source.place.at("on_enter"), source.said.get("on_enter"))]
            elif target is source:
                written["reenter"] = True
            self.look_at_order(source, target, said, place)
        if actions:
            written["actions"] = actions
        if isinstance(said.get("label"), str):
            written["description"] = said["label"]
        return written["target"] if written.keys() == {"target"} else written

    def look_at_order(self, source: _State, target: _State, said: Mapping[str, Any], place: Place) -> None:
        """There: before, exit, enter, after. Here: exit, before, after, enter."""
        left, entered = source.chain(), target.chain()
        before = said.get("before") or self.source.get("before_state_change")
        after = said.get("after") or self.source.get("after_state_change")
        leaves = any(state.said.get("on_exit") for state in (*left, *source.all()))
        enters = any(state.said.get("on_enter") for state in (*entered, *target.all()))
        if before and leaves:
            self.findings.warning(place, "its 'before' runs before 'on_exit' there, after it here")
        if after and enters:
            self.findings.warning(place, "its 'after' runs after 'on_enter' there, before it here")
        shared = [one for one, other in zip(left, entered, strict=False) if one is other]
        if source is target:
            return
        if len(entered) > len(shared) + 1 and shared[-1:] == [source]:
            self.findings.warning(place, "a state between that is active stays there; it is left and entered here")
        if shared and shared[-1].parallel and len(entered) > len(shared):
            message = f"it leaves one region of {shared[-1].name!r} there; here all of them are left and entered"
            self.findings.warning(place, message)

    def add_ordered(self, place: Place) -> None:
        if not self.source.get("ordered_transitions"):
            return
        states = list(self.root.all())
        first = self.find(self.root, self.root.initial)
        if first in states:
            at = states.index(first)
            states = states[at:] + states[:at]
        for state, following in zip(states, [*states[1:], states[0]], strict=True):
            state.on.setdefault("next_state", []).append(self.transition(state, following, {}, place))

    def add_auto(self, place: Place, written: Json) -> None:
        """``to_A`` leads to A from everywhere."""
        if not self.auto:
            message = "the events to_…, to each state from everywhere, are left out; SM.MUTATE … FORCE enters any state"
            self.findings.note_once(place, message)
            return
        on = written.setdefault("on", {})
        for state in self.root.all():
            names = [one.name for one in state.chain()]
            target = "." + ".".join(escaped(name) for name in names)
            on.setdefault("to_" + self.separator.join(names), {"target": target})

    # Writing

    def write(self, state: _State) -> Json:
        said, place = state.said, state.place
        written: Json = {}
        if state.parallel:
            written["type"] = "parallel"
        elif state.children:
            written["initial"] = self.initial(state, written)
        entry = self.callbacks(place.at("on_enter"), said.get("on_enter"))
        on_final = self.callbacks(place.at("on_final"), said.get("on_final"))
        if state.parent is self.root:
            on_final += self.callbacks(Place("$").at("on_final"), self.source.get("on_final"))
        if said.get("final"):
            if state.on or state.children or (self.auto and state.parent is self.root):
                message = "a final state is the end here, and this one can be left: it is none"
                self.findings.warning(place.at("final"), message)
                written["tags"] = ["final"]
            else:
                written["type"] = "final"
            entry += on_final
        elif on_final and any(one.said.get("final") for one in state.all()):
            written["onDone"] = {"actions": on_final}
        if entry:
            written["entry"] = entry
        leave = self.callbacks(place.at("on_exit"), said.get("on_exit"))
        if leave:
            written["exit"] = leave
        self.write_rest(state, written)
        for trigger, transitions in state.on.items():
            value = transitions[0] if len(transitions) == 1 else transitions
            written.setdefault("on", {})[trigger] = value
        if state.children:
            more = written.pop("states", {})
            written["states"] = {name: self.write(child) for name, child in state.children.items()} | more
        return written

    def write_rest(self, state: _State, written: Json) -> None:
        said, place = state.said, state.place
        seconds = said.get("timeout")
        if seconds:
            if isinstance(seconds, (int, float, str)) and _is_number(seconds):
                actions = self.callbacks(place.at("on_timeout"), said.get("on_timeout"))
                written["after"] = {str(round(float(seconds) * 1000)): {"actions": actions}}
            else:
                self.findings.error(place.at("timeout"), "expected seconds: it is left out")
        if said.get("tags"):
            written["tags"] = [*written.get("tags", []), *map(str, listed(said["tags"]))]
        if isinstance(said.get("label"), str):
            written["description"] = said["label"]

    def initial(self, state: _State, written: Json) -> str:
        """The child in which a state begins; where that is none of its own, one more is added."""
        said = state.initial
        if state is self.root and self.find(state, said) is None:
            self.findings.error(state.place.at("initial"), f"there is no state {said!r}")
            return next(iter(state.children))
        if not said:
            key = self.unused(state, "alone")
            written["states"] = {key: {}}
            self.findings.note(state.place, f"it may be active without a state inside it: the state {key!r} was added")
            return key
        found = self.find(state, said)
        if found is None:
            self.findings.error(state.place.at("initial"), f"there is no state {said!r} inside")
            return next(iter(state.children))
        chain = found.chain()[len(state.chain()) :]
        if all(self.find(outer, outer.initial) is inner for outer, inner in pairwise(chain)):
            return chain[0].name
        key = self.unused(state, "start")
        written["states"] = {key: {"always": ".".join(escaped(one.name) for one in chain)}}
        self.findings.note(state.place.at("initial"), f"the state {key!r} was added, which leads there at once")
        return key

    def unused(self, state: _State, key: str) -> str:
        while key in state.children:
            key += "-"
        return key

    def name_of(self, source: _State, target: _State) -> str:
        """The target, as a transition of ``source`` names it: from the closest state around both."""
        names = target.chain()
        if source in names[:-1]:
            return "." + ".".join(escaped(state.name) for state in names[names.index(source) + 1 :])
        assert source.parent is not None
        around = source.parent.chain()
        start, inside = "", names[len(around) :]
        if names[: len(around)] != around or not inside or inside[0].name.startswith("."):
            self.needs_id = True
            start, inside = f"#{escaped(self.id)}.", names
        return start + ".".join(escaped(state.name) for state in inside)


def _is_number(value: object) -> bool:
    try:
        return float(str(value)) > 0
    except ValueError:
        return False


def escaped(name: str) -> str:
    """A state's name as a part of a path."""
    return name.replace("\\", "\\\\").replace(".", "\\.")
