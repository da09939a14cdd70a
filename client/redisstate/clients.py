"""What is asked of a client. redis.Redis has it, as have RedisCluster, a sentinel's master and those of valkey-py."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol


class Client(Protocol):
    """A client that waits for its replies."""

    def execute_command(self, *args: Any, **options: Any) -> Any: ...

    def pipeline(self, transaction: Any = ...) -> Any: ...


class AsyncClient(Protocol):
    """A client whose replies are awaited, such as redis.asyncio.Redis."""

    def execute_command(self, *args: Any, **options: Any) -> Awaitable[Any]: ...

    def pipeline(self, transaction: Any = ...) -> Any: ...


def keyless(client: Client | AsyncClient) -> dict[str, Any]:
    """The options of a command without a key: a cluster's client has to be told which node to ask."""
    random_node = getattr(client, "get_random_node", None)
    return {} if random_node is None else {"target_nodes": random_node()}
