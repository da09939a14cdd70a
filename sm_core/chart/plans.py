"""What the guards of an event decide between, remembered: a step that depends on data is worked out each time.

A plan is about one configuration and one event. There is one where the states that answer lie inside each other, so
that their candidates are one list, of which the first that is enabled is taken alone.
"""

from __future__ import annotations

from .data import Data
from .encoding import encode
from .listen import candidates, choosable
from .model import NO_STATE, Configuration, Step, Tables, Transition, descending
from .select import asked
from .short import Short, short_step
from .step import follow, is_done, run, take_short


class Lead:
    """A candidate, and where it leads: ``target`` is the configuration as bytes where the step is a short one."""

    __slots__ = ("guard", "short", "target", "transition")

    def __init__(self, tables: Tables, configuration: Configuration, transition: Transition) -> None:
        self.transition = transition
        self.guard = transition.guard
        self.short: Short | None = short_step(tables, configuration, transition)
        self.target = None if self.short is None else encode(tables, self.short.step.configuration)


class Plan:
    """The candidates for an event in a configuration, in the order in which they are asked."""

    __slots__ = ("active", "configuration", "leads")

    def __init__(self, configuration: Configuration, leads: tuple[Lead, ...]) -> None:
        self.configuration = configuration
        self.active = configuration.active
        self.leads = leads


_MOST_CANDIDATES = 64
"""A list that is longer takes so long to ask that its plan would save little."""


def make_plan(tables: Tables, configuration: Configuration, event: str) -> Plan | None:
    """None where the states that answer do not lie inside each other, or have too many candidates."""
    if is_done(tables, configuration):
        return None
    found: list[Transition] = []
    inner = NO_STATE
    for state in descending(asked(tables, configuration.active, event)[0]):
        answers = candidates(tables, state, event)
        if answers:
            if inner >= tables.ends[state]:
                return None
            inner = state
            found += answers
    asked_for = choosable(tuple(found))
    if len(asked_for) > _MOST_CANDIDATES:
        return None
    return Plan(configuration, tuple([Lead(tables, configuration, one) for one in asked_for]))


def take(tables: Tables, plan: Plan, data: Data) -> tuple[Step | None, bytes | None]:
    """Gives the machine the event of a plan: what ``step`` does, and the configuration as bytes where it is known."""
    data.active = plan.active
    for lead in plan.leads:
        if lead.guard is not None and not lead.guard.holds(data):
            continue
        if lead.transition.inert:
            break
        if lead.short is None:
            return run(tables, plan.configuration, [lead.transition], data), None
        return take_short(tables, lead.short, data), lead.target
    return follow(tables, plan.configuration, data), None
