"""Load generators: pipelines that hiredis packs and parses, redis-benchmark, and requests at a fixed rate.

Pipelines are packed before they are measured, so that the client keeps up with the server. A sequence of writes leads
back to the state where it began: it can be sent repeatedly, and each write changes something each time.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import re
import select
import shutil
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers import HANG, Server
from tools import servers

from .bench import BenchmarkError, cpu

DEPTH = 64
"""Commands in a pipeline."""
CLIENTS = 16
"""Connections that send pipelines at the same time."""

Command = tuple[str | bytes, ...]


def _hiredis() -> Any:
    """hiredis from a folder of its own: installed in the venv, redis-py would use it in the tests too."""
    sys.path.append(str(servers.WHEELS))
    try:
        import hiredis
    except ImportError:
        servers.unpack_wheels("-c", str(servers.ROOT / "requirements-extra.txt"), "hiredis")
        importlib.invalidate_caches()
        import hiredis
    return hiredis


hiredis = _hiredis()


def pack(commands: Sequence[Command]) -> bytes:
    return b"".join(map(hiredis.pack_command, commands))


@dataclass(frozen=True)
class Traffic:
    """For each client its packed pipelines and their numbers of commands, and whether each command is a write."""

    pipelines: list[list[bytes]]
    lengths: list[list[int]]
    writes: bool

    @property
    def commands(self) -> int:
        return sum(map(sum, self.lengths))


def traffic(per_client: Sequence[Sequence[Command]], writes: bool, depth: int = DEPTH) -> Traffic:
    """Commands, a list for each client, as pipelines of ``depth``."""
    pipelines, lengths = [], []
    for commands in per_client:
        starts = range(0, len(commands), depth)
        pipelines.append([pack(commands[start : start + depth]) for start in starts])
        lengths.append([len(commands[start : start + depth]) for start in starts])
    return Traffic(pipelines, lengths, writes)


class Clients:
    """Connections that send traffic to a server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._sockets: list[socket.socket] = []
        self._readers: list[Any] = []

    def __enter__(self) -> Clients:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._sockets:
            connection.close()

    def _connect(self, count: int) -> None:
        while len(self._sockets) < count:
            connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=HANG)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(connection)
            self._readers.append(hiredis.Reader())

    def _read(self, client: int, count: int) -> Any:
        """Reads ``count`` replies and returns the last. Raises BenchmarkError if that is an error."""
        receive, reader = self._sockets[client].recv, self._readers[client]
        reply: Any = None
        while count:
            data = receive(1 << 18)
            if not data:
                raise BenchmarkError("the server has closed the connection")
            reader.feed(data)
            while count:
                got = reader.gets()
                if got is False:
                    break
                reply = got
                count -= 1
        if isinstance(reply, hiredis.ReplyError):
            raise BenchmarkError(str(reply))
        return reply

    def send(self, load: Traffic, seconds: float = 0.0) -> int:
        """Sends the traffic, and repeats it until ``seconds`` are over; returns the number of commands."""
        self._connect(len(load.pipelines))
        end = time.perf_counter() + seconds
        sent = 0
        while True:
            sent += self._send_once(load)
            if time.perf_counter() >= end:
                return sent

    def _send_once(self, load: Traffic) -> int:
        active = [client for client, pipelines in enumerate(load.pipelines) if pipelines]
        for client in active:
            self._sockets[client].sendall(load.pipelines[client][0])
        position = 0
        while active:
            following = []
            for client in active:
                self._read(client, load.lengths[client][position])
                if position + 1 < len(load.pipelines[client]):
                    self._sockets[client].sendall(load.pipelines[client][position + 1])
                    following.append(client)
            active = following
            position += 1
        return load.commands

    def batch(self, load: Traffic, seconds: float) -> Callable[[], tuple[float, float]]:
        """A batch for interleaved(): it returns seconds of the server's CPU and the number of commands."""

        def run() -> tuple[float, float]:
            before, began = self.server.writes(), cpu(self.server)
            sent = self.send(load, seconds)
            used, changed = cpu(self.server) - began, self.server.writes() - before
            if changed != (sent if load.writes else 0):
                raise BenchmarkError(f"{changed} changes by {sent} commands: {load.pipelines[0][0][:80]!r}")
            return used, sent

        return run

    def uncached_cost(self, load: Traffic) -> float:
        """Microseconds of the server's CPU for each command. Raises BenchmarkError if one of them was cached."""
        before = self.server.info()["engine_calls"]
        used, sent = self.batch(load, 0)()
        if self.server.info()["engine_calls"] - before != sent:
            raise BenchmarkError("a step was cached, or computed twice")
        return used / sent * 1e6


