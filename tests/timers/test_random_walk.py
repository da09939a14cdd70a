"""Keys with deadlines are set, copied, moved, renamed, swapped, deleted and stepped at random, beside a model: each
deadline fires once, at the right key, or not at all."""

from __future__ import annotations

import time
from typing import Any

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.documents import compact
from tests.servers import Server, wait_until
from tests.timers.charts import pending

DATABASES = 3
KEYS = st.sampled_from([f"k{at}" for at in range(5)])
DB = st.sampled_from(range(DATABASES))
DELAYS = (20, 60, 150)
CHART = compact(
    {
        "id": "w",
        "initial": "none",
        "context": {"fired": 0},
        "states": {
            "none": {"on": {f"D{delay}": f"d{delay}" for delay in DELAYS}},
            **{
                f"d{delay}": {
                    "on": {"CANCEL": "none"},
                    "after": {
                        str(delay): {
                            "target": "none",
                            "actions": {"type": "@xstate.assign", "context": {"fired": {"@expr": "context.fired + 1"}}},
                        }
                    },
                }
                for delay in DELAYS
            },
        },
    }
)


class Walk(RuleBasedStateMachine):
    """Nothing fires until ``let_fire``, so that the model knows what is pending: ``fired`` and the delay of each."""

    server: Server

    def __init__(self) -> None:
        super().__init__()
        self.server.own.flushall()
        self.server.own.config_set("redisstate.fire-timers", "no")
        self.clients: list[redis.Redis] = [self.server.client(db=db) for db in range(DATABASES)]
        self.model: list[dict[str, tuple[int, int]]] = [{} for _ in range(DATABASES)]

    def teardown(self) -> None:
        self.server.own.config_set("redisstate.fire-timers", "yes")
        for client in self.clients:
            client.close()

    @rule(db=DB, key=KEYS)
    def set(self, db: int, key: str) -> None:
        self.clients[db].execute_command("SM.SET", key, CHART)
        self.model[db][key] = (0, 0)

    @rule(db=DB, key=KEYS, delay=st.sampled_from(DELAYS))
    def arm(self, db: int, key: str, delay: int) -> None:
        reply = self.clients[db].execute_command("SM.SEND", key, f"D{delay}")
        if key in self.model[db] and not self.model[db][key][1]:
            assert reply == [f"d{delay}"]
            self.model[db][key] = (self.model[db][key][0], delay)
        else:
            assert reply is None

    @rule(db=DB, key=KEYS)
    def cancel(self, db: int, key: str) -> None:
        reply = self.clients[db].execute_command("SM.SEND", key, "CANCEL")
        if self.model[db].get(key, (0, 0))[1]:
            assert reply == ["none"]
            self.model[db][key] = (self.model[db][key][0], 0)

    @rule(db=DB, key=KEYS, how=st.sampled_from(["DEL", "UNLINK", "SET"]))
    def delete(self, db: int, key: str, how: str) -> None:
        self.clients[db].execute_command(how, key, *(["x"] if how == "SET" else []))
        if how == "SET":
            self.clients[db].delete(key)
        self.model[db].pop(key, None)

    @rule(db=DB, key=KEYS, to=KEYS)
    def rename(self, db: int, key: str, to: str) -> None:
        if key in self.model[db]:
            self.clients[db].rename(key, to)
            self.model[db][to] = self.model[db].pop(key)

    @rule(db=DB, key=KEYS, other=DB)
    def move(self, db: int, key: str, other: int) -> None:
        if db != other and self.clients[db].move(key, other):
            self.model[other][key] = self.model[db].pop(key)

    @rule(db=DB, key=KEYS, other=DB, to=KEYS)
    def copy(self, db: int, key: str, other: int, to: str) -> None:
        if (db, key) != (other, to) and self.clients[db].copy(key, to, destination_db=other, replace=True):
            self.model[other][to] = self.model[db][key]

    @rule(db=DB, key=KEYS, to=KEYS)
    def restore(self, db: int, key: str, to: str) -> None:
        dump: Any = self.server.raw(db=db).dump(key)
        if dump:
            self.clients[db].restore(to, 0, dump, replace=True)
            self.model[db][to] = self.model[db][key]

    @rule(db=DB, other=DB)
    def swap(self, db: int, other: int) -> None:
        self.clients[0].swapdb(db, other)
        self.model[db], self.model[other] = self.model[other], self.model[db]

    @rule(db=DB)
    def flush(self, db: int) -> None:
        self.clients[db].flushdb()
        self.model[db] = {}

    @rule()
    def reload(self) -> None:
        self.clients[0].execute_command("DEBUG", "RELOAD")

    @rule()
    def let_fire(self) -> None:
        time.sleep(max(DELAYS) / 1000)
        self.server.own.config_set("redisstate.fire-timers", "yes")
        wait_until(lambda: self.server.info()["timers"] == 0, f"all have fired: {self.server.info()}")
        self.server.own.config_set("redisstate.fire-timers", "no")
        for machines in self.model:
            for key, (fired, delay) in machines.items():
                machines[key] = (fired + (delay > 0), 0)

    @invariant()
    def all_are_as_the_model_says(self) -> None:
        for client, machines in zip(self.clients, self.model, strict=True):
            assert set(client.keys()) == set(machines)
            for key, (fired, delay) in machines.items():
                assert client.execute_command("SM.GET", key, "CONTEXT") == f'{{"fired":{fired}}}'
                assert len(pending(client, key)) == (delay > 0)


def test_random_walks(server: Server, long: bool) -> None:
    class Here(Walk):
        pass

    Here.server = server
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=300 if long else 15,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
