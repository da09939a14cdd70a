"""Reading SCXML (https://www.w3.org/TR/scxml/) to a Chart. What has no counterpart is a finding, with its element."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, get_args

from . import xml
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
from .findings import ConversionError, Findings
from .xml import Element

INVOKED = "what is invoked is a task: a worker does it and reports SM.DONE or SM.FAIL"
NAMESPACE = "http://www.w3.org/2005/07/scxml"
_PYTHON = ("python", "py")
_STATES = get_args(StateKind)
_ATTRIBUTES = {
    "scxml": ("initial", "name", "version", "datamodel", "binding", "exmode"),
    "state": ("id", "initial"),
    "parallel": ("id",),
    "final": ("id",),
    "history": ("id", "type"),
    "transition": ("event", "cond", "target", "type"),
    "data": ("id", "src", "expr"),
    "assign": ("location", "expr"),
    "raise": ("event",),
    "log": ("label", "expr"),
    "if": ("cond",),
    "elseif": ("cond",),
    "send": (
        *("event", "eventexpr", "target", "targetexpr", "type", "typeexpr"),
        *("id", "idlocation", "delay", "delayexpr", "namelist"),
    ),
    "cancel": ("sendid", "sendidexpr"),
    "invoke": ("type", "typeexpr", "src", "srcexpr", "id", "idlocation", "namelist", "autoforward"),
    "param": ("name", "expr", "location"),
    "content": ("expr",),
}
_CHILDREN: dict[str, tuple[str, ...]] = {
    "scxml": ("state", "parallel", "final", "datamodel", "script"),
    "state": (
        *("onentry", "onexit", "transition", "initial", "state", "parallel", "final", "history"),
        *("datamodel", "invoke"),
    ),
    "parallel": ("onentry", "onexit", "transition", "state", "parallel", "history", "datamodel", "invoke"),
    "final": ("onentry", "onexit", "donedata"),
    "history": ("transition",),
    "initial": ("transition",),
    "datamodel": ("data",),
    "donedata": ("content", "param"),
    "invoke": ("param", "finalize", "content"),
    "send": ("content", "param"),
}


def read(document: bytes, findings: Findings) -> Chart:
    """The chart of an SCXML document. Raises ConversionError where it is none."""
    root = xml.read(document)
    if root.name != "scxml" or root.namespace not in (NAMESPACE, ""):
        raise ConversionError(f"the root is <{root.name}>, not <scxml>")
    return _Reader(root, findings).chart()


def literal(text: str) -> Any:
    """What the content of an element stands for: JSON, else its text with single spaces."""
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        return " ".join(text.split())


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


class _Reader:
    def __init__(self, root: Element, findings: Findings) -> None:
        self.root = root
        self.findings = findings
        self.data: list[Data] = []
        self.ids: dict[str, Element] = {}
        self.unnamed = 0

    def chart(self) -> Chart:
        root = self.root
        model = root.attributes.get("datamodel", "null")
        if model not in ("null", "ecmascript", *_PYTHON):
            message = f"expressions of {model!r} are read as those of 'ecmascript'; 'python' is known too"
            self.findings.error(root.place.at("datamodel"), message)
        if root.attributes.get("binding") == "late":
            self.findings.warning(root.place.at("binding"), "all data have their values from the start")
        state = self.state(root, "state")
        return Chart(state, root.attributes.get("name", ""), data=self.data, python=model in _PYTHON)

    # What is not known

    def check(self, element: Element) -> None:
        """Names the attributes and children that an element does not have."""
        known = _ATTRIBUTES.get(element.name, ())
        for name in element.attributes:
            if name.startswith("{"):
                self.findings.note_once(element.place.at(name), f"{name}: attributes of tools are left out")
            elif name not in known:
                self.findings.error(element.place.at(name), f"<{element.name}> has no attribute {name!r}")
        if element.name not in _CHILDREN:
            return
        for child in element.children:
            if child.namespace != element.namespace:
                self.findings.note_once(child.place, f"<{child.name}> of {child.namespace!r}: left out")
            elif child.name not in _CHILDREN[element.name]:
                self.findings.error(child.place, f"<{child.name}> inside <{element.name}> is not known")
        if element.content and element.name != "scxml":
            self.findings.error(element.place, f"<{element.name}> has text, {element.content[:40]!r}")

    def expression(self, element: Element, name: str) -> Expr | None:
        text = element.attributes.get(name)
        return None if text is None else Expr(text, element.place.at(name))

    def words(self, element: Element, name: str) -> list[str]:
        return element.attributes.get(name, "").split()

    # States

    def identity(self, element: Element) -> str:
        said = element.attributes.get("id")
        if not said:
            if element.name != "scxml":
                self.unnamed += 1
                said = f"{element.name}-{self.unnamed}"
                self.findings.note(element.place, f"it has no id: {said!r}")
            return said or ""
        if said in self.ids:
            first = self.ids[said].place
            self.findings.error(element.place.at("id"), f"the id {said!r} is that of line {first.line} already")
            self.unnamed += 1
            return f"{said}-{self.unnamed}"
        self.ids[said] = element
        return said

    def state(self, element: Element, kind: StateKind) -> State:
        self.check(element)
        state = State(element.place, self.identity(element), kind)
        if "initial" in element.attributes:
            state.initial = Transition(element.place.at("initial"), targets=self.words(element, "initial"))
        for child in element.children:
            if child.namespace != element.namespace or child.name not in _CHILDREN.get(element.name, ()):
                continue
            if child.name in _STATES:
                inner = self.state(child, child.name)  # type: ignore[arg-type]
                inner.parent = state
                state.children.append(inner)
            else:
                self.part(state, child)
        if kind == "history":
            self.history(state, element)
        return state

    def part(self, state: State, element: Element) -> None:
        """A child of a state that is no state."""
        if element.name in ("onentry", "onexit"):
            self.check(element)
            (state.entry if element.name == "onentry" else state.exit).extend(self.content(element.children))
        elif element.name == "transition":
            state.transitions.append(self.transition(element))
        elif element.name == "initial":
            self.check(element)
            found = [self.transition(child) for child in element.named("transition")]
            if state.initial is not None or len(found) != 1:
                self.findings.error(element.place, "expected one transition, and no attribute 'initial' beside it")
            else:
                state.initial = found[0]
        elif element.name == "datamodel":
            self.check(element)
            self.data.extend(self.datum(child) for child in element.named("data"))
        elif element.name == "donedata":
            state.output = self.donedata(element)
        elif element.name == "invoke":
            self.invoke(state, element)
        elif element.name == "script":
            self.findings.error(element.place, "a script is code: it is left out")

    def history(self, state: State, element: Element) -> None:
        said = element.attributes.get("type", "shallow")
        if said not in ("shallow", "deep"):
            self.findings.error(element.place.at("type"), f"expected 'shallow' or 'deep', got {said!r}")
        state.deep = said == "deep"

    def transition(self, element: Element) -> Transition:
        self.check(element)
        condition = self.expression(element, "cond")
        said = element.attributes.get("type", "external")
        if said not in ("internal", "external"):
            self.findings.error(element.place.at("type"), f"expected 'internal' or 'external', got {said!r}")
        return Transition(
            element.place,
            self.words(element, "event"),
            self.words(element, "target"),
            [] if condition is None else [(condition, True)],
            self.content(element.children),
            said == "internal",
        )

    def datum(self, element: Element) -> Data:
        self.check(element)
        name = element.attributes.get("id", "")
        if not name:
            self.findings.error(element.place, "<data> needs an id")
        if "src" in element.attributes:
            self.findings.error(element.place.at("src"), "what another file holds is not read: null")
        value: Expr | Value | None = self.expression(element, "expr")
        if value is None:
            value = self.inline(element)
        return Data(element.place, name, value)

    def inline(self, element: Element) -> Value | None:
        """The content of an element as a value."""
        if element.children:
            self.findings.error(element.children[0].place, "XML is no value here: null")
            return Value(None)
        return Value(literal(element.content)) if element.content else None

    def donedata(self, element: Element) -> Expr | Value | tuple[Param, ...] | None:
        self.check(element)
        for content in element.named("content"):
            return self.value_of(content)
        return self.params(element)

    def value_of(self, content: Element) -> Expr | Value:
        self.check(content)
        said = self.expression(content, "expr")
        return said if said is not None else self.inline(content) or Value(None)

    def params(self, element: Element) -> tuple[Param, ...]:
        found = []
        for name in self.words(element, "namelist"):
            found.append(Param(name, Expr(name, element.place.at("namelist"))))
        for child in element.named("param"):
            self.check(child)
            value = self.expression(child, "expr") or self.expression(child, "location")
            if value is None or not child.attributes.get("name"):
                self.findings.error(child.place, "<param> needs a name, and an expr or a location")
            else:
                found.append(Param(child.attributes["name"], value))
        return tuple(found)

    def invoke(self, state: State, element: Element) -> None:
        self.check(element)
        for name in ("typeexpr", "srcexpr", "idlocation"):
            if name in element.attributes:
                self.findings.error(element.place.at(name), "what a task is called does not follow from data here")
        if element.attributes.get("autoforward") == "true":
            self.findings.error(element.place.at("autoforward"), "a task is not sent the machine's events")
        for child in element.named("finalize"):
            self.findings.error(child.place, "a task reports its end alone: what is done about each event is left out")
        for child in element.named("content"):
            self.findings.error(child.place, "a machine inside a machine is not known: it is a task")
        src = element.attributes.get("src") or element.attributes.get("type") or "scxml"
        self.findings.note_once(element.place, INVOKED)
        state.invokes.append(Invoke(element.place, src, element.attributes.get("id"), self.params(element)))

    # Executable content

    def content(self, elements: Iterable[Element]) -> list[Action]:
        found = [self.action(element) for element in elements]
        return [action for action in found if action is not None]

    def action(self, element: Element) -> Action | None:
        if element.namespace != self.root.namespace:
            params = tuple((name, value) for name, value in element.attributes.items() if not name.startswith("{"))
            if element.children or element.content:
                self.findings.error(element.place, f"<{element.name}> is an effect: what is inside it is left out")
            self.findings.note(element.place, f"<{element.name}> of {element.namespace!r}: the effect {element.name!r}")
            return Effect(element.place, element.name, params)
        if element.name in ("script", "foreach"):
            what = "a script is code" if element.name == "script" else "there are no loops"
            self.findings.error(element.place, f"{what}: it is left out")
            return None
        self.check(element)
        match element.name:
            case "assign":
                return self.assign(element)
            case "raise":
                return Raise(element.place, element.attributes.get("event", ""))
            case "log":
                return Log(element.place, element.attributes.get("label"), self.expression(element, "expr"))
            case "send":
                return self.send(element)
            case "cancel":
                identity = element.attributes.get("sendid") or self.expression(element, "sendidexpr")
                return Cancel(element.place, identity) if identity else None
            case "if":
                return self.choice(element)
        self.findings.error(element.place, f"<{element.name}> is not known: it is left out")
        return None

    def assign(self, element: Element) -> Action:
        value: Expr | Value | None = self.expression(element, "expr")
        if value is None:
            value = self.inline(element) or Value(None)
        return Assign(element.place, element.attributes.get("location", ""), value)

    def send(self, element: Element) -> Action:
        params = list(self.params(element))
        for content in element.named("content"):
            value = self.value_of(content)
            if isinstance(value, Value) and isinstance(value.value, dict):
                params.extend(Param(name, Value(inner)) for name, inner in value.value.items())
            else:
                self.findings.error(content.place, "an event's data are members: an object of literals, or <param>")
        if "idlocation" in element.attributes:
            self.findings.error(element.place.at("idlocation"), "no id is made up and kept in the data: give it one")
        said = element.attributes
        return Send(
            element.place,
            said.get("event") or self.expression(element, "eventexpr"),
            said.get("delay") or self.expression(element, "delayexpr"),
            said.get("target") or self.expression(element, "targetexpr"),
            said.get("type") or self.expression(element, "typeexpr"),
            said.get("id"),
            tuple(params),
        )

    def choice(self, element: Element) -> Action:
        branches: list[tuple[Expr | None, list[Element]]] = [(self.expression(element, "cond"), [])]
        for child in element.children:
            if child.namespace == element.namespace and child.name in ("elseif", "else"):
                self.check(child)
                branches.append((self.expression(child, "cond"), []))
            else:
                branches[-1][1].append(child)
        return If(element.place, tuple((asked, tuple(self.content(inner))) for asked, inner in branches))
