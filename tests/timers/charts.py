"""Charts that wait."""

from __future__ import annotations

import time
from typing import Any

import redis

from tests.charts_with_data import assign
from tests.documents import compact
from tests.servers import wait_until


def waiting(delay: object = 60_000, **members: object) -> str:
    """Waits in ``a`` and goes to ``b``, which waits no more."""
    return compact(
        {
            "id": "w",
            "initial": "a",
            "states": {"a": {"after": {str(delay): "b"}, "on": {"GO": "b"}}, "b": {}},
            **members,
        }
    )


CHARGE = compact(
    {
        "id": "order",
        "initial": "open",
        "states": {
            "open": {"on": {"PAY": "charging"}},
            "charging": {
                "invoke": {
                    "id": "charge",
                    "src": "charge",
                    "input": {"amount": 3},
                    "onDone": "paid",
                    "onError": "open",
                },
                "on": {"LEAVE": "open", "AGAIN": {"target": "charging", "reenter": True}, "TELL": {"actions": "tell"}},
            },
            "paid": {"type": "final"},
        },
    }
)

FAILING = compact(
    {
        "id": "f",
        "initial": "a",
        "context": {"n": 0},
        "states": {"a": {"after": {"50": {"target": "b", "actions": assign(n="context.missing + 1")}}}, "b": {}},
    }
)
"""Its deadline's step fails."""

ASKING = compact(
    {"id": "g", "initial": "a", "states": {"a": {"after": {"50": {"guard": "allowed", "target": "b"}}}, "b": {}}}
)
"""Its deadline's step asks for a guard of the client's."""


def pending(r: redis.Redis, key: str) -> list[dict[str, Any]]:
    """SM.PENDING; nothing where there is no machine."""
    reply = r.execute_command("SM.PENDING", key)
    return [one if isinstance(one, dict) else dict(zip(one[::2], one[1::2], strict=True)) for one in reply or ()]


def handles(r: redis.Redis, key: str) -> list[str]:
    return [one["handle"] for one in pending(r, key)]


def state(r: redis.Redis, key: str) -> Any:
    return r.execute_command("SM.STATE", key)


def wait_for(r: redis.Redis, key: str, *states: str) -> None:
    wait_until(lambda: state(r, key) == list(states), f"{key} is in {states}: {state(r, key)}, {pending(r, key)}")


def stays(r: redis.Redis, key: str, wanted: str, seconds: float = 0.4) -> None:
    """Nothing fires for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert state(r, key) == [wanted]
        time.sleep(0.02)
