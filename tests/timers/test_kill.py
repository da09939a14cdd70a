"""kill -9 under load with ``appendfsync always``: no acknowledged deadline or task is lost, and none fires twice.

Each machine arms a deadline, by an event that brings how long it waits, and has a task; it counts what has fired. A
step that fires is in the log before the next command is answered, so that what was seen fired stays so.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.append_only import cut_off_what_is_not_whole
from tests.charts_with_data import assign
from tests.documents import compact
from tests.servers import HANG, Server, wait_until
from tests.timers.charts import pending, wait_for

ARMED = {
    "invoke": {"id": "task", "src": "work"},
    "after": {"said": {"target": "fired", "actions": assign(fired="context.fired + 1")}},
}
CHART = compact(
    {
        "id": "k",
        "initial": "idle",
        "context": {"fired": 0, "ms": 0},
        "delays": {"said": {"duration": {"@expr": "context.ms"}}},
        "states": {
            "idle": {"on": {"ARM": {"target": "armed", "actions": assign(ms="event.ms")}}},
            "armed": ARMED,
            "fired": {"on": {"ARM": {"target": "armed", "actions": assign(ms="event.ms")}}},
        },
    }
)


@dataclass
class Machine:
    """What its writer knows of it: how often it was armed, as sent and as acknowledged, and the last reply's task."""

    key: str
    sent: int = 0
    acknowledged: int = 0
    handle: str = ""


def write(server: Server, machines: list[Machine], dice: random.Random) -> None:
    """Arms deadlines of 0 to 300 ms until the server is gone. A machine that is armed already refuses: nil."""
    client = redis.Redis(port=server.port, protocol=2, socket_timeout=HANG, retry=Retry(NoBackoff(), 0))
    try:
        while True:
            machine = dice.choice(machines)
            if not machine.sent:
                client.execute_command("SM.SET", machine.key, CHART)
            machine.sent += 1
            data = compact({"ms": dice.choice([0, 1, 20, 300])})
            reply: Any = client.execute_command("SM.SEND", machine.key, "ARM", "DATA", data, "EFFECTS")
            if reply is None:
                machine.sent -= 1
                continue
            machine.acknowledged += 1
            effects = [json.loads(text) for text in reply[3]]
            (machine.handle,) = (one["task"] for one in effects if one["type"] == "xstate.spawnChild")
    except redis.RedisError:
        return


def check(server: Server, machines: list[Machine]) -> None:
    """All that was acknowledged fires once: the context counts as many as were armed. What was sent and not answered
    may have been taken or not."""
    r = server.own
    for machine in machines:
        if not machine.acknowledged:
            continue
        wait_for(r, machine.key, "fired")
        fired = json.loads(r.execute_command("SM.GET", machine.key, "CONTEXT"))["fired"]
        assert machine.acknowledged <= fired <= machine.sent, machine
        assert r.execute_command("SM.GET", machine.key, "REVISION") == 1 + 2 * fired, machine
        assert pending(r, machine.key) == [], machine


def play(server: Server, rounds: int, seed: int) -> int:
    dice = random.Random(seed)
    everything: list[Machine] = []
    for serial in range(rounds):
        machines = [[Machine(f"{serial}:{writer}:{number}") for number in range(6)] for writer in range(3)]
        threads = [
            threading.Thread(target=write, args=(server, own, random.Random(f"{seed}:{serial}:{at}")), daemon=True)
            for at, own in enumerate(machines)
        ]
        server.own.config_set("aof-use-rdb-preamble", dice.choice(["yes", "no"]))
        for thread in threads:
            thread.start()
        flat = [machine for own in machines for machine in own]
        wait_until(lambda flat=flat: sum(one.acknowledged for one in flat) > 60, "the writers arm")
        also = dice.choice([None, "BGREWRITEAOF", "BGSAVE"])
        if also:
            server.own.execute_command(also)
        time.sleep(dice.random() / 5)
        server.kill9()
        for thread in threads:
            thread.join(HANG)
            assert not thread.is_alive()
        cut_off_what_is_not_whole(server)  # what fires in one turn of the server is one transaction
        server.start_again()
        check(server, flat)
        everything += flat
    check(server, everything)
    server.kill9()
    cut_off_what_is_not_whole(server)
    server.start_again()
    check(server, everything)
    assert server.info()["timers_fired"] == 0, "nothing that has fired fires again"
    return sum(machine.acknowledged for machine in everything)


def test_no_deadline_is_lost_and_none_fires_twice(start_server: Callable[..., Server], long: bool) -> None:
    server = start_server(settings={"appendonly": "yes", "appendfsync": "always"})
    server.wait_for_child()
    rounds = 100 if long else 3
    print(f"{rounds} rounds, {play(server, rounds, 20)} deadlines")


def test_no_task_is_lost(start_server: Callable[..., Server], long: bool) -> None:
    """The last task that was answered is active after a restart, and its handle reports its end once."""
    server = start_server(settings={"appendonly": "yes", "appendfsync": "always", "redisstate.fire-timers": "no"})
    server.wait_for_child()
    for serial in range(30 if long else 3):
        machines = [Machine(f"{serial}:{number}") for number in range(200)]
        thread = threading.Thread(target=write, args=(server, machines, random.Random(serial)), daemon=True)
        thread.start()
        wait_until(lambda machines=machines: sum(one.acknowledged for one in machines) > 60, "tasks are started")
        server.kill9()
        thread.join(HANG)
        r = server.start_again().client()
        for machine in (one for one in machines if one.acknowledged):
            (task,) = (one for one in pending(r, machine.key) if one["kind"] == "task")
            assert task["handle"] == machine.handle
            assert task["status"] == "active"
            assert r.execute_command("SM.DONE", machine.key, machine.handle) == ["armed"]
            assert r.execute_command("SM.DONE", machine.key, machine.handle) is None
