"""Rows: the server's CPU for a command, 64 in a pipeline, against what people use today."""

from __future__ import annotations

from tests.servers import Server

from .bench import Bench, BenchmarkError, Turn, changes, compare, cpu, empty
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


def run(bench: Bench) -> None:
    with bench.server() as server, Clients(server) as clients:
        sha = prepare(server)
        readings(bench, clients)  # before the writes, which leave reasons behind
        writes(bench, clients, sha)
        new_keys(bench, clients)


def prepare(server: Server) -> str:
    own = server.own
    own.function_load(LIBRARY)
    for number in range(KEYS):
        own.execute_command("SM.SET", key("m", number), ORDER)
        own.hset(key("h", number), "state", STATES[0])
        own.set(key("s", number), STATES[0])
    document = own.execute_command("SM.GET", key("m", 0))
    state = own.execute_command("SM.STATE", key("m", 0))[0]
    reply = f"*1\r\n${len(state)}\r\n{state}\r\n"
    value = "v" * (len(reply) - len("$0\r\n\r\n"))
    for number in range(KEYS):
        own.set(key("d", number), document)
        own.set(key("v", number), value)
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


def readings(bench: Bench, clients: Clients) -> None:
    numbers = range(KEYS)
    machines = shuffled("m", numbers)
    own = clients.server.own
    if own.execute_command("SM.GET", machines[0]) != own.get(key("d", 0)):
        raise BenchmarkError("SM.GET and GET do not answer the same bytes")
    for name, word, kind, bound in (("state", "SM.STATE", "v", 1.15), ("get", "SM.GET", "d", 1.20)):
        measured = reads(machines, lambda machine, word=word: (word, machine))  # type: ignore[misc]
        reference = reads(shuffled(kind, numbers), lambda string: ("GET", string))
        add(bench, clients, name, measured, reference, word, "GET of as many bytes", bound)


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
        turns=2,
    )  # fmt: skip
