"""A mutator of payloads that knows the format of a machine, and adds a valid checksum to what it has changed.

A seed gives the same payloads on every machine.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace

from sm_core import Given, Machine, compile_document
from tests import lists
from tests.charts_with_data import ORDER
from tests.documents import README, TRAFFIC, compact, flat, nested, ring
from tests.payloads import (
    CONTEXT,
    ERROR,
    EXPIRES,
    HISTORY,
    OLDEST_RDB,
    OUTPUT,
    SIGNED,
    STRING,
    TOKENS,
    UNSIGNED,
    Field,
    Value,
    keeping,
    length,
    revision,
    rust,
    signed,
    with_version,
)
from tests.payloads import numbered as machine

NUMBERS = [0, 1, 2, 3, 4, 5, 7, 8, 63, 64, 255, 2**14, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1]
LENGTHS = [0, 1, 2, 62, 63, 64, 2**14 - 1, 2**14, 2**20, 2**28, 2**31 - 1, 2**31, 2**32, 2**40, 2**63, 2**64 - 1]
TEXTS = [
    b"", b"\0", b"a", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"{}", b"[]", b"null", b'"', b"{" * 300, b"[" * 5000,
    b'{"map":' * 200, b'{"map":{},"initial":1e999}', b'{"map":{},"initial":"\\ud800"}', b"1" * 5000, b"12", b"-1",
    b"a" * 70_000, nested(64).encode(), nested(65).encode(), nested(400).encode(), "é\u2028😀".encode(),
    b'{"map":{"a":["b"],"a":[]},"initial":"a"}', b'{"map":{"":[""]},"initial":"","current":"","reason":""}',
    b"{}{}", b'{"a":1,"a":2}', b'{"n":-0.0,"m":1e400}', b'{"n":9223372036854775808}', b'{"@expr":"1 / 0"}',
    b'{"__proto__":{"x":1}}', b'{"t":"\\udc00"}', b'{"a":' * 62 + b"1" + b"}" * 62, b'{"a":' * 63 + b"1" + b"}" * 63,
    b"{" + b",".join(b'"m%d":[]' % n for n in range(6000)) + b"}", b"\1" * 8, b"\xff" * 8, b"\0" * 8,
]  # fmt: skip


PIECES = [
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\0", b"\xff", b"a", b'"a":', b"0", b"", b"\1", b"\x80", b"\x7f",
    b"\xff" * 9 + b"\1", b"\xff\xff\xff\xff\x0f", b"\x80\0", b"*\xff\xff\xff\x7f", b"$\0\0\0\0",
]  # fmt: skip


def canonical(document: str) -> bytes:
    """Nearly the stored form of a document, which suffices: a payload's definition is compiled when it is loaded."""
    return document.replace('"current":"",', "").replace(" ", "").encode()


def _ordered() -> list[Value]:
    """A chart that keeps a context, in each of the ways in which a machine of it may stand."""
    definition = compile_document(ORDER.encode(), None).definition
    start = definition.start(Given())
    assert start.context is not None
    done = definition.force(Machine(start.configuration, start.context), "paid", Given())
    assert done is not None
    stored = definition.canonical
    opened = [revision(7), (CONTEXT, start.context)]
    return [
        keeping(start.configuration, stored, opened),
        keeping(start.configuration, stored, opened, b"a reason \0 \xc3\xa9"),
        keeping(start.configuration, stored, [*opened, (ERROR, b'{"message":"x"}')]),
        keeping(done.configuration, stored, [*opened, (OUTPUT, b"30")]),
    ]


