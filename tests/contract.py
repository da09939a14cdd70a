"""commands.json for the tests: the commands, and calls that are derived from their arguments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.servers import ROOT

COMMANDS: dict[str, dict[str, Any]] = json.loads((ROOT / "commands.json").read_text(encoding="utf-8"))

GENERIC = {
    "SM.APPLY": ("key", "\x01\x03\x00\x03\x00\x00\x00boo" + 9 * "\x00"),
    "SM.DONE": ("key", "t@1"),
    "SM.DUE": ("key", "1"),
    "SM.FAIL": ("key", "t@1"),
    "SM.FIRE": ("key", "t@1"),
    "SM.RETRY": ("key", "t@1"),
    "SM.SET": ("key", '{"map":{"a":["b"]},"initial":"a"}'),
    "SM.MUTATE": ("key", "b"),
    "SM.SEND": ("key", "b"),
    "SM.CAN": ("key", "b"),
    "SM.CHECK": ("{}",),
    "SM.RENDER": ('{"map":{"a":["b"]},"initial":"a"}',),
    "SM.TEMPLATE": (),
}
"""For SM.APPLY a step to the state boo, of a machine that has one. The fewest
arguments that a command takes. All other commands take a key."""


def enough(name: str, key: str = "key") -> tuple[str, ...]:
    """A call of the command with the fewest arguments."""
    return (name, *(key if word == "key" else word for word in GENERIC.get(name, ("key",))))


def most(arguments: list[dict[str, Any]]) -> int | None:
    """The largest number of words that the arguments can take; None where one may be repeated."""
    total = 0
    for argument in arguments:
        if argument.get("multiple"):
            return None
        inner = argument.get("arguments", [])
        if argument["type"] == "oneof":
            sizes = [most([one]) for one in inner]
            if None in sizes:
                return None
            words = max(size for size in sizes if size is not None)
        elif argument["type"] == "block":
            block = most(inner)
            if block is None:
                return None
            words = block
        else:
            words = 0 if argument["type"] == "pure-token" else 1
        total += words + ("token" in argument)
    return total


def wrong_counts() -> Iterator[tuple[str, ...]]:
    """Calls of every command with too few and with too many arguments."""
    for name, command in COMMANDS.items():
        arity = command["arity"]
        if abs(arity) > 1:
            yield (name, *["x"] * (abs(arity) - 2))
            yield (name,)
        longest = abs(arity) - 1 if arity > 0 else most(command.get("arguments", []))
        if longest is not None:
            yield (name, *["x"] * (longest + 1))
            yield (name, *["x"] * (longest + 50))


def with_key() -> list[str]:
    """The commands that take a key."""
    return [name for name, command in COMMANDS.items() if command.get("key_specs")]


def writes() -> list[str]:
    return [name for name, command in COMMANDS.items() if "WRITE" in command["command_flags"]]
