"""Rows: what a machine takes in memory and in a snapshot, and what saving and loading it cost."""

from __future__ import annotations

from tests.servers import Server

from .bench import Bench, BenchmarkError, Row, Turn, cpu, empty, in_turns, middle, ratios
from .documents import ORDER, key, stores
from .load import Clients, Traffic


def run(bench: Bench) -> None:
    """Machines on one server, hashes on another, so that these take turns."""
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
        saves = in_turns(bench, *map(saving, both), turns=bench.few)
        sizes = tuple((server.folder / "dump.rdb").stat().st_size / count for server in both)
        loads = in_turns(bench, *map(loading, both), turns=bench.few)
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
                measured=middle(pairs, 0, unit, factor, digits), reference=middle(pairs, 1, unit, factor, digits))
        )  # fmt: skip


def used_memory(server: Server) -> int:
    """Without what the clients' buffers take."""
    memory = server.info("memory")
    return int(memory["used_memory"]) - int(memory["mem_clients_normal"])


def filled(server: Server, load: Traffic) -> float:
    """Bytes of memory that each key has taken."""
    before = used_memory(server)
    with Clients(server) as clients:
        clients.send(load)
    if server.own.dbsize() != load.commands:
        raise BenchmarkError(f"{server.own.dbsize()} keys, not {load.commands}")
    return (used_memory(server) - before) / load.commands


def saving(server: Server) -> Turn:
    def turn() -> tuple[float, float]:
        began = cpu(server)
        server.own.save()
        return cpu(server) - began, server.own.dbsize()

    return turn


def loading(server: Server) -> Turn:
    count = server.own.dbsize()

    def turn() -> tuple[float, float]:
        empty(server)
        began = cpu(server)
        server.own.execute_command("DEBUG", "RELOAD", "NOSAVE")
        used = cpu(server) - began
        if server.own.dbsize() != count:
            raise BenchmarkError(f"{server.own.dbsize()} keys were loaded, not {count}")
        return used, count

    return turn
