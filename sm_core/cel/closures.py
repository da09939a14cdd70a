"""From a checked tree to closures: each node becomes a function of the scope that holds those of the nodes below it.

What guards are made of has a function of its own: members of context and event, sums and comparisons of ints. Values
that are read out of data are looked at once, where they are read: an int outside 64 bits is an error there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from ..errors import member
from .comparisons import comparison
from .errors import BudgetError, CelError, Place
from .functions import FUNCTIONS
from .macros import Closure, run_macro
from .numbers import ARITHMETIC, negate, overflow
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
    Node,
    Path,
    Root,
    Select,
    Unary,
)
from .values import (
    LEAST_INT,
    MISSING,
    MOST_INT,
    PER_ITEM,
    Scope,
    UInt,
    Value,
    map_key,
    outside,
    quoted,
    shown,
    words,
)

_LONGEST_OWNER = 100


def build(node: Node) -> Closure:
    """The closure of a node. The tree is as deep as MOST_DEPTH of the parser at most."""
    return _BUILDERS[type(node)](node)


def _literal(node: Literal) -> Closure:
    value = node.value
    return lambda scope: value


def _local(node: Local) -> Closure:
    slot = node.slot
    return lambda scope: scope.locals[slot]


def _root(node: Root) -> Closure:
    if node.name != "now":
        return _value_of_root(node.name)
    at = node.at

    def now(scope: Scope) -> Value:
        if scope.now is None:
            raise CelError("there is no time here that now could be", at)
        return scope.now

    return now


def _value_of_root(name: str) -> Closure:
    if name == "context":
        return lambda scope: scope.whole_context()
    return attrgetter(name)


# Members


def _no_member(value: Value, name: str, owner: str, at: Place) -> CelError:
    hint = ": its length is size(x)" if name == "length" else ""
    if type(value) is dict:
        return CelError(f"no member {quoted(name)}{' in ' + owner if owner else ''}{hint}", at)
    return CelError(f"{owner or 'the value'} is {words(value)}, which has no member {quoted(name)}{hint}", at)


def _lost(value: Value, node: Path) -> CelError:
    """The error of a path that leads nowhere."""
    owner = node.root
    for name, at in zip(node.names, node.places, strict=True):
        if type(value) is not dict or name not in value:
            return _no_member(value, name, owner, at)
        owner = member(owner, name) if len(owner) < _LONGEST_OWNER else owner
        value = value[name]
    return outside(node.at)


def _path(node: Path) -> Closure:
    if len(node.names) == 1 and node.root in ("context", "event"):
        return _member_of_context(node) if node.root == "context" else _member_of_event(node)
    root = _value_of_root(node.root)
    first, names = (_first_member(node.names[0]), node.names[1:]) if node.root == "context" else (root, node.names)

    def path(scope: Scope) -> Value:
        try:
            value = first(scope)
            for name in names:
                value = value[name]
        except (KeyError, TypeError):
            pass
        else:
            if type(value) is not int or LEAST_INT <= value <= MOST_INT:
                return value
        raise _lost(root(scope), node)

    return path


def _first_member(name: str) -> Closure:
    """A member of the context, of which the scope may know a part."""

    def first(scope: Scope) -> Value:
        known = scope.context
        return known[name] if name in known else scope.member(name)

    return first


def _member_of_context(node: Path) -> Closure:
    name = node.names[0]

    def read(scope: Scope) -> Value:
        known = scope.context
        try:
            value = known[name] if name in known else scope.member(name)
        except (KeyError, TypeError):
            pass
        else:
            if type(value) is not int or LEAST_INT <= value <= MOST_INT:
                return value
        raise _lost(scope.whole_context(), node)

    return read


def _member_of_event(node: Path) -> Closure:
    name = node.names[0]

    def read(scope: Scope) -> Value:
        try:
            value = scope.event[name]
        except (KeyError, TypeError):
            pass
        else:
            if type(value) is not int or LEAST_INT <= value <= MOST_INT:
                return value
        raise _lost(scope.event, node)

    return read


def _checked(value: Value, at: Place) -> Value:
    if type(value) is int and not LEAST_INT <= value <= MOST_INT:
        raise outside(at)
    return value


def _select(node: Select) -> Closure:
    operand, name, at = build(node.operand), node.name, node.at

    def select(scope: Scope) -> Value:
        value = operand(scope)
        found = value.get(name, MISSING) if type(value) is dict else MISSING
        if found is MISSING:
            raise _no_member(value, name, "", at)
        return _checked(found, at)

    return select


def _has(node: Has) -> Closure:
    operand, name, at = build(node.operand), node.name, node.at

    def has(scope: Scope) -> Value:
        value = operand(scope)
        if type(value) is not dict:
            raise CelError(f"has() asks for a member of a map, not of {words(value)}", at)
        return name in value

    return has


def _index(node: Index) -> Closure:
    operand, key_of, at = build(node.operand), build(node.key), node.at

    def index(scope: Scope) -> Value:
        value = operand(scope)
        key = key_of(scope)
        if type(value) is list:
            return _checked(_item(value, key, at), at)
        if type(value) is not dict:
            raise CelError(f"{words(value)} has no members to index", at)
        name = map_key(key)
        if name is None:
            raise CelError(f"{words(key)} is no key of a map", at)
        found = value.get(name, MISSING)
        if found is MISSING:
            raise CelError(f"no member {shown(key)} in the map", at)
        return _checked(found, at)

    return index


def _item(items: list[Value], index: Value, at: Place) -> Value:
    number = index
    if type(index) is float and index.is_integer():
        number = int(index)
    if type(number) is not int and type(number) is not UInt:
        raise CelError(f"the index of a list is an int, not {words(index)}", at)
    if not 0 <= number < len(items):
        raise CelError(f"the list has {len(items)} items, and no index {number}", at)
    return items[number]


# Operators


def _no_bool(sign: str, value: Value, at: Place) -> CelError:
    return CelError(f"'{sign}' takes bools, not {words(value)}", at)


def _logical_pair(left: Closure, right: Closure, sign: str, at: Place) -> Closure:
    decisive = sign == "||"

    def logical(scope: Scope) -> Value:
        try:
            value = left(scope)
        except BudgetError:
            raise
        except CelError as error:  # its text is kept, not itself: it holds the frame that would hold it
            failed = error.message
        else:
            if value is decisive:
                return decisive
            if type(value) is bool:
                value = right(scope)
                if type(value) is bool:
                    return value
                raise _no_bool(sign, value, at)
            failed = _no_bool(sign, value, at).message
        if right(scope) is decisive:
            return decisive
        raise CelError(failed)

    return logical


def _logical(node: Logical) -> Closure:
    terms = [build(term) for term in node.terms]
    sign, at = node.sign, node.at
    if len(terms) == 2:
        return _logical_pair(terms[0], terms[1], sign, at)
    decisive = sign == "||"

    def logical(scope: Scope) -> Value:
        failed = None
        for term in terms:
            try:
                value = term(scope)
            except BudgetError:
                raise
            except CelError as error:
                failed = failed or error.message
                continue
            if value is decisive:
                return decisive
            if type(value) is not bool:
                failed = failed or _no_bool(sign, value, at).message
        if failed:
            raise CelError(failed)
        return not decisive

    return logical


def _chain(node: Chain) -> Closure:
    first = build(node.terms[0])
    rest = [(ARITHMETIC[sign], build(term), at) for term, (sign, at) in zip(node.terms[1:], node.signs, strict=True)]
    if len(rest) == 1 and node.signs[0][0] in "+-":
        return (_sum if node.signs[0][0] == "+" else _difference)(first, *rest[0])

    def chain(scope: Scope) -> Value:
        value = first(scope)
        for operation, term, at in rest:
            value = operation(value, term(scope), at, scope)
        return value

    return chain


def _sum(left: Closure, operation: Any, right: Closure, at: Place) -> Closure:
    def add(scope: Scope) -> Value:
        one, other = left(scope), right(scope)
        if type(one) is int and type(other) is int:
            value = one + other
            if LEAST_INT <= value <= MOST_INT:
                return value
            raise overflow(at)
        return operation(one, other, at, scope)

    return add


def _difference(left: Closure, operation: Any, right: Closure, at: Place) -> Closure:
    def subtract(scope: Scope) -> Value:
        one, other = left(scope), right(scope)
        if type(one) is int and type(other) is int:
            value = one - other
            if LEAST_INT <= value <= MOST_INT:
                return value
            raise overflow(at)
        return operation(one, other, at, scope)

    return subtract


def _compare(node: Compare) -> Closure:
    constant = node.right.value if isinstance(node.right, Literal) else MISSING
    return comparison(node.sign, build(node.left), build(node.right), constant, node.at)


def _unary(node: Unary) -> Closure:
    operand, at = build(node.operand), node.at

    def minus(scope: Scope) -> Value:
        return negate(operand(scope), at)

    def negation(scope: Scope) -> Value:
        value = operand(scope)
        if type(value) is bool:
            return not value
        raise CelError(f"'!' takes a bool, not {words(value)}", at)

    return minus if node.sign == "-" else negation


def _conditional(node: Conditional) -> Closure:
    test, yes, no, at = build(node.test), build(node.yes), build(node.no), node.at

    def choose(scope: Scope) -> Value:
        value = test(scope)
        if value is True:
            return yes(scope)
        if value is False:
            return no(scope)
        raise CelError(f"'?' takes a bool before it, not {words(value)}", at)

    return choose


# Containers, functions, macros


def _list(node: ListOf) -> Closure:
    items = [build(item) for item in node.items]
    return lambda scope: [item(scope) for item in items]


def _map(node: MapOf) -> Closure:
    pairs = [(build(key), build(value), key.at) for key, value in zip(node.keys, node.values, strict=True)]

    def make(scope: Scope) -> Value:
        members: dict[Value, Value] = {}
        for key_of, value_of, at in pairs:
            value = key_of(scope)
            key = None if type(value) is float else map_key(value)
            if key is None:
                raise CelError(f"the key of a map is a string, an int, a uint or a bool, not {words(value)}", at)
            if key in members:
                raise CelError(f"the key {shown(value)} is twice in the map", at)
            members[key] = value_of(scope)
        return members

    return make


def _call(node: Call) -> Closure:
    apply, at = FUNCTIONS[node.name].apply, node.at
    nodes: Sequence[Node] = node.arguments if node.target is None else [node.target, *node.arguments]
    arguments = [build(argument) for argument in nodes]
    if len(arguments) == 1:
        only = arguments[0]
        return lambda scope: apply(at, scope, only(scope))
    return lambda scope: apply(at, scope, *[argument(scope) for argument in arguments])


def _in_state(node: InState) -> Closure:
    path, at = node.path, node.at

    def in_state(scope: Scope) -> Value:
        if scope.in_state is None:
            raise CelError("there is no machine here that inState() could ask", at)
        return scope.in_state(path)

    return in_state


def _macro(node: Macro) -> Closure:
    condition = None if node.condition is None else build(node.condition)
    transform = None if node.transform is None else build(node.transform)
    steps = PER_ITEM + node.size - node.range.size
    return run_macro(node.kind, build(node.range), condition, transform, node.slot, steps, node.at)


_BUILDERS: dict[type[Node], Callable[[Any], Closure]] = {
    Literal: _literal,
    Local: _local,
    Root: _root,
    Path: _path,
    Select: _select,
    Has: _has,
    Index: _index,
    Logical: _logical,
    Chain: _chain,
    Compare: _compare,
    Unary: _unary,
    Conditional: _conditional,
    ListOf: _list,
    MapOf: _map,
    Call: _call,
    InState: _in_state,
    Macro: _macro,
}
