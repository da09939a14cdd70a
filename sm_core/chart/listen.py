"""Which descriptors match an event, and which active states answer it.

A chart may have 100,000 descriptors and as many active states: what is asked of all of them together is found in
tables, not by going through them for each.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Set
from typing import TYPE_CHECKING

from .model import Tables, Transition, ascending

if TYPE_CHECKING:
    from .data import Data


def partial_prefix(descriptor: str) -> str | None:
    """``a`` for the partial descriptor ``a.*``; None for any other, which matches only itself."""
    if not descriptor.endswith(".*"):
        return None
    prefix = descriptor[:-2]
    return None if "*" in prefix.split(".") else prefix


def sample(tables: Tables, descriptor: str) -> str:
    """An event that ``descriptor`` matches and no descriptor that is more specific does."""
    if descriptor == "*":
        return tables.unused_token
    prefix = partial_prefix(descriptor)
    return descriptor if prefix is None else f"{prefix}.{tables.unused_token}"


def prefixes(lengths: Set[int], event: str) -> Iterator[str]:
    """What a partial descriptor that matches ``event`` may have before its ``.*``, of these lengths, the longest first.

    There may be a thousand lengths, or a million dots in the event: the fewer are gone through.
    """
    if event.count(".") < len(lengths):
        end = len(event)
        while end >= 0:
            if end in lengths:
                yield event[:end]
            end = event.rfind(".", 0, end)
        return
    for length in sorted(lengths, reverse=True):
        if event[length : length + 1] in (".", "") and length <= len(event):
            yield event[:length]


def candidates(tables: Tables, state: int, event: str) -> tuple[Transition, ...]:
    """The transitions that ``event`` may choose in ``state``, in the order in which they are asked: those that name it,
    then of the partial descriptors, the longest first, then of ``*``. Behind one without a guard comes none."""
    exact = tables.exact[state].get(event) or ()
    partial = tables.partial[state]
    if not exact and not partial:
        return tables.wildcard[state]
    if exact and (not tables.has_guards or surely_answers(exact)):
        return exact
    found = [*exact]
    if partial:
        for prefix in prefixes(tables.lengths[state], event):
            if prefix in partial:
                found += partial[prefix]
    return choosable((*found, *tables.wildcard[state]))


def first_enabled(transitions: tuple[Transition, ...], data: Data | None) -> Transition | None:
    """The first whose guard holds. Without data no guard is asked, and where one would have to be, none is enabled."""
    for transition in transitions:
        if transition.guard is None:
            return transition
        if data is None:
            return None
        if transition.guard.holds(data):
            return transition
    return None


def choosable(transitions: tuple[Transition, ...]) -> tuple[Transition, ...]:
    """Those that may be chosen: what stands behind one without a guard never is."""
    for index, transition in enumerate(transitions):
        if transition.guard is None:
            return transitions[: index + 1]
    return transitions


def surely_answers(transitions: tuple[Transition, ...]) -> bool:
    """Is one of them enabled whatever the guards say?"""
    return any(transition.guard is None for transition in transitions)


class Listeners:
    """What the active states answer whatever the guards say, by descriptor."""

    def __init__(self, tables: Tables, active: int) -> None:
        self.tables = tables
        self.exact: dict[str, list[int]] = {}
        self.partial: dict[str, list[int]] = {}
        self.wildcard: list[int] = []
        lengths: set[int] = set()
        for state in ascending(active):
            exact = tables.exact[state]
            for name in exact:
                if not tables.has_guards or surely_answers(exact.get(name) or ()):
                    self.exact.setdefault(name, []).append(state)
            for prefix, transitions in tables.partial[state].items():
                if surely_answers(transitions):
                    self.partial.setdefault(prefix, []).append(state)
            lengths.update(tables.lengths[state])
            if surely_answers(tables.wildcard[state]):
                self.wildcard.append(state)
        self.lengths = lengths

    def may_choose(self, transition: Transition, event: str) -> bool:
        """May ``transition``, of an active state, be among those that ``event`` takes now? Guards are not asked."""
        source = transition.source
        return transition in candidates(self.tables, source, event) and not self.answered_inside(source, event)

    def answered_inside(self, state: int, event: str) -> bool:
        """Does an active state inside ``state`` answer ``event`` for certain?"""
        end = self.tables.ends[state]
        if end == state + 1:
            return False
        found = [self.wildcard, self.exact.get(event, [])]
        found += [self.partial[prefix] for prefix in prefixes(self.lengths, event) if prefix in self.partial]
        for states in found:
            following = bisect_right(states, state)
            if following < len(states) and states[following] < end:
                return True
        return False
