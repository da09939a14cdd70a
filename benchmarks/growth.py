"""Rows: what becomes of SM.MUTATE's CPU with many states, many machines, many definitions."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

from .bench import Bench, Row, compare, in_turns, nanoseconds, ratios
from .documents import ORDER, ORDER_ID, STATES, key, ring, stores, toggles
from .load import CLIENTS, Clients, Command, Traffic, traffic

BOUND = 1.10


def run(bench: Bench) -> None:
    states(bench)
    definitions(bench)
    machines(bench)


def mutate(name: str, _: str, to: str) -> Command:
    return ("SM.MUTATE", name, to)


def states(bench: Bench) -> None:
    """Machines that together stand on every state of a ring, each going to the next state and back."""
    count = 10_000
    machines = count // 2
    order = list(range(machines))
    random.Random(7).shuffle(order)
    with bench.server() as server, Clients(server) as clients:
        loads = []
        for kind, size in (("m", count), ("k", 3)):
            pairs = [(f"s{2 * n % (size - 1):05d}", f"s{2 * n % (size - 1) + 1:05d}") for n in range(machines)]
            document = ring(size, kind)
            clients.send(traffic([[("SM.SET", key(kind, n), document, pairs[n][0]) for n in order]], writes=True))
            sweeps = [
                [[("SM.MUTATE", key(kind, n), pairs[n][to]) for n in order[client::CLIENTS]] for to in (1, 0)]
                for client in range(CLIENTS)
            ]
            loads.append(traffic([there + back for there, back in sweeps], writes=True))
        compare(bench, "growth-states", f"CPU of SM.MUTATE all over {count:,} states", "3 states", BOUND,
                clients.turn(loads[0], bench.turn), clients.turn(loads[1], bench.turn))  # fmt: skip


def definitions(bench: Bench) -> None:
    """Many definitions: beside the one that is used, and all of them used by a machine each."""
    count = bench.size(100_000, 10_000)
    numbers = list(range(count))
    random.Random(7).shuffle(numbers)
    serials = itertools.count()
    own, shared = [key("m", n) for n in numbers], [key("k", n) for n in numbers]
    few = toggles(shared[:1024], mutate)

    def another(name: str) -> Command:
        return ("SM.SET", name, ORDER.replace(ORDER_ID, f"order-{next(serials):08d}"))

    with bench.server() as server, Clients(server) as clients, bench.server() as empty, Clients(empty) as alone:
        for side in (clients, alone):
            side.send(stores(shared, lambda name: ("SM.SET", name, ORDER)))
        clients.send(stores(own, another))
        compare(bench, "growth-definitions-held", f"CPU of SM.MUTATE, {count:,} definitions held, one in use",
                "one definition held", BOUND, clients.turn(few, bench.turn), alone.turn(few, bench.turn))
        compare(bench, "growth-definitions", f"CPU of SM.MUTATE all over {count:,} definitions",
                "as many machines of one definition", BOUND,
                clients.turn(toggles(own, mutate), bench.turn),
                clients.turn(toggles(shared, mutate), bench.turn))  # fmt: skip


def machines(bench: Bench) -> None:
    """Random machines of many, against one for each client; HSET's own loss is taken off."""
    count = bench.size(5_000_000, 500_000)
    with bench.server() as server, Clients(server) as clients:
        for start in range(0, count, 500_000):
            keys = range(start, min(start + 500_000, count))
            clients.send(stores([key("m", n) for n in keys], lambda name: ("SM.SET", name, ORDER)))
            clients.send(stores([key("h", n) for n in keys], lambda name: ("HSET", name, "state", STATES[0])))
        some = random.Random(7).sample(range(count), min(count, bench.size(400_000, 20_000)))
        few = some[:CLIENTS]

        def both(numbers: Sequence[int]) -> tuple[Traffic, Traffic]:
            repeat = max(1, 4096 // len(numbers))
            return (
                toggles([key("m", n) for n in numbers], mutate, repeat=repeat),
                toggles([key("h", n) for n in numbers], lambda name, _, to: ("HSET", name, "state", to), repeat=repeat),
            )

        measured = []
        for load, alone in zip(both(some), both(few), strict=True):
            measured.append(in_turns(bench, clients.turn(load, bench.turn), clients.turn(alone, bench.turn), turns=2))
    samples = tuple(own / hset for own, hset in zip(*map(ratios, measured), strict=True))
    bench.rows.append(
        Row("growth-machines", f"CPU of SM.MUTATE all over {count:,} machines, HSET's loss taken off",
            f"{CLIENTS} machines, one for each client", BOUND, samples,
            measured=f"{nanoseconds(measured[0], 0)} (HSET {nanoseconds(measured[1], 0)})",
            reference=f"{nanoseconds(measured[0], 1)} (HSET {nanoseconds(measured[1], 1)})")
    )  # fmt: skip
