"""A row of the table, the options of a run, and interleaved measurements (A B B A ...).

CPU is that of the server's main thread, from INFO, divided by the number of commands.
"""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers import Server
from tools import servers

from .calibration import MAX_WAIT, Calibration


class BenchmarkError(Exception):
    """A measurement did not do what its row says, so that its result would be meaningless."""


@dataclass(frozen=True)
class Row:
    """A row of the table. ``samples`` has one value for each repetition.

    ``unit`` is "" for a ratio. ``measured`` and ``reference`` are its two sides' medians, with their unit.
    """

    name: str
    what: str
    against: str
    bound: float
    samples: tuple[float, ...]
    unit: str = ""
    at_least: bool = False
    measured: str = ""
    reference: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def within_bound(self) -> bool:
        return self.median >= self.bound if self.at_least else self.median <= self.bound


@dataclass
class Bench:
    """A run on one server: its options, and the rows that it has measured."""

    binary: servers.Found
    folder: Path
    quick: bool
    rows: list[Row] = field(default_factory=list)
    started: int = 0
    calibration: Calibration = field(init=False)

    def __post_init__(self) -> None:
        self.calibration = Calibration(0.0 if self.quick else MAX_WAIT)

    @property
    def repetitions(self) -> int:
        return 5 if self.quick else 7

    @property
    def batch_seconds(self) -> float:
        """Seconds for which one batch of one side runs."""
        return 0.025 if self.quick else 0.05

    @property
    def batches(self) -> int:
        """Batches of each side in a repetition; odd, so that one pair is the median."""
        return 5 if self.quick else 17

    @property
    def few_batches(self) -> int:
        """As ``batches``, for what takes long."""
        return 1 if self.quick else 5

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def new_server(self, module: bool = True, **settings: object) -> Server:
        """A server that has not been started, in a folder of its own."""
        self.started += 1
        folder = self.folder / f"server{self.started}"
        folder.mkdir(parents=True)
        options: dict[str, Any] = {} if module else {"module": None}
        return Server(folder, binary=self.binary, settings=settings, **options)

    @contextlib.contextmanager
    def server(self, **settings: object) -> Iterator[Server]:
        """A running server with the module, stopped at the end. Raises BenchmarkError for faults in its log."""
        server = self.new_server(**settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()
            faults = server.faults()
            if faults:
                raise BenchmarkError("\n".join(faults))


def cpu(server: Server) -> float:
    """Seconds of CPU that the server's main thread has used."""
    info = server.info("cpu")
    if "used_cpu_user_main_thread" in info:
        return float(info["used_cpu_user_main_thread"]) + float(info["used_cpu_sys_main_thread"])
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


def flush(server: Server) -> None:
    """Deletes all keys, and frees them before it returns, whatever the server's lazyfree settings are."""
    server.own.execute_command("FLUSHALL", "SYNC")


Batch = Callable[[], tuple[float, float]]
"""Does some work, and returns (cost, amount of work)."""


Costs = tuple[float, ...]
"""The cost of one unit of work of each side: (a, b), or (a, b, c, d) where a/b is divided by c/d."""


def ratio(costs: Costs) -> float:
    """a / b, or (a / b) / (c / d)."""
    measured, reference, *divisor = costs
    return measured / reference / (ratio(tuple(divisor)) if divisor else 1)


def median_pair(rounds: Sequence[Costs]) -> Costs:
    """The round whose ratio is the median, of an odd number of rounds: the machine is mostly as fast for all batches of
    one round, even if other work slows it down."""
    return sorted(rounds, key=ratio)[len(rounds) // 2]


def median_of_each(rounds: Sequence[Costs]) -> Costs:
    """The median of each side separately: for rare delays, which are independent of the other side's."""
    return tuple(statistics.median(side) for side in zip(*rounds, strict=True))


def interleaved(bench: Bench, *sides: Batch, batches: int | None = None, repetitions: int | None = None,
                combine: Callable[[Sequence[Costs]], Costs] = median_pair) -> list[Costs]:
    """The costs of all sides for each repetition, after a warm-up.

    A repetition has several rounds. In each, every side runs one batch; every second round in reverse order.
    ``combine`` makes one result of the rounds of a repetition.
    """
    for side in sides:
        side()

    def run_round(reverse: bool) -> Costs:
        measured = [cost / amount for cost, amount in (side() for side in sides[:: -1 if reverse else 1])]
        return tuple(measured[:: -1 if reverse else 1])

    return [
        combine([run_round((repetition + number) % 2 == 1) for number in range(batches or bench.batches)])
        for repetition in range(repetitions or bench.repetitions)
    ]


def ratios(repetitions: Sequence[Costs]) -> tuple[float, ...]:
    return tuple(map(ratio, repetitions))


def median_text(repetitions: Sequence[Costs], which: int, unit: str, factor: float = 1.0, digits: int = 0) -> str:
    """The median of one side with its unit: ``812 ns``."""
    value = statistics.median(costs[which] for costs in repetitions) * factor
    return f"{value:,.{digits}f} {unit}"


def nanoseconds(repetitions: Sequence[Costs], which: int) -> str:
    return median_text(repetitions, which, "ns", 1e9)


def compare(bench: Bench, name: str, what: str, against: str, bound: float, measured: Batch, reference: Batch,
            batches: int | None = None) -> None:
    """Measures both sides, and adds a row of the CPU for each command."""
    add_row(bench, name, what, against, bound, interleaved(bench, measured, reference, batches=batches))


def add_row(bench: Bench, name: str, what: str, against: str, bound: float, pairs: list[Costs]) -> None:
    bench.rows.append(
        Row(name, what, against, bound, ratios(pairs), measured=nanoseconds(pairs, 0), reference=nanoseconds(pairs, 1))
    )
