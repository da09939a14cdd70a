"""The server's clock is set back and forward while a machine keeps a history, tokens and a TTL."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.documents import flat
from tests.histories import assert_chained, entries
from tests.servers import Server, wait_until
from tests.timers.test_clock import HOUR, Clock

DAY = 24 * HOUR


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


@pytest.fixture
def server(start_server: Callable[..., Server], clock: Clock) -> Server:
    return start_server(env=clock.env)


def set_clock(server: Server, clock: Clock, shift: int) -> None:
    """Some servers look at the clock only now and then."""

    def is_then() -> bool:
        server.own.execute_command("SM.SET", "probe", flat({}, "", store={"history": 1}))
        shifts = entries(server.own, "probe")[0]["ms"] - time.time() * 1000, 1000 * (server.own.time()[0] - time.time())
        return all(abs(found - shift) < HOUR // 2 for found in shifts)

    clock.set(shift)
    wait_until(is_then, "the server has seen the clock")


def test_entries_have_the_time_that_it_was_then(server: Server, clock: Clock) -> None:
    r = server.client()
    r.execute_command("SM.SET", "k", flat({"a": ["a"]}, "a", store={"history": 6}))
    shifts = [0, -HOUR, -1000 * DAY, 0, 1000 * DAY, -HOUR, HOUR]
    for number, shift in enumerate(shifts):
        set_clock(server, clock, shift)
        r.execute_command("SM.SEND", "k", "a", "ID", str(number))
    for _ in range(2):
        times = [one["ms"] for one in assert_chained(r, "k")]
        assert all(
            abs(after - before - (later - earlier)) < HOUR // 2
            for before, after, earlier, later in zip(times, times[1:], shifts[1:], shifts[2:], strict=False)
        )
        assert len(times) == 6
        assert [r.execute_command("SM.SEND", "k", "a", "ID", str(n), "EFFECTS")[5] for n in range(7)] == [*range(2, 9)]
        r.execute_command("DEBUG", "RELOAD")
    r.restore("again", 0, r.dump("k"))
    assert [one["ms"] for one in assert_chained(r, "again")] == times


def test_a_ttl_is_counted_from_the_step_and_goes_though_the_clock_was_set(server: Server, clock: Clock) -> None:
    r = server.client()
    document = flat({"a": ["end"], "end": []}, "a", store={"expire": DAY})
    for key in ("goes", "stays"):
        r.execute_command("SM.SET", key, document)
        r.execute_command("SM.SEND", key, "end")
    set_clock(server, clock, -HOUR)
    assert DAY < r.pttl("stays") <= DAY + HOUR
    r.execute_command("SM.RESET", "stays")
    assert r.pttl("stays") == -1
    r.execute_command("SM.SEND", "stays", "end")
    assert DAY - HOUR // 2 < r.pttl("stays") <= DAY
    r.execute_command("SM.RESET", "stays")
    set_clock(server, clock, DAY + HOUR)
    wait_until(lambda: not r.exists("goes"), "it expires")
    assert r.execute_command("SM.STATE", "stays") == ["a"]
