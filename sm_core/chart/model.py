"""The values of the statechart engine: what a chart is compiled to, and where one stands.

States are known by their number in document order: the root is 0, a state comes before its children, and
those come in the order in which the document names them. So the proper descendants of state ``s`` are the
numbers ``s + 1`` up to (not including) ``ends[s]``, and a set of states is one integer whose bit ``s`` says
whether state ``s`` is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

ATOMIC, COMPOUND, PARALLEL, FINAL, HISTORY = range(5)
TYPE_NAMES = ("atomic", "compound", "parallel", "final", "history")

NO_STATE = -1
DONE_EVENT = "xstate.done.state."
RESERVED_EVENTS = "xstate."


@dataclass(slots=True, eq=False)
class Transition:
    """One transition, its targets resolved. Immutable, as Tables: a frozen dataclass takes three times as long to make.

    ``targets`` is None for a transition without a target. ``domain`` is the state whose descendants are left,
    NO_STATE when the root itself is left too; it is None when a history state decides it at run time. ``beside`` is
    the target where it is the only one and an atomic child of the domain, and that a compound state; else NO_STATE.
    """

    source: int
    targets: tuple[int, ...] | None
    actions: tuple[str, ...]
    reenter: bool
    domain: int | None
    beside: int

    @property
    def inert(self) -> bool:
        """Neither target nor action: it forbids the event, which XState's ``can`` answers with false."""
        return self.targets is None and not self.actions


class Handler(NamedTuple):
    """A member of a state's ``on``: the descriptor and its transitions, of which the first wins."""

    descriptor: str
    transitions: tuple[Transition, ...]


class Configuration(NamedTuple):
    """Where a machine stands: the set of active states, and what each history state holds.

    ``active`` is a set of states as an integer. ``history`` holds a pair for each history state that has been
    given a value, in the order of their numbers: its number and the set of states it will restore (the parent's
    active children for a shallow one, the parent's active atomic descendants for a deep one).
    """

    active: int
    history: tuple[tuple[int, int], ...] = ()


class Step(NamedTuple):
    """The outcome of a start or an event: where the machine stands then, and the actions to run, in order."""

    configuration: Configuration
    actions: tuple[str, ...]


class Answers(Protocol):
    """What a state answers to events that it names: for each the first of its transitions."""

    def get(self, event: str) -> Transition | None: ...

    def __iter__(self) -> Iterator[str]: ...


T = TypeVar("T", covariant=True)


class ByState(Protocol[T]):
    """Something for each state, by its number."""

    def __getitem__(self, state: int) -> T: ...


@dataclass(slots=True, eq=False)
class Tables:
    """A compiled machine: one entry for each state, by its number. Immutable."""

    keys: tuple[str, ...]
    ids: tuple[str, ...]
    paths: tuple[str, ...]
    numbers: dict[str, int]
    """A state's number by its path."""
    by_id: dict[str, int]
    on: ByState[tuple[Handler, ...]]
    exact: ByState[Answers]
    kinds: tuple[int, ...]
    parents: tuple[int, ...]
    ends: tuple[int, ...]
    children: tuple[Sequence[int], ...]
    """The children that can be active: all but history states."""
    finals: tuple[int, ...]
    """The set of the children that are final states."""
    initial: tuple[int, ...]
    """The initial child of a compound state (it may be a history state), else NO_STATE."""
    initial_actions: tuple[tuple[str, ...], ...]
    entry: tuple[tuple[str, ...], ...]
    exit: tuple[tuple[str, ...], ...]
    histories: tuple[tuple[int, ...], ...]
    """The children that are history states."""
    deep: tuple[bool, ...]
    defaults: tuple[tuple[int, ...], ...]
    """The targets a history state names for when it holds nothing."""
    partial: tuple[dict[str, Transition], ...]
    """Partial descriptors: ``a`` for ``a.*``."""
    lengths: tuple[tuple[int, ...], ...]
    """How long the names in ``partial`` are, the longest first."""
    wildcard: tuple[Transition | None, ...]
    always: tuple[tuple[Transition, ...], ...]
    leaves: int
    """The set of atomic and final states."""
    transient: int
    """The set of states with an ``always`` transition."""
    recorders: int
    """The set of states with a history state among their children."""
    answering: int
    """The set of states that answer an event."""
    parting: int
    """The set of states with exit actions."""
    fresh: str
    """An event token that no descriptor names."""


def ascending(states: int) -> Iterator[int]:
    """The states of a set, in document order."""
    while states:
        low = states & -states
        yield low.bit_length() - 1
        states ^= low


def descending(states: int) -> Iterator[int]:
    """The states of a set, in reverse document order."""
    while states:
        state = states.bit_length() - 1
        yield state
        states ^= 1 << state


def span(first: int, end: int) -> int:
    """The set of the states ``first`` up to (not including) ``end``."""
    return (1 << end) - (1 << first) if end > first else 0


def common_ancestor(parents: tuple[int, ...] | list[int], ends: tuple[int, ...] | list[int], states: list[int]) -> int:
    """The innermost proper ancestor of all ``states``, or NO_STATE when the root is among them."""
    low, high = min(states), max(states)
    ancestor = parents[low]
    while ancestor != NO_STATE and high >= ends[ancestor]:
        ancestor = parents[ancestor]
    return ancestor


def split_path(path: str) -> list[str]:
    """The keys of a dotted path; a backslash takes the next character as it is, as in XState."""
    if "\\" not in path:
        return path.split(".")
    keys, key, rest = [], "", iter(path)
    for character in rest:
        if character == "\\":
            key += next(rest, "\\")
        elif character == ".":
            keys.append(key)
            key = ""
        else:
            key += character
    return [*keys, key]


def escape_key(key: str) -> str:
    """A key as it stands in a dotted path."""
    return key.replace("\\", "\\\\").replace(".", "\\.") if "." in key or "\\" in key else key


JsonObject = dict[str, Any]
