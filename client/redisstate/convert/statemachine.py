"""Reading the JSON of python-statemachine (version 3.2) to a Chart: the model of SCXML, in words of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .chart import (
    Action,
    Assign,
    Cancel,
    Chart,
    Data,
    Effect,
    Expr,
    If,
    Invoke,
    Log,
    Param,
    Raise,
    Send,
    State,
    StateKind,
    Transition,
    Value,
)
from .findings import ConversionError, Findings, Place
from .scxml import INVOKED

_DOCUMENT = ("name", "description", "datamodel", "states")
_STATE = (*("initial", "final", "parallel", "enter", "exit", "transitions", "invoke", "states", "history", "donedata"),)
_TRANSITION = ("event", "target", "cond", "unless", "internal", "initial", "on", "before", "after")
_ACTIONS = ("assign", "raise", "log", "if", "foreach", "send", "cancel", "script")
_TRUE = ("true", "yes", "on", "1")


def read(document: Mapping[str, Any], findings: Findings) -> Chart:
    """The chart of a document. Raises ConversionError where it has no states."""
    states = document.get("states")
    if not isinstance(states, Mapping) or not states:
        raise ConversionError("it has no states")
    reader = _Reader(findings)
    place = Place("$")
    reader.check(place, document, _DOCUMENT)
    root = State(place, "")
    reader.children(root, place.at("states"), states)
    return Chart(
        root,
        reader.text(place.at("name"), document.get("name")) or "",
        reader.text(place.at("description"), document.get("description")) or "",
        list(reader.datamodel(place.at("datamodel"), document.get("datamodel"))),
        python=True,
        callbacks=True,
    )


def _flag(value: object) -> bool:
    return value.strip().lower() in _TRUE if isinstance(value, str) else bool(value)


class _Reader:
    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def check(self, place: Place, value: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for name in value:
            if name not in known:
                self.findings.error(place.at(str(name)), f"{name!r} is not known here: it is left out")

    def mapping(self, place: Place, value: object) -> Mapping[str, Any]:
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return value
        self.findings.error(place, "expected an object")
        return {}

    def listed(self, place: Place, value: object) -> Iterator[tuple[Any, Place]]:
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield item, place.item(index)
        elif value is not None:
            yield value, place

    def text(self, place: Place, value: object) -> str | None:
        if value is None or isinstance(value, str):
            return value
        self.findings.error(place, "expected a text")
        return None

    # States

    def children(self, state: State, place: Place, value: Mapping[str, Any]) -> None:
        initial = []
        for name, inner in value.items():
            at = place.at(name)
            child = self.state(name, at, self.mapping(at, inner))
            child.parent = state
            state.children.append(child)
            if _flag(self.mapping(at, inner).get("initial")):
                initial.append(name)
        if initial and state.kind != "parallel":
            state.initial = Transition(place, targets=initial[:1])

    def state(self, name: str, place: Place, value: Mapping[str, Any]) -> State:
        self.check(place, value, _STATE)
        kind: StateKind = "final" if _flag(value.get("final")) else "state"
        if _flag(value.get("parallel")):
            kind = "parallel"
        state = State(place, name, kind)
        state.entry = self.actions(place.at("enter"), value.get("enter"))
        state.exit = self.actions(place.at("exit"), value.get("exit"))
        for item, at in self.listed(place.at("transitions"), value.get("transitions")):
            said = self.mapping(at, item)
            if _flag(said.get("initial")):
                state.initial = self.transition(at, said)
            else:
                state.transitions.append(self.transition(at, said))
        explicit = state.initial
        self.children(state, place.at("states"), self.mapping(place.at("states"), value.get("states")))
        state.initial = explicit or state.initial
        for key, inner in self.mapping(place.at("history"), value.get("history")).items():
            history = self.history(key, place.at("history").at(key), inner)
            history.parent = state
            state.children.append(history)
        for item, at in self.listed(place.at("invoke"), value.get("invoke")):
            state.invokes.append(self.invoke(at, self.mapping(at, item)))
        if value.get("donedata") is not None:
            at = place.at("donedata")
            said = self.mapping(at, value["donedata"])
            content = self.text(at.at("content"), said.get("content"))
            state.output = self.params(at, said) if content is None else Expr(content, at.at("content"))
        return state

    def history(self, name: str, place: Place, value: object) -> State:
        said = self.mapping(place, value)
        self.check(place, said, ("type", "transitions"))
        history = State(place, name, "history", deep=said.get("type") == "deep")
        for item, at in self.listed(place.at("transitions"), said.get("transitions")):
            history.transitions.append(self.transition(at, self.mapping(at, item)))
        return history

    def transition(self, place: Place, value: Mapping[str, Any]) -> Transition:
        self.check(place, value, _TRANSITION)
        conditions = []
        for name, wanted in (("cond", True), ("unless", False)):
            for item, at in self.listed(place.at(name), value.get(name)):
                text = self.text(at, item)
                conditions.append((Expr("False", at), True) if text is None else (Expr(text, at), wanted))
        found = Transition(
            place,
            (self.text(place.at("event"), value.get("event")) or "").split(),
            (self.text(place.at("target"), value.get("target")) or "").split(),
            conditions,
            internal=_flag(value.get("internal")),
        )
        for name in ("before", "on", "after"):
            found.actions += self.actions(place.at(name), value.get(name))
            if name != "on" and value.get(name) and found.targets:
                when = "before states are left" if name == "before" else "after states are entered"
                self.findings.warning(place.at(name), f"it runs {when} there, with the transition here")
        return found

    def datamodel(self, place: Place, value: object) -> Iterator[Data]:
        if isinstance(value, Mapping):
            for name, said in value.items():
                yield self.datum(place.at(name), name, said)
            return
        for item, at in self.listed(place, value):
            said = self.mapping(at, item)
            self.check(at, said, ("id", "expr", "content", "src"))
            if said.get("src") is not None:
                self.findings.error(at.at("src"), "what another file holds is not read: null")
            if "content" in said:
                yield Data(at, str(said.get("id")), Value(said["content"]))
            else:
                yield self.datum(at.at("expr"), str(said.get("id")), said.get("expr"))

    def datum(self, place: Place, name: str, said: object) -> Data:
        if said is None:
            return Data(place, name, None)
        return Data(place, name, Expr(said, place) if isinstance(said, str) else Value(said))

    def invoke(self, place: Place, value: Mapping[str, Any]) -> Invoke:
        for name in value:
            if name not in ("type", "src", "id", "params", "namelist"):
                self.findings.error(place.at(name), f"{name!r} of a task is not known here: it is left out")
        self.findings.note_once(place, INVOKED)
        src = str(value.get("src") or value.get("type") or "statechart")
        identity = self.text(place.at("id"), value.get("id"))
        return Invoke(place, src, identity, self.params(place, value))

    def params(self, place: Place, value: Mapping[str, Any]) -> tuple[Param, ...]:
        found = []
        for name in str(value.get("namelist") or "").split():
            found.append(Param(name, Expr(name, place.at("namelist"))))
        for item, at in self.listed(place.at("params"), value.get("params")):
            said = self.mapping(at, item)
            text = self.text(at, said.get("expr", said.get("location")))
            if text is None:
                self.findings.error(at, "it has neither an expr nor a location")
            else:
                found.append(Param(str(said.get("name")), Expr(text, at)))
        return tuple(found)

    # Actions

    def actions(self, place: Place, value: object) -> list[Action]:
        """What is written out is done first, then the callbacks, whatever their order."""
        written: list[Action] = []
        callbacks: list[Action] = []
        for item, at in self.listed(place, value):
            if isinstance(item, str):
                callbacks.append(Effect(at, item))
                continue
            said = self.mapping(at, item)
            kinds = [name for name in said if name in _ACTIONS]
            if len(kinds) != 1 or len(said) != 1:
                self.findings.error(at, f"expected one of {', '.join(_ACTIONS)}")
                continue
            action = self.action(at.at(kinds[0]), kinds[0], said[kinds[0]])
            if action is not None:
                written.append(action)
        return [*written, *callbacks]

    def action(self, place: Place, kind: str, value: Any) -> Action | None:
        if kind in ("script", "foreach"):
            what = "a script is code" if kind == "script" else "there are no loops"
            self.findings.error(place, f"{what}: it is left out")
            return None
        if isinstance(value, str) and kind == "raise":
            return Raise(place, value)
        if isinstance(value, str) and kind == "log":
            return Log(place, None, Expr(value, place))
        said = self.mapping(place, value)

        def expression(name: str) -> Expr | None:
            text = self.text(place.at(name), said.get(name))
            return None if text is None else Expr(text, place.at(name))

        match kind:
            case "assign":
                return Assign(place, str(said.get("location", "")), expression("expr") or Value(None))
            case "raise":
                return Raise(place, str(said.get("event", "")))
            case "log":
                return Log(place, self.text(place.at("label"), said.get("label")), expression("expr"))
            case "cancel":
                identity = self.text(place.at("sendid"), said.get("sendid")) or expression("sendidexpr")
                return Cancel(place, identity) if identity else None
            case "if":
                return self.choice(place, said)
        for name in ("idlocation", "content"):
            if said.get(name) is not None:
                self.findings.error(place.at(name), f"{name!r} of an event is not known here: it is left out")
        target = {"internal": "#_internal", "parent": "#_parent"}.get(said.get("target", ""), said.get("target"))
        return Send(
            place,
            said.get("event") or expression("eventexpr"),
            said.get("delay") or expression("delayexpr"),
            target,
            said.get("type"),
            said.get("id"),
            self.params(place, said),
        )

    def choice(self, place: Place, value: Mapping[str, Any]) -> Action:
        branches: list[tuple[Expr | None, tuple[Action, ...]]] = []
        parts = [(value, place), *self.listed(place.at("elif"), value.get("elif"))]
        for part, at in parts:
            asked = Expr(str(part.get("cond")), at.at("cond"))
            branches.append((asked, tuple(self.actions(at.at("then"), part.get("then")))))
        if "else" in value:
            branches.append((None, tuple(self.actions(place.at("else"), value["else"]))))
        return If(place, tuple(branches))
