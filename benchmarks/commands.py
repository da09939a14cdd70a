"""Rows: the server's CPU for a command, in pipelines of 64, compared with commands that are used instead of it."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from tests.servers import Server

from .bench import Batch, Bench, BenchmarkError, Costs, add_row, compare, cpu, flush, interleaved
from .documents import ORDER, REASON, STATES, key, reads, shuffled, stores, toggles
from .load import Clients, Traffic

SCRIPT = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0"
)
SCRIPT_SHA = hashlib.sha1(SCRIPT.encode()).hexdigest()
LIBRARY = (
    "#!lua name=compare\n"
    "redis.register_function('compare_and_set', function(keys, args)\n"
    "  if redis.call('GET', keys[1]) == args[1] then redis.call('SET', keys[1], args[2]) return 1 end\n"
    "  return 0\n"
    "end)"
)
KEYS = 1024


def run(bench: Bench) -> None:
    """Each repetition uses a new server. Hash seeds and heap layout differ from start to start, and with them the ratio
    of two cheap commands, by up to a fiftieth."""
    rows = comparisons()
    pairs: dict[str, list[Costs]] = {row.name: [] for row in rows}
    for _ in range(bench.repetitions):
        with bench.server() as server, Clients(server) as clients:
            prepare(server)
            for row in rows:
                sides = [clients.batch(traffic, bench.batch_seconds) for traffic in (row.measured, row.reference)]
                pairs[row.name] += interleaved(bench, *sides, repetitions=1)
    for row in rows:
        add_row(bench, row.name, f"CPU of {row.what}", row.against, row.bound, pairs[row.name])
    with bench.server() as server, Clients(server) as clients:
        new_keys(bench, clients)


@dataclass(frozen=True)
class Comparison:
    """A row of the table, and the traffic of both its sides."""

    name: str
    what: str
    measured: Traffic
    against: str
    reference: Traffic
    bound: float


def comparisons() -> list[Comparison]:
    numbers = range(KEYS)
    machines, strings = shuffled("m", numbers), shuffled("s", numbers)
    state = reads(machines, lambda machine: ("SM.STATE", machine))
    get = reads(machines, lambda machine: ("SM.GET", machine))
    as_state, as_get = (reads(shuffled(kind, numbers), lambda string: ("GET", string)) for kind in ("v", "d"))
    mutate = toggles(machines, lambda name, _, to: ("SM.MUTATE", name, to))
    with_reason = toggles(machines, lambda name, _, to: ("SM.MUTATE", name, to, REASON))
    hset = toggles(shuffled("h", numbers), lambda name, _, to: ("HSET", name, "state", to))
    evalsha = toggles(strings, lambda name, at, to: ("EVALSHA", SCRIPT_SHA, "1", name, at, to))
    function = toggles(strings, lambda name, at, to: ("FCALL", "compare_and_set", "1", name, at, to))
    return [
        Comparison("state", "SM.STATE", state, "GET of as many bytes", as_state, 1.15),
        Comparison("get", "SM.GET", get, "GET of as many bytes", as_get, 1.20),
        Comparison("mutate", "SM.MUTATE, cached, no reason", mutate, "HSET of one field", hset, 1.10),
        Comparison("mutate-reason", "SM.MUTATE with a reason", with_reason, "HSET of one field", hset, 1.30),
        Comparison("mutate-evalsha", "SM.MUTATE", mutate, "EVALSHA of a compare-and-set", evalsha, 0.25),
        Comparison("mutate-function", "SM.MUTATE", mutate, "FCALL of a compare-and-set", function, 0.25),
    ]


def prepare(server: Server) -> None:
    """Creates the keys of all types in one shuffled order: their order in memory alone changes the ratio of SM.STATE to
    GET by 0.05."""
    own = server.own
    own.function_load(LIBRARY)
    own.execute_command("SM.SET", "first", ORDER)
    document = own.execute_command("SM.GET", "first")
    state = own.execute_command("SM.STATE", "first")[0]
    reply = f"*1\r\n${len(state)}\r\n{state}\r\n"
    values = {"s": STATES[0], "d": document, "v": "v" * (len(reply) - len("$0\r\n\r\n"))}
    order = [(kind, number) for kind in ("m", "h", *values) for number in range(KEYS)]
    random.Random(7).shuffle(order)
    for kind, number in order:
        name = key(kind, number)
        if kind == "m":
            own.execute_command("SM.SET", name, ORDER)
        elif kind == "h":
            own.hset(name, "state", STATES[0])
        else:
            own.set(name, values[kind])
    own.delete("first")
    if own.execute_command("SM.GET", key("m", 0)) != own.get(key("d", 0)):
        raise BenchmarkError("SM.GET and GET do not answer the same bytes")
    if own.script_load(SCRIPT) != SCRIPT_SHA:
        raise BenchmarkError("EVALSHA would not find its script")


def new_keys(bench: Bench, clients: Clients) -> None:
    """Each batch fills an empty database."""
    numbers = range(bench.size(200_000, 50_000))
    server = clients.server

    def filling(load: Traffic) -> Batch:
        def batch() -> tuple[float, float]:
            flush(server)
            before, began = server.writes(), cpu(server)
            sent = clients.send(load)
            used = cpu(server) - began
            assert server.writes() - before == sent == len(numbers)
            flush(server)
            return used, sent

        return batch

    compare(
        bench, "set", "CPU of SM.SET, 100 bytes, cached definition, new key", "SET of the same bytes, new key", 1.25,
        filling(stores(shuffled("m", numbers), lambda name: ("SM.SET", name, ORDER))),
        filling(stores(shuffled("s", numbers), lambda name: ("SET", name, ORDER))),
        batches=bench.few_batches,
    )  # fmt: skip
