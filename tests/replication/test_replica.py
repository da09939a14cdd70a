"""After each write a replica has the primary's data; a write is sent once, as the client sent it."""

from __future__ import annotations

from collections.abc import Callable

from tests.documents import README, RUST_DUMP, TRAFFIC, flat
from tests.groups import STRICT, assert_same, caught_up, follow, offset
from tests.servers import Server, wait_until

Start = Callable[..., Server]


def assert_in_step(primary: Server, *replicas: Server) -> None:
    """Waits until the replicas have the primary's data. Clients must read the same there."""
    caught_up(primary, *replicas)
    assert_same(primary, *replicas)
    for key in primary.own.scan_iter():
        for replica in replicas:
            assert replica.own.execute_command("SM.GET", key) == primary.own.execute_command("SM.GET", key)


def test_every_write(start_server: Start) -> None:
    primary, replica = start_server(settings=STRICT), start_server(settings=STRICT)
    follow(primary, replica)
    r = primary.own
    for call in (
        ("SM.CREATE", "empty"),
        ("SM.SET", "k", README),
        ("SM.SET", "at", README, "boo"),
        ("SM.MUTATE", "k", "boo"),
        ("SM.MUTATE", "k", "blee", "why \0 é"),
        ("SM.MUTATE", "k", "bar", "back", "FORCE"),
        ("SM.RESET", "at"),
        ("SM.SET", "k", TRAFFIC),
        ("SM.SET", "reason", flat({"a": ["b"]}, "a", reason="given")),
        ("SM.RESET", "reason"),
        ("COPY", "k", "k2"),
        ("RENAME", "k2", "k3"),
        ("EXPIREAT", "k3", "4000000000"),
        ("SM.MUTATE", "k3", "green"),
    ):
        before = offset(primary)
        assert r.execute_command(*call)
        assert offset(primary) > before
        assert_in_step(primary, replica)
    primary.raw().execute_command("RESTORE", "rust", 0, RUST_DUMP)
    r.execute_command("SM.MUTATE", "rust", "bar")
    assert_in_step(primary, replica)
    assert replica.own.expiretime("k3") == 4000000000


def test_a_write_is_sent_once_and_verbatim(start_server: Start) -> None:
    primary = start_server(settings=STRICT)
    r = primary.own
    r.execute_command("SM.SET", "k", README)
    with primary.socket() as wire:
        wire.send("SYNC")
        size = int(wire.line().lstrip(b"\n$") or wire.line().lstrip(b"$"))
        wire.read(size)
        r.execute_command("SM.MUTATE", "k", "boo", "why")
        r.execute_command("SM.MUTATE", "k", "nowhere")
        r.execute_command("SM.RESET", "k")
        r.execute_command("SM.RESET", "k")
        r.eval("redis.call('SM.MUTATE', KEYS[1], 'boo')", 1, "k")
        r.set("end", "end")
        sent = []
        while not sent or sent[-1][0] != b"SET":
            sent.append([word if i else word.upper() for i, word in enumerate(wire.reply())])
    assert [words for words in sent if words[0] not in {b"SELECT", b"PING"}] == [
        [b"SM.MUTATE", b"k", b"boo", b"why"],
        [b"SM.RESET", b"k"],
        [b"SM.MUTATE", b"k", b"boo"],
        [b"SET", b"end", b"end"],
    ]


def test_expiry_reaches_the_replica(start_server: Start) -> None:
    primary, replica = start_server(settings=STRICT), start_server(settings=STRICT)
    follow(primary, replica)
    r = primary.own
    for number in range(100):
        r.execute_command("SM.SET", f"k{number}", TRAFFIC)
        r.pexpire(f"k{number}", 1)
    wait_until(lambda: r.dbsize() == 0, "the machines expire")
    assert_in_step(primary, replica)
    replica.wait_info(machines=0)
