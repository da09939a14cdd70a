"""What the expressions of one step see and change: the context, the event, the client's guards.

A Data is private to one step, as its Macrostep is, and is itself the scope that expressions are evaluated in.
"""

from __future__ import annotations

from typing import Any

from .. import small_json
from ..cel import BudgetError, CelError, Program, Scope, to_json
from ..document import AROUND, Limits, is_deeper, read_json
from ..document import to_json as json_text
from ..errors import EngineError, ExpressionError, GuardError, quote
from .model import Tables

NO_MEMBERS: dict[str, Any] = {}
NO_VARIABLES: list[Any] = []
_LARGE_CONTEXT = 512
"""Bytes. Of a larger one, replicas are told the members that changed alone."""
_FEW = 8
"""Members of a context that are read from its text or written there: where there are more, it is read and written as a
whole."""


class Data(Scope):
    """See above. ``touched``: an expression has read or written data, so that another step may end otherwise.

    A context that is stored, ``text``, is read as far as it is asked for: ``context`` has the members that were, and
    those that were assigned, which are then written in their places. ``text`` is None where ``context`` is all of it.
    """

    __slots__ = ("active", "changed", "guards", "limits", "tables", "text", "touched")

    def __init__(
        self,
        tables: Tables,
        context: bytes | None,
        event: dict[str, Any],
        guards: frozenset[str] | None,
        now: int,
        limits: Limits,
    ) -> None:
        """``guards``: those of the client's that hold; None where it did not say."""
        self.tables = tables
        self.guards = guards
        self.limits = limits
        self.text = context
        self.context: Any = {}
        self.event: dict[str, Any] = event
        self.params: Any = None
        self.input: Any = NO_MEMBERS
        self.now = now
        self.most = limits.expression_steps
        self.left = self.most
        self.locals = NO_VARIABLES
        self.active = 0
        self.touched = False
        self.changed: dict[str, Any] | None = None
        """The members that were assigned to the context: another dict after each assignment. None: there was none."""

    def pay(self, steps: int) -> None:
        """Takes steps of the budget for what is no expression. Raises ExpressionError."""
        self.left -= steps
        if self.left < 0:
            raise ExpressionError(f"the guards and actions of this step take {_too_many(self)}")

    def in_state(self, path: str) -> bool:
        """For the expressions: is the state at ``path`` active?"""
        return bool(self.active >> self.tables.named_states[path] & 1)

    def member(self, name: str) -> Any:
        """A member of the context that was not asked for yet. Raises KeyError, TypeError where there is none."""
        known = self.context
        if self.text is not None and len(known) < _FEW and small_json.read_member(self.text, name, known):
            return known[name]
        return self.whole_context()[name]

    def whole_context(self) -> Any:
        if self.text is not None:
            try:
                whole = read_json(self.text)
            except ValueError:
                raise EngineError("the stored context is not JSON") from None
            self.text = None
            self.context = whole if self.changed is None else {**_object(whole), **self.changed}
        return self.context

    def holds(self, name: str) -> bool:
        """Whether the client said that its guard ``name`` holds."""
        if self.guards is None:
            raise GuardError(f"whether guard {quote(name)} holds is the client's to say")
        return name in self.guards

    def assign(self, members: dict[str, Any]) -> None:
        """Merges ``members`` into the context."""
        self.touched = True
        if self.text is None:
            self.context = {**_object(self.context), **members}  # who has read all of it keeps what there was
        else:
            self.context |= members
        self.left -= 1 + len(self.context) // 16
        if self.left < 0:
            self.pay(0)
        self.changed = members if self.changed is None else {**self.changed, **members}

    def new_context(self, changed: dict[str, Any]) -> tuple[bytes, bytes | None]:
        """The context as it is to be stored, of which ``changed`` was assigned; and of a large one what changed.

        Raises EngineError where it is larger than the limits allow.
        """
        text = None
        if self.text is not None and len(changed) <= _FEW:
            text = small_json.write_members(self.text, changed)
        if text is None:
            text = json_text(self.whole_context()).encode()
        if len(text) > self.limits.small:
            check_kept(text, self.limits, "context")
        if len(text) <= _LARGE_CONTEXT:
            return text, None
        changes = json_text(changed).encode()
        return text, changes if len(changes) < len(text) else None


def _object(context: Any) -> dict[str, Any]:
    """A context to which members are assigned. Raises EngineError where it is none that has members."""
    if not isinstance(context, dict):
        raise EngineError("the context is no object: nothing can be assigned to its members")
    return context


def kept_json(value: object, limits: Limits, what: str) -> bytes:
    """What a machine keeps, as it is stored: its output, its error, the context of a start. Raises EngineError where
    that is larger than the limits allow."""
    text = json_text(value).encode()
    check_kept(text, limits, what)
    return text


def check_kept(text: bytes, limits: Limits, what: str) -> None:
    """Raises EngineError where it is larger than the limits allow."""
    most, nesting = limits.context_bytes, limits.nesting - AROUND
    if len(text) > most:
        raise EngineError(f"the {what} would be {len(text)} bytes, more than max-context-bytes ({most}) allows")
    nests = len(text) > 2 * nesting and (b"[" in text or text.rfind(b"{") > 0)  # faster than to count them
    if nests and is_deeper(text.decode(), nesting):
        raise EngineError(f"the {what} would be nested deeper than max-nesting ({nesting + AROUND}) allows")


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

    def json(self, data: Data) -> Any:
        """Its value as JSON. Raises ExpressionError."""
        data.touched = True
        data.left -= self.cost
        root = self.root
        try:
            if data.left < 0:
                data.charge(0)
            value = root(data)
            return value if type(value) is int else to_json(value, data)
        except CelError as error:
            fault = self.fault(error, data)
        raise ExpressionError(f"{self.place}: {fault}")

    def fault(self, error: CelError, data: Data) -> str:
        """What an error says of the step."""
        return f"the expressions of this step take {_too_many(data)}" if type(error) is BudgetError else str(error)


def _too_many(data: Data) -> str:
    return f"more than max-expression-steps ({data.most}) allows"
