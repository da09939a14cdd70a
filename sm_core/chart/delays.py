"""Delays: how long a document says to wait, in milliseconds."""

from __future__ import annotations

from typing import Any

from ..durations import parse_delay, whole
from ..errors import ExpressionError, quote
from .data import Data
from .templates import Template


class Delay:
    """A delay of the document: constant, or to be worked out."""

    __slots__ = ("constant", "place", "template")

    def __init__(self, constant: int, template: Template | None = None, place: str = "") -> None:
        self.constant = constant
        self.template = template
        self.place = place

    def milliseconds(self, data: Data) -> int:
        """Raises ExpressionError."""
        if self.template is None:
            return self.constant
        value: Any = self.template.value(data)
        found = None
        if type(value) is int or type(value) is float:
            found = whole(value)
        elif isinstance(value, str):
            found = parse_delay(value)
        if found is None:
            shown = quote(str(value)) if isinstance(value, (int, float, str)) else "this"
            raise ExpressionError(f"{self.place}: {shown} is no delay: milliseconds, '1.5s' or 'PT1H', up to 100 years")
        return found
