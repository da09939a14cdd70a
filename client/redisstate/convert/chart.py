"""A statechart as SCXML means it: what is between those that read one and what writes our document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from .findings import Place

StateKind = Literal["state", "parallel", "final", "history"]


@dataclass(frozen=True)
class Expr:
    """The text of an expression."""

    text: str
    place: Place


@dataclass(frozen=True)
class Value:
    """What is said as data, not as an expression."""

    value: Any


@dataclass(frozen=True)
class Param:
    name: str
    value: Expr | Value


# Executable content


@dataclass(frozen=True)
class Assign:
    place: Place
    location: str
    value: Expr | Value


@dataclass(frozen=True)
class Raise:
    place: Place
    event: str


@dataclass(frozen=True)
class Send:
    """``event``, ``delay`` and ``target`` may each be an expression."""

    place: Place
    event: str | Expr | None
    delay: str | Expr | None = None
    target: str | Expr | None = None
    type: str | Expr | None = None
    id: str | None = None
    params: tuple[Param, ...] = ()


@dataclass(frozen=True)
class Cancel:
    place: Place
    id: str | Expr


@dataclass(frozen=True)
class Log:
    place: Place
    label: str | None
    value: Expr | None


@dataclass(frozen=True)
class Effect:
    """What the application does: a callback's name, an element of another namespace."""

    place: Place
    name: str
    params: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class If:
    place: Place
    branches: tuple[tuple[Expr | None, tuple[Action, ...]], ...]
    """Each condition with what it does; None: ``else``."""


Action = Assign | Raise | Send | Cancel | Log | Effect | If


# States and transitions


@dataclass
class Transition:
    place: Place
    events: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    conditions: list[tuple[Expr, bool]] = field(default_factory=list)
    """All hold, those with False beside them do not."""
    actions: list[Action] = field(default_factory=list)
    internal: bool = False


@dataclass
class Invoke:
    place: Place
    src: str
    id: str | None = None
    params: tuple[Param, ...] = ()


@dataclass(eq=False)
class State:
    place: Place
    id: str
    kind: StateKind = "state"
    children: list[State] = field(default_factory=list)
    initial: Transition | None = None
    """None: the first child."""
    transitions: list[Transition] = field(default_factory=list)
    entry: list[Action] = field(default_factory=list)
    exit: list[Action] = field(default_factory=list)
    invokes: list[Invoke] = field(default_factory=list)
    deep: bool = False
    """Of a history state."""
    output: Expr | Value | tuple[Param, ...] | None = None
    """Of a final state."""
    parent: State | None = None

    def inside(self) -> Iterator[State]:
        """This state and all inside it, in document order."""
        pending = [self]
        while pending:
            state = pending.pop()
            yield state
            pending.extend(reversed(state.children))

    def ancestors(self) -> Iterator[State]:
        """Its parents, the nearest first."""
        state = self.parent
        while state is not None:
            yield state
            state = state.parent

    def is_in(self, other: State) -> bool:
        """Is it inside ``other``, and another?"""
        return any(state is other for state in self.ancestors())

    @property
    def active_children(self) -> list[State]:
        return [child for child in self.children if child.kind != "history"]


@dataclass(frozen=True)
class Data:
    place: Place
    id: str
    value: Expr | Value | None
    """None: it has no value yet."""


@dataclass
class Chart:
    root: State
    name: str = ""
    description: str = ""
    data: list[Data] = field(default_factory=list)
    python: bool = False
    """The dialect of its expressions."""
    callbacks: bool = False
    """A name in a condition that is no data is a function of the application's."""
