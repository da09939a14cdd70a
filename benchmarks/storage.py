"""Rows: a machine's bytes in memory and in a snapshot, and the CPU of saving and loading it."""

from __future__ import annotations

from tests.servers import Server

from .bench import Batch, Bench, BenchmarkError, Row, cpu, flush, interleaved, median_text, ratios
from .documents import ORDER, key, stores
from .load import Clients, Traffic


def run(bench: Bench) -> None:
    """Machines on one server and hashes on another, so that their batches can be interleaved."""
    count = bench.size(1_000_000, 100_000)
    numbers = range(count)
    with bench.server() as with_machines, bench.server() as with_hashes:
        memory = (
            filled(with_machines, stores([key("m", n) for n in numbers], lambda name: ("SM.SET", name, ORDER))),
            filled(
                with_hashes,
                stores([key("h", n) for n in numbers], lambda name: ("HSET", name, "state", "open", "by", "ann")),
            ),
        )
        both = with_machines, with_hashes
        saves = interleaved(bench, *map(saving, both), batches=bench.few_batches)
        sizes = tuple((server.folder / "dump.rdb").stat().st_size / count for server in both)
        loads = interleaved(bench, *map(loading, both), batches=bench.few_batches)
    against = "a hash of two short fields"
    for name, what, pairs, bound, unit, factor in (
        ("memory", "Memory of a machine, 14-byte key", [memory] * bench.repetitions, 1.00, "B", 1.0),
        ("snapshot", "Bytes of a machine in the snapshot", [sizes] * bench.repetitions, 1.00, "B", 1.0),
        ("save", f"CPU of SAVE, {count:,} keys", saves, 1.00, "ms", 1e3 * count),
        ("load", f"CPU of loading {count:,} keys", loads, 1.20, "ms", 1e3 * count),
    ):
        digits = 1 if unit == "B" else 0
        bench.rows.append(
            Row(name, what, against, bound, ratios(pairs),
                measured=median_text(pairs, 0, unit, factor, digits),
                reference=median_text(pairs, 1, unit, factor, digits))
        )  # fmt: skip


def used_memory(server: Server) -> int:
    """used_memory without the clients' buffers."""
    memory = server.info("memory")
    return int(memory["used_memory"]) - int(memory["mem_clients_normal"])


def filled(server: Server, load: Traffic, keys: int | None = None) -> float:
    """Sends the traffic to an empty server; bytes of memory for each command, which make as many ``keys``."""
    before = used_memory(server)
    with Clients(server) as clients:
        clients.send(load)
    if server.own.dbsize() != (keys or load.commands):
        raise BenchmarkError(f"{server.own.dbsize()} keys by {load.commands} commands")
    return (used_memory(server) - before) / load.commands


def saving(server: Server) -> Batch:
    def batch() -> tuple[float, float]:
        began = cpu(server)
        server.own.save()
        return cpu(server) - began, server.own.dbsize()

    return batch


def loading(server: Server) -> Batch:
    count = server.own.dbsize()

    def batch() -> tuple[float, float]:
        flush(server)
        began = cpu(server)
        server.own.execute_command("DEBUG", "RELOAD", "NOSAVE")
        used = cpu(server) - began
        if server.own.dbsize() != count:
            raise BenchmarkError(f"{server.own.dbsize()} keys were loaded, not {count}")
        return used, count

    return batch
