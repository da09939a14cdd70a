"""The tree that the parser makes of an expression, and what the check makes of that.

Every node knows its place, its depth (the longest way down, itself included) and its size (all nodes below and itself).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .errors import Place


@dataclass(slots=True)
class Node:
    at: Place
    depth: int = field(default=1, kw_only=True)
    size: int = field(default=1, kw_only=True)


@dataclass(slots=True)
class Literal(Node):
    value: Any


@dataclass(slots=True)
class Name(Node):
    """``absolute``: written with a dot before it, and so never the variable of a macro."""

    name: str
    absolute: bool = False


@dataclass(slots=True)
class Select(Node):
    operand: Node
    name: str


@dataclass(slots=True)
class Index(Node):
    operand: Node
    key: Node


@dataclass(slots=True)
class Call(Node):
    target: Node | None
    name: str
    arguments: list[Node]


@dataclass(slots=True)
class ListOf(Node):
    items: list[Node]


@dataclass(slots=True)
class MapOf(Node):
    keys: list[Node]
    values: list[Node]


@dataclass(slots=True)
class Logical(Node):
    """``a && b && c``, or with ``||``: one node, however many terms."""

    sign: str
    terms: list[Node]


@dataclass(slots=True)
class Chain(Node):
    """``a + b - c``, or with ``*``, ``/`` and ``%``: one node, however many terms. ``signs``: with their places."""

    terms: list[Node]
    signs: list[tuple[str, Place]]


@dataclass(slots=True)
class Compare(Node):
    sign: str
    left: Node
    right: Node


@dataclass(slots=True)
class Unary(Node):
    sign: str
    operand: Node


@dataclass(slots=True)
class Conditional(Node):
    test: Node
    yes: Node
    no: Node


@dataclass(slots=True)
class Macro(Node):
    """``all``, ``exists``, ``exists_one``, ``filter`` or ``map`` over a list or the keys of a map."""

    kind: str
    range: Node
    variable: str
    condition: Node | None
    transform: Node | None
    slot: int = -1


# What the check puts in the place of names, selects and calls


@dataclass(slots=True)
class Root(Node):
    """``context``, ``event``, ``params``, ``input`` or ``now``."""

    name: str


@dataclass(slots=True)
class Local(Node):
    """The variable of a macro."""

    slot: int


@dataclass(slots=True)
class Path(Node):
    """Constant members of a root: ``context.a.b``. ``places``: of each name."""

    root: str
    names: tuple[str, ...]
    places: tuple[Place, ...]


@dataclass(slots=True)
class Has(Node):
    operand: Node
    name: str


@dataclass(slots=True)
class InState(Node):
    path: str
