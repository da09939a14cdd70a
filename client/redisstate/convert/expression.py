"""Expressions as people write them in SCXML and for Python machines: a part of ECMAScript and of Python, to a tree.

One parser reads both, since charts mix them (``x == 1 && not done``). The dialect decides where they differ, as in
``a < b < c``. What is not known is refused by name.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

LONGEST = 4096
"""Characters of an expression."""
DEEPEST_BRACKETS = 30
DEEPEST = 80
"""Levels of the tree: brackets, operators and members inside one another."""


class ExpressionFault(Exception):
    """What is wrong with the text."""


class Literal(NamedTuple):
    """A number, a text, a bool, or None for null, None and undefined."""

    value: Any


class Name(NamedTuple):
    name: str


class Member(NamedTuple):
    of: Node
    name: str


class Index(NamedTuple):
    of: Node
    key: Node


class Call(NamedTuple):
    function: Node
    arguments: tuple[Node, ...]


class Unary(NamedTuple):
    """``sign``: - + ! typeof"""

    sign: str
    operand: Node


class Binary(NamedTuple):
    """``sign``: or and == != === !== < <= > >= in + - * / // %"""

    sign: str
    left: Node
    right: Node


class Conditional(NamedTuple):
    condition: Node
    then: Node
    otherwise: Node


class ListOf(NamedTuple):
    items: tuple[Node, ...]


class MapOf(NamedTuple):
    pairs: tuple[tuple[str, Node], ...]


