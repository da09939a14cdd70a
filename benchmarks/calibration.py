"""Short measurements (microseconds, milliseconds) on a machine that does other work too.

A virtual processor shares its core with those of other machines, which use it for some ten milliseconds at a time;
meanwhile the same work takes up to twice as long. So the server gets a processor of its own. A fixed piece of work, the
calibration, is timed on that processor before and after each measurement, and a slow calibration makes the measurement
be repeated.
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

ALLOWED_CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPUS = set(ALLOWED_CPUS[:1])
CLIENT_CPUS = set(ALLOWED_CPUS[1:]) or SERVER_CPUS

MEMORY = bytes(range(256)) * (1 << 14)
TEXT = json.dumps({f"state {number}": [f"state {number + 1}"] * 3 for number in range(30)})
MAX_SLOWDOWN = 1.3
"""A measurement is disturbed if its calibration took longer than this times the best calibration so far."""
MAX_WAIT = 1.0
"""Seconds for which one measurement is repeated until it is undisturbed; also of the first calibration."""
SAMPLES = 5
"""Measurements of each side, of which the minimum counts."""

Prepared = TypeVar("Prepared")
T = TypeVar("T")


@contextlib.contextmanager
def pinned_to(cpus: set[int]) -> Iterator[None]:
    """Runs the calling thread, and the processes that it starts, on these processors only."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def pin_server(pid: int) -> None:
    """Runs the main thread of the process on the server's processor only."""
    os.sched_setaffinity(pid, SERVER_CPUS)


def calibration_seconds() -> float:
    """Seconds of CPU for a fixed piece of work that uses memory and processor."""
    times = []
    for _ in range(3):  # the first finds cold caches
        began = time.thread_time()
        MEMORY[::64].count(1)
        for _ in range(50):
            json.loads(TEXT)
        times.append(time.thread_time() - began)
    return statistics.median(times)


class Calibration:
    """Repeats measurements until the machine is undisturbed, and counts those for which it never was.

    Only the calibration decides whether a measurement is repeated, never its result. The time is limited, so that a run
    ends on a busy machine too.
    """

    def __init__(self, max_wait: float) -> None:
        """``max_wait`` is in seconds, for each measurement; 0 never repeats."""
        self.max_wait = max_wait
        self.best = float("inf")
        self.measured = 0
        self.disturbed = 0
        until = time.monotonic() + max_wait
        while time.monotonic() < until:
            self._slowdown()

    def _slowdown(self) -> float:
        """The time of a calibration, divided by the best time so far."""
        with pinned_to(SERVER_CPUS):
            took = calibration_seconds()
        self.best = min(self.best, took)
        return took / self.best

    def undisturbed(self, prepare: Callable[[], Prepared], measure: Callable[[Prepared], T]) -> T:
        """What ``measure(prepare())`` returns on an undisturbed machine; else that of the least disturbed attempt.

        ``measure`` should take some milliseconds: the calibrations before and after tell nothing about a longer time.
        """
        until = time.monotonic() + self.max_wait
        attempts: list[tuple[float, T]] = []
        while True:
            prepared = prepare()
            before = self._slowdown()
            while before > MAX_SLOWDOWN and time.monotonic() < until:
                before = self._slowdown()
            result = measure(prepared)
            attempts.append((max(before, self._slowdown()), result))
            if attempts[-1][0] <= MAX_SLOWDOWN or time.monotonic() >= until:
                break
        slowdown, result = min(attempts, key=itemgetter(0))
        self.measured += 1
        self.disturbed += slowdown > MAX_SLOWDOWN
        return result


def minimum(*sides: Callable[[], float]) -> tuple[float, ...]:
    """The minimum of several interleaved measurements of each side: disturbances only ever add time."""
    return tuple(map(min, zip(*([side() for side in sides] for _ in range(SAMPLES)), strict=True)))
