"""A chart that the tests of this folder share."""

from __future__ import annotations

from typing import Any

from tests.documents import compact

PLAYER: dict[str, Any] = {
    "id": "player",
    "initial": "idle",
    "entry": "boot",
    "exit": "halt",
    "states": {
        "idle": {"entry": "dim", "exit": "light", "on": {"START": {"target": "session", "actions": "greet"}}},
        "session": {
            "type": "parallel",
            "entry": "open",
            "exit": "close",
            "on": {"PAUSE": "paused", "STOP": "over", "FIRST": {"target": ".track.b", "reenter": True}},
            "states": {
                "track": {
                    "initial": "a",
                    "states": {
                        "a": {"exit": "cut", "on": {"NEXT": {"target": "b", "actions": ["count", "show"]}}},
                        "b": {"entry": "play", "on": {"NEXT": "c"}},
                        "c": {},
                    },
                },
                "volume": {
                    "initial": "low",
                    "states": {"low": {"on": {"LOUDER": "high"}}, "high": {"on": {"SOFTER": "low"}}},
                },
                "back": {"type": "history", "history": "deep"},
            },
        },
        "paused": {"on": {"RESUME": "session.back", "STOP": "over"}},
        "over": {"type": "final", "entry": "bye"},
    },
}
"""A parallel state with a deep history, actions everywhere, a final state at the top level."""

PATHS = [
    *("idle", "session", "session.track", "session.track.a", "session.track.b", "session.track.c"),
    *("session.volume", "session.volume.low", "session.volume.high", "session.back", "paused", "over"),
]
PLAYER_TEXT = compact(PLAYER)
