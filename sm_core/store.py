"""A document's ``store`` member: what its machines keep beyond where they stand. XState passes over it."""

from __future__ import annotations

from typing import Any, NamedTuple

from .document import Limits
from .durations import parse_delay, whole
from .errors import DocumentError, LimitError, member, quote, type_name

MEMBERS = ("outbox", "history", "idempotency", "expire")
_OUTBOX = ("stream", "of", "maxlen")
_OF = ("effects", "steps")
TAG = "{}"
"""In a stream's name: stands for the hash tag of the machine's key, in braces."""
_LONGEST = 512
_MOST_ENTRIES = 2**62
TOKENS = 64
"""How many are kept where the document does not say."""


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


class Store(NamedTuple):
    """What machines keep."""

    outbox: Outbox | None = None
    history: int = 0
    """How many of their last steps; 0: none."""
    tokens: int = TOKENS
    """How many tokens of their last steps, where they count steps."""
    expire: int = 0
    """Milliseconds from the end of a machine to that of its key; 0: it stays."""


def store_of(document: dict[str, Any], limits: Limits | None) -> Store:
    """What a document says. ``limits`` None: it was accepted before. Raises DocumentError."""
    store = _object(document, "store", "$")
    if not store:
        return Store()
    _check_members(store, MEMBERS, "$.store")
    most = (_MOST_ENTRIES, _MOST_ENTRIES) if limits is None else (limits.history, limits.idempotency)
    return Store(
        _outbox(store, document),
        _count(store, "history", most[0]) or 0,
        _count(store, "idempotency", most[1]) or TOKENS,
        _expire(store),
    )


def _count(store: dict[str, Any], name: str, most: int) -> int | None:
    said = store.get(name)
    place = member("$.store", name)
    if said is None:
        return None
    if type(said) is not int or said < 1:
        raise DocumentError(place, "expected an integer that is at least 1")
    if said > most:
        raise LimitError(place, f"{said}, more than max-{name} ({most}) allows")
    return said


def _expire(store: dict[str, Any]) -> int:
    said = store.get("expire")
    if said is None:
        return 0
    found = parse_delay(said) if isinstance(said, str) else None
    if type(said) is int or type(said) is float:
        found = whole(said)
    if not found:
        what = quote(said) if isinstance(said, str) else said if type(said) in (int, float) else type_name(said)
        raise DocumentError("$.store.expire", f"expected milliseconds, '12h', '30d' or 'P30D', got {what}")
    return found


def _outbox(store: dict[str, Any], document: dict[str, Any]) -> Outbox | None:
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
