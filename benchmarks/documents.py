"""The definitions that the rows use, and traffic that changes something with each command.

Keys have 14 bytes. Machines and what they are compared with have as many keys, alike but for the first letter, in the
same order; names of states and values have the same length.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence

from .load import CLIENTS, DEPTH, Command, Traffic, traffic

# Three states; 100 bytes. ORDER_ID is a part of it that makes another definition when it is another.
ORDER = '{"id":"shop-orders-v1","current":"","map":{"open":["paid"],"paid":["open","sent"]},"initial":"open"}'
ORDER_ID = "shop-orders-v1"
STATES = ("open", "paid")
REASON = "by ann"
assert len(ORDER) == 100 and ORDER_ID in ORDER


def key(kind: str, number: int) -> str:
    return f"{kind}:{number:012d}"


def compact(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))


def ring(states: int, name: str) -> str:
    """A definition of so many states, each with a way on and a way back; ``name`` makes it another one."""
    names = [f"s{number:05d}" for number in range(states)]
    rows = {
        state: [names[(number + 1) % states], names[number - 1]] for number, state in enumerate(names)
    }
    return compact({"id": name, "current": "", "map": rows, "initial": names[0]})


def everywhere(states: int) -> str:
    """A definition in which every state leads to every state; names are what redis-benchmark writes for a number."""
    names = [f"{number:012d}" for number in range(states)]
    return compact({"current": "", "map": dict.fromkeys(names, names), "initial": names[0]})


def shares(keys: Sequence[str], clients: int = CLIENTS) -> list[list[str]]:
    """The keys of each client."""
    return [list(keys[client::clients]) for client in range(clients)]


def shuffled(kind: str, numbers: Sequence[int]) -> list[str]:
    """The keys of these numbers in an order that is always the same."""
    order = list(numbers)
    random.Random(7).shuffle(order)
    return [key(kind, number) for number in order]


def toggles(
    keys: Sequence[str],
    command: Callable[[str, str, str], Command],
    clients: int = CLIENTS,
    depth: int = DEPTH,
    repeat: int = 1,
) -> Traffic:
    """``command(key, from, to)`` for every key there and, in a second sweep, back again; all of it ``repeat`` times."""
    there, back = STATES
    steps = ((there, back), (back, there)) * repeat
    return traffic(
        [
            [command(name, before, after) for before, after in steps for name in share]
            for share in shares(keys, clients)
        ],
        writes=True,
        depth=depth,
    )


def reads(keys: Sequence[str], command: Callable[[str], Command]) -> Traffic:
    return traffic([[command(name) for name in share] for share in shares(keys)], writes=False)


def stores(keys: Sequence[str], command: Callable[[str], Command]) -> Traffic:
    return traffic([[command(name) for name in share] for share in shares(keys)], writes=True)
