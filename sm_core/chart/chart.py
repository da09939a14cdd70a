"""A compiled statechart, and what can be asked of it: the engine's interface."""

from __future__ import annotations

from typing import Any

from ..definition import NoParams
from ..document import STATE_MEMBERS, Limits, to_json
from . import asking, encoding, move, step, value
from .compile import compile_tables
from .data import Data
from .events import next_events
from .members import Faults
from .model import Configuration, Step, Tables, ascending

UNSENDABLE = ("*", "xstate.init", "xstate.stop")
"""What no one can send: it is no event, or XState's own."""


class Chart:
    """A compiled statechart. Immutable; equal when the canonical documents are.

    Paths of states are dotted, from the root, with a backslash before a dot or a backslash inside a key.
    """

    __slots__ = ("canonical", "tables")

    canonical: bytes
    """The document without ``current`` and ``historyValue``: compact JSON, members as the user had them."""

    def __init__(self, tables: Tables, canonical: bytes) -> None:
        self.tables = tables
        self.canonical = canonical

    def __eq__(self, other: object) -> bool:
        return self.canonical == other.canonical if isinstance(other, Chart) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.canonical)

    @property
    def paths(self) -> tuple[str, ...]:
        """The path of every state, in document order: history states too, the root not."""
        return self.tables.paths[1:]

    def start(self, data: Data | None = None) -> Step:
        """The initial states, with what follows without an event, and the entry actions.

        Without ``data``, here and below: no guard is asked, and actions that read or write data do nothing.
        Raises EngineError when transitions without an event do not end, ExpressionError, GuardError.
        """
        return step.start(self.tables, data)

    def step(self, configuration: Configuration, event: str, data: Data | None = None) -> Step | None:
        """Gives the machine ``event``. None: no transition is enabled, or what is enabled only forbids the event.

        Raises as ``start`` does.
        """
        return None if event in UNSENDABLE else step.step(self.tables, configuration, event, data)

    def enter(self, current: str | dict[str, Any], history: object = None, place: str = value.CURRENT) -> Configuration:
        """The configuration of the state value or path ``current`` and XState's ``historyValue``.

        What ``current`` leaves open are initial states. Transitions without an event are taken; actions are not
        run. Raises DocumentError (at ``place``, where ``current`` is, or in it; ``$.historyValue…``) or EngineError.
        """
        return value.enter(self.tables, current, history, place)

    def stand(self, document: dict[str, Any]) -> Configuration:
        """The configuration that ``current`` and ``historyValue`` of ``document`` name; without them, the start's."""
        return value.stand(self.tables, document)

    def mutate(self, configuration: Configuration, path: str, data: Data | None = None) -> Step | None:
        """Takes the first enabled transition, from the innermost active states outwards, to exactly that state."""
        return move.mutate(self.tables, configuration, path, data)

    def force(
        self, configuration: Configuration, path: str, data: Data | None = None, failed: bool = False
    ) -> Step | None:
        """Enters that state, its parents and its initial states, whatever the transitions say; None: no such state.

        ``failed``: the machine's status is error.
        """
        return move.force(self.tables, configuration, path, data, failed)

    def waits_at(self, configuration: Configuration, data: Data) -> Step:
        """The deadlines and tasks of a machine that is put somewhere: those of its active states."""
        work = step.Macrostep(self.tables, configuration, data)
        if not step.is_done(self.tables, configuration):
            for state in ascending(configuration.active):
                work.act(self.tables.waits[state])
        return work.result()

    def is_heard(self, configuration: Configuration, event: str, data: Data) -> bool:
        """Does any transition answer ``event``, if only to forbid it?"""
        return step.is_heard(self.tables, configuration, event, data)

    def can(self, configuration: Configuration, event: str, data: Data | None = None) -> bool:
        """Would a transition take ``event``?"""
        return event not in UNSENDABLE and bool(step.enabled(self.tables, configuration, event, data))

    def asked_guards(self, configuration: Configuration | None, event: str, path: str | None = None) -> list[str]:
        """The client's guards that ``event``, or a move to the state at ``path``, may ask for; all at a start."""
        if configuration is None:
            return sorted(self.tables.client_guards)
        if path is not None:
            return asking.asked_by_move(self.tables, configuration, path)
        return asking.asked_by_event(self.tables, configuration, event)

    def output_at(self, configuration: Configuration, data: Data) -> object:
        """The output of a machine that is put where it is done; NoParams where it is not, or has none."""
        if not step.is_done(self.tables, configuration):
            return NoParams
        work = step.Macrostep(self.tables, configuration, data)
        finals = configuration.active & self.tables.finals[0]
        work.finish(finals.bit_length() - 1 if finals else 0)
        return work.output

    @property
    def assigns(self) -> bool:
        """Whether some action assigns to the context, which is an object then."""
        return self.tables.assigns

    def next_events(self, configuration: Configuration) -> list[str]:
        """The event descriptors that would be taken now, in document order (``*`` and ``a.*`` among them)."""
        return next_events(self.tables, configuration)

    def active(self, configuration: Configuration) -> tuple[str, ...]:
        """The paths of the active atomic states, in document order."""
        paths = self.tables.paths
        return tuple([paths[state] for state in ascending(configuration.active & self.tables.leaves)])

    def state_value(self, configuration: Configuration) -> str | dict[str, Any]:
        """XState's state value."""
        return value.state_value(self.tables, configuration.active)

    def history_value(self, configuration: Configuration) -> dict[str, list[dict[str, str]]] | None:
        """XState's ``historyValue`` as in its persisted snapshot; None when it would be empty."""
        return value.history_value(self.tables, configuration)

    def status(self, configuration: Configuration) -> str:
        """``done`` when the top level has reached a final state, else ``active``."""
        return "done" if step.is_done(self.tables, configuration) else "active"

    def encode(self, configuration: Configuration) -> bytes:
        """The bytes that are stored for ``configuration``: the format is in ``encoding``."""
        return encoding.encode(self.tables, configuration)

    def decode(self, data: bytes) -> Configuration:
        """The configuration that ``data`` says. Raises DocumentError for all that ``encode`` would not give."""
        return encoding.decode(self.tables, data)


def canonical(document: dict[str, Any]) -> bytes:
    """What is stored of ``document``. Raises LimitError when it is too deep to be written."""
    return to_json({name: inner for name, inner in document.items() if name not in STATE_MEMBERS}).encode()


def compile_chart(document: dict[str, Any], limits: Limits | None) -> Chart:
    """Compiles a statechart document. ``current`` and ``historyValue`` are for ``Chart.stand``.

    ``limits`` None: it was accepted before. Raises DocumentError, LimitError.
    """
    tables = compile_tables(document, limits, Faults(before=limits is None))
    return Chart(tables, canonical(document))
