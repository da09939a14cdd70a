"""Rows: steps that many writers may trust, compared with what clients do for the same: a version, a token, a log."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

from tests.documents import compact
from tests.servers import Server

from .bench import Bench, BenchmarkError, Costs, Row, add_row, cpu, interleaved, median_text, ratios
from .documents import STATES, key, shuffled, split_keys, stores
from .load import CLIENTS, Clients, Command, Traffic, traffic
from .storage import filled, used_memory

KEYS = 1024
FIRST, SECOND = STATES
ENTRIES = 100
"""How many a history keeps."""
TOKENS = 64
"""Likewise of tokens, where the document does not say."""

SCRIPT = """
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return redis.error_reply('CONFLICT') end
redis.call('HSET', KEYS[1], 'state', ARGV[2], 'version', ARGV[1] + 1)
return 1
"""
SCRIPT_SHA = hashlib.sha1(SCRIPT.encode()).hexdigest()


def document(**store: object) -> str:
    """A map of two states; ``store`` is what its machines keep."""
    return compact({"id": "two", "map": {FIRST: [SECOND], SECOND: [FIRST]}, "initial": FIRST, "store": store})


def run(bench: Bench) -> None:
    compared(bench)
    tokens(bench)
    history(bench)
    entry_memory(bench)
    token_memory(bench)


# ---- what a step costs ----

Step = Callable[[str, str, str, int], list[Command]]
"""The commands of one step: of a key, from a state, to a state, the number of the step."""


class Steps:
    """A batch: one whose steps say which they are, so that its traffic is made anew each time."""

    def __init__(self, bench: Bench, clients: Clients, keys: list[str], step: Step, writes: int) -> None:
        self.clients, self.keys, self.step, self.writes = clients, keys, step, writes
        self.steps = 2 if bench.quick else 4
        self.begun = 0

    def __call__(self) -> tuple[float, float]:
        """Raises BenchmarkError where a step does not write what it should."""
        numbers = range(self.begun, self.begun + self.steps)
        self.begun += self.steps
        load = traffic(
            [
                [
                    command
                    for number in numbers
                    for name in own
                    for command in self.step(name, STATES[number % 2], STATES[(number + 1) % 2], number)
                ]
                for own in split_keys(self.keys, CLIENTS)
            ],
            writes=True,
        )
        server, count = self.clients.server, self.steps * len(self.keys)
        before, began = server.writes(), cpu(server)
        self.clients.send(load)
        used = cpu(server) - began
        if server.writes() - before != self.writes * count:
            raise BenchmarkError(f"{server.writes() - before} writes by {count} steps")
        return used, count


def prepare(server: Server, store: dict[str, object], **fields: object) -> None:
    """Machines and hashes, created in one shuffled order."""
    order = [(kind, number) for kind in "mh" for number in range(KEYS)]
    random.Random(7).shuffle(order)
    for kind, number in order:
        if kind == "m":
            server.own.execute_command("SM.SET", key(kind, number), document(**store))
        else:
            server.own.hset(key(kind, number), mapping={"state": FIRST, **fields})


def measured(
    bench: Bench, store: dict[str, object], ours: Step, theirs: Step, warm_up: int = 0, **fields: object
) -> list[Costs]:
    """Both sides in turns, on a new server for each repetition, after so many steps of each machine. A step of theirs
    writes twice."""
    pairs: list[Costs] = []
    for _ in range(bench.repetitions):
        with bench.server() as server, Clients(server) as clients:
            prepare(server, store, **fields)
            server.own.script_load(SCRIPT)
            sides = [
                Steps(bench, clients, shuffled("m", range(KEYS)), ours, 1),
                Steps(bench, clients, shuffled("h", range(KEYS)), theirs, 2),
            ]
            for side in sides:
                while side.begun < warm_up:
                    side()
            pairs += interleaved(bench, *sides, repetitions=1)
    return pairs


def compared(bench: Bench) -> None:
    def ours(name: str, _: str, after: str, number: int) -> list[Command]:
        return [("SM.MUTATE", name, after, "IFREV", str(number + 1))]

    def theirs(name: str, _: str, after: str, number: int) -> list[Command]:
        return [("EVALSHA", SCRIPT_SHA, "1", name, str(number + 1), after)]

    pairs = measured(bench, {}, ours, theirs, version=1)
    add_row(bench, "ifrev", "CPU of SM.MUTATE with IFREV", "EVALSHA that compares a version and sets two fields", 0.30,
            pairs)  # fmt: skip


def tokens(bench: Bench) -> None:
    """Tokens that have not been seen; each machine has its 64, so that one goes for each that comes."""

    def ours(name: str, _: str, after: str, number: int) -> list[Command]:
        return [("SM.MUTATE", name, after, "ID", f"{name}/{number:06d}")]

    def theirs(name: str, _: str, after: str, number: int) -> list[Command]:
        token = f"{name}/{number:06d}"
        return [("MULTI",), ("SET", token, "1", "NX", "EX", "86400"), ("HSET", name, "state", after), ("EXEC",)]

    pairs = measured(bench, {}, ours, theirs, warm_up=TOKENS)
    add_row(bench, "id", "CPU of SM.MUTATE with ID, a new token", "MULTI, SET token NX EX, HSET, EXEC", 1.00, pairs)


def history(bench: Bench) -> None:
    """Histories and streams that are full, so that an entry goes for each that comes."""

    def ours(name: str, _: str, after: str, number: int) -> list[Command]:
        return [("SM.MUTATE", name, after)]

    def theirs(name: str, before: str, after: str, number: int) -> list[Command]:
        return [("MULTI",), ("HSET", name, "state", after), xadd(f"log:{name}", before, after), ("EXEC",)]

    pairs = measured(bench, {"history": ENTRIES}, ours, theirs, warm_up=ENTRIES)
    add_row(bench, "history", f"CPU of SM.MUTATE with a history of {ENTRIES}",
            f"MULTI, HSET, XADD MAXLEN ~ {ENTRIES}, EXEC", 0.60, pairs)  # fmt: skip


def xadd(stream: str, before: str, after: str) -> Command:
    """An entry of the fields that one of a history has without a reason. Its time is its place."""
    return ("XADD", stream, "MAXLEN", "~", str(ENTRIES), "*", "user", "default", "event", after, "from", before,
            "to", after)  # fmt: skip


# ---- what it keeps ----


def memory_row(bench: Bench, name: str, what: str, against: str, bound: float, pair: Costs) -> None:
    pairs = [pair] * bench.repetitions
    bench.rows.append(
        Row(name, what, against, bound, ratios(pairs), measured=median_text(pairs, 0, "B", digits=1),
            reference=median_text(pairs, 1, "B", digits=1))
    )  # fmt: skip


def added(server: Server, loads: list[Traffic], count: int) -> float:
    """Bytes of memory that the traffic adds, for each of so many."""
    before = used_memory(server)
    with Clients(server) as clients:
        for load in loads:
            clients.send(load)
    return (used_memory(server) - before) / count


def entry_memory(bench: Bench) -> None:
    """An entry of a full history, of SM.SEND, and one of a stream that is as full."""
    count = bench.size(5_000, 1_000)
    names = [key("m", number) for number in range(count)]

    def step(number: int) -> Traffic:
        return stores(names, lambda name: ("SM.SEND", name, STATES[number % 2]))

    def entry(number: int) -> Traffic:
        return stores(names, lambda name: xadd(name, STATES[(number + 1) % 2], STATES[number % 2]))

    with bench.server() as with_history, bench.server() as without, bench.server() as with_streams:
        held = []
        for server, store in ((with_history, {"history": ENTRIES}), (without, {})):
            filled(server, stores(names, lambda name, store=store: ("SM.SET", name, document(**store))))
            held.append(added(server, [step(number) for number in range(1, ENTRIES)], count))
        streams = added(with_streams, [entry(number) for number in range(ENTRIES)], count)
        length = with_streams.own.xlen(names[0])
        entries = len(with_history.own.execute_command("SM.HISTORY", names[0], "COUNT", 2 * ENTRIES))
    if (entries, length) != (ENTRIES, ENTRIES):
        raise BenchmarkError(f"a history of {entries}, a stream of {length}")
    # the first entry of a machine came with it; the stream's own bytes are its entries', as it is there for them alone
    memory_row(bench, "entry-memory", f"Memory of an entry without reason, history of {ENTRIES}",
               "an entry of the same fields in a stream", 1.00,
               ((held[0] - held[1]) / (ENTRIES - 1), streams / ENTRIES))  # fmt: skip


def token_memory(bench: Bench) -> None:
    """A token of 36 bytes, as a UUID has, with the reply of SM.MUTATE; and a key with a TTL that says the same."""
    count = bench.size(5_000, 1_000)
    names = [key("m", number) for number in range(count)]

    def token(name: str, number: int) -> str:
        return f"{name}/{number:021d}"

    def step(number: int, *more: Callable[[str], str]) -> Traffic:
        return stores(names, lambda name: ("SM.MUTATE", name, STATES[number % 2], *(say(name) for say in more)))

    if len(token(names[0], 0)) != 36:
        raise BenchmarkError("a token does not have 36 bytes")
    with bench.server() as with_tokens, bench.server() as without, bench.server() as with_keys:
        for server in (with_tokens, without):
            filled(server, stores(names, lambda name: ("SM.SET", name, document())))
        numbers = range(1, TOKENS + 1)
        held = added(with_tokens, [step(n, lambda _: "ID", lambda name, n=n: token(name, n)) for n in numbers], count)
        held -= added(without, [step(n) for n in numbers], count)
        keys = [stores(names, lambda name, n=n: ("SET", token(name, n), "1", "NX", "EX", "86400")) for n in numbers]
        strings = added(with_keys, keys, count)
        if with_keys.own.dbsize() != count * TOKENS:
            raise BenchmarkError("a token made no key")
    memory_row(bench, "token-memory", "Memory of a token whose reply has no effects", "a key with the token", 0.50,
               (held / TOKENS, strings / TOKENS))  # fmt: skip
