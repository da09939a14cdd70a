"""DUMP payloads and RDB files: parsing and building them byte by byte.

The server's part: a type byte, the data type's name and encoding version, an opcode before each field, and a
checksum at the end. The module's part is described in module/shim/type/stored.h.

CRC64: the "Jones" polynomial 0xad93d23594c935a9, reflected, starting at zero, as the server uses it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

MODULE_VALUE = 7
"""The type byte of a module's value in RDB files and payloads (RDB_TYPE_MODULE_2)."""
OLDEST_RDB = 10
"""The RDB version of Redis 7.0."""
END, SIGNED, UNSIGNED, FLOAT, DOUBLE, STRING = range(6)
"""Opcodes before a module's fields."""
NAME = "StateType"

_NAME_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_FOOTER = 10


def _table() -> list[int]:
    table = []
    for byte in range(256):
        word = byte
        for _ in range(8):
            word = word >> 1 ^ (0x95AC9329AC4BC9B5 if word & 1 else 0)  # the polynomial, reflected
        table.append(word)
    return table


_TABLE = _table()


def crc64(data: bytes) -> int:
    """The checksum of DUMP payloads and RDB files; of ``b"123456789"`` it is 0xe9c6d914c4b8d9ca."""
    table, word = _TABLE, 0
    for byte in data:
        word = table[(word ^ byte) & 0xFF] ^ word >> 8
    return word


def length(number: int) -> bytes:
    """A length or a number as RDB files hold it: 1, 2, 5 or 9 bytes."""
    if number < 1 << 6:
        return bytes([number])
    if number < 1 << 14:
        return bytes([0x40 | number >> 8, number & 0xFF])
    if number < 1 << 32:
        return b"\x80" + struct.pack(">I", number)
    return b"\x81" + struct.pack(">Q", number)


def string(text: bytes) -> bytes:
    """A string with its length."""
    return length(len(text)) + text


def module_id(version: int, name: str = NAME) -> bytes:
    """The name of a data type and the encoding version of a value, in one 64-bit number."""
    word = 0
    for character in name:
        word = word << 6 | _NAME_CHARACTERS.index(character)
    return b"\x81" + struct.pack(">Q", word << 10 | version)


def read_length(data: bytes, at: int) -> tuple[int, int]:
    """The number at a position, and the position after it."""
    first = data[at]
    if first >> 6 == 0:
        return first, at + 1
    if first >> 6 == 1:
        return (first & 0x3F) << 8 | data[at + 1], at + 2
    if first == 0x80:
        return struct.unpack_from(">I", data, at + 1)[0], at + 5
    if first == 0x81:
        return struct.unpack_from(">Q", data, at + 1)[0], at + 9
    raise ValueError(f"no length: 0x{first:02x} at {at}")


def decompress(data: bytes) -> bytes:
    """Decompresses LZF: a byte n below 32 is followed by n + 1 literals, any other byte begins a back reference."""
    out, at = bytearray(), 0
    while at < len(data):
        control = data[at]
        at += 1
        if control < 32:
            out += data[at : at + control + 1]
            at += control + 1
            continue
        count = control >> 5
        if count == 7:
            count += data[at]
            at += 1
        start = len(out) - ((control & 0x1F) << 8 | data[at]) - 1
        at += 1
        for back in range(start, start + count + 2):
            out.append(out[back])
    return bytes(out)


def read_string(data: bytes, at: int) -> tuple[bytes, int]:
    """The string at a position, plain, as a number or compressed, and the position after it."""
    if data[at] >> 6 < 3:
        size, at = read_length(data, at)
        return data[at : at + size], at + size
    kind, at = data[at] & 0x3F, at + 1
    if kind < 3:
        size = 1 << kind
        return b"%d" % int.from_bytes(data[at : at + size], "little", signed=True), at + size
    packed, at = read_length(data, at)
    _, at = read_length(data, at)
    return decompress(data[at : at + packed]), at + packed


@dataclass(frozen=True)
class Field:
    """One field of a module's value: its opcode, and a number or bytes."""

    opcode: int
    value: int | bytes

    def pack(self) -> bytes:
        value = self.value
        return length(self.opcode) + (length(value) if isinstance(value, int) else string(value))


