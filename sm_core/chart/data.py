"""What the expressions of one step see and change: the context, the event, the client's guards.

A Data is private to one step, as its Macrostep is, and is itself the scope that expressions are evaluated in.
"""

from __future__ import annotations

from typing import Any

from ..cel import Budget, BudgetError, CelError, Program, Scope, to_json
from ..definition import Given
from ..document import is_deeper, read_json
from ..document import to_json as json_text
from ..errors import EngineError, ExpressionError, GuardError, quote
from .model import Tables

AROUND = 2
"""Objects around what is kept in what SM.GET answers, which SM.SET is to take."""
NO_MEMBERS: dict[str, Any] = {}
NO_VARIABLES: list[Any] = []
_LARGE_CONTEXT = 512
"""Bytes. Of a larger one, replicas are told the members that changed alone."""


class Data(Scope):
    """See above. ``touched``: an expression has read or written data, so that another step may end otherwise."""

    __slots__ = ("active", "assigned", "changed", "given", "tables", "text", "touched")

    def __init__(self, tables: Tables, context: bytes | None, event: dict[str, Any], given: Given) -> None:
        self.tables = tables
        self.given = given
        self.text = context
        """The context as it is stored, until an expression asks for it; then it is ``context``."""
        self.context: Any = None
        self.event: dict[str, Any] = event
        self.params: Any = None
        self.input: Any = NO_MEMBERS
        self.now = given.now
        self.budget = Budget(given.limits.expression_steps)
        self.locals = NO_VARIABLES
        self.active = 0
        self.touched = False
        self.assigned = 0
        """How often something was assigned to the context."""
        self.changed: dict[str, Any] = NO_MEMBERS
        """What was assigned to it."""

    def charge(self, steps: int) -> None:
        """Takes steps of the budget for what is no expression. Raises ExpressionError."""
        self.budget.left -= steps
        if self.budget.left < 0:
            raise ExpressionError(f"the guards and actions of this step take {_too_many(self)}")

    def in_state(self, path: str) -> bool:
        """For the expressions: is the state at ``path`` active?"""
        return bool(self.active >> self.tables.named_states[path] & 1)

    def touch(self) -> None:
        """Called before data is first read or written: the context is parsed when it is asked for."""
        self.touched = True
        if self.text is not None:
            try:
                self.context = read_json(self.text)
            except ValueError:
                raise EngineError("the stored context is not JSON") from None
            self.text = None
        elif self.context is None:
            self.context = {}

    def holds(self, name: str) -> bool:
        """Whether the client said that its guard ``name`` holds."""
        guards = self.given.guards
        if guards is None:
            raise GuardError(f"whether guard {quote(name)} holds is the client's to say")
        return name in guards

    def assign(self, members: dict[str, Any]) -> None:
        """Merges ``members`` into the context."""
        if not self.touched:
            self.touch()
        if not isinstance(self.context, dict):
            raise EngineError("the context is no object: nothing can be assigned to its members")
        self.charge(1 + len(self.context) // 16)
        self.context = {**self.context, **members}
        self.changed = {**self.changed, **members} if self.assigned else members
        self.assigned += 1

    def new_context(self) -> tuple[bytes | None, bytes | None]:
        """The context as it is to be stored, None where nothing was assigned to it; and the members that changed of a
        large one.

        Raises EngineError where it is larger than the limits allow.
        """
        if not self.assigned:
            return None, None
        text = kept_json(self.context, self.given, "context")
        if len(text) <= _LARGE_CONTEXT:
            return text, None
        changes = json_text({name: self.context[name] for name in self.context if name in self.changed}).encode()
        return text, changes if len(changes) < len(text) else None


def kept_json(value: object, given: Given, what: str) -> bytes:
    """What a machine keeps, as it is stored: its context, its output, its error. Raises EngineError where that is
    larger than the limits allow."""
    text = json_text(value)
    encoded = text.encode()
    limits = given.limits
    most, nesting = limits.context_bytes, limits.nesting
    if len(encoded) > most:
        raise EngineError(f"the {what} would be {len(encoded)} bytes, more than max-context-bytes ({most}) allows")
    if is_deeper(text, nesting - AROUND):
        raise EngineError(f"the {what} would be nested deeper than max-nesting ({nesting}) allows")
    return encoded


class Expression:
    """An expression of the document, at the JSON path ``place``.

    Also one that reads nothing but the active states counts as depending on data: a replica evaluates none.
    """

    __slots__ = ("cost", "place", "program", "root")

    def __init__(self, program: Program, place: str) -> None:
        self.program = program
        self.root = program.root
        self.cost = program.cost
        self.place = place

    def value(self, data: Data) -> Any:
        """Its value. Raises ExpressionError."""
        if not data.touched:
            data.touch()
        budget = data.budget
        budget.left -= self.cost
        try:
            if budget.left < 0:
                budget.charge(0)
            return self.root(data)
        except BudgetError:
            raise too_many_steps(data, self.place) from None
        except CelError as error:
            fault = str(error)
        raise ExpressionError(f"{self.place}: {fault}")

    def json(self, data: Data) -> Any:
        """Its value as JSON. Raises ExpressionError."""
        value = self.value(data)
        if type(value) is int:
            return value
        try:
            return to_json(value, data.budget)
        except BudgetError:
            raise too_many_steps(data, self.place) from None
        except CelError as error:
            fault = str(error)
        raise ExpressionError(f"{self.place}: {fault}")


def too_many_steps(data: Data, place: str) -> ExpressionError:
    """The error of a step whose expressions take more work than it may cause."""
    return ExpressionError(f"{place}: the expressions of this step take {_too_many(data)}")


def _too_many(data: Data) -> str:
    return f"more than max-expression-steps ({data.budget.most}) allows"
