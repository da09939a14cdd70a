"""Replies, encoded for the shim (module/shim/reply.c names the tokens)."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

_counted = Struct("=cI").pack
_number = Struct("=cq").pack


def bulk(text: bytes) -> bytes:
    """A bulk string."""
    return _counted(b"$", len(text)) + text


def array(texts: Iterable[bytes]) -> bytes:
    """An array of bulk strings."""
    parts = [bulk(text) for text in texts]
    return _counted(b"*", len(parts)) + b"".join(parts)


def number(value: int) -> bytes:
    """An integer."""
    return _number(b":", value)
