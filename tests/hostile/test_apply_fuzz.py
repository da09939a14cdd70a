"""SM.APPLY of any bytes: it is applied as a whole, or an error and nothing changes. No bytes crash the server.

100 examples of each test; 10,000 in `make fuzz`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.charts_with_data import DOOR, LARGE, ORDER
from tests.documents import README, compact
from tests.hostile.mutator import LENGTHS, TEXTS
from tests.servers import Server, Wire

KEYS = ("order", "large", "door", "flat", "trail", "new")
TRAIL = compact(
    {
        "initial": "a",
        "store": {"history": 3, "idempotency": 2, "expire": "1d"},
        "states": {
            "a": {"on": {"b": {"target": "b", "actions": {"type": "mail", "params": {"n": 1}}}}},
            "b": {"on": {"GO": "a", "END": "end"}},
            "end": {"type": "final"},
        },
    }
)
"""A machine that keeps its last steps and tokens, and whose key gets a TTL."""
fuzzed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def sent_for(server: Server, *commands: tuple[str, ...]) -> list[bytes]:
    """The bytes of the SM.APPLY that a replica gets for each of these commands."""
    with server.socket() as wire:
        wire.send("SYNC")
        while not (line := wire.line().lstrip(b"\n")).startswith(b"$"):
            assert line == b""
        wire.read(int(line[1:]))
        for command in commands:
            server.own.execute_command(*command)
        server.own.set("end", "end")
        sent: list[bytes] = []
        while (words := wire.reply())[0].upper() != b"SET":
            if words[0].upper() == b"SM.APPLY":
                sent.append(words[2])
    assert len(sent) == len(commands)
    return sent


def fill(server: Server, seeds: list[bytes]) -> None:
    """The machine at ``trail`` stands where the seeds of a step of it go on."""
    r = server.own
    r.flushall()
    for key, document in (("order", ORDER), ("large", LARGE), ("door", DOOR), ("flat", README)):
        r.execute_command("SM.SET", key, document)
    for data in seeds[5:7]:
        r.execute_command("SM.APPLY", "trail", data)


@pytest.fixture(scope="module")
def seeds(shared_server: Server) -> list[bytes]:
    """What a server sends: whole machines, steps with a context, with changes, with an output and a reason, and with an
    entry, a token and a TTL."""
    shared_server.own.flushall()
    found = sent_for(
        shared_server,
        ("SM.SET", "order", ORDER),
        ("SM.SEND", "order", "PAY", "DATA", '{"amount":5}'),
        ("SM.SEND", "order", "PAY", "DATA", '{"amount":50}', "REASON", "why"),
        ("SM.SET", "large", LARGE),
        ("SM.SEND", "large", "ADD"),
        ("SM.SET", "trail", TRAIL),
        ("SM.SEND", "trail", "b", "ID", "t1", "REASON", "why"),
        ("SM.SEND", "trail", "END", "ID", "t2"),
    )
    shared_server.own.flushall()
    return found


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with server.socket() as wire:
        yield wire


def apply(server: Server, wire: Wire, seeds: list[bytes], key: str, data: bytes) -> None:
    """Gives the bytes to the machine at a key, or to none, and looks at what has come of it."""
    before = server.digest(*KEYS)
    wire.send("SM.APPLY", key, data)
    reply = wire.reply()
    after = server.digest(*KEYS)
    if reply != b"+OK":
        assert reply[:1] == b"-" or reply == b"$-1", reply
        assert after == before, data.hex()
        return
    changed = [name for name, old, new in zip(KEYS, before, after, strict=True) if old != new]
    assert changed in ([], [key]), data.hex()
    whole = ask(wire, "SM.GET", key)
    assert ask(wire, "SM.SET", "again", whole) == b"+OK", data.hex()
    assert ask(wire, "SM.GET", "again") == whole
    assert json.loads(ask(wire, "SM.GET", key, "SNAPSHOT"))["status"].encode() == ask(wire, "SM.GET", key, "STATUS")
    payload = ask(wire, "DUMP", key)
    assert ask(wire, "RESTORE", "again", "0", payload, "REPLACE") == b"+OK", data.hex()
    assert server.digest("again") == server.digest(key)
    entries = ask(wire, "SM.HISTORY", key)
    assert all(newer[9] == older[11] for newer, older in pairwise(entries)), data.hex()
    if entries:
        assert entries[0][11] == ask(wire, "SM.STATE", key), data.hex()
    for form in ("REASON", "ACTIONS", "EFFECTS"):
        ask(wire, "SM.SEND", key, "b", *([form, "x"] if form == "REASON" else [form]), "ID", "t1")
    for event in ("PAY", "ADD", "GO"):
        ask(wire, "SM.SEND", key, event, "DATA", '{"amount":1}', "EFFECTS")
    assert ask(wire, "PING") == b"+PONG"
    fill(server, seeds)


def ask(wire: Wire, *words: str | bytes) -> Any:
    wire.send(*words)
    return wire.reply()


@st.composite
def mutations(draw: st.DrawFn) -> tuple[int, list[tuple[str, float, bytes]]]:
    """Which of the seeds, and what is done to it where: cut, bits flipped, bytes put in or in the place of others."""
    kind = st.sampled_from(["cut", "flip", "insert", "replace", "replace", "drop"])
    number = st.sampled_from(LENGTHS).map(lambda value: struct.pack("<I", value & 0xFFFFFFFF))
    piece = number | st.binary(min_size=1, max_size=9) | st.sampled_from([text[:200] for text in TEXTS])
    steps = st.tuples(kind, st.floats(0, 1), piece)
    return draw(st.integers(0, 7)), draw(st.lists(steps, min_size=1, max_size=3))


def mutated(seed: bytes, steps: list[tuple[str, float, bytes]]) -> bytes:
    data = bytearray(seed)
    for kind, where, piece in steps:
        at = min(int(where * len(data)), max(0, len(data) - 1))
        if kind == "cut":
            del data[at:]
        elif kind == "flip" and data:
            data[at] ^= 1 << piece[0] % 8 if piece else 1
        elif kind == "insert":
            data[at:at] = piece
        elif kind == "drop":
            del data[at : at + len(piece)]
        else:
            data[at : at + len(piece)] = piece
    return bytes(data)


@fuzzed
@given(st.sampled_from(KEYS), mutations())
def test_bytes_that_are_nearly_an_outcome(
    server: Server, wire: Wire, seeds: list[bytes], key: str, change: tuple[int, list[tuple[str, float, bytes]]]
) -> None:
    if server.own.dbsize() < len(KEYS) - 1:
        fill(server, seeds)
    apply(server, wire, seeds, key, mutated(seeds[change[0]], change[1]))


@fuzzed
@given(st.sampled_from(KEYS), st.binary(max_size=60), st.booleans())
def test_any_bytes(server: Server, wire: Wire, seeds: list[bytes], key: str, data: bytes, with_version: bool) -> None:
    if server.own.dbsize() < len(KEYS) - 1:
        fill(server, seeds)
    apply(server, wire, seeds, key, b"\x01" + data if with_version else data)


def test_the_seeds_are_outcomes(server: Server, wire: Wire, seeds: list[bytes]) -> None:
    fill(server, seeds)
    for key, data in (("order", seeds[1]), ("large", seeds[4]), ("trail", seeds[7]), ("new", seeds[5])):
        assert ask(wire, "SM.APPLY", key, data) == b"+OK"
