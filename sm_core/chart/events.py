"""Which events a machine would take now: what SM.NEXT answers."""

from __future__ import annotations

from .listen import Listeners, choosable, sample
from .model import RESERVED_EVENTS, Configuration, Tables, ascending
from .step import is_done


def next_events(tables: Tables, configuration: Configuration) -> list[str]:
    """The descriptors of active states, in document order, whose transition an event would choose now.

    A partial descriptor (``a.*``) or ``*`` is listed when an event that nothing more specific names would be
    taken by it. Guards are not asked: each may hold. XState's own events, such as that a state is done, are not listed.
    """
    if is_done(tables, configuration):
        return []
    listeners = Listeners(tables, configuration.active)
    names: dict[str, None] = {}
    for state in ascending(configuration.active):
        for descriptor, transitions in tables.on[state]:
            if descriptor in names or descriptor.startswith(RESERVED_EVENTS):
                continue
            if all(one.inert for one in choosable(transitions)):
                continue
            if listeners.may_choose(transitions[0], sample(tables, descriptor)):
                names[descriptor] = None
    return list(names)
