"""Rows: the Python client, compared with the same commands sent and read by hand with redis-py.

The cost is CPU of the client's own process: both sides wait for the same server.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import redis

from tools import servers

sys.path.insert(0, str(servers.ROOT / "client"))
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
ENTRIES = 200
"""Tasks in a batch of a worker's row."""


def run(bench: Bench) -> None:
    send(bench)
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
