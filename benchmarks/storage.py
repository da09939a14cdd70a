"""Rows: what a machine takes in memory and in a snapshot, and what saving and loading it cost."""

from __future__ import annotations

from tests.servers import Server

from .bench import Bench, BenchmarkError, Row, cpu, empty, low, middle, ratios
from .documents import ORDER, key, stores
from .load import Clients, Traffic

Figures = tuple[float, float, float, float]
"""Of one key: bytes in memory, bytes in the snapshot, seconds of CPU to save, seconds of CPU to load."""


def run(bench: Bench) -> None:
    count = bench.size(1_000_000, 100_000)
    numbers = range(count)
    machines = stores([key("m", n) for n in numbers], lambda name: ("SM.SET", name, ORDER))
    hashes = stores([key("h", n) for n in numbers], lambda name: ("HSET", name, "state", "open", "by", "ann"))
    with bench.server() as server:
        for load in (machines, hashes):
            figures(bench, server, load)
        taken = [
            (figures(bench, server, machines), figures(bench, server, hashes)) for _ in range(bench.repetitions)
        ]
    against = "a hash of two short fields"
    for which, name, what, bound, unit, factor in (
        (0, "memory", "Memory of a machine, 14-byte key", 1.00, "B", 1.0),
        (1, "snapshot", "Bytes of a machine in the snapshot", 1.00, "B", 1.0),
        (2, "save", f"CPU of SAVE, {count:,} keys", 1.00, "ms", 1e3 * count),
        (3, "load", f"CPU of loading {count:,} keys", 1.20, "ms", 1e3 * count),
    ):
        pairs = [(machine[which], hash_[which]) for machine, hash_ in taken]
        digits = 1 if unit == "B" else 0
        bench.rows.append(
            Row(name, what, against, bound, ratios(pairs),
                measured=middle(pairs, 0, unit, factor, digits), reference=middle(pairs, 1, unit, factor, digits))
        )  # fmt: skip


def used_memory(server: Server) -> int:
    """Without what the clients' buffers take."""
    memory = server.info("memory")
    return int(memory["used_memory"]) - int(memory["mem_clients_normal"])


def figures(bench: Bench, server: Server, load: Traffic) -> Figures:
    own, count = server.own, load.commands
    empty(server)
    before = used_memory(server)
    with Clients(server) as clients:
        clients.send(load)
    if own.dbsize() != count:
        raise BenchmarkError(f"{own.dbsize()} keys, not {count}")
    memory = used_memory(server) - before

    def saved() -> float:
        began = cpu(server)
        own.save()
        return cpu(server) - began

    def loaded() -> float:
        empty(server)
        began = cpu(server)
        own.execute_command("DEBUG", "RELOAD", "NOSAVE")
        used = cpu(server) - began
        if own.dbsize() != count:
            raise BenchmarkError(f"{own.dbsize()} keys were loaded, not {count}")
        return used

    saving = low([saved() for _ in range(bench.few)])
    size = (server.folder / "dump.rdb").stat().st_size
    loading = low([loaded() for _ in range(bench.few)])
    empty(server)
    return memory / count, size / count, saving / count, loading / count
