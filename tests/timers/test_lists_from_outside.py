"""What a machine waits for, from a client: RESTORE and SM.APPLY take a good list or refuse it, and harm nothing."""

from __future__ import annotations

import random
import struct
from dataclasses import replace

import pytest
import redis

from tests import payloads
from tests.charts_with_data import WAITS
from tests.payloads import STRING, Field, Value
from tests.servers import Server

TIMERS, TASKS = 5, 6


def number(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + number(value >> 7)


def entry(handle: int, ms: int, status: int, identity: bytes, what: bytes, text: bytes) -> bytes:
    packed = struct.pack("<Q", handle) + number(2 * ms if ms >= 0 else -2 * ms - 1)
    packed += bytes([status | (64 if what else 0) | (128 if text else 0)])
    return packed + b"".join(number(len(said)) + said for said in (identity, what, text) if said)


GOOD = entry(1, 9 * 10**14, 0, b"d", b'{"type":"D"}', b"")
HANDLE = struct.pack("<Q", 1)
TASK = entry(1, 1, 0, b"t", b"s", b'{"n":1}')

WRONG: list[tuple[int, bytes, str]] = [
    (TIMERS, b"", "nothing in a list"),
    (TIMERS, GOOD[:-1], "cut short"),
    (TIMERS, GOOD + b"x", "cut short"),
    (TIMERS, entry(0, 1, 0, b"d", b'{"type":"D"}', b""), "no number"),
    (TIMERS, entry(1, 1, 3, b"d", b'{"type":"D"}', b""), "unknown status"),
    (TIMERS, entry(1, -1, 0, b"d", b'{"type":"D"}', b""), "no time"),
    (TIMERS, entry(1, 1, 0, b"\xff", b'{"type":"D"}', b""), "not UTF-8"),
    (TIMERS, entry(1, 1, 0, b"d", b"[]", b""), "no name"),
    (TIMERS, entry(1, 1, 0, b"d", b'{"type":1}', b""), "no name"),
    (TIMERS, entry(1, 1, 0, b"d", b'{ "type":"D"}', b""), "not as this module writes JSON"),
    (TIMERS, entry(1, 1, 0, b"d", b"{", b""), "not JSON"),
    (TIMERS, entry(1, 1, 0, b"D", b'{"type":"D"}', b""), "not left out"),
    (TIMERS, HANDLE + b"\x82\x00\x00\x01d", "cut short"),
    (TIMERS, HANDLE + b"\xff" * 9 + b"\x02\x00\x01d", "cut short"),
    (TIMERS, HANDLE + b"\x02\x40\x01d\x00", "cut short"),
    (TIMERS, HANDLE + b"\x02\x80\x01d\x00", "cut short"),
    (TIMERS, GOOD * 1025, "too much"),
    (TIMERS, entry(1, 1, 0, b"d" * (1 << 20), b'{"type":"D"}', b""), "too much"),
    (TASKS, entry(1, 1, 2, b"t", b"s", b""), "unknown status"),
    (TASKS, entry(1, 1, 0, b"t", b"s", b"{"), "not JSON"),
    (TASKS, entry(1, 1, 0, b"t", b"s", b"1 "), "not as this module writes JSON"),
]


@pytest.fixture(autouse=True)
def nothing_fires(server: Server) -> None:
    server.config("redisstate.fire-timers", "no")


def waiting(raw: redis.Redis) -> Value:
    """The payload of a machine that waits."""
    raw.execute_command("SM.SET", "good", WAITS)
    value = payloads.parse(raw.execute_command("DUMP", "good"))
    raw.delete("good")
    return value


def with_list(value: Value, part: int, packed: bytes) -> Value:
    fields = list(value.fields)
    at = next(at for at, field in enumerate(fields) if field.value == part and at > 5)
    fields[at + 1] = Field(STRING, packed)
    return replace(value, fields=tuple(fields))


@pytest.mark.parametrize(("part", "packed", "fault"), WRONG, ids=[f"{fault}-{len(text)}" for _, text, fault in WRONG])
def test_a_list_that_is_wrong_is_refused(server: Server, part: int, packed: bytes, fault: str) -> None:
    raw = server.raw()
    value = waiting(raw)
    before = len(server.log())
    with pytest.raises(redis.ResponseError, match=r"[Bb]ad data format"):
        raw.execute_command("RESTORE", "k", 0, with_list(value, part, packed).dump())
    assert fault in server.log()[before:]
    assert server.own.dbsize() == 0


def test_a_list_that_is_good_is_taken(server: Server) -> None:
    raw = server.raw()
    value = waiting(raw)
    assert raw.execute_command("RESTORE", "k", 0, with_list(value, TIMERS, GOOD).dump()) == b"OK"
    assert raw.execute_command("RESTORE", "t", 0, with_list(value, TASKS, TASK).dump()) == b"OK"
    assert raw.execute_command("RESTORE", "e", 0, with_list(value, TIMERS, HANDLE + b"\x02\x00\x01d").dump()) == b"OK"
    assert b'{"type":"d"}' in raw.execute_command("SM.PENDING", "e")[0]
    assert raw.execute_command("SM.DONE", "t", "t@1", "1") == [b"a"]
    assert raw.execute_command("SM.FIRE", "k", "d@1") == [b"a"]


def test_lists_that_are_changed_at_random(server: Server, long: bool) -> None:
    """Each is refused, or a machine of which SM.GET makes an equal one."""
    raw = server.raw()
    value = waiting(raw)
    rng = random.Random(20)
    taken = 0
    for _ in range(20_000 if long else 600):
        part, packed = rng.choice([(TIMERS, GOOD * rng.randint(1, 3)), (TASKS, TASK * rng.randint(1, 3))])
        changed = bytearray(packed)
        for _ in range(rng.randint(1, 2)):
            changed[rng.randrange(len(changed))] = rng.choice([0, 1, 2, 34, 64, 97, 125, 255, rng.randrange(256)])
        if rng.random() < 0.2:
            del changed[rng.randrange(len(changed)) :]
        payload = with_list(value, part, bytes(changed)).dump()
        try:
            raw.execute_command("RESTORE", "k", 0, payload, "REPLACE")
        except redis.ResponseError:
            continue
        taken += 1
        document = raw.execute_command("SM.GET", "k")
        assert raw.execute_command("SM.SET", "again", document) == b"OK", payload.hex()
        assert raw.execute_command("SM.GET", "again") == document, payload.hex()
        assert len(raw.execute_command("SM.PENDING", "k")) >= 1
        assert raw.execute_command("RESTORE", "again", 0, raw.execute_command("DUMP", "k"), "REPLACE") == b"OK"
        assert server.digest("k") == server.digest("again"), payload.hex()
    assert taken > 10
