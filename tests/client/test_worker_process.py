"""What happens to a worker's process: it is asked to stop, or killed."""

from __future__ import annotations

import random
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.client.working import GROUP, STREAM, charging, left, process, start
from tests.servers import Server, wait_until

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The file of which a worker's process writes a line when a task begins."""
    path = tmp_path / "begun"
    path.touch()
    return path


@pytest.fixture
def launch(server: Server, log: Path) -> Iterator[Start]:
    """Starts workers' processes: ``launch(seconds, **settings)``."""
    started: list[subprocess.Popen[str]] = []

    def begin(seconds: float, **settings: object) -> subprocess.Popen[str]:
        started.append(process(server.port, seconds, log, **settings))
        return started[-1]

    yield begin
    for one in started:
        one.kill()
        one.communicate()


def begun(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(("how", "concurrency"), [("SIGTERM", 1), ("SIGINT", 1), ("SIGTERM", 2)])
def test_a_signal_lets_it_finish_what_runs_and_give_back_the_rest(
    r: redis.Redis, launch: Start, log: Path, how: str, concurrency: int
) -> None:
    machines = [start(r, f"job:{number}") for number in range(20)]
    worker = launch(0.3, concurrency=concurrency)
    wait_until(lambda: begun(log), "it has begun")
    worker.send_signal(signal.Signals[how])
    assert worker.wait(30) == 0, worker.communicate()[1]
    ran = begun(log)
    assert {machine.key for machine in machines if machine.states == ("paid",)} == set(ran)
    assert len(ran) < 20
    rest = charging(r).drain()  # at once, and as if they had not been delivered
    assert rest.done == 20 - len(ran)
    assert len(begun(log)) == len(ran)
    assert left(r) == 0


def test_what_is_given_back_is_as_if_it_had_not_been_delivered(r: redis.Redis) -> None:
    for number in range(6):
        start(r, f"job:{number}")

    def charge(amount: int) -> None:
        works.stop()

    works = charging(r, charge)
    works._usual = 1e-6  # it reads all at once
    assert works.drain().done == 1
    found = r.xpending_range(STREAM, GROUP, "-", "+", 10)
    assert [one["times_delivered"] for one in found] == [0] * 5
    assert {one["time_since_delivered"] >= 60_000 for one in found} == {True}
    assert {one["name"] for one in r.xinfo_consumers(STREAM, GROUP)} == {"given-back"}, "its own name is gone"


def test_a_second_signal_does_not_wait(r: redis.Redis, launch: Start, log: Path) -> None:
    start(r)
    worker = launch(60)
    wait_until(lambda: begun(log), "it has begun")
    worker.send_signal(signal.SIGTERM)
    threading.Timer(0.5, worker.send_signal, [signal.SIGTERM]).start()
    assert worker.wait(30) == -signal.SIGTERM
    assert left(r) == 1


def test_signals_are_as_before_when_it_has_ended(r: redis.Redis) -> None:
    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]
    works = charging(r, lambda amount: works.stop())
    start(r)
    works.run()
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)] == before
    assert works.counters.done == 1


@pytest.mark.parametrize("signals", [True, False])
def test_an_application_may_keep_its_own_handlers(r: redis.Redis, signals: bool) -> None:
    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]
    found = []

    def charge(amount: int) -> None:
        found.extend(signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT))
        works.stop()

    works = charging(r, charge)
    start(r)
    works.run(signals=signals)
    assert (found == before) is not signals


def test_workers_are_killed_again_and_again_and_every_task_is_done_once(
    r: redis.Redis, launch: Start, log: Path
) -> None:
    """kill -9. A task may run more than once, and its result is taken once."""
    machines = [start(r, f"job:{number}") for number in range(150)]
    settings = {"claim_after": 0.6, "max_deliveries": 1000}
    workers = [launch(0.01, concurrency=1 + number % 3, **settings) for number in range(3)]
    chance = random.Random(1)
    for killed in range(6):
        wait_until(lambda killed=killed: len(begun(log)) >= 15 * (killed + 1), "they work")
        number = chance.randrange(3)
        workers[number].kill()
        workers[number].wait()
        workers[number] = launch(0.01, concurrency=1 + number % 3, **settings)
    wait_until(lambda: all(machine.states == ("paid",) for machine in machines), "every task is done")
    assert {machine.context["told"] for machine in machines} == {1}, "and none is told twice"
    assert {machine.revision for machine in machines} == {2}
    wait_until(lambda: left(r) == 0, "all is acknowledged")
    assert set(begun(log)) == {machine.key for machine in machines}
