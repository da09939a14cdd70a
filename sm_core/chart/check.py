"""Findings about a document that is not stored: what SM.CHECK answers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from ..definition import Given
from ..document import Limits, check_size
from ..errors import DocumentError, EngineError, element, quote
from .chart import canonical
from .compile import compile_whole
from .data import Data, kept_json
from .entry import default_targets, transition_domain
from .listen import choosable
from .members import Faults
from .model import ATOMIC, COMPOUND, FINAL, HISTORY, NO_STATE, PARALLEL, Tables, Transition
from .oddities import oddities
from .value import stand
from .view import all_transitions, choosable_transitions, json_path, transitions_path

Finding = tuple[str, str, str]
"""Severity (``error`` or ``warning``), JSON path, message."""

MOST_FINDINGS = 100


def check(document: dict[str, Any], limits: Limits | None = None) -> list[Finding]:
    """The findings about a parsed "states" document; no errors means that it can be stored.

    Warnings are given only for a document without errors; of either at most ``MOST_FINDINGS``.
    """
    faults = Faults(MOST_FINDINGS)
    tables = behaviour = None
    try:
        tables, behaviour = compile_whole(document, limits, faults)
    except DocumentError as fault:
        faults.found.append((fault.path, fault.fault))
    if tables is None or behaviour is None or faults.found:
        return [("error", path, fault) for path, fault in faults.found[:MOST_FINDINGS]]
    try:
        check_size(canonical(document), limits)
        check_context(tables, limits)
        stand(tables, document)
    except DocumentError as fault:
        return [("error", fault.path, fault.fault)]
    except EngineError as fault:
        return [("error", "$", str(fault))]
    return list(islice(chain(_warnings(tables), oddities(document, behaviour)), MOST_FINDINGS))


def check_context(tables: Tables, limits: Limits | None) -> None:
    """Refuses a context that no start can have, whatever it is given. Raises DocumentError."""
    template = tables.context
    if template is None or template.reads_input:
        return
    given = Given(limits=limits or Limits())
    try:
        data = Data(tables, None, {"type": "xstate.init"}, None, given.now, given.limits)
        kept_json(template.value(data), given.limits, "context")
    except EngineError as error:
        fault = str(error).removeprefix("$.context: ")
    else:
        return
    raise DocumentError("$.context", fault)


def _warnings(tables: Tables) -> Iterator[Finding]:
    reached = _Reach(tables).active
    left = _leavable(tables, reached)
    yield from _never_chosen(tables, 0, final=False)
    for state in range(1, len(tables.kinds)):
        parent = tables.parents[state]
        if not reached[state]:
            if reached[parent]:
                yield "warning", json_path(tables, state), f"{quote(tables.paths[state])} cannot be reached"
            continue
        if tables.kinds[state] == ATOMIC and not left[state] and tables.kinds[parent] != PARALLEL:
            message = f"{quote(tables.paths[state])} is not final and cannot be left"
            yield "warning", json_path(tables, state), message
        final = tables.kinds[state] == FINAL and parent == 0 and tables.kinds[0] == COMPOUND
        yield from _never_chosen(tables, state, final)


def _never_chosen(tables: Tables, state: int, final: bool) -> Iterator[Finding]:
    """Transitions of ``state`` that are never chosen; ``final``: the machine is done there."""
    always = tables.always[state]
    hurried = bool(always) and always[0].guard is None and _leaves(tables, always[0])
    for event, transitions in all_transitions(tables, state):
        if final:
            path = transitions_path(tables, state, event)
            yield "warning", path, "never chosen: the machine is done here"
        elif hurried and event:
            path = transitions_path(tables, state, event)
            yield "warning", path, "never chosen: 'always' leaves this state at once"
        else:
            first = len(choosable(transitions))
            for index in range(first, len(transitions)):
                path = element(transitions_path(tables, state, event), index)
                before = "the first transition of a list" if first == 1 else "a transition before it has no guard and"
                yield "warning", path, f"never chosen: {before} is always enabled"


def _leaves(tables: Tables, transition: Transition) -> bool:
    """Do all targets lie outside the source?"""
    source = transition.source
    targets = transition.targets or ()
    return bool(targets) and not any(source <= target < tables.ends[source] for target in targets)


class _Reach:
    """Which states some sequence of events can make active (history states: entered); never too few."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.active = bytearray(len(tables.kinds))
        self.by_default = bytearray(len(tables.kinds))
        self.restored = bytearray(len(tables.kinds))  # the parents of shallow history states that are entered
        self.targets: set[tuple[int, int]] = set()
        self.regions: dict[int, int] = {}  # the parallel states that are entered: the region that was passed over
        self.pending = [0]
        self.activated: list[int] = []
        while self.pending or self.activated:
            if self.activated:
                self.follow(self.activated.pop())
            else:
                self.enter(self.pending.pop())

    def activate(self, state: int) -> None:
        if not self.active[state]:
            self.active[state] = 1
            self.activated.append(state)

    def follow(self, state: int) -> None:
        """``state`` can be active: its transitions can be taken."""
        for transition in choosable_transitions(self.tables, state):
            top = NO_STATE if transition.domain is None else transition.domain
            for target in transition.targets or ():
                self.target(target, top)
        if state and self.restored[self.tables.parents[state]]:
            self.pending.append(state)

    def target(self, state: int, top: int) -> None:
        """A transition with the domain ``top`` enters ``state``, its ancestors below that, and their regions."""
        if (state, top) in self.targets:
            return
        self.targets.add((state, top))
        self.pending.append(state)
        inner = state
        while inner not in (NO_STATE, top):
            ancestor = self.tables.parents[inner]
            if ancestor != NO_STATE:
                self.activate(ancestor)
                if self.tables.kinds[ancestor] == PARALLEL:
                    self.other_regions(ancestor, inner)
            inner = ancestor

    def other_regions(self, parallel: int, region: int) -> None:
        """The regions of ``parallel`` but for ``region`` are entered by default."""
        passed = self.regions.get(parallel)
        if passed is None:
            self.regions[parallel] = region
            self.pending.extend(child for child in self.tables.children[parallel] if child != region)
        elif passed != region:
            self.pending.append(passed)

    def enter(self, state: int) -> None:
        """``state`` is entered, and by default what is inside it."""
        if self.by_default[state]:
            return
        self.by_default[state] = 1
        self.activate(state)
        tables = self.tables
        kind = tables.kinds[state]
        parent = tables.parents[state]
        if kind == COMPOUND:
            self.pending.append(tables.initial[state])
        elif kind == PARALLEL:
            self.pending.extend(tables.children[state])
        elif kind == HISTORY:
            for target in default_targets(tables, state):
                self.target(target, parent)
            if not tables.deep[state] and not self.restored[parent]:
                self.restored[parent] = 1
                self.pending.extend(child for child in tables.children[parent] if self.active[child])


def _leavable(tables: Tables, reached: bytearray) -> list[bool]:
    """Which states some transition leaves: one of its own, of an ancestor, or of another region."""
    changes = [0] * (len(tables.kinds) + 1)
    for state in range(len(tables.kinds)):
        if not reached[state]:
            continue
        for transition in choosable_transitions(tables, state):
            targets = list(transition.targets or ())
            if not targets or (targets == [state] and tables.kinds[state] == ATOMIC):
                continue
            top = transition_domain(tables.parents, tables.ends, state, transition.reenter, targets)
            _mark(changes, state + (top == state), tables.ends[state])
            ancestor = tables.parents[state]
            while ancestor != NO_STATE and ancestor >= top:
                if tables.kinds[ancestor] == PARALLEL:
                    _mark(changes, ancestor + 1, tables.ends[ancestor])
                ancestor = tables.parents[ancestor]
    depth, left = 0, []
    for change in changes[:-1]:
        depth += change
        left.append(depth > 0)
    return left


def _mark(changes: list[int], first: int, end: int) -> None:
    changes[first] += 1
    changes[end] -= 1
