"""Actions, compiled: effects to ask for, assignments to the context, events to raise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..definition import Arm, Cancel, Effect
from ..document import to_json as json_text
from ..errors import ExpressionError
from .delays import Delay
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

    __slots__ = ("name", "params")

    def __init__(self, name: str, params: Template) -> None:
        self.name = name
        self.params = params

    def run(self, work: Macrostep) -> None:
        if work.data is not None:
            params = self.params.value(work.data)
            work.spend(1 + len(json_text(params)) // CHARACTERS)
            work.effects.append(Effect(self.name, params))


class Assign:
    """``@xstate.assign``: members that are merged into the context; all of them see the context before it."""

    __slots__ = ("members",)
    name = "@xstate.assign"

    def __init__(self, members: Template) -> None:
        self.members = members

    def run(self, work: Macrostep) -> None:
        if work.data is not None:
            work.spend(1)
            work.data.assign(self.members.value(work.data))


class Raise:
    """``@xstate.raise``: an event that the machine gives itself, within the same step."""

    __slots__ = ("event", "place")
    name = "@xstate.raise"

    def __init__(self, event: Template, place: str) -> None:
        self.event = event
        self.place = place

    def run(self, work: Macrostep) -> None:
        if work.data is None:
            return
        event = named_event(self.event.value(work.data), self.place)
        work.spend(1 + self.event.cost)
        work.queue.append(event)


class Use:
    """What the root says that the name of an action means, with the params with which it is used in one place."""

    __slots__ = ("meaning", "name", "params")

    def __init__(self, name: str, meaning: Actions, params: Template) -> None:
        self.name = name
        self.meaning = meaning
        self.params = params

    def run(self, work: Macrostep) -> None:
        if work.data is not None:
            work.data.params = self.params.value(work.data)
        work.act(self.meaning)


class ArmLater:
    """``@xstate.raise`` with a delay, and the ``after`` of a state: the event comes later."""

    __slots__ = ("delay", "event", "id", "place")
    name = "@xstate.raise"

    def __init__(self, event: Template, delay: Delay, id: Template, place: str) -> None:
        self.event = event
        self.delay = delay
        self.id = id
        self.place = place

    def run(self, work: Macrostep) -> None:
        data = work.data
        if data is None:
            return
        event = named_event(self.event.value(data), self.place)
        text = json_text(event).encode()
        work.spend(1 + len(text) // CHARACTERS)
        work.timers.append(Arm(timer_id(self.id.value(data), self.place), text, self.delay.milliseconds(data)))


class CancelLater:
    """``@xstate.cancel``, and what leaving a state does to its ``after``."""

    __slots__ = ("id", "place")
    name = "@xstate.cancel"

    def __init__(self, id: Template, place: str) -> None:
        self.id = id
        self.place = place

    def run(self, work: Macrostep) -> None:
        work.spend(1)
        if work.data is not None:
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
    """A list of actions. ``effects`` is None where one of them is more than an effect that is always the same.

    ``asked``: those effects that always are. ``assigns``: what is assigned, where there is nothing else beside them;
    None where there is.
    """

    __slots__ = ("asked", "assigns", "cost", "effects", "items", "raises")

    def __init__(self, items: Sequence[Action]) -> None:
        self.items = tuple(items)
        self.raises: bool = any(
            isinstance(one, Raise) or (isinstance(one, Use) and one.meaning.raises) for one in items
        )
        asks = [action for action in items if isinstance(action, Ask)]
        assigns = tuple([action.members for action in items if isinstance(action, Assign)])
        self.asked = tuple([ask.effect for ask in asks])
        self.effects = self.asked if len(asks) == len(items) else None
        self.assigns = assigns if len(asks) + len(assigns) == len(items) else None
        self.cost = sum([ask.cost for ask in asks])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple([action.name for action in self.items])

    def __len__(self) -> int:
        return len(self.items)


NONE = Actions(())
