"""Clients that write continuously: each moves machines of its own, and records which steps were acknowledged."""

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
    """What its writer knows of a machine: the number of steps sent, acknowledged and replicated."""

    key: str
    sent: int = 0
    acknowledged: int = 0
    """The last step that the server acknowledged."""
    replicated: int = 0
    """The last step that replicas have confirmed, where the writer uses WAIT."""

    def state(self, steps: int) -> str:
        return f"s{steps % STATES}"


Call = Callable[..., Any]
Mutate = Callable[..., tuple[Any, bool]]
"""Sends a command; returns its reply, and whether replicas have confirmed it."""


def without_wait(call: Call) -> Mutate:
    """Without a confirmation by replicas."""
    return lambda *words: (call(*words), False)


def with_wait(client: redis.Redis, replicas: int, milliseconds: int) -> Mutate:
    """With WAIT, in the same pipeline: it refers to the writes of its own connection."""

    def mutate(*words: str) -> tuple[Any, bool]:
        with client.pipeline(transaction=False) as pipe:
            pipe.execute_command(*words)
            pipe.execute_command("WAIT", replicas, milliseconds)
            reply, confirmed = pipe.execute()
        return reply, confirmed >= replicas

    return mutate


@dataclass
class Writer:
    """Moves its machines, one after the other, until it is stopped or a call fails.

    ``call`` sends a command. A ``persistent`` writer does not stop when a call fails: as soon as a server answers, it
    reads the machine's state and continues from there.
    """

    call: Call
    machines: list[Machine]
    mutate: Mutate | None = None
    persistent: bool = False
    faults: list[str] = field(default_factory=list)
    """Broken promises: a step that was refused, a machine that has lost steps which replicas had confirmed."""
    lost: int = 0
    """Acknowledged steps, not confirmed by replicas, that a persistent writer found to be lost."""
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
            machine.replicated = machine.sent
        self.steps += 1

    def resynchronise(self, machine: Machine) -> bool:
        """Reads the machine's state, and continues from there. False if no server answers."""
        try:
            steps = steps_taken(self.call, machine)
        except redis.RedisError:
            time.sleep(0.05)
            return False
        if not machine.replicated <= steps <= machine.sent:
            self.faults.append(
                f"{machine.key} is at step {steps}; {machine.replicated} were replicated, {machine.sent} sent"
            )
        self.lost += max(0, machine.acknowledged - steps)
        machine.sent = machine.acknowledged = steps
        machine.replicated = min(machine.replicated, steps)
        return True

    def run(self, stop: threading.Event) -> None:
        try:
            while not stop.is_set() and not self.faults:
                for machine in self.machines:
                    self.step_or_resynchronise(machine, stop)
                time.sleep(0.001)  # the servers need the processor too
        except Exception as error:
            self.failure = error

    def step_or_resynchronise(self, machine: Machine, stop: threading.Event) -> None:
        try:
            self.step(machine)
        except redis.RedisError:
            if not self.persistent:
                raise
            while not self.resynchronise(machine) and not stop.is_set():
                pass


class Load:
    """Writers that run in threads."""

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

    def wait_for_steps(self, steps: int = 3) -> None:
        """Waits until every writer has taken so many more steps, or has failed."""
        goals = [(writer, writer.steps + steps) for writer in self.writers]
        wait_until(
            lambda: all(writer.steps >= goal or writer.failure or writer.faults for writer, goal in goals),
            "the writers take steps",
        )

    def machines(self) -> Iterator[Machine]:
        for writer in self.writers:
            yield from writer.machines

    def failures(self) -> list[str]:
        died = [f"{type(writer.failure).__name__}: {writer.failure}" for writer in self.writers if writer.failure]
        return died + [fault for writer in self.writers for fault in writer.faults]


@contextmanager
def under_load(writers: Sequence[Writer]) -> Iterator[Load]:
    """Stores the writers' machines, and runs the writers during the block."""
    for writer in writers:
        writer.prepare()
    load = Load(writers)
    load.start()
    try:
        load.wait_for_steps()
        yield load
    finally:
        load.stop()


def steps_taken(call: Call, machine: Machine) -> int:
    """The number of steps of the machine on the server, from its reason. Fails if its state says otherwise."""
    reason = call("SM.GET", machine.key, "REASON")
    steps = int(reason or 0)
    assert call("SM.STATE", machine.key) == [machine.state(steps)], machine.key
    return steps
