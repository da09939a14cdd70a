"""What a worker does when something goes wrong: reports that the server does not take, connections and groups that are
lost. What happens to its process is in test_worker_process.py."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from redisstate import Machine, Worker
from redisstate.tasks import OutboxEntry, TaskFailed
from tests.client.working import GROUP, STREAM, charging, job, left, read_by_a_dead_worker, running, start, worker
from tests.servers import Server, wait_until

LATE = {"got": {"@expr": "event.output"}, "told": {"@expr": "context.told + 1"}}

# ---- what the server does not take ----


@pytest.mark.parametrize("setting", ["nil", "error"])
def test_a_result_that_comes_too_late_does_nothing(server: Server, r: redis.Redis, setting: str) -> None:
    server.config("redisstate.invalid-transition", setting)
    machine = start(r)
    done = charging(r, lambda amount: machine.send("LEAVE") and "30 paid").drain()
    assert (done.done, done.late, done.refused) == (0, 1, 0)
    assert machine.states == ("left",)
    assert left(r) == 0


def test_a_machine_may_hear_of_what_comes_too_late(r: redis.Redis) -> None:
    machine = start(r)
    done = charging(r, lambda amount: machine.send("LEAVE") and "30 paid", late_event="LATE").drain()
    assert (done.late, machine.states, machine.context["got"]) == (1, ("refunded",), "30 paid")
    gone = start(r, "job:2")
    assert charging(r, lambda amount: gone.delete(), late_event="LATE").drain().late == 1
    assert left(r) == 0


def losing_answers(monkeypatch: pytest.MonkeyPatch, works: Worker, *commands: str) -> None:
    """The first answer to each of the commands is lost with its connection."""
    lost = set(commands)
    sends = works._pipelined

    def pipelined(words: Any) -> Any:
        answers = sends(words)
        if losing := {one[0] for one in words} & lost:
            lost.difference_update(losing)
            raise redis.ConnectionError("lost")
        return answers

    monkeypatch.setattr(works, "_pipelined", pipelined)


@pytest.mark.parametrize("name", ["charge", "charge" * 20])
@pytest.mark.parametrize(("fails", "state"), [(False, "paid"), (True, "refused")])
def test_a_report_whose_answer_was_lost_is_not_too_late(
    r: redis.Redis, monkeypatch: pytest.MonkeyPatch, name: str, fails: bool, state: str
) -> None:
    def charge(amount: int) -> str:
        if fails:
            raise TaskFailed("no money")
        return "30 paid"

    document = json.dumps(job()).replace('"id": "charge"', f'"id": "{name}"')
    machine = Machine(r, "job:1")
    machine.set(document, input={"amount": 30})
    works = charging(r, charge, late_event="LATE")
    losing_answers(monkeypatch, works, "SM.DONE", "SM.FAIL")
    done = works.drain()
    assert (done.done, done.failed, done.late) == (not fails, fails, 0)
    assert (machine.states, machine.revision, left(r)) == ((state,), 2, 0)


def test_another_result_for_the_same_task_is_too_late(r: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that died had its report taken; the one after it has another result, and the machine hears of it."""
    machine = start(r, states={**job()["states"], "paid": {"on": {"LATE": {"context": LATE}}}})
    read_by_a_dead_worker(r)
    ((_, entry),) = r.xrange(STREAM)
    machine.done(entry["task"], "first", idempotency_key=entry["task"])
    done = charging(r, lambda amount: "second", claim_after=0.0, late_event="LATE").drain()
    assert (done.done, done.late, left(r)) == (0, 1, 0)
    assert (machine.context["got"], machine.context["told"]) == ("second", 2)