Node = Literal | Name | Member | Index | Call | Unary | Binary | Conditional | ListOf | MapOf

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<end>    \Z )
  | (?P<number> 0[xX][0-9a-fA-F]+ | (?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)? )
  | (?P<text>   '(?:[^'\\\n]|\\.)*' | "(?:[^"\\\n]|\\.)*" )
  | (?P<name>   [A-Za-z_$][A-Za-z0-9_$]* )
  | (?P<sign>   >>>=?|\.\.\.|===|!==|\*\*=?|<<=?|>>=?|//=?|&&|\|\||==|!=|<=|>=|=>|\?\.|\?\?|\+\+|--|[-+*/%&|^]=
              | [-+*/%<>!?:.,()\[\]{}&|^~=;@`#] )
  | (?P<other>  . )
)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_WORDS = {
    "true": Literal(True),
    "True": Literal(True),
    "false": Literal(False),
    "False": Literal(False),
    "null": Literal(None),
    "None": Literal(None),
    "undefined": Literal(None),
}
_REFUSED = frozenset(
    ("function", "lambda", "new", "delete", "void", "instanceof", "await", "async", "yield", "for", "while", "this")
)
_OR = {"||": "or", "or": "or"}
_AND = {"&&": "and", "and": "and"}
_EQUAL = {"==": "==", "===": "===", "!=": "!=", "!==": "!==", "is": "=="}
_ORDER = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "in": "in"}


class Token(NamedTuple):
    kind: str
    text: str
    column: int


class Parser:
    """The work of reading one text."""

    def __init__(self, text: str, python: bool) -> None:
        if len(text) > LONGEST:
            raise ExpressionFault(f"longer than {LONGEST} characters")
        self.text = text
        self.python = python
        self.at = 0
        self.depth = 0
        self.token = self.read()

    def read(self) -> Token:
        found = _TOKEN.match(self.text, self.at)
        assert found is not None and found.lastgroup is not None
        self.at = found.end()
        token = Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup) + 1)
        if token.kind == "other":
            raise ExpressionFault(f"{token.text!r} at column {token.column} belongs to no expression")
        return token

    def advance(self) -> Token:
        token = self.token
        self.token = self.read()
        return token

    def taken(self, *texts: str) -> str | None:
        """The text of the token that comes, if it is one of these; it is passed over then."""
        if self.token.kind in ("sign", "name") and self.token.text in texts:
            return self.advance().text
        return None

    def expect(self, text: str) -> None:
        if self.taken(text) is None:
            raise self.unexpected(f"expected {text!r}")

    def unexpected(self, wanted: str = "") -> ExpressionFault:
        what = "the end" if self.token.kind == "end" else repr(self.token.text)
        known = "" if wanted or self.token.kind == "end" else " is not known here"
        comma = f"{wanted}, got " if wanted else ""
        return ExpressionFault(f"{comma}{what}{known} at column {self.token.column}")

    def whole(self) -> Node:
        if self.token.kind == "end":
            raise ExpressionFault("an empty expression")
        node = self.conditional()
        if self.token.kind != "end":
            raise self.unexpected()
        return node

    def conditional(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST_BRACKETS:
            raise ExpressionFault(f"nested deeper than {DEEPEST_BRACKETS} levels")
        node = self.either()
        if self.taken("?"):
            then = self.conditional()
            self.expect(":")
            node = Conditional(node, then, self.conditional())
        elif self.taken("if"):
            condition = self.either()
            self.expect("else")
            node = Conditional(condition, node, self.conditional())
        self.depth -= 1
        return node

    def either(self) -> Node:
        node = self.both()
        while self.taken("||", "or"):
            node = Binary("or", node, self.both())
        return node

    def both(self) -> Node:
        node = self.negation()
        while self.taken("&&", "and"):
            node = Binary("and", node, self.negation())
        return node

    def negation(self) -> Node:
        count = 0
        while self.taken("not"):
            count += 1
        node = self.comparison()
        for _ in range(count):
            node = Unary("!", node)
        return node

    def comparison(self) -> Node:
        """Python: all comparisons have one rank, and a chain asks each pair. ECMAScript: equality is below order."""
        signs = {**_EQUAL, **_ORDER} if self.python else _EQUAL
        part = self.sum if self.python else self.order
        left = part()
        result: Node | None = None
        while (sign := self.comparing(signs)) is not None:
            right = part()
            if sign == "not in":
                pair: Node = Unary("!", Binary("in", left, right))
            else:
                pair = Binary(sign, left, right)
            if result is not None and not self.python:
                raise ExpressionFault("a comparison of a comparison")
            result = pair if result is None else Binary("and", result, pair)
            left = right
        return left if result is None else result

    def order(self) -> Node:
        left = self.sum()
        sign = self.comparing(_ORDER)
        if sign is None:
            return left
        right = self.sum()
        pair = Binary("in" if sign == "not in" else sign, left, right)
        return Unary("!", pair) if sign == "not in" else pair

    def comparing(self, signs: dict[str, str]) -> str | None:
        if "in" in signs and self.token == ("name", "not", self.token.column):
            self.advance()
            self.expect("in")
            return "not in"
        text = self.taken(*signs)
        if text == "is" and self.taken("not"):
            return "!="
        return None if text is None else signs[text]

    def sum(self) -> Node:
        node = self.product()
        while (sign := self.taken("+", "-")) is not None:
            node = Binary(sign, node, self.product())
        return node

    def product(self) -> Node:
        node = self.unary()
        while (sign := self.taken("*", "/", "%", *(("//",) if self.python else ()))) is not None:
            node = Binary(sign, node, self.unary())
        return node

    def unary(self) -> Node:
        signs: list[str] = []
        while (sign := self.taken("!", "-", "+", "typeof")) is not None:
            signs.append(sign)
        node = self.postfix()
        for sign in reversed(signs):
            node = Unary(sign, node)
        return node

    def postfix(self) -> Node:
        node = self.primary()
        while (sign := self.taken(".", "[", "(")) is not None:
            if sign == ".":
                if self.token.kind != "name":
                    raise self.unexpected("expected a name")
                node = Member(node, self.advance().text)
            elif sign == "[":
                key = self.conditional()
                self.expect("]")
                text = key.value if isinstance(key, Literal) else None
                node = Member(node, text) if isinstance(text, str) else Index(node, key)
            else:
                node = Call(node, self.listed(")"))
        return node

    def primary(self) -> Node:
        token = self.token
        if token.kind == "number":
            self.advance()
            return Literal(number(token.text))
        if token.kind == "text":
            text = unquoted(self.advance().text)
            while self.python and self.token.kind == "text":
                text += unquoted(self.advance().text)
            return Literal(text)
        if token.kind == "name":
            if token.text in _REFUSED or token.text in ("in", "is", "not", "and", "or", "if", "else"):
                raise self.unexpected()
            self.advance()
            return _WORDS.get(token.text) or Name(token.text)
        if self.taken("("):
            node = self.conditional()
            self.expect(")")
            return node
        if self.taken("["):
            return ListOf(self.listed("]"))
        if self.taken("{"):
            return self.mapping()
        raise self.unexpected("expected a value" if token.kind == "end" else "")

    def listed(self, end: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.taken(end):
            if found:
                self.expect(",")
                if self.taken(end):
                    break
            found.append(self.conditional())
        return tuple(found)

    def mapping(self) -> Node:
        pairs: list[tuple[str, Node]] = []
        while not self.taken("}"):
            if pairs:
                self.expect(",")
                if self.taken("}"):
                    break
            if self.token.kind not in ("name", "text") or (self.python and self.token.kind == "name"):
                raise self.unexpected("expected the name of a member")
            token = self.advance()
            self.expect(":")
            pairs.append((unquoted(token.text) if token.kind == "text" else token.text, self.conditional()))
        return MapOf(tuple(pairs))


def number(text: str) -> int | float:
    if text[:2] in ("0x", "0X"):
        return int(text, 16)
    value = int(text) if text.isdigit() else float(text)
    if math.isinf(value):
        raise ExpressionFault(f"{text} is too large a number")
    return value


def unquoted(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        if found[1] or found[2]:
            return chr(int(found[1] or found[2], 16))
        return _ESCAPES.get(found[3], found[3])

    return _ESCAPE.sub(one, text[1:-1])


def parse(text: str, python: bool = False) -> Node:
    """The tree of an expression, at most DEEPEST levels deep. Raises ExpressionFault."""
    node = Parser(text, python).whole()
    pending = [(node, 1)]
    while pending:
        one, depth = pending.pop()
        if depth > DEEPEST:
            raise ExpressionFault(f"nested deeper than {DEEPEST} levels")
        pending.extend((inner, depth + 1) for inner in inside(one))
    return node


def inside(node: Node) -> tuple[Node, ...]:
    """The nodes that are directly in ``node``."""
    match node:
        case Literal() | Name():
            return ()
        case Member(of, _):
            return (of,)
        case Index(of, key):
            return (of, key)
        case Call(function, arguments):
            return (function, *arguments)
        case Unary(_, operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Conditional(condition, then, otherwise):
            return (condition, then, otherwise)
        case ListOf(items):
            return items
        case MapOf(pairs):
            return tuple(item for _, item in pairs)


NO_CONSTANT = object()


def constant(node: Node) -> Any:
    """The JSON value of a tree without names; NO_CONSTANT where there is something to work out."""
    match node:
        case Literal(value):
            return value
        case Unary("-" | "+" as sign, Literal(value)) if isinstance(value, (int, float)) and value is not True:
            return -value if sign == "-" else value
        case ListOf(items):
            values = [constant(item) for item in items]
            return NO_CONSTANT if any(value is NO_CONSTANT for value in values) else values
        case MapOf(pairs):
            members = {name: constant(item) for name, item in pairs}
            return NO_CONSTANT if any(value is NO_CONSTANT for value in members.values()) else members
        case _:
            return NO_CONSTANT
