"""History, tokens and the TTL of machines that are done, wherever the machines go: each keeps its entries, and the same
token has the same answer and no second step."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
import redis

from tests.groups import STRICT, alone, assert_same, calls, caught_up, digest, follow, offset
from tests.replication.test_syncs import SYNCS
from tests.servers import Server
from tests.trusted import ORDER, TRAFFIC, Answers, asked_again, kept, keys, take_steps

Start = Callable[..., Server]
LOG = {"appendonly": "yes", "appendfsync": "always"}


def has_all(server: Server, before: list[Any], answers: Answers, shift: int = 0) -> None:
    """The server keeps what was kept, and answers the same commands as the first time; nothing changes by that. A TTL
    may have been shifted by so many milliseconds."""
    call = server.own.execute_command
    if shift:
        assert [one[3] for one in kept(call)] == pytest.approx([one[3] for one in before], abs=shift)
        before = [(*one[:3], call("PEXPIRETIME", one[0])) for one in before]
    assert kept(call) == before
    state, writes = digest(server), server.writes()
    assert asked_again(call, answers) == answers
    assert (digest(server), server.writes()) == (state, writes)
    assert kept(call) == before


def filled(server: Server) -> tuple[list[Any], Answers]:
    answers = take_steps(server.own.execute_command)
    return kept(server.own.execute_command), answers


def test_there_is_something_to_keep(start_server: Start) -> None:
    """The check of the tests below."""
    before, answers = filled(start_server(settings=STRICT))
    entries = {key: [dict(zip(entry[::2], entry[1::2], strict=True)) for entry in history]
               for key, history, _, _ in before}  # fmt: skip
    expires = {key: expiry for key, _, _, expiry in before}
    assert [entry["event"] for entry in entries["order"]] == ["xstate.init", "PAY", "PAY", "PAY"]
    assert [entry["revision"] for entry in entries["replaced"]] == [3]
    assert entries["left"][0]["forced"] == 1
    assert {key for key, expiry in expires.items() if expiry > 0} == {"done", "off"}
    assert len(answers) == 9
    assert any(answer[3] for answer in answers.values()), "some have effects"


# ---- replicas ----


def test_a_replica_has_it_and_gives_it_when_it_is_promoted(start_server: Start) -> None:
    primary, replica = (start_server(settings=STRICT) for _ in range(2))
    follow(primary, replica)
    before, answers = filled(primary)
    caught_up(primary, replica)
    assert_same(primary, replica)
    assert kept(replica.own.execute_command) == before
    primary.kill9()
    alone(replica)
    has_all(replica, before, answers)


def test_a_repeated_command_is_not_sent(start_server: Start) -> None:
    primary, replica = (start_server(settings=STRICT) for _ in range(2))
    follow(primary, replica)
    _, answers = filled(primary)
    sent = offset(primary)
    asked_again(primary.own.execute_command, answers)
    assert offset(primary) == sent


def test_wait_says_nothing_of_a_repeated_answer_but_behind_a_write(start_server: Start) -> None:
    """Since Redis 7.2 WAIT waits for what its own connection has written last, and a repeated command is no write."""
    primary, replica = (start_server(settings=STRICT) for _ in range(2))
    primary.own.execute_command("SM.SET", "k", TRAFFIC)
    follow(primary, replica)
    caught_up(primary, replica)
    os.kill(replica.pid, signal.SIGSTOP)
    try:
        step = ("SM.SEND", "k", "green", "ID", "t")
        first, again = (primary.client(single_connection_client=True) for _ in range(2))
        assert [client.execute_command(*step) for client in (first, again)] == [["green"]] * 2
        assert first.wait(1, 50) == 0
        assert again.wait(1, 50) == (1 if primary.version >= (7, 2, 0) else 0)
        again.set("written", "by this connection")
        assert again.wait(1, 50) == 0
    finally:
        os.kill(replica.pid, signal.SIGCONT)
    assert again.wait(1, 20_000) == 1
    caught_up(primary, replica)
    assert_same(primary, replica)


@pytest.mark.parametrize("load_how", ["disabled", "swapdb"])
@pytest.mark.parametrize("how", SYNCS)
def test_a_full_sync_brings_it(start_server: Start, how: str, load_how: str) -> None:
    primary = start_server(settings=STRICT | SYNCS[how])
    replica = start_server(settings=STRICT | SYNCS[how] | {"repl-diskless-load": load_how})
    before, answers = filled(primary)
    follow(primary, replica)
    caught_up(primary, replica)
    assert_same(primary, replica)
    alone(replica)
    has_all(replica, before, answers)


def test_a_replica_keeps_as_many_as_its_primary_whatever_its_own_settings_are(start_server: Start) -> None:
    primary = start_server(settings=STRICT)
    replica = start_server(settings=STRICT, module_args=["max-history", "1", "max-idempotency", "1"])
    follow(primary, replica)
    before, answers = filled(primary)
    caught_up(primary, replica)
    assert_same(primary, replica)
    alone(replica)
    has_all(replica, before, answers)


def test_the_ttl_comes_and_goes_on_replicas_too(start_server: Start) -> None:
    primary, replica = (start_server(settings=STRICT) for _ in range(2))
    follow(primary, replica)
    r = primary.own
    r.execute_command("SM.SET", "k", TRAFFIC, "green")

    def expiry(expected: bool) -> None:
        caught_up(primary, replica)
        times = {int(server.own.execute_command("PEXPIRETIME", "k")) for server in (primary, replica)}
        assert len(times) == 1
        assert (times != {-1}) == expected

    expiry(False)
    r.execute_command("SM.SEND", "k", "off")
    expiry(True)
    r.execute_command("SM.RESET", "k")
    expiry(False)
    r.execute_command("SM.MUTATE", "k", "off", "FORCE")
    r.expire("k", 5000)
    r.execute_command("SM.RESET", "k")
    expiry(True)
    assert replica.own.ttl("k") <= 5000, "that of EXPIRE stays"
    r.execute_command("SM.MUTATE", "k", "off", "FORCE")
    r.execute_command("SM.SET", "k", TRAFFIC)
    expiry(False)


def test_a_machine_that_is_done_expires_on_replicas_too(start_server: Start) -> None:
    primary, replica = (start_server(settings=STRICT) for _ in range(2))
    follow(primary, replica)
    primary.own.execute_command("SM.SET", "k", TRAFFIC.replace('"30d"', "20"), "green")
    primary.own.execute_command("SM.SEND", "k", "off")
    assert_same(primary, replica)
    primary.wait_info("keyspace", db0=None)
    caught_up(primary, replica)
    replica.wait_info("keyspace", db0=None)


# ---- disks ----


@pytest.mark.parametrize("preamble", ["yes", "no"])
@pytest.mark.parametrize("rewritten", [False, True], ids=["as written", "rewritten"])
def test_a_log_brings_it_back(start_server: Start, rewritten: bool, preamble: str) -> None:
    server = start_server(settings=STRICT | LOG | {"aof-use-rdb-preamble": preamble})
    server.wait_for_child()
    before, answers = filled(server)
    if rewritten:
        server.own.bgrewriteaof()
        server.wait_for_child()
    state = digest(server)
    server.kill9()
    server.start_again()
    assert digest(server) == state
    has_all(server, before, answers)


def test_a_snapshot_brings_it_back(start_server: Start) -> None:
    server = start_server(settings={"save": "3600 1"})
    before, answers = filled(server)
    state = digest(server)
    server.restart()
    assert digest(server) == state
    has_all(server, before, answers)


# ---- keys that go elsewhere ----


def test_migrate_takes_it_along(start_server: Start) -> None:
    source, target = (start_server(settings=STRICT) for _ in range(2))
    before, answers = filled(source)
    state = source.digest(*keys())
    assert source.own.migrate("127.0.0.1", target.port, keys(), 0, 20_000)
    assert source.own.dbsize() == 0
    assert target.digest(*keys()) == state
    has_all(target, before, answers, shift=20_000)
    assert target.own.ttl("off") > 0
    for step in (("SM.RESET", "off"), ("SM.MUTATE", "done", "open", "FORCE")):
        target.own.execute_command(*step)
        assert target.own.ttl(step[1]) == -1, "the TTL that was shifted on the way goes"


@pytest.mark.parametrize(("expire", "given", "stays"), [
    (1_000_000, 950, False), (1_000_000, 1050, False), (1_000_000, 900, True), (1_000_000, 1100, True),
    (100_000, 95, False), (100_000, 85, True), (100_000, 120, True), (100_000, None, False),
])  # fmt: skip
def test_a_ttl_that_is_nearly_the_machines_own_is_taken_for_it(
    start_server: Start, expire: int, given: int | None, stays: bool
) -> None:
    server = start_server(settings=STRICT)
    r = server.own
    r.execute_command("SM.SET", "k", TRAFFIC.replace('"30d"', str(expire)), "green")
    r.execute_command("SM.SEND", "k", "off")
    if given is None:
        r.persist("k")
    else:
        r.expire("k", given)
    r.execute_command("SM.RESET", "k")
    assert (r.ttl("k") > 0) == stays


def test_rename_move_and_dump_take_it_along_and_a_copy_has_its_own(start_server: Start) -> None:
    server = start_server(settings=STRICT)
    r = server.own
    r.execute_command("SM.SET", "k", ORDER)
    answer = r.execute_command("SM.SEND", "k", "CLOSE", "ID", "t")
    entries, expiry = r.execute_command("SM.HISTORY", "k"), r.execute_command("PEXPIRETIME", "k")
    assert expiry > 0

    def same(client: redis.Redis, key: str) -> None:
        assert client.execute_command("SM.HISTORY", key) == entries
        assert client.execute_command("SM.SEND", key, "CLOSE", "ID", "t") == answer
        assert client.execute_command("PEXPIRETIME", key) == expiry

    r.copy("k", "copy")
    same(r, "copy")
    r.execute_command("SM.RESET", "copy")
    same(r, "k")
    r.rename("k", "l")
    same(r, "l")
    r.move("l", 1)
    other = server.client(db=1)
    same(other, "l")
    raw = server.raw(db=1)
    raw.execute_command("RESTORE", "m", expiry, raw.execute_command("DUMP", "l"), "ABSTTL")
    same(other, "m")
    other.execute_command("SM.RESET", "m")
    assert other.ttl("m") == -1, "the TTL that came with it is known to be the machine's own"


def test_what_others_get_of_a_step_does_not_grow_with_the_history(start_server: Start) -> None:
    primary, replica = (start_server(settings=STRICT) for _ in range(2))
    follow(primary, replica)
    r = primary.own
    r.execute_command("SM.SET", "k", TRAFFIC.replace('"history":4', '"history":500'))
    sizes = []
    for number in range(300):
        before = offset(primary)
        r.execute_command("SM.MUTATE", "k", ["green", "amber", "red"][number % 3], "ID", f"{number:05d}")
        sizes.append(offset(primary) - before)
    assert max(sizes) < 250
    assert len(r.execute_command("SM.HISTORY", "k", "COUNT", 500)) == 301
    caught_up(primary, replica)
    assert_same(primary, replica)
    assert calls(replica, "SM.APPLY") == 301
