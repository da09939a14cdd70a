"""Which descriptors match an event, and which active states answer it.

A chart may have 100,000 descriptors and as many active states: what is asked of all of them together is found in
tables, not by going through them for each.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Set

from .model import Tables, Transition, ascending


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


def answer(tables: Tables, state: int, event: str) -> Transition | None:
    """The transition that ``event`` chooses in ``state``: exact, then partial, the longest first, then ``*``."""
    transition = tables.exact[state].get(event)
    if transition is not None:
        return transition
    partial = tables.partial[state]
    if partial:
        for prefix in prefixes(tables.lengths[state], event):
            if prefix in partial:
                return partial[prefix]
    return tables.wildcard[state]


class Listeners:
    """What the active states answer, by descriptor."""

    def __init__(self, tables: Tables, active: int) -> None:
        self.tables = tables
        self.exact: dict[str, list[int]] = {}
        self.partial: dict[str, list[int]] = {}
        self.wildcard: list[int] = []
        lengths: set[int] = set()
        for state in ascending(active):
            for name in tables.exact[state]:
                self.exact.setdefault(name, []).append(state)
            for prefix in tables.partial[state]:
                self.partial.setdefault(prefix, []).append(state)
            lengths.update(tables.lengths[state])
            if tables.wildcard[state] is not None:
                self.wildcard.append(state)
        self.lengths = lengths

    def choose(self, transition: Transition, event: str) -> bool:
        """Is ``transition``, of an active state, among those that ``event`` would take now?"""
        source = transition.source
        return answer(self.tables, source, event) is transition and not self.answered_inside(source, event)

    def answered_inside(self, state: int, event: str) -> bool:
        """Does an active state inside ``state`` answer ``event``?"""
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
