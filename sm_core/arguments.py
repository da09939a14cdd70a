"""What a client gives with a step: DATA, INPUT, the names of guards; and JSON texts that come from a snapshot.

In none of them is ``@expr`` anything but a member: data is never code.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from . import small_json
from .chart import Tables, did_you_mean
from .document import AROUND, Limits, is_deeper, parse, parse_value, to_json
from .errors import DocumentError, EngineError, LimitError, quote, type_name

_MOST_NAMED = 8
"""Guards that an error names."""


def read_object(text: bytes, limits: Limits, word: str) -> dict[str, Any]:
    """The JSON object that follows ``word``. Raises DocumentError, whose path begins with it."""
    if len(text) > limits.context_bytes:
        most = f"max-context-bytes ({limits.context_bytes})"
        raise LimitError(word, f"{len(text)} bytes, more than {most} allows")
    try:
        return parse(text, limits, with_rows=False)
    except DocumentError as fault:
        path, why, kind = fault.path, fault.fault, type(fault)
    raise kind(f"{word} at {path}", why)


def event_of(name: str, text: bytes | None, limits: Limits) -> dict[str, Any]:
    """The event as expressions see it, with the members that ``text``, DATA, has. Raises DocumentError."""
    event: dict[str, Any] = {"type": name}
    if text is None:
        return event
    if len(text) <= limits.context_bytes and len(text) <= limits.document_bytes and small_json.read_flat(text, event):
        return event
    members = read_object(text, limits, "DATA")
    if "type" in members:
        raise DocumentError("DATA at $.type", "the event's name is an argument of its own")
    return {"type": name, **members}


def check_guards(tables: Tables, guards: Collection[str]) -> None:
    """Refuses names that are not guards of the client's. Raises EngineError."""
    for name in sorted(guards):
        if name not in tables.client_guards:
            known = sorted(tables.client_guards)
            if not known:
                raise EngineError(f"guard {quote(name)} is not the client's to decide: this machine has none that are")
            hint = did_you_mean(name, known) or f"; known are {', '.join(map(quote, known[:_MOST_NAMED]))}"
            raise EngineError(f"guard {quote(name)} is not the client's to decide{hint}")


def stored_json(text: bytes, limits: Limits, place: str) -> bytes:
    """A JSON text from outside as it is to be stored. Raises DocumentError, whose path begins with ``place``."""
    written = to_json(read_value(text, limits, place))
    if is_deeper(written, limits.nesting - AROUND):
        raise LimitError(place, f"nested deeper than max-nesting ({limits.nesting}) allows")
    return written.encode()


def read_value(text: bytes, limits: Limits, place: str) -> Any:
    """A JSON text from outside. Raises DocumentError, whose path begins with ``place``."""
    if len(text) > limits.context_bytes:
        raise LimitError(place, f"{len(text)} bytes, more than max-context-bytes ({limits.context_bytes}) allows")
    try:
        return parse_value(text, limits)
    except DocumentError as fault:
        path, why, kind = fault.path, fault.fault, type(fault)
    raise kind(f"{place}{path[1:]}", why)


def check_object(value: object, path: str) -> dict[str, Any]:
    """Raises DocumentError where ``value`` is no object."""
    if not isinstance(value, dict):
        raise DocumentError(path, f"expected an object, got {type_name(value)}")
    return value
