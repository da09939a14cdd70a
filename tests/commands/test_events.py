"""Keyspace events and client-side caching: what changes a machine is published once, anything else is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.documents import README, TRAFFIC, flat
from tests.servers import Server

EVENTS = [
    (("SM.SET", "k", TRAFFIC), "sm.set"),
    (("SM.SET", "k", README, "blee"), "sm.set"),
    (("SM.CREATE", "k"), "sm.create"),
    (("SM.CREATE", "new"), "sm.create"),
    (("SM.MUTATE", "k", "blee"), "sm.mutate"),
    (("SM.MUTATE", "k", "blee", "why"), "sm.mutate"),
    (("SM.MUTATE", "k", "bar", "why", "FORCE"), "sm.mutate"),
    (("SM.MUTATE", "k", "boo", "another reason", "FORCE"), "sm.mutate"),
    (("SM.RESET", "k"), "sm.reset"),
    (("SM.SEND", "k", "blee"), "sm.send"),
    (("SM.RESET", "k", "ACTIONS"), "sm.reset"),
    (("SM.SEND", "k", "blee", "ACTIONS"), "sm.send"),
]

SAME = flat({"bar": ["blee", "boo"], "boo": ["blee"]}, "bar", current="boo", reason="the reason")

NOT_PUBLISHED: list[tuple[str | bytes, ...]] = [
    ("SM.TEMPLATE",),
    ("SM.GET", "k"),
    ("SM.STATE", "k", "ALL"),
    ("SM.GET", "missing"),
    ("SM.SET", "k", "nonsense"),
    ("SM.SET", "k", README, "nowhere"),
    ("SM.SET", "k", SAME),
    ("SM.MUTATE", "k", "nowhere"),
    ("SM.MUTATE", "k", "boo"),
    ("SM.MUTATE", "k", "nowhere", "why", "FORCE"),
    ("SM.MUTATE", "k", "boo", "the reason", "FORCE"),
    ("SM.MUTATE", "k", "blee", "why", "WRONG"),
    ("SM.MUTATE", "k", "blee", b"\xff"),
    ("SM.MUTATE", "missing", "boo"),
    ("SM.RESET", "missing"),
    ("SM.SEND", "k", "nowhere"),
    ("SM.SEND", "missing", "boo"),
    ("SM.CAN", "k", "blee"),
    ("SM.SEND", "k", "blee", "WRONG"),
    ("SM.NEXT", "k"),
    ("SM.RESET", "at-its-start"),
    ("SM.MUTATE", "loops", "a"),
    ("SM.SET", "string", TRAFFIC),
]


class Listener:
    """A subscriber to keyspace events, with the setting notify-keyspace-events."""

    def __init__(self, server: Server, classes: str) -> None:
        server.config("notify-keyspace-events", classes)
        self._publisher = server.client()
        self._pubsub = server.client().pubsub()
        self._pubsub.psubscribe("__key*__:*", "end")
        for _ in range(2):
            self._pubsub.get_message(timeout=10)

    def events(self) -> list[tuple[str, str]]:
        """(channel, message) of all events since the last call."""
        self._publisher.publish("end", "end")
        seen = []
        while True:
            message = self._pubsub.get_message(timeout=10)
            assert message is not None, "the end of the events was not published"
            if message["channel"] == "end":
                return seen
            seen.append((message["channel"], message["data"]))

    def close(self) -> None:
        self._pubsub.close()


@pytest.fixture
def prepared(server: Server) -> redis.Redis:
    r = server.client()
    r.execute_command("SM.SET", "k", README)
    r.execute_command("SM.MUTATE", "k", "boo", "the reason")
    r.execute_command("SM.SET", "at-its-start", README)
    r.execute_command("SM.SET", "loops", flat({"a": ["a"]}, "a"))
    r.set("string", "x")
    return r


@pytest.fixture
def listener(server: Server, prepared: redis.Redis) -> Iterator[Listener]:
    listener = Listener(server, "KEg")
    yield listener
    listener.close()


@pytest.mark.parametrize(("command", "event"), EVENTS, ids=lambda value: repr(value)[:50])
def test_published(prepared: redis.Redis, listener: Listener, command: tuple[str, ...], event: str) -> None:
    assert prepared.execute_command(*command) in ("OK", ["blee"], [["blee"], []], [["bar"], []])
    seen = listener.events()
    key = command[1]
    assert seen == [(f"__keyspace@0__:{key}", event), (f"__keyevent@0__:{event}", key)]


@pytest.mark.parametrize("command", NOT_PUBLISHED, ids=lambda value: repr(value)[:50])
def test_not_published(
    server: Server, prepared: redis.Redis, listener: Listener, command: tuple[str | bytes, ...]
) -> None:
    """No event is published, and no write is counted for save points."""
    before = server.writes()
    try:
        prepared.execute_command(*command)
    except redis.ResponseError:
        assert command[0] in {"SM.SET", "SM.MUTATE", "SM.SEND"}
    assert listener.events() == []
    assert server.writes() == before


@pytest.mark.parametrize(("command", "event"), EVENTS, ids=lambda value: repr(value)[:50])
def test_a_change_is_counted(server: Server, prepared: redis.Redis, command: tuple[str, ...], event: str) -> None:
    before = server.writes()
    prepared.execute_command(*command)
    assert server.writes() == before + 1


def test_events_are_of_class_g(server: Server, prepared: redis.Redis) -> None:
    listener = Listener(server, "KE$lshzxetd")
    prepared.execute_command("SM.SET", "k", TRAFFIC)
    prepared.execute_command("SM.MUTATE", "k", "green")
    assert listener.events() == []
    listener.close()


def test_inside_multi_and_lua(prepared: redis.Redis, listener: Listener) -> None:
    with prepared.pipeline(transaction=True) as pipe:
        pipe.execute_command("SM.SET", "k", TRAFFIC)
        pipe.execute_command("SM.MUTATE", "k", "green")
        pipe.execute()
    prepared.eval("redis.call('SM.MUTATE', KEYS[1], 'amber'); redis.call('SM.RESET', KEYS[1])", 1, "k")
    events = [message for channel, message in listener.events() if channel == "__keyspace@0__:k"]
    assert events == ["sm.set", "sm.mutate", "sm.mutate", "sm.reset"]


def test_a_new_key_and_a_miss(server: Server, prepared: redis.Redis) -> None:
    """The server publishes events of the classes n and m for machines as for its own types."""
    listener = Listener(server, "Knm")
    prepared.execute_command("SM.SET", "fresh", TRAFFIC)
    prepared.hset("fresh-hash", "f", "v")
    prepared.execute_command("SM.GET", "missing")
    prepared.get("missing")
    seen = listener.events()
    assert seen == [
        ("__keyspace@0__:fresh", "new"),
        ("__keyspace@0__:fresh-hash", "new"),
        ("__keyspace@0__:missing", "keymiss"),
        ("__keyspace@0__:missing", "keymiss"),
    ]
    listener.close()


@pytest.mark.parametrize(
    ("command", "invalidates"),
    [
        (("SM.MUTATE", "k", "blee"), True),
        (("SM.SET", "k", TRAFFIC), True),
        (("SM.CREATE", "k"), True),
        (("SM.RESET", "k"), True),
        (("SM.MUTATE", "k", "nowhere"), False),
        (("SM.MUTATE", "k", "boo", "the reason", "FORCE"), False),
    ],
)
def test_client_side_caching(
    server: Server, prepared: redis.Redis, command: tuple[str, ...], invalidates: bool
) -> None:
    with server.socket() as wire:
        wire.send("HELLO", "3")
        wire.reply()
        wire.send("CLIENT", "TRACKING", "ON")
        assert wire.reply() == b"+OK"
        wire.send("SM.STATE", "k")
        assert wire.reply() == [b"boo"]
        prepared.execute_command(*command)
        wire.send("PING")
        if invalidates:
            assert wire.reply() == [b"invalidate", [b"k"]]
        assert wire.reply() == b"+PONG"
