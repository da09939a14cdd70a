"""Rows: SM.MUTATE's CPU with many states, machines and definitions, compared with few."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence

from .bench import Batch, Bench, Costs, Row, add_row, compare, interleaved, nanoseconds, ratios
from .documents import ORDER, ORDER_ID, STATES, key, ring, stores, toggles
from .load import CLIENTS, Clients, Command, traffic

BOUND = 1.10
BATCH_KEYS = 20_000
"""Keys of one batch."""


def run(bench: Bench) -> None:
    states(bench)
    definitions(bench)
    machines(bench)


def mutate(name: str, _: str, to: str) -> Command:
    return ("SM.MUTATE", name, to)


def hset(name: str, _: str, to: str) -> Command:
    return ("HSET", name, "state", to)


def states(bench: Bench) -> None:
    """1,000 machines, each of which walks through its part of the ring of states and back: together through all states.

    About as many keys as in other rows: with 5,000, the keys alone fill the second-level cache. Each repetition uses a
    new server, since the layout of keys and nodes in the processor's caches differs from start to start.
    """
    count, machines = 10_000, 1000
    steps = count // machines
    order = list(range(machines))
    random.Random(7).shuffle(order)
    sides = {"m": count, "k": 3}

    def state(kind: str, machine: int, step: int) -> str:
        return f"s{(machine * steps + step) % sides[kind]:05d}"

    def walk(kind: str, client: int) -> list[Command]:
        positions = (*range(1, steps + 1), *reversed(range(steps)))
        return [
            ("SM.MUTATE", key(kind, n), state(kind, n, step)) for step in positions for n in order[client::CLIENTS]
        ]

    documents = {kind: ring(size, kind) for kind, size in sides.items()}
    stored: list[Command] = [
        ("SM.SET", key(kind, n), document, state(kind, n, 0)) for n in order for kind, document in documents.items()
    ]
    creation = traffic([stored], writes=True)
    loads = [traffic([walk(kind, client) for client in range(CLIENTS)], writes=True) for kind in sides]
    pairs: list[Costs] = []
    for _ in range(bench.repetitions):
        with bench.server() as server, Clients(server) as clients:
            clients.send(creation)
            pairs += interleaved(bench, *(clients.batch(load, bench.batch_seconds) for load in loads), repetitions=1)
    add_row(bench, "growth-states", f"CPU of SM.MUTATE across {count:,} states", "3 states", BOUND, pairs)


def definitions(bench: Bench) -> None:
    """Many definitions: stored while one of them is in use, and each in use by one machine.

    Machines of one definition and of many are created alternately and in the same way: each has a definition of its own
    first, since an allocator places a key depending on what else the command allocates.
    """
    count = bench.size(100_000, 10_000)
    numbers = list(range(count))
    random.Random(7).shuffle(numbers)
    own, shared = [key("m", n) for n in numbers], [key("k", n) for n in numbers]
    hashes = [key("h", n) for n in numbers[:1024]]

    texts = (ORDER.replace(ORDER_ID, f"order-{serial:08d}") for serial in itertools.count())
    stored: list[Command] = []
    for name, other, hash_key in itertools.zip_longest(own, shared, hashes):
        stored += [("SM.SET", name, next(texts)), ("SM.SET", other, next(texts))]
        if hash_key is not None:
            stored.append(("HSET", hash_key, "state", STATES[0]))

    creation = traffic([stored], writes=True)
    few = toggles(shared[: len(hashes)], mutate), toggles(hashes, hset)
    with bench.server() as server, Clients(server) as clients, bench.server() as with_one, Clients(with_one) as others:
        for side, of_one in ((clients, shared), (others, shared + own)):
            side.send(creation)
            side.send(traffic([[("SM.SET", name, ORDER) for name in of_one]], writes=True))
        server.wait_info(definitions=count + 1)
        with_one.wait_info(definitions=1)
        add_row_relative_to_hset(
            bench,
            "growth-definitions-held",
            f"CPU of SM.MUTATE, {count:,} definitions stored, one in use, relative to HSET",
            "as many machines of one definition",
            [side.batch(load, bench.batch_seconds) for load in few for side in (clients, others)],
        )
        compare(bench, "growth-definitions", f"CPU of SM.MUTATE across {count:,} definitions",
                "as many machines of one definition", BOUND,
                clients.batch(toggles(own, mutate), bench.batch_seconds),
                clients.batch(toggles(shared, mutate), bench.batch_seconds), batches=7)  # fmt: skip


def machines(bench: Bench) -> None:
    """Random machines of many, compared with one for each client; relative to HSET."""
    count = bench.size(5_000_000, 500_000)
    with bench.server() as server, Clients(server) as clients:
        for start in range(0, count, 500_000):
            keys = range(start, min(start + 500_000, count))
            clients.send(stores([key("m", n) for n in keys], lambda name: ("SM.SET", name, ORDER)))
            clients.send(stores([key("h", n) for n in keys], lambda name: ("HSET", name, "state", STATES[0])))
        some = random.Random(7).sample(range(count), CLIENTS + bench.size(400_000, 20_000))
        sides: list[Batch] = []
        for kind, command in (("m", mutate), ("h", hset)):
            names = [key(kind, n) for n in some]
            few = toggles(names[:CLIENTS], command, repeat=4096 // CLIENTS)
            sides += [in_parts(clients, names[CLIENTS:], command), clients.batch(few, bench.batch_seconds)]
        add_row_relative_to_hset(
            bench, "growth-machines", f"CPU of SM.MUTATE across {count:,} machines, relative to HSET",
            f"{CLIENTS} machines, one for each client", sides,
        )  # fmt: skip


def in_parts(clients: Clients, names: list[str], command: Callable[[str, str, str], Command]) -> Batch:
    """As toggles(), in short batches: each goes on with the keys after those of the batch before."""

    def sweep(before: str, after: str) -> list[Batch]:
        parts = [names[start : start + BATCH_KEYS] for start in range(0, len(names), BATCH_KEYS)]
        return [clients.batch(stores(part, lambda name: command(name, before, after)), 0) for part in parts]

    first, second = STATES
    batches = itertools.cycle(sweep(first, second) + sweep(second, first))
    return lambda: next(batches)()


def add_row_relative_to_hset(bench: Bench, name: str, what: str, against: str, sides: Sequence[Batch]) -> None:
    """A row of SM.MUTATE's slowdown divided by HSET's. ``sides``: many and few keys of SM.MUTATE, then of HSET."""
    measured = interleaved(bench, *sides)
    bench.rows.append(
        Row(name, what, against, BOUND, ratios(measured),
            measured=f"{nanoseconds(measured, 0)} (HSET {nanoseconds(measured, 2)})",
            reference=f"{nanoseconds(measured, 1)} (HSET {nanoseconds(measured, 3)})")
    )  # fmt: skip
