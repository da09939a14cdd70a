"""Writers that know what they were told: each owns machines, moves them on, and remembers what was acknowledged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.documents import flat
from tests.servers import wait_until

STATES = 50
RING = flat({f"s{n}": [f"s{(n + 1) % STATES}"] for n in range(STATES)}, "s0")
"""A machine that can only go round: a step that is lost or taken twice refuses the next one."""


@dataclass
class Machine:
    """What its writer knows of a machine that has been moved ``sent`` times."""

    key: str
    sent: int = 0
    acknowledged: int = 0
    """The last step that was answered OK."""
    safe: int = 0
    """The last step that replicas have confirmed too, where the writer asks them."""

    def state(self, steps: int) -> str:
        return f"s{steps % STATES}"


@dataclass
class Writer:
    """Moves its machines in turn until it is stopped, or until a call fails.

    ``call`` sends a command. ``confirm`` says, after an acknowledged step, whether replicas have it; None does not ask.
    """

    call: Callable[..., Any]
    machines: list[Machine]
    confirm: Callable[[], bool] | None = None
    refused: list[str] = field(default_factory=list)
    """Steps that were answered with nil: none may be."""
    failure: Exception | None = None
    steps: int = 0

    def prepare(self) -> None:
        for machine in self.machines:
            assert self.call("SM.SET", machine.key, RING) == "OK"

    def step(self, machine: Machine) -> None:
        machine.sent += 1
        reply = self.call("SM.MUTATE", machine.key, machine.state(machine.sent), str(machine.sent))
        if reply is None:
            self.refused.append(f"{machine.key} step {machine.sent}")
        machine.acknowledged = machine.sent
        if self.confirm is not None and self.confirm():
            machine.safe = machine.sent
        self.steps += 1

    def run(self, stop: threading.Event) -> None:
        try:
            while not stop.is_set() and not self.refused:
                for machine in self.machines:
                    self.step(machine)
                time.sleep(0.001)  # a test's servers share few processors
        except Exception as error:
            self.failure = error


class Load:
    """Writers at work in threads."""

    def __init__(self, writers: Sequence[Writer]) -> None:
        self.writers = writers
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=writer.run, args=(self._stop,)) for writer in writers]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def go_on(self, steps: int = 3) -> None:
        """Waits until every writer has gone on for so many steps, or has failed."""
        goals = [(writer, writer.steps + steps) for writer in self.writers]
        wait_until(
            lambda: all(writer.steps >= goal or writer.failure or writer.refused for writer, goal in goals),
            "the writers go on",
        )

    def machines(self) -> Iterator[Machine]:
        for writer in self.writers:
            yield from writer.machines

    def failures(self) -> list[str]:
        return [f"{type(w.failure).__name__}: {w.failure}" for w in self.writers if w.failure] + [
            refused for w in self.writers for refused in w.refused
        ]


@contextmanager
def under_load(writers: Sequence[Writer]) -> Iterator[Load]:
    """Runs the writers while the block runs; their machines are made first."""
    for writer in writers:
        writer.prepare()
    load = Load(writers)
    load.start()
    try:
        load.go_on()
        yield load
    finally:
        load.stop()


def steps_taken(call: Callable[..., Any], machine: Machine) -> int:
    """How many steps the server's machine has gone; its state and its reason must tell the same."""
    reason = call("SM.GET", machine.key, "REASON")
    steps = int(reason or 0)
    assert call("SM.STATE", machine.key) == [machine.state(steps)], machine.key
    return steps
