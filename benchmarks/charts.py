"""Rows: a statechart of four levels and three regions, each step remembered, each step new, and stepped by others.

XState is measured where Node and the packages of `make oracle` are, python-statemachine where the interpreter has it
(pip install python-statemachine): events per second of CPU, without a bound. Both run in their own process, without
a server, a network, or anything that would survive it.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.servers import ROOT

from . import quiet
from .bench import Bench, BenchmarkError, Row, Turn, compare, middle, ratios
from .documents import compact, key, shares, shuffled
from .load import Clients, Traffic, traffic

KEYS = 1024
SECONDS = 0.3
"""Of CPU, for each turn of the others."""
XSTATE = ROOT / "tests" / "core" / "xstate"

REGIONS = {
    "payment": {"open": ("awaiting", "retrying"), "paid": ("authorised", "captured")},
    "stock": {"here": ("wanted", "reserved"), "gone": ("picked", "packed")},
    "delivery": {"depot": ("planned", "loaded"), "away": ("moving", "arrived")},
}
EVENTS = {
    "payment": ("AUTHORISE", "CAPTURE", "REFUND", "REMIND"),
    "stock": ("PICK", "PACK", "RETURN", "RELEASE"),
    "delivery": ("DEPART", "ARRIVE", "COME_BACK", "UNLOAD"),
}
"""Four events lead around each region: from its first state's first to the second's, on to that one's second, back to
the first's second, on to where it began."""
CYCLE = [event for events in zip(*EVENTS.values(), strict=True) for event in events]
"""Twelve events after which the chart stands where it began."""


def region(name: str) -> dict[str, Any]:
    (first, (one, two)), (second, (three, four)) = REGIONS[name].items()
    away, on, back, home = EVENTS[name]

    def to(target: str, event: str) -> dict[str, Any]:
        return {event: {"target": target, "actions": "note"}}

    place = f"#order.active.{name}"
    return {
        "initial": first,
        "states": {
            first: {
                "initial": one,
                "states": {one: {"on": to(f"{place}.{second}", away)}, two: {"on": to(one, home)}},
            },
            second: {
                "initial": three,
                "states": {three: {"on": to(four, on)}, four: {"on": to(f"{place}.{first}.{two}", back)}},
            },
        },
    }


def order(version: str = "1") -> dict[str, Any]:
    """An order that is paid, picked and delivered at once; ``version`` makes it another definition."""
    active = {"type": "parallel", "on": {"CANCEL": "cancelled"}, "states": {name: region(name) for name in REGIONS}}
    states = {"active": active, "cancelled": {"type": "final"}}
    return {"id": "order", "version": version, "initial": "active", "states": states}


def through_all() -> Iterator[str]:
    """63 events through all 64 configurations, each of them reached once."""
    rings = [itertools.cycle(EVENTS[name]) for name in REGIONS]
    for step in range(1, 64):
        yield next(rings[2 if step % 16 == 0 else 1 if step % 4 == 0 else 0])


def run(bench: Bench) -> None:
    with bench.server() as server, Clients(server) as clients:
        numbers = range(KEYS)
        for number in numbers:
            server.own.execute_command("SM.SET", key("m", number), compact(order()))
        sends = around(shuffled("m", numbers), lambda name, event: ("SM.SEND", name, event))
        hsets = around(shuffled("h", numbers), lambda name, event: ("HSET", name, "state", event))
        compare(bench, "chart-send", "CPU of SM.SEND, seen before, four levels, three regions", "HSET of one field",
                1.15, clients.turn(sends, bench.turn), clients.turn(hsets, bench.turn))  # fmt: skip
        first_answers(bench, clients)
        others(bench, clients.turn(sends, bench.turn))


def around(keys: list[str], command: Callable[[str, str], tuple[str | bytes, ...]]) -> Traffic:
    """``command(key, event)`` for each key and event of the cycle."""
    return traffic([[command(name, event) for event in CYCLE for name in share] for share in shares(keys)], writes=True)


def first_answers(bench: Bench, clients: Clients) -> None:
    """Machines of new definitions walk through all configurations, so that each step and each configuration is new."""
    count = 10
    serials = itertools.count()
    events = list(through_all())

    def prepared() -> Traffic:
        names = [key("f", number) for number in range(count)]
        stores = [("SM.SET", name, compact(order(f"unseen {next(serials)}"))) for name in names]
        clients.send(traffic([stores], writes=True))
        return traffic([[("SM.SEND", name, event) for event in events for name in names]], writes=True)

    clients.first_answers(prepared())
    with quiet.on(quiet.CLIENTS):
        quiet.give_processor(clients.server.pid)
        samples = tuple(
            quiet.least(lambda: bench.waiting.moment(prepared, clients.first_answers))[0]
            for _ in range(bench.repetitions)
        )
    bench.rows.append(
        Row("chart-first-answer", "CPU of the first answer of an unseen SM.SEND, four levels, three regions", "", 100.0,
            samples, unit="µs")
    )  # fmt: skip


