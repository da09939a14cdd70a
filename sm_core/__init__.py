"""The engine of redis-state-machine: documents in, configurations and answers out.

Pure functions over immutable values. No Redis, no cffi, no clock, no I/O, nothing but the standard library.

    document.py    bytes to JSON values, strictly
    small_json.py  what of it steps with data read and write most
    definition.py  what every compiled document can be asked
    flat.py        the flat machine, "map" documents
    pending.py     the deadlines and tasks of a snapshot
    statechart.py  the statechart, "states" documents, over the stepper in chart/
    cel/           the expression language
    inspection.py  findings about a document, and pictures of a machine
    store.py       what a document's machines keep beyond where they stand
    errors.py      what is refused, where and why
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .chart import Finding
from .definition import NOT_TAKEN, NOTHING_GIVEN, Definition, Effect, Given, Machine, Outcome, Pending, merge
from .document import UNBOUNDED, Limits, check_size, parse_document
from .errors import (
    THIRD_ARGUMENT,
    DocumentError,
    EngineError,
    ExpressionError,
    GuardError,
    LimitError,
    explain,
)
from .flat import FlatDefinition
from .inspection import check_document, diagram, render
from .pending import pending_of
from .statechart import ChartDefinition

__all__ = [
    "NOT_TAKEN",
    "THIRD_ARGUMENT",
    "UNBOUNDED",
    "Compiled",
    "Definition",
    "DocumentError",
    "Effect",
    "EngineError",
    "ExpressionError",
    "Finding",
    "Given",
    "GuardError",
    "LimitError",
    "Limits",
    "Machine",
    "Outcome",
    "check_document",
    "compile_document",
    "diagram",
    "explain",
    "merge",
    "render",
]


class Compiled(NamedTuple):
    """A document taken apart. ``unknown_current`` says why ``machine`` is None though the document says where it
    stands: it cannot stand there.

    A text, not the exception: that would hold the frames that hold it, and nothing collects cycles in a server.
    """

    definition: Definition
    machine: Machine | None
    """The machine that the document says; None also where the definition's ``start`` is to be asked."""
    starts: bool
    """The document says nothing of where it stands."""
    unknown_current: str | None
    reason: str | None
    history: bool
    """It says what history states hold, or what the machine keeps."""
    code: str = "ERR"
    """How the error begins that ``unknown_current`` is."""
    deadlines: Sequence[Pending] | None = None
    """Of the machine. None: the document does not say, and those of its states are armed."""
    tasks: Sequence[Pending] = ()


def compile_document(text: bytes, limits: Limits | None, given: Given = NOTHING_GIVEN) -> Compiled:
    """Compiles a document as a client wrote it, or as it was stored.

    ``limits`` None: it was accepted before, so neither size nor a flat machine's unknown ``current`` refuses it.
    Raises DocumentError.
    """
    document = parse_document(text, limits)
    if "states" in document and "map" not in document:
        return _compile_chart(document, limits, given)
    definition = FlatDefinition(document, limits)
    check_size(definition.canonical, limits)  # "1e5" is stored as "100000.0": RESTORE must take what DUMP answers
    if given is not NOTHING_GIVEN:
        definition.start(given)  # refuses what is given wrongly
    reason = document.get("reason")
    starts = "current" not in document
    try:
        return Compiled(definition, Machine(definition.stand(document)), starts, None, reason, False)
    except EngineError as error:
        if limits is not None:
            return Compiled(definition, None, starts, explain(error), reason, False)
    machine = Machine(definition.admit(document["current"].encode(), strict=False))
    return Compiled(definition, machine, starts, None, reason, False)


def _compile_chart(document: dict[str, Any], limits: Limits | None, given: Given) -> Compiled:
    definition = ChartDefinition(document, limits)
    check_size(definition.canonical, limits)
    if limits is None:
        given = given._replace(limits=UNBOUNDED)
    reason = document.get("reason")
    holds = any(document.get(name) is not None for name in ("historyValue", "snapshot"))
    starts = not holds and document.get("current", "") == ""
    if starts and (definition.keeps or definition.asks):
        return Compiled(definition, None, True, None, reason, False)
    try:
        machine = Machine(definition.start(given).configuration) if starts else definition.stand(document, given)
    except EngineError as error:
        if holds:
            raise
        return Compiled(definition, None, starts, explain(error), reason, False, error.code)
    deadlines, tasks = pending_of(document.get("snapshot"), definition.waits)
    return Compiled(definition, machine, starts, None, reason, holds, deadlines=deadlines, tasks=tasks)
