"""Charts with data on a server do what they do in the real XState, event by event, while their machines are dumped,
copied, renamed and set again; a replica has the same in the end.

The charts are those of tests/core: random ones, and charts of public code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import pytest
import redis

from tests.core.data_support import (
    ENDLESS,
    XSTATE,
    Record,
    Seen,
    Taken,
    document_of,
    event_of,
    follow,
    guards_of,
    history_of,
    loaded,
    read_charts,
)
from tests.core.test_real_charts import ALL
from tests.groups import STRICT, assert_same, caught_up
from tests.groups import follow as replicate
from tests.servers import Server, Wire

RANDOM = read_charts(XSTATE / "random_data.json.gz")


def without_time(charts: list[Record]) -> list[Record]:
    """Those that neither wait nor have tasks, which tests/timers follows."""
    return [chart for chart in charts if not any(word.startswith(("after", "invoke")) for word in chart["features"])]


REAL = without_time(read_charts(XSTATE / "real_charts.json.gz"))
PARTS = 4
STEPS_BETWEEN = 6
"""After so many steps something is done with the key."""

NIL = b"$-1"

Pair = tuple[Server, Server]


# What is done with a key; each answers the key where the machine is then.


def dump_and_restore(r: redis.Redis, key: str) -> str:
    payload = r.execute_command("DUMP", key)
    assert r.execute_command("RESTORE", key, 0, payload, "REPLACE") == b"OK"
    return key


def copy(r: redis.Redis, key: str) -> str:
    assert r.execute_command("COPY", key, f"{key}c") == 1
    return f"{key}c"


def rename(r: redis.Redis, key: str) -> str:
    assert r.execute_command("RENAME", key, f"{key}r") == b"OK"
    return f"{key}r"


def set_what_get_answers(r: redis.Redis, key: str) -> str:
    whole = r.execute_command("SM.GET", key)
    assert r.execute_command("SM.SET", key, whole) == b"OK"
    assert r.execute_command("SM.GET", key) == whole
    return key


WAYS: list[Callable[[redis.Redis, str], str]] = [dump_and_restore, copy, rename, set_what_get_answers]


class ServerTaker:
    """A machine at a key of a server as one who takes records. A connection without a library takes half the time."""

    def __init__(self, chart: Record, r: redis.Redis, wire: Wire, key: str, first_way: int) -> None:
        self.document = json.dumps(document_of(chart))
        self.empty = chart["config"].get("context") == {}
        self.input = ("INPUT", json.dumps(chart["input"])) if "input" in chart else ()
        self.r = r
        self.wire = wire
        self.key = key
        self.steps = 0
        self.ways = cycle(WAYS[first_way:] + WAYS[:first_way])

    def __call__(self, record: Record) -> Taken:
        guards = sorted(guards_of(record))
        given: tuple[str, ...] = ("GUARDS", str(len(guards)), *guards)
        if "event" in record:
            self.move()
            name, data = event_of(record)
            given = (*given, *(("DATA", data) if data else ()))
            calls = [("SM.CAN", self.key, name, *given), ("SM.SEND", self.key, name, *given, "EFFECTS")]
        else:
            calls = [("EXISTS", self.key), ("SM.SET", self.key, self.document, *self.input, *given, "EFFECTS")]
        calls += [("SM.GET", self.key, word) for word in ("CONTEXT", "SNAPSHOT")]
        for call in calls:
            self.wire.send(*call)
        can, sent, context, snapshot = [self.wire.reply() for _ in calls]
        seen = self.seen(None if context == NIL else context, json.loads(snapshot))
        before = can == b":1" if "event" in record else None
        if sent == NIL:
            return Taken(before, None, None, seen)
        if isinstance(sent, bytes):
            assert ENDLESS.search(sent.decode()), sent
            return Taken(before, None, None, seen, refused=True)
        reply = dict(zip(sent[::2], sent[1::2], strict=True))
        assert reply[b"status"].decode() == seen.status
        return Taken(before, [json.loads(effect) for effect in reply[b"effects"]], [], seen)

    def move(self) -> None:
        self.steps += 1
        if self.steps % STEPS_BETWEEN == 0:
            self.key = next(self.ways)(self.r, self.key)

    def seen(self, context: bytes | None, whole: dict[str, Any]) -> Seen:
        assert whole["context"] == (loaded(context) or {})
        history = history_of(whole["historyValue"])
        seen = loaded(context)
        if seen is None and self.empty:
            seen = {}  # one that nothing assigns to is not kept
        return Seen(whole["value"], whole["status"], seen, whole.get("output"), history)


@pytest.fixture
def pair(start_server: Callable[..., Server]) -> Iterator[Pair]:
    """A primary and its replica, which has the same data when the test ends."""
    primary, replica = start_server(settings=STRICT), start_server(settings=STRICT)
    replicate(primary, replica)
    yield primary, replica
    caught_up(primary, replica)
    assert_same(primary, replica)


def play(primary: Server, charts: list[Record]) -> int:
    """Every chart at a key of its own; answers how many records were taken."""
    r = primary.raw()
    with primary.socket() as wire:
        return sum(
            follow(chart, ServerTaker(chart, r, wire, f"k{number}", number % len(WAYS)))
            for number, chart in enumerate(charts)
        )


@pytest.mark.parametrize("part", range(PARTS))
def test_random_charts_agree_with_xstate(pair: Pair, part: int) -> None:
    charts = RANDOM[part::PARTS]
    assert play(pair[0], charts) == 26 * len(charts)


def test_real_charts_agree_with_xstate(pair: Pair) -> None:
    assert play(pair[0], REAL) == sum(1 + len(chart["steps"]) for chart in REAL)


@pytest.mark.skipif(not ALL.exists(), reason="../shared/charts is not there")
def test_all_real_charts_that_are_supported_agree_with_xstate(pair: Pair) -> None:
    charts = without_time(read_charts(ALL))
    assert len(charts) == 82
    assert play(pair[0], charts) > 2200
