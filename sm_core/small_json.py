"""JSON that is read with almost every step that depends on data: an event's members, single members of a context.

Once the engine runs in a server, the module's C stands in the place of both functions (module/shim/python/json.c). It
gives the same answers, but for those that are none: where None is given, the text is read as a whole by ``document``.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from math import isfinite
from typing import Any

_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


def read_flat(text: bytes) -> dict[str, Any] | None:
    """The object that DATA mostly are: members that are texts without escapes, numbers, true, false, null. None for any
    other text, and for what is no JSON: ``document.parse`` says what it is."""
    try:
        decoded = text.decode()
        if "\\" in decoded or decoded[:1] != "{" or decoded.count("{") > 1 or "[" in decoded:
            return None
        value, end = _scan(decoded, 0)
    except (ValueError, StopIteration):
        return None
    if end != len(decoded) or decoded.count(":") != len(value):  # as many colons as members: none is there twice
        return None
    for member in value.values():
        if type(member) is float and not isfinite(member):
            return None
    return value  # type: ignore[no-any-return]


def member_key(name: str) -> bytes:
    """What stands before a member's value in compact JSON."""
    return f"{encode_basestring(name)}:".encode()


def read_member(text: bytes, key: bytes) -> tuple[Any, int, int] | None:
    """The value of a member of an object that this engine has written, where it begins and where it ends. ``key`` is
    what stands before it (``member_key``). None where there is none, or it is not to be seen at once.

    A comma before the key tells it from the end of a text: there is a backslash before each quotation mark in one. It
    may be the key of an object inside, but not where no bracket stands before it, or none behind it.
    """
    at = (b"," + text[1:]).find(b"," + key)
    if at < 0:
        return None
    before, behind = text[1:at], text[at:-1]
    if (b"{" in before or b"[" in before) and (b"}" in behind or b"]" in behind):
        return None
    start = at + 1 + len(key)
    try:
        rest = text[start:].decode()
        value, length = _scan(rest, 0)
    except (ValueError, StopIteration):
        return None
    return value, start, start + len(rest[:length].encode())