def test_a_machine_hears_once_of_what_comes_too_late(r: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = start(r, states={**job()["states"], "left": {"on": {"LATE": {"context": LATE}}}})
    works = charging(r, lambda amount: machine.send("LEAVE") and "30 paid", late_event="LATE")
    losing_answers(monkeypatch, works, "SM.SEND")
    assert works.drain().late == 1
    assert (machine.context["got"], machine.context["told"], left(r)) == ("30 paid", 1, 0)


def test_a_report_that_is_refused_is_made_again_and_given_up(r: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    machine = start(r)
    tried: list[int] = []

    def charge(amount: int, entry: OutboxEntry) -> str:
        tried.append(entry.deliveries)
        return "x" * 70_000  # more than a context may have

    done = charging(r, charge, claim_after=0.0, max_deliveries=2).drain()
    assert tried == [1, 2]
    assert (done.refused, done.given_up, done.failed) == (2, 1, 1)
    assert "SM.DONE charge@" in caplog.text
    assert "was refused, and is tried again" in caplog.text
    assert machine.context["got"]["type"] == "TooManyDeliveries"


@pytest.mark.parametrize("drains", [True, False])
def test_a_report_that_asks_for_guards_is_given_up_and_its_task_runs_once(
    r: redis.Redis, caplog: pytest.LogCaptureFixture, drains: bool
) -> None:
    asking = json.dumps(job()).replace('"onDone": {', '"onDone": {"guard": "mine", ')
    machine = Machine(r, "job:1")
    machine.set(asking, input={"amount": 30})
    tried: list[int] = []
    works = charging(r, lambda amount, entry: tried.append(entry.deliveries), claim_after=0.2, max_deliveries=3)
    if drains:
        works.drain()
    else:
        with running(works):
            wait_until(lambda: works.counters.given_up, "it is given up")
    assert left(r) == 0
    assert tried == [1]
    assert (works.counters.refused, works.counters.given_up, works.counters.done) == (3, 1, 0)
    assert machine.states == ("charging",)
    assert caplog.text.count("was refused, and is sent again: ") == 1
    assert caplog.text.count("was refused too often, and is given up. The task stays active: ") == 1


def test_a_report_that_its_user_may_not_make_is_sent_again_until_it_may(server: Server, r: redis.Redis) -> None:
    def rights(*words: str) -> None:
        server.own.execute_command("ACL", "SETUSER", "poor", *words)

    rights("on", ">secret", "~*", "+@all", "-sm.done")
    machine = start(r)
    tried: list[int] = []
    works = charging(
        server.client(username="poor", password="secret"),
        lambda amount, entry: tried.append(entry.deliveries),
        claim_after=0.2,
        max_deliveries=1_000_000,
    )
    try:
        with running(works):
            wait_until(lambda: works.counters.refused >= 2, "it is refused")
            rights("+sm.done")
            wait_until(lambda: works.counters.done == 1, "it is taken")
    finally:
        server.own.execute_command("ACL", "DELUSER", "poor")
    assert (tried, machine.states) == ([1], ("paid",))


def test_a_report_waits_for_memory_and_its_task_runs_once(server: Server, r: redis.Redis) -> None:
    server.config("maxmemory-policy", "noeviction")
    machine = start(r)
    ran = threading.Event()

    def charge(amount: int) -> str:
        server.own.config_set("maxmemory", 1)
        assert not ran.is_set()
        ran.set()
        return "paid"

    server.config("maxmemory", 0)
    with running(charging(r, charge)) as works:
        assert ran.wait(30)
        wait_until(lambda: works._trouble is not None, "the report is refused")
        server.own.config_set("maxmemory", 0)
        wait_until(lambda: works.counters.done == 1, "it is taken")
    assert (works.counters.refused, works.counters.late, machine.states) == (0, 0, ("paid",))


def test_drain_says_what_stands_in_the_way_of_its_reports(
    server: Server, r: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redisstate.base_worker.LAST_TRIES", 0.0)
    server.config("maxmemory-policy", "noeviction")
    server.config("maxmemory", 0)
    start(r)
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        charging(r, lambda amount: server.own.config_set("maxmemory", 1)).drain()
    assert left(r) == 1


# ---- what is logged ----


@pytest.mark.parametrize("key", ["a\nERROR b\x1b[31m", b"\xff\n"])
def test_an_entry_of_the_log_is_one_line_whatever_is_in_keys_and_errors(
    server: Server, caplog: pytest.LogCaptureFixture, key: str | bytes
) -> None:
    def charge(amount: int) -> None:
        raise TaskFailed("x\nERROR y")

    client = server.client(decode_responses=False)
    start(client, key)  # type: ignore[arg-type]
    works = charging(client, charge)
    works.task("other")(charge)
    assert works.drain().failed == 1
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.isprintable()
    assert said.endswith(r" failed: 'x\nERROR y'")


def test_a_traceback_is_no_line_of_the_log_and_no_command_of_a_terminal(
    r: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    def charge(amount: int) -> None:
        try:
            raise KeyError("x")
        except KeyError as error:
            raise ValueError("a\nERROR b\r\x1b[31m \u2028 c\\") from error

    start(r)
    assert charging(r, charge).drain().failed == 1
    (record,) = caplog.records
    assert isinstance(record.exc_info, tuple)
    assert isinstance(record.exc_info[1], ValueError), "for those that report it"
    first, *lines = logging.Formatter("%(message)s").format(record).split("\n")
    assert first.startswith("task 'charge' of job:1 failed: ")
    assert lines[0] == "  Traceback (most recent call last):"
    assert "  KeyError: 'x'" in lines
    assert lines[-2:] == ["  ValueError: a", r"  ERROR b\r\x1b[31m \u2028 c\\"]
    assert all(line.isprintable() and line[:2] in ("  ", "") for line in lines)


# ---- running ----


def test_it_ends_however_long_the_last_function_takes(r: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its other threads are told to end meanwhile."""
    monkeypatch.setattr("redisstate.worker.PATIENCE", 0.01)
    start(r)

    def charge(amount: int) -> None:
        works.stop()
        wait_until(lambda: works._queue.qsize() == 1, "one thread has ended, this one is told to")
        time.sleep(0.2)

    with running(charging(r, charge, concurrency=2)) as works:
        wait_until(lambda: works._stopping, "it is to end")
    assert works.counters.done == 1


def test_it_makes_its_group_and_gets_what_was_there_before(r: redis.Redis) -> None:
    start(r)
    with running(charging(r)) as works:
        wait_until(lambda: works.counters.done == 1, "what was there is done")
        start(r, "job:2")
        wait_until(lambda: works.counters.done == 2, "what comes is done")


def test_what_is_claimed_before_an_error_is_done(r: redis.Redis) -> None:
    start(r)
    read_by_a_dead_worker(r)
    r.set("other", "no stream")
    works = charging(r, stream=[STREAM, "other"], claim_after=0.0)
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        works.drain()
    works._make_groups = lambda at_start=False: (word for word in ())  # type: ignore[method-assign]
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        works.drain()
    assert (works.counters.done, left(r)) == (1, 0)


def test_connections_that_are_lost_are_made_again(server: Server, r: redis.Redis) -> None:
    with running(charging(server.client())) as works:
        for number in range(3):
            start(r, f"job:{number}")
            wait_until(lambda number=number: works.counters.done == number + 1, "it is done")
            r.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def test_a_group_that_is_lost_is_made_again(server: Server, r: redis.Redis) -> None:
    with running(charging(r)) as works:
        start(r)
        wait_until(lambda: works.counters.done == 1, "it is done")
        server.own.flushall()
        start(r)
        wait_until(lambda: works.counters.done == 2, "it is done again")


def test_a_server_that_is_not_there_at_the_start_is_an_error() -> None:
    with pytest.raises(redis.ConnectionError):
        worker(redis.Redis(port=1, retry=Retry(NoBackoff(), 0))).run()


def test_what_a_user_may_not_do_is_an_error(server: Server, r: redis.Redis) -> None:
    server.own.execute_command("ACL", "SETUSER", "poor", "on", ">secret", "~*", "+xack")
    try:
        with pytest.raises(redis.exceptions.NoPermissionError, match="xautoclaim"):
            charging(server.client(username="poor", password="secret")).run()
    finally:
        server.own.execute_command("ACL", "DELUSER", "poor")


def test_one_worker_is_at_work_once(r: redis.Redis) -> None:
    start(r)
    works = charging(r, lambda amount: works.drain())
    works.drain()
    assert Machine(r, "job:1").context["got"] == {
        "type": "RuntimeError",
        "message": "this worker is at work already",
    }


def test_it_says_when_it_begins_and_ends(r: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "redisstate.worker")
    charging(r, consumer="w1").drain()
    assert [record.getMessage().partition(": Counters")[0] for record in caplog.records] == [
        f"w1 of {GROUP} reads {STREAM}",
        f"w1 of {GROUP} has ended",
    ]
