"""Rows: what is not cached and has to be computed in Python, and the start of the server."""

from __future__ import annotations

import itertools
import json
import socket
import statistics
import subprocess
import time
from pathlib import Path

from tests.servers import HANG, Server, free_port

from . import calibration
from .bench import Bench, BenchmarkError, Costs, Row, median_text, ratios
from .documents import key, ring
from .load import Clients, Traffic, traffic

COUNT = 100
"""New definitions in one measurement, which then takes some milliseconds."""
_serials = itertools.count()


def run(bench: Bench) -> None:
    """The repetitions of all rows are interleaved, so that other work on the machine disturbs none of them alone."""
    sizes = {10: (COUNT, 10.0), 10_000: (1, 15.0)}
    transitions: list[float] = []
    stored: dict[int, list[Costs]] = {states: [] for states in sizes}
    starts: list[Costs] = []
    memory: dict[bool, list[float]] = {True: [], False: []}
    with bench.server() as server, Clients(server) as clients, calibration.pinned_to(calibration.CLIENT_CPUS):
        calibration.pin_server(server.pid)
        clients.uncached_cost(uncached_steps(clients))
        for _ in range(bench.repetitions):
            transitions += calibration.minimum(
                lambda: bench.calibration.undisturbed(lambda: uncached_steps(clients), clients.uncached_cost)
            )
            for states, (documents, _bound) in sizes.items():
                stored[states].append(new_definitions(bench, clients, states, documents))
            starts.append(start(bench, memory))
    bench.rows.append(
        Row("first-answer", "CPU of a transition that is not cached", "", 15.0, tuple(transitions), unit="µs")
    )
    for states, (_documents, bound) in sizes.items():
        pairs = stored[states]
        bench.rows.append(
            Row(f"unseen-{states}", f"CPU of SM.SET, new definition of {states:,} states",
                "json.loads of it in Python", bound, ratios(pairs), measured=median_text(pairs, 0, "µs", 1e6, 1),
                reference=median_text(pairs, 1, "µs", 1e6, 1))
        )  # fmt: skip
    bench.rows.append(
        Row("start", "CPU of the start until PING is answered", "without the module", 80.0,
            tuple((own - reference) * 1e3 for own, reference in starts), unit="ms more",
            measured=median_text(starts, 0, "ms", 1e3), reference=median_text(starts, 1, "ms", 1e3))
    )  # fmt: skip
    bench.rows.append(
        Row("start-memory", "Resident memory after the start", "without the module", 18.0,
            tuple(m - r for m, r in zip(memory[True], memory[False], strict=True)), unit="MB more",
            measured=f"{statistics.median(memory[True]):.1f} MB",
            reference=f"{statistics.median(memory[False]):.1f} MB")
    )  # fmt: skip


def new_documents(states: int, count: int) -> list[str]:
    """Documents of definitions that no server has stored before."""
    return [ring(states, f"definition {next(_serials):09d}") for _ in range(count)]


def uncached_steps(clients: Clients) -> Traffic:
    """Nine steps of machines of new definitions of ten states: no step and no state is in the cache."""
    states = 10
    names = [key("f", number) for number in range(COUNT)]
    documents = new_documents(states, COUNT)
    clients.send(traffic([[("SM.SET", *pair) for pair in zip(names, documents, strict=True)]], writes=True))
    return traffic([[("SM.MUTATE", name, f"s{n:05d}") for n in range(1, states) for name in names]], writes=True)


def new_definitions(bench: Bench, clients: Clients, states: int, count: int) -> Costs:
    """CPU of SM.SET for new documents, and of json.loads for the bytes of the same documents."""
    latest: list[str] = []

    def load() -> Traffic:
        latest[:] = new_documents(states, count)
        return traffic([[("SM.SET", key("d", n), document) for n, document in enumerate(latest)]], writes=True)

    def texts() -> list[bytes]:
        return [document.encode() for document in latest]

    def store(prepared: Traffic) -> float:
        used, sent = clients.batch(prepared, 0)()
        return used / sent

    def parse(documents: list[bytes]) -> float:
        rounds = max(1, 10_000 // (states * count))
        with calibration.pinned_to(calibration.SERVER_CPUS):
            began = time.thread_time()
            for _ in range(rounds):
                for document in documents:
                    json.loads(document)
            return (time.thread_time() - began) / (rounds * count)

    return calibration.minimum(
        lambda: bench.calibration.undisturbed(load, store), lambda: bench.calibration.undisturbed(texts, parse)
    )


# ---- the start of the server ----


def start(bench: Bench, memory: dict[bool, list[float]]) -> Costs:
    """CPU seconds of a start with and without the module. Appends the resident megabytes to ``memory``."""

    def seconds(module: bool) -> float:
        used, resident = bench.calibration.undisturbed(lambda: bench.new_server(module=module), one_start)
        memory[module].append(resident)
        return used

    return calibration.minimum(lambda: seconds(True), lambda: seconds(False))


def one_start(server: Server) -> tuple[float, float]:
    """Seconds of CPU until PING is answered, and then the process's resident megabytes (1,000,000 bytes).

    CPU rather than time: a start waits for nothing, so that on an idle machine the two are equal.
    """
    server.port = free_port()
    server.write_conf()
    began = time.perf_counter()
    with calibration.pinned_to(calibration.SERVER_CPUS):
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
