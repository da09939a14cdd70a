"""Rows: round trips, throughput without pipelines, latency at half of the peak."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import redis

from tests.servers import Server

from .bench import Bench, BenchmarkError, Row, Turn, apart, changes, in_turns, middle, ratios
from .documents import ORDER, STATES, everywhere, key, ring, toggles
from .load import Clients, Steady, pack, redis_benchmark, run_redis_benchmark

USERS = 50
"""Clients that send one command at a time."""
DEFINITIONS_PER_SECOND = 100


def run(bench: Bench) -> None:
    with bench.server() as server:
        one_transition(bench, server)
        peak = throughput(bench, server)
        at_half(bench, server, peak / 2)


# ---- one transition ----


class CountingConnection(redis.Connection):
    """Counts how often the client sends something and then waits."""

    trips = 0

    def send_packed_command(self, command: object, check_health: bool = True) -> None:
        CountingConnection.trips += 1
        super().send_packed_command(command, check_health)


def one_transition(bench: Bench, server: Server) -> None:
    pool = redis.ConnectionPool(connection_class=CountingConnection, host="127.0.0.1", port=server.port, protocol=2)
    client = redis.Redis(connection_pool=pool)
    machine, string = key("m", 0), key("s", 0)
    client.execute_command("SM.SET", machine, ORDER)
    client.set(string, STATES[0])
    allowed = {STATES[0].encode(): STATES[1], STATES[1].encode(): STATES[0]}
    targets = itertools.cycle(reversed(STATES))

    def transition() -> None:
        if client.execute_command("SM.MUTATE", machine, next(targets)) != b"OK":
            raise BenchmarkError("a transition was refused")

    def transaction() -> None:
        with client.pipeline() as pipeline:
            pipeline.watch(string)
            state = pipeline.get(string)
            pipeline.multi()
            pipeline.set(string, allowed[state])
            pipeline.execute()

    trips = []
    for work in (transition, transaction):
        work()
        CountingConnection.trips = 0
        work()
        trips.append(float(CountingConnection.trips))
    against = "WATCH, GET, MULTI, SET, EXEC"
    bench.rows.append(
        Row("round-trips", "Round trips of one transition", against, 0.35, (trips[0] / trips[1],) * bench.repetitions,
            measured=f"{trips[0]:.0f}", reference=f"{trips[1]:.0f}")
    )  # fmt: skip

    def timed(work: object, count: int) -> Turn:
        assert callable(work)

        def turn() -> tuple[float, float]:
            began = time.perf_counter()
            for _ in range(count):
                work()
            return time.perf_counter() - began, count

        return turn

    pairs = in_turns(bench, timed(transition, 300), timed(transaction, 300))
    bench.rows.append(
        Row("transition-time", "Time of one transition, one client", against, 0.35, ratios(pairs),
            measured=middle(pairs, 0, "µs", 1e6), reference=middle(pairs, 1, "µs", 1e6))
    )  # fmt: skip
    pool.disconnect()


# ---- throughput ----


def throughput(bench: Bench, server: Server) -> float:
    """Adds the row; returns HSET's requests per second."""
    program = redis_benchmark(server)
    states = 100  # a random state is the one where the machine stands once in so many times
    for number in range(states):
        server.own.execute_command("SM.SET", key("t", number), everywhere(states))
        server.own.hset(key("u", number), "state", "0" * 12)
    requests = bench.size(10_000, 5_000)

    def generated(*command: str) -> Turn:
        assert program is not None

        def turn() -> tuple[float, float]:
            before = changes(server)
            rate = run_redis_benchmark(program, server, command, requests, states, USERS)
            if changes(server) - before < 0.97 * requests:
                raise BenchmarkError(f"{command[0]} does not change something with each command")
            return 1.0 / rate, 1

        return turn

    if program is not None:
        measured = generated("SM.MUTATE", "t:__rand_int__", "__rand_int__")
        reference = generated("HSET", "u:__rand_int__", "state", "__rand_int__")
        pairs = in_turns(bench, measured, reference)
    else:
        pairs = with_own_clients(bench, server, requests)
    rates = [(1 / measured, 1 / reference) for measured, reference in pairs]
    bench.rows.append(
        Row("throughput", f"Requests per second, {USERS} clients, no pipeline", "HSET", 0.97, ratios(rates),
            at_least=True, measured=middle(rates, 0, "/s"), reference=middle(rates, 1, "/s"))
    )  # fmt: skip
    return sorted(rate for _, rate in rates)[len(rates) // 2]


def with_own_clients(bench: Bench, server: Server, requests: int) -> list[tuple[float, float]]:
    """The same by the client library, where no redis-benchmark is at hand."""
    numbers = range(USERS * 20)
    for number in numbers:
        server.own.execute_command("SM.SET", key("m", number), ORDER)
        server.own.hset(key("h", number), "state", STATES[0])
    mutate = toggles([key("m", n) for n in numbers], lambda name, _, to: ("SM.MUTATE", name, to), USERS, depth=1)
    hset = toggles([key("h", n) for n in numbers], lambda name, _, to: ("HSET", name, "state", to), USERS, depth=1)
    with Clients(server) as clients:

        def timed(load: object) -> Turn:
            def turn() -> tuple[float, float]:
                began = time.perf_counter()
                sent = sum(clients.send(load) for _ in range(max(1, requests // load.commands)))  # type: ignore
                return time.perf_counter() - began, sent

            return turn

        return in_turns(bench, timed(mutate), timed(hset))


# ---- latency ----


def unseen_definitions() -> Iterator[bytes]:
    for number in itertools.count():
        yield pack([("SM.SET", key("n", number % 1000), ring(10, f"{time.time_ns()}-{number}"))])


def at_half(bench: Bench, server: Server, rate: float) -> None:
    """At half of HSET's peak, or of what the client that keeps the time can send where that is less.

    The median of many short moments: where the machine itself pauses for a millisecond some fifty requests wait, so
    that the tail of a longer while says how long its pauses are, and nothing of the server.
    """
    numbers = range(USERS * 20)
    for number in numbers:
        server.own.execute_command("SM.SET", key("m", number), ORDER)
        server.own.hset(key("h", number), "state", STATES[0])
    mutate = toggles([key("m", n) for n in numbers], lambda name, _, to: ("SM.MUTATE", name, to), USERS, depth=1)
    hset = toggles([key("h", n) for n in numbers], lambda name, _, to: ("HSET", name, "state", to), USERS, depth=1)
    reached = Steady(server, hset.pipelines).run(1e9, 20_000 / 1e9)[1]  # all at once
    rate = min(rate, reached / 2)
    for name, beside in (("latency", False), ("latency-definitions", True)):

        def tail(requests: list[list[bytes]], beside: bool = beside) -> Turn:
            def turn() -> tuple[float, float]:
                steady = Steady(
                    server, requests, unseen_definitions() if beside else None, DEFINITIONS_PER_SECOND
                )
                latencies, _ = steady.run(rate, 0.05)
                latencies.sort()
                return latencies[int(len(latencies) * 0.999)], 1

            return turn

        turns = 8 if bench.quick else 60
        pairs = in_turns(bench, tail(mutate.pipelines), tail(hset.pipelines), turns=turns, figure=apart)
        what = f"p99.9 latency at {rate:,.0f} requests/s"
        if beside:
            what += f", {DEFINITIONS_PER_SECOND} new definitions/s"
        bench.rows.append(
            Row(name, what, "HSET under the same", 1.15, ratios(pairs),
                measured=middle(pairs, 0, "µs", 1e6), reference=middle(pairs, 1, "µs", 1e6))
        )  # fmt: skip
