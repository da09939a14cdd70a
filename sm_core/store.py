"""A document's ``store`` member: what its machines keep beyond where they stand. XState passes over it."""

from __future__ import annotations

from typing import Any, NamedTuple

from .errors import DocumentError, member, quote, type_name

MEMBERS = ("outbox", "history", "idempotency", "expire")
_LATER = MEMBERS[1:]
_OUTBOX = ("stream", "of", "maxlen")
_OF = ("effects", "steps")
TAG = "{}"
"""In a stream's name: stands for the hash tag of the machine's key, in braces."""
_LONGEST = 512
_MOST_ENTRIES = 2**62


class Outbox(NamedTuple):
    """Where a machine's effects are written."""

    stream: str
    """The stream's name, in which TAG may stand once."""
    steps: bool
    """An entry is written for each step too."""
    maxlen: int
    """About how many entries are kept; 0: all."""
    machine: str
    """What entries say of the document: its ``id``, and behind an ``@`` its ``version``."""


def outbox_of(document: dict[str, Any]) -> Outbox | None:
    """The outbox that a document says; None where it says none. Raises DocumentError."""
    store = _object(document, "store", "$")
    if not store:
        return None
    _check_members(store, MEMBERS, "$.store")
    for name in _LATER:
        if store.get(name) is not None:
            raise DocumentError(member("$.store", name), f"{quote(name)} is not supported yet")
    outbox = _object(store, "outbox", "$.store")
    if outbox is None:
        return None
    place = "$.store.outbox"
    _check_members(outbox, _OUTBOX, place)
    said = outbox.get("of", _OF[0])
    if said not in _OF:
        what = quote(said) if isinstance(said, str) else type_name(said)
        raise DocumentError(f"{place}.of", f"expected {' or '.join(map(quote, _OF))}, got {what}")
    version = document.get("version")
    machine = f"{document.get('id') or ''}{f'@{version}' if isinstance(version, str) else ''}"
    return Outbox(_stream(outbox, place), said == _OF[1], _maxlen(outbox, place), machine)


def _stream(outbox: dict[str, Any], place: str) -> str:
    if "stream" not in outbox:
        raise DocumentError(place, "member 'stream' is missing")
    stream = outbox["stream"]
    path = f"{place}.stream"
    if not isinstance(stream, str) or not stream:
        what = type_name(stream) if stream != "" else "an empty one"
        raise DocumentError(path, f"expected the name of a stream, got {what}")
    if len(stream.encode()) > _LONGEST:
        raise DocumentError(path, f"longer than {_LONGEST} bytes")
    if "\0" in stream or stream.count(TAG) > 1:
        what = "a NUL" if "\0" in stream else f"more than one {TAG}"
        raise DocumentError(path, f"{what} in the name of a stream")
    return stream


def _maxlen(outbox: dict[str, Any], place: str) -> int:
    most = outbox.get("maxlen")
    if most is None:
        return 0
    if type(most) is not int or not 1 <= most <= _MOST_ENTRIES:
        raise DocumentError(f"{place}.maxlen", "expected an integer that is at least 1")
    return most


def _object(holder: dict[str, Any], name: str, place: str) -> dict[str, Any] | None:
    value = holder.get(name)
    if value == []:
        return None  # 1.0 passed over it
    if value is not None and not isinstance(value, dict):
        raise DocumentError(member(place, name), f"expected an object, got {type_name(value)}")
    return value


def _check_members(value: dict[str, Any], known: tuple[str, ...], place: str) -> None:
    for name in value:
        if name not in known:
            raise DocumentError(member(place, name), f"unknown member; known are {', '.join(map(quote, known))}")
