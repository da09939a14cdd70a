"""Rows: the server's CPU for a command, 64 in a pipeline, against what people use today."""

from __future__ import annotations

import random

from tests.servers import Server

from .bench import Bench, BenchmarkError, Turn, add_row, changes, compare, cpu, empty, in_turns
from .documents import ORDER, REASON, STATES, key, reads, shuffled, stores, toggles
from .load import Clients, Traffic

SCRIPT = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0"
)
LIBRARY = (
    "#!lua name=compare\n"
    "redis.register_function('compare_and_set', function(keys, args)\n"
    "  if redis.call('GET', keys[1]) == args[1] then redis.call('SET', keys[1], args[2]) return 1 end\n"
    "  return 0\n"
    "end)"
)
KEYS = 1024


READS = (
    ("state", "SM.STATE", "v", 1.15),
    ("get", "SM.GET", "d", 1.20),
)
"""Names of rows, commands, the kind of keys that GET reads, bounds."""


def run(bench: Bench) -> None:
    readings(bench)
    with bench.server() as server, Clients(server) as clients:
        writes(bench, clients, prepare(server))
        new_keys(bench, clients)


def prepare(server: Server) -> str:
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
    return str(own.script_load(SCRIPT))


def writes(bench: Bench, clients: Clients, sha: str) -> None:
    numbers = range(KEYS)
    machines, strings = shuffled("m", numbers), shuffled("s", numbers)
    mutate = toggles(machines, lambda name, _, to: ("SM.MUTATE", name, to))
    reasoned = toggles(machines, lambda name, _, to: ("SM.MUTATE", name, to, REASON))
    hset = toggles(shuffled("h", numbers), lambda name, _, to: ("HSET", name, "state", to))
    evalsha = toggles(strings, lambda name, at, to: ("EVALSHA", sha, "1", name, at, to))
    function = toggles(strings, lambda name, at, to: ("FCALL", "compare_and_set", "1", name, at, to))
    add(bench, clients, "mutate", mutate, hset, "SM.MUTATE, seen before, no reason", "HSET of one field", 1.10)
    add(bench, clients, "mutate-reason", reasoned, hset, "SM.MUTATE with a reason", "HSET of one field", 1.30)
    add(bench, clients, "mutate-evalsha", mutate, evalsha, "SM.MUTATE", "EVALSHA of a compare-and-set", 0.25)
    add(bench, clients, "mutate-function", mutate, function, "SM.MUTATE", "FCALL of a compare-and-set", 0.25)


def readings(bench: Bench) -> None:
    """Each repetition on a server of its own: which commands share a bucket of the server's table of commands is
    another in each process, and moves the ratio of two that do little by a fiftieth."""
    numbers = range(KEYS)
    machines = shuffled("m", numbers)
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name, *_ in READS}
    for _ in range(bench.repetitions):
        with bench.server() as server, Clients(server) as clients:
            prepare(server)
            if server.own.execute_command("SM.GET", machines[0]) != server.own.get(key("d", 0)):
                raise BenchmarkError("SM.GET and GET do not answer the same bytes")
            for name, word, kind, _bound in READS:
                measured = reads(machines, lambda machine, word=word: (word, machine))  # type: ignore[misc]
                reference = reads(shuffled(kind, numbers), lambda string: ("GET", string))
                turns = clients.turn(measured, bench.turn), clients.turn(reference, bench.turn)
                pairs[name] += in_turns(bench, *turns, repetitions=1)
    for name, word, _kind, bound in READS:
        add_row(bench, name, f"CPU of {word}", "GET of as many bytes", bound, pairs[name])


def add(bench: Bench, clients: Clients, name: str, measured: Traffic, reference: Traffic, what: str, against: str,
        bound: float) -> None:
    compare(bench, name, f"CPU of {what}", against, bound, clients.turn(measured, bench.turn),
            clients.turn(reference, bench.turn))  # fmt: skip


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
