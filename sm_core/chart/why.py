"""Why an event is taken or not: the verdict on each transition that it may choose, for SM.CAN … WHY."""

from __future__ import annotations

from ..errors import ExpressionError, GuardError, element, quote
from .data import Data
from .listen import candidates
from .model import Configuration, Tables, Transition, ascending
from .select import asked
from .view import all_transitions, transitions_path

TAKEN = "taken"
FORBIDDEN = "forbidden"
BEHIND = "behind another"


def why(tables: Tables, configuration: Configuration, event: str, data: Data) -> list[tuple[str, str]]:
    """The place and the verdict of each candidate, innermost states first, in the order in which they are asked; those
    that are not, since another was taken, come where they would be."""
    data.active = configuration.active
    found: list[tuple[str, str]] = []
    answered: list[int] = []
    states, _ = asked(tables, configuration.active, event)
    for state in sorted(ascending(states), key=lambda state: (tables.ends[state], -state)):
        taken = any(state <= inner < tables.ends[state] for inner in answered[-1:])
        places = _places(tables, state)
        for transition in candidates(tables, state, event):
            verdict = BEHIND if taken else _verdict(transition, data)
            if verdict in (TAKEN, FORBIDDEN):
                taken = True
                answered.append(state)
            found.append((places[id(transition)], verdict))
    return found


def _places(tables: Tables, state: int) -> dict[int, str]:
    """Where in the document each transition of ``state`` is."""
    return {
        id(transition): _place(transitions_path(tables, state, descriptor), index, len(transitions))
        for descriptor, transitions in all_transitions(tables, state)
        for index, transition in enumerate(transitions)
    }


def _place(path: str, index: int, count: int) -> str:
    return element(path, index) if count > 1 else path


def _verdict(transition: Transition, data: Data) -> str:
    guard = transition.guard
    if guard is not None:
        try:
            holds = guard.holds(data)
        except ExpressionError as error:
            return str(error)
        except GuardError:
            return f"guard {quote(next(guard.clients()))} is the client's"
        if not holds:
            return f"guard {quote(guard.label)} is false"
    return FORBIDDEN if transition.inert else TAKEN
