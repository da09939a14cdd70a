"""What a firing meets: a server that refuses it, that is paused or busy, whose keys go or move to another server."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import redis

from tests.charts_with_data import assign
from tests.documents import compact
from tests.groups import calls, caught_up, follow
from tests.servers import Server, wait_until
from tests.timers.charts import ASKING, FAILING, pending, state, stays, wait_for, waiting

SOON = waiting(300)
COUNTS = compact(
    {
        "id": "c",
        "initial": "a",
        "context": {"n": 0},
        "states": {"a": {"after": {"400": {"target": "b", "actions": assign(n="context.n + 1")}}}, "b": {}},
    }
)
"""Counts how often its deadline has fired."""


def fired(server: Server) -> int:
    return int(server.info()["timers_fired"])


def due_calls(server: Server) -> int:
    """How often the module has asked whether a deadline fires."""
    return calls(server, "SM.DUE")


# ---- what the server refuses ----


def no_replicas(server: Server) -> Callable[[], Any]:
    server.own.config_set("min-replicas-to-write", 1)
    return lambda: server.own.config_set("min-replicas-to-write", 0)


def disk_full(server: Server) -> Callable[[], Any]:
    """A snapshot has failed, and stop-writes-on-bgsave-error is set."""
    blocked = server.folder / "dump.rdb" / "blocks the file"
    blocked.parent.mkdir()
    blocked.touch()
    server.own.bgsave()
    server.wait_info("persistence", rdb_bgsave_in_progress=0, rdb_last_bgsave_status="err")

    def mend() -> None:
        blocked.unlink()
        blocked.parent.rmdir()
        server.own.bgsave()
        server.wait_info("persistence", rdb_bgsave_in_progress=0, rdb_last_bgsave_status="ok")

    return mend


@pytest.mark.parametrize("refuse", [no_replicas, disk_full], ids=["min-replicas", "disk"])
def test_what_is_refused_is_tried_again_later_and_later(
    start_server: Callable[..., Server], refuse: Callable[[Server], Callable[[], Any]]
) -> None:
    server = start_server(settings={"save": "3600 1000000"}, expected=["MISCONF", "rror moving temp DB file"])
    r = server.client()
    mend = refuse(server)
    server.own.config_set("stop-writes-on-bgsave-error", "no")
    server.own.config_set("min-replicas-to-write", 0)
    r.execute_command("SM.SET", "k", SOON)
    server.own.config_set("stop-writes-on-bgsave-error", "yes")
    if refuse is no_replicas:
        refuse(server)
    (due,) = {one["due"] for one in pending(r, "k")}
    seen = [server.info()["timers_next_ms"]]
    while len(seen) < 5:
        next_ms = server.info()["timers_next_ms"]
        if next_ms != seen[-1]:
            seen.append(next_ms)
        time.sleep(0.01)
    tries = [at for at in seen if at > due]
    for number, (one, other) in enumerate(pairwise(tries), 1):
        assert other - one >= 100 << number
    assert state(r, "k") == ["a"]
    assert fired(server) == 0
    mend()
    wait_for(r, "k", "b")
    assert fired(server) == 1


def test_memory_full_puts_off_only_what_grows(server: Server, r: redis.Redis) -> None:
    """A step that makes the machine larger is tried again, later and later."""
    grows = compact(
        {
            "initial": "a",
            "context": {"text": ""},
            "states": {
                "a": {"after": {"300": {"target": "b", "actions": assign(text=f"'{'x' * 200}'")}}},
                "b": {},
            },
        }
    )
    r.execute_command("SM.SET", "k", SOON)
    r.execute_command("SM.SET", "grows", grows)
    server.config("maxmemory-policy", "noeviction")
    server.config("maxmemory", 1)
    wait_for(r, "k", "b")
    before = due_calls(server)
    time.sleep(0.5)
    assert due_calls(server) - before <= 3
    assert [one["status"] for one in pending(r, "grows")] == ["waiting"]
    server.config("maxmemory", 0)
    wait_for(r, "grows", "b")


@pytest.mark.parametrize("chart", [FAILING, ASKING], ids=["failed", "due"])
def test_what_fails_by_itself_is_asked_once(server: Server, r: redis.Redis, chart: str) -> None:
    before = due_calls(server)
    r.execute_command("SM.SET", "k", chart)
    wait_until(lambda: pending(r, "k")[0]["status"] != "waiting", "it was asked")
    time.sleep(0.3)
    assert due_calls(server) == before + 1
    assert server.info()["timers_next_ms"] == 0


def test_what_has_failed_is_in_the_log_once(server: Server, r: redis.Redis) -> None:
    position = len(server.log())
    r.execute_command("SM.SET", b"k\n1", FAILING)
    r.execute_command("SM.SET", "k2", ASKING)
    wait_until(lambda: all(pending(r, key)[0]["status"] != "waiting" for key in ("k\n1", "k2")), "both were asked")
    lines = [line for line in server.log()[position:].splitlines() if "deadline" in line]
    assert len(lines) == 1
    assert r"a deadline of 'k\x0a1' has failed, and waits for SM.FIRE: " in lines[0]
    assert pending(r, "k\n1")[0]["error"] in lines[0]


def test_a_step_beyond_the_budget_has_failed(server: Server, r: redis.Redis) -> None:
    chart = {
        "initial": "a",
        "context": {"list": list(range(100)), "n": 0},
        "states": {
            "a": {
                "after": {
                    "50": {
                        "target": "b",
                        "actions": assign(n="size(context.list.map(x, context.list.map(y, context.list.map(z, x))))"),
                    }
                }
            },
            "b": {},
        },
    }
    before = due_calls(server)
    r.execute_command("SM.SET", "k", compact(chart))
    wait_until(lambda: pending(r, "k")[0]["status"] == "failed", "it has failed")
    assert due_calls(server) == before + 1
    assert "steps" in pending(r, "k")[0]["error"]
    assert state(r, "k") == ["a"]


def test_many_that_are_refused_leave_the_server_free(server: Server, r: redis.Redis) -> None:
    """They are tried a few times each, not all the time."""
    for number in range(500):
        r.execute_command("SM.SET", f"k{number}", waiting(200))
    server.config("min-replicas-to-write", 1)
    time.sleep(0.5)
    before = server.info("cpu")
    time.sleep(1)
    after = server.info("cpu")
    used = sum(after[name] - before[name] for name in ("used_cpu_user", "used_cpu_sys"))
    assert used < 0.5
    server.config("min-replicas-to-write", 0)
    wait_until(lambda: server.info()["timers"] == 0, "all have fired")


# ---- who may not write ----


def test_a_script_that_blocks_the_server_delays_a_deadline(server: Server, r: redis.Redis) -> None:
    """Also one that runs past its time limit, while which the server answers BUSY to others."""
    server.config("busy-reply-threshold", 50)
    before = fired(server)
    r.execute_command("SM.SET", "k", SOON)
    script = """
    local stop = tonumber(ARGV[1])
    while true do
        local time = redis.call('TIME')
        if tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000 > stop then break end
    end
    return redis.call('SM.STATE', KEYS[1])[1]
    """
    (one,) = pending(r, "k")
    assert r.eval(script, 1, "k", one["due"] + 300) == "a"
    wait_for(r, "k", "b")
    assert fired(server) == before + 1


def test_a_primary_that_is_demoted_fires_no_more(start_server: Callable[..., Server]) -> None:
    primary, other = (start_server(settings={"redisstate.fire-timers": "no"}) for _ in range(2))
    p, q = primary.client(), other.client()
    p.execute_command("SM.SET", "k", COUNTS)
    follow(primary, other)
    q.replicaof("NO", "ONE")
    p.replicaof("127.0.0.1", other.port)
    primary.wait_info("replication", master_link_status="up")
    for client in (p, q):
        client.config_set("redisstate.fire-timers", "yes")
    wait_for(q, "k", "b")
    caught_up(other, primary)
    assert state(p, "k") == ["b"]
    assert (fired(primary), fired(other)) == (0, 1)
    assert p.execute_command("SM.GET", "k", "CONTEXT") == '{"n":1}'


def test_a_read_only_replica_fires_nothing_of_its_own(start_server: Callable[..., Server]) -> None:
    primary, replica = start_server(), start_server()
    p, q = primary.client(), replica.client()
    follow(primary, replica)
    primary.config("redisstate.fire-timers", "no")
    p.execute_command("SM.SET", "k", waiting(100))
    caught_up(primary, replica)
    stays(q, "k", "a", 0.5)
    assert due_calls(replica) == 0
    primary.config("redisstate.fire-timers", "yes")
    wait_for(q, "k", "b")
    assert (fired(primary), fired(replica)) == (1, 0)


def test_failover_hands_the_deadlines_over(start_server: Callable[..., Server]) -> None:
    """FAILOVER pauses writes: what is due meanwhile fires on the new primary, once."""
    primary, replica = start_server(), start_server()
    p, q = primary.client(), replica.client()
    follow(primary, replica)
    keys = [f"k{number}" for number in range(40)]
    for number, key in enumerate(keys):
        p.execute_command("SM.SET", key, COUNTS.replace("400", str(200 + 20 * number)))
    time.sleep(0.3)
    p.execute_command("FAILOVER", "TO", "127.0.0.1", replica.port)
    wait_until(lambda: replica.info("replication")["role"] == "master", "the replica is promoted")
    wait_until(lambda: primary.info("replication")["role"] == "slave", "the primary follows")
    for key in keys:
        wait_for(q, key, "b")
        assert q.execute_command("SM.GET", key, "CONTEXT") == '{"n":1}'
    assert fired(primary) + fired(replica) == len(keys)


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_deadlines_fire_while_a_replica_syncs(start_server: Callable[..., Server], diskless: str) -> None:
    """Once each, whichever way the snapshot goes; the replica has what the primary has."""
    primary, replica = start_server(settings={"repl-diskless-sync": diskless}), start_server()
    p, q = primary.client(), replica.client()
    keys = [f"k{number}" for number in range(60)]
    for number, key in enumerate(keys):
        p.execute_command("SM.SET", key, COUNTS.replace("400", str(100 + 10 * number)))
    follow(primary, replica)
    for key in keys:
        wait_for(p, key, "b")
    caught_up(primary, replica)
    assert primary.digest(*keys) == replica.digest(*keys)
    assert (fired(primary), fired(replica)) == (len(keys), 0)
    for key in keys:
        assert q.execute_command("SM.GET", key, "CONTEXT") == '{"n":1}'


# ---- keys that go ----


def test_evicted_machines_leave_no_deadline(start_server: Callable[..., Server]) -> None:
    server = start_server(settings={"maxmemory-policy": "allkeys-random"})
    r = server.client()
    for number in range(3000):
        r.execute_command("SM.SET", f"k{number}", waiting(3_600_000))
    server.config("maxmemory", server.info("memory")["used_memory"])
    for number in range(3000):
        r.execute_command("SM.SET", f"m{number}", waiting(3_600_000))
    server.config("maxmemory", 0)
    assert server.info("stats")["evicted_keys"] > 100
    wait_until(lambda: server.info()["timers"] == r.dbsize(), "those of the keys that are left")
    server.config("maxmemory-policy", "noeviction")
    r.flushall()
    wait_until(lambda: server.info()["timers"] == 0, "none is left")
    assert server.info()["timers_next_ms"] == 0
    r.execute_command("SM.SET", "k", waiting(10))
    wait_for(r, "k", "b")
    assert fired(server) == 1


@pytest.mark.parametrize("copy", [False, True], ids=["moved", "copied"])
def test_a_migrated_machine_fires_where_it_is(start_server: Callable[..., Server], copy: bool) -> None:
    source, target = start_server(), start_server()
    s, t = source.client(), target.client()
    t.execute_command("SM.SET", "k", waiting(3_600_000))
    s.execute_command("SM.SET", "k", COUNTS)
    s.execute_command("SM.SET", "failing", FAILING)
    wait_until(lambda: pending(s, "failing")[0]["status"] == "failed", "it has failed")
    failed = pending(s, "failing")
    s.migrate("127.0.0.1", target.port, ["k", "failing"], 0, 5000, copy=copy, replace=True)
    wait_for(t, "k", "b")
    if copy:
        wait_for(s, "k", "b")
    assert (fired(source), fired(target)) == (1 + copy, 1)
    assert pending(t, "failing") == failed
    assert t.execute_command("SM.GET", "k", "CONTEXT") == '{"n":1}'
    assert source.info()["timers_next_ms"] == 0 == target.info()["timers_next_ms"]


@pytest.mark.parametrize("how", ["RESTORE", "MIGRATE"])
def test_the_first_deadline_of_a_server_may_come_from_another(start_server: Callable[..., Server], how: str) -> None:
    source, target = start_server(), start_server()
    s, t = source.client(), target.client()
    s.execute_command("SM.SET", "k", SOON)
    if how == "MIGRATE":
        s.migrate("127.0.0.1", target.port, ["k"], 0, 5000)
    else:
        t.restore("k", 0, source.raw().dump("k"))
    wait_for(t, "k", "b")
    assert fired(target) == 1


def test_arming_and_cancelling_leaves_no_memory(server: Server, r: redis.Redis, long: bool) -> None:
    """A million times in the long run: by one machine again and again, and by new keys that go."""
    states = {one: {"after": {"900000": other}, "on": {"E": other}} for one, other in ("ab", "ba")}
    chart = compact({"initial": "a", "states": states})
    rounds = 1_000_000 if long else 30_000

    def play(count: int) -> None:
        for start in range(0, count, 1000):
            with r.pipeline(transaction=False) as pipe:
                for number in range(start, min(start + 1000, count), 2):
                    pipe.execute_command("SM.SEND", "k", "E")
                    pipe.execute_command("SM.SET", f"k{number % 500}", chart)
                    pipe.delete(f"k{number % 500}")
                pipe.execute()

    r.execute_command("SM.SET", "k", chart)
    play(4000)
    used = server.own.info("memory")["used_memory"]
    play(rounds)
    wait_until(lambda: server.info()["timers"] == 1, "one deadline is left")
    wait_until(lambda: server.own.info("memory")["used_memory"] < used + 300_000, "no memory is left behind")
