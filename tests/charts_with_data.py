"""Charts with data that tests of several folders store."""

from __future__ import annotations

from tests.documents import compact


def assign(**members: str) -> dict[str, object]:
    """An assign of an expression to each of these members."""
    return {"type": "@xstate.assign", "context": {name: {"@expr": text} for name, text in members.items()}}


PAY = assign(paid="context.paid + event.amount")
ORDER = compact(
    {
        "id": "order",
        "initial": "open",
        "context": {"total": {"@expr": "has(input.total) ? input.total : 30"}, "paid": 0},
        "guards": {"covers": {"when": {"@expr": "context.paid + event.amount >= context.total"}}},
        "states": {
            "open": {
                "on": {
                    "PAY": [
                        {
                            "guard": "covers",
                            "target": "paid",
                            "actions": [PAY, {"type": "receipt", "params": {"amount": {"@expr": "event.amount"}}}],
                        },
                        {"actions": PAY},
                    ],
                    "HOLD": {"target": "held", "actions": "tell"},
                    "SKIP": {"guard": "isVip", "target": "paid"},
                }
            },
            "held": {"on": {"GO": "open"}},
            "paid": {"type": "final", "output": {"@expr": "context.paid"}},
        },
        "output": {"@expr": "event.output"},
    }
)
"""An order that is paid in parts. SKIP is guarded by the client, HOLD and GO touch no data."""

DOOR = compact(
    {
        "initial": "shut",
        "states": {
            "shut": {"on": {"OPEN": {"guard": "hasKey", "target": "open", "actions": "creak"}}},
            "open": {"on": {"SHUT": "shut", "SLAM": {"guard": {"@expr": "event.force > 3"}, "target": "shut"}}},
        },
    }
)
"""A chart that keeps no data: one guard is the client's, one reads the event."""

LARGE = compact(
    {
        "initial": "a",
        "context": {"n": 0, "text": "x" * 16_000},
        "states": {"a": {"on": {"ADD": {"actions": assign(n="context.n + 1")}}}},
    }
)
"""A chart with a context of 16 KB, of which one member changes."""

WAITS = compact(
    {
        "id": "w",
        "initial": "a",
        "current": "a",
        "states": {"a": {"invoke": {"id": "t", "src": "s"}, "after": {"PT1H": "b"}}, "b": {}},
        "snapshot": {
            "status": "active",
            "deadlines": [
                {"id": "d", "event": {"type": "D"}, "due": 9 * 10**14, "timer": "d@1"},
                {"id": "l", "event": {"type": "L"}, "due": 1, "timer": "l@2"},
            ],
            "tasks": [{"id": "t", "src": "s", "since": 1, "task": "t@1"}],
        },
    }
)
"""A machine with handles that are known beforehand. One of its deadlines is due."""
