"""From the tree of an expression to CEL, the language of our documents.

What ECMAScript and Python take for true, division, and ``+`` of texts are written out, so that the result is the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from .expression import (
    Binary,
    Call,
    Conditional,
    ExpressionFault,
    Index,
    ListOf,
    MapOf,
    Member,
    Name,
    Node,
    Unary,
)
from .expression import Literal as Constant

Kind = Literal["bool", "number", "string", "list", "map", "null", "any"]

LONGEST = 16_384
"""Characters that the server takes as one expression."""

_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)
_RESERVED = frozenset(
    (
        *("as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop"),
        *("package", "namespace", "null", "return", "true", "var", "void", "while"),
    )
)
_RANKS = {"or": 2, "and": 3, **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), 4), "+": 5, "-": 5}
_PRODUCT, _UNARY, _POSTFIX = 6, 7, 8
_METHODS = {"startswith": "startsWith", "endswith": "endsWith", "startsWith": "startsWith", "endsWith": "endsWith"}
_NULL = Constant(None)
_SIGNS = {"or": "||", "and": "&&"}
UNKNOWN_KINDS = (
    "what is compared may be of two kinds, such as an event's data: ECMAScript would convert them to one kind, here "
    "they are not. Said once, for all comparisons of what has no known kind"
)
"""A doubt that is the same in many places."""


class Text(NamedTuple):
    """CEL, with the rank of its outermost operator (a higher one binds tighter) and the kind of its value."""

    text: str
    rank: int
    kind: Kind

    def within(self, rank: int) -> str:
        """In brackets where it stands beside an operator of ``rank``."""
        return self.text if self.rank >= rank else f"({self.text})"


class Scope(NamedTuple):
    """What names mean where an expression stands."""

    data: Mapping[str, Kind]
    """The members of the context."""
    state_path: Callable[[str], str | None]
    """The path of the state with an id."""
    payload: str | None = ""
    """Where ``_event.data`` stands: ``output`` for done events, ``error`` for failed tasks, "" for all others, whose
    data are members of the event; None where there is no event."""
    inline: Mapping[str, Node] | None = None
    """Instead of the context, for its first values: what each name stands for."""
    python: bool = False
    machine: str = ""
    doubts: list[str] | None = None
    """Gets what the source's language may do otherwise."""


def cel(node: Node, scope: Scope) -> Text:
    """The CEL of a value. Raises ExpressionFault, which names what is not known."""
    found = _Writer(scope).value(node)
    return _bounded(found)


def condition(node: Node, scope: Scope) -> Text:
    """The CEL of a condition: a bool, whatever the value."""
    return _bounded(_Writer(scope).truth(node))


def quoted(text: str) -> str:
    escaped = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{escaped}'"


def _bounded(found: Text) -> Text:
    if len(found.text) > LONGEST:
        raise ExpressionFault(f"as CEL it is longer than {LONGEST} characters")
    return found


def _reference(of: str, name: str) -> str:
    if _SIMPLE.match(name) and name not in _RESERVED:
        return f"{of}.{name}"
    return f"{of}[{quoted(name)}]"


