"""The worker of compose.yaml and redisstate-worker.service: `redisstate worker work:worker`. See docs/python.md."""

import os

from redis import Redis

from redisstate import Worker

worker = Worker(Redis.from_url(os.environ["REDIS_URL"]), stream="orders:effects", group="billing")


@worker.task("charge")  # the src of an invoke
def charge(amount: int) -> dict[str, str]:
    return {"receipt": f"R-{amount}"}


@worker.effect("receipt")  # the name of an action
def receipt(number: str) -> None:
    print(f"receipt {number}", flush=True)
