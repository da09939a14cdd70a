"""A machine is a key like any other: commands on keys, hits and misses, LRU and LFU."""

from __future__ import annotations

import pytest
import redis

from tests.documents import README, README_GET, TRAFFIC, ring
from tests.servers import Server


@pytest.fixture
def machine(r: redis.Redis) -> str:
    r.execute_command("SM.SET", "k", README)
    r.execute_command("SM.MUTATE", "k", "boo", "why")
    return str(r.execute_command("SM.GET", "k"))


def test_rename_copy_move_swap(server: Server, r: redis.Redis, machine: str) -> None:
    (digest,) = server.digest("k")
    assert r.copy("k", "copy")
    assert r.rename("k", "renamed")
    assert r.execute_command("SM.GET", "renamed") == machine
    assert r.execute_command("SM.GET", "copy") == machine
    assert server.digest("renamed", "copy") == [digest, digest]
    r.execute_command("SM.MUTATE", "copy", "blee")
    assert r.execute_command("SM.GET", "renamed") == machine
    assert r.copy("renamed", "copy", replace=True)
    assert r.execute_command("SM.GET", "copy") == machine
    assert r.execute_command("COPY", "copy", "there", "DB", "3") == 1
    assert r.move("renamed", 2)
    r.swapdb(0, 2)
    assert r.execute_command("SM.GET", "renamed") == machine
    r.swapdb(0, 3)
    assert r.execute_command("SM.GET", "there") == machine
    server.wait_info(machines=3)  # what was replaced may be freed on another thread


def test_expiry(r: redis.Redis, machine: str) -> None:
    assert r.expire("k", 1000)
    assert 0 < r.ttl("k") <= 1000
    assert r.persist("k")
    assert r.ttl("k") == -1
    assert r.expireat("k", 1)
    assert r.execute_command("SM.GET", "k") is None


def test_set_and_del_and_getdel(r: redis.Redis, machine: str) -> None:
    r.set("k", "a string now")
    assert r.get("k") == "a string now"
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        r.execute_command("SM.SET", "k", README)
    r.delete("k")
    r.execute_command("SM.SET", "k", README)
    assert r.unlink("k") == 1
    assert r.exists("k") == 0


def test_scan_keys_type(r: redis.Redis, machine: str) -> None:
    r.set("string", "x")
    for number in range(50):
        r.execute_command("SM.SET", f"many:{number}", TRAFFIC)
    assert r.type("k") == "StateType"
    assert len(list(r.scan_iter(_type="StateType", count=7))) == 51
    assert list(r.scan_iter(_type="string")) == ["string"]
    assert r.exists("k", "many:1", "none") == 2
    assert r.randomkey() is not None
    assert r.touch("k", "many:2") == 2


def test_dump_and_restore(server: Server, r: redis.Redis, machine: str) -> None:
    payload = server.raw().execute_command("DUMP", "k")
    assert server.raw().execute_command("RESTORE", "back", 0, payload) == b"OK"
    assert r.execute_command("SM.GET", "back") == machine
    with pytest.raises(redis.ResponseError, match="BUSYKEY"):
        server.raw().execute_command("RESTORE", "back", 0, payload)
    assert server.raw().execute_command("RESTORE", "back", 60_000, payload, "REPLACE") == b"OK"
    assert 0 < r.pttl("back") <= 60_000
    assert r.persist("back")  # a digest covers the TTL
    assert server.digest("k") == server.digest("back")


def test_digests_of_different_machines_differ(server: Server, r: redis.Redis, machine: str) -> None:
    r.execute_command("SM.SET", "same", machine)
    r.execute_command("SM.SET", "state", machine, "blee")
    r.execute_command("SM.SET", "reason", machine.replace('"why"', '"how"'))
    r.execute_command("SM.SET", "definition", TRAFFIC)
    r.execute_command("SM.SET", "order", README)
    k, same, *others = server.digest("k", "same", "state", "reason", "definition", "order")
    assert k == same
    assert len({k, *others}) == 5


