"""What is asked of a client. redis.Redis has it, as have RedisCluster, a sentinel's master and those of valkey-py."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

CO_COROUTINE = 0x80
"""The flag of a coroutine function's code (inspect.CO_COROUTINE)."""


class Client(Protocol):
    """A client that waits for its replies."""

    def execute_command(self, *args: Any, **options: Any) -> Any: ...

    def pipeline(self, transaction: Any = ...) -> Any: ...


class AsyncClient(Protocol):
    """A client whose replies are awaited, such as redis.asyncio.Redis."""

    def execute_command(self, *args: Any, **options: Any) -> Awaitable[Any]: ...

    def pipeline(self, transaction: Any = ...) -> Any: ...


def is_awaited(client: object) -> bool:
    """Whether the client's replies are awaited."""
    code = getattr(getattr(client, "execute_command", None), "__code__", None)
    return code is not None and bool(code.co_flags & CO_COROUTINE)


def refuse_awaited(client: object, instead: str) -> None:
    """Raises TypeError for a client whose replies are awaited: that is for the class ``instead``."""
    if is_awaited(client):
        raise TypeError(f"the replies of {type(client).__name__} are awaited: that is for {instead}")


def refuse_waiting(client: object, instead: str) -> None:
    """Raises TypeError for a client that waits for its replies: that is for the class ``instead``.

    A class of a user's own may wrap an asynchronous client in plain methods: one that ``async with`` takes is let in.
    """
    known = getattr(getattr(client, "execute_command", None), "__code__", None) is not None
    if known and not is_awaited(client) and not hasattr(client, "__aenter__"):
        raise TypeError(f"{type(client).__name__} waits for its replies: that is for {instead}")


async def know_nodes(client: AsyncClient) -> None:
    """A cluster's client knows its nodes when it has asked for them; any other has none."""
    asked: Any = client
    if hasattr(asked, "get_primaries"):
        await asked.initialize()


def keyless(client: Client | AsyncClient) -> dict[str, Any]:
    """The options of a command without a key: a cluster's client has to be told which node to ask."""
    random_node = getattr(client, "get_random_node", None)
    return {} if random_node is None else {"target_nodes": random_node()}
