"""Actions, compiled: effects to ask for, assignments to the context, events to raise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..definition import Effect
from ..document import to_json as json_text
from ..errors import ExpressionError
from .guards import NO_PARAMS
from .templates import Template

if TYPE_CHECKING:
    from .step import Macrostep

CHARACTERS = 64
"""Characters of names and texts that cost a unit of work to write down."""


class Action(Protocol):
    """Immutable, as all that a document is compiled to."""

    @property
    def name(self) -> str:
        """How a picture calls it."""

    def run(self, work: Macrostep) -> None:
        """Raises ExpressionError."""


class Ask:
    """An effect that is always the same."""

    __slots__ = ("cost", "effect")

    def __init__(self, effect: Effect, characters: int) -> None:
        """``characters``: about how many it takes to write the effect down."""
        self.effect = effect
        self.cost = 1 + characters // CHARACTERS

    @property
    def name(self) -> str:
        return self.effect.name

    def run(self, work: Macrostep) -> None:
        work.spend(self.cost)
        work.effects.append(self.effect)


class AskWith:
    """An effect whose params depend on data."""

    __slots__ = ("name", "said", "used")

    def __init__(self, name: str, said: Template, used: Template = NO_PARAMS) -> None:
        """``used``: the params with which the root's action is used, in which ``said`` is."""
        self.name = name
        self.said = said
        self.used = used

    def run(self, work: Macrostep) -> None:
        if work.data is not None:
            work.data.params = self.used.value(work.data)
            params = self.said.value(work.data)
            work.spend(1 + len(json_text(params)) // CHARACTERS)
            work.effects.append(Effect(self.name, params))


class Assign:
    """``@xstate.assign``: members that are merged into the context; all of them see the context before it.

    ``params``: what a named one was used with.
    """

    __slots__ = ("members", "params")
    name = "@xstate.assign"

    def __init__(self, members: Template, params: Template = NO_PARAMS) -> None:
        self.members = members
        self.params = params

    def run(self, work: Macrostep) -> None:
        if work.data is not None:
            work.spend(1)
            work.data.params = self.params.value(work.data)
            work.data.assign(self.members.value(work.data))


class Raise:
    """``@xstate.raise``: an event that the machine gives itself, within the same step."""

    __slots__ = ("event", "params", "place")
    name = "@xstate.raise"

    def __init__(self, event: Template, place: str, params: Template = NO_PARAMS) -> None:
        self.event = event
        self.params = params
        self.place = place

    def run(self, work: Macrostep) -> None:
        if work.data is None:
            return
        work.data.params = self.params.value(work.data)
        event: dict[str, Any] = self.event.value(work.data)
        if not isinstance(event["type"], str) or not event["type"]:
            raise ExpressionError(f'{self.place}: the "type" of an event is its name, a string')
        work.spend(1 + self.event.cost)
        work.queue.append(event)


class Actions:
    """A list of actions. ``effects`` is None where one of them is more than an effect that is always the same."""

    __slots__ = ("cost", "effects", "items", "raises")

    def __init__(self, items: Sequence[Action]) -> None:
        self.items = tuple(items)
        self.raises = any(isinstance(action, Raise) for action in items)
        asks = [action for action in items if isinstance(action, Ask)]
        self.effects = tuple([ask.effect for ask in asks]) if len(asks) == len(items) else None
        self.cost = sum([ask.cost for ask in asks])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple([action.name for action in self.items])

    def __len__(self) -> int:
        return len(self.items)


NONE = Actions(())
