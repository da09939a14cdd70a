"""A chart that asks for a task and for effects, and a process that works for it.

python -m tests.client.working PORT SECONDS LOG [NAME=VALUE …]: a worker whose tasks take so long, and write a line when
they begin. The names and values are settings of the worker.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis

from redisstate import Machine, Worker
from tests.servers import ROOT

STREAM, GROUP = "jobs", "workers"


def job(stream: str = STREAM, **members: Any) -> dict[str, Any]:
    """Charges what its input says, and counts how often it was told so."""
    told = {"told": {"@expr": "context.told + 1"}, "got": {"@expr": "event.output"}}
    return {
        "id": "job",
        "version": "1",
        "initial": "charging",
        "context": {"input": {"@expr": "input"}, "told": 0, "got": None},
        "store": {"outbox": {"stream": stream}},
        "states": {
            "charging": {
                "invoke": {
                    "id": "charge",
                    "src": "charge",
                    "input": {"@expr": "context.input"},
                    "onDone": {"target": "paid", "context": told},
                    "onError": {"target": "refused", "context": {"got": {"@expr": "event.error"}}},
                },
                "on": {"LEAVE": "left"},
            },
            "paid": {"entry": {"type": "receipt", "params": {"got": {"@expr": "context.got"}}}, "type": "final"},
            "refused": {"on": {"AGAIN": "charging"}},
            "left": {"on": {"LATE": {"target": "refunded", "context": {"got": {"@expr": "event.output"}}}}},
            "refunded": {"type": "final"},
        },
        **members,
    }


def start(client: Any, key: str = "job:1", given: Any = None, **members: Any) -> Machine:
    machine = Machine(client, key)
    machine.set(job(**members), input={"amount": 30} if given is None else given)
    return machine


def worker(client: Any, **settings: Any) -> Worker:
    """One without functions."""
    return Worker(client, **{"stream": STREAM, "group": GROUP, "block": 0.05, **settings})


def charging(client: Any, function: Callable[..., Any] = lambda amount: f"{amount} paid", **settings: Any) -> Worker:
    """One that charges."""
    made = worker(client, **settings)
    made.task("charge")(function)
    return made


def read_by_a_dead_worker(client: Any, count: int = 1) -> None:
    """Entries are delivered to a worker that does nothing any more."""
    client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    client.xreadgroup(GROUP, "dead", {STREAM: ">"}, count=count)


@contextlib.contextmanager
def running(works: Worker) -> Iterator[Worker]:
    """It runs in a thread."""
    thread = threading.Thread(target=works.run, daemon=True)
    thread.start()
    try:
        yield works
    finally:
        works.stop()
        thread.join(60)
    assert not thread.is_alive()


def left(client: Any) -> int:
    """How many entries are pending."""
    return int(client.xpending(STREAM, GROUP)["pending"])


def process(port: int, seconds: float, log: Path, **settings: Any) -> subprocess.Popen[str]:
    """Starts a process that works."""
    said = [f"{name}={json.dumps(value)}" for name, value in settings.items()]
    command = [sys.executable, "-m", "tests.client.working", str(port), str(seconds), str(log), *said]
    path = f"{ROOT}:{ROOT / 'client'}"
    return subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": path}, stderr=subprocess.PIPE, text=True)


def main(port: str, seconds: str, log: str, *settings: str) -> None:
    words = dict(setting.split("=", 1) for setting in settings)
    made = worker(redis.Redis(port=int(port)), **{name: json.loads(value) for name, value in words.items()})

    @made.task("charge")
    def charge(amount: int, entry) -> str:  # type: ignore[no-untyped-def]
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{entry.key}\n")
        time.sleep(float(seconds))
        return f"{amount} paid"

    made.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
