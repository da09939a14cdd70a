"""What every compiled document can be asked, flat machine or statechart, and what goes in and comes out.

A configuration is bytes: canonical (equal ones are the same bytes), and stored as they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from .document import Limits, to_json
from .errors import EngineError
from .store import Store

made = tuple.__new__
"""``made(Outcome, (…))``, with all members, takes half as long as ``Outcome(…)``."""


class Machine(NamedTuple):
    """A machine as it is stored: where it stands, and the JSON texts that it keeps."""

    configuration: bytes = b""
    context: bytes | None = None
    """None: its definition keeps no context."""
    output: bytes | None = None
    error: bytes | None = None
    """Where there is one the machine's status is ``error``: it takes nothing until it is reset or forced."""


class Given(NamedTuple):
    """What comes in with a step."""

    data: bytes | None = None
    """DATA: the members of the event beside its type, as JSON text."""
    guards: frozenset[str] | None = None
    """The client's guards that hold; None: the client did not say."""
    input: bytes | None = None
    """INPUT, as JSON text."""
    now: int = 0
    """Unix milliseconds."""
    limits: Limits = Limits()


NOTHING_GIVEN = Given()


class NoParams:
    """Stands for the params of an effect that has none: null is a value."""


class Effect(NamedTuple):
    """What a step asks for, and the server does not do: an action with its params worked out."""

    name: str
    params: object = NoParams

    def params_text(self) -> str:
        """As compact JSON; "" where there are none."""
        return "" if self.params is NoParams else to_json(self.params)


class Arm(NamedTuple):
    """A deadline to arm."""

    id: str
    """A pending one of the same id is replaced; "" is no id: nothing is replaced, and nothing can cancel it."""
    event: bytes
    """What it gives the machine: compact JSON."""
    delay: int
    """Milliseconds from now."""


class Cancel(NamedTuple):
    """A deadline that is pending no more."""

    id: str


SPAWN = "xstate.spawnChild"
"""The name of the effect that starts a task: ``{"id", "src", "input"}``."""
STOP = "xstate.stopChild"
"""The name of the effect that a task's result is not waited for any more: ``{"id"}``."""


class Pending(NamedTuple):
    """A deadline, or a task, of a machine that a snapshot describes."""

    id: str
    what: str
    """The event of a deadline, as JSON; the ``src`` of a task."""
    text: str
    """Why a deadline has failed; the input of a task, as JSON. "": none."""
    ms: int
    """Unix milliseconds: when it is due, or was started."""
    status: int = 0
    """Of a deadline: 0 it waits, 1 it is due, 2 it has failed."""
    number: int = 0
    """What its handle ends in; 0: it is to get one."""


class Outcome(NamedTuple):
    """What a step leads to."""

    configuration: bytes
    effects: Sequence[Effect] = ()
    """In the order in which they are to be run."""
    ask_again: bool = False
    """It depends on data, or writes some: the same step may lead elsewhere next time, and is not to be remembered."""
    context: bytes | None = None
    """The whole context from now on; None: as it was."""
    changes: bytes | None = None
    """The members of a large context that changed, as a JSON object, for replicas."""
    output: bytes | None = None
    error: bytes | None = None
    timers: Sequence[Arm | Cancel] = ()
    """In their order. A machine that is done, or has an error, has no deadlines and no tasks any more."""


NOT_TAKEN = Outcome(b"", ask_again=True)
"""In place of None: nothing happens, and with other data something might. It is not to be remembered."""


