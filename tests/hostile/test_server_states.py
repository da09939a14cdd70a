"""Commands on a server that is out of memory, a read-only replica, without enough replicas, or paused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.documents import README, TRAFFIC
from tests.servers import Server


def test_memory_is_full(server: Server) -> None:
    """Commands that store are refused, commands that move a machine work."""
    r = server.client()
    r.execute_command("SM.SET", "k", TRAFFIC)
    r.execute_command("SM.SET", "other", README)
    r.execute_command("SM.MUTATE", "other", "boo")
    server.config("maxmemory-policy", "noeviction")
    server.config("maxmemory", 1)
    for command in (("SM.SET", "new", TRAFFIC), ("SM.SET", "k", TRAFFIC), ("SM.CREATE", "new")):
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            r.execute_command(*command)
    assert r.exists("new") == 0
    for command, answer in (
        (("SM.MUTATE", "k", "green"), "OK"),
        (("SM.MUTATE", "k", "amber", "with a reason"), "OK"),
        (("SM.MUTATE", "k", "green", "forced", "FORCE"), "OK"),
        (("SM.MUTATE", "k", "nowhere"), None),
        (("SM.RESET", "k"), "OK"),
        (("SM.STATE", "k"), ["red"]),
        (("SM.GET", "other", "CURRENT"), "boo"),
        (("SM.TEMPLATE",), '{"current":"","map":{},"initial":""}'),
    ):
        assert r.execute_command(*command) == answer


def test_machines_are_evicted(start_server: Callable[..., Server]) -> None:
    server = start_server()
    r = server.own
    server.config("maxmemory-policy", "allkeys-lru")
    used = server.info("memory")["used_memory"]
    server.config("maxmemory", used + 1_000_000)
    for number in range(20_000):
        r.execute_command("SM.SET", f"k{number}", TRAFFIC)
    server.config("maxmemory", 0)
    evicted = server.info("stats")["evicted_keys"]
    assert evicted > 0
    left = r.dbsize()
    assert left + evicted >= 20_000
    server.wait_info(machines=left)
    assert r.execute_command("SM.GET", r.randomkey(), "CURRENT") == "red"


def test_a_write_on_a_read_only_replica(start_server: Callable[..., Server]) -> None:
    primary = start_server()
    replica = start_server(settings={"replicaof": ("127.0.0.1", primary.port)})
    primary.own.execute_command("SM.SET", "k", README)
    replica.wait_info("replication", master_link_status="up")
    primary.own.wait(1, 10_000)
    r = replica.own
    for command in (
        ("SM.SET", "k", TRAFFIC), ("SM.CREATE", "k"), ("SM.CREATE", "new"), ("SM.MUTATE", "k", "boo"),
        ("SM.MUTATE", "k", "nowhere"), ("SM.RESET", "k"),
    ):  # fmt: skip
        with pytest.raises(redis.ReadOnlyError):
            r.execute_command(*command)
    assert r.execute_command("SM.STATE", "k") == ["bar"]
    assert r.execute_command("SM.GET", "k") == primary.own.execute_command("SM.GET", "k")
    with pytest.raises(redis.ResponseError, match=r"read.?only"):
        r.eval("return redis.call('SM.MUTATE', KEYS[1], 'boo')", 1, "k")


def test_a_writable_replica_moves_its_own_machine(start_server: Callable[..., Server]) -> None:
    primary = start_server()
    replica = start_server(settings={"replicaof": ("127.0.0.1", primary.port), "replica-read-only": "no"})
    primary.own.execute_command("SM.SET", "k", README)
    replica.wait_info("replication", master_link_status="up")
    primary.own.wait(1, 10_000)
    assert replica.own.execute_command("SM.MUTATE", "k", "boo") == "OK"
    assert replica.own.execute_command("SM.STATE", "k") == ["boo"]
    assert primary.own.execute_command("SM.STATE", "k") == ["bar"]


def test_writes_are_refused_where_the_server_refuses_them(start_server: Callable[..., Server]) -> None:
    """min-replicas-to-write holds for machines as for strings."""
    server = start_server(settings={"min-replicas-to-write": 1})
    for command in (("SM.SET", "k", README), ("SM.CREATE", "k"), ("SM.MUTATE", "k", "boo"), ("SM.RESET", "k")):
        with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
            server.own.execute_command(*command)
    assert server.own.execute_command("SM.GET", "k") is None


def test_failed_snapshots_stop_writes(start_server: Callable[..., Server]) -> None:
    """stop-writes-on-bgsave-error holds for machines as for strings; reads go on."""
    server = start_server(settings={"save": "3600 1000000"})
    r = server.own
    r.execute_command("SM.SET", "k", README)
    (server.folder / "dump.rdb").mkdir()
    (server.folder / "dump.rdb" / "blocks the file").touch()
    r.execute_command("BGSAVE")
    server.wait_info("persistence", rdb_bgsave_in_progress=0, rdb_last_bgsave_status="err")
    for command in (("SM.MUTATE", "k", "boo"), ("SM.SET", "k", TRAFFIC), ("SM.RESET", "k")):
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            r.execute_command(*command)
    assert r.execute_command("SM.STATE", "k") == ["bar"]
    r.config_set("save", "")  # otherwise SHUTDOWN would fail too


def test_clients_paused_for_writes(server: Server) -> None:
    r = server.client()
    r.execute_command("SM.SET", "k", TRAFFIC)
    with server.socket() as wire:
        r.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
        wire.send("SM.MUTATE", "k", "green")
        assert r.execute_command("SM.STATE", "k") == ["red"]
        r.execute_command("CLIENT", "UNPAUSE")
        assert wire.reply() == b"+OK"
    assert r.execute_command("SM.STATE", "k") == ["green"]
