"""Rows: what becomes of SM.MUTATE's CPU with many states, many machines, many definitions."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence

from .bench import Bench, Figures, Row, Turn, add_row, compare, in_turns, nanoseconds, ratios
from .documents import ORDER, ORDER_ID, STATES, key, ring, stores, toggles
from .load import CLIENTS, Clients, Command, traffic

BOUND = 1.10
A_TURN = 20_000
"""Keys of one turn."""


def run(bench: Bench) -> None:
    states(bench)
    definitions(bench)
    machines(bench)


def mutate(name: str, _: str, to: str) -> Command:
    return ("SM.MUTATE", name, to)


def hset(name: str, _: str, to: str) -> Command:
    return ("HSET", name, "state", to)


def states(bench: Bench) -> None:
    """About as many machines as elsewhere, each walking over its part of a ring and back: together over every state.

    Each repetition on a server of its own: where nodes and keys lie in the processor's caches is another in each.
    """
    count, machines = 10_000, 1000
    steps = count // machines
    order = list(range(machines))
    random.Random(7).shuffle(order)
    sides = {"m": count, "k": 3}

    def state(kind: str, machine: int, step: int) -> str:
        return f"s{(machine * steps + step) % sides[kind]:05d}"

    def walk(kind: str, client: int) -> list[Command]:
        there_and_back = (*range(1, steps + 1), *reversed(range(steps)))
        return [
            ("SM.MUTATE", key(kind, n), state(kind, n, step)) for step in there_and_back for n in order[client::CLIENTS]
        ]

    documents = {kind: ring(size, kind) for kind, size in sides.items()}
    stored: list[Command] = [
        ("SM.SET", key(kind, n), document, state(kind, n, 0)) for n in order for kind, document in documents.items()
    ]
    making = traffic([stored], writes=True)
    loads = [traffic([walk(kind, client) for client in range(CLIENTS)], writes=True) for kind in sides]
    pairs: list[Figures] = []
    for _ in range(bench.repetitions):
        with bench.server() as server, Clients(server) as clients:
            clients.send(making)
            pairs += in_turns(bench, *(clients.turn(load, bench.turn) for load in loads), repetitions=1)
    add_row(bench, "growth-states", f"CPU of SM.MUTATE all over {count:,} states", "3 states", BOUND, pairs)


def definitions(bench: Bench) -> None:
    """Many definitions: beside the one that is used, and all of them used by a machine each.

    Machines of one definition and of many are made in turns, and alike: each has a definition of its own at first,
    since where an allocator puts a key depends on what else the command allocates.
    """
    count = bench.size(100_000, 10_000)
    numbers = list(range(count))
    random.Random(7).shuffle(numbers)
    own, shared = [key("m", n) for n in numbers], [key("k", n) for n in numbers]
    hashes = [key("h", n) for n in numbers[:1024]]

    texts = (ORDER.replace(ORDER_ID, f"order-{serial:08d}") for serial in itertools.count())
    stored: list[Command] = []
    for name, beside, another in itertools.zip_longest(own, shared, hashes):
        stored += [("SM.SET", name, next(texts)), ("SM.SET", beside, next(texts))]
        if another is not None:
            stored.append(("HSET", another, "state", STATES[0]))

    alike = traffic([stored], writes=True)
    few = toggles(shared[: len(hashes)], mutate), toggles(hashes, hset)
    with bench.server() as server, Clients(server) as clients, bench.server() as with_one, Clients(with_one) as others:
        for side, of_one in ((clients, shared), (others, shared + own)):
            side.send(alike)
            side.send(traffic([[("SM.SET", name, ORDER) for name in of_one]], writes=True))
        server.wait_info(definitions=count + 1)
        with_one.wait_info(definitions=1)
        less_hset(bench, "growth-definitions-held",
                  f"CPU of SM.MUTATE, {count:,} definitions held, one in use, HSET's loss taken off",
                  "as many machines of one definition held",
                  [side.turn(load, bench.turn) for load in few for side in (clients, others)])
        compare(bench, "growth-definitions", f"CPU of SM.MUTATE all over {count:,} definitions",
                "as many machines of one definition", BOUND,
                clients.turn(toggles(own, mutate), bench.turn),
                clients.turn(toggles(shared, mutate), bench.turn), turns=7)  # fmt: skip


def machines(bench: Bench) -> None:
    """Random machines of many, against one for each client; HSET's own loss is taken off."""
    count = bench.size(5_000_000, 500_000)
    with bench.server() as server, Clients(server) as clients:
        for start in range(0, count, 500_000):
            keys = range(start, min(start + 500_000, count))
            clients.send(stores([key("m", n) for n in keys], lambda name: ("SM.SET", name, ORDER)))
            clients.send(stores([key("h", n) for n in keys], lambda name: ("HSET", name, "state", STATES[0])))
        some = random.Random(7).sample(range(count), CLIENTS + bench.size(400_000, 20_000))
        sides: list[Turn] = []
        for kind, command in (("m", mutate), ("h", hset)):
            names = [key(kind, n) for n in some]
            few = toggles(names[:CLIENTS], command, repeat=4096 // CLIENTS)
            sides += [all_over(clients, names[CLIENTS:], command), clients.turn(few, bench.turn)]
        less_hset(bench, "growth-machines", f"CPU of SM.MUTATE all over {count:,} machines, HSET's loss taken off",
                  f"{CLIENTS} machines, one for each client", sides)  # fmt: skip


def all_over(clients: Clients, names: list[str], command: Callable[[str, str, str], Command]) -> Turn:
    """As toggles(), but each turn goes on where the last one ended: with many keys, turns would not be short."""

    def sweep(before: str, after: str) -> list[Turn]:
        parts = [names[start : start + A_TURN] for start in range(0, len(names), A_TURN)]
        return [clients.turn(stores(part, lambda name: command(name, before, after)), 0) for part in parts]

    there, back = STATES
    turns = itertools.cycle(sweep(there, back) + sweep(back, there))
    return lambda: next(turns)()


def less_hset(bench: Bench, name: str, what: str, against: str, sides: Sequence[Turn]) -> None:
    """A row of what SM.MUTATE loses, divided by what HSET loses: both sides of one, then those of the other."""
    measured = in_turns(bench, *sides)
    bench.rows.append(
        Row(name, what, against, BOUND, ratios(measured),
            measured=f"{nanoseconds(measured, 0)} (HSET {nanoseconds(measured, 2)})",
            reference=f"{nanoseconds(measured, 1)} (HSET {nanoseconds(measured, 3)})")
    )  # fmt: skip
