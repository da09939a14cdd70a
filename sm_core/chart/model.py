"""The values of the statechart engine: what a chart is compiled to, and where one stands.

States are known by their number in document order: the root is 0, a state comes before its children, and
those come in the order in which the document names them. So the proper descendants of state ``s`` are the
numbers ``s + 1`` up to (not including) ``ends[s]``, and a set of states is one integer whose bit ``s`` says
whether state ``s`` is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from struct import unpack
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from ..definition import Arm, Cancel, Effect, NoParams

if TYPE_CHECKING:
    from .actions import Actions
    from .guards import Guard
    from .templates import Template

ATOMIC, COMPOUND, PARALLEL, FINAL, HISTORY = range(5)
TYPE_NAMES = ("atomic", "compound", "parallel", "final", "history")

NO_STATE = -1
DONE_EVENT = "xstate.done.state."
RESERVED_EVENTS = "xstate."


class Transition:
    """One transition, its targets resolved. Immutable, as Tables.

    ``targets`` is None for a transition without a target. ``domain`` is the state whose descendants are left,
    NO_STATE when the root itself is left too; it is None when a history state decides it at run time. ``sibling`` is
    the target where it is the only one and an atomic child of the domain, and that a compound state; else NO_STATE.
    ``inert``: neither target nor action, so that it forbids the event, which XState's ``can`` answers with false.
    """

    __slots__ = ("actions", "domain", "guard", "inert", "reenter", "sibling", "source", "targets")

    def __init__(self, source: int, targets: tuple[int, ...] | None, actions: Actions, reenter: bool,
                 domain: int | None, sibling: int, guard: Guard | None = None) -> None:  # fmt: skip
        self.source = source
        self.targets = targets
        self.actions = actions
        self.reenter = reenter
        self.domain = domain
        self.sibling = sibling
        self.guard = guard
        self.inert = targets is None and not actions


class Handler(NamedTuple):
    """A member of a state's ``on``: the descriptor and its transitions, of which the first that is enabled wins."""

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
    """The outcome of a start or an event: where the machine stands then, and what it asks for, in order."""

    configuration: Configuration
    effects: tuple[Effect, ...] = ()
    output: object = NoParams
    """The machine's, where it is done by this step and has one."""
    timers: tuple[Arm | Cancel, ...] = ()

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of the effects."""
        return tuple([effect.name for effect in self.effects])


class Answers(Protocol):
    """What a state answers to events that it names: for each its transitions, in the order in which they are asked."""

    def get(self, event: str) -> tuple[Transition, ...] | None: ...

    def __iter__(self) -> Iterator[str]: ...


T = TypeVar("T", covariant=True)


class ByState(Protocol[T]):
    """Something for each state, by its number."""

    def __getitem__(self, state: int) -> T: ...


class Tables:
    """A compiled machine: one entry for each state, by its number. Immutable.

    Written out, as Transition is: to import the standard library's dataclasses is a quarter of the engine's start.
    """

    __slots__ = (
        "always", "assigns", "by_id", "catching", "children", "client_guards", "context", "deep", "defaults",
        "dormant", "ends", "entry", "exact", "exit", "finals", "guarded_always", "has_always", "has_exit",
        "has_guards", "has_history", "has_on", "has_waits", "histories", "ids", "initial", "initial_actions",
        "keeps_context", "keys", "kinds", "leaves", "lengths", "listening", "max_iterations", "named_states",
        "numbers", "on", "outputs", "parents", "partial", "paths", "raised", "size", "stops", "unused_token",
        "waits", "wildcard",
    )  # fmt: skip

    def __init__(
        self,
        *,
        keys: tuple[str, ...],
        ids: tuple[str, ...],
        paths: tuple[str, ...],
        numbers: dict[str, int],
        by_id: dict[str, int],
        on: ByState[tuple[Handler, ...]],
        exact: ByState[Answers],
        kinds: tuple[int, ...],
        parents: tuple[int, ...],
        ends: tuple[int, ...],
        children: tuple[Sequence[int], ...],
        finals: tuple[int, ...],
        initial: tuple[int, ...],
        initial_actions: tuple[Actions, ...],
        entry: tuple[Actions, ...],
        exit: tuple[Actions, ...],
        stops: tuple[Actions, ...],
        waits: tuple[Actions, ...],
        has_waits: bool,
        histories: tuple[tuple[int, ...], ...],
        deep: tuple[bool, ...],
        defaults: tuple[tuple[int, ...], ...],
        partial: tuple[dict[str, tuple[Transition, ...]], ...],
        lengths: tuple[frozenset[int], ...],
        wildcard: tuple[tuple[Transition, ...], ...],
        always: tuple[tuple[Transition, ...], ...],
        leaves: int,
        has_always: int,
        has_history: int,
        has_on: int,
        catching: int,
        listening: Mapping[str, Sequence[int]],
        has_exit: int,
        unused_token: str,
        size: int,
        max_iterations: int,
        has_guards: bool,
        guarded_always: int,
        dormant: int,
        named_states: Mapping[str, int],
        client_guards: frozenset[str],
        raised: frozenset[str],
        context: Template | None,
        keeps_context: bool,
        assigns: bool,
        outputs: Mapping[int, Template],
    ) -> None:
        self.keys = keys
        self.ids = ids
        self.paths = paths
        self.numbers = numbers
        """A state's number by its path."""
        self.by_id = by_id
        self.on = on
        self.exact = exact
        self.kinds = kinds
        self.parents = parents
        self.ends = ends
        self.children = children
        """The children that can be active: all but history states."""
        self.finals = finals
        """The set of the children that are final states."""
        self.initial = initial
        """The initial child of a compound state (it may be a history state), else NO_STATE."""
        self.initial_actions = initial_actions
        self.entry = entry
        self.exit = exit
        """Exit actions, and what cancels the deadlines of a state."""
        self.stops = stops
        """The effects that a state's tasks are not waited for any more."""
        self.has_waits = has_waits
        """Whether there is anything to wait for: a deadline, a task."""
        self.waits = waits
        """What of ``entry`` arms the deadlines of a state and starts its tasks."""
        self.histories = histories
        """The children that are history states."""
        self.deep = deep
        self.defaults = defaults
        """The targets a history state names for when it holds nothing."""
        self.partial = partial
        """Partial descriptors: ``a`` for ``a.*``."""
        self.lengths = lengths
        """How long the names in ``partial`` are."""
        self.wildcard = wildcard
        self.always = always
        self.leaves = leaves
        """The set of atomic and final states."""
        self.has_always = has_always
        """The set of states with an ``always`` transition."""
        self.has_history = has_history
        """The set of states with a history state among their children."""
        self.has_on = has_on
        """The set of states that answer an event."""
        self.catching = catching
        """The set of states that answer events which they do not name: by a partial descriptor or ``*``."""
        self.listening = listening
        """The states that answer an event by its very name, ascending."""
        self.has_exit = has_exit
        """The set of states with exit actions."""
        self.unused_token = unused_token
        """An event token that no descriptor names."""
        self.size = size
        """About how much there is: states, transitions, targets, actions, and 64 characters of name as one."""
        self.max_iterations = max_iterations
        """XState's ``options.maxIterations``: how often one start or event may ask what follows by itself, the last
        time, when nothing does, among them. 0: the document does not say, and the server's own bound holds alone."""
        self.has_guards = has_guards
        self.guarded_always = guarded_always
        """The set of states with an ``always`` transition that has a guard."""
        self.dormant = dormant
        """The set of the states inside final ones, which are never active."""
        self.named_states = named_states
        """The states that expressions ask for, by what they call them: a path or an id."""
        self.raised = raised
        """The names of the events that some action raises; ``*``: any."""
        self.client_guards = client_guards
        """The names of the guards that the document does not define."""
        self.context = context
        """What the context is at a start; None where the document does not say."""
        self.keeps_context = keeps_context
        """Whether a machine has a context: the document says one, or assigns to it."""
        self.assigns = assigns
        self.outputs = outputs
        """The outputs of final states and of the root (0)."""


