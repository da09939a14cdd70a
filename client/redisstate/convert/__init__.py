"""Other people's machines as documents of ours: pytransitions, python-statemachine, SCXML, XState 4.

    conversion = convert(open("order.scxml", "rb").read())
    conversion.document    what SM.SET takes
    conversion.findings    what could not be said, what is done otherwise, and what was decided, each with its place

findings.py     what a conversion has to say
chart.py        a statechart as SCXML means it; scxml.py and statemachine.py read one, write.py writes our document,
                with content.py (actions, guards, data) and descriptors.py (events)
expression.py   expressions of ECMAScript and Python, to a tree; cel.py writes that as CEL
xml.py          XML that may come from anywhere
transitions.py  pytransitions
xstate4.py      XState 4
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from .findings import ConversionError, Finding, Findings

Form = Literal["scxml", "statemachine", "transitions", "xstate4"]
FORMS: tuple[Form, ...] = get_args(Form)

LARGEST = 1_000_000
"""Bytes of a source. The server takes documents of 256 KB, unless it is told otherwise."""
DEEPEST = 64
"""Levels of JSON inside one another; the server takes as many."""

__all__ = ["FORMS", "Conversion", "ConversionError", "Finding", "Form", "convert", "form_of"]


@dataclass(frozen=True)
class Conversion:
    """``document``: what SM.SET takes, but for what the findings say is missing."""

    form: Form
    document: dict[str, Any]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What could not be said."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    def text(self, indent: int | None = 2) -> str:
        """The document as JSON."""
        return json.dumps(self.document, indent=indent, ensure_ascii=False)


def convert(
    source: str | bytes | Mapping[str, Any],
    form: Form | None = None,
    *,
    exact_events: bool = False,
    auto_transitions: bool = False,
    separator: str = "_",
) -> Conversion:
    """Converts a source to a document.

    Args:
        source: its text, or for a form in JSON its dict. Python's literals are read too, as pytransitions' users write.
        form: what it is; told by what it looks like where it is left out (see ``form_of``).
        exact_events: of SCXML and python-statemachine: an event's name matches only itself, not ``name.more``.
        auto_transitions: of pytransitions: an event ``to_…`` for each state.
        separator: of pytransitions: what stands between the names of nested states.

    Raises:
        ConversionError: the source cannot be read at all.
    """
    read = source if isinstance(source, Mapping) else _read(source, form)
    if form is None:
        form = form_of(read)
    findings = Findings()
    document: dict[str, Any]
    if form == "scxml":
        if not isinstance(read, bytes):
            raise ConversionError("SCXML is a text")
        from . import scxml, write

        document = write.write(scxml.read(read, findings), findings, exact_events)
    else:
        if isinstance(read, bytes):
            raise ConversionError("it is XML, but not SCXML was asked for")
        _check(read)
        if form == "statemachine":
            from . import statemachine, write

            document = write.write(statemachine.read(read, findings), findings, exact_events)
        elif form == "transitions":
            from . import transitions

            document = transitions.convert(read, findings, auto_transitions, separator)
        else:
            from . import xstate4

            document = xstate4.convert(read, findings)
    return Conversion(form, document, tuple(sorted(findings.found, key=lambda finding: finding.line)))


def form_of(source: str | bytes | Mapping[str, Any]) -> Form:
    """What a source looks like. Raises ConversionError where it is none that is known."""
    read = source if isinstance(source, Mapping) else _read(source, None)
    if isinstance(read, bytes):
        return "scxml"
    states = read.get("states")
    if isinstance(states, (list, tuple)):
        return "transitions"
    if not isinstance(states, Mapping):
        raise ConversionError("it has no 'states': it is none of " + ", ".join(FORMS))
    own = ("transitions", "enter", "exit", "final", "parallel", "donedata")
    if "datamodel" in read or ("initial" not in read and read.get("type") != "parallel"):
        return "statemachine"
    if any(isinstance(state, Mapping) and isinstance(state.get("initial"), bool) for state in states.values()):
        return "statemachine"
    if not isinstance(read.get("initial"), str) and any(
        name in state for state in states.values() if isinstance(state, Mapping) for name in own
    ):
        return "statemachine"
    return "xstate4"


def _read(source: str | bytes, form: Form | None) -> bytes | Mapping[str, Any]:
    """XML as bytes; JSON, or Python's literals, as what they say."""
    raw = source.encode() if isinstance(source, str) else source
    if len(raw) > LARGEST:
        raise ConversionError(f"larger than {LARGEST} bytes")
    start = raw.lstrip(b"\xef\xbb\xbf \t\r\n")
    if form == "scxml" or (form is None and start.startswith(b"<")):
        return raw.lstrip() if isinstance(source, bytes) else source.lstrip("\ufeff \t\r\n").encode()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConversionError(f"not UTF-8: {error}") from None
    try:
        value = json.loads(text)
    except RecursionError:
        raise ConversionError(f"nested deeper than {DEEPEST} levels") from None
    except ValueError as error:
        value = _literals(text, error)
    if not isinstance(value, dict):
        raise ConversionError(f"expected an object, got {type(value).__name__}")
    return value


def _literals(text: str, error: ValueError) -> Any:
    """What Python's literals say: nothing is run."""
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        raise ConversionError(f"neither JSON ({error}) nor Python's literals") from None


def _check(value: Any) -> None:
    """Raises ConversionError for what is nested too deep, and for numbers that JSON has not."""
    pending = [(value, 1)]
    while pending:
        one, depth = pending.pop()
        if isinstance(one, float) and not math.isfinite(one):
            raise ConversionError(f"{one} is no number of JSON")
        if not isinstance(one, (Mapping, list, tuple)):
            continue
        if depth > DEEPEST:
            raise ConversionError(f"nested deeper than {DEEPEST} levels")
        pending.extend((inner, depth + 1) for inner in (one.values() if isinstance(one, Mapping) else one))
