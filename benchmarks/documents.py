"""The documents that the rows use, and traffic of which each write changes something.

Keys have 14 bytes. Both sides of a comparison have as many keys, in the same order, which differ in the first letter
only; names of states and values have the same length.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tests.documents import compact

from .load import CLIENTS, DEPTH, Command, Traffic, traffic

# Three states; 100 bytes. Replacing ORDER_ID makes another definition of the same size.
ORDER = '{"id":"shop-orders-v1","current":"","map":{"open":["paid"],"paid":["open","sent"]},"initial":"open"}'
ORDER_ID = "shop-orders-v1"
STATES = ("open", "paid")
REASON = "by ann"
assert len(ORDER) == 100 and ORDER_ID in ORDER


def key(kind: str, number: int) -> str:
    return f"{kind}:{number:012d}"


def ring(states: int, name: str) -> str:
    """A map of states in a ring, each with a transition to both neighbours; each ``name`` is another definition."""
    names = [f"s{number:05d}" for number in range(states)]
    rows = {
        state: [names[(number + 1) % states], names[number - 1]] for number, state in enumerate(names)
    }
    return compact({"id": name, "current": "", "map": rows, "initial": names[0]})


def complete_graph(states: int) -> str:
    """A map with a transition from every state to every state. Names are numbers as redis-benchmark writes them."""
    names = [f"{number:012d}" for number in range(states)]
    return compact({"current": "", "map": dict.fromkeys(names, names), "initial": names[0]})


def split_keys(keys: Sequence[str], clients: int = CLIENTS) -> list[list[str]]:
    """The keys of each client."""
    return [list(keys[client::clients]) for client in range(clients)]


def shuffled(kind: str, numbers: Sequence[int]) -> list[str]:
    """The keys of these numbers, shuffled with a fixed seed."""
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
    """``command(key, from, to)`` for every key, then the reverse for every key; all of it ``repeat`` times."""
    first, second = STATES
    steps = ((first, second), (second, first)) * repeat
    return traffic(
        [
            [command(name, before, after) for before, after in steps for name in own]
            for own in split_keys(keys, clients)
        ],
        writes=True,
        depth=depth,
    )


def reads(keys: Sequence[str], command: Callable[[str], Command]) -> Traffic:
    return traffic([[command(name) for name in own] for own in split_keys(keys)], writes=False)


def stores(keys: Sequence[str], command: Callable[[str], Command]) -> Traffic:
    return traffic([[command(name) for name in own] for own in split_keys(keys)], writes=True)
