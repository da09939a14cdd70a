"""kill -9 under load: after a restart, acknowledged steps are there, and none that was not sent.

Each writer moves machines of its own around a ring of states, with the number of the step as the reason: state and
reason of a machine show how many steps it has taken, and that none was lost or taken twice. Others keep data: each step
brings its number, which the guard compares with the context. Writers send several steps before they read the replies,
so that the server has taken steps that are not acknowledged when it is killed.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import redis

from tests.append_only import complete, cut_off_what_is_not_whole
from tests.charts_with_data import assign
from tests.documents import compact, ring
from tests.servers import HANG, Server, wait_until

STATES = 17
AHEAD = 8
"""Steps that are sent before their replies are read."""


@dataclass
class Machine:
    """What its writer knows of a machine: steps sent, and acknowledged with the times of the replies."""

    key: str
    document: str
    sent: int = 0
    acknowledged: int = 0
    times: list[float] = field(default_factory=list)

    def call(self) -> tuple[str, ...]:
        """The next step; the first one stores the machine."""
        self.sent += 1
        if self.sent == 1:
            return ("SM.SET", self.key, self.document)
        return ("SM.MUTATE", self.key, f"s{(self.sent - 1) % STATES}", str(self.sent))

    def answer(self) -> tuple[bytes, ...]:
        """The lines of the reply to the step that was sent last."""
        return (b"+OK",)

    def found(self, r: redis.Redis) -> int:
        """The number of steps on the server. Fails if state and reason do not agree."""
        states = r.execute_command("SM.STATE", self.key)
        if states is None:
            return 0
        reason = r.execute_command("SM.GET", self.key, "REASON")
        steps = int(reason or 1)
        assert states == [f"s{(steps - 1) % STATES}"], (self.key, states, reason)
        return steps


COUNTER = {
    "guard": {"@expr": "event.n == context.n + 1"},
    "actions": [assign(n="event.n"), assign(list="context.list + [event.n]")],
}
COUNTING = compact(
    {
        "initial": "a",
        "context": {"n": 1, "list": []},
        "states": {"a": {"on": {"E": {**COUNTER, "target": "b"}}}, "b": {"on": {"E": {**COUNTER, "target": "a"}}}},
    }
)


class MachineWithData(Machine):
    """A machine whose context says how many steps it has taken, as do its revision and its state."""

    def call(self) -> tuple[str, ...]:
        self.sent += 1
        if self.sent == 1:
            return ("SM.SET", self.key, COUNTING)
        return ("SM.SEND", self.key, "E", "DATA", compact({"n": self.sent}))

    def answer(self) -> tuple[bytes, ...]:
        return (b"+OK",) if self.sent == 1 else (b"*1", b"$1", b"ba"[self.sent % 2 :][:1])

    def found(self, r: redis.Redis) -> int:
        text = r.execute_command("SM.GET", self.key, "CONTEXT")
        if text is None:
            return 0
        context = json.loads(text)
        steps: int = context["n"]
        assert context["list"] == [*range(2, steps + 1)], self.key
        assert r.execute_command("SM.GET", self.key, "REVISION") == steps, self.key
        assert r.execute_command("SM.STATE", self.key) == ["ba"[steps % 2]], self.key
        return steps


OUT = "out:"
"""How the names of streams begin."""


class MachineWithOutbox(MachineWithData):
    """A machine that writes its steps and an effect of each to a stream of its own: there is one of both for each step
    that it has taken, and none beside."""

    def call(self) -> tuple[str, ...]:
        name, key, *rest = super().call()
        if self.sent > 1:
            return name, key, *rest
        chart = json.loads(COUNTING)
        for state in chart["states"].values():
            state["on"]["E"]["actions"].append({"type": "tell", "params": {"n": {"@expr": "event.n"}}})
        chart["store"] = {"outbox": {"stream": OUT + key, "of": "steps"}}
        return name, key, compact(chart)

    def found(self, r: redis.Redis) -> int:
        steps = super().found(r)
        entries = [fields for _, fields in r.xrange(OUT + self.key)]
        told = [json.loads(entry["params"])["n"] for entry in entries if entry["type"] == "tell"]
        taken = [int(entry["revision"]) for entry in entries if entry["type"] == "xstate.step"]
        assert (told, taken) == ([*range(2, steps + 1)], [*range(1, steps + 1)]), self.key
        assert len({entry["id"] for entry in entries}) == len(entries), self.key
        return steps


def write(server: Server, machines: list[Machine], dice: random.Random) -> None:
    """Moves the machines until the server is gone."""
    with server.socket() as wire:
        waiting: list[tuple[Machine, tuple[bytes, ...]]] = []
        try:
            while True:
                machine = dice.choice(machines)
                wire.send(*machine.call())
                waiting.append((machine, machine.answer()))
                if len(waiting) == AHEAD or dice.random() < 0.3:
                    while waiting:
                        answered, lines = waiting.pop(0)
                        for line in lines:
                            reply = wire.line()
                            if reply != line:
                                assert line.startswith(reply), reply  # cut off: the server is gone
                                return
                        answered.acknowledged += 1
                        answered.times.append(time.monotonic())
        except OSError:
            return


def test_a_transaction_that_is_cut_off_is_not_whole() -> None:
    command = b"*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n"
    multi, end = b"*1\r\n$5\r\nMULTI\r\n", b"*1\r\n$4\r\nexec\r\n"
    whole = command + multi + command + end
    assert complete(whole) == len(whole)
    assert all(complete(whole[:size]) == len(command) for size in range(len(command), len(whole)))
    assert complete(command[:-1]) == complete(b"*") == complete(b"") == 0


class Load:
    """Writers in threads of their own, and what went wrong in them."""

    def __init__(
        self, server: Server, seed: int, writers: int, machines: int, serial: int, kind: type[Machine] = Machine
    ) -> None:
        self.machines = [
            [kind(f"{serial}:{writer}:{number}", ring(STATES, id=str(writer))) for number in range(machines)]
            for writer in range(writers)
        ]
        self.faults: list[BaseException] = []
        self._server = server
        self._threads = [
            threading.Thread(target=self._run, args=(own, random.Random(f"{seed}:{serial}:{writer}")), daemon=True)
            for writer, own in enumerate(self.machines)
        ]

    def _run(self, own: list[Machine], dice: random.Random) -> None:
        try:
            write(self._server, own, dice)
        except BaseException as fault:
            self.faults.append(fault)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def acknowledged_more_than(self, steps: int) -> bool:
        assert not self.faults, self.faults
        return sum(machine.acknowledged for own in self.machines for machine in own) > steps

    def end(self) -> list[Machine]:
        """Waits for the writers, which end when the server is gone. Returns all machines."""
        for thread in self._threads:
            thread.join(HANG)
            assert not thread.is_alive()
        assert not self.faults, self.faults
        return [machine for own in self.machines for machine in own]


def play(server: Server, seed: int, rounds: int, kind: type[Machine] = Machine) -> list[str]:
    """Rounds of load, kill -9 and restart. Returns a line for each machine that lost acknowledged steps."""
    dice = random.Random(seed)
    known: dict[str, int] = {}
    lost = []
    for serial in range(rounds):
        load = Load(server, seed, writers=3, machines=4, serial=serial, kind=kind)
        server.own.config_set("aof-use-rdb-preamble", dice.choice(["yes", "no"]))
        load.start()
        wait_until(partial(load.acknowledged_more_than, dice.randrange(20, 200)), "the writers write")
        also = dice.choice([None, "BGREWRITEAOF", "BGSAVE"])
        if also:
            server.own.execute_command(also)
        time.sleep(dice.random() / 5)
        killed = time.monotonic()
        server.kill9()
        machines = load.end()
        if kind is MachineWithOutbox:
            cut_off_what_is_not_whole(server)
        server.start_again()
        r = server.own
        for machine in machines:
            found = machine.found(r)
            assert found <= machine.sent, (machine.key, found, machine.sent)
            if found < machine.acknowledged:
                age = killed - machine.times[found]
                steps = machine.acknowledged - found
                lost.append(f"round {serial}, {also}: {steps} steps of {machine.key}, {age:.3f} s")
            if found:
                known[machine.key] = found
        assert {key: kind(key, "").found(r) for key in known} == known
        assert {key for key in r.scan_iter() if not key.startswith(OUT)} == set(known)
    print(f"{rounds} rounds, {sum(known.values())} steps of {len(known)} machines, {len(lost)} machines lost steps")
    return lost


def server_that_appends(start_server: Callable[..., Server], when: str) -> Server:
    server = start_server(settings={"appendonly": "yes", "appendfsync": when})
    server.wait_for_child()
    return server


def test_always(start_server: Callable[..., Server], long: bool) -> None:
    server = server_that_appends(start_server, "always")
    assert play(server, seed=1, rounds=100 if long else 4) == []


def test_always_with_data(start_server: Callable[..., Server], long: bool) -> None:
    """No acknowledged step is lost, none is there in part: state, context and revision agree."""
    server = server_that_appends(start_server, "always")
    assert play(server, seed=5, rounds=100 if long else 4, kind=MachineWithData) == []


def test_always_with_an_outbox(start_server: Callable[..., Server], long: bool) -> None:
    """Each step that is there has its entries, and there is no entry without its step."""
    server = server_that_appends(start_server, "always")
    assert play(server, seed=6, rounds=100 if long else 4, kind=MachineWithOutbox) == []


def test_every_second(start_server: Callable[..., Server], long: bool) -> None:
    """The server may lose what it has not yet written: by its documentation, the last second or two.

    The bound is generous; the loss is printed. Written pages survive the process, so that a power cut can lose more."""
    server = server_that_appends(start_server, "everysec")
    lost = play(server, seed=2, rounds=30 if long else 2)
    print(*lost, sep="\n")
    assert all(float(line.split()[-2]) < 10 for line in lost)


def test_left_to_the_system(start_server: Callable[..., Server], long: bool) -> None:
    """Written before the reply, and never synced: it survives the process, but not the machine."""
    server = server_that_appends(start_server, "no")
    assert play(server, seed=4, rounds=30 if long else 2) == []


def test_snapshots_alone(start_server: Callable[..., Server], long: bool) -> None:
    """Without an AOF, the data are those of the last snapshot."""
    server = start_server()
    dice = random.Random(3)
    for serial in range(20 if long else 3):
        load = Load(server, 3, writers=2, machines=4, serial=serial)
        load.start()
        wait_until(partial(load.acknowledged_more_than, 50), "the writers write")
        before = {machine.key: machine.acknowledged for own in load.machines for machine in own}
        server.own.execute_command("BGSAVE")
        server.wait_for_child()
        time.sleep(dice.random() / 5)
        server.kill9()
        machines = load.end()
        server.start_again()
        for machine in machines:
            assert before[machine.key] <= machine.found(server.own) <= machine.sent
