"""What every compiled document can be asked, flat machine or statechart.

A configuration is bytes: canonical (equal ones are the same bytes), and stored as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from .document import Limits


class Outcome(NamedTuple):
    """What a step leads to. ``ask_again``: the same step may lead elsewhere next time, and is not to be remembered."""

    configuration: bytes
    actions: Sequence[str]
    """The names of the actions to run, in order."""
    ask_again: bool = False


class Definition(Protocol):
    """A compiled document: everything about a machine but where it stands. Immutable."""

    @property
    def canonical(self) -> bytes:
        """The document that is stored: compact JSON without ``current``, ``historyValue`` and ``reason``."""

    @property
    def split(self) -> int:
        """Where in ``canonical`` SM.GET puts the reason."""

    def start(self) -> Outcome:
        """How a machine begins. Raises EngineError when it does not come to rest."""

    def stand(self, document: dict[str, Any]) -> bytes:
        """Where the ``current`` of a document says that the machine stands; without one, as at the start."""

    def enter(self, current: str, held: bytes, limits: Limits | None) -> bytes:
        """The configuration that ``current`` names, SM.SET's third argument; "" is the start where no state has that
        name.

        History states hold what they hold in the configuration ``held``; nothing when that is empty. ``limits`` None:
        it was accepted before. Raises DocumentError, whose path begins with THIRD_ARGUMENT, and EngineError.
        """

    def mutate(self, configuration: bytes, target: str) -> Outcome | None:
        """Takes a transition to ``target``; None where none is allowed."""

    def force(self, configuration: bytes, target: str) -> Outcome | None:
        """Enters ``target``, whatever the transitions say; None where it is no state."""

    def send(self, configuration: bytes, event: str) -> Outcome | None:
        """Gives the machine an event; None where no transition is enabled."""

    def why_not(self, configuration: bytes, event: str) -> str:
        """Why ``send`` answers None for this event: one line for the client."""

    def next(self, configuration: bytes) -> list[str]:
        """What could be sent now, in document order."""

    def admit(self, configuration: bytes, strict: bool) -> bytes:
        """A configuration from outside, checked. Raises DocumentError.

        Not ``strict``: a state that a flat document does not know passes (the Rust module let it).
        """

    def head(self, configuration: bytes) -> bytes:
        """How SM.GET's reply begins: ``{"current":…`` without what follows."""

    def states(self, configuration: bytes) -> Sequence[str]:
        """The active states, as SM.STATE lists them."""

    def current(self, configuration: bytes) -> str:
        """What SM.GET key CURRENT answers."""

    @property
    def initial(self) -> str:
        """What SM.GET key INITIAL answers."""

    @property
    def rows(self) -> Sequence[str]:
        """What SM.STATE key LIST answers."""

    @property
    def known(self) -> Sequence[str]:
        """What SM.STATE key ALL answers."""
