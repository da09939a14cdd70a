"""Primary and replica: every write arrives once, what changes nothing sends nothing, syncs carry everything."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import redis

from tests.documents import README, RUST_DUMP, TRAFFIC, flat, numbered
from tests.servers import Server, wait_until

Start = Callable[..., Server]

# No pings to the replicas: the offset moves for writes alone.
QUIET = {"repl-ping-replica-period": 3600, "repl-timeout": 7200, "appendonly": "no"}


def replica_of(start_server: Start, primary: Server, **settings: object) -> Server:
    """A replica that dies rather than carry on after a command that fails on it."""
    options = {"replicaof": ("127.0.0.1", primary.port), "propagation-error-behavior": "panic", **QUIET}
    replica = start_server(settings=options | settings)
    replica.wait_info("replication", master_link_status="up")
    return replica


def offset(server: Server) -> int:
    return int(server.info("replication")["master_repl_offset"])


def in_step(primary: Server, *replicas: Server) -> None:
    """Waits until the replicas have what the primary had, and compares every key."""
    for replica in replicas:
        wait_until(
            lambda replica=replica: replica.info("replication")["slave_repl_offset"] >= offset(primary),
            "the replica has caught up",
        )
        keys = sorted(primary.raw().execute_command("KEYS", "*"))
        assert sorted(replica.raw().execute_command("KEYS", "*")) == keys
        if keys:
            assert replica.digest(*keys) == primary.digest(*keys)
        for key in keys[:300]:
            if primary.own.type(key) == "StateType":
                ours, theirs = (server.raw().execute_command("SM.GET", key) for server in (primary, replica))
                assert ours == theirs
        assert replica.alive()


def test_every_write(start_server: Start) -> None:
    primary = start_server(settings=QUIET)
    replica = replica_of(start_server, primary)
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
        in_step(primary, replica)
    primary.raw().execute_command("RESTORE", "rust", 0, RUST_DUMP)
    r.execute_command("SM.MUTATE", "rust", "bar")
    in_step(primary, replica)
    assert replica.own.expiretime("k3") == 4000000000


def test_a_write_is_sent_once_and_verbatim(start_server: Start) -> None:
    primary = start_server(settings=QUIET)
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


def test_what_changes_nothing_sends_nothing(start_server: Start) -> None:
    primary = start_server(settings=QUIET)
    replica_of(start_server, primary)
    r = primary.own
    r.execute_command("SM.SET", "k", README)
    r.execute_command("SM.MUTATE", "k", "boo", "the reason")
    r.execute_command("SM.SET", "loops", flat({"a": ["a"]}, "a"))
    r.set("string", "x")
    same = r.execute_command("SM.GET", "k")
    calls: list[tuple[str | bytes, ...]] = [
        ("SM.TEMPLATE",), ("SM.GET", "k"), ("SM.GET", "k", "REASON"), ("SM.STATE", "k"), ("SM.STATE", "k", "ALL"),
        ("SM.SET", "k", "nonsense"), ("SM.SET", "k", README, "nowhere"), ("SM.SET", "k", same),
        ("SM.SET", "string", README),
        ("SM.MUTATE", "k", "nowhere"), ("SM.MUTATE", "k", "boo"), ("SM.MUTATE", "k", "nowhere", "why", "FORCE"),
        ("SM.MUTATE", "k", "boo", "the reason", "FORCE"), ("SM.MUTATE", "k", "blee", b"\xff"),
        ("SM.MUTATE", "k", "blee", "x", "y"),
        ("SM.MUTATE", "loops", "a"), ("SM.RESET", "loops"), ("SM.MUTATE", "missing", "a"), ("SM.RESET", "missing"),
        ("SM.GET", "missing"), ("SM.GET", "string"), ("SM.CREATE", "string"), ("SM.SET",), ("SM.STATE", "k", "WRONG"),
    ]  # fmt: skip
    for call in calls:
        before = offset(primary)
        try:
            r.execute_command(*call)
        except redis.ResponseError:
            assert call[0] != "SM.TEMPLATE"
        assert offset(primary) == before, call
    r.execute_command("SM.MUTATE", "k", "blee")
    assert offset(primary) > before


def test_inside_multi_lua_and_functions(start_server: Start) -> None:
    primary = start_server(settings=QUIET)
    replica = replica_of(start_server, primary)
    r = primary.own
    with r.pipeline(transaction=True) as pipe:
        pipe.execute_command("SM.SET", "k", README)
        pipe.execute_command("SM.MUTATE", "k", "boo", "in a transaction")
        pipe.execute_command("SM.MUTATE", "k", "nowhere")
        pipe.execute_command("SM.SET", "other", "nonsense")
        pipe.execute(raise_on_error=False)
    in_step(primary, replica)
    r.eval("redis.call('SM.RESET', KEYS[1]); redis.call('SM.MUTATE', KEYS[1], 'blee', 'lua')", 1, "k")
    in_step(primary, replica)
    r.function_load(
        "#!lua name=f\nredis.register_function('move', function(keys, args) "
        "redis.call('SM.SET', keys[2], args[2]); return redis.call('SM.MUTATE', keys[1], args[1], 'f', 'FORCE') end)"
    )
    r.fcall("move", 2, "k", "new", "bar", TRAFFIC)
    in_step(primary, replica)
    assert replica.own.execute_command("SM.GET", "k", "REASON") == "f"


def test_expiry_and_eviction_reach_the_replica(start_server: Start) -> None:
    primary = start_server(settings=QUIET)
    replica = replica_of(start_server, primary)
    r = primary.own
    for number in range(100):
        r.execute_command("SM.SET", f"k{number}", TRAFFIC)
        r.pexpire(f"k{number}", 1)
    wait_until(lambda: r.dbsize() == 0, "the machines expire")
    in_step(primary, replica)
    replica.wait_info(machines=0)


def fill(server: Server) -> None:
    r = server.own
    for number in range(300):
        r.execute_command("SM.SET", f"k{number}", numbered(3, f"n{number % 40}-"))
        if number % 2:
            r.execute_command("SM.MUTATE", f"k{number}", f"n{number % 40}-1", *(["why"] if number % 3 else []))
    r.execute_command("SM.SET", "large", numbered(1000))
    r.execute_command("SM.CREATE", "empty")
    r.set("string", "x")


@pytest.mark.parametrize("diskless", ["yes", "no"])
@pytest.mark.parametrize("load", ["disabled", "on-empty-db", "swapdb"])
def test_full_sync(start_server: Start, diskless: str, load: str) -> None:
    primary = start_server(settings={"repl-diskless-sync": diskless, **QUIET})
    fill(primary)
    replica = replica_of(start_server, primary, **{"repl-diskless-load": load})
    in_step(primary, replica)
    assert replica.info()["definitions"] == primary.info()["definitions"]
    primary.own.execute_command("SM.MUTATE", "k0", "n0-1", "after the sync")
    in_step(primary, replica)
    replica.own.execute_command("REPLICAOF", "NO", "ONE")
    replica.own.execute_command("SM.RESET", "k0")
    primary.own.execute_command("SM.SET", "only there", TRAFFIC)
    replica.own.execute_command("REPLICAOF", "127.0.0.1", primary.port)
    replica.wait_info("replication", master_link_status="up")
    in_step(primary, replica)


def test_full_sync_under_load(start_server: Start) -> None:
    primary = start_server(settings={"rdb-key-save-delay": 500, **QUIET})
    fill(primary)
    replica = start_server(settings={"propagation-error-behavior": "panic", **QUIET})
    replica.own.execute_command("REPLICAOF", "127.0.0.1", primary.port)
    dice = random.Random(3)
    while replica.info("replication")["master_link_status"] != "up":
        for _ in range(20):
            number = dice.randrange(300)
            primary.own.execute_command("SM.MUTATE", f"k{number}", f"n{number % 40}-{dice.randrange(3)}", "x", "FORCE")
            primary.own.execute_command("SM.SET", f"new{number}", numbered(4, f"x{number}-"))
    in_step(primary, replica)


def test_partial_resync(start_server: Start) -> None:
    primary = start_server(settings=QUIET)
    replica = replica_of(start_server, primary)
    fill(primary)
    in_step(primary, replica)
    syncs = primary.info("stats")["sync_full"]
    primary.own.execute_command("CLIENT", "KILL", "TYPE", "replica")
    primary.own.execute_command("SM.MUTATE", "k0", "n0-1", "while away")
    replica.wait_info("replication", master_link_status="up")
    in_step(primary, replica)
    assert primary.info("stats")["sync_full"] == syncs
    assert primary.info("stats")["sync_partial_ok"] == 1


def test_a_replica_of_a_replica(start_server: Start) -> None:
    primary = start_server(settings=QUIET)
    fill(primary)
    middle = replica_of(start_server, primary)
    last = replica_of(start_server, middle)
    primary.own.execute_command("SM.MUTATE", "k0", "n0-1", "from afar")
    in_step(primary, middle, last)


def test_a_promoted_replica_goes_on(start_server: Start) -> None:
    primary = start_server(settings=QUIET)
    fill(primary)
    replica = replica_of(start_server, primary)
    in_step(primary, replica)
    primary.kill9()
    replica.own.execute_command("REPLICAOF", "NO", "ONE")
    assert replica.own.execute_command("SM.MUTATE", "k0", "n0-1", "promoted") == "OK"
    assert replica.own.execute_command("SM.SET", "new", TRAFFIC) == "OK"
    third = replica_of(start_server, replica)
    in_step(replica, third)


def test_random_commands(start_server: Start) -> None:
    """Whatever happens on the primary, in any order: replica, append-only file and primary agree."""
    primary = start_server(
        settings={**QUIET, "appendonly": "yes", "aof-use-rdb-preamble": "no", "auto-aof-rewrite-percentage": 0}
    )
    replica = replica_of(start_server, primary)
    dice = random.Random(11)
    documents = [README, TRAFFIC, numbered(5), flat({"a": ["a", "b"], "b": ["a"]}, "b", reason="r"), "nonsense"]
    states = ["bar", "boo", "blee", "red", "green", "amber", "s0", "s1", "a", "b", "nowhere"]

    def command() -> list[str]:
        key = f"k{dice.randrange(20)}"
        return dice.choice(
            [
                ["SM.SET", key, dice.choice(documents)],
                ["SM.SET", key, dice.choice(documents), dice.choice(states)],
                ["SM.CREATE", key],
                ["SM.MUTATE", key, dice.choice(states)],
                ["SM.MUTATE", key, dice.choice(states), dice.choice(["why", "how", "FORCE"])],
                ["SM.MUTATE", key, dice.choice(states), "forced", "FORCE"],
                ["SM.RESET", key],
                ["DEL", key],
                ["COPY", key, f"k{dice.randrange(20)}", "REPLACE"],
                ["SET", key, "x"],
            ]
        )

    for _ in range(100):
        with primary.own.pipeline(transaction=dice.random() < 0.3) as pipe:
            for _ in range(50):
                pipe.execute_command(*command())
            pipe.execute(raise_on_error=False)
    in_step(primary, replica)
    keys = sorted(primary.own.keys())
    digests = primary.digest(*keys)
    primary.own.execute_command("DEBUG", "LOADAOF")
    assert primary.digest(*keys) == digests
    assert sorted(primary.own.keys()) == keys
