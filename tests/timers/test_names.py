"""Deadlines fire at the keys that hold them, whatever the server did to names; and clients stay where they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.groups import assert_same, caught_up, follow
from tests.servers import Server, wait_until
from tests.timers.charts import pending, state, wait_for, waiting

FILL = 30_000
"""Keys beside those of a test, so that to look at all of them takes longer than one turn."""


def fill(server: Server, db: int = 0) -> None:
    server.client(db=db).execute_command("DEBUG", "POPULATE", FILL, f"fill{db}")


def wait_for_none(server: Server) -> None:
    """No machine of the server waits, and it knows of no deadline."""
    wait_until(lambda: server.info()["timers"] == 0, f"all have fired: {server.info()}")
    wait_until(lambda: server.info()["timers_next_ms"] == 0, "no deadline is left")


def fired_once(r: redis.Redis, *keys: str) -> None:
    for key in keys:
        assert (state(r, key), r.execute_command("SM.GET", key, "REVISION")) == (["b"], 2), key


# ---- clients ----


def plainly(r: redis.Redis, *commands: tuple[object, ...]) -> None:
    for words in commands:
        r.execute_command(*words)


def in_a_transaction(r: redis.Redis, *commands: tuple[object, ...]) -> None:
    with r.pipeline(transaction=True) as pipe:
        for words in commands:
            pipe.execute_command(*words)
        pipe.execute()


def in_a_script(r: redis.Redis, *commands: tuple[object, ...]) -> None:
    for words in commands:
        r.eval("redis.call(unpack(ARGV)); return redis.call('SET', 'beside', ARGV[1])", 0, *map(str, words))


@pytest.mark.parametrize("run", [plainly, in_a_transaction, in_a_script])
def test_a_client_stays_in_its_database(start_server: Callable[..., Server], run: Callable[..., None]) -> None:
    log = {"appendonly": "yes", "aof-use-rdb-preamble": "no"}
    primary, replica = start_server(settings=log), start_server()
    follow(primary, replica)
    p = primary.client(db=2, single_connection_client=True)
    p.execute_command("SM.SET", "waits", waiting())
    p.mset({"text": "x", "other": "y"})
    run(
        p,
        ("COPY", "text", "copied", "DB", 3),
        ("SET", "after-copy", 1),
        ("MOVE", "other", 3),
        ("SET", "after-move", 1),
        ("COPY", "waits", "waits", "DB", 4),
        ("SET", "after-machine", 1),
        ("MOVE", "waits", 3),
        ("SET", "after-machines-move", 1),
    )
    assert set(p.keys("after*")) == {"after-copy", "after-move", "after-machine", "after-machines-move"}
    assert {"copied", "other", "waits"} <= set(primary.client(db=3).keys())
    assert primary.client(db=4).keys() == ["waits"]
    caught_up(primary, replica)
    assert_same(primary, replica)
    before = {db: sorted(primary.client(db=db).keys()) for db in range(5)}
    primary.restart()
    assert {db: sorted(primary.client(db=db).keys()) for db in range(5)} == before


# ---- names ----


def test_the_first_machine_with_a_deadline_may_come_by_restore(
    start_server: Callable[..., Server], r: redis.Redis
) -> None:
    r.execute_command("SM.SET", "k", waiting(400))
    fresh = start_server().client()
    fresh.restore("k", 0, r.dump("k"))
    wait_for(fresh, "k", "b")


def rename_all(server: Server, delay: int) -> dict[int, list[str]]:
    """Machines get other names in every way that the server has; returns who waits where, by database."""
    r, other = server.client(), server.client(db=1)
    for key in ("a", "b", "c", "d", "e", "f", "back", "chain0"):
        r.execute_command("SM.SET", key, waiting(delay))
    r.rename("a", "renamed")
    r.execute_command("SM.SET", "target", waiting(10 * delay))
    r.rename("b", "target")
    assert r.renamenx("c", "renamed-if-new")
    assert r.move("d", 1)
    assert other.rename("d", "moved")
    assert r.copy("e", "copy")
    assert r.copy("e", "far", destination_db=1)
    for client, key in ((r, "replaced"), (other, "replaced")):
        client.execute_command("SM.SET", key, waiting(10 * delay))
        assert r.copy("e", key, destination_db=client.get_connection_kwargs()["db"], replace=True)
        client.execute_command("SM.SET", "over", waiting(10 * delay))
        client.restore("over", 0, server.raw().dump("f"), replace=True)
    r.restore("restored", 0, server.raw().dump("f"))
    r.rename("back", "there")
    r.rename("there", "back")
    for at in range(20):
        r.rename(f"chain{at}", f"chain{at + 1}")
    r.delete("f")
    return {
        0: ["renamed", "target", "renamed-if-new", "e", "copy", "replaced", "over", "restored", "back", "chain20"],
        1: ["moved", "far", "replaced", "over"],
    }


def test_whatever_got_another_name_fires_once(server: Server, r: redis.Redis) -> None:
    fill(server)
    fill(server, 1)
    expected = rename_all(server, 300)
    before = int(server.info()["timers_fired"])
    wait_for_none(server)
    for db, keys in expected.items():
        fired_once(server.client(db=db), *keys)
    assert int(server.info()["timers_fired"]) - before == sum(map(len, expected.values()))
    assert r.dbsize() == FILL + len(expected[0])


def test_names_that_change_while_all_keys_are_looked_at(server: Server, r: redis.Redis) -> None:
    for db in range(3):
        fill(server, db)
    clients = [server.client(db=db) for db in range(3)]
    r.execute_command("SM.SET", "k", waiting(500))
    r.execute_command("SM.SET", "runner0", waiting(500))
    for at in range(99):
        r.rename(f"runner{at}", f"runner{at + 1}")
        assert clients[at % 3].move("k", (at + 1) % 3)
        r.swapdb(1, 2)
        r.swapdb(1, 2)
    wait_for(r, "runner99", "b")
    wait_for(clients[0], "k", "b")
    fired_once(r, "runner99", "k")
    wait_for_none(server)


@pytest.mark.parametrize("then", ["FLUSHDB", "FLUSHALL ASYNC", "SWAPDB 0 1", "DEL new", "SET new x", "DEBUG RELOAD"])
def test_a_name_changes_and_then_all_does(server: Server, r: redis.Redis, then: str) -> None:
    fill(server, 1)
    r.execute_command("SM.SET", "k", waiting(200))
    with r.pipeline(transaction=False) as pipe:
        pipe.rename("k", "new")
        pipe.execute_command(*then.split())
        pipe.execute()
    if then == "SWAPDB 0 1":
        wait_for(server.client(db=1), "new", "b")
    if then == "DEBUG RELOAD":
        wait_for(r, "new", "b")
    wait_for_none(server)


def test_what_replaces_a_machine_is_swapped_away_at_once(server: Server, r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", waiting(300))
    r.execute_command("SM.SET", "old", waiting())
    with r.pipeline(transaction=True) as pipe:
        pipe.copy("k", "old", replace=True)
        pipe.swapdb(0, 1)
        pipe.execute()
    wait_for(server.client(db=1), "old", "b")
    wait_for_none(server)


def test_a_log_of_names_that_changed(start_server: Callable[..., Server]) -> None:
    server = start_server(
        settings={"appendonly": "yes", "appendfsync": "always", "aof-use-rdb-preamble": "no"},
        module_args=["fire-timers", "no"],
    )
    expected = rename_all(server, 10)
    server.kill9()
    server.start_again()
    for db, keys in expected.items():
        assert all(pending(server.client(db=db), key) for key in keys)
    server.config("redisstate.fire-timers", "yes")
    wait_for_none(server)
    for db, keys in expected.items():
        fired_once(server.client(db=db), *keys)


def test_a_replica_knows_the_names_when_it_is_promoted(start_server: Callable[..., Server]) -> None:
    primary = start_server(module_args=["fire-timers", "no"])
    replica = start_server()
    follow(primary, replica)
    expected = rename_all(primary, 10)
    p, q = primary.client(), replica.client()
    for key in ("gone", "renamed-and-gone"):
        p.execute_command("SM.SET", key, waiting(10))
    p.rename("renamed-and-gone", "x")
    p.delete("gone", "x")
    caught_up(primary, replica)
    q.replicaof("NO", "ONE")
    wait_for_none(replica)
    for db, keys in expected.items():
        fired_once(replica.client(db=db), *keys)
    assert int(replica.info()["timers_fired"]) == sum(map(len, expected.values()))


def test_a_replica_keeps_no_name_of_what_is_gone(start_server: Callable[..., Server]) -> None:
    primary, replica = start_server(), start_server()
    follow(primary, replica)
    p = primary.client()
    for at in range(100):
        p.execute_command("SM.SET", f"k{at}", waiting())
        p.rename(f"k{at}", f"new{at}")
        p.copy(f"new{at}", "copy", replace=True)
        p.delete(f"new{at}")
    p.delete("copy")
    caught_up(primary, replica)
    for server in (primary, replica):
        wait_for_none(server)
