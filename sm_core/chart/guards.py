"""Guards, compiled: whether a transition may be taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from ..cel import CelError
from ..errors import ExpressionError
from .data import Data, Expression
from .templates import Template

NO_PARAMS = Template({}, None, 0)


class Guard(Protocol):
    """Immutable, as all that a document is compiled to."""

    @property
    def label(self) -> str:
        """How a picture and SM.CAN call it."""

    def holds(self, data: Data) -> bool:
        """Pays for itself, whatever asks it.

        Raises ExpressionError; GuardError where the client did not say whether its own holds.
        """

    def clients(self) -> Iterator[str]:
        """The guards in it that the client decides."""


class ClientGuard:
    """A name that the document does not define: the client says whether it holds."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def label(self) -> str:
        return self.name

    def holds(self, data: Data) -> bool:
        data.pay(1)
        return data.holds(self.name)

    def clients(self) -> Iterator[str]:
        yield self.name


class ExpressionGuard(Expression):
    """An expression, under a name or as it stands; ``params`` are what its name was used with."""

    __slots__ = ("label", "params")

    def __init__(self, expression: Expression, label: str, params: Template = NO_PARAMS) -> None:
        super().__init__(expression.program, expression.place)
        self.cost += 1
        self.label = label
        self.params = params

    def holds(self, data: Data) -> bool:
        data.params = self.params.constant if self.params.make is None else self.params.value(data)
        data.touched = True
        data.left -= self.cost
        root = self.root
        try:
            if data.left < 0:
                data.charge(0)
            value = root(data)
            if value is True or value is False:
                return value
            fault = "a guard is true or false, and this one is neither"
        except CelError as error:
            fault = self.fault(error, data)
        raise ExpressionError(f"{self.place}: {fault}")

    def clients(self) -> Iterator[str]:
        return iter(())


class Every:
    """``xstate.and``: all of its guards hold. They are asked until one does not."""

    __slots__ = ("guards",)
    _word = " and "

    def __init__(self, guards: Sequence[Guard]) -> None:
        self.guards = guards

    @property
    def label(self) -> str:
        return self._word.join([_inner(guard) for guard in self.guards])

    def holds(self, data: Data) -> bool:
        return not self.first(False, data)

    def first(self, wanted: bool, data: Data) -> bool:
        """Whether one of them is what is wanted: they are asked until one is."""
        data.pay(1)
        return any(guard.holds(data) is wanted for guard in self.guards)

    def clients(self) -> Iterator[str]:
        for guard in self.guards:
            yield from guard.clients()


class Some(Every):
    """``xstate.or``: one of its guards holds. They are asked until one does."""

    __slots__ = ()
    _word = " or "

    def holds(self, data: Data) -> bool:
        return self.first(True, data)


class Not:
    """``xstate.not``."""

    __slots__ = ("guard",)

    def __init__(self, guard: Guard) -> None:
        self.guard = guard

    @property
    def label(self) -> str:
        return f"not {_inner(self.guard)}"

    def holds(self, data: Data) -> bool:
        data.pay(1)
        return not self.guard.holds(data)

    def clients(self) -> Iterator[str]:
        return self.guard.clients()


class InState:
    """``xstate.stateIn``: all of a set of states are active."""

    __slots__ = ("label", "states")

    def __init__(self, states: int, label: str) -> None:
        self.states = states
        self.label = label

    def holds(self, data: Data) -> bool:
        data.pay(1)
        return data.active & self.states == self.states

    def clients(self) -> Iterator[str]:
        return iter(())


def _inner(guard: Guard) -> str:
    return f"({guard.label})" if isinstance(guard, Every) else guard.label
