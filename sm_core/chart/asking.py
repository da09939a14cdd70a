"""Which of the client's guards a step may ask for: what an error names, so that the client can say them all at once."""

from __future__ import annotations

from collections.abc import Iterable

from .listen import candidates, choosable
from .model import DONE_EVENT, NO_STATE, Configuration, Tables, Transition, ascending, span


def asked_by_event(tables: Tables, configuration: Configuration, event: str) -> list[str]:
    """The guards that ``event`` may ask for."""
    first = [one for state in ascending(configuration.active) for one in choosable(candidates(tables, state, event))]
    return asked_by(tables, configuration.active, first)


def asked_by_move(tables: Tables, configuration: Configuration, path: str) -> list[str]:
    """The guards that a move to the state at ``path`` may ask for."""
    target = tables.numbers.get(path, NO_STATE)
    first: list[Transition] = []
    for state in ascending(configuration.active):
        for handler in tables.on[state]:
            found = choosable(handler.transitions)
            if any(one.targets == (target,) for one in found):
                first += found
    return asked_by(tables, configuration.active, first)


def asked_by(tables: Tables, active: int, first: Iterable[Transition]) -> list[str]:
    """The guards of ``first``, and of all that may follow: what needs no event, what hears that a state is done or what
    the machine raises, in the states that are active or may be entered."""
    asked: dict[str, None] = {}
    pending = [*first][::-1]
    seen: set[int] = set()
    entered, known = active, 0
    while True:
        while pending:
            transition = pending.pop()
            if id(transition) in seen:
                continue
            seen.add(id(transition))
            if transition.guard is not None:
                asked.update(dict.fromkeys(transition.guard.clients()))
            for target in transition.targets or ():
                entered |= _entered(tables, transition, target)
        entered &= ~known
        if not entered:
            return list(asked)
        for state in ascending(entered):
            pending += choosable(tables.always[state])
            for handler in tables.on[state]:
                if _may_follow(tables, handler.descriptor):
                    pending += choosable(handler.transitions)
        known |= entered


def _may_follow(tables: Tables, descriptor: str) -> bool:
    """Whether a descriptor may hear an event that the machine gives itself."""
    if "*" in tables.raised or descriptor.startswith(DONE_EVENT) or descriptor in tables.raised:
        return True
    return descriptor.endswith("*")


def _entered(tables: Tables, transition: Transition, target: int) -> int:
    """The states that a transition to ``target`` may enter, and some more: all that is inside the same child of its
    domain."""
    top = NO_STATE if transition.domain is None else transition.domain
    while tables.parents[target] not in (top, NO_STATE):
        target = tables.parents[target]
    return span(target, tables.ends[target])
