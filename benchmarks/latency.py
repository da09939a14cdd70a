"""Rows: round trips, throughput without pipelines, latency at half of the peak."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

import redis

from tests.servers import Server

from .bench import Batch, Bench, BenchmarkError, Costs, Row, interleaved, median_of_each, median_text, ratios
from .documents import ORDER, STATES, complete_graph, key, ring, toggles
from .load import Clients, FixedRate, Traffic, pack, redis_benchmark, run_redis_benchmark

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
    """Counts round trips: how often the client sends something and waits for the reply."""

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

    def timed(work: Callable[[], None], count: int) -> Batch:
        def batch() -> tuple[float, float]:
            began = time.perf_counter()
            for _ in range(count):
                work()
            return time.perf_counter() - began, count

        return batch

    pairs = interleaved(bench, timed(transition, 300), timed(transaction, 300))
    bench.rows.append(
        Row("transition-time", "Time of one transition, one client", against, 0.35, ratios(pairs),
            measured=median_text(pairs, 0, "µs", 1e6), reference=median_text(pairs, 1, "µs", 1e6))
    )  # fmt: skip
    pool.disconnect()


# ---- throughput ----


def throughput(bench: Bench, server: Server) -> float:
    """Adds the row; returns HSET's requests per second."""
    program = redis_benchmark(server)
    states = 100  # one in 100 random states is the current one
    for number in range(states):
        server.own.execute_command("SM.SET", key("t", number), complete_graph(states))
        server.own.hset(key("u", number), "state", "0" * 12)
    requests = bench.size(10_000, 5_000)

    def generated(*command: str) -> Batch:
        assert program is not None

        def batch() -> tuple[float, float]:
            before = server.writes()
            rate = run_redis_benchmark(program, server, command, requests, states, USERS)
            if server.writes() - before < 0.97 * requests:
                raise BenchmarkError(f"{command[0]} does not change something with each command")
            return 1.0 / rate, 1

        return batch

    if program is not None:
        measured = generated("SM.MUTATE", "t:__rand_int__", "__rand_int__")
        reference = generated("HSET", "u:__rand_int__", "state", "__rand_int__")
        pairs = interleaved(bench, measured, reference)
    else:
        pairs = with_own_clients(bench, server, requests)
    rates: list[Costs] = [(1 / measured, 1 / reference) for measured, reference in pairs]
    bench.rows.append(
        Row("throughput", f"Requests per second, {USERS} clients, no pipeline", "HSET", 0.97, ratios(rates),
            at_least=True, measured=median_text(rates, 0, "/s"), reference=median_text(rates, 1, "/s"))
    )  # fmt: skip
    return sorted(rate for _, rate in rates)[len(rates) // 2]


def one_at_a_time(server: Server) -> tuple[Traffic, Traffic]:
    """Creates 20 machines and 20 hashes for each user, and returns traffic without pipelines: SM.MUTATE and HSET."""
    numbers = range(USERS * 20)
    for number in numbers:
        server.own.execute_command("SM.SET", key("m", number), ORDER)
        server.own.hset(key("h", number), "state", STATES[0])
    return (
        toggles([key("m", n) for n in numbers], lambda name, _, to: ("SM.MUTATE", name, to), USERS, depth=1),
        toggles([key("h", n) for n in numbers], lambda name, _, to: ("HSET", name, "state", to), USERS, depth=1),
    )


def with_own_clients(bench: Bench, server: Server, requests: int) -> list[Costs]:
    """The same measurement with the client library, where redis-benchmark is not installed."""
    mutate, hset = one_at_a_time(server)
    with Clients(server) as clients:

        def timed(load: Traffic) -> Batch:
            def batch() -> tuple[float, float]:
                began = time.perf_counter()
                sent = sum(clients.send(load) for _ in range(max(1, requests // load.commands)))
                return time.perf_counter() - began, sent

            return batch

        return interleaved(bench, timed(mutate), timed(hset))


# ---- latency ----


def new_definitions() -> Iterator[bytes]:
    for number in itertools.count():
        yield pack([("SM.SET", key("n", number % 1000), ring(10, f"{time.time_ns()}-{number}"))])


def at_half(bench: Bench, server: Server, rate: float) -> None:
    """Latency at half of HSET's peak rate, or at half of what the load generator reaches, if that is less.

    The median of many short intervals: when the machine pauses for a millisecond, some fifty requests are late, so that
    the tail of a long interval would measure the machine's pauses instead of the server.
    """
    mutate, hset = one_at_a_time(server)
    reached = FixedRate(server, hset.pipelines).run(1e9, 20_000 / 1e9)[1]  # as fast as it can
    rate = min(rate, reached / 2)
    for name, with_definitions in (("latency", False), ("latency-definitions", True)):

        def tail(requests: list[list[bytes]], with_definitions: bool = with_definitions) -> Batch:
            def batch() -> tuple[float, float]:
                generator = FixedRate(
                    server, requests, new_definitions() if with_definitions else None, DEFINITIONS_PER_SECOND
                )
                latencies, _ = generator.run(rate, 0.05)
                latencies.sort()
                return latencies[int(len(latencies) * 0.999)], 1

            return batch

        intervals = 8 if bench.quick else 60
        sides = tail(mutate.pipelines), tail(hset.pipelines)
        pairs = interleaved(bench, *sides, batches=intervals, combine=median_of_each)
        what = f"p99.9 latency at {rate:,.0f} requests/s"
        if with_definitions:
            what += f", {DEFINITIONS_PER_SECOND} new definitions/s"
        bench.rows.append(
            Row(name, what, "HSET under the same", 1.15, ratios(pairs),
                measured=median_text(pairs, 0, "µs", 1e6), reference=median_text(pairs, 1, "µs", 1e6))
        )  # fmt: skip