_LARGE = 512
"""Bits of a set from which it is taken apart by words: to change one bit of it copies it whole."""


def _words(states: int) -> list[tuple[int, int]]:
    """A large set as words of 64 states that are not empty, each with its first state."""
    count = (states.bit_length() + 63) // 64
    words = unpack(f"<{count}Q", states.to_bytes(count * 8, "little"))
    return [(place * 64, word) for place, word in enumerate(words) if word]


def ascending(states: int) -> Iterator[int]:
    """The states of a set, in document order."""
    if states.bit_length() > _LARGE:
        for first, word in _words(states):
            for state in ascending(word):
                yield first + state
        return
    while states:
        low = states & -states
        yield low.bit_length() - 1
        states ^= low


def descending(states: int) -> Iterator[int]:
    """The states of a set, in reverse document order."""
    if states.bit_length() > _LARGE:
        for first, word in reversed(_words(states)):
            for state in descending(word):
                yield first + state
        return
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


_MOST_KEYS = 1000
"""In a path: more than the levels of any chart that can be read."""
_BACKSLASH, _DOT = "\udc00", "\udc01"
"""Stand for the two inside a key while a path is parted: no text of UTF-8 has them."""


def split_path(path: str) -> list[str]:
    """The keys of a dotted path; a backslash takes the next character as it is, as in XState.

    Of a path of a megabyte of dots it makes ``_MOST_KEYS`` and one with the rest, which is the key of no state.
    """
    if "\\" not in path:
        return path.split(".", _MOST_KEYS)
    path = path.replace("\\\\", _BACKSLASH).replace("\\.", _DOT)
    if path.endswith("\\"):
        path = path[:-1] + _BACKSLASH
    keys = path.replace("\\", "").split(".", _MOST_KEYS)
    return [key.replace(_BACKSLASH, "\\").replace(_DOT, ".") for key in keys]


def escape_key(key: str) -> str:
    """A key as it stands in a dotted path."""
    return key.replace("\\", "\\\\").replace(".", "\\.") if "." in key or "\\" in key else key
