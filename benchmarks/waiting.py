"""Rows: machines that wait for deadlines, compared with sorted sets of times beside hashes, and how late they fire."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from tests.documents import compact
from tests.servers import Server

from .bench import (
    Batch,
    Bench,
    BenchmarkError,
    Costs,
    Row,
    add_row,
    cpu,
    interleaved,
    median_of_each,
    median_text,
    ratios,
)
from .documents import STATES, key, shuffled, split_keys, stores, toggles
from .load import Clients, Command, FixedRate, Traffic, pack, traffic
from .storage import filled

ORDER = compact({
    "id": "order", "initial": "open",
    "states": {"open": {"after": {"PT15M": "expired"}, "on": {"PAY": "paid"}}, "paid": {}, "expired": {}},
})  # fmt: skip
SOON = ORDER.replace("PT15M", "1")
KEYS = 1024
FIRST, SECOND = STATES

SCRIPT = """
if redis.call('ZSCORE', KEYS[2], KEYS[1]) ~= ARGV[3] then return 0 end
if redis.call('HGET', KEYS[1], 'state') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2])
redis.call('ZREM', KEYS[2], KEYS[1])
return 1
"""
SCRIPT_SHA = hashlib.sha1(SCRIPT.encode()).hexdigest()


def run(bench: Bench) -> None:
    memory(bench)
    arming(bench)
    outbox(bench)
    firing(bench)
    lateness(bench)
    herd(bench)


def memory(bench: Bench) -> None:
    """What a deadline adds to a machine, and a sorted set with the key's name."""
    count = bench.size(1_000_000, 100_000)
    names = [key("m", number) for number in range(count)]
    with bench.server() as waiting, bench.server() as idle, bench.server() as with_set:
        deadline = (filled(waiting, stores(names, lambda name: ("SM.SET", name, ORDER)))
                    - filled(idle, stores(names, lambda name: ("SM.SET", name, ORDER, "paid"))))  # fmt: skip
        zadd = stores(names, lambda name: ("ZADD", "deadlines", f"17{int(name[2:]):011d}", name))
        pairs = [(deadline, filled(with_set, zadd, keys=1))] * bench.repetitions
    bench.rows.append(
        Row("deadline-memory", "Memory of a deadline", "a ZSET's member, the key's name", 1.00, ratios(pairs),
            measured=median_text(pairs, 0, "B", digits=1), reference=median_text(pairs, 1, "B", digits=1))
    )  # fmt: skip


def arming(bench: Bench) -> None:
    """Two states with a deadline each: a step from one to the other, and the transaction that does as much."""
    states = {
        one: {"after": {"PT1H": one}, "on": {other: other}} for one, other in ((FIRST, SECOND), (SECOND, FIRST))
    }
    chart = compact({"id": "two", "initial": FIRST, "states": states})
    pairs: list[Costs] = []
    for _ in range(bench.repetitions):
        with bench.server() as server, Clients(server) as clients:
            names = {kind: shuffled(kind, range(KEYS)) for kind in "mh"}
            for machine, hash_ in zip(names["m"], names["h"], strict=True):
                server.own.execute_command("SM.SET", machine, chart)
                server.own.hset(hash_, "state", FIRST)
                server.own.zadd("deadlines", {f"{hash_}:{FIRST}": 0})
            send = toggles(names["m"], lambda name, _, to: ("SM.SEND", name, to))
            sides = clients.batch(send, bench.batch_seconds), transactions(bench, clients, names["h"], times)
            pairs += interleaved(bench, *sides, repetitions=1)
            if server.info()["timers"] != KEYS:
                raise BenchmarkError("a step did not cancel one deadline and arm another")
    add_row(bench, "arm", "CPU of SM.SEND that arms one deadline and cancels another",
            "MULTI, HSET, ZADD, ZREM, EXEC", 1.00, pairs)  # fmt: skip


def times(name: str, before: str, after: str) -> list[Command]:
    return [("HSET", name, "state", after), ("ZADD", "deadlines", "1700000000000", f"{name}:{after}"),
            ("ZREM", "deadlines", f"{name}:{before}")]  # fmt: skip


