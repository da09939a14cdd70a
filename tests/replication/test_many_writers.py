"""64 connections share 1,000 machines. Commands and replies are lost, and in the middle the primary is killed and its
replica promoted. No step is done twice, none is missing that WAIT has confirmed, and no history has a gap."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.documents import compact
from tests.groups import STRICT, alone, follow
from tests.servers import HANG, Server, wait_until

Start = Callable[..., Server]

WRITERS = 64
MACHINES = 1000
BUSY = 40
"""Half of the commands go to so many of the machines."""
KEPT = 1000
STORE = {"history": KEPT, "idempotency": KEPT}


def chart(**transition: object) -> str:
    """Three states in a circle."""
    ring = {"a": "b", "b": "c", "c": "a"}
    states = {one: {"on": {"NEXT": {"target": other, **transition}}} for one, other in ring.items()}
    context = {"context": {"n": 0}} if transition else {}
    return compact({"id": "ring", "initial": "a", **context, "store": STORE, "states": states})


PLAIN, COUNTING = chart(), chart(context={"n": {"@expr": "context.n + 1"}})


@dataclass
class Command:
    """A step that a writer wants. Its reason says in the history who wanted it."""

    name: str
    key: str
    has_token: bool
    revision: int | None
    attempts: int = 0

    def words(self) -> list[str]:
        token = ["ID", self.name] if self.has_token else []
        condition = [] if self.revision is None else ["IFREV", str(self.revision)]
        return ["SM.SEND", self.key, "NEXT", "REASON", self.name, "EFFECTS", *token, *condition]


class Group:
    """The server that takes writes, and how many replicas are to confirm them."""

    def __init__(self, primary: Server, replica: Server) -> None:
        self.server, self.replicas = primary, 1
        self.replica = replica

    def fail_over(self) -> None:
        self.server.kill9()
        alone(self.replica)
        self.replicas = 0
        self.server = self.replica


@dataclass
class Writer:
    """Sends commands until it is stopped, and then until the last one has an answer."""

    number: int
    group: Group
    confirmed: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Steps that were answered and confirmed: the machine, and the revision that was answered."""
    refused: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    """Steps without a token, of which it is not known whether they were taken."""
    seen: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.number)
        self.known: dict[str, int] = {}
        self.server: Server | None = None

    def run(self, stop: threading.Event) -> None:
        number = 0
        try:
            while not stop.is_set():
                number += 1
                self.finish(self.command(number))
        except Exception as error:
            self.faults.append(f"writer {self.number}: {type(error).__name__}: {error}")
        finally:
            self.client().close()

    def command(self, number: int) -> Command:
        key = f"m{self.dice.randrange(BUSY if self.dice.random() < 0.5 else MACHINES)}"
        has_token, has_condition = self.dice.choice([(True, True), (True, False), (False, True)])
        name = f"{self.number}/{number}"
        return Command(name, key, has_token, self.revision(key) if has_condition else None)

    def revision(self, key: str) -> int:
        """As it was heard of last, or as it is."""
        if key not in self.known or self.dice.random() < 0.5:
            self.again(lambda: self.known.__setitem__(key, self.client().execute_command("SM.GET", key, "REVISION")))
        return self.known[key]

    def again(self, call: Callable[[], None]) -> None:
        """Until it succeeds."""
        while True:
            try:
                return call()
            except redis.RedisError:
                time.sleep(0.02)

    def client(self) -> redis.Redis:
        """One that never sends a command twice by itself."""
        if self.server is not self.group.server:
            if self.server is not None:
                self._client.close()
            self.server = self.group.server
            self._client = redis.Redis(
                port=self.server.port, decode_responses=True, single_connection_client=True, socket_timeout=HANG,
                retry=Retry(NoBackoff(), 0),
            )  # fmt: skip
        return self._client

    def finish(self, command: Command) -> None:
        """Sends a command with a token until it is answered and confirmed, and one without only once."""
        while True:
            command.attempts += 1
            try:
                answers, confirmed = self.attempt(command)
            except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.ReadOnlyError):
                self.seen["no answer"] += 1
                time.sleep(0.01)
            else:
                if self.settle(command, answers, confirmed):
                    return
            if not command.has_token:
                self.unknown.add(command.name)
                return

    def attempt(self, command: Command) -> tuple[list[Any], bool]:
        """The answers, and whether replicas have confirmed the step. Some commands are lost, some replies, and some
        commands arrive twice."""
        client, replicas, chance = self.client(), self.group.replicas, self.dice.random()
        if chance < 0.03:
            raise redis.TimeoutError("the command is lost")
        if chance < 0.10:
            assert client.connection is not None
            client.connection.send_command(*command.words())
            client.connection.disconnect()
            raise redis.TimeoutError("the reply is lost")
        times = 2 if command.has_token and chance < 0.15 else 1
        with client.pipeline(transaction=False) as pipe:
            for _ in range(times):
                pipe.execute_command(*command.words())
            if replicas:
                pipe.set(f"writer {self.number}", "")  # an answer that is repeated is no write, and WAIT wants one
                pipe.execute_command("WAIT", replicas, 5000)
            answers = pipe.execute(raise_on_error=False)
        confirmed = answers[-1] >= replicas if replicas else True
        return answers[:times], confirmed

    def settle(self, command: Command, answers: list[Any], confirmed: bool) -> bool:
        """Whether it is known what became of the command."""
        first = answers[0]
        if isinstance(first, redis.exceptions.ReadOnlyError):
            return False
        if len(answers) == 2:
            self.seen["sent twice"] += 1
            if str(answers[1]) != str(first):
                self.faults.append(f"{command.name}: {first} and then {answers[1]}")
        if isinstance(first, redis.ResponseError):
            if not str(first).startswith("CONFLICT "):
                raise first
            self.seen["CONFLICT"] += 1
            self.known.pop(command.key)
            self.refused.add(command.name)
            return True
        answer = dict(zip(first[::2], first[1::2], strict=True))
        self.known[command.key] = answer["revision"]
        if confirmed:
            self.seen["tried again"] += command.attempts > 1
            self.confirmed[command.name] = command.key, answer["revision"]
        return confirmed


