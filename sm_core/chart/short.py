"""Steps that are one transition, which stays or leads to an atomic sibling: known before they are taken."""

from __future__ import annotations

from ..definition import Effect
from .actions import Actions
from .model import NO_STATE, Configuration, Step, Tables, Transition, descending
from .templates import Template


class Short:
    """A transition that is all there is to a step: the step, but for what the actions ``lists`` depend on data.

    ``assigns``: what of them depends on data, where that is assignments alone; else None.
    """

    __slots__ = ("assigns", "lists", "step")

    def __init__(self, configuration: Configuration, lists: list[Actions]) -> None:
        effects: tuple[Effect, ...] = ()
        assigns: list[Template] | None = []
        for actions in lists:
            effects += actions.asked
            assigns = None if assigns is None or actions.assigns is None else [*assigns, *actions.assigns]
        self.step = Step(configuration, effects)
        self.assigns = assigns
        self.lists = lists


def short_step(tables: Tables, configuration: Configuration, transition: Transition) -> Short | None:
    """What a Macrostep does where ``transition`` stays, or leads to an atomic sibling, and nothing follows from it;
    None where there is more to it."""
    target = transition.sibling
    active, history = configuration
    left = 0
    lists = [transition.actions]
    if target != NO_STATE:
        top = tables.parents[target]
        left = active & (1 << tables.ends[top]) - (2 << top)
        active = active ^ left | 1 << target
        if left & tables.has_exit:
            lists = []
            for state in descending(left & tables.has_exit):
                lists += (tables.exit[state], tables.stops[state])
            lists.append(transition.actions)
        lists.append(tables.entry[target])
    elif transition.targets is not None:
        return None
    if left & tables.has_history or active & tables.has_always:
        return None
    for actions in lists:
        if actions.raises:
            return None
    return Short(Configuration(active, history), lists)
