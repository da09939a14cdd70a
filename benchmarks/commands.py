"""Rows: the server's CPU for a command, 64 in a pipeline, against what people use today."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from tests.servers import Server

from .bench import Bench, BenchmarkError, Figures, Turn, add_row, changes, compare, cpu, empty, in_turns
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
    """Each repetition on a server of its own: which commands share a bucket of the server's table of commands is
    another in each process, as is where keys lie, and moves the ratio of two that do little by a fiftieth."""
    rows = compared()
    pairs: dict[str, list[Figures]] = {row.name: [] for row in rows}
    for _ in range(bench.repetitions):
        with bench.server() as server, Clients(server) as clients:
            prepare(server)
            for row in rows:
                turns = clients.turn(row.measured, bench.turn), clients.turn(row.reference, bench.turn)
                pairs[row.name] += in_turns(bench, *turns, repetitions=1)
    for row in rows:
        add_row(bench, row.name, f"CPU of {row.what}", row.against, row.bound, pairs[row.name])
    with bench.server() as server, Clients(server) as clients:
        new_keys(bench, clients)


@dataclass(frozen=True)
class Compared:
    """A row and the traffic of its sides."""

    name: str
    what: str
    measured: Traffic
    against: str
    reference: Traffic
    bound: float


def compared() -> list[Compared]:
    numbers = range(KEYS)
    machines, strings = shuffled("m", numbers), shuffled("s", numbers)
    state = reads(machines, lambda machine: ("SM.STATE", machine))
    get = reads(machines, lambda machine: ("SM.GET", machine))
    as_state, as_get = (reads(shuffled(kind, numbers), lambda string: ("GET", string)) for kind in ("v", "d"))
    mutate = toggles(machines, lambda name, _, to: ("SM.MUTATE", name, to))
    reasoned = toggles(machines, lambda name, _, to: ("SM.MUTATE", name, to, REASON))
    hset = toggles(shuffled("h", numbers), lambda name, _, to: ("HSET", name, "state", to))
    evalsha = toggles(strings, lambda name, at, to: ("EVALSHA", SCRIPT_SHA, "1", name, at, to))
    function = toggles(strings, lambda name, at, to: ("FCALL", "compare_and_set", "1", name, at, to))
    return [
        Compared("state", "SM.STATE", state, "GET of as many bytes", as_state, 1.15),
        Compared("get", "SM.GET", get, "GET of as many bytes", as_get, 1.20),
        Compared("mutate", "SM.MUTATE, seen before, no reason", mutate, "HSET of one field", hset, 1.10),
        Compared("mutate-reason", "SM.MUTATE with a reason", reasoned, "HSET of one field", hset, 1.30),
        Compared("mutate-evalsha", "SM.MUTATE", mutate, "EVALSHA of a compare-and-set", evalsha, 0.25),
        Compared("mutate-function", "SM.MUTATE", mutate, "FCALL of a compare-and-set", function, 0.25),
    ]


def prepare(server: Server) -> None:
    """Makes the keys of all kinds in one shuffled order, so that no kind lies closer together in memory than another.

    The order alone moves the ratio of SM.STATE to GET by 0.05.
    """
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
    """Each turn fills an empty database."""
    numbers = range(bench.size(200_000, 50_000))
    server = clients.server

    def filling(load: Traffic) -> Turn:
        def turn() -> tuple[float, float]:
            empty(server)
            before, began = changes(server), cpu(server)
            sent = clients.send(load)
            used = cpu(server) - began
            assert changes(server) - before == sent == len(numbers)
            empty(server)
            return used, sent

        return turn

    compare(
        bench, "set", "CPU of SM.SET, 100 bytes seen before, new key", "SET of the same bytes, new key", 1.25,
        filling(stores(shuffled("m", numbers), lambda name: ("SM.SET", name, ORDER))),
        filling(stores(shuffled("s", numbers), lambda name: ("SET", name, ORDER))),
        turns=bench.few,
    )  # fmt: skip
