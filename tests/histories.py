"""SM.HISTORY, as a test reads it, and documents whose machines keep one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import redis

from tests.documents import compact

TRAIL = compact({"map": {"a": ["b", "c"], "b": ["a", "c"], "c": []}, "initial": "a", "store": {"history": 100}})
"""A flat machine that is done in ``c``."""

ORDER = compact(
    {
        "id": "order",
        "initial": "open",
        "store": {"history": 100},
        "states": {
            "open": {"on": {"PAY": "paid", "TELL": {"actions": "tell"}}},
            "paid": {
                "type": "parallel",
                "states": {
                    "box": {"initial": "packed", "states": {"packed": {"on": {"SHIP": "sent"}}, "sent": {}}},
                    "bill": {"initial": "due", "states": {"due": {"on": {"SHIP": "closed"}}, "closed": {}}},
                },
            },
        },
    }
)
"""A chart two of whose states may be active at once."""

FIELDS = ["revision", "ms", "user", "event", "from", "to", "reason", "forced"]


def entries(r: redis.Redis, key: str, *words: object) -> list[dict[str, Any]]:
    """The entries, the newest first."""
    reply = r.execute_command("SM.HISTORY", key, *map(str, words))
    return [one if isinstance(one, dict) else dict(zip(one[::2], one[1::2], strict=True)) for one in reply]


def revisions(r: redis.Redis, key: str, *words: object) -> list[int]:
    return [one["revision"] for one in entries(r, key, *words)]


def assert_chained(r: redis.Redis, key: str) -> list[dict[str, Any]]:
    """Each entry begins where the one before it ended, their revisions have no gap, and the newest is where the machine
    stands. Returns them, the oldest first."""
    found = entries(r, key)[::-1]
    assert found
    for before, after in pairwise(found):
        assert before["to"] == after["from"], (before, after)
        assert after["revision"] == before["revision"] + 1
    assert found[-1]["to"] == r.execute_command("SM.STATE", key)
    assert found[-1]["revision"] == r.execute_command("SM.GET", key, "REVISION")
    return found
