"""Which states a transition leads to: its effective targets, its domain, and all that is entered with them."""

from __future__ import annotations

from .model import (
    COMPOUND,
    HISTORY,
    NO_STATE,
    PARALLEL,
    Tables,
    Transition,
    ascending,
    common_ancestor,
    span,
)


def effective_targets(tables: Tables, targets: tuple[int, ...], history: dict[int, int]) -> list[int]:
    """``targets`` with each history state replaced by what it stands for."""
    states: dict[int, None] = {}
    pending = list(reversed(targets))
    while pending:
        state = pending.pop()
        if tables.kinds[state] != HISTORY:
            states[state] = None
        elif state in history:
            states.update(dict.fromkeys(ascending(history[state])))
        else:
            pending.extend(reversed(default_targets(tables, state)))
    return list(states)


def default_targets(tables: Tables, state: int) -> tuple[int, ...]:
    """Where a history state leads that holds nothing."""
    if tables.defaults[state]:
        return tables.defaults[state]
    parent = tables.parents[state]
    return (parent,) if tables.kinds[parent] == PARALLEL else (tables.initial[parent],)


def domain(tables: Tables, transition: Transition, targets: list[int]) -> int:
    """The state whose descendants ``transition`` leaves; NO_STATE when it leaves the root as well."""
    return transition_domain(tables.parents, tables.ends, transition.source, transition.reenter, targets)


def transition_domain(
    parents: tuple[int, ...] | list[int],
    ends: tuple[int, ...] | list[int],
    source: int,
    reenter: bool,
    targets: list[int],
) -> int:
    """See ``domain``; for the compiler, which has no Tables yet."""
    if not reenter and all(source <= target < ends[source] for target in targets):
        return source
    ancestor = common_ancestor(parents, ends, [*targets, source])
    return ancestor if ancestor != NO_STATE or reenter else 0


class Entry:
    """Which states are to be entered, and which of them by default (their initial actions run then)."""

    __slots__ = ("by_default", "completed", "enter", "history", "remaining", "tables", "work")

    def __init__(self, tables: Tables, history: dict[int, int], remaining: int) -> None:
        self.tables = tables
        self.history = history
        self.remaining = remaining
        self.enter = 0
        self.by_default = 0
        self.completed: set[int] = set()
        self.work = 0
        """How many states were looked at."""

    def holds_descendant(self, state: int) -> bool:
        """Is a proper descendant of ``state`` to be entered?"""
        return bool(self.enter & span(state + 1, self.tables.ends[state]))

    def add(self, transition: Transition, targets: list[int], domain: int) -> None:
        """What ``transition`` enters; ``targets`` are its effective targets."""
        tables = self.tables
        for target in transition.targets or ():
            inside = target == transition.source == domain and not transition.reenter
            if tables.kinds[target] != HISTORY and not inside:
                self.enter |= 1 << target
                self.by_default |= 1 << target
            self.descend(target)
        climbed: set[int] = set()
        for target in targets:
            self.climb(target, domain, domain, climbed)
            if domain != NO_STATE and tables.kinds[domain] == PARALLEL:
                self.complete(domain)

    def descend(self, state: int) -> None:
        """What entering ``state`` entails below it."""
        tables = self.tables
        pending = [state]
        while pending:
            state = pending.pop()
            self.work += 1
            kind = tables.kinds[state]
            if kind == COMPOUND:
                child = tables.initial[state]
                if self.stays_elsewhere(state, child):
                    continue
                if tables.kinds[child] != HISTORY:
                    self.enter |= 1 << child
                    self.by_default |= 1 << child
                pending.append(child)
            elif kind == PARALLEL:
                self.work += len(tables.children[state])
                for child in tables.children[state]:
                    if not self.holds_descendant(child):
                        self.enter |= 1 << child
                        self.by_default |= 1 << child
                        pending.append(child)
            elif kind == HISTORY:
                pending.extend(self.restore(state))

    def stays_elsewhere(self, state: int, child: int) -> bool:
        """Does another child than ``child`` stay active in the compound state ``state``?

        A history state's default deep inside an active region brings XState to enter that region, and those beside
        it, once more without leaving them. That is followed as far as it is a legal configuration.
        """
        if not self.remaining & span(state + 1, self.tables.ends[state]):
            return False
        return not self.remaining >> child & 1

    def restore(self, state: int) -> list[int]:
        """Enters what the history state ``state`` stands for; answers the states whose insides are to follow."""
        tables = self.tables
        parent = tables.parents[state]
        if state in self.history:
            states = list(ascending(self.history[state]))
        else:
            states = list(default_targets(tables, state))
            if not tables.defaults[state] and tables.kinds[parent] == COMPOUND:
                self.by_default |= 1 << parent
        for restored in states:
            if tables.kinds[restored] != HISTORY:
                self.enter |= 1 << restored
        self.work += len(states)
        climbed: set[int] = set()
        for restored in states:
            self.climb(restored, parent, NO_STATE, climbed)
        return states

    def climb(self, state: int, top: int, domain: int, climbed: set[int]) -> None:
        """Enters the ancestors of ``state`` below ``top``, and the other regions of those that are parallel.

        ``climbed``: the ancestors for which that was done already, with the same ``top`` and ``domain``.
        """
        tables = self.tables
        if state == top:
            return
        ancestor = tables.parents[state]
        while ancestor not in (NO_STATE, top) and ancestor not in climbed:
            climbed.add(ancestor)
            self.work += 1
            if domain == NO_STATE or domain < ancestor < tables.ends[domain]:
                self.enter |= 1 << ancestor
            if tables.kinds[ancestor] == PARALLEL:
                self.complete(ancestor)
            ancestor = tables.parents[ancestor]

    def complete(self, parallel: int) -> None:
        """Enters the regions of ``parallel`` in which nothing is entered yet."""
        if parallel in self.completed:
            return
        self.completed.add(parallel)
        self.work += len(self.tables.children[parallel])
        for child in self.tables.children[parallel]:
            if not self.holds_descendant(child):
                self.enter |= 1 << child
                self.descend(child)
