"""The errors of expressions.

EngineError
├── ExpressionFault   a text that is no valid expression: what is wrong, where, and what was expected
└── CelError          an evaluation that failed
    └── BudgetError   it would take more steps than it may; ``||`` and ``&&`` absorb every CelError but this
"""

from __future__ import annotations

from ..errors import EngineError

Place = tuple[int, int]
"""Line and column in the text of an expression, both from 1; columns count code points."""


class ExpressionFault(EngineError):
    """A text is no valid expression. ``message`` says why, ``line`` and ``column`` say where, from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"{message} at line {line}, column {column}")
        self.message = message
        self.line = line
        self.column = column


class CelError(EngineError):
    """An expression has no value. ``message`` says why, and where in its text if that is known."""

    def __init__(self, message: str, at: Place | None = None) -> None:
        if at is not None:
            message = f"{message} at line {at[0]}, column {at[1]}"
        super().__init__(message)
        self.message = message


class BudgetError(CelError):
    """The evaluation would take more steps than it may."""
