"""Rows: what Python answers because nobody has asked it before, and the start of the server."""

from __future__ import annotations

import itertools
import json
import socket
import statistics
import subprocess
import time
from pathlib import Path

from tests.servers import HANG, Server, free_port

from . import quiet
from .bench import Bench, BenchmarkError, Figures, Row, middle, ratios
from .documents import key, ring
from .load import Clients, Traffic, traffic

COUNT = 100
"""New definitions in a turn of some milliseconds."""
_serials = itertools.count()


def run(bench: Bench) -> None:
    """The rows take turns, so that none of them falls as a whole into a moment in which the machine is busy."""
    sizes = {10: (COUNT, 10.0), 10_000: (1, 15.0)}
    answers: list[float] = []
    stored: dict[int, list[Figures]] = {states: [] for states in sizes}
    starts: list[Figures] = []
    memory: dict[bool, list[float]] = {True: [], False: []}
    with bench.server() as server, Clients(server) as clients, quiet.on(quiet.CLIENTS):
        quiet.give_processor(server.pid)
        clients.first_answers(unseen_steps(clients))
        for _ in range(bench.repetitions):
            answers += quiet.least(
                lambda: bench.waiting.moment(lambda: unseen_steps(clients), clients.first_answers)
            )
            for states, (documents, _bound) in sizes.items():
                stored[states].append(unseen_definitions(bench, clients, states, documents))
            starts.append(start(bench, memory))
    bench.rows.append(
        Row("first-answer", "CPU of the first answer of an unseen transition", "", 15.0, tuple(answers), unit="µs")
    )
    for states, (_documents, bound) in sizes.items():
        pairs = stored[states]
        bench.rows.append(
            Row(f"unseen-{states}", f"CPU of SM.SET, unseen definition of {states:,} states",
                "json.loads of it in Python", bound, ratios(pairs), measured=middle(pairs, 0, "µs", 1e6, 1),
                reference=middle(pairs, 1, "µs", 1e6, 1))
        )  # fmt: skip
    bench.rows.append(
        Row("start", "CPU of the start until PING is answered", "without the module", 80.0,
            tuple((own - reference) * 1e3 for own, reference in starts), unit="ms more",
            measured=middle(starts, 0, "ms", 1e3), reference=middle(starts, 1, "ms", 1e3))
    )  # fmt: skip
    bench.rows.append(
        Row("start-memory", "Resident memory after the start", "without the module", 18.0,
            tuple(m - r for m, r in zip(memory[True], memory[False], strict=True)), unit="MB more",
            measured=f"{statistics.median(memory[True]):.1f} MB",
            reference=f"{statistics.median(memory[False]):.1f} MB")
    )  # fmt: skip


def unseen(states: int, count: int) -> list[str]:
    """Definitions that nobody has seen."""
    return [ring(states, f"definition {next(_serials):09d}") for _ in range(count)]


def unseen_steps(clients: Clients) -> Traffic:
    """Steps of machines of new definitions around their ring of ten states, so that each step and each state is new."""
    states = 10
    names = [key("f", number) for number in range(COUNT)]
    documents = unseen(states, COUNT)
    clients.send(traffic([[("SM.SET", *pair) for pair in zip(names, documents, strict=True)]], writes=True))
    return traffic([[("SM.MUTATE", name, f"s{n:05d}") for n in range(1, states) for name in names]], writes=True)


def unseen_definitions(bench: Bench, clients: Clients, states: int, count: int) -> Figures:
    """The same documents, sent to the server and read by json.loads as the bytes that they are on the wire."""
    latest: list[str] = []

    def load() -> Traffic:
        latest[:] = unseen(states, count)
        return traffic([[("SM.SET", key("d", n), document) for n, document in enumerate(latest)]], writes=True)

    def texts() -> list[bytes]:
        return [document.encode() for document in latest]

    def store(prepared: Traffic) -> float:
        used, sent = clients.turn(prepared, 0)()
        return used / sent

    def parse(documents: list[bytes]) -> float:
        rounds = max(1, 10_000 // (states * count))
        with quiet.on(quiet.SERVERS):
            began = time.thread_time()
            for _ in range(rounds):
                for document in documents:
                    json.loads(document)
            return (time.thread_time() - began) / (rounds * count)

    return quiet.least(lambda: bench.waiting.moment(load, store), lambda: bench.waiting.moment(texts, parse))


# ---- the start of the server ----


def start(bench: Bench, memory: dict[bool, list[float]]) -> Figures:
    """A repetition, in seconds with and without the module; resident megabytes go to ``memory``."""

    def seconds(module: bool) -> float:
        used, resident = bench.waiting.moment(lambda: bench.new_server(module=module), one_start)
        memory[module].append(resident)
        return used

    return quiet.least(lambda: seconds(True), lambda: seconds(False))


def one_start(server: Server) -> tuple[float, float]:
    """Seconds of CPU until PING is answered, and then the process's resident megabytes (1,000,000 bytes).

    A start waits for nothing, so that on an idle machine its time is its CPU; on a busy one it is not.
    """
    server.port = free_port()
    server.write_conf()
    began = time.perf_counter()
    with quiet.on(quiet.SERVERS):
        process = subprocess.Popen([server.binary.path, server.conf], stdout=subprocess.DEVNULL, cwd=server.folder)
    with process:
        try:
            while not answers(server.port):
                if process.poll() is not None or time.perf_counter() - began > HANG:
                    raise BenchmarkError(f"the server did not start: {server.log()[-2000:]}")
                time.sleep(0.0005)
            seconds = int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[0]) / 1e9
            status = Path(f"/proc/{process.pid}/status").read_text()
            resident = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        finally:
            process.terminate()
    return seconds, int(resident) * 1024 / 1e6


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=HANG) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False
