"""``make demo``: a server with the module, orders that move, a worker that charges cards, and ``redisstate top``.

    python tools/demo.py MODULE [--seconds N] [--rate ORDERS]

The server is one of its own: on a free port, in a temporary folder, gone at the end. That comes after ``--seconds``,
or with Ctrl-C or SIGTERM. At a terminal `top` takes the screen; elsewhere its lines are printed again and again.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import logging
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "client"))
from redisstate import Machine, OutboxEntry, TaskFailed, Worker
from redisstate.cli.top import top
from redisstate.testing import Server
from tools import servers

PAGE = servers.ROOT / "docs" / "workflows.md"
STREAM = "shop:effects"
DEADLINE = "PT5S"
"""Within which an order is to be paid: a visitor has no 15 minutes."""
STORE = {"outbox": {"stream": STREAM, "maxlen": 10_000}, "history": 20, "expire": "2m"}
"""What is kept: enough to look at, and no more after an hour than after some minutes."""
READING = 4.0
"""Seconds in which a visitor reads the first lines, before `top` takes the screen."""


class Over(BaseException):
    """Ctrl-C, SIGTERM or the end of the time. Raised in the main thread, once."""


def ends(number: int, frame: object) -> None:
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(one, signal.SIG_IGN)  # what follows is short, and must not be left half done
    raise Over


# ---- the shop ----


def order() -> dict[str, Any]:
    """The first example of the page, with a shorter deadline."""
    shown = re.search(r"`order\.json`.*?^```json\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert shown is not None
    document: dict[str, Any] = json.loads(shown[1].replace("PT15M", DEADLINE))
    return document | {"store": STORE}


class Shop:
    """Customers that order and pay, and the worker that does what the orders ask for."""

    def __init__(self, server: Server, rate: float) -> None:
        self.rate = rate
        self.client = server.client()
        self.orders = 0
        self.done: Counter[str] = Counter()  # by the effect's name
        self.lock = threading.Lock()
        self.closed = threading.Event()
        self.worker = Worker(server.client(), stream=STREAM, group="shop", concurrency=16, late_event="LATE", block=0.2)
        self.worker.task("charge")(self.charge)
        for name in ("ship", "release", "refund"):
            self.worker.effect(name)(self.count)

    def charge(self, amount: int) -> str:
        """The bank: it declines a tenth, and now and then is slower than the order waits."""
        self.closed.wait(6.0 if random.random() < 0.01 else random.uniform(0.02, 0.2))
        if random.random() < 0.1:
            raise TaskFailed("declined")
        return f"{amount} paid"

    def count(self, effect: OutboxEntry) -> None:
        with self.lock:
            self.done[str(effect.type)] += 1

    def customers(self) -> None:
        """Creates orders, and pays most of them some time later, some twice."""
        document = json.dumps(order())
        due: list[tuple[float, int, Machine]] = []  # who pays when; the number tells equal times apart
        serial = itertools.count()
        following = time.monotonic()
        while not self.closed.wait(max(0.0, following - time.monotonic())):
            following += 1 / self.rate
            self.orders += 1
            machine = Machine(self.client, f"order:{self.orders}")
            machine.set(document, input={"total": random.randint(5, 200)})
            now = time.monotonic()
            if random.random() < 0.9:
                heapq.heappush(due, (now + random.uniform(0.2, 2.0), next(serial), machine))
            while due and due[0][0] <= now:
                _, _, machine = heapq.heappop(due)
                machine.send("PAY")
                if random.random() < 0.2:  # impatient, or the card was declined
                    heapq.heappush(due, (now + 1.0, next(serial), machine))

    def told(self) -> str:
        """What has become of the orders."""
        counted, done = self.worker.counters, self.done
        return (
            f"Of {self.orders} orders {done['ship']} were paid and sent; {done['release']} expired, "
            f"and {done['refund']} of them had the\nmoney sent back. "
            f"The worker charged {counted.done} cards; {counted.failed} were declined."
        )


# ---- what is in front ----


def introduce(name: str, port: int, rate: float) -> None:
    print(f"""\
{name} with the module, for this demo alone, on port {port}.

{rate:g} orders a second, those of docs/workflows.md. A worker charges the cards: the
bank declines a tenth, and sometimes answers too late. What is not paid within 5
seconds expires. Look at any order in another terminal, while this goes on:

    make cli PORT={port}
    SM.STATE order:100
    SM.HISTORY order:100

Ctrl-C ends it.
""", flush=True)  # fmt: skip


def show(port: int) -> None:
    """`top`, until Over is raised."""
    words = ["--url", f"redis://127.0.0.1:{port}", "--interval", "1"]
    if sys.stdout.isatty():
        time.sleep(READING)
        top.main(words, prog_name="top", standalone_mode=False)
    while True:
        top.main([*words, "--once"], prog_name="top", standalone_mode=False)
        print(flush=True)


def run(shop: Shop, server: Server, name: str, seconds: float) -> None:
    """Until Over is raised, and then until what runs is finished."""
    with ThreadPoolExecutor(2) as threads:
        parts = [threads.submit(shop.customers), threads.submit(shop.worker.run, signals=False)]
        for part in parts:
            part.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGTERM))  # without it there is nothing to see
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            introduce(name, server.port, shop.rate)
            show(server.port)
        except Over:
            pass
        finally:
            shop.closed.set()
            shop.worker.stop()
    for part in parts:
        part.result()
    print(shop.told())


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description="Orders that move, for a visitor.")
    parser.add_argument("module", type=Path)
    parser.add_argument("--seconds", type=float, default=0.0, help="end after so long; else with Ctrl-C")
    parser.add_argument("--rate", type=float, default=50.0, help="orders a second (50)")
    asked = parser.parse_args()
    if not asked.rate > 0:
        parser.error("--rate is a number of orders, more than 0")
    try:
        found = servers.ensure()
    except (servers.NoServerError, subprocess.CalledProcessError) as error:
        print(f"No server: {error}. {servers.ADVICE}", file=sys.stderr)
        return 1
    logging.getLogger("redisstate").addHandler(logging.NullHandler())
    logging.getLogger("redisstate").propagate = False  # cards that are declined are told at the end
    server = None
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(one, ends)
    try:
        server = Server(server=found.path, module=asked.module)
        # A terminal sends Ctrl-C to the server as well; it is to go on until the worker has finished.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        server.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        run(Shop(server, asked.rate), server, found.name, asked.seconds)
    except Over:  # before anything has begun
        pass
    finally:
        if server is not None:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
