"""JSON of almost every step that depends on data: an event's members, single members of a context.

Once the engine runs in a server, the module's C stands in the place of these functions (module/shim/python/json.c). It
gives the same answers, but for those that are none: where it is None or False, ``document`` reads and writes the text
as a whole.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from math import isfinite
from typing import Any

from .document import to_json

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


def read_member(text: bytes, name: str, found: dict[str, Any]) -> bool:
    """Puts into ``found`` a member of an object that this engine has written.

    False where there is none, or it is not to be seen at once.
    """
    member = _find(text, name)
    if member is None:
        return False
    found[name] = member[0]
    return True


def write_members(text: bytes, changed: dict[str, Any]) -> bytes | None:
    """An object that this engine has written with other values of some members; None where one of them is not to be
    seen at once. Raises LimitError where a value is too deep."""
    for name, value in changed.items():
        member = _find(text, name)
        if member is None:
            return None
        _, start, end = member
        text = text[:start] + to_json(value).encode() + text[end:]
    return text


def _find(text: bytes, name: str) -> tuple[Any, int, int] | None:
    """The value of a member, and where it begins and ends.

    A comma before its name tells that from the end of a text: there is a backslash before each quotation mark in one.
    It may be a name in an object inside, but not where no bracket stands before it, or none behind it. A name that
    begins as what stands behind a text is not looked for: that text's end could be its beginning.
    """
    if name[:1] in (":", ","):
        return None
    key = f"{encode_basestring(name)}:".encode()
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
