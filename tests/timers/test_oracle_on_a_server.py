"""Random and real charts with time and tasks do through a server what they do in the real XState; deadlines fire and
tasks end when a record says so."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from sm_core.definition import SPAWN, STOP
from tests.core.data_support import (
    DONE_TASK,
    FAILED_TASK,
    XSTATE,
    Record,
    Seen,
    document_of,
    event_of,
    exact,
    expected,
    guards_of,
    history_of,
    is_report,
    read_charts,
    require,
)
from tests.servers import Server

RANDOM = read_charts(XSTATE / "random_timed.json.gz")
REAL = read_charts(XSTATE / "real_charts.json.gz")
GROUPS = [*(RANDOM[at : at + 20] for at in range(0, len(RANDOM), 20)), REAL]


class ServerTaker:
    """A machine at the key ``k``."""

    def __init__(self, r: redis.Redis, chart: Record) -> None:
        self.r = r
        self.chart = chart
        self.document = json.dumps(document_of(chart))
        self.has_input = "input" in chart

    def waits(self) -> tuple[list[Any], list[Any]]:
        """The deadlines and tasks of SM.GET's snapshot."""
        snapshot = json.loads(self.r.execute_command("SM.GET", "k")).get("snapshot", {})
        return snapshot.get("deadlines", []), snapshot.get("tasks", [])

    def take(self, record: Record) -> tuple[bool | None, list[Any] | None]:
        """Whether the event can be sent, and the effects."""
        guards = sorted(guards_of(record) or ())
        options: list[Any] = ["GUARDS", len(guards), *guards] if self.chart.get("guards") else []
        if "event" not in record:
            given = ["INPUT", json.dumps(self.chart["input"])] if self.has_input else []
            return None, self.effects("SM.SET", "k", self.document, "IF", "ABSENT", *given, *options)
        name, data = event_of(record)
        deadlines, tasks = self.waits()
        can = None
        if not is_report(record):
            can = bool(self.r.execute_command("SM.CAN", "k", name, *(["DATA", data] if data else []), *options))
        if "fires" in record:
            at = record.get("at", [one["id"] for one in deadlines].index(record["fires"]))
            require("what fires", deadlines[at]["event"], record["event"])
            return can, self.effects("SM.FIRE", "k", deadlines[at]["timer"], *options)
        for prefix, member, command in ((DONE_TASK, "output", "SM.DONE"), (FAILED_TASK, "error", "SM.FAIL")):
            if name.startswith(prefix):
                handle = next((one["task"] for one in tasks if one["id"] == name.removeprefix(prefix)), "gone@1")
                assert (handle == "gone@1") == record.get("late", False)
                result = [exact(record["event"][member])] if member in record["event"] else []
                return None, self.effects(command, "k", handle, *result, *options)
        return can, self.effects("SM.SEND", "k", name, *(["DATA", data] if data else []), *options)

    def effects(self, *words: Any) -> list[Any] | None:
        reply = self.r.execute_command(*words, "EFFECTS")
        if reply is None:
            return None
        found = []
        for text in reply[3]:
            made = json.loads(text)
            found.append({"type": made["type"], **made["params"]} if made["type"] in (SPAWN, STOP) else made)
        return found

    def seen(self) -> Seen:
        snapshot = json.loads(self.r.execute_command("SM.GET", "k", "SNAPSHOT"))
        deadlines, tasks = self.waits()
        pending = sorted([{"id": one["id"], "event": one["event"]} for one in deadlines], key=exact)
        return Seen(
            snapshot["value"],
            snapshot["status"],
            snapshot["context"],
            snapshot.get("output"),
            history_of(snapshot["historyValue"]),
            snapshot.get("error"),
            pending,
            sorted(one["id"] for one in tasks),
        )


def follow(r: redis.Redis, chart: Record) -> int:
    taker = ServerTaker(r, chart)
    count = 0
    for record, right in expected(chart):
        where = f"{chart['name']}, record {count} ({exact(record.get('event'))})"
        can, effects = taker.take(record)
        require(f"{where}: can", can, right.can)
        consumed = right.effects is None and ("fires" in record or is_report(record)) and not record.get("late")
        if chart in REAL:
            for effect in effects or ():
                if effect["type"] == SPAWN:
                    effect.pop("input", None)
        require(f"{where}: effects", effects, [] if consumed else right.effects)
        wanted = right.seen._replace(
            pending=sorted([{"id": one["id"], "event": one["event"]} for one in right.seen.pending], key=exact)
        )
        for member, is_, should_be in zip(Seen._fields, taker.seen(), wanted, strict=True):
            require(f"{where}: {member}", is_ or None, should_be or None)
        count += 1
    return count


@pytest.mark.parametrize("charts", GROUPS, ids=[charts[0]["name"] for charts in GROUPS])
def test_agrees_with_xstate(server: Server, r: redis.Redis, charts: list[Record]) -> None:
    server.config("redisstate.fire-timers", "no")
    for chart in charts:
        assert follow(r, chart) == 1 + len(chart["steps"])
        r.delete("k")
