"""Random commands, the same for each seed: every SM.* write, mixed with the server's commands on keys.

They are sent in batches: in a pipeline, in MULTI, in a script, in a function, in two databases. Most change something,
some are refused. Machines with data are among them, and SM.APPLY as a client might send it; what a server sends as
SM.APPLY follows from the others.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import redis

from tests import trusted
from tests.charts_with_data import DOOR, LARGE, ORDER
from tests.core.chart_support import read_lines
from tests.documents import README, TRAFFIC, flat, ring
from tests.groups import run_all
from tests.servers import Server

Words = list[str | bytes]

FLAT: list[tuple[str, list[str]]] = [
    (README, ["bar", "boo", "blee"]),
    (TRAFFIC, ["red", "green", "amber"]),
    (" " + TRAFFIC.replace(",", ", "), ["red", "green", "amber"]),
    (ring(40), [f"s{number}" for number in range(40)]),
    (flat({"a": ["a", "b"], "b": ["a"]}, "b", reason="given", meta={"of": [1, None, "é"]}), ["a", "b"]),
    (flat({"": ["ü\u0000"], "ü\u0000": [""]}, ""), ["", "ü\u0000"]),
    ('{"map":{},"initial":1}', ["refused"]),
]
"""Documents, and the states or events that move their machines."""

WAITING = json.dumps({
    "id": "job", "initial": "idle",
    "states": {
        "idle": {"on": {"GO": "work", "LATER": {"actions": {
            "type": "@xstate.raise", "event": "GO", "delay": 3_600_000, "id": "later"}}}},
        "work": {
            "invoke": {"id": "job", "src": "job", "onDone": "idle", "onError": "idle"},
            "after": {"PT1H": "idle"}, "on": {"BACK": {"target": "idle", "actions": {
                "type": "@xstate.cancel", "id": "later"}}},
        },
    },
})  # fmt: skip
"""Deadlines that no test lives to see, and tasks whose handles no client knows."""

TELLING = json.dumps({
    "id": "telling", "initial": "calm", "context": {"n": 0},
    "store": {"outbox": {"stream": "effects", "of": "steps", "maxlen": 50}},
    "states": {
        "calm": {"on": {"GO": {"target": "busy", "actions": {
            "type": "tell", "params": {"n": {"@expr": "context.n"}}}}}},
        "busy": {"invoke": {"src": "job"}, "on": {"BACK": {"target": "calm", "actions": {
            "type": "@xstate.assign", "context": {"n": {"@expr": "context.n + 1"}}}}}},
    },
})  # fmt: skip
"""Its steps, effects and tasks are entries of a stream."""

WITH_DATA: list[tuple[str, list[str]]] = [
    (ORDER, ["PAY", "PAY", "PAY", "HOLD", "GO", "SKIP", "open", "held", "paid"]),
    (DOOR, ["OPEN", "SHUT", "SLAM", "open", "shut"]),
    (LARGE, ["ADD"]),
    (WAITING, ["GO", "BACK", "LATER", "idle", "work"]),
    (TELLING, ["GO", "BACK", "calm", "busy"]),
]
TRUSTED: list[tuple[str, list[str]]] = [
    (trusted.ORDER, ["PAY", "PAY", "PAY", "WORK", "CLOSE", "open"]),
    (trusted.TRAFFIC, ["red", "green", "amber", "off"]),
    (flat({"a": ["b"], "b": ["a"]}, "a", store={}), ["a", "b"]),
    (flat({"a": ["b"], "b": ["a", "end"]}, "a", store={"expire": 100_000}), ["a", "b", "end"]),
    (flat({"a": ["a", "b"], "b": ["a"]}, "a", store={"history": 2, "idempotency": 2}), ["a", "b"]),
]
"""What they keep of their past: some of the machines are done now and then, and their keys expire then."""
TOKENS = [f"token {number}" for number in range(6)]
GUARDS = ["isVip", "hasKey"]
OUTCOMES: list[Words] = [
    ["SM.APPLY", outcome]
    for outcome in (
        b"\x01\x03\x00\x03\x00\x00\x00boo" + 9 * b"\x00",  # a step of README's machine
        b"\x01\x03\x00\x01\x00\x00\x00b" + 9 * b"\x00",
        b"rubbish",
    )
]
"""What a client might send as SM.APPLY, without the key: taken by some machines, refused by others."""

SOON = 40
"""The longest time to live, in milliseconds, of keys that expire during the test."""

SCRIPT = """
local at = 1
while at <= #words do
  local count = tonumber(words[at])
  redis.pcall(unpack(words, at + 1, at + count))
  at = at + count + 1
