"""The transitions that an event, or none, enables in all active states together."""

from __future__ import annotations

from operator import itemgetter
from sys import maxsize
from typing import TYPE_CHECKING

from .listen import candidates, first_enabled
from .model import Tables, Transition, descending, span

if TYPE_CHECKING:
    from .data import Data


def asked(tables: Tables, active: int, event: str) -> tuple[int, int]:
    """The active states that may answer ``event``, and how many states were looked at for it.

    Thousands may be active, and a few listen.
    """
    active &= tables.has_on
    count = active.bit_count()
    listening = tables.listening.get(event, ())
    if len(listening) >= count:
        return active, count
    states = active & tables.catching
    for state in listening:
        if active >> state & 1:
            states |= 1 << state
    return states, len(listening) + states.bit_count()


def select(tables: Tables, states: int, event: str, data: Data | None) -> list[Transition]:
    """The transitions that ``event`` enables among ``states`` that may answer it (see ``asked``): innermost first
    within each region, in document order.

    States are visited in reverse document order, so that all that is inside a state comes before it: the state
    is asked only when nothing inside it has answered.
    """
    selected: list[Transition] = []
    innermost = maxsize
    ends = tables.ends
    for state in descending(states):
        if innermost < ends[state]:
            continue
        transition = first_enabled(candidates(tables, state, event), data)
        if transition is not None:
            selected.append(transition)
            innermost = state
    selected.reverse()
    return selected


def select_always(tables: Tables, active: int, data: Data | None) -> list[Transition]:
    """The transitions without an event that are enabled, in document order of the atomic states.

    Each atomic state takes that of its innermost ancestor that has one. States are visited in reverse document order,
    so that what is left of the atomic states inside one is its own.
    """
    waiting = active & tables.leaves
    selected: list[tuple[int, Transition]] = []
    for state in descending(active & tables.has_always):
        inside = waiting & span(state, tables.ends[state])
        if inside:
            transition = first_enabled(tables.always[state], data)
            if transition is not None:
                selected.append((inside & -inside, transition))
                waiting ^= inside
    selected.sort(key=itemgetter(0))
    return [transition for _, transition in selected]
