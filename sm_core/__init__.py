"""The engine of redis-state-machine: documents in, configurations and answers out.

Pure functions over immutable values. No Redis, no cffi, no clock, no I/O, nothing but the standard library.

    document.py  bytes to JSON values, strictly
    flat.py      the flat machine, "map" documents
    errors.py    what is refused, where and why
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from .document import Limits, check_size, parse
from .errors import DocumentError, EngineError, LimitError
from .flat import FlatDefinition

__all__ = [
    "Compiled",
    "Definition",
    "DocumentError",
    "EngineError",
    "LimitError",
    "Limits",
    "compile_document",
]


class Definition(Protocol):
    """A compiled document: everything about a machine but where it stands.

    A configuration is bytes: canonical (equal ones are the same bytes), and stored as they are.
    """

    @property
    def canonical(self) -> bytes:
        """The document that is stored: compact JSON without ``current`` and ``reason``."""

    @property
    def split(self) -> int:
        """Where in ``canonical`` SM.GET puts the reason."""

    @property
    def footprint(self) -> int:
        """About how many bytes the compiled document holds."""

    def start(self) -> bytes:
        """The configuration of a machine that begins."""

    def enter(self, current: str) -> bytes:
        """The configuration that ``current`` names; "" is the start where no state has that name.

        Raises DocumentError.
        """

    def mutate(self, configuration: bytes, target: str) -> bytes | None:
        """Where a transition to ``target`` leads; None where none is allowed."""

    def force(self, configuration: bytes, target: str) -> bytes | None:
        """``target``, whatever the transitions say; None where it is no state."""

    def admit(self, configuration: bytes, strict: bool) -> bytes:
        """A configuration from outside, checked. Raises DocumentError.

        Not ``strict``: a state that the document does not know passes (the Rust module let it).
        """

    def head(self, configuration: bytes) -> bytes:
        """How SM.GET's reply begins: ``{"current":…`` without what follows."""

    def states(self, configuration: bytes) -> list[bytes]:
        """The active states, as SM.STATE lists them."""

    def current(self, configuration: bytes) -> bytes:
        """What SM.GET key CURRENT answers."""

    @property
    def initial(self) -> bytes:
        """What SM.GET key INITIAL answers."""

    @property
    def rows(self) -> list[bytes]:
        """What SM.STATE key LIST answers."""

    @property
    def known(self) -> list[bytes]:
        """What SM.STATE key ALL answers."""


class Compiled(NamedTuple):
    """A document taken apart. ``stray`` says why ``configuration`` is None: its ``current`` is no state."""

    definition: Definition
    configuration: bytes | None
    stray: DocumentError | None
    reason: str | None


def compile_document(text: bytes, limits: Limits | None) -> Compiled:
    """Compiles a document as a client wrote it, or as it was stored.

    ``limits`` None: it was accepted before, so neither size nor an unknown ``current`` refuses it.
    Raises DocumentError.
    """
    document = parse(text, limits)
    definition = FlatDefinition(document, limits)
    check_size(definition.canonical, limits)  # "1e5" is stored as "100000.0": RESTORE must take what DUMP answers
    current: str | None = document.get("current")
    reason: str | None = document.get("reason")
    if current is None:
        return Compiled(definition, definition.start(), None, reason)
    try:
        return Compiled(definition, definition.enter(current), None, reason)
    except DocumentError as stray:
        if limits is None:
            return Compiled(definition, definition.admit(current.encode(), strict=False), None, reason)
        return Compiled(definition, None, stray, reason)
