"""``top``: how many machines stand where, and how many commands move them.

All keys are looked at in small portions. Between two, the server is left alone nine times as long as it took, so that
the scan takes no more than a tenth of its time.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import click

from .. import replies
from . import output
from .connection import KIND, Server, primaries, server_of, url_option
from .failures import ServerFailure
from .look import definition

PORTION = 100
"""How many keys the server looks at in one command, about."""
REST = 9
"""How many times as long as a portion took is waited before the next."""
MOVING = ("SM.SEND", "SM.MUTATE", "SM.SET", "SM.RESET", "SM.DONE", "SM.FAIL", "SM.RETRY", "SM.FIRE")
"""The commands that move machines, as commandstats names them."""


@dataclass
class Tally:
    """What a scan has found: machines by definition and states."""

    machines: Counter[tuple[str, tuple[str, ...]]] = field(default_factory=Counter)
    looked_at: int = 0
    whole: bool = False


@dataclass
class Rates:
    """What INFO counts, at one time, of all nodes together."""

    time: float
    machines: int
    timers: int
    tasks: int
    fired: int
    calls: Counter[str]

    def per_second(self, earlier: Rates) -> dict[str, float]:
        """Commands a second since then, and deadlines."""
        seconds = max(self.time - earlier.time, 1e-9)
        found = {name: max(0, self.calls[name] - earlier.calls[name]) / seconds for name in MOVING}
        return {**found, "deadlines": (self.fired - earlier.fired) / seconds}


def rates(nodes: list[Any]) -> Rates:
    total = Rates(time.monotonic(), 0, 0, 0, 0, Counter())
    for node in nodes:
        info = {name.removeprefix("redisstate_"): value for name, value in node.info("redisstate").items()}
        if not info:
            raise ServerFailure(
                "the server has not the module\nLoad it with  redis-server --loadmodule …/redisstate.so"
            )
        total.machines += info.get("machines", 0)
        total.timers += info.get("timers", 0)
        total.tasks += info.get("tasks", 0)
        total.fired += info.get("timers_fired", 0)
        for name, counts in node.info("commandstats").items():
            command = name.removeprefix("cmdstat_").upper()
            total.calls[command] += counts["calls"] - counts.get("failed_calls", 0)
    return total


def scan(nodes: list[Any], most: int, tally: Tally) -> Iterator[float]:
    """Fills ``tally`` portion by portion; after each the seconds for which the server is to be left alone."""
    for node in nodes:
        cursor = 0
        while tally.looked_at < most:
            began = time.monotonic()
            cursor, keys = node.scan(cursor, count=PORTION, _type=KIND)
            _count(node, keys[: most - tally.looked_at], tally)
            if cursor == 0:
                break
            yield (time.monotonic() - began) * REST
    tally.whole = tally.looked_at < most


def _count(node: Any, keys: list[bytes], tally: Tally) -> None:
    pipeline = node.pipeline(transaction=False)
    for key in keys:
        pipeline.execute_command("SM.STATE", key)
        pipeline.execute_command("SM.GET", key)
    found = pipeline.execute(raise_on_error=False) if keys else []
    for states, document in zip(found[::2], found[1::2], strict=True):
        if isinstance(states, list) and isinstance(document, str | bytes):  # else it has gone since, or may not be read
            tally.machines[definition(json.loads(document)), replies.names(states)] += 1
            tally.looked_at += 1


@click.command()
@click.option("--interval", metavar="SECONDS", type=click.FloatRange(0.1), default=2.0, show_default=True)
@click.option("--most", metavar="N", type=click.IntRange(1), default=10_000, show_default=True,
              help="Look at so many machines at most.")  # fmt: skip
@click.option("--once", is_flag=True, help="Print it once, as where there is no terminal.")
@output.json_option
@url_option
@server_of
def top(server: Server, interval: float, most: int, once: bool, as_json: bool) -> None:
    """Show machines by definition and state, and how often they are asked to move.

    A scan looks at them in small portions with pauses, so that the server has time for others. At a terminal it goes on
    until Ctrl-C.
    """
    nodes = primaries(server.client())
    if once or as_json or not output.console().is_terminal:
        earlier, tally = rates(nodes), Tally()
        end = time.monotonic() + interval
        for pause in scan(nodes, most, tally):
            time.sleep(pause)
        time.sleep(max(0.0, end - time.monotonic()))
        _print(tally, earlier, rates(nodes), as_json)
    else:
        _live(nodes, interval, most)


def _live(nodes: list[Any], interval: float, most: int) -> None:
    from rich.console import Group
    from rich.live import Live

    console = output.console()
    complete, earlier = Tally(), rates(nodes)
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def refresh(tally: Tally) -> None:
            nonlocal earlier
            now = rates(nodes)
            lines = [output.assembled(line) for line in _lines(tally, earlier, now)]
            live.update(Group(*lines[: console.height - 1]), refresh=True)
            earlier = now

        while True:
            tally, next_refresh = Tally(), time.monotonic() + interval
            for pause in scan(nodes, most, tally):
                time.sleep(pause)
                if time.monotonic() >= next_refresh:
                    refresh(complete if complete.looked_at else tally)
                    next_refresh = time.monotonic() + interval
            if not complete.looked_at:
                refresh(tally)
            complete = tally
            time.sleep(max(0.0, next_refresh - time.monotonic()))
            refresh(complete)


def _print(tally: Tally, earlier: Rates, now: Rates, as_json: bool) -> None:
    if not as_json:
        output.say(*_lines(tally, earlier, now))
        return
    rows = [{"definition": name, "states": states, "machines": count}
            for (name, states), count in _sorted(tally)]  # fmt: skip
    output.say_json(
        {
            "machines": now.machines,
            "looked_at": tally.looked_at,
            "timers": now.timers,
            "tasks": now.tasks,
            "per_second": {name: round(rate, 1) for name, rate in now.per_second(earlier).items()},
            "by_state": rows,
        }
    )


def _sorted(tally: Tally) -> list[tuple[tuple[str, tuple[str, ...]], int]]:
    """The definition with the most machines first, in it the states with the most."""
    whole: Counter[str] = Counter()
    for (name, _), count in tally.machines.items():
        whole[name] += count
    return sorted(tally.machines.items(), key=lambda row: (-whole[row[0][0]], row[0][0], -row[1], row[0][1]))


def _lines(tally: Tally, earlier: Rates, now: Rates) -> list[output.Line]:
    per_second = now.per_second(earlier)
    deadlines = per_second.pop("deadlines")
    asked = ", ".join(f"{name} {rate:.0f}" for name, rate in per_second.items() if rate >= 0.5)
    most = "" if tally.whole else f", of which {tally.looked_at} were looked at"
    lines: list[output.Line] = [
        [
            (output.counted(now.machines, "machine"), "bold"),
            f"{most}; {output.counted(now.timers, 'deadline')}, {output.counted(now.tasks, 'task')}",
        ],
        f"asked to move {sum(per_second.values()):.0f} times a second; {deadlines:.0f} deadlines a second",
        *([f"  {asked}"] if asked else []),
        "",
    ]
    rows: list[tuple[output.Part, ...]] = []
    last = ""
    for (name, states), count in _sorted(tally):
        rows.append(("" if name == last else name, (", ".join(states), output.STATE), str(count)))
        last = name
    return lines + output.table(("definition", "states", "machines"), rows)


def register(app: click.Group) -> None:
    app.add_command(top)
