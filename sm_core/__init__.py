"""The engine of redis-state-machine: documents in, configurations and answers out.

Pure functions over immutable values. No Redis, no cffi, no clock, no I/O, nothing but the standard library.

    document.py    bytes to JSON values, strictly
    definition.py  what every compiled document can be asked
    flat.py        the flat machine, "map" documents
    statechart.py  the statechart, "states" documents, over the stepper in chart/
    cel/           the expression language
    inspection.py  findings about a document, and pictures of a machine
    errors.py      what is refused, where and why
"""

from __future__ import annotations

from typing import NamedTuple

from .chart import Finding
from .definition import Definition, Outcome
from .document import Limits, check_size, parse
from .errors import THIRD_ARGUMENT, DocumentError, EngineError, LimitError, explain
from .flat import FlatDefinition
from .inspection import check_document, diagram, render
from .statechart import ChartDefinition

__all__ = [
    "THIRD_ARGUMENT",
    "Compiled",
    "Definition",
    "DocumentError",
    "EngineError",
    "Finding",
    "LimitError",
    "Limits",
    "Outcome",
    "check_document",
    "compile_document",
    "diagram",
    "explain",
    "render",
]


class Compiled(NamedTuple):
    """A document taken apart. ``unknown_current`` says why ``configuration`` is None: it cannot stand where it says.

    A text, not the exception: that would hold the frames that hold it, and nothing collects cycles in a server.
    ``history``: it says what history states hold.
    """

    definition: Definition
    configuration: bytes | None
    unknown_current: str | None
    reason: str | None
    history: bool


def compile_document(text: bytes, limits: Limits | None) -> Compiled:
    """Compiles a document as a client wrote it, or as it was stored.

    ``limits`` None: it was accepted before, so neither size nor a flat machine's unknown ``current`` refuses it.
    Raises DocumentError.
    """
    document = parse(text, limits)
    definition: Definition
    if "states" in document and "map" not in document:
        definition = ChartDefinition(document, limits)
    else:
        definition = FlatDefinition(document, limits)
    check_size(definition.canonical, limits)  # "1e5" is stored as "100000.0": RESTORE must take what DUMP answers
    history = isinstance(definition, ChartDefinition) and document.get("historyValue") is not None
    try:
        configuration = definition.stand(document)
    except EngineError as error:
        if history:
            raise
        if limits is not None or isinstance(definition, ChartDefinition):
            return Compiled(definition, None, explain(error), document.get("reason"), False)
        configuration = definition.admit(document["current"].encode(), strict=False)
    return Compiled(definition, configuration, None, document.get("reason"), history)
