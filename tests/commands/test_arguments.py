"""Wrong numbers of arguments, wrong types of keys, and arbitrary bytes as arguments, for every command."""

from __future__ import annotations

import pytest
import redis

from tests.contract import COMMANDS, enough, with_key, wrong_counts
from tests.documents import README
from tests.servers import Server


@pytest.mark.parametrize("call", sorted(set(wrong_counts())), ids=lambda call: f"{call[0]}-{len(call) - 1}")
def test_wrong_number_of_arguments(server: Server, call: tuple[str, ...]) -> None:
    with server.socket() as wire:
        wire.send(*call)
        expected = f"-ERR wrong number of arguments for '{call[0]}' command"
        assert wire.line().decode().lower() == expected.lower()
        wire.send("PING")
        assert wire.line() == b"+PONG"
    assert server.own.dbsize() == 0


@pytest.fixture
def others(r: redis.Redis) -> list[str]:
    """A key of each of the server's own types."""
    r.set("string", "value")
    r.rpush("list", "a")
    r.hset("hash", "field", "value")
    r.sadd("set", "a")
    r.zadd("zset", {"a": 1})
    r.xadd("stream", {"field": "value"})
    return ["string", "list", "hash", "set", "zset", "stream"]


@pytest.mark.parametrize("name", with_key())
def test_wrong_type(server: Server, others: list[str], name: str) -> None:
    with server.socket() as wire:
        for key in others:
            before = server.digest(key)
            wire.send(*enough(name, key))
            expected = b"-WRONGTYPE Operation against a key holding the wrong kind of value"
            assert wire.line() == expected
            assert server.digest(key) == before


@pytest.mark.parametrize(
    "call",
    [
        ("SM.GET", "string", "REASON"),
        ("SM.STATE", "string", "LIST"),
        ("SM.STATE", "string", "ALL"),
        ("SM.MUTATE", "string", "a", "why"),
        ("SM.MUTATE", "string", "a", "why", "FORCE"),
        ("SM.SET", "string", README, "boo"),
    ],
)
def test_wrong_type_with_more_arguments(server: Server, others: list[str], call: tuple[str, ...]) -> None:
    with pytest.raises(redis.ResponseError, match=r"\AWRONGTYPE "):
        server.client().execute_command(*call)
    assert server.own.get("string") == "value"


@pytest.mark.parametrize(
    "call",
    [
        ("GET", "k"), ("APPEND", "k", "x"), ("INCR", "k"), ("LPUSH", "k", "x"), ("HSET", "k", "f", "v"),
        ("SADD", "k", "x"), ("ZADD", "k", "1", "x"), ("XADD", "k", "*", "f", "v"), ("XLEN", "k"),
        ("HGETALL", "k"), ("LRANGE", "k", "0", "-1"), ("SETBIT", "k", "1", "1"), ("PFADD", "k", "x"),
    ],
)  # fmt: skip
def test_other_types_commands_on_a_machine(r: redis.Redis, call: tuple[str, ...]) -> None:
    r.execute_command("SM.SET", "k", README)
    before = r.execute_command("SM.GET", "k")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        r.execute_command(*call)
    assert r.execute_command("SM.GET", "k") == before


@pytest.mark.parametrize("key", [b"", b"\x00", b"\xff\xfe", b"a\nb\r\n", b"{tag}\x00", b"k" * 10_000])
def test_any_bytes_are_a_key(raw: redis.Redis, key: bytes) -> None:
    assert raw.execute_command("SM.SET", key, README) == b"OK"
    assert raw.execute_command("SM.MUTATE", key, "boo", "why") == b"OK"
    assert raw.execute_command("SM.STATE", key) == [b"boo"]
    assert raw.execute_command("SM.GET", key, "REASON") == b"why"
    assert raw.execute_command("KEYS", "*") == [key]
    assert raw.execute_command("SM.RESET", key) == b"OK"
    assert raw.execute_command("SM.CREATE", key) == b"OK"


BYTES = [b"", b"\x00", b"\xff", b"\n", b"\r\n", b"a\x00b", b"\xc3", b"%s%n", b"\x80" * 5000]


@pytest.mark.parametrize("data", BYTES, ids=repr)
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_arbitrary_bytes_in_every_argument(server: Server, name: str, data: bytes) -> None:
    """Each command gets one well-formed reply: the next one is PING's."""
    with server.socket() as wire:
        for count in range(1, 6):
            for place in range(count):
                server.own.execute_command("SM.SET", "boo", README)
                words: list[str | bytes] = ["boo"] * count
                words[place] = data
                wire.send(name, *words)
                reply = wire.reply()
                if isinstance(reply, bytes) and reply.startswith(b"-"):
                    assert reply.startswith((b"-ERR ", b"-WRONGTYPE ")), reply
                    assert reply.decode("ascii").isprintable()
                wire.send("PING")
                assert wire.reply() == b"+PONG"
