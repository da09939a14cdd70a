"""Actions, compiled: effects to ask for, assignments to the context, events to raise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..definition import Arm, Cancel, Effect
from ..document import to_json as json_text
from ..errors import ExpressionError
from .delays import Delay
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
        event = named_event(self.event.value(work.data), self.place)
        work.spend(1 + self.event.cost)
        work.queue.append(event)


class ArmLater:
    """``@xstate.raise`` with a delay, and the ``after`` of a state: the event comes later."""

    __slots__ = ("delay", "event", "id", "params", "place")
    name = "@xstate.raise"

    def __init__(
        self, event: Template, delay: Delay, id: Template, place: str, params: Template = NO_PARAMS
    ) -> None:
        self.event = event
        self.delay = delay
        self.id = id
        self.params = params
        self.place = place

    def run(self, work: Macrostep) -> None:
        data = work.data
        if data is None:
            return
        data.params = self.params.value(data)
        event = named_event(self.event.value(data), self.place)
        text = json_text(event).encode()
        work.spend(1 + len(text) // CHARACTERS)
        work.timers.append(Arm(timer_id(self.id.value(data), self.place), text, self.delay.milliseconds(data)))


class CancelLater:
    """``@xstate.cancel``, and what leaving a state does to its ``after``."""

    __slots__ = ("id", "params", "place")
    name = "@xstate.cancel"

    def __init__(self, id: Template, place: str, params: Template = NO_PARAMS) -> None:
        self.id = id
        self.params = params
        self.place = place

    def run(self, work: Macrostep) -> None:
        work.spend(1)
        if work.data is not None:
            work.data.params = self.params.value(work.data)
            work.timers.append(Cancel(timer_id(self.id.value(work.data), self.place)))


def named_event(event: dict[str, Any], place: str) -> dict[str, Any]:
    """An event that was worked out. Raises ExpressionError where its name is no text."""
    if not isinstance(event["type"], str) or not event["type"]:
        raise ExpressionError(f'{place}: the "type" of an event is its name, a string')
    return event


def timer_id(value: object, place: str) -> str:
    """The id of a deadline that was worked out. Raises ExpressionError where it is no text."""
    if not isinstance(value, str):
        raise ExpressionError(f"{place}: the id of a delayed event is a string")
    return value


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