end
"""
LIBRARY = "#!lua name=batch\nredis.register_function('batch', function(keys, words)" + SCRIPT + "end)"


def charts() -> list[tuple[str, list[str]]]:
    """The known statecharts, and their events."""
    return [(json.dumps(chart["config"]), chart["alphabet"]) for chart in read_lines("known.jsonl")]


@dataclass
class Batch:
    """Commands that are sent together; ``kind`` is pipeline, multi, script or function."""

    kind: str
    database: int
    commands: list[Words]


class RandomCommands:
    """``keys`` machines in each of two databases; ``seed`` decides everything."""

    def __init__(self, seed: int, keys: int = 60) -> None:
        self.dice = random.Random(seed)
        self.keys = [f"k{number}" for number in range(keys)]
        self.documents = FLAT + charts()
        self.database = 0
        self.words: dict[tuple[int, str], list[str]] = {}
        """States or events of the machine at a key, as far as known here."""
        self.counting: set[tuple[int, str]] = set()
        """Where machines count their steps, likewise."""

    def batches(self, commands: int) -> Iterator[Batch]:
        """``commands`` commands, in batches of 1 to 40."""
        while commands > 0:
            kind = self.dice.choices(["pipeline", "multi", "script", "function"], [5, 3, 2, 1])[0]
            size = min(commands, self.dice.randint(1, 40))
            self.database = self.dice.choice([0, 0, 0, 1])
            batch = [self.machine() if kind in {"script", "function"} else self.any() for _ in range(size)]
            yield Batch(kind, self.database, batch)
            commands -= size

    def any(self) -> Words:
        return self.machine() if self.dice.random() < 0.8 else self.server_command()

    def machine(self) -> Words:
        """An SM.* write."""
        key = self.dice.choice(self.keys)
        write: Callable[[str], Words] = self.dice.choices(
            [self.set, self.create, self.mutate, self.send, self.reset, self.apply, self.told], [4, 1, 10, 12, 2, 1, 2]
        )[0]
        return write(key)

    def word(self, key: str) -> str:
        known = self.words.get((self.database, key))
        if known and self.dice.random() < 0.95:
            return self.dice.choice(known)
        return self.dice.choice(self.dice.choice(self.documents)[1])

    def set(self, key: str) -> Words:
        kinds = self.dice.choices([self.documents, WITH_DATA, TRUSTED], [3, 4, 3])[0]
        document, words = self.dice.choice(kinds)
        self.words[self.database, key] = words
        (self.counting.discard if kinds is self.documents else self.counting.add)((self.database, key))
        current: Words = [self.dice.choice(words)] if self.dice.random() < 0.2 else []
        more = self.given("INPUT", '{"total": %d}') if not current else []
        if current and self.dice.random() < 0.2:
            current = ["CURRENT", *current, *self.conditions()]
        return ["SM.SET", key, document, *current, *more]

    def create(self, key: str) -> Words:
        return ["SM.CREATE", key]

    def mutate(self, key: str) -> Words:
        odd = self.dice.choice(["", "ü", "FORCE", "r" * 300])
        more: list[list[str]] = [[], [], ["why"], [odd], ["by force", "FORCE"]]
        extra = self.dice.choice(more)
        return ["SM.MUTATE", key, self.word(key), *(extra or self.given("DATA", '{"amount": %d}') + self.trust(key))]

    def send(self, key: str) -> Words:
        given = self.given("DATA", '{"amount": %d, "force": 5}')
        return ["SM.SEND", key, self.word(key), *self.dice.choice([[], ["ACTIONS"], ["EFFECTS"]]), *given,
                *self.trust(key)]  # fmt: skip

    def reset(self, key: str) -> Words:
        return ["SM.RESET", key, *self.dice.choice([[], ["ACTIONS"]]), *self.given("INPUT", '{"total": %d}'),
                *self.trust(key)]  # fmt: skip

    def apply(self, key: str) -> Words:
        name, outcome = self.dice.choice(OUTCOMES)
        return [name, key, outcome]

    def told(self, key: str) -> Words:
        """What a worker or the clock tells, mostly of what is not there."""
        handle = self.dice.choice(["job@1", "later@1", "xstate.after.PT1H.job.work@1", "job"])
        return self.dice.choice([
            ["SM.DONE", key, handle, *self.token()], ["SM.FAIL", key, handle, '"why"'], ["SM.RETRY", key, handle],
            ["SM.FIRE", key, handle], ["SM.DUE", key, self.dice.choice(["1", "2"])],
        ])  # fmt: skip

    def given(self, word: str, json_text: str) -> Words:
        """DATA or INPUT, mostly, and now and then what the client says of its guards."""
        words: Words = [word, json_text % self.dice.randint(0, 20)] if self.dice.random() < 0.6 else []
        if self.dice.random() < 0.2:
            holds = self.dice.sample(GUARDS, self.dice.randint(0, 1))
            words += ["GUARDS", str(len(holds)), *holds]
        return words

    def trust(self, key: str) -> Words:
        """Now and then a token, few enough that they come again, and conditions that mostly do not hold."""
        if (self.database, key) not in self.counting and self.dice.random() < 0.9:
            return []
        reason: Words = ["REASON", "r" * self.dice.randint(0, 40)] if self.dice.random() < 0.1 else []
        return self.token() + self.conditions() + reason

    def token(self) -> Words:
        return ["ID", self.dice.choice(TOKENS)] if self.dice.random() < 0.4 else []

    def conditions(self) -> Words:
        if self.dice.random() < 0.9:
            return []
        return self.dice.choice([["IFREV", str(self.dice.randint(0, 5))], ["IFSTATE", self.dice.choice(["a", "open"])]])

    def server_command(self) -> Words:
        """One of the server's commands on keys."""
        key, other = self.dice.sample(self.keys, 2)
        calls: list[tuple[Words, int]] = [
            (["DEL", key], 4),
            (["UNLINK", key], 4),
            (["PEXPIRE", key, str(self.dice.randint(1, SOON))], 4),
            (["EXPIRE", key, "100000"], 6),
            (["PERSIST", key], 4),
            (["RENAME", key, other], 4),
            (["COPY", key, other, "REPLACE"], 6),
            (["COPY", key, other, "DB", "1", "REPLACE"], 3),
            (["MOVE", key, "1"], 3),
            (["SET", key, "a string"], 2),
            (["SWAPDB", "0", "1"], 1),
        ]
        return self.dice.choices([words for words, _ in calls], [weight for _, weight in calls])[0]


