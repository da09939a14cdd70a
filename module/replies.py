"""Replies, encoded for the shim (module/shim/reply/tokens.h names the tokens)."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

_counted = Struct("=cI").pack
_ARRAY_OF_ONE = _counted(b"*", 1)


def bulk(text: str) -> bytes:
    """A bulk string."""
    encoded = text.encode()
    return _counted(b"$", len(encoded)) + encoded


def number(value: int) -> bytes:
    """A number from 0."""
    return _counted(b":", value)


def array(texts: Sequence[str]) -> bytes:
    """An array of bulk strings; mostly of one."""
    if len(texts) == 1:
        return _ARRAY_OF_ONE + bulk(texts[0])
    return _counted(b"*", len(texts)) + b"".join(map(bulk, texts))


def arrays(replies: Sequence[bytes]) -> bytes:
    """An array of replies that are encoded already."""
    return _counted(b"*", len(replies)) + b"".join(replies)
