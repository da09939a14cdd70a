"""Hostile documents: huge, deeply nested, many. The server still answers PING, and the old value is unchanged."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest
import redis

from tests.documents import README, compact, flat, ring
from tests.servers import Server, wait_until


@pytest.fixture
def hostile_client(server: Server) -> Iterator[redis.Redis]:
    """A client. After the test, the server must answer PING and the machine at ``old`` be unchanged."""
    r = server.client(socket_timeout=300)
    r.execute_command("SM.SET", "old", README)
    r.execute_command("SM.MUTATE", "old", "boo", "why")
    before = r.execute_command("SM.GET", "old")
    yield r
    assert server.own.ping()
    assert server.own.execute_command("SM.GET", "old") == before


HUNDRED_MEGABYTES = 100 * 1024 * 1024


def test_a_hundred_megabytes_of_brackets(server: Server, hostile_client: redis.Redis) -> None:
    r = hostile_client
    for name in (b"[", b'{"a":'):
        document = name * (HUNDRED_MEGABYTES // len(name))
        server.config("redisstate.max-document-bytes", 4 * 1024 * 1024)
        with pytest.raises(redis.ResponseError, match="max-document-bytes"):
            r.execute_command("SM.SET", "old", document)
        server.config("redisstate.max-document-bytes", 2 * HUNDRED_MEGABYTES)
        with pytest.raises(redis.ResponseError, match=r"\$"):
            r.execute_command("SM.SET", "old", document)
        inside = b'{"map":{},"initial":"a","meta":' + document
        with pytest.raises(redis.ResponseError, match=r"\$"):
            r.execute_command("SM.SET", "old", inside)


def test_deep_and_complete(server: Server, hostile_client: redis.Redis) -> None:
    r = hostile_client
    for depth in (65, 1_000, 10_000, 1_000_000):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            meta = opening * depth + "1" + closing * depth
            with pytest.raises(redis.ResponseError, match=r"\$"):
                r.execute_command("SM.SET", "old", f'{{"map":{{}},"initial":"a","meta":{meta}}}')
            with pytest.raises(redis.ResponseError, match=r"\$"):
                r.execute_command("SM.SET", "old", meta)


def test_a_name_of_twenty_megabytes(server: Server, hostile_client: redis.Redis) -> None:
    server.config("redisstate.max-document-bytes", HUNDRED_MEGABYTES)
    name = "x" * (HUNDRED_MEGABYTES // 5)
    r = hostile_client
    assert r.execute_command("SM.SET", "new", flat({name: ["b"]}, name)) == "OK"
    assert r.execute_command("SM.MUTATE", "new", "b") == "OK"
    assert r.execute_command("SM.MUTATE", "new", name) is None
    assert r.execute_command("SM.MUTATE", "new", name, "back", "FORCE") == "OK"
    assert r.execute_command("SM.GET", "new", "CURRENT") == name


def test_a_hundred_thousand_states(server: Server, hostile_client: redis.Redis) -> None:
    """Refused by the limit, accepted when it is raised; then transitions are answered from the memo."""
    r = hostile_client
    document = ring(100_000)
    server.config("redisstate.max-document-bytes", "4mb")
    with pytest.raises(redis.ResponseError, match="max-states"):
        r.execute_command("SM.SET", "old", document)
    server.config("redisstate.max-states", 100_000)
    assert r.execute_command("SM.SET", "new", document) == "OK"
    r.execute_command("SM.MUTATE", "new", "s1")
    r.execute_command("SM.RESET", "new")
    before = server.info()["engine_calls"]
    for _ in range(1000):
        assert r.execute_command("SM.MUTATE", "new", "s1") == "OK"
        assert r.execute_command("SM.STATE", "new") == ["s1"]
        assert r.execute_command("SM.RESET", "new") == "OK"
    assert server.info()["engine_calls"] == before
    assert len(r.execute_command("SM.STATE", "new", "LIST")) == 100_000
    assert len(r.execute_command("SM.STATE", "new", "ALL")) == 100_000
    assert json.loads(r.execute_command("SM.GET", "new"))["map"]["s99999"] == ["s0"]


def test_one_row_of_a_hundred_thousand(server: Server, hostile_client: redis.Redis) -> None:
    r = hostile_client
    row = [f"s{number}" for number in range(100_000)]
    server.config("redisstate.max-document-bytes", "4mb")
    with pytest.raises(redis.ResponseError, match="max-states"):
        r.execute_command("SM.SET", "old", flat({"a": row}, "a"))
    server.config("redisstate.max-states", 100_001)
    assert r.execute_command("SM.SET", "new", flat({"a": row}, "a")) == "OK"
    assert r.execute_command("SM.MUTATE", "new", "s99999") == "OK"
    assert r.execute_command("SM.MUTATE", "new", "s0") is None


def test_one_name_listed_a_million_times(server: Server, hostile_client: redis.Redis) -> None:
    """Two states, however often one of them is listed."""
    r = hostile_client
    server.config("redisstate.max-document-bytes", HUNDRED_MEGABYTES)
    assert r.execute_command("SM.SET", "new", flat({"a": ["b"] * 1_000_000}, "a")) == "OK"
    assert r.execute_command("SM.STATE", "new", "ALL") == ["a", "b"]
    assert r.execute_command("SM.MUTATE", "new", "b") == "OK"


def wait_until_freed(server: Server) -> None:
    """Waits until most of 10,000 definitions are freed; tests/commands/test_memory_answers.py waits for all."""
    wait_until(lambda: server.info()["definitions"] < 1000, "unused definitions are freed")


def test_ten_thousand_documents(server: Server, hostile_client: redis.Redis) -> None:
    r = hostile_client
    documents = [ring(3, f"d{number}-") for number in range(10_000)]
    with r.pipeline(transaction=False) as pipe:
        for number, document in enumerate(documents):
            pipe.execute_command("SM.SET", f"k{number}", document)
        assert set(pipe.execute()) == {"OK"}
        for number in range(10_000):
            pipe.execute_command("SM.MUTATE", f"k{number}", f"d{number}-1")
        assert set(pipe.execute()) == {"OK"}
        for number in range(10_000):
            pipe.execute_command("SM.STATE", f"k{number}")
        assert pipe.execute() == [[f"d{number}-1"] for number in range(10_000)]
    assert server.info()["definitions"] >= 10_000
    r.delete(*[f"k{number}" for number in range(10_000)])
    server.wait_info(machines=1)
    wait_until_freed(server)


def test_the_same_key_with_ten_thousand_documents(server: Server, hostile_client: redis.Redis) -> None:
    """Definitions without machines are freed, so that overwriting a key does not fill the memory."""
    r = hostile_client
    with r.pipeline(transaction=False) as pipe:
        for number in range(10_000):
            pipe.execute_command("SM.SET", "k", ring(3, f"e{number}-"))
        assert set(pipe.execute()) == {"OK"}
    server.wait_info(machines=2)
    wait_until_freed(server)


UNUSUAL_NAMES = [
    "__proto__", "__class__", "constructor", "{0}", "%s%n%x", "${jndi:x}", "../../etc/passwd", "' OR 1=1 --",
    "a\0b", "\n\r\t\b\f", '"', "\\", "\u2028\u2029", "\u202e", "\ufeff", "\ud7ff\ue000", "\U0010ffff", "\x7f",
    "null", "true", "0", "-1", "1e5", "NaN", "map", "current", "initial", "$", "$.map", "a.b", "#a", "*",
]  # fmt: skip


@pytest.mark.parametrize("name", UNUSUAL_NAMES, ids=ascii)
def test_names_are_only_names(hostile_client: redis.Redis, name: str) -> None:
    r = hostile_client
    document = flat({name: ["other", name], "other": [name]}, name, id=name, meta={name: name})
    assert r.execute_command("SM.SET", "k", document) == "OK"
    assert r.execute_command("SM.GET", "k", "CURRENT") == name
    assert r.execute_command("SM.MUTATE", "k", "other", name) == "OK"
    assert r.execute_command("SM.MUTATE", "k", name, name) == "OK"
    assert r.execute_command("SM.GET", "k", "REASON") == name
    assert r.execute_command("SM.STATE", "k", "ALL") == [name, "other"]
    expected = {"current": name, "map": {name: ["other", name], "other": [name]}, "initial": name}
    assert r.execute_command("SM.GET", "k") == compact({**expected, "reason": name, "id": name, "meta": {name: name}})


@pytest.mark.parametrize("number", ["1" * 5000, "-" + "9" * 100_000, "1e-999999", "0." + "0" * 5000 + "1"])
def test_enormous_numbers(hostile_client: redis.Redis, number: str) -> None:
    """Refused with the place, or stored; in either case soon."""
    try:
        hostile_client.execute_command("SM.SET", "k", f'{{"map":{{}},"initial":"a","meta":{number}}}')
    except redis.ResponseError as error:
        assert "$" in str(error)
        assert len(str(error)) < 1000


def test_messages_stay_short(hostile_client: redis.Redis) -> None:
    """A long name in a document is not sent back whole in the error."""
    long_name = "n" * 1_000_000
    for document in (
        flat({}, "a", **{long_name: 1}),
        compact({"map": {long_name: 1}, "initial": "a"}),
        compact({"map": {}, "initial": "a", "current": long_name}),
        f'{{"map":{{}},"initial":"a","meta":{{"{long_name}":1,"{long_name}":2}}}}',
    ):
        with pytest.raises(redis.ResponseError) as caught:
            hostile_client.execute_command("SM.SET", "old", document)
        assert len(str(caught.value)) < 1000


def test_a_connection_that_ends_within_a_command(server: Server, hostile_client: redis.Redis) -> None:
    begun = b"*3\r\n$6\r\nSM.SET\r\n$3\r\nold\r\n"
    for part in (begun, begun + b"$100000\r\n{", b"SM.SET old {\r\n"):
        with server.socket() as wire:
            wire.send_bytes(part)
    assert server.own.ping()


def test_inline_commands(server: Server, hostile_client: redis.Redis) -> None:
    with server.socket() as wire:
        wire.send_bytes(b"SM.STATE old\r\nSM.GET old REASON\r\nSM.MUTATE old\r\n")
        assert wire.reply() == [b"boo"]
        assert wire.reply() == b"why"
        assert wire.reply().startswith(b"-ERR wrong number of arguments")


def test_a_client_that_never_reads(server: Server, hostile_client: redis.Redis) -> None:
    """Its replies are buffered up to client-output-buffer-limit, then the server closes the connection."""
    server.config("client-output-buffer-limit", "normal 20000000 0 0")
    hostile_client.execute_command("SM.SET", "large", ring(10_000))
    call = b"*2\r\n$6\r\nSM.GET\r\n$5\r\nlarge\r\n"
    with server.socket() as wire:
        with contextlib.suppress(OSError):
            for _ in range(20):
                wire.send_bytes(call * 50)
        assert server.own.ping()
        assert server.own.execute_command("SM.STATE", "large") == ["s0"]
