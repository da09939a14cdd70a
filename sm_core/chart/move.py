"""Moves that name a state instead of an event: what SM.MUTATE asks of a chart, with and without FORCE."""

from __future__ import annotations

from ..definition import STOP
from .data import Data
from .entry import Entry, effective_targets
from .listen import Listeners, choosable, sample
from .model import (
    HISTORY,
    NO_STATE,
    PARALLEL,
    RESERVED_EVENTS,
    Configuration,
    Step,
    Tables,
    Transition,
    ascending,
    span,
)
from .step import Macrostep, enabled, is_done, run


def outwards(tables: Tables, active: int) -> list[int]:
    """The active states: each atomic one in document order, then its ancestors, each state once."""
    seen: dict[int, None] = {}
    for leaf in ascending(active & tables.leaves):
        state = leaf
        while state != NO_STATE and state not in seen:
            seen[state] = None
            state = tables.parents[state]
    return list(seen)


def transition_to(tables: Tables, configuration: Configuration, target: int, data: Data | None) -> Transition | None:
    """The first transition, from the innermost active states outwards, that an event enables now and whose
    target is exactly the state ``target``."""
    listeners: Listeners | None = None
    for state in outwards(tables, configuration.active):
        for handler in tables.on[state]:
            if handler.descriptor.startswith(RESERVED_EVENTS):
                continue
            leading = [one for one in choosable(handler.transitions) if one.targets == (target,)]
            if not leading:
                continue
            listeners = listeners or Listeners(tables, configuration.active)
            event = sample(tables, handler.descriptor)
            if not listeners.may_choose(leading[0], event):
                continue
            if data is None:
                return leading[0]
            data.event = {**data.event, "type": event}
            if not tables.has_guards:
                return leading[0]
            chosen = chosen_by(tables, configuration, state, event, data)
            if chosen in leading:
                return chosen
    return None


def chosen_by(tables: Tables, configuration: Configuration, state: int, event: str, data: Data) -> Transition | None:
    """The transition of ``state`` among those that ``event`` takes."""
    data.pay(configuration.active.bit_count())
    for transition in enabled(tables, configuration, event, data):
        if transition.source == state:
            return transition
    return None


def mutate(tables: Tables, configuration: Configuration, path: str, data: Data | None) -> Step | None:
    """Takes the first enabled transition to the state at ``path``; None when there is none."""
    target = tables.numbers.get(path)
    if target is None or is_done(tables, configuration):
        return None
    transition = transition_to(tables, configuration, target, data)
    return None if transition is None else run(tables, configuration, [transition], data)


def force(
    tables: Tables, configuration: Configuration, path: str, data: Data | None, failed: bool = False
) -> Step | None:
    """Enters the state at ``path``, its initial states and its parents, whatever the transitions say.

    As little as possible is left: the state itself when it is active, else what is active inside its innermost
    active ancestor; other regions stay as they are. Exit and entry actions run, history states are given their
    values, done events and transitions without an event follow. Out of a machine that is done the exit actions
    have run already, and run no more. ``failed``: its status is error. Deadlines and tasks have ended in both, and
    those of the states that stay active begin anew. None for a path that names no state.
    """
    target = tables.numbers.get(path)
    if target is None or tables.dormant >> target & 1:
        return None
    work = Macrostep(tables, configuration, data)
    if data is not None:
        data.active = configuration.active
    if work.active >> target & 1:
        top = tables.parents[target]
        left = work.active & span(target, tables.ends[target])
    else:
        top = tables.parents[target]
        while not work.active >> top & 1:
            top = tables.parents[top]
        left = work.active & span(top + 1, tables.ends[top])
    done = is_done(tables, configuration)
    if done:  # the exit actions have run
        work.data = None
        work.leave(left)
        work.effects.clear()
        work.data = data
    else:
        work.leave(left)
    if done or failed:
        work.effects = [effect for effect in work.effects if effect.name != STOP]
        work.timers.clear()
        for state in ascending(work.active):
            work.act(tables.waits[state])
    targets = effective_targets(tables, (target,), work.history)
    entry = Entry(tables, work.history, work.active)
    if tables.kinds[target] != HISTORY:
        entry.enter |= 1 << target
        entry.by_default |= 1 << target
    entry.descend(target)
    climbed: set[int] = set()
    for state in targets:
        entry.climb(state, top, top, climbed)
    if tables.kinds[target] == HISTORY:
        if tables.kinds[top] == PARALLEL:
            entry.complete(top)
        entry.enter &= ~work.active
    work.spend(entry.work)
    work.enter(entry)
    work.settle()
    return work.result()
