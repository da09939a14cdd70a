"""Deadlines fire by themselves: once, at the right key, on a primary."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import redis

from tests.servers import Server, wait_until
from tests.timers.charts import ASKING, FAILING, handles, pending, state, stays, wait_for, waiting

SOON = waiting(300)


def set_soon(r: redis.Redis, key: str = "k") -> None:
    assert r.execute_command("SM.SET", key, SOON) == "OK"
    assert state(r, key) == ["a"]


def fired(server: Server) -> int:
    return int(server.info()["timers_fired"])


def test_a_deadline_fires_and_is_gone(server: Server, r: redis.Redis) -> None:
    before = fired(server)
    begun = time.time()
    set_soon(r)
    wait_for(r, "k", "b")
    assert time.time() - begun >= 0.3
    assert pending(r, "k") == []
    assert fired(server) == before + 1
    assert r.execute_command("SM.GET", "k", "REVISION") == 2


def test_a_state_that_is_left_fires_nothing(server: Server, r: redis.Redis) -> None:
    before = fired(server)
    set_soon(r)
    assert r.execute_command("SM.SEND", "k", "GO") == ["b"]
    stays(r, "k", "b", 0.6)
    assert r.execute_command("SM.GET", "k", "REVISION") == 2
    assert fired(server) == before


def test_a_renamed_key_fires_under_its_new_name(r: redis.Redis) -> None:
    set_soon(r)
    r.rename("k", "new")
    wait_for(r, "new", "b")
    assert not r.exists("k")


def test_a_key_that_is_renamed_onto_another_machine_fires_once(server: Server, r: redis.Redis) -> None:
    before = fired(server)
    set_soon(r)
    r.execute_command("SM.SET", "new", waiting(100))
    r.rename("k", "new")
    wait_for(r, "new", "b")
    assert fired(server) == before + 1


def test_a_moved_key_fires_in_its_database(server: Server, r: redis.Redis) -> None:
    other = server.client(db=3)
    set_soon(r)
    assert r.move("k", 3)
    wait_for(other, "k", "b")
    assert not r.exists("k")


def test_a_copy_fires_too(server: Server, r: redis.Redis) -> None:
    other = server.client(db=2)
    set_soon(r)
    assert r.copy("k", "near")
    assert r.copy("k", "far", destination_db=2)
    r.execute_command("SM.SET", "old", waiting())
    assert r.copy("k", "old", replace=True)
    for client, key in ((r, "k"), (r, "near"), (r, "old"), (other, "far")):
        wait_for(client, key, "b")


def test_what_is_restored_fires(r: redis.Redis) -> None:
    set_soon(r)
    dump = r.dump("k")
    r.delete("k")
    r.restore("k", 0, dump)
    r.execute_command("SM.SET", "other", waiting())
    r.restore("other", 0, dump, replace=True)
    wait_for(r, "k", "b")
    wait_for(r, "other", "b")


def test_swapped_databases_fire_where_their_keys_are(server: Server, r: redis.Redis) -> None:
    other = server.client(db=1)
    set_soon(r)
    other.execute_command("SM.SET", "k2", waiting(350))
    r.swapdb(0, 1)
    wait_for(other, "k", "b")
    wait_for(r, "k2", "b")


@pytest.mark.parametrize(
    "command", ["DEL k", "UNLINK k", "SET k x", "FLUSHDB", "FLUSHALL", "FLUSHALL ASYNC", "PEXPIRE k 1"]
)
def test_a_key_that_is_gone_leaves_no_deadline(server: Server, r: redis.Redis, command: str) -> None:
    before = fired(server)
    set_soon(r)
    r.execute_command(*command.split())
    wait_until(lambda: not r.exists("k") or r.type("k") == "string", "the key has gone")
    wait_until(lambda: server.info()["timers_next_ms"] == 0, "no deadline is left")
    assert fired(server) == before


def test_flushdb_of_another_database_takes_nothing(server: Server, r: redis.Redis) -> None:
    other = server.client(db=1)
    set_soon(other, "gone")
    set_soon(r)
    other.flushdb()
    wait_for(r, "k", "b")
    assert not other.exists("gone")


def test_a_machine_that_is_set_anew_waits_anew(r: redis.Redis) -> None:
    set_soon(r)
    r.execute_command("SM.SET", "k", waiting(60_000))
    stays(r, "k", "a", 0.6)
    set_soon(r)
    wait_for(r, "k", "b")


def test_in_transactions_and_scripts(r: redis.Redis) -> None:
    pipeline = r.pipeline(transaction=True)
    pipeline.execute_command("SM.SET", "multi", SOON)
    pipeline.set("beside", "1")
    pipeline.execute()
    r.eval("return redis.call('SM.SET', KEYS[1], ARGV[1])", 1, "script", SOON)
    wait_for(r, "multi", "b")
    wait_for(r, "script", "b")


def test_many_that_are_due_at_once_fire_in_their_order(server: Server, r: redis.Redis) -> None:
    r.config_set("notify-keyspace-events", "KEA")
    listener = server.client().pubsub()
    listener.psubscribe("__keyevent@0__:sm.timer")
    server.config("redisstate.fire-timers", "no")
    for at in range(200):
        r.execute_command("SM.SET", f"k{at:03}", waiting(10))
    time.sleep(0.1)
    server.config("redisstate.fire-timers", "yes")
    wait_for(r, "k199", "b")
    names = []
    while len(names) < 200:
        message = listener.get_message(timeout=5)
        assert message is not None
        if message["type"] == "pmessage":
            names.append(message["data"])
    assert names == [f"k{at:03}" for at in range(200)]
    r.config_set("notify-keyspace-events", "")


def test_fire_timers_no_keeps_all_waiting(server: Server, r: redis.Redis) -> None:
    server.config("redisstate.fire-timers", "no")
    r.execute_command("SM.SET", "k", waiting(10))
    stays(r, "k", "a")
    assert [one["status"] for one in pending(r, "k")] == ["waiting"]
    assert r.execute_command("SM.FIRE", "k", handles(r, "k")[0]) == ["b"]
    r.execute_command("SM.SET", "other", waiting(10))
    server.config("redisstate.fire-timers", "yes")
    wait_for(r, "other", "b")


def test_while_writes_are_paused_nothing_fires(r: redis.Redis) -> None:
    set_soon(r)
    r.execute_command("CLIENT", "PAUSE", "900", "WRITE")
    stays(r, "k", "a", 0.6)
    r.execute_command("CLIENT", "UNPAUSE")
    wait_for(r, "k", "b")


def test_a_step_that_fails_marks_its_deadline_once(server: Server, r: redis.Redis) -> None:
    before = fired(server)
    r.execute_command("SM.SET", "k", FAILING)
    wait_until(lambda: pending(r, "k")[0]["status"] == "failed", "it has failed")
    (one,) = pending(r, "k")
    assert "missing" in one["error"]
    assert server.info()["timers_next_ms"] == 0
    assert fired(server) == before + 1
    assert r.execute_command("SM.GET", "k", "REVISION") == 1
    with pytest.raises(redis.ResponseError, match="missing"):
        r.execute_command("SM.FIRE", "k", one["handle"])
    assert pending(r, "k") == [one]


def test_a_step_that_asks_for_a_guard_is_due(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", ASKING)
    wait_until(lambda: pending(r, "k")[0]["status"] == "due", "it is due")
    (handle,) = handles(r, "k")
    with pytest.raises(redis.ResponseError, match="allowed"):
        r.execute_command("SM.FIRE", "k", handle)
    assert r.execute_command("SM.FIRE", "k", handle, "GUARDS", 1, "allowed") == ["b"]
    assert pending(r, "k") == []


def test_what_the_server_refuses_is_tried_again(server: Server, r: redis.Redis) -> None:
    set_soon(r)
    server.config("min-replicas-to-write", 1)
    stays(r, "k", "a", 0.8)
    assert [one["status"] for one in pending(r, "k")] == ["waiting"]
    server.config("min-replicas-to-write", 0)
    wait_for(r, "k", "b")


def test_to_arm_and_cancel_leaves_nothing(server: Server, r: redis.Redis) -> None:
    chart = '{"initial":"a","states":{"a":{"after":{"900000":"b"},"on":{"E":"b"}},"b":{"on":{"E":"a"}}}}'
    r.execute_command("SM.SET", "k", chart)
    for _ in range(100):
        r.execute_command("SM.SEND", "k", "E")
    used = server.own.info("memory")["used_memory"]
    pipeline = r.pipeline(transaction=False)
    for _ in range(20_000):
        pipeline.execute_command("SM.SEND", "k", "E")
    pipeline.execute()
    assert server.info()["timers"] == 1
    assert server.own.info("memory")["used_memory"] < used + 500_000


@pytest.mark.parametrize(
    "settings",
    [{"appendonly": "yes"}, {"save": "3600 1"}, {"appendonly": "yes", "aof-use-rdb-preamble": "no"}],
    ids=str,
)
def test_deadlines_survive_a_restart(start_server: Callable[..., Server], settings: dict[str, str]) -> None:
    server = start_server(settings=settings)
    r = server.client()
    r.execute_command("SM.SET", "late", waiting(100))
    r.execute_command("SM.SET", "k", waiting(3_000))
    wait_for(r, "late", "b")
    r.execute_command("SM.SET", "missed", waiting(400))
    before = pending(r, "k")
    r.execute_command("SM.SET", "failing", FAILING)
    wait_until(lambda: pending(r, "failing")[0]["status"] == "failed", "it has failed")
    failed = pending(r, "failing")
    if settings.get("appendonly"):
        r.bgrewriteaof()
        server.wait_for_child()
    server.stop()
    time.sleep(0.5)
    r = server.start_again().client()
    wait_for(r, "missed", "b")
    assert pending(r, "k") == before or state(r, "k") == ["b"]
    wait_for(r, "k", "b")
    assert pending(r, "failing") == failed


def test_a_replica_fires_when_it_is_promoted(start_server: Callable[..., Server]) -> None:
    primary, replica = start_server(), start_server()
    p, q = primary.client(), replica.client()
    set_soon(p, "synced")
    q.replicaof("127.0.0.1", primary.port)
    replica.wait_info("replication", master_link_status="up")
    wait_for(p, "synced", "b")
    wait_for(q, "synced", "b")
    p.execute_command("SM.SET", "k", waiting(1_000))
    wait_until(lambda: q.exists("k"), "the replica has the key")
    assert pending(q, "k") == pending(p, "k")
    assert primary.digest("k", "synced") == replica.digest("k", "synced")
    primary.kill9()
    stays(q, "k", "a", 1.3)
    q.replicaof("NO", "ONE")
    wait_for(q, "k", "b")


@pytest.mark.parametrize("load", ["disabled", "on-empty-db", "swapdb"])
def test_a_full_sync_brings_the_deadlines(start_server: Callable[..., Server], load: str) -> None:
    primary = start_server()
    replica = start_server(settings={"repl-diskless-load": load})
    p, q = primary.client(), replica.client()
    p.execute_command("SM.SET", "k", waiting(1_500))
    if load != "on-empty-db":
        q.execute_command("SM.SET", "old", waiting(1_500))
    q.replicaof("127.0.0.1", primary.port)
    replica.wait_info("replication", master_link_status="up")
    wait_until(lambda: q.exists("k"), "the replica has the key")
    primary.kill9()
    q.replicaof("NO", "ONE")
    wait_for(q, "k", "b")
    assert not q.exists("old")


def test_a_key_that_has_expired_fires_nothing(start_server: Callable[..., Server]) -> None:
    """Also where nothing has looked at it since."""
    primary, replica = start_server(), start_server()
    p, q = primary.client(), replica.client()
    q.replicaof("127.0.0.1", primary.port)
    replica.wait_info("replication", master_link_status="up")
    p.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    p.execute_command("SM.SET", "k", waiting(400))
    p.pexpire("k", 100)
    wait_until(lambda: primary.info()["timers_next_ms"] == 0, "it was looked at")
    assert fired(primary) == 0
    wait_until(lambda: q.dbsize() == 0, "the replica has no key")
    p.execute_command("SM.SET", "other", waiting(10))
    wait_for(p, "other", "b")
    wait_for(q, "other", "b")


def test_a_reload_keeps_the_deadlines(r: redis.Redis) -> None:
    set_soon(r)
    r.execute_command("DEBUG", "RELOAD")
    wait_for(r, "k", "b")


def test_the_log_has_each_firing_once(start_server: Callable[..., Server]) -> None:
    server = start_server(settings={"appendonly": "yes", "appendfsync": "always", "aof-use-rdb-preamble": "no"})
    r = server.client()
    set_soon(r)
    wait_for(r, "k", "b")
    digest = server.digest("k")
    server.kill9()
    r = server.start_again().client()
    assert server.digest("k") == digest
    stays(r, "k", "b", 0.2)
    assert fired(server) == 0
    log = b"".join(path.read_bytes() for path in sorted(server.folder.glob("appendonlydir/*.aof")))
    assert log.count(b"SM.DUE") == 1
    assert log.count(b"SM.APPLY") == 1  # of SM.SET, which has armed it
