"""Waiting until the machine serves nobody else, for what is measured in microseconds or milliseconds.

A virtual processor shares its core with others, whose turns come and go within some ten milliseconds; during one, the
same work takes up to twice as long. So the server has one processor, the machine is looked at on that, right before and
after what is measured, and the client keeps off it.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import TypeVar

ALLOWED = sorted(os.sched_getaffinity(0))
SERVERS = set(ALLOWED[:1])
CLIENTS = set(ALLOWED[1:]) or SERVERS

MEMORY = bytes(range(256)) * (1 << 14)
TEXT = json.dumps({f"state {number}": [f"state {number + 1}"] * 3 for number in range(30)})
DISTURBED = 1.3
"""So many times as long as at its best takes the same work on a machine whose host has others to serve."""
PATIENCE = 1.0
"""Seconds that an undisturbed moment is waited for; before the first, to see how fast the machine is."""
MOMENTS = 5
"""Of each side; the least of them counts."""

Prepared = TypeVar("Prepared")
T = TypeVar("T")


@contextlib.contextmanager
def on(processors: set[int]) -> Iterator[None]:
    """The calling thread, and the processes that it starts, have these."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def give_processor(server: int) -> None:
    """The main thread of the process ``server`` has the servers' processor."""
    os.sched_setaffinity(server, SERVERS)


def same_work() -> float:
    """Seconds of CPU of work that is always the same, in memory and in the processor."""
    times = []
    for _ in range(3):  # the first finds cold caches
        began = time.thread_time()
        MEMORY[::64].count(1)
        for _ in range(50):
            json.loads(TEXT)
        times.append(time.thread_time() - began)
    return statistics.median(times)


class Quiet:
    """How fast the machine is at its best, and what was measured at such moments.

    It is the machine that is looked at, never the figure; and not for ever, so that a run ends on a busy one.
    """

    def __init__(self, patience: float) -> None:
        """``patience`` is in seconds, for each measurement."""
        self.patience = patience
        self.best = float("inf")
        self.measured = 0
        self.disturbed = 0
        """Measurements for which no undisturbed moment came."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            self._look()

    def _look(self) -> float:
        """How many times as long as at its best the machine takes, as far as that is known."""
        with on(SERVERS):
            took = same_work()
        self.best = min(self.best, took)
        return took / self.best

    def moment(self, prepare: Callable[[], Prepared], work: Callable[[Prepared], T]) -> T:
        """What ``work``, of some milliseconds, returns of what was prepared, at the first undisturbed moment; where
        none comes, at the least disturbed one."""
        until = time.monotonic() + self.patience
        attempts: list[tuple[float, T]] = []
        while True:
            prepared = prepare()
            before = self._look()
            while before > DISTURBED and time.monotonic() < until:
                before = self._look()
            result = work(prepared)
            attempts.append((max(before, self._look()), result))
            if attempts[-1][0] <= DISTURBED or time.monotonic() >= until:
                break
        slowness, result = min(attempts, key=itemgetter(0))
        self.measured += 1
        self.disturbed += slowness > DISTURBED
        return result


def least(*sides: Callable[[], float]) -> tuple[float, ...]:
    """The least of some turns of each side: what disturbs makes it slower and never quicker."""
    return tuple(map(min, zip(*([side() for side in sides] for _ in range(MOMENTS)), strict=True)))
