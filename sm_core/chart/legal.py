"""Which sets of states can be active together: what a configuration from outside is tested against."""

from __future__ import annotations

from ..errors import quote
from .model import COMPOUND, HISTORY, NO_STATE, PARALLEL, Tables, ascending, descending, span


def check_active(tables: Tables, active: int) -> str | None:
    """Is ``active`` a full configuration? None, or the fault."""
    if not active & 1:
        return "the root is not active"
    return check_inside(tables, active, 0)


def check_inside(tables: Tables, states: int, top: int) -> str | None:
    """Is ``states`` a full configuration of what is inside ``top``? None, or the fault."""
    active: dict[int, int] = {}
    for state in descending(states):
        if tables.kinds[state] == HISTORY:
            return f"{quote(tables.paths[state])} is a history state, which is never active"
        if tables.dormant >> state & 1:
            return f"{quote(tables.paths[state])} is inside a final state, and never active"
        parent = tables.parents[state]
        if state != top and not states >> parent & 1:
            return f"{quote(tables.paths[state])} is active and its parent is not"
        active[parent] = active.get(parent, 0) + 1
        count = active.pop(state, 0)
        if tables.kinds[state] == COMPOUND and count != 1:
            return f"{count} children of the compound state {quote(tables.paths[state])} are active, not one"
        if tables.kinds[state] == PARALLEL and count != len(tables.children[state]):
            return f"not all regions of the parallel state {quote(tables.paths[state])} are active"
    return None


def with_ancestors(tables: Tables, states: int, top: int) -> int:
    """``states`` and all their ancestors up to and including ``top``."""
    full = states | 1 << top
    for state in ascending(states):
        ancestor = tables.parents[state]
        while ancestor not in (NO_STATE, top) and not full >> ancestor & 1:
            full |= 1 << ancestor
            ancestor = tables.parents[ancestor]
    return full


def check_history(tables: Tables, history: int, states: int) -> str | None:
    """Can the history state ``history`` hold ``states``? None, or the fault."""
    parent = tables.parents[history]
    if tables.deep[history]:
        outside = states & ~(tables.leaves & span(parent + 1, tables.ends[parent]))
        if outside:
            fault = next(ascending(outside))
            return f"{quote(tables.paths[fault])} is not an atomic state inside {quote(tables.paths[parent])}"
        return check_inside(tables, with_ancestors(tables, states, parent), parent)
    for state in ascending(states):
        if tables.parents[state] != parent or tables.kinds[state] == HISTORY:
            return f"{quote(tables.paths[state])} is not a child of {quote(tables.paths[parent])}"
    held = states.bit_count()
    wanted = 1 if tables.kinds[parent] == COMPOUND else len(tables.children[parent])
    if held != wanted:
        return f"{held} children of {quote(tables.paths[parent])} are held, not {wanted}"
    return None