def test_memory_usage_includes_a_share_of_the_definition(server: Server, r: redis.Redis) -> None:
    """It includes the machine's share of its definition."""
    r.execute_command("SM.SET", "small", '{"map":{"only here":["boo"]},"initial":"only here"}')
    small = r.memory_usage("small")
    large_document = ring(1000)
    r.execute_command("SM.SET", "large", large_document)
    alone = r.memory_usage("large", samples=0)
    assert 50 < small < 20_000
    assert alone > len(large_document)
    with r.pipeline(transaction=False) as pipe:
        for number in range(999):
            pipe.execute_command("SM.SET", f"large:{number}", large_document)
        pipe.execute()
    shared = r.memory_usage("large", samples=0)
    assert shared < alone / 100
    r.execute_command("SM.MUTATE", "small", "boo", "x" * 10_000)
    assert r.memory_usage("small") > small + 10_000


def test_freq_counts_as_for_other_types(server: Server) -> None:
    server.config("maxmemory-policy", "allkeys-lfu")
    server.config("lfu-log-factor", 0)
    server.config("lfu-decay-time", 0)
    r = server.client()
    r.execute_command("SM.SET", "k", TRAFFIC)
    r.hset("h", "f", "v")
    assert r.object("freq", "k") == r.object("freq", "h")
    for _ in range(5):
        r.execute_command("SM.GET", "k")
        r.execute_command("SM.STATE", "k")
        r.hget("h", "f")
        r.hget("h", "f")
    assert r.object("freq", "k") == r.object("freq", "h")
    for _ in range(3):
        r.execute_command("SM.MUTATE", "k", "green")
        r.execute_command("SM.RESET", "k")
        r.hset("h", "f", "1")
        r.hset("h", "f", "2")
    assert r.object("freq", "k") == r.object("freq", "h")


def test_client_no_touch(server: Server) -> None:
    """Since 7.2, CLIENT NO-TOUCH keeps a client's reads out of LRU and LFU."""
    if server.version < (7, 2, 0):
        with pytest.raises(redis.ResponseError, match="nknown subcommand"):
            server.own.execute_command("CLIENT", "NO-TOUCH", "ON")
        return
    server.config("maxmemory-policy", "allkeys-lfu")
    server.config("lfu-log-factor", 0)
    server.config("lfu-decay-time", 0)
    r = server.client(single_connection_client=True)
    r.execute_command("SM.SET", "k", TRAFFIC)
    before = r.object("freq", "k")
    r.execute_command("CLIENT", "NO-TOUCH", "ON")
    r.execute_command("SM.GET", "k")
    r.execute_command("SM.STATE", "k")
    assert r.object("freq", "k") == before
    r.execute_command("CLIENT", "NO-TOUCH", "OFF")
    r.execute_command("SM.GET", "k")
    assert r.object("freq", "k") == before + 1


def test_idle_time_and_reference_count(server: Server, machine: str) -> None:
    assert server.own.object("idletime", "k") in {0, 1, 2}
    assert server.own.object("refcount", "k") == 1


def test_hits_and_misses_are_counted(server: Server, machine: str) -> None:
    before = server.info("stats")
    server.own.execute_command("SM.GET", "k")
    server.own.execute_command("SM.STATE", "k")
    server.own.execute_command("SM.GET", "missing")
    after = server.info("stats")
    assert after["keyspace_hits"] - before["keyspace_hits"] == 2
    assert after["keyspace_misses"] - before["keyspace_misses"] == 1


def test_databases_are_apart(server: Server, machine: str) -> None:
    other = server.client(db=5)
    assert other.execute_command("SM.GET", "k") is None
    other.execute_command("SM.SET", "k", README)
    assert other.execute_command("SM.GET", "k") == README_GET
    assert server.own.execute_command("SM.GET", "k") == machine
