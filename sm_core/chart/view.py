"""States and transitions of any machine, flat or statechart, as drawing and checking want them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..errors import element, member
from .model import DONE_EVENT, HISTORY, Tables, Transition


class Edge(NamedTuple):
    """A transition: ``targets`` is empty for one that stays where it is, ``label`` is its event and its actions."""

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


def view(tables: Tables, active: int, named: bool) -> View:
    """A machine with its active states marked; ``named``: its transitions have names of their own to be shown."""
    labels = []
    for state, key in enumerate(tables.keys):
        if tables.kinds[state] == HISTORY:
            key = f"{key} (H*)" if tables.deep[state] else f"{key} (H)"
        labels.append(key)
    edges = []
    for state in range(len(tables.keys)):
        for event, transition, _ in first_transitions(tables, state):
            edges.append(Edge(state, transition.targets or (), _label(event, transition) if named else ""))
        edges.extend(Edge(state, (target,), "") for target in tables.defaults[state])
    return View(labels, tables.kinds, tables.parents, tables.ends, tables.initial, edges, active)


def first_transitions(tables: Tables, state: int) -> list[tuple[str, Transition, str]]:
    """What can be chosen in ``state``: the event's descriptor (or a word for it), the transition, its JSON path."""
    found = []
    for event, transitions, path in all_transitions(tables, state):
        if transitions:
            found.append((event, transitions[0], element(path, 0) if len(transitions) > 1 else path))
    return found


def all_transitions(tables: Tables, state: int) -> list[tuple[str, tuple[Transition, ...], str]]:
    """The lists of transitions of ``state``: the descriptor or a word for it, the list, its JSON path."""
    found = []
    place = json_path(tables, state)
    for descriptor, transitions in tables.on[state]:
        if descriptor == DONE_EVENT + tables.ids[state]:
            found.append(("done", transitions, member(place, "onDone")))
        else:
            found.append((descriptor, transitions, member(f"{place}.on", descriptor)))
    if tables.always[state]:
        found.append(("", tables.always[state], f"{place}.always"))
    return found


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


def _label(event: str, transition: Transition) -> str:
    actions = ", ".join(transition.actions)
    if transition.targets is None and not actions:
        actions = "(forbidden)"
    return f"{event} / {actions}".strip() if actions else event
