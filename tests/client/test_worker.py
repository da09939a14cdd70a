"""A worker does what machines ask for, and reports what became of it, to clients of every kind. What it does when
something goes wrong is in test_worker_faults.py."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
import redis.asyncio

from redisstate import Worker
from redisstate.tasks import OutboxEntry, TaskFailed
from tests.client.working import GROUP, STREAM, charging, left, read_by_a_dead_worker, start, worker
from tests.servers import Server, wait_until

# ---- what is done ----


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_task_is_done_and_what_comes_of_it(client: Any, concurrency: int) -> None:
    machines = [start(client, f"job:{number}", {"amount": number}) for number in range(30)]
    works = charging(client, concurrency=concurrency)
    receipts: list[str] = []
    works.effect("receipt")(lambda got: receipts.append(got))
    done = works.drain()
    assert {machine.states for machine in machines} == {("paid",)}
    assert sorted(receipts) == sorted(f"{number} paid" for number in range(30))
    assert (done.done, done.effects, done.failed, done.late) == (30, 30, 0, 0)
    assert works.drain().done == 0
    assert works.counters.done == 30
    with client.pipeline() as pipe:
        pending, consumers = pipe.xpending(STREAM, GROUP).xinfo_consumers(STREAM, GROUP).execute()
    assert (pending["pending"], consumers) == (0, []), "its name is gone with it"


def test_an_exception_is_the_tasks_failure(r: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    def charge(amount: int) -> None:
        raise OSError("out of order")

    machine = start(r)
    assert charging(r, charge).drain().failed == 1
    assert machine.states == ("refused",)
    assert machine.context["got"] == {"type": "OSError", "message": "out of order"}
    assert "task 'charge' of job:1 failed: out of order" in caplog.text
    assert 'raise OSError("out of order")' in caplog.text


def test_a_task_may_fail_with_an_error_of_its_own(r: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    def charge(amount: int) -> None:
        raise TaskFailed({"code": 3})

    machine = start(r)
    charging(r, charge).drain()
    assert machine.context["got"] == {"code": 3}
    assert "Traceback" not in caplog.text


def test_an_input_that_does_not_suit_is_a_failure_that_says_why(r: redis.Redis) -> None:
    machine = start(r, given={"amount": "30"})
    charging(r, typed).drain()
    assert machine.context["got"] == {
        "type": "ArgumentError",
        "message": "typed(): amount: expected an integer, got the string '30'",
    }


def typed(amount: int) -> object:
    return {amount}


def test_a_result_that_is_not_json_is_a_failure_that_says_why(r: redis.Redis) -> None:
    machine = start(r)
    charging(r, typed).drain()
    assert machine.context["got"]["message"].startswith("its result cannot be said in JSON: a value of type set")


def nested(amount: int) -> object:
    made: list[object] = []
    for _ in range(20_000):
        made = [made]
    return made


@dataclasses.dataclass
class Price:
    amount: int

    def __post_init__(self) -> None:
        raise ValueError("too dear")


def priced(price: Price, /) -> None: ...


class Unreadable(Exception):
    def __str__(self) -> str:
        raise KeyError("no text")


def unreadable(amount: int) -> None:
    raise Unreadable


def secret(amount: int) -> None:
    raise TaskFailed(Unreadable())


@pytest.mark.parametrize(
    ("function", "kind", "said"),
    [
        (priced, "ValueError", "too dear"),
        (nested, "TypeError", "its result cannot be said in JSON: "),
        (unreadable, "Unreadable", "its text cannot be read: KeyError"),
        (secret, "TypeError", "the error of TaskFailed cannot be said in JSON: "),
    ],
)
@pytest.mark.parametrize("concurrency", [1, 2])
def test_whatever_a_function_does_is_its_tasks_failure(
    r: redis.Redis, function: Callable[..., Any], kind: str, said: str, concurrency: int
) -> None:
    machine = start(r)
    assert charging(r, function, concurrency=concurrency).drain().failed == 1
    assert machine.context["got"]["type"] == kind
    assert machine.context["got"]["message"].startswith(said)


def test_an_effect_whose_exception_has_no_text_is_delivered_again(r: redis.Redis) -> None:
    works = charging(r)
    works.effect("receipt")(lambda effect: unreadable(1))
    start(r)
    done = works.drain()
    assert (done.done, done.effects_failed, left(r)) == (1, 1, 1)


def test_an_effect_may_have_its_entry(r: redis.Redis) -> None:
    works = charging(r)
    entries: list[OutboxEntry] = []

    @works.effect("receipt")
    def receipt(effect: OutboxEntry) -> None:
        entries.append(effect)

    start(r)
    works.drain()
    (entry,) = entries
    assert (entry.type, entry.params, entry.key, entry.machine) == ("receipt", {"got": "30 paid"}, "job:1", "job@1")
    assert (entry.stream, entry.deliveries, entry.task, entry.event) == (STREAM, 1, None, "xstate.done.actor.charge")
    assert [place for place, fields in r.xrange(STREAM) if fields["id"] == entry.id] == [entry.place]


def test_several_streams_are_read(r: redis.Redis) -> None:
    machines = [start(r, f"job:{stream}", stream=stream) for stream in ("one", "two")]
    assert charging(r, stream=["one", "two"]).drain().done == 2
    assert [machine.states for machine in machines] == [("paid",)] * 2


def test_a_key_that_is_not_text_is_told_too(client: Any, server: Server) -> None:
    """Also where the client decodes what it reads, be it new or left by another worker."""
    machines = [start(client, key) for key in (b"job:\xff", b"job:\xfe", "job:1")]  # type: ignore[arg-type]
    read_by_a_dead_worker(server.client(decode_responses=False))
    done = charging(client, claim_after=0.0).drain()
    assert (done.done, done.claimed) == (3, 1)
    assert [machine.states for machine in machines] == [("paid",)] * 3


def test_what_no_machine_has_written_is_passed_over(r: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    r.xadd(STREAM, {"what": "ever"})
    r.xadd(STREAM, {"id": "1", "key": "a", "type": "b", "ms": "1", "params": "{"})
    task = {"id": "1", "key": "a", "type": "xstate.spawnChild", "ms": "1", "task": "a@1"}
    for params in ('{"id":"a","src":["charge"]}', '{"src":"charge"}', "[1]", "[" * 100_000):
        r.xadd(STREAM, {**task, "params": params})
    r.xadd(STREAM, task)
    machine = start(r)
    assert charging(r).drain().done == 1
    assert machine.states == ("paid",)
    assert caplog.text.count("is no entry of a machine, and is passed over") == 7
    assert left(r) == 0


# ---- how many at a time ----


def test_so_many_run_at_a_time_and_no_more(r: redis.Redis) -> None:
    lock, meeting = threading.Lock(), threading.Barrier(3, timeout=30)
    running = most = 0

    def charge(amount: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        meeting.wait()
        with lock:
            running -= 1

    for number in range(12):
        start(r, f"job:{number}")
    assert charging(r, charge, concurrency=3).drain().done == 12
    assert most == 3


def test_a_slow_task_keeps_no_others_waiting(r: redis.Redis) -> None:
    others = threading.Event()
    left = iter(range(10))

    def charge(amount: int) -> None:
        if amount == 0:
            assert others.wait(30)
        elif next(left) == 8:
            others.set()

    for number in range(10):
        start(r, f"job:{number}", {"amount": number})
    assert charging(r, charge, concurrency=2).drain().done == 10


def test_a_report_does_not_wait_for_the_next_task(r: redis.Redis) -> None:
    machines = [start(r, f"job:{number}", {"amount": number}) for number in range(2)]

    def charge(amount: int) -> None:
        if amount == 1:
            wait_until(lambda: machines[0].states == ("paid",), "the first is paid while the second runs")

    works = charging(r, charge)
    works._usual = 1e-6  # it reads both at once
    assert works.drain().done == 2


@pytest.mark.parametrize("concurrency", [1, 2])
def test_what_was_read_ahead_is_given_back_where_it_takes_longer(
    r: redis.Redis, monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    """Others may be free. Where nobody is, it takes it again."""
    monkeypatch.setattr("redisstate.worker.PATIENCE", 0.05)
    for number in range(20):
        start(r, f"job:{number}")
    others = charging(r)
    free = threading.Lock()

    def charge(amount: int) -> None:
        time.sleep(0.1)
        if others.counters.done == 0 and works.counters.claimed and free.acquire(blocking=False):
            wait_until(lambda: others.drain().done, "another gets what was given back")

    works = charging(r, charge, concurrency=concurrency)
    works._usual = 1e-6  # it reads all at once
    own = works.drain()
    assert own.done + others.counters.done == 20
    assert own.late == others.counters.late == 0
    assert others.counters.done >= 1


def test_what_was_read_ahead_is_given_back_while_a_function_runs(
    r: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redisstate.worker.PATIENCE", 0.05)
    for number in range(20):
        start(r, f"job:{number}")
    others = charging(r)

    def charge(amount: int) -> None:
        wait_until(lambda: r.xpending(STREAM, GROUP)["consumers"][0]["pending"] == 19, "the rest is given back")
        others.drain()

    works = charging(r, charge, consumer="z")
    works._usual = 1e-6  # it reads all at once
    assert works.drain().done == 1
    assert others.counters.done == 19


# ---- what others have left ----


def test_what_a_dead_worker_has_is_taken_over_after_a_while(r: redis.Redis) -> None:
    machine = start(r)
    read_by_a_dead_worker(r)
    assert charging(r).drain().claimed == 0
    assert left(r) == 1
    done = charging(r, claim_after=0.001).drain()
    assert (done.claimed, done.done) == (1, 1)
    assert machine.states == ("paid",)


def test_all_that_is_old_is_taken_over(r: redis.Redis) -> None:
    for number in range(40):
        start(r, f"job:{number}")
    read_by_a_dead_worker(r, 40)
    assert charging(r, claim_after=0.001, batch=3).drain().done == 40


def test_a_report_that_is_made_twice_is_taken_once(r: redis.Redis) -> None:
    machine = start(r)
    read_by_a_dead_worker(r)
    ((_, entry),) = r.xrange(STREAM)
    machine.done(entry["task"], "once")
    done = charging(r, claim_after=0.001).drain()
    assert (done.done, done.late) == (0, 1)
    assert (machine.context["got"], machine.context["told"]) == ("once", 1)
    assert left(r) == 0


def test_what_was_delivered_too_often_fails_without_being_tried(r: redis.Redis) -> None:
    machine = start(r)
    read_by_a_dead_worker(r)
    for _ in range(2):
        r.xautoclaim(STREAM, GROUP, "dead", 0)
    assert charging(r, max_deliveries=4, claim_after=1000).drain() == Worker(r, stream="x", group="x").counters
    done = charging(r, max_deliveries=3, claim_after=0.001).drain()
    assert (done.given_up, done.failed, done.done) == (1, 1, 0)
    assert machine.context["got"] == {
        "type": "TooManyDeliveries",
        "message": "3 deliveries, and no report was taken",
    }


def test_an_effect_that_raises_is_delivered_again_and_given_up(r: redis.Redis) -> None:
    tried: list[int] = []
    works = charging(r, claim_after=0.0, max_deliveries=3)

    @works.effect("receipt")
    def receipt(effect: OutboxEntry) -> None:
        tried.append(effect.deliveries)
        raise OSError("no paper")

    start(r)
    done = works.drain()
    assert tried == [1, 2, 3]
    assert (done.effects, done.effects_failed, done.given_up) == (0, 3, 1)
    assert left(r) == 0


def test_a_worker_that_lives_keeps_what_takes_long(r: redis.Redis) -> None:
    others = charging(r, claim_after=2.0)
    claimed = 0

    def charge(amount: int) -> str:
        nonlocal claimed
        idle = 0
        for _ in range(2):  # signs of life
            wait_until(lambda: pending()["time_since_delivered"] > 100, "it grows old")
            idle = pending()["time_since_delivered"]
            wait_until(lambda idle=idle: pending()["time_since_delivered"] < idle, "it is young again")
        claimed = others.drain().claimed
        assert pending()["times_delivered"] == 1
        return "paid"

    def pending() -> Any:
        return r.xpending_range(STREAM, GROUP, "-", "+", 1)[0]

    start(r)
    assert charging(r, charge, claim_after=2.0).drain().done == 1
    assert claimed == 0


# ---- settings and functions ----


def test_a_client_whose_replies_are_awaited_is_refused(r: redis.Redis) -> None:
    awaited = redis.asyncio.Redis()
    with pytest.raises(TypeError, match="the replies of Redis are awaited: that is for AsyncWorker"):
        worker(awaited)
    works = worker(r)
    works.client = awaited
    with pytest.raises(TypeError, match="AsyncWorker"):
        works.drain()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"stream": []}, "a worker needs at least one stream"),
        ({"concurrency": 0}, "concurrency is 0, and at least 1"),
        ({"claim_after": -1}, "claim_after is -1, and at least 0"),
        ({"max_deliveries": 0}, "max_deliveries is 0, and at least 1"),
    ],
)
def test_settings_that_cannot_be(r: redis.Redis, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        worker(r, **settings)


def test_a_read_waits_less_than_the_client(r: redis.Redis) -> None:
    client = redis.Redis(port=r.connection_pool.connection_kwargs["port"], socket_timeout=0.5)
    assert worker(client, block=1.0).block == 0.25
    assert worker(client, block=0.1).block == 0.1


async def coroutine() -> None: ...


@pytest.mark.parametrize(
    ("add", "error", "said"),
    [
        (lambda w: w.task("a")(coroutine), TypeError, "coroutine is a coroutine: that is for AsyncWorker"),
        (lambda w: w.task(typed), TypeError, r"@worker.task wants a name: @worker.task\('typed'\)"),
        (lambda w: w.effect("xstate.spawnChild"), ValueError, r"is a task: use @worker.task\(src\)"),
        (lambda w: [w.task("a")(typed) for _ in range(2)], ValueError, "a function for the task 'a' already"),
    ],
)
def test_functions_that_cannot_be(
    r: redis.Redis, add: Callable[[Worker], Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        add(worker(r))


def test_a_function_stays_what_it_is(r: redis.Redis) -> None:
    assert worker(r).task("charge")(typed) is typed