class Definition(Protocol):
    """A compiled document: everything about a machine but where it stands. Immutable.

    A step raises EngineError where it does not come to rest, GuardError where it asks for a guard of the client's that
    was not said, ExpressionError where an expression fails. Nothing has changed then.
    """

    @property
    def canonical(self) -> bytes:
        """The document that is stored: compact JSON without where the machine stands, what it keeps, its ``reason``."""

    @property
    def split(self) -> int:
        """Where in ``canonical`` SM.GET puts the reason."""

    @property
    def keeps(self) -> bool:
        """Whether its machines keep data: a context, an output."""

    @property
    def waits(self) -> bool:
        """Whether its machines have deadlines or tasks."""

    @property
    def counts(self) -> bool:
        """Whether its machines count their steps."""

    @property
    def nests(self) -> bool:
        """Whether its states lie in one another: a dot in a path is between their keys."""

    @property
    def store(self) -> Store:
        """What its machines keep beyond where they stand."""

    def start(self, given: Given) -> Outcome:
        """How a machine begins."""

    def enter(self, current: str, held: Machine | None, limits: Limits | None, given: Given) -> Outcome:
        """Where ``current``, SM.SET's CURRENT, lets a machine stand; "" is the start where no state has that name.

        History states hold what they hold in ``held``, and its context is taken; without it the context is as at a
        start. No action runs. ``limits`` None: it was accepted before. Raises DocumentError, whose path begins with
        THIRD_ARGUMENT.
        """

    def mutate(self, machine: Machine, target: str, given: Given) -> Outcome | None:
        """Takes a transition to ``target``; None or NOT_TAKEN where none is allowed."""

    def force(self, machine: Machine, target: str, given: Given) -> Outcome | None:
        """Enters ``target``, whatever the transitions say; None where it is no state."""

    def send(self, machine: Machine, event: str, given: Given) -> Outcome | None:
        """Gives the machine an event; None or NOT_TAKEN where no transition is enabled."""

    def give(
        self,
        configuration: bytes,
        context: bytes | None,
        event: str,
        text: bytes | None,
        guards: frozenset[str] | None,
        now: int,
        limits: Limits,
    ) -> Outcome | None:
        """``send`` to a machine without an error, ``text`` being DATA: what a server asks for most, without values that
        are made for it alone."""

    def fire(self, machine: Machine, event: bytes, given: Given) -> Outcome | None:
        """Gives the machine the event of a deadline, as Arm has it."""

    def report(self, machine: Machine, task: str, result: bytes | None, failed: bool, given: Given) -> Outcome | None:
        """Gives the machine the end of the task with the id ``task``, and its result as JSON text.

        A failure that no transition takes makes the machine's status ``error``.
        """

    def waiting_at(self, machine: Machine, given: Given) -> Outcome:
        """A machine that is put where it stands: the deadlines of its active states are armed, their tasks started."""

    def can(self, machine: Machine, event: str, given: Given) -> bool:
        """Whether a transition takes the event."""

    def why(self, machine: Machine, event: str, given: Given) -> list[tuple[str, str]]:
        """The candidates for an event in the order in which they are asked, each as its place and its verdict."""

    def why_not(self, machine: Machine, event: str, given: Given) -> str:
        """Why ``send`` answers None for this event: one line for the client."""

    def next(self, machine: Machine) -> list[str]:
        """What could be sent now, in document order; guards are not asked."""

    def admit(self, configuration: bytes, strict: bool) -> bytes:
        """A configuration from outside, checked. Raises DocumentError.

        Not ``strict``: a state that a flat document does not know passes (the Rust module let it).
        """

    def admit_data(self, machine: Machine, limits: Limits) -> Machine:
        """What a machine keeps, from outside, checked. Raises DocumentError."""

    def head(self, configuration: bytes) -> bytes:
        """How SM.GET's reply begins: ``{"current":…`` without what follows."""

    def states(self, configuration: bytes) -> Sequence[str]:
        """The active states, as SM.STATE lists them."""

    def current(self, configuration: bytes) -> str:
        """What SM.GET key CURRENT answers."""

    def is_done(self, configuration: bytes) -> bool:
        """Whether the machine takes no event any more; a flat one, whether no move leads on from there."""

    def snapshot(self, machine: Machine) -> str:
        """XState's persisted snapshot, as JSON: what SM.GET key SNAPSHOT answers."""

    @property
    def initial(self) -> str:
        """What SM.GET key INITIAL answers."""

    @property
    def rows(self) -> Sequence[str]:
        """What SM.STATE key LIST answers."""

    @property
    def known(self) -> Sequence[str]:
        """What SM.STATE key ALL answers."""


def merge(context: bytes, changes: bytes) -> bytes:
    """A context with some members set anew; both are JSON objects, as text. Raises EngineError."""
    try:
        members, changed = json.loads(context), json.loads(changes)
    except ValueError:
        raise EngineError("the context, or what changes in it, is not JSON") from None
    if not isinstance(members, dict) or not isinstance(changed, dict):
        raise EngineError("only the members of an object can change")
    return to_json(members | changed).encode()
