"""What a worker leaves to others: tasks and effects without a function here, and the names of workers that died."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from redisstate import Machine
from tests.client.working import GROUP, STREAM, charging, job, left, read_by_a_dead_worker, running, start, worker
from tests.servers import Server, wait_until


def test_a_task_that_is_not_known_is_left_to_another(r: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    machines = [start(r, f"job:{number}") for number in range(2)]
    other = worker(r)
    other.task("charges")(lambda: None)
    assert other.drain().unknown == 2
    assert caplog.text.count("no function for the task 'charge' of job:0 (did you mean 'charges'?); there are") == 1
    assert left(r) == 2
    assert charging(r, claim_after=0.0).drain().done == 2
    assert [machine.states for machine in machines] == [("paid",)] * 2


def test_a_delivery_to_a_worker_that_does_not_know_the_task_is_no_try(r: redis.Redis) -> None:
    machines = [start(r, f"job:{number}") for number in range(30)]
    other = worker(r, claim_after=0.0, max_deliveries=2)
    for _ in range(5):
        other.drain()
        found = r.xpending_range(STREAM, GROUP, "-", "+", 100)
        assert [one["times_delivered"] for one in found] == [0] * 30
    assert (other.counters.unknown >= 150, other.counters.given_up) == (True, 0)
    assert charging(r, claim_after=0.0, max_deliveries=1).drain().done == 30
    assert {machine.states for machine in machines} == {("paid",)}


def test_what_is_not_known_does_not_hide_what_is(r: redis.Redis) -> None:
    """Neither what is new nor what others have left behind it."""
    for number in range(30):
        start(r, f"job:{number}")
    read_by_a_dead_worker(r, 20)
    document = json.dumps(job()).replace('"src": "charge"', '"src": "other"')
    others = [Machine(r, f"other:{number}") for number in range(2)]
    others[0].set(document)
    r.xreadgroup(GROUP, "dead", {STREAM: ">"}, count=11)
    others[1].set(document)
    knows = worker(r, claim_after=0.0)
    knows.task("other")(lambda: None)
    assert knows.drain().done == 2
    assert left(r) == 30


def test_what_is_not_known_does_not_keep_a_worker_waiting(r: redis.Redis) -> None:
    """It looks on at once for what others have left, though one entry at a time."""
    for number in range(20):
        start(r, f"job:{number}")
    Machine(r, "other").set(json.dumps(job()).replace('"src": "charge"', '"src": "other"'))
    read_by_a_dead_worker(r, 21)
    places = [one["message_id"] for one in r.xpending_range(STREAM, GROUP, "-", "+", 100)]
    r.xclaim(STREAM, GROUP, "dead", 0, places, idle=600_000)
    works = worker(r, block=1.0, claim_after=1.0)
    waits: list[float | None] = []
    read_words = works._read_words
    works._read_words = lambda streams, room, block: (waits.append(block), read_words(streams, room, block))[1]
    before: list[float | None] = []
    works.task("other")(lambda: before.extend(waits))
    with running(works):
        wait_until(lambda: works.counters.done == 1, "what is known is done")
    assert len(before) >= 20
    assert set(before) == {None}


def test_what_is_claimed_is_done_where_the_connection_breaks_then(r: redis.Redis) -> None:
    start(r)
    Machine(r, "other").set(json.dumps(job()).replace('"src": "charge"', '"src": "other"'))
    read_by_a_dead_worker(r, 2)
    works = charging(r, claim_after=0.0, concurrency=10)
    pipelined, broken = works._pipelined, []

    def breaks(commands: Any) -> Any:
        if commands and commands[0][0] == "SM.PENDING" and not broken:
            broken.append(commands)
            raise redis.ConnectionError("it is gone")
        return pipelined(commands)

    works._pipelined = breaks  # type: ignore[method-assign]
    assert works.drain().done == 1
    assert broken
    assert not works._in_hand
    assert worker(r, claim_after=0.0).drain().claimed == 1, "the other task is another's now"


def test_a_machine_is_asked_once_for_all_its_tasks(server: Server, r: redis.Redis) -> None:
    document = job()
    document["states"]["charging"]["invoke"] = [{"id": f"t{number}", "src": "charge"} for number in range(30)]
    Machine(r, "job:1").set(document, input=None)
    read_by_a_dead_worker(r, 30)
    server.own.config_resetstat()
    worker(r, claim_after=0.0, concurrency=30).drain()
    assert server.own.info("commandstats")["cmdstat_SM.PENDING"]["calls"] <= 3
    assert left(r) == 30


@pytest.mark.parametrize("setting", ["nil", "error"])
def test_what_another_group_has_done_is_no_more_pending(
    server: Server, r: redis.Redis, caplog: pytest.LogCaptureFixture, setting: str
) -> None:
    """A group that is for effects alone keeps the entries of active tasks, and no others."""
    caplog.set_level("INFO", "redisstate.worker")
    server.config("redisstate.invalid-transition", setting)
    for number in range(4):
        start(r, f"job:{number}")
    mail = worker(r, group="mail", claim_after=0.0)
    mail.effect("receipt")(lambda effect: None)
    assert mail.drain().effects == 0
    assert r.xpending(STREAM, "mail")["pending"] == 4
    assert charging(r).drain().done == 4
    start(r, "job:1")  # anew: the task of before is over
    r.delete("job:2")
    start(r, "job:4")
    assert mail.drain().effects == 4
    pending = r.xpending_range(STREAM, "mail", "-", "+", 10)
    entries = [r.xrange(STREAM, one["message_id"], one["message_id"])[0][1]["key"] for one in pending]
    assert entries == ["job:1", "job:4"]
    assert [record.levelname for record in caplog.records if "no function for the task" in record.getMessage()] == [
        "INFO"
    ]


def test_a_user_that_may_not_ask_what_is_pending_puts_back(server: Server, r: redis.Redis) -> None:
    rights = ("on", ">secret", "~*", "+@all", "-sm.pending", "-eval")
    server.own.execute_command("ACL", "SETUSER", "poor", *rights)
    try:
        start(r)
        with server.client(username="poor", password="secret") as poor:
            other = worker(poor, claim_after=0.0)
            other.drain()
            Machine(r, "job:1").delete()
            other.drain()
        assert left(r) == 1
    finally:
        server.own.execute_command("ACL", "DELUSER", "poor")


@pytest.mark.parametrize(
    ("other", "hint", "level"), [("reciept", " (did you mean 'reciept'?)", "WARNING"), ("other", "", "INFO")]
)
def test_effects_that_nobody_wants_are_passed_over(
    r: redis.Redis, caplog: pytest.LogCaptureFixture, other: str, hint: str, level: str
) -> None:
    caplog.set_level("INFO", "redisstate.worker")
    for number in range(2):
        start(r, f"job:{number}")
    works = charging(r)
    works.effect(other)(lambda effect: None)
    done = works.drain()
    assert (done.effects, done.passed_over, left(r)) == (0, 2, 0)
    (said,) = [record for record in caplog.records if "no function" in record.getMessage()]
    assert said.levelname == level
    assert "no function for the effect 'receipt' of job:" in said.getMessage()
    assert said.getMessage().endswith(f"{hint}; it is passed over")


# ---- consumers ----


def consumers(client: Any) -> set[str]:
    return {one["name"] for one in client.xinfo_consumers(STREAM, GROUP)}


def test_consumers_of_dead_workers_go_when_nothing_is_pending(r: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    start(r)
    read_by_a_dead_worker(r)
    r.xgroup_createconsumer(STREAM, GROUP, "idle")
    worker(r).drain()
    assert consumers(r) == {"dead", "idle"}  # not for long enough
    monkeypatch.setattr("redisstate.commands.FORGOTTEN", 0.0)
    worker(r).drain()
    assert consumers(r) == {"dead"}
    assert charging(r, claim_after=0.0).drain().done == 1
    worker(r).drain()
    assert consumers(r) == set()
