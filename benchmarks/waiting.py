"""Rows: machines that wait for deadlines, compared with sorted sets of times beside hashes, and how late they fire."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Iterator

from tests.documents import compact
from tests.servers import Server

from .bench import Batch, Bench, BenchmarkError, Costs, Row, add_row, cpu, interleaved, median_text, ratios
from .documents import STATES, key, shuffled, split_keys, stores, toggles
from .load import Clients, Command, FixedRate, pack, traffic
from .storage import filled

ORDER = compact({
    "id": "order", "initial": "open",
    "states": {"open": {"after": {"PT15M": "expired"}, "on": {"PAY": "paid"}}, "paid": {}, "expired": {}},
})  # fmt: skip
SOON = ORDER.replace("PT15M", "1")
KEYS = 1024
FIRST, SECOND = STATES

SCRIPT = """
if redis.call('HGET', KEYS[1], 'state') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2])
redis.call('ZREM', KEYS[2], KEYS[1])
return 1
"""
SCRIPT_SHA = hashlib.sha1(SCRIPT.encode()).hexdigest()


def run(bench: Bench) -> None:
    memory(bench)
    arming(bench)
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
            sides = clients.batch(send, bench.batch_seconds), transactions(bench, clients, names["h"])
            pairs += interleaved(bench, *sides, repetitions=1)
            if server.info()["timers"] != KEYS:
                raise BenchmarkError("a step did not cancel one deadline and arm another")
    add_row(bench, "arm", "CPU of SM.SEND that arms one deadline and cancels another",
            "MULTI, HSET, ZADD, ZREM, EXEC", 1.00, pairs)  # fmt: skip


def transactions(bench: Bench, clients: Clients, names: list[str]) -> Batch:
    def commands(name: str, before: str, after: str) -> Iterator[Command]:
        yield ("MULTI",)
        yield "HSET", name, "state", after
        yield "ZADD", "deadlines", "1700000000000", f"{name}:{after}"
        yield "ZREM", "deadlines", f"{name}:{before}"
        yield ("EXEC",)

    load = traffic(
        [
            [command for step in ((FIRST, SECOND), (SECOND, FIRST)) for name in own for command in commands(name, *step)]
            for own in split_keys(names)
        ],
        writes=True,
    )

    def batch() -> tuple[float, float]:
        before, began = clients.server.writes(), cpu(clients.server)
        count = clients.send(load, bench.batch_seconds) // 5
        used = cpu(clients.server) - began
        if clients.server.writes() - before != 3 * count:
            raise BenchmarkError("a transaction did not change three things")
        return used, count

    return batch


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

    def polled() -> tuple[float, float]:
        with bench.server() as server, Clients(server) as clients:
            names = [key("h", number) for number in range(count)]
            clients.send(stores(names, lambda name: ("HSET", name, "state", "open")))
            clients.send(stores(names, lambda name: ("ZADD", "deadlines", str(int(name[2:])), name)))
            server.own.script_load(SCRIPT)
            began = cpu(server)
            client = server.raw()
            while due := client.zrangebyscore("deadlines", 0, count, 0, 100):
                clients.send(stores([name.decode() for name in due],
                                    lambda name: ("EVALSHA", SCRIPT_SHA, "2", name, "deadlines", "open", "expired")))
            return cpu(server) - began, count  # fmt: skip

    costs = interleaved(bench, fired, polled, batches=bench.few_batches)
    pairs = [(1 / ours, 1 / theirs) for ours, theirs in costs]
    bench.rows.append(
        Row("firing", "Deadlines that fire, per second of CPU", "a client: ZRANGEBYSCORE, EVALSHA", 3.00, ratios(pairs),
            at_least=True, measured=median_text(pairs, 0, "/s"), reference=median_text(pairs, 1, "/s"))
    )  # fmt: skip


# ---- how late ----

TIMED = compact({
    "id": "timed", "initial": "idle", "context": {"due": 0, "late": -1},
    "delays": {"said": {"duration": {"@expr": "context.due - now"}}},
    "states": {
        "idle": {"on": {"ARM": {"target": "armed", "actions":
                                {"type": "@xstate.assign", "context": {"due": {"@expr": "event.due"}}}}}},
        "armed": {"after": {"said": {"target": "done", "actions": {
            "type": "@xstate.assign", "context": {"late": {"@expr": "now - context.due"}}}}}},
        "done": {},
    },
})  # fmt: skip
"""Notes how late its deadline fires, in milliseconds."""


def lateness(bench: Bench, rate: int = 10_000) -> None:
    """Deadlines spread over some seconds, at times that are drawn evenly; each machine notes how late it was."""
    count = rate * bench.size(5, 1)
    tails = []
    for _ in range(bench.repetitions):
        with bench.server() as server, Clients(server) as clients:
            names = [key("m", number) for number in range(count)]
            clients.send(stores(names, lambda name: ("SM.SET", name, TIMED)))
            begins = int(time.time() * 1000) + 3_000 + count // 10
            dice = random.Random(7)
            clients.send(stores(names, lambda name: ("SM.SEND", name, "ARM", "DATA",
                         compact({"due": begins + dice.randrange(1000 * count // rate)}))))  # fmt: skip
            if time.time() * 1000 > begins:
                raise BenchmarkError("the deadlines could not be armed in time")
            time.sleep((begins - time.time() * 1000 + 1000 * count / rate) / 1000)
            wait_until_fired(server)
            pipeline = server.own.pipeline(transaction=False)
            for name in names:
                pipeline.execute_command("SM.GET", name, "CONTEXT")
            late = sorted(json.loads(text)["late"] for text in pipeline.execute())
            if late[0] < 0:
                raise BenchmarkError("a deadline has fired too early")
            tails.append(float(late[int(count * 0.99)]))
    bench.rows.append(
        Row("lateness", f"Lateness at {rate:,} deadlines a second, p99", "", 5.0, tuple(tails), unit="ms")
    )  # fmt: skip


def herd(bench: Bench) -> None:
    """All machines are due when the server starts: p99.9 of PING and HSET while they fire, and at rest."""
    count, rate, seconds = bench.size(1_000_000, 100_000), 4_000, 0.25
    requests = [[pack([("PING",)])], [pack([("HSET", "h", "state", state)]) for state in STATES][:1]] * 4
    with bench.server() as server:
        fill_with_due(server, count)
        server.own.config_rewrite()
        server.own.save()
        server.restart()

        def tail() -> float:
            latencies, _ = FixedRate(server, requests).run(rate, seconds)
            return sorted(latencies)[int(len(latencies) * 0.999)]

        at_rest, meanwhile = [tail() for _ in range(12)][2:], []
        server.own.config_set("redisstate.fire-timers", "yes")
        while server.info()["timers"] and len(meanwhile) < 100:
            meanwhile.append(tail())
        wait_until_fired(server)
        del meanwhile[-1:]
    if not meanwhile:
        raise BenchmarkError("all had fired before anything was measured")
    pairs = [(sorted(meanwhile)[len(meanwhile) // 2], sorted(at_rest)[len(at_rest) // 2])] * bench.repetitions
    bench.rows.append(
        Row("herd", f"p99.9 of PING and HSET while {count:,} deadlines fire", "at rest", 3.00, ratios(pairs),
            measured=median_text(pairs, 0, "µs", 1e6), reference=median_text(pairs, 1, "µs", 1e6))
    )  # fmt: skip
