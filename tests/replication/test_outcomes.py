"""What depends on data replicates as its outcome: replicas and the AOF evaluate nothing, and get what changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.charts_with_data import DOOR, LARGE, ORDER
from tests.groups import STRICT, assert_same, caught_up, follow, offset
from tests.servers import MODULE, Server

Start = Callable[..., Server]

PATCH = """

def _value(expression, data):
    raise AssertionError("an expression is evaluated")


import sm_core.chart.data

sm_core.chart.data.Expression.value = sm_core.chart.data.Expression.json = _value
"""

DATA = ("DATA", '{"amount": 5}')
WRITES: list[tuple[str, ...]] = [
    ("SM.SET", "k", ORDER),
    ("SM.SET", "given", ORDER, "INPUT", '{"total": 5}'),
    ("SM.SEND", "k", "PAY", *DATA),
    ("SM.SEND", "k", "PAY", *DATA, "EFFECTS", "REASON", "why é"),
    ("SM.SEND", "k", "HOLD"),
    ("SM.MUTATE", "k", "open", "back", "FORCE"),
    ("SM.MUTATE", "k", "paid", *DATA, "GUARDS", "1", "isVip"),
    ("SM.RESET", "k"),
    ("SM.SEND", "k", "SKIP", "GUARDS", "1", "isVip"),
    ("SM.SEND", "given", "PAY", *DATA),
    ("SM.RESET", "given", "INPUT", '{"total": 50}'),
    ("PEXPIRE", "given", "100000000"),
    ("SM.SEND", "given", "PAY", *DATA),
    ("SM.SET", "given", ORDER, "held"),
    ("SM.SET", "large", LARGE),
    ("SM.SEND", "large", "ADD"),
    ("SM.SEND", "large", "ADD"),
    ("SM.SET", "door", DOOR),
    ("SM.SEND", "door", "OPEN", "GUARDS", "1", "hasKey"),
    ("SM.SEND", "door", "SLAM", "DATA", '{"force": 9}'),
    ("COPY", "k", "k2"),
    ("SM.SET", "k2", DOOR),
    ("EVAL", "return redis.call('SM.SEND', KEYS[1], 'ADD')", "1", "large"),
]


@pytest.fixture
def blind(tmp_path: Path) -> Path:
    """A copy of the module whose engine fails where it evaluates an expression."""
    folder = tmp_path / "blind"
    folder.mkdir()
    shutil.copy(MODULE, folder / "redisstate.so")
    shutil.copytree(MODULE.with_suffix(""), folder / "redisstate")
    boundary = folder / "redisstate" / "module" / "boundary.py"
    boundary.write_text(boundary.read_text() + PATCH)
    return folder / "redisstate.so"


def test_a_blind_server_evaluates_nothing(start_server: Start, blind: Path) -> None:
    """The check of the tests below."""
    server = start_server(module=blind, expected=["."])
    with pytest.raises(redis.ResponseError, match="internal error"):
        server.own.execute_command("SM.SET", "k", ORDER)


def test_replicas_and_files_evaluate_nothing(start_server: Start, blind: Path) -> None:
    primary = start_server(settings={**STRICT, "appendonly": "yes"})
    replica = start_server(settings={**STRICT, "appendonly": "yes"}, module=blind)
    primary.wait_for_child()
    follow(primary, replica)
    r = primary.own
    for command in WRITES:
        before = offset(primary)
        assert r.execute_command(*command)
        assert offset(primary) > before
    with r.pipeline(transaction=True) as pipe:
        pipe.execute_command("SM.RESET", "k")
        pipe.execute_command("SM.SEND", "k", "PAY", *DATA)
        pipe.execute()
    caught_up(primary, replica)
    assert_same(primary, replica)
    for key in r.scan_iter():
        for words in ((key,), (key, "REVISION"), (key, "CONTEXT")):
            assert replica.own.execute_command("SM.GET", *words) == r.execute_command("SM.GET", *words)
        assert replica.own.ttl(key) == pytest.approx(r.ttl(key), abs=2)
    replica.own.replicaof("no", "one")
    replica.wait_for_child()
    replica.own.execute_command("DEBUG", "LOADAOF")
    assert_same(primary, replica)


def sent_by(primary: Server, *commands: tuple[str, ...]) -> list[list[bytes]]:
    """What a replica gets for these commands."""
    with primary.socket() as wire:
        wire.send("SYNC")
        size = int(wire.line().lstrip(b"\n$") or wire.line().lstrip(b"$"))
        wire.read(size)
        for command in commands:
            primary.own.execute_command(*command)
        primary.own.set("end", "end")
        sent = []
        while not sent or sent[-1][0] != b"SET":
            sent.append([word if i else word.upper() for i, word in enumerate(wire.reply())])
    return [words for words in sent[:-1] if words[0] not in {b"SELECT", b"PING"}]


def test_a_step_on_a_large_context_sends_what_changed(start_server: Start) -> None:
    primary = start_server(settings=STRICT)
    primary.own.execute_command("SM.SET", "k", LARGE)
    assert len(primary.own.execute_command("SM.GET", "k", "CONTEXT")) > 16_000
    ((name, key, sent),) = sent_by(primary, ("SM.SEND", "k", "ADD"))
    assert (name, key) == (b"SM.APPLY", b"k")
    assert len(sent) < 1024
    assert b'{"n":1}' in sent


def test_what_is_pure_is_sent_verbatim(start_server: Start) -> None:
    primary = start_server(settings=STRICT)
    primary.own.execute_command("SM.SET", "k", ORDER)
    primary.own.execute_command("SM.SET", "door", DOOR)
    steps = [
        ("SM.SEND", "k", "HOLD"),
        ("SM.SEND", "k", "GO", "EFFECTS", "REASON", "why"),
        ("SM.SEND", "k", "SKIP", "GUARDS", "0"),
        ("SM.SEND", "door", "OPEN", "GUARDS", "1", "hasKey"),
    ]
    sent = sent_by(primary, *steps)
    assert sent == [[word.encode() for word in step] for step in steps if step[2] != "SKIP"]


def test_events_and_watch(start_server: Start) -> None:
    """A replica publishes the event of the command that SM.APPLY stands for."""
    primary = start_server(settings=STRICT)
    replica = start_server(settings={**STRICT, "notify-keyspace-events": "Kg"})
    follow(primary, replica)
    subscriber = replica.client().pubsub(ignore_subscribe_messages=True)
    subscriber.psubscribe("__keyspace@0__:k")
    while subscriber.get_message(timeout=1):
        pass
    for command in (("SM.SET", "k", ORDER), ("SM.SEND", "k", "PAY", *DATA), ("SM.RESET", "k")):
        primary.own.execute_command(*command)
    primary.own.execute_command("SM.MUTATE", "k", "paid", "DATA", '{"amount": 30}')
    heard: list[str] = []
    while len(heard) < 4:
        message = subscriber.get_message(timeout=20)
        assert message
        heard.append(message["data"])
    assert heard == ["sm.set", "sm.send", "sm.reset", "sm.mutate"]


# SM.APPLY itself


def captured(primary: Server) -> list[bytes]:
    """The bytes of a whole machine, of a step with its whole context, and of one with changes."""
    commands = [
        ("SM.SET", "k", ORDER), ("SM.SEND", "k", "PAY", *DATA), ("SM.SET", "l", LARGE), ("SM.SEND", "l", "ADD"),
    ]  # fmt: skip
    return [words[2] for words in sent_by(primary, *commands)]


def test_a_client_that_sends_rubbish_changes_nothing(start_server: Start) -> None:
    server = start_server(settings=STRICT)
    whole, step, _, change = captured(server)
    r = server.raw()
    r.execute_command("SM.SET", "door", DOOR)
    before = server.digest("k", "l", "door")

    def refused(key: str, data: bytes) -> str:
        with pytest.raises(redis.ResponseError) as caught:
            r.execute_command("SM.APPLY", key, data)
        assert server.digest("k", "l", "door") == before
        assert r.exists("new") == 0
        return str(caught.value)

    for data in (whole, step):
        for length in range(len(data)):
            assert "no outcome in these bytes" in refused("k", data[:length])
        assert "something follows" in refused("k", data + b"\0")
    assert "of another version" in refused("k", b"\x02" + step[1:])
    assert "for no command" in refused("k", step[:1] + b"\x63" + step[2:])
    assert "not JSON" in refused("k", step.replace(b'{"total"', b'x"total"'))
    assert "revision" in refused("k", step.replace(b"\x02" + 7 * b"\0", 8 * b"\0", 1))
    for number in (2**62 + 1, 2**63, 2**64 - 1):
        above = step.replace(b"\x02" + 7 * b"\0", number.to_bytes(8, "little"), 1)
        assert "its revision is more than 4611686018427387904" in refused("k", above)
    assert "revision" in refused("door", change)
    assert r.execute_command("SM.APPLY", "missing", step) is None
    assert r.execute_command("SM.APPLY", "new", whole) == b"OK"
    assert r.execute_command("SM.GET", "new", "REVISION") == 1
    assert json.loads(r.execute_command("SM.GET", "new", "CONTEXT")) == {"total": 30, "paid": 0}
    assert r.execute_command("SM.APPLY", "new", step) == b"OK"
    assert server.digest("new") == server.digest("k")
    r.set("string", "x")
    with pytest.raises(redis.ResponseError, match=r"WRONGTYPE|wrong kind"):
        r.execute_command("SM.APPLY", "string", whole)