def transactions(
    bench: Bench, clients: Clients, names: list[str], inner: Callable[[str, str, str], list[Command]]
) -> Batch:
    """Transactions of what ``inner`` gives for a key and the states before and after; each changes something."""

    def commands(name: str, before: str, after: str) -> list[Command]:
        return [("MULTI",), *inner(name, before, after), ("EXEC",)]

    steps = ((FIRST, SECOND), (SECOND, FIRST))
    load = traffic(
        [[one for step in steps for name in own for one in commands(name, *step)] for own in split_keys(names)],
        writes=True,
    )

    def batch() -> tuple[float, float]:
        before, began = clients.server.writes(), cpu(clients.server)
        sent = clients.send(load, bench.batch_seconds)
        used = cpu(clients.server) - began
        size = len(inner("", FIRST, SECOND))
        count = sent // (size + 2)
        if clients.server.writes() - before != size * count:
            raise BenchmarkError("a command of a transaction changed nothing")
        return used, count

    return batch


# ---- the outbox ----

EFFECTS, OTHERS = "effects", "other effects"


def entry(name: str, _: str, after: str) -> list[Command]:
    """What an entry of the outbox says, as a client writes it."""
    return [("HSET", name, "state", after),
            ("XADD", OTHERS, "*", "id", "1a222569cf090c2d", "key", name, "machine", "two@1", "type", "tell", "params",
             '{"n":1}', "event", after, "revision", "12345", "ms", "1795872431344")]  # fmt: skip


def outbox(bench: Bench) -> None:
    """Two states and a step from one to the other with an effect, which a stream has then."""
    states = {
        one: {"on": {other: {"target": other, "actions": {"type": "tell", "params": {"n": 1}}}}}
        for one, other in ((FIRST, SECOND), (SECOND, FIRST))
    }
    chart = compact({"id": "two", "version": "1", "initial": FIRST, "states": states,
                     "store": {"outbox": {"stream": EFFECTS}}})  # fmt: skip
    pairs: list[Costs] = []
    for _ in range(bench.repetitions):
        with bench.server() as server, Clients(server) as clients:
            names = {kind: shuffled(kind, range(KEYS)) for kind in "mh"}
            for machine, hash_ in zip(names["m"], names["h"], strict=True):
                server.own.execute_command("SM.SET", machine, chart)
                server.own.hset(hash_, "state", FIRST)
            load = toggles(names["m"], lambda name, _, to: ("SM.SEND", name, to))

            def send(server: Server = server, clients: Clients = clients, load: Traffic = load) -> tuple[float, float]:
                before, began = server.own.xlen(EFFECTS), cpu(server)
                sent = clients.send(load, bench.batch_seconds)
                used = cpu(server) - began
                if server.own.xlen(EFFECTS) - before != sent:
                    raise BenchmarkError("a step did not write one entry")
                return used, sent

            pairs += interleaved(bench, send, transactions(bench, clients, names["h"], entry), repetitions=1)
    add_row(bench, "outbox", "CPU of SM.SEND with one effect in the outbox", "MULTI, HSET, XADD, EXEC", 1.00, pairs)


# ---- firing ----


def fill_with_due(server: Server, count: int) -> None:
    """Machines whose deadlines are due, and do not fire yet."""
    server.own.config_set("redisstate.fire-timers", "no")
    with Clients(server) as clients:
        clients.send(stores([key("m", number) for number in range(count)], lambda name: ("SM.SET", name, SOON)))
    time.sleep(0.01)


