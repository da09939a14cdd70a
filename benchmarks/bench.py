"""A row of the table, what a run needs, and how two things are measured in turns (A B A B ...).

CPU is the server's own: what INFO says that its main thread has used, divided by the commands that were sent.
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

from .quiet import PATIENCE, Quiet


class BenchmarkError(Exception):
    """A measurement did not do what its row says, so its numbers would mean nothing."""


@dataclass(frozen=True)
class Row:
    """A line of the result. ``samples`` holds one figure for each repetition.

    ``unit`` is "" for a ratio. ``measured`` and ``reference`` are medians, in words, of what the ratio is made of.
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
    def holds(self) -> bool:
        return self.median >= self.bound if self.at_least else self.median <= self.bound


@dataclass
class Bench:
    """A run on one server: how long, how large, where."""

    binary: servers.Found
    folder: Path
    quick: bool
    rows: list[Row] = field(default_factory=list)
    started: int = 0
    waiting: Quiet = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = Quiet(0.0 if self.quick else PATIENCE)

    @property
    def repetitions(self) -> int:
        return 5 if self.quick else 7

    @property
    def turn(self) -> float:
        """Seconds of one turn of one side."""
        return 0.025 if self.quick else 0.05

    @property
    def turns(self) -> int:
        """Turns of each side in a repetition."""
        return 5 if self.quick else 17

    @property
    def few(self) -> int:
        """Turns of what takes long."""
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
        """A server with the module, as long as the block lasts."""
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


def empty(server: Server) -> None:
    """Frees all keys before it returns, whatever the server's lazyfree settings are."""
    server.own.execute_command("FLUSHALL", "SYNC")


def changes(server: Server) -> int:
    """Writes that have changed something, as the server counts them for replication and for saving."""
    return int(server.info("persistence")["rdb_changes_since_last_save"])


Turn = Callable[[], tuple[float, float]]
"""Does some work; returns (cost, amount of work), so that cost / amount is the figure."""


Figures = tuple[float, ...]
"""A figure of each side: two of them, or four where what a reference loses is to be taken off."""


def ratio(figures: Figures) -> float:
    """a / b, or (a / b) / (c / d)."""
    own, reference, *loss = figures
    return own / reference / (ratio(tuple(loss)) if loss else 1)


def alike(rounds: Sequence[Figures]) -> Figures:
    """The neighbouring turns whose ratio is the median, of an odd number of rounds: some turns in a row mostly find the
    machine as fast, whatever it does for others meanwhile."""
    return sorted(rounds, key=ratio)[len(rounds) // 2]


def apart(rounds: Sequence[Figures]) -> Figures:
    """The median of each side, for figures that are rare delays: these have nothing to do with their neighbour's."""
    return tuple(statistics.median(side) for side in zip(*rounds, strict=True))


def in_turns(bench: Bench, *sides: Turn, turns: int | None = None, repetitions: int | None = None,
             figure: Callable[[Sequence[Figures]], Figures] = alike) -> list[Figures]:
    """The figures of all sides, for each repetition, after a warm-up of each.

    A repetition is several rounds, in which each side has a turn; which of them goes first changes.
    """
    for side in sides:
        side()

    def round_of(backwards: bool) -> Figures:
        measured = [cost / amount for cost, amount in (side() for side in sides[:: -1 if backwards else 1])]
        return tuple(measured[:: -1 if backwards else 1])

    return [
        figure([round_of((repetition + turn) % 2 == 1) for turn in range(turns or bench.turns)])
        for repetition in range(repetitions or bench.repetitions)
    ]


def ratios(repetitions: Sequence[Figures]) -> tuple[float, ...]:
    return tuple(map(ratio, repetitions))


def middle(repetitions: Sequence[Figures], which: int, unit: str, factor: float = 1.0, digits: int = 0) -> str:
    """The median of one side, in words: ``812 ns``."""
    value = statistics.median(figures[which] for figures in repetitions) * factor
    return f"{value:,.{digits}f} {unit}"


def nanoseconds(repetitions: Sequence[Figures], which: int) -> str:
    return middle(repetitions, which, "ns", 1e9)


def compare(bench: Bench, name: str, what: str, against: str, bound: float, measured: Turn, reference: Turn,
            turns: int | None = None) -> None:
    """A row of CPU for each command."""
    add_row(bench, name, what, against, bound, in_turns(bench, measured, reference, turns=turns))


def add_row(bench: Bench, name: str, what: str, against: str, bound: float, pairs: list[Figures]) -> None:
    bench.rows.append(
        Row(name, what, against, bound, ratios(pairs), measured=nanoseconds(pairs, 0), reference=nanoseconds(pairs, 1))
    )
