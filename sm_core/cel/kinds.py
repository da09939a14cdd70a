"""Which divisions may be of ints and of doubles: 30 / 4 is 7, and 30.0 / 4 is 7.5. Only data tells which it is then."""

from __future__ import annotations

from collections.abc import Iterator

from .errors import Place
from .syntax import Call, Chain, Conditional, Literal, Node, Root, Unary
from .values import UInt

_INT, _DOUBLE, _ANY = range(3)
_FUNCTIONS = {"int": _INT, "uint": _INT, "size": _INT, "double": _DOUBLE}


def unsure_divisions(chain: Chain) -> Iterator[Place]:
    """The places of ``/`` in a checked chain where neither operand is a double for certain, and not both are ints."""
    left = _kind(chain.terms[0])
    for (sign, at), term in zip(chain.signs, chain.terms[1:], strict=True):
        right = _kind(term)
        if sign == "/" and left != _DOUBLE and right != _DOUBLE and not left == right == _INT:
            yield at
        left = _both(left, right)


def _both(left: int, right: int) -> int:
    """Of what the two are added to, or multiplied: a double makes the result one."""
    if _DOUBLE in (left, right):
        return _DOUBLE
    return _INT if left == right == _INT else _ANY


def _kind(node: Node) -> int:
    if isinstance(node, Literal):
        if type(node.value) is float:
            return _DOUBLE
        return _INT if type(node.value) in (int, UInt) else _ANY
    if isinstance(node, Unary):
        return _kind(node.operand) if node.sign == "-" else _ANY
    if isinstance(node, Call):
        return _FUNCTIONS.get(node.name, _ANY)
    if isinstance(node, Root):
        return _INT if node.name == "now" else _ANY
    if isinstance(node, Conditional):
        yes, no = _kind(node.yes), _kind(node.no)
        return yes if yes == no else _ANY
    if isinstance(node, Chain):
        kinds = [_kind(term) for term in node.terms]
        if _DOUBLE in kinds:
            return _DOUBLE
        return _ANY if _ANY in kinds else _INT
    return _ANY
