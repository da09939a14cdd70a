"""The package redisstate with clients that sentinels lead to the primary: it goes on after a failover."""

from __future__ import annotations

import asyncio

import redis.asyncio.sentinel

from redisstate import AsyncMachine, Machine
from tests.groups import caught_up
from tests.sentinels import NAME, SentinelGroup

FEW = {"initial": "cart", "map": {"cart": ["placed"], "placed": ["paid"]}}


def test_a_machine_goes_on_after_a_failover(sentinels: SentinelGroup) -> None:
    discovery = sentinels.service_discovery()
    order = Machine(discovery.master_for(NAME), "order:1")
    assert order.set(FEW)
    assert order.send("placed")
    caught_up(sentinels.primary, *sentinels.servers[1:])
    assert Machine(discovery.slave_for(NAME), "order:1").states == ("placed",)
    sentinels.sentinels[0].own.execute_command("SENTINEL", "FAILOVER", NAME)
    sentinels.wait_for_failover()
    assert order.send("paid").states == ("paid",)

    async def again() -> None:
        addresses = [("127.0.0.1", sentinel.port) for sentinel in sentinels.sentinels]
        async with redis.asyncio.sentinel.Sentinel(addresses).master_for(NAME) as client:
            awaited = AsyncMachine(client, "order:1")
            assert await awaited.states() == ("paid",)
            assert (await awaited.reset()).states == ("cart",)

    asyncio.run(again())
    for server in sentinels.servers:
        server.close_clients()  # a sentinel closed them