# ---- the same chart, stepped by others ----


def others(bench: Bench, ours: Turn) -> None:
    for name, what, theirs in (
        ("chart-xstate", "XState 5 in Node, in process", xstate()),
        ("chart-python-statemachine", "python-statemachine, in process", python_statemachine()),
    ):
        if theirs is None:
            print(f"{what}: not installed, not measured")
            continue
        theirs(SECONDS)
        pairs = []
        for _ in range(bench.repetitions):
            used, sent = ours()
            pairs.append((sent / used, theirs(SECONDS)))
        bench.rows.append(
            Row(name, "Events per second of CPU, SM.SEND of that chart", what, 0.0, ratios(pairs), at_least=True,
                measured=middle(pairs, 0, "/s"), reference=middle(pairs, 1, "/s"))
        )  # fmt: skip


SCRIPT = """
import { readFileSync } from 'node:fs';
import { createActor, createMachine } from 'xstate';
const { config, events, seconds } = JSON.parse(readFileSync(0, 'utf8'));
const actor = createActor(createMachine(config).provide({ actions: { note() {} } })).start();
const before = JSON.stringify(actor.getSnapshot().value);
const cycle = events.map((type) => ({ type }));
const cpu = () => process.cpuUsage().user + process.cpuUsage().system;
const run = (until) => {
  let sent = 0;
  do {
    for (const event of cycle) actor.send(event);
    sent += cycle.length;
  } while (cpu() < until);
  return sent;
};
run(cpu() + 300_000);
const began = cpu();
const sent = run(began + 1e6 * seconds);
const rate = (1e6 * sent) / (cpu() - began);
if (JSON.stringify(actor.getSnapshot().value) !== before) throw new Error('it stands elsewhere');
console.log(rate);
"""


def xstate() -> Callable[[float], float] | None:
    node = shutil.which("node")
    if node is None or not (XSTATE / "node_modules" / "xstate").is_dir():
        return None

    def theirs(seconds: float) -> float:
        task = json.dumps({"config": order(), "events": CYCLE, "seconds": seconds})
        done = subprocess.run([node, "--input-type=module", "-e", SCRIPT], cwd=XSTATE, input=task, text=True,
                              capture_output=True, check=False, timeout=60)  # fmt: skip
        if done.returncode != 0:
            raise BenchmarkError(f"node: {done.stderr}")
        return float(done.stdout)

    return theirs


def python_statemachine() -> Callable[[float], float] | None:
    if importlib.util.find_spec("statemachine") is None:
        return None
    from statemachine import State, StateChart

    class Order(StateChart):
        class active(State.Parallel):
            class payment(State.Compound):
                class open(State.Compound, initial=True):
                    awaiting, retrying = State(initial=True), State()
                    remind = retrying.to(awaiting, on="note")

                class paid(State.Compound):
                    authorised, captured = State(initial=True), State()
                    capture = authorised.to(captured, on="note")

                authorise = open.awaiting.to(paid, on="note")
                refund = paid.captured.to(open.retrying, on="note")

            class stock(State.Compound):
                class here(State.Compound, initial=True):
                    wanted, reserved = State(initial=True), State()
                    release = reserved.to(wanted, on="note")

                class gone(State.Compound):
                    picked, packed = State(initial=True), State()
                    pack = picked.to(packed, on="note")

                pick = here.wanted.to(gone, on="note")
                return_ = gone.packed.to(here.reserved, on="note")

            class delivery(State.Compound):
                class depot(State.Compound, initial=True):
                    planned, loaded = State(initial=True), State()
                    unload = loaded.to(planned, on="note")

                class away(State.Compound):
                    moving, arrived = State(initial=True), State()
                    arrive = moving.to(arrived, on="note")

                depart = depot.planned.to(away, on="note")
                come_back = away.arrived.to(depot.loaded, on="note")

        cancelled = State(final=True)
        cancel = active.to(cancelled)

        def note(self) -> None:
            """The action."""

    def theirs(seconds: float) -> float:
        machine = Order()
        before = set(machine.configuration)
        events = [event.lower() if event != "RETURN" else "return_" for event in CYCLE]
        sent, began = 0, time.process_time()
        while time.process_time() < began + seconds:
            for event in events:
                machine.send(event)
            sent += len(events)
        if set(machine.configuration) != before or len(before) != 10:
            raise BenchmarkError("python-statemachine stands elsewhere")
        return sent / (time.process_time() - began)

    return theirs
