"""JSON of a document in which expressions may stand: contexts, params, events, outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .data import Data, Expression

EXPRESSION = "@expr"

Maker = Callable[[Data], Any]


class Template:
    """JSON to be worked out: ``constant`` where ``make`` is None, else what ``make`` gives. ``cost``: units of work.
    ``reads_input``: an expression in it reads what a start is given."""

    __slots__ = ("constant", "cost", "make", "reads_input")

    def __init__(self, constant: Any, make: Maker | None, cost: int, reads_input: bool = False) -> None:
        self.constant = constant
        self.make = make
        self.cost = cost
        self.reads_input = reads_input

    def value(self, data: Data) -> Any:
        """The JSON value. It may be shared: nobody changes it. Raises ExpressionError."""
        make = self.make
        if make is None:
            return self.constant
        data.left -= self.cost
        if data.left < 0:
            data.pay(0)
        return make(data)


def object_maker(constant: dict[str, Any], made: dict[str, Maker]) -> Maker:
    """An object, of whose members some are made."""
    items = list(made.items())
    first = constant if len(made) < len(constant) else {}

    def make(data: Data) -> Any:
        value = {**first}  # with the made ones, so that the members stay in their order
        for name, maker in items:
            value[name] = maker(data)
        return value

    return make


def array_maker(constant: list[Any], made: dict[int, Maker]) -> Maker:
    """An array, of whose elements some are made."""
    items = list(made.items())

    def make(data: Data) -> Any:
        value = list(constant)
        for index, maker in items:
            value[index] = maker(data)
        return value

    return make


def expression_maker(expression: Expression) -> Maker:
    """What an expression says."""
    return expression.json