# ---- redis-benchmark ----


def redis_benchmark(server: Server) -> Path | None:
    """redis-benchmark or valkey-benchmark: next to the server's binary, or on the PATH."""
    for name in ("redis-benchmark", "valkey-benchmark"):
        sibling = server.binary.path.parent / name
        if sibling.exists():
            return sibling
    for name in ("redis-benchmark", "valkey-benchmark"):
        found = shutil.which(name)
        if found:
            return Path(found)
    return None


def run_redis_benchmark(program: Path, server: Server, command: Sequence[str], requests: int, keys: int,
                        clients: int) -> float:
    """Requests per second of one run; ``__rand_int__`` in the command is a number below ``keys``."""
    options = ["-p", server.port, "-n", requests, "-r", keys, "-c", clients, "-P", 1, "--csv"]
    run = subprocess.run(
        [program, *map(str, options), *command], capture_output=True, text=True, check=False, timeout=600
    )
    match = re.search(r'^"[^"]*","([0-9.]+)"', run.stdout.splitlines()[-1] if run.stdout else "")
    if run.returncode != 0 or match is None:
        raise BenchmarkError(f"{program.name}: {run.stdout}{run.stderr}")
    return float(match[1])


# ---- a fixed rate ----


@dataclass
class FixedRate:
    """An open-loop load generator: requests are sent at a fixed rate, whether or not earlier ones have been answered.

    Latency counts from the time at which a request was due, so that a stall of the server counts for all that wait.
    """

    server: Server
    requests: list[list[bytes]]
    """For each client the requests that it repeats; all clients have as many."""
    background: Iterator[bytes] | None = None
    """What one more client sends at the same time."""
    background_rate: float = 0.0

    def run(self, rate: float, seconds: float) -> tuple[list[float], float]:
        """Latencies in seconds, and the rate that was reached."""
        with contextlib.ExitStack() as stack:
            return self._run(stack, rate, seconds)

    def _run(self, stack: contextlib.ExitStack, rate: float, seconds: float) -> tuple[list[float], float]:
        gc.disable()  # a collection would stop the client for milliseconds, and count as the server's
        stack.callback(gc.enable)
        clients = len(self.requests)
        count = clients + (self.background is not None)
        sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", self.server.port))) for _ in range(count)]
        for connection in sockets:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        readers = [hiredis.Reader() for _ in sockets]
        waiting: list[deque[float]] = [deque() for _ in sockets]
        poll = select.epoll()
        stack.callback(poll.close)
        numbers = {connection.fileno(): number for number, connection in enumerate(sockets)}
        for descriptor in numbers:
            poll.register(descriptor, select.EPOLLIN)
        cycles = [iter_cycle(requests) for requests in self.requests]
        now = time.perf_counter
        latencies: list[float] = []
        interval = 1.0 / rate
        cycle = sum(map(len, self.requests))
        total, sent, answered = max(1, round(rate * seconds / cycle)) * cycle, 0, 0
        start = due = now()
        background_due = start if self.background is not None else float("inf")
        while answered < total:
            time_now = now()
            while due <= time_now and sent < total:
                client = sent % clients
                sockets[client].send(next(cycles[client]))
                waiting[client].append(due)
                sent += 1
                due += interval
            if background_due <= time_now and sent < total and self.background is not None:
                sockets[clients].sendall(next(self.background))
                background_due += 1.0 / self.background_rate
            for descriptor, _ in poll.poll(0):
                number = numbers[descriptor]
                readers[number].feed(sockets[number].recv(65536))
                arrived = now()
                while readers[number].gets() is not False:
                    if number < clients:
                        latencies.append(arrived - waiting[number].popleft())
                        answered += 1
            if now() - start > seconds * 10 + HANG:
                raise BenchmarkError("the server does not keep up with the fixed rate")
        return latencies, total / (now() - start)


def iter_cycle(requests: Sequence[bytes]) -> Iterator[bytes]:
    while True:
        yield from requests