def _past() -> list[Value]:
    """Machines that keep their last steps, tokens and a TTL: a flat one, and a chart with two states at once."""
    store = {"history": 5, "idempotency": 3, "expire": "1d"}
    flat_document = canonical(flat({"a": ["b"], "b": ["a"], "c": []}, "a", store=store))
    region = {"initial": "x", "states": {"x": {"on": {"GO": {"target": "y", "actions": "mail"}}}, "y": {}}}
    chart = compact({"type": "parallel", "store": store, "states": {"l": region, "r": region}})
    definition = compile_document(chart.encode(), None).definition
    both = definition.start(Given()).configuration
    begun, here = lists.states(), lists.states(b"a")
    at_both = lists.states(b"l.x", b"r.x")
    said = lists.effects(b"mail", b'{"n":1}', b"", b"xstate.spawnChild", b'{"id":"t"}', b"t@1")
    steps = lists.history(
        [
            lists.entry(here, event=b"xstate.init"),
            lists.entry(lists.states(b"b"), b"alice", b"GO", b"why \0 \xc3\xa9", 5),
            lists.entry(here, b"(timer)", later=-2),
        ],
        begun,
        last=3,
    )
    three = lists.tokens(
        lists.token(b"t1", b"b", lists.states(b"b"), data=lists.checksum(b"DATA", b"{}")),
        lists.token(b"t2", b"GO", here, said=said, status=1, revision=2**40),
        lists.token(b"\0" * 64, b"", here, command=4 | 0x80),
    )
    one = lists.history([lists.entry(at_both, b"\xff\xfe", b"xstate.init")], begun)
    return [
        keeping(b"a", flat_document, [revision(7), (HISTORY, steps), (TOKENS, three)], b"a reason"),
        keeping(b"c", flat_document, [revision(7), (EXPIRES, lists.varint(4 * 10**12))]),
        keeping(b"a", flat_document, [revision(2**62), (HISTORY, steps)]),
        keeping(both, definition.canonical, [revision(1), (HISTORY, one), (TOKENS, lists.tokens(
            lists.token(b"t2", b"GO", at_both, said=said)))]),
    ]  # fmt: skip


SEEDS = [
    *_past(),
    *_ordered(),
    with_version(machine(b"bar", canonical(README), b"why"), 3),
    machine(b"bar", canonical(README)),
    machine(b"green", canonical(TRAFFIC), b"a reason \0 \xc3\xa9"),
    machine(b"s3", canonical(ring(40)), b""),
    machine(b"", canonical(flat({"": ["a"], "a": [""]}, "a")), b"12345"),
    machine(b"12", canonical(flat({"12": ["13"], "13": []}, "12", id="7", meta={"x": [1, 2.5, None, True]}))),
    machine(b"a", canonical(flat({"a": []}, "a", description="é\n\t", version="1", meta=[[[]]]))),
    machine(b"", canonical(flat({}, ""))),
    rust('{"current":"blee","map":{"boo":["blee"],"bar":["blee","boo"]},"initial":"bar","reason":"r"}'),
    rust(compact({"current": "", "map": {}, "initial": "", "reason": ""})),
]
"""Valid payloads of all versions."""

Packed = list[bytes]
"""The fields of a value, packed; the first is the type byte and the module's name, the last the end."""


def packed(value: Value) -> Packed:
    head = value.dump()[:10]
    return [head, *(field.pack() for field in value.fields), length(0)]


