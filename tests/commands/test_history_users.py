"""Who asked and why, as SM.HISTORY says: users of clients, transactions and scripts, and any text."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from tests.documents import compact, flat
from tests.histories import TRAIL, assert_chained, entries
from tests.servers import Server

NULL: None = None
ODD_TEXTS = ["", " ", "\0", "a\nb\r\n", "\"\\'", "é\u2028😀", "\u0000\u007f\u0080", "FORCE " * 1000]


@pytest.fixture
def r(server: Server) -> redis.Redis:
    return server.client()


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_a_reason_may_be_any_text(r: redis.Redis, text: str) -> None:
    r.execute_command("SM.SET", "k", TRAIL)
    r.execute_command("SM.SEND", "k", "b", "REASON", text)
    r.execute_command("SM.SEND", "k", "a")
    assert [one["reason"] for one in entries(r, "k")] == [NULL, text, NULL]
    r.execute_command("DEBUG", "RELOAD")
    assert [one["reason"] for one in entries(r, "k")] == [NULL, text, NULL]


def test_a_long_reason_is_kept_as_it_is(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", flat({"a": ["a"]}, "a", store={"history": 3}))
    for length in (127, 128, 16_383, 16_384, 1 << 20):
        r.execute_command("SM.SEND", "k", "a", "REASON", "x" * length)
        assert len(entries(r, "k", "COUNT", 1)[0]["reason"]) == length
    r.execute_command("DEBUG", "RELOAD")
    assert [len(one["reason"]) for one in assert_chained(r, "k")] == [16_383, 16_384, 1 << 20]


def as_user(server: Server, name: str | bytes, rules: tuple[str, ...] = ("~*", "+@all")) -> redis.Redis:
    server.own.execute_command("ACL", "SETUSER", name, "on", ">pw", *rules)
    return server.client(username=name, password="pw")


@pytest.fixture
def users(server: Server) -> Iterator[Callable[..., redis.Redis]]:
    """Makes clients of users, which are gone after the test."""
    made: list[str | bytes] = []

    def make(name: str | bytes, *rules: str) -> redis.Redis:
        made.append(name)
        return as_user(server, name, rules or ("~*", "+@all"))

    yield make
    for name in made:
        server.own.execute_command("ACL", "DELUSER", name)


def test_the_user_that_asks_is_named(r: redis.Redis, users: Callable[..., redis.Redis]) -> None:
    alice, bob = users("alice"), users("bob")
    alice.execute_command("SM.SET", "k", TRAIL)
    bob.execute_command("SM.SEND", "k", "b")
    with alice.pipeline(transaction=True) as pipe:
        pipe.execute_command("SM.MUTATE", "k", "a")
        pipe.execute_command("SM.RESET", "k")
        pipe.execute()
    bob.eval("return redis.call('SM.MUTATE', KEYS[1], 'b')", 1, "k")
    r.function_load("#!lua name=l\nredis.register_function('f', function(k) return redis.call('SM.RESET', k[1]) end)")
    alice.fcall("f", 1, "k")
    alice.execute_command("AUTH", "bob", "pw")
    assert [one["user"] for one in entries(r, "k")][::-1] == ["alice", "bob", "alice", "alice", "bob", "alice"]


def test_a_client_that_becomes_another_user_is_that_user(
    server: Server, r: redis.Redis, users: Callable[..., redis.Redis]
) -> None:
    users("alice")
    users("bob")
    with server.socket() as wire:
        for words in (
            ("AUTH", "alice", "pw"), ("SM.SET", "k", TRAIL), ("AUTH", "bob", "pw"), ("SM.SEND", "k", "b"), ("RESET",),
            ("AUTH", "default", ""), ("SM.SEND", "k", "a"),
        ):  # fmt: skip
            wire.send(*words)
            wire.reply()
    assert [one["user"] for one in entries(r, "k")] == ["default", "bob", "alice"]


@pytest.mark.parametrize("way", ["EVAL", "MULTI", "SET by EVAL"])
def test_a_user_that_may_not_run_template_is_named_all_the_same(
    r: redis.Redis, users: Callable[..., redis.Redis], way: str
) -> None:
    """By which the module finds out whether a script has a user."""
    alice = users("alice", "~*", "+@all", "-sm.template")
    alice.execute_command("SM.SET", "k", TRAIL)
    if way == "EVAL":
        alice.eval("return redis.call('SM.MUTATE', KEYS[1], 'b')", 1, "k")
    elif way == "MULTI":
        with alice.pipeline(transaction=True) as pipe:
            pipe.execute_command("SM.MUTATE", "k", "b")
            pipe.execute()
    else:
        alice.eval("return redis.call('SM.SET', KEYS[1], ARGV[1])", 1, "k", TRAIL)
    assert entries(r, "k", "COUNT", 1)[0]["user"] == "alice"


@pytest.mark.parametrize("name", [b"\xff\xfe", b"a\xc3", "é😀".encode(), b"u" * 5000, b"(timer)", b'"'])
def test_the_server_takes_nearly_any_bytes_as_a_users_name(
    server: Server, users: Callable[..., redis.Redis], name: bytes
) -> None:
    users(name)
    raw = server.raw()
    with server.socket() as wire:
        for words in ((b"AUTH", name, b"pw"), (b"SM.SET", b"k", TRAIL.encode()), (b"SM.SEND", b"k", b"b")):
            wire.send(*words)
            assert wire.reply() in (b"+OK", [b"b"])
    for _ in range(2):
        assert [one[5] for one in raw.execute_command("SM.HISTORY", "k")] == [name, name]
        raw.execute_command("DEBUG", "RELOAD")
    raw.execute_command("RESTORE", "again", 0, raw.execute_command("DUMP", "k"))
    assert server.digest("again") == server.digest("k")


@pytest.mark.parametrize("event", [b"\xff", b"a\xc3", b"\xed\xa0\x80", b"x\xff"])
def test_an_event_that_is_no_text_is_none(server: Server, event: bytes) -> None:
    """Also where any event is taken: an entry names text alone."""
    raw = server.raw()
    states = {"a": {"on": {"*": "b", "x.*": "b"}}, "b": {}}
    raw.execute_command("SM.SET", "k", compact({"initial": "a", "store": {"history": 5}, "states": states}))
    assert raw.execute_command("SM.SEND", "k", event) is None
    assert len(raw.execute_command("SM.HISTORY", "k")) == 1


@pytest.mark.parametrize("event", ["", "\0", "é😀", "x" * 100_000, '"\\'])
def test_an_event_of_any_text_is_named(r: redis.Redis, event: str) -> None:
    states = {"a": {"on": {"*": "b"}}, "b": {}}
    r.execute_command("SM.SET", "k", compact({"initial": "a", "store": {"history": 5}, "states": states}))
    assert r.execute_command("SM.SEND", "k", event) == ["b"]
    assert entries(r, "k", "COUNT", 1)[0]["event"] == event


def test_names_of_states_may_be_any_text(r: redis.Redis) -> None:
    names = ["", "\0", "a.b", "é😀", '"\\', "x" * 1000]
    document = flat(dict.fromkeys(names, names), "", store={"history": 50})
    r.execute_command("SM.SET", "k", document)
    for name in names:
        r.execute_command("SM.SEND", "k", name)
    r.execute_command("DEBUG", "RELOAD")
    assert [one["to"] for one in assert_chained(r, "k")] == [[name] for name in ["", *names]]
