"""Rows: a statechart of four levels and three regions: cached steps, steps that are not, and other libraries.

XState is measured where Node and the packages of `make oracle` are installed, python-statemachine where it is (`pip
install python-statemachine`): events per second of CPU, without a bound. Each runs in a process of its own, without
server, network or persistence.
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

from . import calibration
from .bench import Batch, Bench, BenchmarkError, Row, compare, median_text, ratios
from .documents import compact, key, shuffled, split_keys
from .load import Clients, Traffic, traffic

KEYS = 1024
LIBRARY_SECONDS = 0.3
"""CPU seconds of each measurement of another library."""
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
"""Four events take each region through its four states: first child of the first state, first of the second, second of
the second, second of the first, and back."""
CYCLE = [event for events in zip(*EVENTS.values(), strict=True) for event in events]
"""Twelve events that lead from the initial configuration back to it."""


def region(name: str) -> dict[str, Any]:
    (first, (a, b)), (second, (c, d)) = REGIONS[name].items()
    to_c, to_d, to_b, to_a = EVENTS[name]

    def to(target: str, event: str) -> dict[str, Any]:
        return {event: {"target": target, "actions": "note"}}

    path = f"#order.active.{name}"
    return {
        "initial": first,
        "states": {
            first: {
                "initial": a,
                "states": {a: {"on": to(f"{path}.{second}", to_c)}, b: {"on": to(a, to_a)}},
            },
            second: {
                "initial": c,
                "states": {c: {"on": to(d, to_d)}, d: {"on": to(f"{path}.{first}.{b}", to_b)}},
            },
        },
    }


def order(version: str = "1") -> dict[str, Any]:
    """A chart of an order with three parallel regions; each ``version`` is another definition."""
    active = {"type": "parallel", "on": {"CANCEL": "cancelled"}, "states": {name: region(name) for name in REGIONS}}
    states = {"active": active, "cancelled": {"type": "final"}}
    return {"id": "order", "version": version, "initial": "active", "states": states}


def visit_all_configurations() -> Iterator[str]:
    """63 events that visit all 64 configurations, each once."""
    rings = [itertools.cycle(EVENTS[name]) for name in REGIONS]
    for step in range(1, 64):
        yield next(rings[2 if step % 16 == 0 else 1 if step % 4 == 0 else 0])


def run(bench: Bench) -> None:
    with bench.server() as server, Clients(server) as clients:
        numbers = range(KEYS)
        for number in numbers:
            server.own.execute_command("SM.SET", key("m", number), compact(order()))
        sends = repeat_cycle(shuffled("m", numbers), lambda name, event: ("SM.SEND", name, event))
        hsets = repeat_cycle(shuffled("h", numbers), lambda name, event: ("HSET", name, "state", event))
        compare(bench, "chart-send", "CPU of SM.SEND, cached, four levels, three regions", "HSET of one field",
                1.15, clients.batch(sends, bench.batch_seconds), clients.batch(hsets, bench.batch_seconds))  # fmt: skip
        uncached_steps(bench, clients)
        compare_with_libraries(bench, clients.batch(sends, bench.batch_seconds))


def repeat_cycle(keys: list[str], command: Callable[[str, str], tuple[str | bytes, ...]]) -> Traffic:
    """``command(key, event)`` for each key and event of the cycle."""
    return traffic([[command(name, event) for event in CYCLE for name in own] for own in split_keys(keys)], writes=True)


def uncached_steps(bench: Bench, clients: Clients) -> None:
    """Machines of new definitions visit all configurations: no step and no configuration is in the cache."""
    count = 10
    serials = itertools.count()
    events = list(visit_all_configurations())

    def prepare() -> Traffic:
        names = [key("f", number) for number in range(count)]
        stores = [("SM.SET", name, compact(order(f"new {next(serials)}"))) for name in names]
        clients.send(traffic([stores], writes=True))
        return traffic([[("SM.SEND", name, event) for event in events for name in names]], writes=True)

    clients.uncached_cost(prepare())
    with calibration.pinned_to(calibration.CLIENT_CPUS):
        calibration.pin_server(clients.server.pid)
        samples = tuple(
            calibration.minimum(lambda: bench.calibration.undisturbed(prepare, clients.uncached_cost))[0]
            for _ in range(bench.repetitions)
        )
    bench.rows.append(
        Row("chart-first-answer", "CPU of an SM.SEND that is not cached, four levels, three regions", "", 100.0,
            samples, unit="µs")
    )  # fmt: skip


# ---- the same chart in other libraries ----


def compare_with_libraries(bench: Bench, module: Batch) -> None:
    for name, what, library in (
        ("chart-xstate", "XState 5 in Node, in process", xstate()),
        ("chart-python-statemachine", "python-statemachine, in process", python_statemachine()),
    ):
        if library is None:
            print(f"{what}: not installed, not measured")
            continue
        library(LIBRARY_SECONDS)
        pairs = []
        for _ in range(bench.repetitions):
            used, sent = module()
            pairs.append((sent / used, library(LIBRARY_SECONDS)))
        bench.rows.append(
            Row(name, "Events per second of CPU, SM.SEND of that chart", what, 0.0, ratios(pairs), at_least=True,
                measured=median_text(pairs, 0, "/s"), reference=median_text(pairs, 1, "/s"))
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
if (JSON.stringify(actor.getSnapshot().value) !== before) throw new Error('not in the initial configuration');
console.log(rate);
"""


def xstate() -> Callable[[float], float] | None:
    node = shutil.which("node")
    if node is None or not (XSTATE / "node_modules" / "xstate").is_dir():
        return None

    def measure(seconds: float) -> float:
        task = json.dumps({"config": order(), "events": CYCLE, "seconds": seconds})
        done = subprocess.run([node, "--input-type=module", "-e", SCRIPT], cwd=XSTATE, input=task, text=True,
                              capture_output=True, check=False, timeout=60)  # fmt: skip
        if done.returncode != 0:
            raise BenchmarkError(f"node: {done.stderr}")
        return float(done.stdout)

    return measure


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
            """An action that does nothing."""

    def measure(seconds: float) -> float:
        machine = Order()
        before = set(machine.configuration)
        events = [event.lower() if event != "RETURN" else "return_" for event in CYCLE]
        sent, began = 0, time.process_time()
        while time.process_time() < began + seconds:
            for event in events:
                machine.send(event)
            sent += len(events)
        if set(machine.configuration) != before or len(before) != 10:
            raise BenchmarkError("python-statemachine is not in the initial configuration")
        return sent / (time.process_time() - began)

    return measure
