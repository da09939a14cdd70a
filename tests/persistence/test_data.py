"""What a machine keeps, in encoding version 3: the fields, what is refused, and every way to store and to load."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
import redis

from tests import payloads
from tests.charts_with_data import LARGE, ORDER
from tests.documents import README
from tests.payloads import CONTEXT, ERROR, OUTPUT, REVISION, STRING, UNSIGNED, Field, keeping, revision
from tests.servers import Server

OPEN = b"\x01\x01"
CHART = b'{"initial":"a","context":{"n":1},"states":{"a":{"on":{"GO":"b"}},"b":{"type":"final","output":1}},"output":1}'


def canonical(r: redis.Redis) -> tuple[bytes, bytes]:
    """The configuration and the canonical document of CHART, as they are stored."""
    r.execute_command("SM.SET", "canonical", CHART)
    value = payloads.parse(r.execute_command("DUMP", "canonical"))
    r.delete("canonical")
    configuration, definition = value.fields[3].value, value.fields[2].value
    assert isinstance(configuration, bytes)
    assert isinstance(definition, bytes)
    return configuration, definition


def fill(r: redis.Redis) -> None:
    """Machines that keep a context alone, a reason too, an output too, and the error in which they are."""
    for key in ("context", "reason", "output"):
        r.execute_command("SM.SET", key, ORDER)
        r.execute_command("SM.SEND", key, "PAY", "DATA", '{"amount": 7}')
    r.execute_command("SM.MUTATE", "reason", "held", "why \0 é")
    r.execute_command("SM.SEND", "output", "PAY", "DATA", '{"amount": 99}', "REASON", "all")
    document = json.loads(r.execute_command("SM.GET", "context"))
    document["snapshot"] |= {"status": "error", "error": {"message": "x"}}
    r.execute_command("SM.SET", "error", json.dumps(document))
    r.execute_command("SM.SET", "large", LARGE)
    r.execute_command("SM.SEND", "large", "ADD")
    r.execute_command("SM.SET", "flat", README)


KEYS = ("context", "reason", "output", "error", "large", "flat")
WORDS = ("CURRENT", "REASON", "CONTEXT", "OUTPUT", "STATUS", "REVISION", "SNAPSHOT")


def everything(server: Server, keys: Sequence[str] = KEYS) -> list[object]:
    r = server.own
    members = [[r.execute_command("SM.GET", key, word) for word in WORDS] for key in keys]
    return [members, [r.execute_command("SM.GET", key) for key in keys], server.digest(*keys)]


def test_the_machines_differ_in_what_they_keep(server: Server) -> None:
    fill(server.own)
    members = everything(server)[0]
    assert isinstance(members, list)
    assert [row[4] for row in members] == ["active", "active", "done", "error", "active", "active"]
    assert [row[5] for row in members] == [2, 3, 3, 1, 2, None]


# Ways


def test_dump_and_restore(server: Server) -> None:
    fill(server.own)
    before = everything(server)
    raw = server.raw()
    for key in KEYS:
        payload = raw.execute_command("DUMP", key)
        assert raw.execute_command("RESTORE", key, 0, payload, "REPLACE") == b"OK"
    assert everything(server) == before


def test_copy_reload_and_restart(start_server: Callable[..., Server]) -> None:
    server = start_server(settings={"save": ["3600 1"]})
    fill(server.own)
    before = everything(server)
    for key in KEYS:
        server.own.copy(key, f"{key}2")
    assert everything(server, [f"{key}2" for key in KEYS]) == before
    server.own.execute_command("DEBUG", "RELOAD")
    assert everything(server) == before
    server.restart()
    assert everything(server) == before


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_the_append_only_file(start_server: Callable[..., Server], preamble: str) -> None:
    """As it is written, and rewritten. Loading it evaluates nothing: the engine is asked for documents alone."""
    server = start_server(settings={"appendonly": "yes", "aof-use-rdb-preamble": preamble})
    server.wait_for_child()
    fill(server.own)
    server.own.pexpire("context", 100_000_000)
    before = everything(server)
    for _ in range(2):
        server.restart()
        assert everything(server) == before
        assert server.own.pttl("context") > 0
        server.own.bgrewriteaof()
        server.wait_for_child()
    assert server.own.execute_command("SM.SEND", "context", "PAY", "DATA", '{"amount": 99}') == ["paid"]


def test_the_memory_of_a_small_context(start_server: Callable[..., Server]) -> None:
    """No more than a string of the same bytes and a hash of two fields take."""
    chart = '{"initial":"a","context":{"text":"%s"},"states":{"a":{"on":{"GO":"b"}},"b":{}}}' % ("x" * 89)
    text = '{"text":"%s"}' % ("x" * 89)
    count = 20_000
    machines, others = start_server(), start_server()
    assert machines.own.execute_command("SM.SET", "first", chart) == "OK"
    assert machines.own.execute_command("SM.GET", "first", "CONTEXT") == text
    blocks = machines.info()["machines_bytes"]
    taken = []
    for server, commands in (
        (machines, [[("SM.SET", f"m{number}", chart)] for number in range(count)]),
        (others, [[("SET", f"s{number}", text), ("HSET", f"h{number}", "state", "a", "by", "ann")]
                  for number in range(count)]),
    ):  # fmt: skip
        before = server.info("memory")
        pipeline = server.own.pipeline(transaction=False)
        for command in [one for some in commands for one in some]:
            pipeline.execute_command(*command)
        pipeline.execute()
        after = server.info("memory")
        taken.append(sum(sign * (info["used_memory"] - info["mem_clients_normal"])
                         for sign, info in ((1, after), (-1, before))))  # fmt: skip
    assert taken[0] <= taken[1]
    assert 118 <= (machines.info()["machines_bytes"] - blocks) / count <= 160
    machines.own.delete(*(f"m{number}" for number in range(count)))
    machines.wait_info(machines=1, machines_bytes=blocks)


# The fields


def test_the_fields(server: Server) -> None:
    raw = server.raw()
    configuration, definition = canonical(raw)
    raw.execute_command("SM.SET", "k", CHART)
    value = payloads.parse(raw.execute_command("DUMP", "k"))
    assert value == keeping(configuration, definition, [revision(1), (CONTEXT, b'{"n":1}')])
    raw.execute_command("SM.SEND", "k", "GO", "REASON", "why")
    done = payloads.parse(raw.execute_command("DUMP", "k"))
    assert done.fields[0] == Field(UNSIGNED, 1 + 2 + 4 + 8)
    assert done.fields[4:] == (
        Field(STRING, b"why"), Field(UNSIGNED, 3), Field(UNSIGNED, REVISION), Field(STRING, revision(2)[1]),
        Field(UNSIGNED, CONTEXT), Field(STRING, b'{"n":1}'), Field(UNSIGNED, OUTPUT), Field(STRING, b"1"),
    )  # fmt: skip


def test_a_machine_that_keeps_no_data_has_the_fields_of_version_2(server: Server) -> None:
    raw = server.raw()
    raw.execute_command("SM.SET", "k", README)
    raw.execute_command("SM.MUTATE", "k", "boo", "why")
    value = payloads.parse(raw.execute_command("DUMP", "k"))
    definition = value.fields[2].value
    assert isinstance(definition, bytes)
    assert value == payloads.with_version(payloads.numbered(b"boo", definition, b"why"), 3)
    for version in (2, 3):
        raw.execute_command("RESTORE", "again", 0, payloads.with_version(value, version).dump(), "REPLACE")
        assert server.digest("again") == server.digest("k")


PARTS: list[tuple[list[tuple[int, bytes]], str]] = [
    ([(CONTEXT, b"{}")], "its revision is missing, or none"),
    ([revision(1)], "what it keeps"),
    ([revision(0), (CONTEXT, b"{}")], "its revision is none"),
    ([(REVISION, b"1234567"), (CONTEXT, b"{}")], "its revision is none"),
    ([revision(2**62 + 1), (CONTEXT, b"{}")], "its revision is more than 4611686018427387904"),
    ([revision(2**64 - 1), (CONTEXT, b"{}")], "its revision is more than 4611686018427387904"),
    ([revision(1), revision(2), (CONTEXT, b"{}")], ""),
    ([revision(1), (CONTEXT, b"{}"), (CONTEXT, b"{}")], "it has a part twice: part 2"),
    ([revision(1), (CONTEXT, b"\xff")], "it is not UTF-8: part 2"),
    ([revision(1), (CONTEXT, b"[")], "what it keeps"),
    ([revision(1), (CONTEXT, b"{}"), (OUTPUT, b"")], "what it keeps"),
    ([revision(1), (CONTEXT, b"{}"), (ERROR, b"{")], "what it keeps"),
    ([revision(1), (CONTEXT, b'{"a":"' + b"x" * 65536 + b'"}')], "max-context-bytes"),
    ([revision(1), (CONTEXT, b"{}"), (5, b"x")], "its document has neither deadlines nor tasks"),
    ([revision(1), (CONTEXT, b"{}"), (7, b"x")], "its document keeps no history"),
    ([revision(1), (CONTEXT, b"{}"), (8, b"x")], "its tokens are cut short"),
    ([revision(1), (CONTEXT, b"{}"), (9, b"x")], "its document says no TTL"),
    ([revision(1), (CONTEXT, b"{}"), (10, b"x")], "it keeps a part 10, which this module ("),
    ([revision(1), (CONTEXT, b"{}"), (0, b"x")], "it keeps a part 0, which this module ("),
    ([], "the rest is cut short"),
]


@pytest.mark.parametrize(("parts", "fault"), PARTS, ids=[fault or "a revision twice" for _, fault in PARTS])
def test_parts_that_are_wrong(server: Server, parts: list[tuple[int, bytes]], fault: str) -> None:
    raw = server.raw()
    configuration, definition = canonical(raw)
    before = len(server.log())
    with pytest.raises(redis.ResponseError, match=r"[Bb]ad data format"):
        raw.execute_command("RESTORE", "k", 0, keeping(configuration, definition, parts).dump())
    lines = [line for line in server.log()[before:].splitlines() if "state machine" in line]
    assert len(lines) == (1 if fault else 0) or not fault
    assert fault in server.log()[before:]
    assert server.own.dbsize() == 0


def test_a_machine_of_parts_goes_on(server: Server) -> None:
    raw = server.raw()
    configuration, definition = canonical(raw)
    value = keeping(configuration, definition, [revision(41), (CONTEXT, b'{ "n" : 5 }')])
    assert raw.execute_command("RESTORE", "k", 0, value.dump()) == b"OK"
    assert raw.execute_command("SM.GET", "k", "CONTEXT") == b'{"n":5}'
    assert raw.execute_command("SM.SEND", "k", "GO") == [b"b"]
    assert raw.execute_command("SM.GET", "k", "REVISION") == 42


LAST = 2**62
CIRCLE = b'{"initial":"a","context":{"n":1},"states":{"a":{"on":{"GO":"b"}},"b":{"on":{"GO":"a"}}}}'


@pytest.mark.parametrize("step", [("SM.SEND", "k", "GO"), ("SM.SEND", "k", "GO", "REASON", "x"), ("SM.RESET", "k")])
def test_the_last_revision_is_followed_by_the_first(
    start_server: Callable[..., Server], step: tuple[str, ...]
) -> None:
    """No step makes one that is negative, or cannot be loaded."""
    server = start_server(settings={"save": ["3600 1"]})
    raw = server.raw()
    raw.execute_command("SM.SET", "k", CIRCLE)
    fields = payloads.parse(raw.execute_command("DUMP", "k")).fields
    definition, configuration = fields[2].value, fields[3].value
    assert isinstance(definition, bytes)
    assert isinstance(configuration, bytes)
    value = keeping(configuration, definition, [revision(LAST - 1), (CONTEXT, b'{"n":1}')])
    raw.execute_command("RESTORE", "k", 0, value.dump(), "REPLACE")
    for expected in (LAST, 1, 2):
        assert dict(zip(*[iter(raw.execute_command(*step, "EFFECTS"))] * 2, strict=True))[b"revision"] == expected
        assert raw.execute_command("SM.GET", "k", "REVISION") == expected
        assert raw.execute_command("RESTORE", "again", 0, raw.execute_command("DUMP", "k"), "REPLACE") == b"OK"
        before = server.digest("k")
        server.restart()
        raw = server.raw()
        assert server.digest("k") == before


def test_a_flat_machine_keeps_no_data(server: Server) -> None:
    definition = b'{"map":{"a":["b"]},"initial":"a"}'
    with pytest.raises(redis.ResponseError, match=r"[Bb]ad data format"):
        server.raw().execute_command("RESTORE", "k", 0, keeping(b"a", definition, [(CONTEXT, b"{}")]).dump())
    assert "a flat machine keeps no data" in server.log()
