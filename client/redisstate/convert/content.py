"""Executable content, conditions and data of a Chart, to the actions, guards and context of our document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from . import expression as tree
from .cel import UNKNOWN_KINDS, Kind, Scope, cel, condition
from .chart import (
    Action,
    Assign,
    Cancel,
    Chart,
    Data,
    Effect,
    Expr,
    If,
    Log,
    Param,
    Raise,
    Send,
    Transition,
    Value,
)
from .expression import NO_CONSTANT, ExpressionFault, constant, parse
from .findings import Findings, Place

_PROCESSOR = ("scxml", "http://www.w3.org/TR/scxml/#SCXMLEventProcessor")
_TIME = re.compile(r"\s*\+?(\d{1,12}(?:\.\d*)?|\.\d+)\s*(ms|s|m|h|d)?\s*\Z", re.ASCII)
_MOST_ROUNDS = 10
"""Looks at all assignments for what kinds of values there are; what is not settled then may be of any."""
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

Json = dict[str, Any]


def milliseconds(text: str) -> int | None:
    """The time that CSS calls ``1.5s`` or ``500ms``; None where it is none."""
    found = _TIME.match(text)
    return None if found is None else round(float(found[1]) * _UNITS[found[2] or "ms"])


class Content:
    """What stands in states and transitions. ``payload`` in its methods: see ``cel.Scope``."""

    def __init__(self, chart: Chart, findings: Findings, state_path: Callable[[str], str | None]) -> None:
        self.chart = chart
        self.findings = findings
        self.state_path = state_path
        self.kinds: dict[str, Kind] = {}
        self.trees: dict[str, tree.Node] = {}
        self.context: Json = {}
        self.doubts: list[str] = []
        for datum in chart.data:
            self.datum(datum)
        self.settle_kinds()

    # Data

    def datum(self, datum: Data) -> None:
        if datum.id in self.context:
            self.findings.error(datum.place, f"the data {datum.id!r} is there twice")
            return
        value: Any = None
        kind: Kind = "any"
        if isinstance(datum.value, Value):
            value = self.checked(datum.value.value, datum.place)
            kind = kind_of(value)
            self.trees[datum.id] = tree.Literal(value)
            if isinstance(value, (list, dict)):
                del self.trees[datum.id]
        elif datum.value is not None:
            scope = self.scope(None)._replace(inline=self.trees)
            self.doubts.clear()
            try:
                node = parse(datum.value.text, self.chart.python)
                value = constant(node)
                kind = kind_of(value)
                if value is NO_CONSTANT:
                    found = cel(node, scope)
                    self.warn(datum.value.place)
                    value, kind = {"@expr": found.text}, found.kind
                value = self.checked(value, datum.place, expressions=True)
                self.trees[datum.id] = node
            except ExpressionFault as fault:
                self.findings.error(datum.value.place, f"{fault}: null")
                value, kind = None, "any"
        self.context[datum.id] = value
        self.kinds[datum.id] = kind

    def checked(self, value: Any, place: Place, expressions: bool = False) -> Any:
        """A value as it is, but for what would be an expression in our document."""
        if expressions and isinstance(value, dict) and value.keys() == {"@expr"}:
            return value
        pending = [value]
        while pending:
            one = pending.pop()
            if isinstance(one, dict):
                if "@expr" in one:
                    self.findings.error(place, "a member '@expr' would be an expression here: null")
                    return None
                pending.extend(one.values())
            elif isinstance(one, list):
                pending.extend(one)
        return value

    def settle_kinds(self) -> None:
        """A data item that is assigned values of another kind may be any."""
        assigns = [action for action in self.all_actions() if isinstance(action, Assign)]
        for _ in range(_MOST_ROUNDS):
            changed = False
            for action in assigns:
                if self.kinds.get(action.location, "any") == "any":
                    continue
                if isinstance(action.value, Value):
                    kind = kind_of(action.value.value)
                else:
                    try:
                        kind = cel(parse(action.value.text, self.chart.python), self.scope("")).kind
                    except ExpressionFault:
                        kind = "any"
                if kind != self.kinds[action.location]:
                    self.kinds[action.location] = "any"
                    changed = True
            if not changed:
                return
        self.kinds |= {action.location: "any" for action in assigns if action.location in self.kinds}

    def all_actions(self) -> Iterator[Action]:
        for state in self.chart.root.inside():
            yield from flat(state.entry)
            yield from flat(state.exit)
            for transition in (*state.transitions, *([state.initial] if state.initial else ())):
                yield from flat(transition.actions)

    # Expressions

    def scope(self, payload: str | None) -> Scope:
        return Scope(self.kinds, self.state_path, payload, None, self.chart.python, self.chart.name, self.doubts)

    def warn(self, place: Place) -> None:
        """The findings about what was written last."""
        for doubt in self.doubts:
            if doubt == UNKNOWN_KINDS:
                self.findings.warning_once(place, doubt)
            else:
                self.findings.warning(place, doubt)
        self.doubts.clear()

    def expression(self, expr: Expr, payload: str | None) -> Any:
        """JSON: the constant that the text is, or an expression. Raises ExpressionFault."""
        node = parse(expr.text, self.chart.python)
        value = constant(node)
        if value is not NO_CONSTANT:
            return self.checked(value, expr.place)
        self.doubts.clear()  # those of what failed, and was left out
        found = cel(node, self.scope(payload))
        self.warn(expr.place)
        return {"@expr": found.text}

    def said(self, value: Expr | Value, place: Place, payload: str | None) -> Any:
        """JSON. Raises ExpressionFault."""
        return self.checked(value.value, place) if isinstance(value, Value) else self.expression(value, payload)

    def value(self, value: Expr | Value, payload: str | None, instead: Any = None) -> Any:
        """The same, with a finding and ``instead`` where it cannot be said."""
        if isinstance(value, Value):
            return self.checked(value.value, Place("$"))
        try:
            return self.expression(value, payload)
        except ExpressionFault as fault:
            self.findings.error(value.place, f"{fault}: {'left out' if instead is None else instead}")
            return instead

    def members(self, params: Iterable[Param], payload: str | None) -> Json:
        return {param.name: self.value(param.value, payload) for param in params}

    def asks_none_of(self, choice: If, changed: set[str]) -> bool:
        """Whether the conditions of an ``if`` depend neither on these data nor on where the machine stands."""
        try:
            asked = [parse(expr.text, self.chart.python) for expr, _ in choice.branches if expr is not None]
        except ExpressionFault:
            return False
        return all(not names(node) & (changed | {"In", "in"}) for node in asked)

    # Guards

    def guard(self, transition: Transition, payload: str | None) -> Any:
        """The guard of a transition; None where it has none."""
        guards = []
        for expr, wanted in transition.conditions:
            self.doubts.clear()
            try:
                found = self.guard_of(parse(expr.text, self.chart.python), payload)
            except ExpressionFault as fault:
                self.findings.error(expr.place, f"{fault}: a guard of that name, which the client decides")
                found = expr.text or "cond"
                self.doubts.clear()
            self.warn(expr.place)
            guards.append(found if wanted else {"type": "xstate.not", "guard": found})
        if len(guards) > 1:
            return {"type": "xstate.and", "guards": guards}
        return guards[0] if guards else None

    def guard_of(self, node: tree.Node, payload: str | None) -> Any:
        """A condition, as one expression unless it asks for functions of the application's."""
        if not self.asks_client(node):
            return {"@expr": condition(node, self.scope(payload)).text}
        match node:
            case tree.Binary("or" | "and" as sign, left, right):
                guards = [self.guard_of(left, payload), self.guard_of(right, payload)]
                return {"type": f"xstate.{sign}", "guards": guards}
            case tree.Unary("!", operand):
                return {"type": "xstate.not", "guard": self.guard_of(operand, payload)}
            case tree.Name(name) | tree.Call(tree.Name(name), ()):
                return name
        return {"@expr": condition(node, self.scope(payload)).text}

    def asks_client(self, node: tree.Node) -> bool:
        match node:
            case tree.Binary("or" | "and", left, right):
                return self.asks_client(left) or self.asks_client(right)
            case tree.Unary("!", operand):
                return self.asks_client(operand)
            case tree.Name(name):
                return self.chart.callbacks and name not in self.kinds and not name.startswith("_")
            case tree.Call(tree.Name(name), ()):
                return name not in ("In", "in")
        return False

    # Actions

    def actions(self, actions: Iterable[Action], payload: str | None) -> list[Any]:
        found: list[Any] = []
        for action in actions:
            one = self.action(action, payload)
            if one is not None:
                found.append(one)
        return found

    def action(self, action: Action, payload: str | None) -> Any:
        try:
            match action:
                case Assign(place, location, value):
                    member = self.location(place, location)
                    return {"type": "@xstate.assign", "context": {member: self.said(value, place, payload)}}
                case Raise(place, event):
                    if not event:
                        raise ExpressionFault("an event needs a name")
                    return {"type": "@xstate.raise", "event": {"type": event}}
                case Cancel(_, identity):
                    said = identity if isinstance(identity, str) else self.expression(identity, payload)
                    return {"type": "@xstate.cancel", "id": said}
                case Log(_, label, value):
                    args: list[Any] = [] if label is None else [label]
                    return {
                        "type": "@xstate.log",
                        "args": args + [self.expression(one, payload) for one in (value,) if one],
                    }
                case Effect(_, name, params):
                    return {"type": name, "params": dict(params)} if params else name
                case Send():
                    return self.send(action, payload)
                case If():
                    return self.choice(action, payload)
        except ExpressionFault as fault:
            self.findings.error(action.place, f"{fault}: left out")
        return None

    def location(self, place: Place, location: str) -> str:
        if location.strip() in self.kinds:
            return location.strip()
        if re.match(r"\s*[\w$]+\s*[.\[]", location):
            raise ExpressionFault(f"it changes a part of data, {location!r}: only a whole item can be assigned here")
        raise ExpressionFault(f"there is no data {location!r}")

    def send(self, send: Send, payload: str | None) -> Any:
        def said(value: str | Expr | None) -> Any:
            return value if value is None or isinstance(value, str) else self.expression(value, payload)

        target, kind = said(send.target), said(send.type)
        event: Json = {"type": said(send.event)}
        if not event["type"]:
            raise ExpressionFault("an event needs a name")
        data = self.members(send.params, payload)
        if "type" in data:
            raise ExpressionFault("an event has its name in 'type': data of that name are not taken")
        delay: Any = None
        if isinstance(send.delay, str):
            delay = milliseconds(send.delay)
            if delay is None:
                raise ExpressionFault(f"{send.delay!r} is no time, as '1.5s' is")
        elif send.delay is not None:
            delay = self.expression(send.delay, payload)
            delay = milliseconds(delay) if isinstance(delay, str) else delay
        if kind in (None, *_PROCESSOR) and target in (None, "#_internal"):
            found = {"type": "@xstate.raise", "event": event | data}
            if target == "#_internal":
                if delay:
                    raise ExpressionFault("what is sent to '#_internal' has no delay")
                return found
            if delay is None:
                message = "an event that is sent, not raised, comes in a step of its own: its delay is 0"
                self.findings.note_once(send.place, message)
            return found | {"delay": delay or 0} | ({"id": send.id} if send.id else {})
        if delay:
            raise ExpressionFault("an effect has no delay: send an event to the machine itself, later")
        params = {"event": event["type"], "target": target, "type": kind, "id": send.id, "data": data}
        self.findings.note(send.place, "what is sent elsewhere is the effect 'send', which the application does")
        return {"type": "send", "params": {name: value for name, value in params.items() if value}}

    def choice(self, choice: If, payload: str | None) -> Any:
        """``if`` around assignments: each member gets the value of the branch that holds."""
        members: dict[str, None] = {}
        branches: list[tuple[tree.Node | None, dict[str, tree.Node]]] = []
        for asked, actions in choice.branches:
            assigned: dict[str, tree.Node] = {}
            for action in actions:
                if not isinstance(action, Assign):
                    raise ExpressionFault(f"only assignments may depend on an if, not what is at {action.place.path}")
                member = self.location(action.place, action.location)
                if isinstance(action.value, Expr):
                    node = parse(action.value.text, self.chart.python)
                elif isinstance(action.value.value, (list, dict)):
                    raise ExpressionFault(f"{action.location!r} is assigned a list or an object inside an if")
                else:
                    node = tree.Literal(action.value.value)
                if names(node) & assigned.keys():
                    raise ExpressionFault(f"{member!r} depends on what the same branch assigns before it")
                assigned[member] = node
                members[member] = None
            branches.append((None if asked is None else parse(asked.text, self.chart.python), assigned))
        context = {}
        self.doubts.clear()
        for member in members:
            chosen: tree.Node = tree.Name(member)
            for question, assigned in reversed(branches):
                then = assigned.get(member, tree.Name(member))
                chosen = then if question is None else tree.Conditional(question, then, chosen)
            context[member] = {"@expr": cel(chosen, self.scope(payload)).text}
        self.warn(choice.place)
        return {"type": "@xstate.assign", "context": context} if context else None


def flat(actions: Iterable[Action]) -> Iterator[Action]:
    """The actions, those inside an ``if`` too."""
    pending = list(actions)
    while pending:
        action = pending.pop()
        yield action
        if isinstance(action, If):
            for _, inner in action.branches:
                pending.extend(inner)


def names(node: tree.Node) -> set[str]:
    found = set()
    pending = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, tree.Name):
            found.add(one.name)
        pending.extend(tree.inside(one))
    return found


def reads_event(expr: Expr, python: bool) -> bool:
    """Whether an expression reads ``_event.data``."""
    try:
        return "_event" in names(parse(expr.text, python)) and "data" in expr.text
    except ExpressionFault:
        return False


def kind_of(value: object) -> Kind:
    if value is None or value is NO_CONSTANT:
        return "any"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "list" if isinstance(value, list) else "map" if isinstance(value, Mapping) else "any"