class Mutator:
    """Makes one payload after another from a seed."""

    def __init__(self, seed: int | str) -> None:
        self.dice = random.Random(seed)
        self._mutations: list[Callable[[Value], bytes]] = [
            self._flip, self._cut, self._wrong_length, self._wrong_number, self._swap, self._repeat, self._drop,
            self._change_text, self._edit_text, self._other_opcode, self._other_version, self._splice,
            self._compressed, self._number_for_string, self._two_mutations,
        ]  # fmt: skip

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield self.payload()

    def payload(self) -> bytes:
        """The next payload. Nearly all have a valid checksum."""
        body = self.dice.choice(self._mutations)(self.dice.choice(SEEDS))
        version = self.dice.choice([OLDEST_RDB] * 30 + [1, 0])
        whole = signed(body, version)
        if self.dice.random() < 0.01:
            at = self.dice.randrange(len(whole))
            whole = whole[:at] + bytes([self.dice.randrange(256)]) + whole[at + 1 :]
        return whole

    # Whole bodies

    def _body(self, value: Value) -> bytes:
        return b"".join(packed(value))

    def _flip(self, value: Value) -> bytes:
        body = bytearray(self._body(value))
        for _ in range(self.dice.choice([1, 1, 1, 2, 5, 20])):
            body[self.dice.randrange(1, len(body))] ^= 1 << self.dice.randrange(8)
        return bytes(body)

    def _cut(self, value: Value) -> bytes:
        body = self._body(value)
        return body[: self.dice.randrange(1, len(body))]

    def _splice(self, value: Value) -> bytes:
        """The beginning of one payload, the end of another."""
        other = self._body(self.dice.choice(SEEDS))
        body = self._body(value)
        return body[: self.dice.randrange(1, len(body))] + other[self.dice.randrange(1, len(other)) :]

    # Fields

    def _fields(self, value: Value, opcode: int | None = None) -> list[int]:
        return [i for i, field in enumerate(value.fields) if opcode is None or field.opcode == opcode]

    def _with(self, value: Value, at: int, field: Field) -> Value:
        return replace(value, fields=(*value.fields[:at], field, *value.fields[at + 1 :]))

    def _wrong_length(self, value: Value) -> bytes:
        """A string with a wrong length."""
        parts = packed(value)
        at = self.dice.choice(self._fields(value, STRING))
        text = value.fields[at].value
        assert isinstance(text, bytes)
        near = [len(text) + 1, max(0, len(text) - 1), len(text) * 2, self.dice.randrange(400)]
        said = self.dice.choice([*LENGTHS, *near])
        parts[at + 1] = length(STRING) + length(said) + text
        return b"".join(parts)

    def _wrong_number(self, value: Value) -> bytes:
        """Another number in the flags or in the definition's number, sometimes with another opcode."""
        numbers = self._fields(value, UNSIGNED)
        if not numbers:
            return self._other_version(value)
        at = self.dice.choice(numbers)
        opcode = self.dice.choice([UNSIGNED] * 9 + [SIGNED])
        return self._body(self._with(value, at, Field(opcode, self.dice.choice(NUMBERS))))

    def _swap(self, value: Value) -> bytes:
        parts = packed(value)
        first, second = (self.dice.randrange(1, len(parts)) for _ in range(2))
        parts[first], parts[second] = parts[second], parts[first]
        return b"".join(parts)

    def _repeat(self, value: Value) -> bytes:
        parts = packed(value)
        at = self.dice.randrange(1, len(parts))
        return b"".join([*parts[:at], *[parts[at]] * self.dice.choice([2, 3, 50]), *parts[at + 1 :]])

    def _drop(self, value: Value) -> bytes:
        parts = packed(value)
        del parts[self.dice.randrange(1, len(parts))]
        return b"".join(parts)

    def _change_text(self, value: Value) -> bytes:
        at = self.dice.choice(self._fields(value, STRING))
        others = [field.value for field in self.dice.choice(SEEDS).fields if isinstance(field.value, bytes)]
        return self._body(self._with(value, at, Field(STRING, self.dice.choice(TEXTS + others))))

    def _edit_text(self, value: Value) -> bytes:
        """A string of the right length with some bytes changed: nearly a document, nearly a state."""
        at = self.dice.choice(self._fields(value, STRING))
        text = value.fields[at].value
        assert isinstance(text, bytes)
        edited = bytearray(text)
        for _ in range(self.dice.choice([1, 1, 2, 4])):
            place = self.dice.randrange(len(edited) + 1)
            edited[place : place + self.dice.choice([0, 1, 1, 3])] = self.dice.choice(PIECES)
        return self._body(self._with(value, at, Field(STRING, bytes(edited))))

    def _other_opcode(self, value: Value) -> bytes:
        parts = packed(value)
        at = self.dice.randrange(1, len(parts) - 1)
        parts[at] = length(self.dice.choice([0, 1, 2, 3, 4, 5, 6, 63, 2**32])) + parts[at][1:]
        return b"".join(parts)

    def _other_version(self, value: Value) -> bytes:
        return self._body(replace(value, version=self.dice.choice([0, 1, 1, 2, 2, 3, 1023])))

    def _compressed(self, value: Value) -> bytes:
        """A compressed string, with lengths that may be wrong and data that may not decompress."""
        parts = packed(value)
        at = self.dice.choice(self._fields(value, STRING))
        text = value.fields[at].value
        assert isinstance(text, bytes)
        literal = b"".join(bytes([len(text[i : i + 32]) - 1]) + text[i : i + 32] for i in range(0, len(text), 32))
        if self.dice.random() < 0.5 and literal:
            broken = bytearray(literal)
            broken[self.dice.randrange(len(broken))] = self.dice.randrange(256)
            literal = bytes(broken)
        said = [len(literal), len(text)]
        if self.dice.random() < 0.5:
            said[self.dice.randrange(2)] = self.dice.choice(LENGTHS)
        parts[at + 1] = length(STRING) + b"\xc3" + length(said[0]) + length(said[1]) + literal
        return b"".join(parts)

    def _number_for_string(self, value: Value) -> bytes:
        """A string in the server's integer encoding."""
        parts = packed(value)
        at = self.dice.choice(self._fields(value, STRING))
        kind = self.dice.randrange(4)
        number = struct.pack("<Q", self.dice.choice(NUMBERS))[: 1 << kind]
        parts[at + 1] = length(STRING) + bytes([0xC0 | kind]) + number
        return b"".join(parts)

    def _two_mutations(self, value: Value) -> bytes:
        first = self.dice.choice(self._mutations[:-1])(value)
        body = bytearray(first)
        if len(body) > 11:
            at = self.dice.randrange(10, len(body))
            body[at] = self.dice.randrange(256)
        return bytes(body)