@dataclass(frozen=True)
class Value:
    """A module's value: encoding version and fields."""

    version: int
    fields: tuple[Field, ...]

    def pack(self) -> bytes:
        """The bytes that follow the key in an RDB file, and that a payload begins with after its type byte."""
        return module_id(self.version) + b"".join(field.pack() for field in self.fields) + length(END)

    def dump(self, rdb_version: int = OLDEST_RDB) -> bytes:
        """A payload for RESTORE."""
        return signed(bytes([MODULE_VALUE]) + self.pack(), rdb_version)


def signed(body: bytes, rdb_version: int = OLDEST_RDB) -> bytes:
    """A payload's body with the footer that RESTORE checks."""
    body += struct.pack("<H", rdb_version)
    return body + struct.pack("<Q", crc64(body))


def unsigned(payload: bytes) -> bytes:
    """A payload without its footer."""
    return payload[:-_FOOTER]


def rdb_version(payload: bytes) -> int:
    """The RDB version in a payload's footer."""
    (version,) = struct.unpack_from("<H", payload, len(payload) - _FOOTER)
    return int(version)


def parse(payload: bytes) -> Value:
    """Parses a payload of the module. Raises ValueError."""
    if payload[0] != MODULE_VALUE or crc64(payload[:-8]) != struct.unpack("<Q", payload[-8:])[0]:
        raise ValueError("no payload of a module, or a wrong checksum")
    identity, at = read_length(payload, 1)
    fields = []
    while True:
        opcode, at = read_length(payload, at)
        if opcode == END:
            return Value(identity & 0x3FF, tuple(fields))
        read: Callable[[bytes, int], tuple[int | bytes, int]] = read_string if opcode == STRING else read_length
        value, at = read(payload, at)
        fields.append(Field(opcode, value))


def rust(document: str) -> Value:
    """A machine as the Rust module stored it (encoding version 1): only its document."""
    return Value(1, (Field(STRING, document.encode()),))


def numbered(
    configuration: bytes,
    definition: bytes | None = None,
    reason: bytes | None = None,
    number: int = 0,
) -> Value:
    """A machine of encoding version 2 with its configuration, whose node has no number in the snapshot.

    ``definition`` is a canonical document, or None for the definition with that ``number`` in the snapshot.
    """
    flags = (reason is not None) | 1 << 1 | (definition is not None) << 2
    fields = [Field(UNSIGNED, flags), Field(UNSIGNED, number)]
    fields += [Field(STRING, text) for text in (definition, configuration, reason) if text is not None]
    return Value(2, tuple(fields))


REVISION, CONTEXT, OUTPUT, ERROR, TIMERS, TASKS, HISTORY, TOKENS, EXPIRES = range(1, 10)
"""The parts of the rest, of encoding version 3."""


def keeping(
    configuration: bytes,
    definition: bytes,
    parts: Sequence[tuple[int, bytes]],
    reason: bytes | None = None,
    count: int | None = None,
) -> Value:
    """A machine of encoding version 3 that keeps parts, each its number and its bytes."""
    plain = numbered(configuration, definition, reason)
    flags, *rest = plain.fields
    assert isinstance(flags.value, int)
    more = [Field(UNSIGNED, len(parts) if count is None else count)]
    for number, text in parts:
        more += [Field(UNSIGNED, number), Field(STRING, text)]
    return Value(3, (Field(UNSIGNED, flags.value | 1 << 3), *rest, *more))


def revision(number: int) -> tuple[int, bytes]:
    """The part that is the machine's revision."""
    return REVISION, struct.pack("<Q", number)


def with_version(value: Value, version: int) -> Value:
    return replace(value, version=version)


def rdb_file(entries: Iterable[tuple[bytes, Value]], rdb: int = OLDEST_RDB, extra: Sequence[bytes] = ()) -> bytes:
    """An RDB file of one database with these keys; ``extra`` are the packed strings of further (key, value) pairs."""
    parts = [b"REDIS%04d" % rdb, b"\xfa" + string(b"redis-ver") + string(b"7.0.15"), b"\xfe" + length(0)]
    parts += [bytes([MODULE_VALUE]) + string(key) + value.pack() for key, value in entries]
    parts += [b"\x00" + pair for pair in extra]
    body = b"".join(parts) + b"\xff"
    return body + struct.pack("<Q", crc64(body))
