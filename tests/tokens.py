"""Machines whose steps have tokens, and what a command answers in each form."""

from __future__ import annotations

from typing import Any

import redis

from tests.charts_with_data import assign
from tests.documents import compact, flat

FORMS: list[tuple[str, ...]] = [(), ("ACTIONS",), ("EFFECTS",)]
FLAT = flat({"a": ["b"], "b": ["a", "c"], "c": []}, "a", store={"history": 50})
CHART = compact(
    {
        "id": "o",
        "initial": "open",
        "context": {"n": {"@expr": "has(input.n) ? input.n : 0"}},
        "store": {"history": 50},
        "states": {
            "open": {
                "entry": {"type": "hello", "params": {"n": {"@expr": "context.n"}}},
                "on": {
                    "ADD": {
                        "actions": [
                            assign(n="context.n + event.by"),
                            {"type": "mail", "params": {"n": {"@expr": "context.n"}, "who": 'é"\\\n'}},
                            "log",
                        ]
                    },
                    "WORK": "working",
                    "ASK": {"guard": "allowed", "target": "done"},
                    "FAIL": {"actions": assign(n="context.missing")},
                    "END": "done",
                },
            },
            "working": {
                "invoke": [{"id": "t", "src": "work", "input": {"x": 1}, "onDone": "done", "onError": "open"},
                           {"id": "u", "src": "more"}],
                "after": {"600000": "open"},
                "on": {"LEAVE": "open"},
            },
            "done": {"type": "final"},
        },
    }
)  # fmt: skip


def answers(r: redis.Redis, *words: str) -> list[Any]:
    """What a command answers in each reply form."""
    return [r.execute_command(*words, *form) for form in FORMS]
