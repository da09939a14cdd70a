"""States and transitions of any machine, flat or statechart, as drawing and checking want them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import element, member
from ..flat import known_states
from .chart import Chart
from .model import ATOMIC, COMPOUND, DONE_EVENT, HISTORY, NO_STATE, Configuration, Tables, Transition


class Edge(NamedTuple):
    """A transition: ``targets`` is empty for one that stays where it is, ``label`` is its event and its actions."""

    source: int
    targets: tuple[int, ...]
    label: str


@dataclass(frozen=True, slots=True)
class View:
    """A machine to look at. State 0 is the root; a state comes before its children, as in Tables."""

    labels: Sequence[str]
    kinds: Sequence[int]
    parents: Sequence[int]
    ends: Sequence[int]
    initial: Sequence[int]
    edges: Sequence[Edge]
    active: int


def chart_view(chart: Chart, configuration: Configuration | None) -> View:
    """A statechart, with the active states of ``configuration`` marked."""
    tables = chart.tables
    labels = []
    for state, key in enumerate(tables.keys):
        if tables.kinds[state] == HISTORY:
            key = f"{key} (H*)" if tables.deep[state] else f"{key} (H)"
        labels.append(key)
    edges = []
    for state in range(len(tables.keys)):
        for event, transition, _ in first_transitions(tables, state):
            edges.append(Edge(state, transition.targets or (), _label(event, transition)))
        edges.extend(Edge(state, (target,), "") for target in tables.defaults[state])
    active = configuration.active if configuration is not None else 0
    return View(labels, tables.kinds, tables.parents, tables.ends, tables.initial, edges, active)


def flat_view(document: dict[str, Any], current: str | None) -> View:
    """A map document that is valid, with the state ``current`` marked."""
    names = ["", *known_states(document["map"], document["initial"])]
    numbers = {name: state for state, name in enumerate(names) if state}
    edges = [
        Edge(numbers[name], (numbers[target],), "")
        for name, row in document["map"].items()
        for target in dict.fromkeys(row)
    ]
    return View(
        labels=names,
        kinds=[COMPOUND] + [ATOMIC] * (len(names) - 1),
        parents=[NO_STATE] + [0] * (len(names) - 1),
        ends=[len(names), *range(2, len(names) + 1)],
        initial=[numbers[document["initial"]]] + [NO_STATE] * (len(names) - 1),
        edges=edges,
        active=1 << numbers[current] if current in numbers else 0,
    )


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
