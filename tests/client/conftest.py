"""Clients of every kind that the package is promised for, on the shared server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
import redis.asyncio
import valkey
import valkey.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from redisstate import Machine
from tests.servers import Server

KINDS = [
    ("redis", {"protocol": 2, "decode_responses": False}),
    ("redis", {"protocol": 2, "decode_responses": True}),
    ("redis", {"protocol": 3, "decode_responses": False}),
    ("redis", {"protocol": 3, "decode_responses": True}),
    ("valkey", {"protocol": 2, "decode_responses": False}),
    ("valkey", {"protocol": 3, "decode_responses": True}),
]
"""(library, settings) of the clients."""


def named(kind: tuple[str, dict[str, Any]]) -> str:
    library, settings = kind
    return f"{library}-RESP{settings['protocol']}-{'text' if settings['decode_responses'] else 'bytes'}"


@pytest.fixture(params=KINDS, ids=named)
def client(request: pytest.FixtureRequest, server: Server) -> Any:
    """A client that waits for its replies."""
    library, settings = request.param
    return server.client(**settings) if library == "redis" else valkey.Valkey(port=server.port, **settings)


Playing = Callable[[Callable[[Any], Coroutine[Any, Any, None]]], None]


@pytest.fixture(params=KINDS, ids=named)
def play(request: pytest.FixtureRequest, server: Server) -> Playing:
    """``play(scene)``: runs a coroutine function with a client whose replies are awaited."""
    library, settings = request.param

    async def run(scene: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        async with async_client(server, library, **settings) as client:
            await scene(client)

    return lambda scene: asyncio.run(run(scene))


def async_client(server: Server, library: str = "redis", **settings: Any) -> AbstractAsyncContextManager[Any]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        if library == "redis":
            client: Any = redis.asyncio.Redis(port=server.port, retry=Retry(NoBackoff(), 0), **settings)
        else:
            client = valkey.asyncio.Valkey(port=server.port, **settings)
        try:
            yield client
        finally:
            await client.aclose()

    return opened()


ORDER: dict[str, Any] = {
    "initial": "open",
    "context": {"total": {"@expr": "input.total"}, "paid": 0},
    "store": {},
    "states": {
        "open": {
            "on": {
                "PAY": {"context": {"paid": {"@expr": "context.paid + event.amount"}}},
                "CANCEL": {"guard": "isOwner", "target": "cancelled"},
            },
            "always": {"guard": {"@expr": "context.paid >= context.total"}, "target": "paid"},
            "after": {"PT15M": "cancelled"},
        },
        "paid": {
            "entry": {"type": "receipt", "params": {"paid": {"@expr": "context.paid"}}},
            "on": {"SHIP": "shipping"},
        },
        "shipping": {
            "invoke": {"id": "parcel", "src": "ship", "input": {"to": "Oslo"}, "onDone": "sent", "onError": "paid"}
        },
        "sent": {"type": "final"},
        "cancelled": {"type": "final"},
    },
    "output": {"@expr": "context.paid"},
}
MAP: dict[str, Any] = {"initial": "cart", "map": {"cart": ["placed"], "placed": ["paid", "cancelled"]}}


@pytest.fixture
def order(client: Any) -> Machine:
    """An order over 30 of which nothing is paid."""
    machine = Machine(client, "order:1")
    assert machine.set(ORDER, input={"total": 30})
    return machine
