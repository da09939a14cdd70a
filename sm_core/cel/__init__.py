"""The expression language: the Common Expression Language (CEL) without protobuf messages. docs/expressions.md says
what it can do, and where it differs from Google's runtime.

    lexer.py      text to tokens             syntax.py     the nodes of the tree
    parser.py     tokens to a tree           check.py      what the names in it mean
    closures.py   the tree to closures       comparisons.py, macros.py  those of < and ==, and of loops
    numbers.py    arithmetic and order       functions.py  the functions and conversions
    times.py      timestamps, durations      values.py     types, equality, scope, budget
    results.py    values as JSON             kinds.py      whether a division is one of ints or of doubles
    errors.py     what is refused, and what fails

A text is compiled once. What comes of it holds functions alone, neither text nor tree.
"""

from __future__ import annotations

from .check import NAMES, Checker, ReadPath, ReadState
from .closures import build
from .errors import BudgetError, CelError, ExpressionFault
from .macros import Closure, with_variables
from .parser import MOST_DEPTH, MOST_NODES, MOST_TEXT, parse
from .results import to_json
from .values import Budget, Scope, Value

__all__ = [
    "MOST_DEPTH",
    "MOST_NODES",
    "MOST_TEXT",
    "NAMES",
    "Budget",
    "BudgetError",
    "CelError",
    "ExpressionFault",
    "Program",
    "ReadPath",
    "ReadState",
    "Scope",
    "Value",
    "compile_expression",
    "to_json",
]


class Program:
    """A compiled expression, to be evaluated any number of times.

    ``cost``: the nodes of its tree, which are what one evaluation costs, loops and long values left out.
    ``reads``: the names of the scope that it reads, and ``inState``. ``paths``: the members of them that it reads, each
    as long as its names are constant; ``tested``: those that has() asks for. ``states``: what inState() is asked.
    ``divisions``: the places of those that may be of ints or of doubles, as the data says. ``root``: the value in a
    scope, where ``cost`` has been paid.
    """

    __slots__ = ("cost", "divisions", "paths", "reads", "root", "states", "tested")

    def __init__(self, root: Closure, cost: int, checker: Checker) -> None:
        self.root = with_variables(root, checker.variables) if checker.variables else root
        self.cost = cost
        self.reads = frozenset(checker.reads)
        self.paths = checker.paths()
        self.tested = tuple(checker.tested)
        self.states = tuple(checker.states)
        self.divisions = tuple(checker.divisions)

    def evaluate(self, scope: Scope) -> Value:
        """The value in a scope, which pays for it. Raises CelError."""
        scope.left -= self.cost
        if scope.left < 0:
            scope.charge(0)
        return self.root(scope)


def compile_expression(text: str, names: frozenset[str] = NAMES, in_state: bool | None = None) -> Program:
    """Compiles an expression that may read ``names``, some of NAMES, and ask inState(), unless ``in_state`` is False.

    Raises ExpressionFault, which says where the text is wrong, and what was expected.
    """
    checker = Checker(names, in_state is not False)
    tree = checker.check(parse(text))
    return Program(build(tree), tree.size, checker)
