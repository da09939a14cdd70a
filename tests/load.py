"""Writers that know what they were told: each owns machines, moves them on, and remembers what was acknowledged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis

from tests.documents import ring
from tests.servers import wait_until

STATES = 50
RING = ring(STATES)
"""Each state has one transition: after a step that is lost or applied twice, the next one is refused."""


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


Call = Callable[..., Any]
Mutate = Callable[..., tuple[Any, bool]]
"""Sends a command; answers its reply, and whether replicas have confirmed it."""


def without_wait(call: Call) -> Mutate:
    """Takes the primary's word for it."""
    return lambda *words: (call(*words), False)


def with_wait(client: redis.Redis, replicas: int, milliseconds: int) -> Mutate:
    """Asks by WAIT. It speaks of the writes of its own connection, so both go down one in one pipeline."""

    def mutate(*words: str) -> tuple[Any, bool]:
        with client.pipeline(transaction=False) as pipe:
            pipe.execute_command(*words)
            pipe.execute_command("WAIT", replicas, milliseconds)
            reply, confirmed = pipe.execute()
        return reply, confirmed >= replicas

    return mutate


@dataclass
class Writer:
    """Moves its machines in turn until it is stopped, or until a call fails.

    ``call`` sends a command. With ``persistent`` a call that fails is no end: like a client that means to get on, the
    writer asks where the machine stands, as soon as somebody answers, and goes on from there.
    """

    call: Call
    machines: list[Machine]
    mutate: Mutate | None = None
    persistent: bool = False
    faults: list[str] = field(default_factory=list)
    """What may never be: a step that was answered with nil, a machine that is behind what replicas had confirmed."""
    lost: int = 0
    """Steps that had been acknowledged, but by no replica, and were gone when a persistent writer asked."""
    failure: Exception | None = None
    steps: int = 0

    def prepare(self) -> None:
        for machine in self.machines:
            assert self.call("SM.SET", machine.key, RING) == "OK"

    def step(self, machine: Machine) -> None:
        mutate = self.mutate or without_wait(self.call)
        machine.sent += 1
        reply, confirmed = mutate("SM.MUTATE", machine.key, machine.state(machine.sent), str(machine.sent))
        if reply is None:
            self.faults.append(f"{machine.key}: step {machine.sent} was refused")
        machine.acknowledged = machine.sent
        if confirmed:
            machine.safe = machine.sent
        self.steps += 1

    def find_out(self, machine: Machine) -> bool:
        """Asks where the machine stands. False where nobody answers."""
        try:
            steps = steps_taken(self.call, machine)
        except redis.RedisError:
            time.sleep(0.05)
            return False
        if not machine.safe <= steps <= machine.sent:
            self.faults.append(f"{machine.key} stands at step {steps}; {machine.safe} was safe, {machine.sent} sent")
        self.lost += max(0, machine.acknowledged - steps)
        machine.sent = machine.acknowledged = steps
        machine.safe = min(machine.safe, steps)
        return True

    def run(self, stop: threading.Event) -> None:
        try:
            while not stop.is_set() and not self.faults:
                for machine in self.machines:
                    self.step_or_find_out(machine, stop)
                time.sleep(0.001)  # a test's servers share few processors
        except Exception as error:
            self.failure = error

    def step_or_find_out(self, machine: Machine, stop: threading.Event) -> None:
        try:
            self.step(machine)
        except redis.RedisError:
            if not self.persistent:
                raise
            while not self.find_out(machine) and not stop.is_set():
                pass


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
            lambda: all(writer.steps >= goal or writer.failure or writer.faults for writer, goal in goals),
            "the writers go on",
        )

    def machines(self) -> Iterator[Machine]:
        for writer in self.writers:
            yield from writer.machines

    def failures(self) -> list[str]:
        died = [f"{type(writer.failure).__name__}: {writer.failure}" for writer in self.writers if writer.failure]
        return died + [fault for writer in self.writers for fault in writer.faults]


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


def steps_taken(call: Call, machine: Machine) -> int:
    """How many steps the server's machine has gone; its state and its reason must tell the same."""
    reason = call("SM.GET", machine.key, "REASON")
    steps = int(reason or 0)
    assert call("SM.STATE", machine.key) == [machine.state(steps)], machine.key
    return steps
