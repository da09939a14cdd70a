"""Rows: the Python client, compared with the same commands sent and read by hand with redis-py.

The cost is CPU of the client's own process, since both sides wait for the same server; a worker's is time, in which
it may do something else while it waits.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import redis

from tools import servers

sys.path.insert(0, str(servers.ROOT / "client"))
import redisstate
from redisstate import Machine

from .bench import Batch, Bench, BenchmarkError, Row, interleaved, median_text, ratios

ORDER = {
    "initial": "open",
    "context": {"paid": 0},
    "states": {
        "open": {
            "on": {
                "PAY": {
                    "context": {"paid": {"@expr": "context.paid + event.amount"}},
                    "actions": {"type": "receipt", "params": {"amount": {"@expr": "event.amount"}}},
                }
            }
        }
    },
}
SENDS = 200
"""Events in a batch."""
TASKS = 200
"""Tasks in a batch."""
PAGE = 100
"""Entries that the loop by hand reads at once."""


def run(bench: Bench) -> None:
    send(bench)
    tasks(bench)
    imports(bench)


def send(bench: Bench) -> None:
    """A step with data and an effect, both decoded."""
    with bench.server() as server:
        client = server.client(decode_responses=False)
        order = Machine(client, "order")
        order.set(ORDER)
        pairs = interleaved(bench, sends(order), sends_by_hand(client))
        paid = order.context["paid"]
    if paid == 0:
        raise BenchmarkError("no event was taken")
    bench.rows.append(
        Row("client-send", "Client's CPU of Machine.send", "execute_command, and the reply read by hand", 1.25,
            ratios(pairs), measured=median_text(pairs, 0, "µs", 1e6, 1), reference=median_text(pairs, 1, "µs", 1e6, 1))
    )  # fmt: skip


def sends(order: Machine) -> Batch:
    def batch() -> tuple[float, float]:
        began = time.process_time()
        for _ in range(SENDS):
            step = order.send("PAY", amount=20)
            if not step or step.effects[0].params["amount"] != 20:
                raise BenchmarkError("a step has another effect")
        return time.process_time() - began, SENDS

    return batch


def sends_by_hand(client: redis.Redis) -> Batch:
    """What a program without the package does for the same: compact JSON there, states and effects as values back."""

    def by_hand(event: str, data: dict[str, Any]) -> tuple[list[str], list[dict[str, Any]], int, str] | None:
        words = json.dumps(data, separators=(",", ":"))
        reply: Any = client.execute_command("SM.SEND", "order", event, "EFFECTS", "DATA", words)
        if reply is None:
            return None
        _, states, _, effects, _, revision, _, status = reply
        where, wanted = [state.decode() for state in states], [json.loads(effect) for effect in effects]
        return where, wanted, revision, status.decode()

    def batch() -> tuple[float, float]:
        began = time.process_time()
        for _ in range(SENDS):
            step = by_hand("PAY", {"amount": 20})
            if step is None or step[1][0]["params"]["amount"] != 20:
                raise BenchmarkError("a step has another effect")
        return time.process_time() - began, SENDS

    return batch


def tasks(bench: Bench) -> None:
    """Tasks whose work is nothing: each is read, reported and acknowledged, as is the entry that says it is over."""
    with bench.server() as server:
        client = server.client(decode_responses=False)
        worker = redisstate.Worker(client, stream="by worker", group="group")
        worker.task("nothing")(lambda: None)
        pairs = interleaved(
            bench,
            of_tasks(client, "by worker", worker.drain),
            of_tasks(client, "by hand", by_hand(client)),
            batches=bench.few_batches,
        )
    bench.rows.append(
        Row("client-tasks", "Time of Worker for a task", "XREADGROUP, SM.DONE and XACK by hand", 1.30, ratios(pairs),
            measured=median_text(pairs, 0, "µs", 1e6), reference=median_text(pairs, 1, "µs", 1e6))
    )  # fmt: skip


def of_tasks(client: redis.Redis, stream: str, work: Callable[[], object]) -> Batch:
    """Machines that wait for a task each, and what ``work`` takes until all are done."""
    document = {
        "initial": "a",
        "store": {"outbox": {"stream": stream}},
        "states": {"a": {"invoke": {"src": "nothing", "onDone": "b"}}, "b": {"type": "final"}},
    }
    client.xgroup_create(stream, "group", mkstream=True)
    machines = [Machine(client, f"{stream}:{number}") for number in range(TASKS)]

    def batch() -> tuple[float, float]:
        client.xtrim(stream, 0)
        pipe = machines[0].pipeline(transaction=False)
        for machine in machines:
            pipe.machine(machine.key).set(document)
        pipe.execute()
        began = time.perf_counter()
        work()
        took = time.perf_counter() - began
        if client.xpending(stream, "group")["pending"] or not all(machine.status == "done" for machine in machines):
            raise BenchmarkError(f"{stream}: not every task was done and acknowledged")
        return took, TASKS

    return batch


def by_hand(client: redis.Redis) -> Callable[[], None]:
    """The loop that a program without the package has, as docs/workflows.md shows one."""
    asked: Any = client

    def work() -> None:
        while read := asked.xreadgroup("group", "consumer", {"by hand": ">"}, count=PAGE):
            for place, entry in read[0][1]:
                if entry[b"type"] == b"xstate.spawnChild":
                    json.loads(entry[b"params"])
                    asked.execute_command("SM.DONE", entry[b"key"], entry[b"task"], "null")
                asked.xack("by hand", "group", place)

    return work


def imports(bench: Bench) -> None:
    """A new interpreter imports the package, or redis-py: the CPU of the import alone."""
    for name, what, code in (
        ("client-import", "CPU of import redisstate", "import redisstate"),
        ("client-imports", "CPU of import redis, redisstate", "import redis, redisstate"),
    ):
        pairs = interleaved(bench, importing(code), importing("import redis"), batches=bench.few_batches)
        bench.rows.append(
            Row(name, what, "import redis", 1.20, ratios(pairs),
                measured=median_text(pairs, 0, "ms", 1e3), reference=median_text(pairs, 1, "ms", 1e3))
        )  # fmt: skip


def importing(code: str) -> Batch:
    path = str(servers.ROOT / "client")
    timed = f"import sys, time; sys.path.insert(0, {path!r}); began = time.process_time(); {code}; "
    timed += "print(time.process_time() - began)"

    def batch() -> tuple[float, float]:
        run = subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True)
        return float(run.stdout), 1

    return batch