class RandomLoad:
    """Sends random commands to a server."""

    def __init__(self, server: Server, seed: int) -> None:
        self.server = server
        self.random = RandomCommands(seed)
        self.clients = [server.client(db=database, decode_responses=False) for database in (0, 1)]
        server.own.function_load(LIBRARY, replace=True)

    def run(self, commands: int, between: Callable[[], None] = lambda: None) -> None:
        """Sends ``commands`` commands, and calls ``between`` after every batch."""
        for batch in self.random.batches(commands):
            client = self.clients[batch.database]
            if batch.kind in {"pipeline", "multi"}:
                run_all(client, batch.commands, transaction=batch.kind == "multi")
            else:
                self.nest(client, batch)
            if self.random.dice.random() < 0.05:
                self.dump_and_restore(client)
            between()

    def nest(self, client: redis.Redis, batch: Batch) -> None:
        flattened: list[Any] = [word for words in batch.commands for word in (str(len(words)), *words)]
        if batch.kind == "script":
            client.execute_command("EVAL", "local words = ARGV" + SCRIPT, "0", *flattened)
        else:
            client.execute_command("FCALL", "batch", "0", *flattened)

    def dump_and_restore(self, client: redis.Redis) -> None:
        key, other = self.random.dice.sample(self.random.keys, 2)
        payload = client.dump(key)
        if payload is not None:
            client.restore(other, 0, payload, replace=True)

    def settle(self) -> None:
        """Waits until keys have expired, and accesses them, so that the primary deletes them on its replicas."""
        time.sleep(2 * SOON / 1000)
        for client in self.clients:
            client.exists(*self.random.keys)
