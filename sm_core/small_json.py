"""JSON that is read with almost every step that depends on data: an event's members, single members of a context.

Once the engine runs in a server, the module's C stands in the place of both functions (module/shim/python/json.c). It
gives the same answers, but for those that are none: where it is None or False, ``document`` reads the text as a whole.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from math import isfinite
from typing import Any

_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


def read_flat(text: bytes, found: dict[str, Any]) -> bool:
    """Puts into ``found`` what DATA mostly are: an object of texts without escapes, numbers, true, false, null.

    False for any other text, for what is no JSON, and where a member would be there twice. ``document.parse`` says what
    it is, and what ``found`` has then is to be dropped.
    """
    try:
        decoded = text.decode()
        if "\\" in decoded or decoded[:1] != "{" or decoded.count("{") > 1 or "[" in decoded:
            return False
        value, end = _scan(decoded, 0)
    except (ValueError, StopIteration):
        return False
    if end != len(decoded) or decoded.count(":") != len(value):  # as many colons as members: none is there twice
        return False
    for member in value.values():
        if type(member) is float and not isfinite(member):
            return False
    had = len(found)
    found.update(value)
    return len(found) == had + len(value)


def member_key(name: str) -> bytes:
    """What stands before a member's value in compact JSON."""
    return f"{encode_basestring(name)}:".encode()


def read_member(text: bytes, key: bytes) -> tuple[Any, tuple[int, int]] | None:
    """The value of a member of an object that this engine has written, and where it begins and ends.

    ``key`` is what stands before it (``member_key``). None where there is none, or it is not to be seen at once. A
    comma before the key tells it from the end of a text: there is a backslash before each quotation mark in one. It may
    be the key of an object inside, but not where no bracket stands before it, or none behind it.
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
    return value, (start, start + len(rest[:length].encode()))
