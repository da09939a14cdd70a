"""Documents that several tests use, and what SM.GET answers for them."""

from __future__ import annotations

import json
from typing import Any

README = '{"current":"","map":{"bar": ["blee","boo"], "boo": ["blee"]},"initial":"bar"}'
README_GET = '{"current":"bar","map":{"bar":["blee","boo"],"boo":["blee"]},"initial":"bar"}'
TEMPLATE = '{"current":"","map":{},"initial":""}'

TRAFFIC = '{"map":{"red":["green"],"green":["amber"],"amber":["red"]},"initial":"red"}'

RUST_DUMP = bytes.fromhex(
    "07814ad6ad793ca978010540697b2263757272656e74223a22626c6565222c226d6170223a7b22626f6f223a5b22626c6565225d"
    "2c22626172223a5b22626c6565222c22626f6f225d2c22626c6565223a5b22626172225d7d2c22696e697469616c223a22626172"
    "222c22726561736f6e223a22227d000a00d962097211261a8a"
)
"""DUMP of a machine of the Rust module (encoding version 1), in the state blee, with an empty reason."""


def compact(value: object) -> str:
    """JSON as SM.GET writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def flat(rows: dict[str, list[str]], initial: str, **members: Any) -> str:
    """A flat document."""
    return compact({"map": rows, "initial": initial, **members})


def ring(states: int, name: str = "s", **members: Any) -> str:
    """A flat document of ``states`` states with one transition each: s0 to s1 to s2 ... to s0."""
    return flat({f"{name}{i}": [f"{name}{(i + 1) % states}"] for i in range(states)}, f"{name}0", **members)


def nested(depth: int) -> str:
    """A document whose nesting is ``depth``, itself included."""
    return '{"map":{},"initial":"a","meta":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"
