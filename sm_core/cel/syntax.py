"""The tree that the parser makes of an expression, and what the check makes of that.

Every node knows its place, its depth (the longest way down, itself included) and its size (all nodes below and itself).
"""

from __future__ import annotations

from typing import Any

from .errors import Place


class Node:
    __slots__ = ("at", "depth", "size")

    def __init__(self, at: Place) -> None:
        self.at = at
        self.depth = 1
        self.size = 1


class Literal(Node):
    __slots__ = ("value",)

    def __init__(self, at: Place, value: Any) -> None:
        super().__init__(at)
        self.value = value


class Name(Node):
    """``absolute``: written with a dot before it, and so never the variable of a macro."""

    __slots__ = ("absolute", "name")

    def __init__(self, at: Place, name: str, absolute: bool = False) -> None:
        super().__init__(at)
        self.name = name
        self.absolute = absolute


class Select(Node):
    __slots__ = ("name", "operand")

    def __init__(self, at: Place, operand: Node, name: str) -> None:
        super().__init__(at)
        self.operand = operand
        self.name = name


class Index(Node):
    __slots__ = ("key", "operand")

    def __init__(self, at: Place, operand: Node, key: Node) -> None:
        super().__init__(at)
        self.operand = operand
        self.key = key


class Call(Node):
    __slots__ = ("arguments", "name", "target")

    def __init__(self, at: Place, target: Node | None, name: str, arguments: list[Node]) -> None:
        super().__init__(at)
        self.target = target
        self.name = name
        self.arguments = arguments


class ListOf(Node):
    __slots__ = ("items",)

    def __init__(self, at: Place, items: list[Node]) -> None:
        super().__init__(at)
        self.items = items


class MapOf(Node):
    __slots__ = ("keys", "values")

    def __init__(self, at: Place, keys: list[Node], values: list[Node]) -> None:
        super().__init__(at)
        self.keys = keys
        self.values = values


class Logical(Node):
    """``a && b && c``, or with ``||``: one node, however many terms."""

    __slots__ = ("sign", "terms")

    def __init__(self, at: Place, sign: str, terms: list[Node]) -> None:
        super().__init__(at)
        self.sign = sign
        self.terms = terms


class Chain(Node):
    """``a + b - c``, or with ``*``, ``/`` and ``%``: one node, however many terms. ``signs``: with their places."""

    __slots__ = ("signs", "terms")

    def __init__(self, at: Place, terms: list[Node], signs: list[tuple[str, Place]]) -> None:
        super().__init__(at)
        self.terms = terms
        self.signs = signs


class Compare(Node):
    __slots__ = ("left", "right", "sign")

    def __init__(self, at: Place, sign: str, left: Node, right: Node) -> None:
        super().__init__(at)
        self.sign = sign
        self.left = left
        self.right = right


class Unary(Node):
    __slots__ = ("operand", "sign")

    def __init__(self, at: Place, sign: str, operand: Node) -> None:
        super().__init__(at)
        self.sign = sign
        self.operand = operand


class Conditional(Node):
    __slots__ = ("no", "test", "yes")

    def __init__(self, at: Place, test: Node, yes: Node, no: Node) -> None:
        super().__init__(at)
        self.test = test
        self.yes = yes
        self.no = no


class Macro(Node):
    """``all``, ``exists``, ``exists_one``, ``filter`` or ``map`` over a list or the keys of a map."""

    __slots__ = ("condition", "kind", "range", "slot", "transform", "variable")

    def __init__(
        self,
        at: Place,
        kind: str,
        range: Node,
        variable: str,
        condition: Node | None,
        transform: Node | None,
        slot: int = -1,
    ) -> None:
        super().__init__(at)
        self.kind = kind
        self.range = range
        self.variable = variable
        self.condition = condition
        self.transform = transform
        self.slot = slot


# What the check puts in the place of names, selects and calls


class Root(Node):
    """``context``, ``event``, ``params``, ``input`` or ``now``."""

    __slots__ = ("name",)

    def __init__(self, at: Place, name: str) -> None:
        super().__init__(at)
        self.name = name


class Local(Node):
    """The variable of a macro."""

    __slots__ = ("slot",)

    def __init__(self, at: Place, slot: int) -> None:
        super().__init__(at)
        self.slot = slot


class Path(Node):
    """Constant members of a root: ``context.a.b``. ``places``: of each name."""

    __slots__ = ("names", "places", "root")

    def __init__(self, at: Place, root: str, names: tuple[str, ...], places: tuple[Place, ...]) -> None:
        super().__init__(at)
        self.root = root
        self.names = names
        self.places = places


class Has(Node):
    __slots__ = ("name", "operand")

    def __init__(self, at: Place, operand: Node, name: str) -> None:
        super().__init__(at)
        self.operand = operand
        self.name = name


class InState(Node):
    __slots__ = ("path",)

    def __init__(self, at: Place, path: str) -> None:
        super().__init__(at)
        self.path = path