def run_writers(group: Group, seconds: float) -> list[Writer]:
    """For so long before the failover and as long after it."""
    writers = [Writer(number, group) for number in range(WRITERS)]
    stop = threading.Event()
    threads = [threading.Thread(target=writer.run, args=(stop,)) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        steps = 0
        for fail_over in (True, False):
            wait_until(lambda steps=steps: taken(writers) > steps + WRITERS, "the writers take steps")
            time.sleep(seconds)
            if fail_over:
                group.fail_over()
                steps = taken(writers)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return writers


def taken(writers: list[Writer]) -> int:
    return sum(len(writer.confirmed) for writer in writers)


def check_machine(call: Callable[..., Any], key: str) -> dict[str, int]:
    """The machine's history has no gap, and ends where it stands. The revision of each step, by its reason."""
    entries = [dict(zip(one[::2], one[1::2], strict=True)) for one in call("SM.HISTORY", key, "COUNT", KEPT)]
    assert len(entries) < KEPT, "all of it is kept"
    assert [entry["revision"] for entry in entries] == list(range(len(entries), 0, -1)), key
    assert (entries[-1]["event"], entries[-1]["from"]) == ("xstate.init", [])
    for later, earlier in itertools.pairwise(entries):
        assert later["from"] == earlier["to"], f"{key} at {later['revision']}"
    assert call("SM.GET", key, "REVISION") == len(entries)
    assert call("SM.STATE", key) == entries[0]["to"] == ["abc"[(len(entries) - 1) % 3]]
    context = call("SM.GET", key, "CONTEXT")
    assert context in {None, f'{{"n":{len(entries) - 1}}}'}, f"{key} has counted {context} of {len(entries) - 1}"
    steps = {entry["reason"]: entry["revision"] for entry in entries[:-1]}
    assert len(steps) == len(entries) - 1, f"a step of {key} was done twice"
    return steps


def fail_over_under_load(start_server: Start, seconds: float) -> None:
    primary, replica = (start_server(settings=STRICT | {"maxclients": 500}) for _ in range(2))
    with primary.own.pipeline(transaction=False) as pipe:
        for number in range(MACHINES):
            pipe.execute_command("SM.SET", f"m{number}", COUNTING if number % 2 else PLAIN)
        pipe.execute()
    follow(primary, replica)
    writers = run_writers(Group(primary, replica), seconds)
    assert [fault for writer in writers for fault in writer.faults] == []

    done: dict[str, tuple[str, int]] = {}
    for number in range(MACHINES):
        key = f"m{number}"
        for name, revision in check_machine(replica.own.execute_command, key).items():
            assert name not in done, f"{name} was done twice, at {done.get(name)} and {key}"
            done[name] = key, revision
    confirmed = {name: step for writer in writers for name, step in writer.confirmed.items()}
    unknown = {name for writer in writers for name in writer.unknown}
    refused = {name for writer in writers for name in writer.refused}
    assert {name: done.get(name) for name in confirmed} == confirmed, "a confirmed step is missing, or is another"
    assert not refused & done.keys(), "what was refused was done"
    assert done.keys() <= confirmed.keys() | unknown

    seen = sum((writer.seen for writer in writers), Counter())
    assert len(confirmed) > 10 * WRITERS
    assert min(seen[what] for what in ("CONFLICT", "tried again", "sent twice", "no answer")) > 5, seen


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.long)])
def test_no_step_is_done_twice_and_none_is_missing(start_server: Start, rounds: int) -> None:
    for _ in range(rounds):
        fail_over_under_load(start_server, 2.0 if rounds > 1 else 0.7)