def wait_until_fired(server: Server, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while server.info()["timers"]:
        if time.monotonic() > end:
            raise BenchmarkError("the deadlines do not fire")
        time.sleep(0.02)


def firing(bench: Bench) -> None:
    """Deadlines for each second of the server's CPU: of the module's own, and those of a client that polls."""
    count = bench.size(100_000, 20_000)

    def fired() -> tuple[float, float]:
        with bench.server() as server:
            fill_with_due(server, count)
            began = cpu(server)
            server.own.config_set("redisstate.fire-timers", "yes")
            wait_until_fired(server)
            return cpu(server) - began, count

    def expire(name: str) -> Command:
        return "EVALSHA", SCRIPT_SHA, "2", name, "deadlines", "open", "expired", str(int(name[2:]))

    def polled() -> tuple[float, float]:
        with bench.server() as server, Clients(server) as clients:
            names = [key("h", number) for number in range(count)]
            clients.send(stores(names, lambda name: ("HSET", name, "state", "open")))
            clients.send(stores(names, lambda name: ("ZADD", "deadlines", str(int(name[2:])), name)))
            server.own.script_load(SCRIPT)
            began = cpu(server)
            client = server.raw()
            while due := client.zrangebyscore("deadlines", 0, count, 0, 100):
                clients.send(stores([name.decode() for name in due], expire))
            if client.hget(names[0], "state") != b"expired":
                raise BenchmarkError("the script has done nothing")
            return cpu(server) - began, count

    costs = interleaved(bench, fired, polled, batches=bench.few_batches)
    pairs = [(1 / ours, 1 / theirs) for ours, theirs in costs]
    bench.rows.append(
        Row("firing", "Deadlines that fire, per second of CPU", "a client: ZRANGEBYSCORE, EVALSHA", 3.00, ratios(pairs),
            at_least=True, measured=median_text(pairs, 0, "/s"), reference=median_text(pairs, 1, "/s"))
    )  # fmt: skip


# ---- how late ----

SECONDS_AHEAD, HOUR = 6, 3_600_000
TIMED = compact({
    "id": "timed", "initial": "idle",
    "states": {"idle": {"on": {"ARM": "armed"}}, "armed": {"after": {f"PT{SECONDS_AHEAD}S": "fired"}},
               "fired": {"after": {str(HOUR): "idle"}}},
})  # fmt: skip
"""Its second deadline, an hour later, says when the first has fired."""


def lateness(bench: Bench, rate: int = 10_000, at_once: int = 50) -> None:
    """Deadlines are armed at a rate, ``at_once`` together, and fire some seconds later at the same rate."""
    count = rate * bench.size(3, 1)
    names = [key("m", number) for number in range(count)]
    tails = []
    for _ in range(bench.repetitions):
        with bench.server() as server, Clients(server) as clients:
            clients.send(stores(names, lambda name: ("SM.SET", name, TIMED)))
            begun = time.monotonic()
            for at in range(0, count, at_once):
                clients.send(traffic([[("SM.SEND", name, "ARM") for name in names[at : at + at_once]]], writes=True))
                time.sleep(max(0, begun + (at + at_once) / rate - time.monotonic()))
            if time.monotonic() - begun > 1.05 * count / rate:
                raise BenchmarkError("the deadlines could not be armed at that rate")
            due = dues(server, names)
            if server.info()["timers_fired"]:
                raise BenchmarkError("deadlines have fired before all were looked at")
            time.sleep(max(0, begun + count / rate + SECONDS_AHEAD + 0.5 - time.monotonic()))
            late = sorted(again - HOUR - first for first, again in zip(due, dues(server, names), strict=True))
            if late[0] < 0:
                raise BenchmarkError("a deadline has fired too early, or not at all")
            tails.append(float(late[int(count * 0.99)]))
    bench.rows.append(
        Row("lateness", f"Lateness at {rate:,} deadlines a second, p99", "", 5.0, tuple(tails), unit="ms")
    )  # fmt: skip


def dues(server: Server, names: list[str]) -> list[int]:
    """When the one deadline of each machine is due."""
    pipeline = server.raw().pipeline(transaction=False)
    for name in names:
        pipeline.execute_command("SM.PENDING", name)
    return [int(one[one.index(b"due") + 1]) for (one,) in pipeline.execute()]


def herd(bench: Bench) -> None:
    """All machines are due when the server starts: p99.9 of PING and HSET in short intervals, while deadlines fire and
    while none may."""
    count, rate, seconds = bench.size(1_000_000, 300_000), 10_000, 0.05
    requests = [[pack([("PING",)])], [pack([("HSET", "h", "state", FIRST)])]] * 4
    with bench.server() as server:
        fill_with_due(server, count)
        server.own.config_rewrite()
        server.own.save()
        server.restart()

        def tail(fires: str) -> Batch:
            def batch() -> tuple[float, float]:
                server.own.config_set("redisstate.fire-timers", fires)
                latencies, _ = FixedRate(server, requests).run(rate, seconds)
                server.own.config_set("redisstate.fire-timers", "no")
                if not server.info()["timers"]:
                    raise BenchmarkError("all deadlines have fired")
                return sorted(latencies)[int(len(latencies) * 0.999)], 1

            return batch

        pairs = interleaved(bench, tail("yes"), tail("no"), batches=5, combine=median_of_each)
        if not server.info()["timers_fired"]:
            raise BenchmarkError("no deadline has fired")
    bench.rows.append(
        Row("herd", f"p99.9 of PING and HSET while deadlines fire, {count:,} at once", "while none fire", 3.00,
            ratios(pairs), measured=median_text(pairs, 0, "µs", 1e6), reference=median_text(pairs, 1, "µs", 1e6))
    )  # fmt: skip