class _Writer:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.inlined = 0

    # Values

    def value(self, node: Node) -> Text:
        match node:
            case Constant(value):
                return self.literal(value)
            case Name(name):
                return self.name(name)
            case Member() | Index():
                return self.reference(node)
            case Call(function, arguments):
                return self.call(function, arguments)
            case Unary(sign, operand):
                return self.unary(sign, operand)
            case Binary(sign, left, right):
                return self.binary(sign, left, right)
            case Conditional(asked, then, otherwise):
                return self.choice(self.truth(asked), self.value(then), self.value(otherwise))
            case ListOf(items):
                return Text(f"[{', '.join(self.value(item).text for item in items)}]", _POSTFIX, "list")
            case MapOf(pairs):
                members = (f"{quoted(name)}: {self.value(item).text}" for name, item in pairs)
                return Text(f"{{{', '.join(members)}}}", _POSTFIX, "map")

    def literal(self, value: Any) -> Text:
        if value is None:
            return Text("null", _POSTFIX, "null")
        if isinstance(value, bool):
            return Text("true" if value else "false", _POSTFIX, "bool")
        if isinstance(value, str):
            return Text(quoted(value), _POSTFIX, "string")
        number = float(value) if isinstance(value, int) and abs(value) >= 2**63 else value
        return Text(repr(number), _POSTFIX, "number")

    def name(self, name: str) -> Text:
        if self.scope.inline is not None and name in self.scope.inline:
            self.inlined += 1
            if self.inlined > 100:
                raise ExpressionFault("refers to too much data")
            return self.value(self.scope.inline[name])
        if name == "_name":
            return self.literal(self.scope.machine)
        if name == "_event":
            raise ExpressionFault("of '_event' its members 'name' and 'data' are known here")
        if name in ("NaN", "Infinity") or name.startswith("_"):
            raise ExpressionFault(f"{name!r} is not known here")
        if name not in self.scope.data:
            raise ExpressionFault(f"there is no data {name!r}")
        if self.scope.inline is not None:
            raise ExpressionFault(f"{name!r} has no value yet")
        return Text(_reference("context", name), _POSTFIX, self.scope.data[name])

    def event_member(self, node: Node) -> list[str] | None:
        """The members of the event that ``_event.…`` names; None where it is no such path."""
        names: list[str] = []
        while isinstance(node, Member):
            names.insert(0, node.name)
            node = node.of
        if node != Name("_event") or not names:
            return None
        if self.scope.payload is None:
            raise ExpressionFault("'_event' has no value at the start")
        if names[0] == "name" and len(names) == 1:
            return ["type"]
        if names[0] != "data":
            raise ExpressionFault(f"'_event.{names[0]}' is not known here")
        if self.scope.payload:
            return [self.scope.payload, *names[1:]]
        if len(names) == 1:
            raise ExpressionFault("'_event.data' as a whole is not known here: its members are the event's")
        return names[1:]

    def reference(self, node: Member | Index) -> Text:
        path = self.event_member(node)
        if path is not None:
            text = "event"
            for name in path:
                text = _reference(text, name)
            return Text(text, _POSTFIX, "string" if path == ["type"] else "any")
        of = self.value(node.of)
        inside = of.within(_POSTFIX)
        if isinstance(node, Index):
            return Text(f"{inside}[{self.value(node.key).text}]", _POSTFIX, "any")
        if node.name == "length" and not self.scope.python and of.kind != "map":
            return Text(f"size({of.text})", _POSTFIX, "number")
        return Text(_reference(inside, node.name), _POSTFIX, "any")

    def is_there(self, node: Node) -> str | None:
        """CEL that asks whether a member of the event was sent; None for what is always there."""
        path = self.event_member(node) if isinstance(node, Member) else None
        if path is None or path == ["type"]:
            return None
        of = "event"
        for name in path[:-1]:
            of = _reference(of, name)
        if _SIMPLE.match(path[-1]) and path[-1] not in _RESERVED:
            return f"has({of}.{path[-1]})"
        return f"{quoted(path[-1])} in {of}"

    # Conditions

    def truth(self, node: Node) -> Text:
        """What the source's language takes for true."""
        match node:
            case Binary("or" | "and" as sign, left, right):
                rank = _RANKS[sign]
                text = f"{self.truth(left).within(rank)} {_SIGNS[sign]} {self.truth(right).within(rank + 1)}"
                return Text(text, rank, "bool")
            case Unary("!", operand):
                return self.negated(operand)
            case Conditional(asked, then, otherwise):
                return self.choice(self.truth(asked), self.truth(then), self.truth(otherwise))
        found = self.value(node)
        if found.kind == "bool":
            return found
        if found.kind == "number":
            return Text(f"{found.within(5)} != 0", 4, "bool")
        if found.kind == "string":
            return Text(f"{found.within(5)} != ''", 4, "bool")
        if found.kind in ("list", "map"):
            return Text(f"size({found.text}) > 0" if self.scope.python else "true", 4, "bool")
        if found.kind == "null":
            return Text("false", _POSTFIX, "bool")
        empty = ", [], {}" if self.scope.python else ""
        text = f"!({found.within(5)} in [null, false, 0, ''{empty}])"
        there = self.is_there(node)
        return Text(text, _UNARY, "bool") if there is None else Text(f"{there} && {text}", 3, "bool")

    def negated(self, operand: Node) -> Text:
        return Text(f"!{self.truth(operand).within(_UNARY)}", _UNARY, "bool")

    def choice(self, asked: Text, then: Text, otherwise: Text) -> Text:
        kind: Kind = then.kind if then.kind == otherwise.kind else "any"
        return Text(f"{asked.within(2)} ? {then.within(2)} : {otherwise.within(2)}", 1, kind)

    # Operators

    def unary(self, sign: str, operand: Node) -> Text:
        if sign == "!":
            return self.negated(operand)
        if sign == "typeof":
            raise ExpressionFault("'typeof' is known here in comparisons with a type's name alone")
        found = self.value(operand)
        if sign == "+":
            return found if found.kind == "number" else Text(f"double({found.text})", _POSTFIX, "number")
        return Text(f"-{found.within(_POSTFIX)}", _UNARY, "number")

    def binary(self, sign: str, left: Node, right: Node) -> Text:
        if sign in ("or", "and"):
            return self.either(sign, left, right)
        if sign in ("==", "!=", "===", "!=="):
            return self.equality(sign[:2], left, right, converts=len(sign) == 2)
        if sign == "in":
            return self.contained(self.value(left), self.value(right))
        a, b = self.value(left), self.value(right)
        if sign in ("<", "<=", ">", ">="):
            self.doubt(sign, a, b)
            return Text(f"{a.within(5)} {sign} {b.within(5)}", 4, "bool")
        if sign == "+":
            return self.plus(a, b)
        if sign == "-":
            return Text(f"{a.within(5)} - {b.within(6)}", 5, "number")
        if sign == "/":
            return Text(f"double({a.text}) / {b.within(_UNARY)}", _PRODUCT, "number")
        if sign == "//":
            raise ExpressionFault("'//' is not known here; write a division, or int(a / b) for what is positive")
        if sign == "%" and self.scope.python:
            left_side, right_side = a.within(_PRODUCT), b.within(_UNARY)
            return Text(f"(({left_side} % {right_side}) + {right_side}) % {right_side}", _PRODUCT, "number")
        return Text(f"{a.within(_PRODUCT)} {sign} {b.within(_UNARY)}", _PRODUCT, "number")

    def either(self, sign: str, left: Node, right: Node) -> Text:
        """``a or b`` as a value is one of the two."""
        a, b = self.value(left), self.value(right)
        if a.kind == b.kind == "bool":
            rank = _RANKS[sign]
            return Text(f"{a.within(rank)} {_SIGNS[sign]} {b.within(rank + 1)}", rank, "bool")
        asked = self.truth(left)
        return _bounded(self.choice(asked, a, b) if sign == "or" else self.choice(asked, b, a))

    def doubt(self, sign: str, a: Text, b: Text) -> None:
        """ECMAScript compares a text with a number as numbers; CEL does not convert what it compares."""
        if self.scope.doubts is None or self.scope.python or (a.kind == b.kind != "any"):
            return
        if "any" in (a.kind, b.kind):
            self.scope.doubts.append(UNKNOWN_KINDS)
            return
        sides = " and ".join("null" if one.kind == "null" else f"a {one.kind}" for one in (a, b))
        self.scope.doubts.append(f"{sign} of {sides}: ECMAScript would convert them to one kind, here they are not")

    def equality(self, sign: str, left: Node, right: Node, converts: bool = False) -> Text:
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Unary) and one.sign == "typeof":
                return self.type_is(sign, one.operand, other)
            if other == Constant(None):
                there = self.is_there(one)
                if there is not None:
                    text = self.value(one).text
                    if sign == "==":
                        return Text(f"!({there}) || {text} == null", 2, "bool")
                    return Text(f"{there} && {text} != null", 3, "bool")
        for one, other in ((left, right), (right, left)):
            match one, other:
                case Call(Member(of, "indexOf"), (item,)), Unary("-", Constant(1)):
                    found = self.contained(self.value(item), self.value(of))
                    return found if sign == "!=" else Text(f"!{found.within(_UNARY)}", _UNARY, "bool")
        a, b = self.value(left), self.value(right)
        if converts and "null" not in (a.kind, b.kind):
            self.doubt(sign, a, b)
        return Text(f"{a.within(5)} {sign} {b.within(5)}", 4, "bool")

    def type_is(self, sign: str, operand: Node, name: Node) -> Text:
        names = {"string": ("string",), "boolean": ("bool",), "number": ("int", "double"), "undefined": ()}
        if not isinstance(name, Constant) or name.value not in names:
            raise ExpressionFault("'typeof' is compared here with 'undefined', 'string', 'number' or 'boolean'")
        if name.value == "undefined":
            return self.equality(sign, operand, Constant(None))
        found = self.value(operand).text
        asked = " || ".join(f"type({found}) == {one}" for one in names[name.value])
        rank = 4 if len(names[name.value]) == 1 else 2
        return Text(asked, rank, "bool") if sign == "==" else Text(f"!({asked})", _UNARY, "bool")

    def contained(self, item: Text, holder: Text) -> Text:
        if holder.kind == "string":
            return Text(f"{holder.within(_POSTFIX)}.contains({item.text})", _POSTFIX, "bool")
        return Text(f"{item.within(5)} in {holder.within(5)}", 4, "bool")

    def plus(self, a: Text, b: Text) -> Text:
        """ECMAScript makes a text of the other side where one is a text."""
        sides = [a.within(5), b.within(6)]
        if "string" in (a.kind, b.kind):
            if not self.scope.python:
                sides = [
                    side if one.kind == "string" else f"string({one.text})"
                    for side, one in zip(sides, (a, b), strict=True)
                ]
            return Text(" + ".join(sides), 5, "string")
        kind: Kind = a.kind if a.kind == b.kind else "any"
        return Text(" + ".join(sides), 5, kind)

    # Functions

    def call(self, function: Node, arguments: tuple[Node, ...]) -> Text:
        match function:
            case Name(name):
                return self.function(name, arguments)
            case Member(Name("Math"), name):
                return self.function(f"Math.{name}", arguments)
            case Member(of, name):
                return self.method(of, name, arguments)
        raise ExpressionFault("what is called is no function that is known here")

    def function(self, name: str, arguments: tuple[Node, ...]) -> Text:
        if name in ("In", "in"):
            return self.in_state(arguments)
        if name in ("Math.min", "Math.max", "min", "max") and len(arguments) == 2:
            a, b = (self.value(argument) for argument in arguments)
            sign = "<=" if name.endswith("min") else ">="
            return Text(f"{a.within(5)} {sign} {b.within(5)} ? {a.within(2)} : {b.within(2)}", 1, "number")
        conversions: dict[str, tuple[str, Kind]] = {
            **dict.fromkeys(("String", "str"), ("string", "string")),
            **dict.fromkeys(("Number", "parseFloat", "float"), ("double", "number")),
            **dict.fromkeys(("parseInt", "int"), ("int", "number")),
            "len": ("size", "number"),
        }
        if len(arguments) == 1:
            if name in conversions:
                target, kind = conversions[name]
                return Text(f"{target}({self.value(arguments[0]).text})", _POSTFIX, kind)
            if name in ("Boolean", "bool"):
                return self.truth(arguments[0])
            if name in ("Math.abs", "abs"):
                found = self.value(arguments[0])
                return Text(f"{found.within(5)} < 0 ? -{found.within(_POSTFIX)} : {found.within(2)}", 1, "number")
        raise ExpressionFault(f"the function {name!r} is not known here")

    def in_state(self, arguments: tuple[Node, ...]) -> Text:
        found = []
        for argument in arguments:
            if not isinstance(argument, Constant) or not isinstance(argument.value, str):
                raise ExpressionFault("In() wants the id of a state, as a text")
            path = self.scope.state_path(argument.value)
            if path is None:
                raise ExpressionFault(f"there is no state {argument.value!r}")
            found.append(f"inState({quoted(path)})")
        if not found:
            raise ExpressionFault("In() wants the id of a state")
        return Text(" && ".join(found), _POSTFIX if len(found) == 1 else 3, "bool")

    def method(self, of: Node, name: str, arguments: tuple[Node, ...]) -> Text:
        if name == "get" and self.scope.python and 1 <= len(arguments) <= 2:
            return self.got(of, *arguments)
        if len(arguments) == 1:
            holder, item = self.value(of), self.value(arguments[0])
            if name in _METHODS:
                return Text(f"{holder.within(_POSTFIX)}.{_METHODS[name]}({item.text})", _POSTFIX, "bool")
            if name == "includes" and holder.kind in ("list", "string"):
                return self.contained(item, holder)
            if name == "concat" and item.kind == "list":
                return Text(f"{holder.within(5)} + {item.within(6)}", 5, "list")
        if name in ("toString", "String") and not arguments:
            return Text(f"string({self.value(of).text})", _POSTFIX, "string")
        raise ExpressionFault(f"the method {name!r} is not known here")

    def got(self, of: Node, key: Node, default: Node = _NULL) -> Text:
        """Python's ``get``."""
        if not isinstance(key, Constant) or not isinstance(key.value, str):
            raise ExpressionFault("get() wants the name of a member, as a text")
        whole = of == Member(Name("_event"), "data") and not self.scope.payload
        holder = "event" if whole else self.value(of).within(_POSTFIX)
        found = Text(_reference(holder, key.value), _POSTFIX, "any")
        return self.choice(Text(f"{quoted(key.value)} in {holder}", 4, "bool"), found, self.value(default))
