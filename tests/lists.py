"""The lists that a machine keeps of its past, built byte by byte: module/shim/machine/packed.h, history.h and
idempotency.h have their form."""

from __future__ import annotations

import struct
from collections.abc import Sequence

FNV = 0xCBF29CE484222325
SEND = 3
"""The number of the command SM.SEND."""
HAS_CHECKSUM = 64
"""Beside a token's command."""
FORCED, EVENT, REASON = 1, 2, 4
"""What the first byte of an entry says."""


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def difference(value: int) -> bytes:
    return varint((value << 1 ^ value >> 63) & (1 << 64) - 1)


def text(value: bytes) -> bytes:
    return varint(len(value)) + value


def states(*names: bytes) -> bytes:
    return varint(len(names)) + b"".join(map(text, names))


def entry(
    to: bytes, user: bytes = b"default", event: bytes | None = None, reason: bytes | None = None, later: int = 0
) -> bytes:
    """``to`` are states."""
    flags = EVENT * (event is not None) | REASON * (reason is not None)
    said = b"".join(text(one) for one in (event, reason) if one is not None)
    return bytes([flags]) + difference(later) + text(user) + said + to


def history(entries: Sequence[bytes], before: bytes, ms: int = 1_700_000_000_000, last: int = 0) -> bytes:
    """``before`` are the states before the first, ``last`` the milliseconds from then to the last."""
    return varint(len(entries)) + varint(ms) + difference(last) + before + b"".join(entries)


def checksum(*parts: bytes) -> int:
    """Of what came with a command."""
    total = FNV if parts else 0
    for byte in b"".join(parts):
        total = (total ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return total


def effects(*strings: bytes) -> bytes:
    """Three strings each."""
    packed = b"".join(b"$" + struct.pack("=I", len(one)) + one for one in strings)
    return b"*" + struct.pack("=I", len(strings)) + packed


def token(
    name: bytes,
    argument: bytes,
    where: bytes,
    *,
    command: int = SEND,
    revision: int = 2,
    status: int = 0,
    said: bytes = b"",
    data: int = 0,
) -> bytes:
    """``where`` are states, ``said`` effects, ``data`` is a checksum; 0: nothing came with the command."""
    body = text(name) + bytes([command | HAS_CHECKSUM * bool(data)]) + text(argument)
    body += struct.pack("<Q", data) if data else b""
    return text(body + varint(revision) + bytes([status]) + text(said) + where)


def tokens(*those: bytes) -> bytes:
    return varint(len(those)) + b"".join(those)
