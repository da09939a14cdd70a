"""From tokens to a tree. Operators by precedence with a stack of their own (E. W. Dijkstra's shunting yard), so that
only brackets, branches and macros nest, and chains of one operator stay flat however long."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import ExpressionFault, Place
from .lexer import Lexer, Token
from .syntax import (
    Call,
    Chain,
    Compare,
    Conditional,
    Has,
    Index,
    ListOf,
    Literal,
    Logical,
    Macro,
    MapOf,
    Name,
    Node,
    Select,
    Unary,
)
from .values import quoted

MOST_TEXT = 16 * 1024
"""Characters of one expression."""
MOST_NODES = 2_000
MOST_DEPTH = 60
"""Of nodes in each other, and of brackets, whatever is in them."""

_LONGEST_NAME = 64

_LEVELS = {"||": 1, "&&": 2, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5}
_LEVELS |= dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), 3)
_CONSTANTS = {"true": True, "false": False, "null": None}
_RESERVED = frozenset(
    (
        *("as", "break", "const", "continue", "else", "for", "function", "if", "import", "in", "let", "loop"),
        *("namespace", "package", "return", "var", "void", "while"),
    )
)
_MACROS = {"all": (2, 2), "exists": (2, 2), "exists_one": (2, 2), "filter": (2, 2), "map": (2, 3)}
_WORDS = {
    "and": "write &&",
    "or": "write ||",
    "not": "write !",
    "is": "write ==",
    "instanceof": "write type(a) == string",
    "typeof": "write type(a)",
}


def parse(text: str) -> Node:
    """The tree of an expression. Raises ExpressionFault."""
    if len(text) > MOST_TEXT:
        raise ExpressionFault(f"the expression is longer than {MOST_TEXT} characters", 1, 1)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ExpressionFault("the expression is no valid Unicode", 1, 1)
    return _Parser(text).whole()


class _Parser:
    __slots__ = ("_lexer", "_nesting", "_nodes", "_token")

    def __init__(self, text: str) -> None:
        self._lexer = Lexer(text)
        self._token = self._lexer.next()
        self._nesting = 0
        self._nodes = 0

    def whole(self) -> Node:
        if self._token.kind == "end":
            raise ExpressionFault("the expression is empty: expected a value", *self._token.at)
        node = self._expression("")
        if self._token.kind != "end":
            raise self._unexpected("an operator or the end")
        return node

    # Tokens

    def _advance(self, negative: bool = False) -> Token:
        token = self._token
        self._token = self._lexer.next(negative)
        return token

    def _take(self, sign: str) -> bool:
        if self._token.kind == "sign" and self._token.text == sign:
            self._advance()
            return True
        return False

    def _want(self, sign: str, why: str) -> None:
        if not self._take(sign):
            raise self._unexpected(f"'{sign}' {why}")

    def _unexpected(self, expected: str) -> ExpressionFault:
        token = self._token
        if token.kind == "end":
            return ExpressionFault(f"expected {expected}", *token.at)
        hint = _WORDS.get(token.text) if token.kind == "name" else None
        found = f"found {quoted(token.text)}" + (f" ({hint})" if hint else "")
        return ExpressionFault(f"expected {expected}, {found}", *token.at)

    # Nodes

    def _bounded(self, node: Node, below: Iterable[Node]) -> Node:
        """The node, its depth and size worked out and bounded; what it has below is in ``below``."""
        for child in below:
            node.size += child.size
            if child.depth >= node.depth:
                node.depth = child.depth + 1
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise ExpressionFault(f"the expression has more than {MOST_NODES} parts", *node.at)
        self._check_depth(node.depth, node.at)
        return node

    def _check_depth(self, depth: int, at: Place) -> None:
        if depth > MOST_DEPTH:
            raise ExpressionFault(f"the expression is nested more than {MOST_DEPTH} deep", *at)

    def _added(self, node: Node, term: Node) -> None:
        """Takes one more term into a flat chain."""
        node.size += term.size
        if term.depth >= node.depth:
            node.depth = term.depth + 1
            self._check_depth(node.depth, node.at)

    def _expression(self, after: str) -> Node:
        """``after``: what stands before it, for the message where there is none."""
        self._nesting += 1
        self._check_depth(self._nesting, self._token.at)
        node = self._operators(after)
        at = self._token.at
        if self._take("?"):
            yes = self._operators("'?'")
            if self._token.text == "?":
                raise ExpressionFault("a choice between '?' and ':' stands in parentheses", *self._token.at)
            self._want(":", "and the value for when the condition is false")
            no = self._expression("':'")
            node = self._bounded(Conditional(at, node, yes, no), (node, yes, no))
        self._nesting -= 1
        return node

    def _operators(self, after: str) -> Node:
        operands = [self._operand(after)]
        signs: list[tuple[str, Place]] = []
        while True:
            token = self._token
            level = _LEVELS.get(token.text, 0) if token.kind in ("sign", "name") else 0
            while signs and _LEVELS[signs[-1][0]] >= level:
                right = operands.pop()
                operands[-1] = self._joined(operands[-1], signs.pop(), right)
            if not level:
                return operands[0]
            self._advance()
            signs.append((token.text, token.at))
            operands.append(self._operand(f"'{token.text}'"))

    def _joined(self, left: Node, sign_at: tuple[str, Place], right: Node) -> Node:
        sign, at = sign_at
        level = _LEVELS[sign]
        if level == 3:
            return self._bounded(Compare(at, sign, left, right), (left, right))
        if level < 3:
            if isinstance(left, Logical) and left.sign == sign:
                left.terms.append(right)
                self._added(left, right)
                return left
            return self._bounded(Logical(at, sign, [left, right]), (left, right))
        if isinstance(left, Chain) and _LEVELS[left.signs[0][0]] == level:
            left.terms.append(right)
            left.signs.append(sign_at)
            self._added(left, right)
            return left
        return self._bounded(Chain(at, [left, right], [sign_at]), (left, right))

    def _operand(self, after: str) -> Node:
        sign = self._token.text
        if self._token.kind != "sign" or sign not in ("!", "-"):
            return self._member(after)
        places = []
        while self._token.kind == "sign" and self._token.text == sign:
            places.append(self._token.at)
            self._check_depth(len(places), places[0])
            self._advance(negative=sign == "-")
        if sign == "-" and self._token.kind == "literal" and type(self._token.value) in (int, float):
            node = self._member("'-'", places.pop())
        else:
            node = self._member(f"'{sign}'")
        for at in reversed(places):
            node = self._bounded(Unary(at, sign, node), (node,))
        return node

    def _member(self, after: str, minus: Place | None = None) -> Node:
        """A value and what is selected of it. ``minus``: where the sign of the number stands that comes now."""
        if minus:
            token = self._advance()
            node = self._bounded(Literal(minus, -token.value), ())
        else:
            node = self._primary(after)
        while self._token.kind == "sign":
            at = self._token.at
            if self._take("."):
                node = self._selected(node)
            elif self._take("["):
                key = self._expression("'['")
                self._want("]", "after the index")
                node = self._bounded(Index(at, node, key), (node, key))
            elif self._token.text == "{" and isinstance(node, Name | Select):
                raise ExpressionFault("messages are not known here: a map is written {'a': 1}", *at)
            else:
                return node
        return node

    def _selected(self, node: Node) -> Node:
        token = self._token
        if token.kind != "name" or token.text == "in" or token.text in _CONSTANTS:
            raise self._unexpected("the name of a member after '.'")
        self._advance()
        if self._take("("):
            return self._call(node, token)
        return self._bounded(Select(token.at, node, token.text), (node,))

    def _call(self, target: Node | None, name: Token) -> Node:
        arguments = self._listed(")", f"after the arguments of {name.text[:_LONGEST_NAME]}()", trailing=False)
        if target is None and name.text == "has":
            return self._has(name, arguments)
        if target is not None and name.text in _MACROS:
            return self._macro(target, name, arguments)
        below = arguments if target is None else [target, *arguments]
        return self._bounded(Call(name.at, target, name.text, arguments), below)

    def _has(self, name: Token, arguments: list[Node]) -> Node:
        if len(arguments) != 1 or not isinstance(arguments[0], Select):
            raise ExpressionFault("has() takes one member, as in has(context.a)", *name.at)
        selected = arguments[0]
        return self._bounded(Has(selected.at, selected.operand, selected.name), (selected.operand,))

    def _macro(self, target: Node, name: Token, arguments: list[Node]) -> Node:
        least, most = _MACROS[name.text]
        if not least <= len(arguments) <= most:
            raise ExpressionFault(
                f"{name.text}() takes a variable and an expression, as in list.{name.text}(x, x > 1)", *name.at
            )
        variable = arguments[0]
        if not isinstance(variable, Name) or variable.absolute:
            raise ExpressionFault(f"the first argument of {name.text}() is the name of a variable", *variable.at)
        condition, transform = None, None
        if name.text == "map":
            condition, transform = (arguments[1] if len(arguments) == 3 else None), arguments[-1]
        else:
            condition = arguments[1]
        node = Macro(name.at, name.text, target, variable.name, condition, transform)
        return self._bounded(node, [target, *arguments[1:]])

    def _listed(self, closing: str, why: str, trailing: bool) -> list[Node]:
        """Expressions with commas between them, up to the closing bracket. ``trailing``: a comma may end them."""
        items: list[Node] = []
        if self._take(closing):
            return items
        while True:
            items.append(self._expression("','" if items else "the bracket"))
            if not self._take(","):
                self._want(closing, why)
                return items
            if trailing and self._take(closing):
                return items

    def _primary(self, after: str) -> Node:
        token = self._token
        if token.kind == "literal":
            self._advance()
            return self._bounded(Literal(token.at, token.value), ())
        if token.kind == "name":
            return self._named(token)
        if token.kind == "sign":
            if self._take("("):
                node = self._expression("'('")
                self._want(")", "that closes the parenthesis")
                return node
            if self._take("["):
                items = self._listed("]", "that closes the list", trailing=True)
                return self._bounded(ListOf(token.at, items), items)
            if self._take("{"):
                return self._map(token.at)
            if self._take("."):
                name = self._token
                if name.kind != "name":
                    raise self._unexpected("a name after '.'")
                return self._named(name, absolute=True)
        raise self._unexpected(f"an expression after {after}" if after else "an expression")

    def _named(self, token: Token, absolute: bool = False) -> Node:
        if token.text in _RESERVED or (absolute and token.text in _CONSTANTS):
            raise ExpressionFault(f"{quoted(token.text)} is a reserved word, not a value", *token.at)
        self._advance()
        if token.text in _CONSTANTS:
            return self._bounded(Literal(token.at, _CONSTANTS[token.text]), ())
        if self._take("("):
            return self._call(None, token)
        return self._bounded(Name(token.at, token.text, absolute), ())

    def _map(self, at: Place) -> Node:
        keys: list[Node] = []
        values: list[Node] = []
        if not self._take("}"):
            while True:
                keys.append(self._expression("','" if keys else "'{'"))
                self._want(":", "and the value of this member")
                values.append(self._expression("':'"))
                if not self._take(","):
                    self._want("}", "that closes the map")
                    break
                if self._take("}"):
                    break
        return self._bounded(MapOf(at, keys, values), [*keys, *values])
