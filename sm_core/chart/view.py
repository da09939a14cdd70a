"""States and transitions of any machine, flat or statechart, as drawing and checking want them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..errors import EngineError, member
from .actions import CHARACTERS
from .listen import choosable
from .model import DONE_EVENT, HISTORY, RESERVED_EVENTS, Tables, Transition
from .waiting import AFTER_EVENT, DONE_TASK, FAILED_TASK, TIMEOUT_EVENT


class Edge(NamedTuple):
    """A transition: ``targets`` is empty for one that stays where it is, ``label`` its event, guard and actions."""

    source: int
    targets: tuple[int, ...]
    label: str


class View(NamedTuple):
    """A machine to look at. State 0 is the root; a state comes before its children, as in Tables."""

    labels: Sequence[str]
    kinds: Sequence[int]
    parents: Sequence[int]
    ends: Sequence[int]
    initial: Sequence[int]
    edges: Sequence[Edge]
    active: int


MOST_DRAWN = 10_000
"""States and arrows, and of their texts 64 characters as one, that a picture may have. Nobody could read more, and
what draws it takes less: Mermaid 500 arrows where nothing else is said."""


def view(tables: Tables, active: int, named: bool) -> View:
    """A machine with its active states marked; ``named``: its transitions have names of their own to be shown.

    Raises EngineError where it is too large to be drawn.
    """
    drawn = len(tables.keys) + sum(map(len, tables.keys)) // CHARACTERS
    labels = []
    for state, key in enumerate(tables.keys):
        if tables.kinds[state] == HISTORY:
            key = f"{key} (H*)" if tables.deep[state] else f"{key} (H)"
        labels.append(key)
    edges: list[Edge] = []
    for state in range(len(tables.keys)):
        for event, transitions in all_transitions(tables, state):
            said = _said(event, tables.ids[state]) if named else ""
            for transition in choosable(transitions):
                label = _label(said, transition) if named else ""
                targets = transition.targets or ()
                edges.append(Edge(state, targets, label))
                drawn += max(len(targets), 1) * (1 + len(label) // CHARACTERS)
        edges.extend([Edge(state, (target,), "") for target in tables.defaults[state]])
        drawn += len(tables.defaults[state])
        if drawn > MOST_DRAWN:
            raise EngineError(f"too large to be drawn: more than {MOST_DRAWN} states and arrows")
    return View(labels, tables.kinds, tables.parents, tables.ends, tables.initial, edges, active)


def choosable_transitions(tables: Tables, state: int) -> list[Transition]:
    """What can be chosen in ``state``, whatever the guards say."""
    return [one for _, transitions in all_transitions(tables, state) for one in choosable(transitions)]


def all_transitions(tables: Tables, state: int) -> list[tuple[str, tuple[Transition, ...]]]:
    """The lists of transitions of ``state``, each with its descriptor; "" for ``always``."""
    found: list[tuple[str, tuple[Transition, ...]]] = list(tables.on[state])
    if tables.always[state]:
        found.append(("", tables.always[state]))
    return found


def transitions_path(tables: Tables, state: int, descriptor: str) -> str:
    """Where in the document such a list is."""
    place = json_path(tables, state)
    if not descriptor:
        return f"{place}.always"
    if descriptor == DONE_EVENT + tables.ids[state]:
        return f"{place}.onDone"
    return member(f"{place}.on", descriptor)


def json_path(tables: Tables, state: int) -> str:
    """Where in the document a state is."""
    keys = []
    while state:
        keys.append(tables.keys[state])
        state = tables.parents[state]
    place = "$"
    for key in reversed(keys):
        place = member(f"{place}.states", key)
    return place


def _said(event: str, identity: str) -> str:
    """An event as a reader says it: XState's names of what a state waits for repeat the state's id."""
    if not event.startswith(RESERVED_EVENTS):
        return event
    if event == DONE_EVENT + identity:
        return "done"
    if event == TIMEOUT_EVENT + identity:
        return "timeout"
    if event.startswith(AFTER_EVENT) and event.endswith(f".{identity}"):
        return f"after {event[len(AFTER_EVENT) : -len(identity) - 1]}"
    for begin, end in ((DONE_TASK, "done"), (FAILED_TASK, "failed")):
        if event.startswith(begin):
            return f"{event.removeprefix(begin)} {end}"
    return event


def _label(event: str, transition: Transition) -> str:
    actions = ", ".join(transition.actions.names)
    if transition.guard is not None:
        event = f"{event} [{transition.guard.label}]".strip()
    if transition.targets is None and not actions:
        actions = "(forbidden)"
    return f"{event} / {actions}".strip() if actions else event
