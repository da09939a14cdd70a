"""What the names of an expression mean: puts roots, paths, variables, types and functions in the place of names, and
writes down what the expression reads. Refuses by name what is not known, with what was probably meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from .errors import ExpressionFault, Place
from .functions import FUNCTIONS, REFUSED
from .kinds import unsure_divisions
from .syntax import (
    Call,
    Chain,
    Compare,
    Conditional,
    Has,
    Index,
    InState,
    ListOf,
    Literal,
    Local,
    Logical,
    Macro,
    MapOf,
    Name,
    Node,
    Path,
    Root,
    Select,
    Unary,
)
from .values import TYPES, quoted

NAMES = frozenset({"context", "event", "params", "input", "now"})
_MACROS = ("all", "exists", "exists_one", "filter", "map")
_CALLED = frozenset({*FUNCTIONS, *_MACROS, "has", "inState"})
_LONGEST_NAME = 40
_LONGEST_LIST = 150
_SHORTEST_NAME = 3
_WORDS = {
    "undefined": "ask has(context.a), or compare with null",
    "None": "write null",
    "nil": "write null",
    "True": "write true",
    "False": "write false",
    "NaN": "ask x != x",
    "Infinity": "write 1.0 / 0.0",
    "Date": "now is the time in milliseconds",
    "Math": "it has no functions of numbers but conversions",
    "Number": "write double(x)",
    "String": "write string(x)",
    "Boolean": "write bool(x)",
    "BigInt": "write int(x)",
    "parseInt": "write int(x)",
    "parseFloat": "write double(x)",
    "len": "write size(x)",
    "count": "write size(x)",
    "length": "write size(x)",
    "includes": "write x in list, or text.contains(part)",
    "some": "write list.exists(x, x > 1)",
    "every": "write list.all(x, x > 1)",
    "find": "write list.filter(x, x > 1)[0]",
    "reduce": "keep a running sum in the context",
    "sum": "keep a running sum in the context",
    "push": "write list + [item]",
    "concat": "write a + b",
    "toString": "write string(x)",
    "hasOwnProperty": "write has(context.a)",
    "ctx": "write context",
    "this": "write context",
    "typeof": "write type(x)",
    "existsOne": "write exists_one",
    "if": "write test ? a : b",
}


class ReadPath(NamedTuple):
    """Constant members that an expression reads: ``context.a.b`` is ``("context", "a", "b")``."""

    names: tuple[str, ...]
    line: int
    column: int


class ReadState(NamedTuple):
    """A path that an expression hands to inState."""

    path: str
    line: int
    column: int


class Checker:
    """What a check finds out: ``variables`` is how many variables of macros are alive together at most."""

    __slots__ = ("_in_state", "_names", "_read", "_scopes", "divisions", "reads", "states", "tested", "variables")

    def __init__(self, names: frozenset[str], in_state: bool) -> None:
        self._names = names
        self._in_state = in_state
        self._scopes: list[str] = []
        self.reads: set[str] = set()
        self._read: list[Root | Path] = []
        self.tested: list[ReadPath] = []
        self.states: list[ReadState] = []
        self.divisions: list[Place] = []
        self.variables = 0

    def check(self, node: Node) -> Node:
        """The node with names resolved, which takes its place. Raises ExpressionFault."""
        return _CHECKS[type(node)](self, node)

    def each(self, nodes: Iterable[Node]) -> list[Node]:
        return [self.check(node) for node in nodes]

    def paths(self) -> tuple[ReadPath, ...]:
        """What is read of the roots, each path as long as its names are constant."""
        return tuple(ReadPath(_path_names(node), *node.at) for node in self._read)

    def member(self, operand: Node, node: Node, name: str) -> Node:
        """The node for a constant member: a longer path where what it is selected of is a path."""
        if isinstance(operand, Root) and operand.name != "now":
            path = _instead(node, Path(operand.at, operand.name, (name,), (node.at,)))
            self._read[-1] = path  # it was the root itself: between the two nothing was checked that reads
            return path
        if isinstance(operand, Path):
            operand.names += (name,)
            operand.places += (node.at,)
            operand.size = node.size
            return operand
        return _instead(node, Select(node.at, operand, name))

    def name(self, node: Name) -> Node:
        if not node.absolute:
            for slot in range(len(self._scopes) - 1, -1, -1):
                if self._scopes[slot] == node.name:
                    return _instead(node, Local(node.at, slot))
        if node.name in self._names:
            self.reads.add(node.name)
            root = _instead(node, Root(node.at, node.name))
            self._read.append(root)
            return root
        if node.name in TYPES and "." not in node.name:
            return _instead(node, Literal(node.at, TYPES[node.name]))
        raise self.unknown(node.name, node.at)

    def unknown(self, name: str, at: Place) -> ExpressionFault:
        known = sorted(self._names) + self._scopes
        hint = _WORDS.get(name) or _nearest(name, self._names)
        if name in FUNCTIONS or name == "inState":
            return ExpressionFault(f"{quoted(name)} is a function: its arguments are missing", *at)
        return ExpressionFault(
            f"{quoted(name)} is not known here: {hint or 'known are ' + ', '.join(known)[:_LONGEST_LIST]}", *at
        )

    def macro(self, node: Macro) -> Node:
        node.range = self.check(node.range)
        node.slot = len(self._scopes)
        self._scopes.append(node.variable)
        self.variables = max(self.variables, len(self._scopes))
        if node.condition is not None:
            node.condition = self.check(node.condition)
        if node.transform is not None:
            node.transform = self.check(node.transform)
        self._scopes.pop()
        return node

    def call(self, node: Call) -> Node:
        if node.name == "inState" and node.target is None:
            return self._state(node)
        if node.target is not None:
            node.target = self.check(node.target)
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise self._unknown_function(node)
        given = len(node.arguments)
        if given not in (function.alone if node.target is None else function.member):
            raise ExpressionFault(f"{node.name}() is written {function.usage}", *node.at)
        node.arguments = self.each(node.arguments)
        return node

    def _unknown_function(self, node: Call) -> ExpressionFault:
        if node.name in _MACROS:
            usage = f"list.{node.name}(x, x > 1)"
            return ExpressionFault(f"{node.name}() is asked of a list or a map, as in {usage}", *node.at)
        if node.name in REFUSED:
            return ExpressionFault(f"{node.name}() is not known here: {REFUSED[node.name]}", *node.at)
        hint = _WORDS.get(node.name) or _nearest(node.name, _CALLED)
        return ExpressionFault(
            f"{node.name[:_LONGEST_NAME]}() is not known here" + (f": {hint}" if hint else ""), *node.at
        )

    def _state(self, node: Call) -> Node:
        if not self._in_state:
            raise ExpressionFault("inState() cannot be asked here: the machine does not stand anywhere yet", *node.at)
        argument = node.arguments[0] if len(node.arguments) == 1 else None
        if not isinstance(argument, Literal) or type(argument.value) is not str:
            raise ExpressionFault("inState() takes the path of a state as a text, as in inState('a.b')", *node.at)
        self.reads.add("inState")
        self.states.append(ReadState(argument.value, *argument.at))
        return _instead(node, InState(node.at, argument.value))

    def has(self, node: Has) -> Node:
        node.operand = self.check(node.operand)
        if isinstance(node.operand, Root | Path):
            self.tested.append(ReadPath((*_path_names(node.operand), node.name), *node.at))
        return node


_Put = TypeVar("_Put", bound=Node)


def _instead(node: Node, put: _Put) -> _Put:
    """What is put in the place of a node is as large."""
    put.size = node.size
    return put


def _path_names(node: Root | Path) -> tuple[str, ...]:
    return (node.name,) if isinstance(node, Root) else (node.root, *node.names)


def _shortened(name: str) -> Iterator[str]:
    """The name in lower case, and the same with one character left out. Two names that differ by one character more,
    less or other, or by two that have changed places, have one of these in common."""
    name = name.lower()
    yield name
    for at in range(len(name)):
        yield name[:at] + name[at + 1 :]


_NEAR = {short: name for name in sorted(_CALLED | NAMES) for short in _shortened(name)}


def _nearest(name: str, known: frozenset[str]) -> str | None:
    """The one of the known names that is nearly this one, as a question."""
    if not _SHORTEST_NAME <= len(name) <= _LONGEST_NAME:
        return None
    for short in _shortened(name):
        near = _NEAR.get(short)
        if near in known:
            return f"did you mean {quoted(near)}?"
    return None


def _dotted(node: Node) -> str | None:
    """The names of a type that has dots in its name, if the node may be one."""
    names = []
    while isinstance(node, Select):
        names.append(node.name)
        node = node.operand
    if not isinstance(node, Name) or len(names) != 2:
        return None
    return ".".join([node.name, *reversed(names)])


def _select(checker: Checker, node: Any) -> Node:
    if _dotted(node) in TYPES:
        return _instead(node, Literal(node.at, TYPES[str(_dotted(node))]))
    return checker.member(checker.check(node.operand), node, node.name)


def _index(checker: Checker, node: Any) -> Any:
    node.operand = checker.check(node.operand)
    node.key = checker.check(node.key)
    if isinstance(node.key, Literal) and type(node.key.value) is str:
        return checker.member(node.operand, node, node.key.value)
    return node


def _pair(checker: Checker, node: Any) -> Any:
    node.left = checker.check(node.left)
    node.right = checker.check(node.right)
    return node


def _conditional(checker: Checker, node: Any) -> Any:
    node.test = checker.check(node.test)
    node.yes = checker.check(node.yes)
    node.no = checker.check(node.no)
    return node


def _unary(checker: Checker, node: Any) -> Any:
    node.operand = checker.check(node.operand)
    return node


def _list(checker: Checker, node: Any) -> Any:
    node.items = checker.each(node.items)
    return node


def _map(checker: Checker, node: Any) -> Any:
    node.keys = checker.each(node.keys)
    node.values = checker.each(node.values)
    return node


def _terms(checker: Checker, node: Any) -> Any:
    node.terms = checker.each(node.terms)
    return node


def _chain(checker: Checker, node: Any) -> Any:
    node.terms = checker.each(node.terms)
    if any(sign == "/" for sign, _ in node.signs):
        checker.divisions.extend(unsure_divisions(node))
    return node


def _literal(checker: Checker, node: Any) -> Any:
    return node


_CHECKS: dict[type[Node], Callable[[Checker, Any], Node]] = {
    Literal: _literal,
    Unary: _unary,
    Name: Checker.name,
    Select: _select,
    Index: _index,
    Call: Checker.call,
    ListOf: _list,
    MapOf: _map,
    Logical: _terms,
    Chain: _chain,
    Compare: _pair,
    Conditional: _conditional,
    Macro: Checker.macro,
    Has: Checker.has,
}
