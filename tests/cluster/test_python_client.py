"""The package redisstate with cluster clients: redis-py's, awaited and not, and valkey-py's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import redis.asyncio.cluster
import valkey
import valkey.cluster

from redisstate import (
    AsyncMachine,
    AsyncMachines,
    Machine,
    Machines,
    NoSuchMachine,
    Step,
    async_template,
    check,
    render,
    template,
)
from tests.clusters import Cluster

FEW = {"initial": "cart", "map": {"cart": ["placed"], "placed": ["paid"]}}


@pytest.fixture(params=["redis", "valkey"])
def client(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Any]:
    if request.param == "redis":
        yield cluster.client(decode_responses=False)
        return
    client = valkey.ValkeyCluster(host="127.0.0.1", port=cluster.primaries()[0].port, decode_responses=True)
    yield client
    client.close()


def test_machines_of_all_slots(client: Any) -> None:
    for number in range(30):
        order = Machine(client, f"order:{number}")
        assert order.set(FEW) == Step(("cart",), (), None, "active")
        assert not order.send("paid")
        assert order.send("placed", reason="now").states == ("placed",)
        assert order.reason == "now"
    with pytest.raises(NoSuchMachine):
        Machine(client, "order:30").send("placed")
    machines = Machines(client, batch=10)
    sent = machines.send([f"order:{number}" for number in range(31)], "paid")
    assert (len(sent.taken), sent.missing) == (30, ["order:30"])
    assert machines.count() == {("paid",): 30}
    scan = machines.scan("paid", match="order:1*")
    assert len(list(scan)) == 11
    assert scan.fraction == 1.0


def test_documents_are_asked_of_any_node(client: Any) -> None:
    assert check(client, FEW) == []
    assert render(client, FEW).startswith("stateDiagram-v2")
    assert template(client)["map"] == {}


def test_a_transaction_stays_within_a_slot(cluster: Cluster) -> None:
    order = Machine(cluster.client(), "{order}:1")
    with order.pipeline() as pipe:
        pipe.set(FEW)
        pipe.send("paid")
        pipe.machine("{order}:2").set(FEW)
        pipe.machine("{order}:3").context()
        first, refused, second, missing = pipe.execute(raise_on_error=False)
    assert (first.states, refused, second.states) == (("cart",), Step(("cart",), taken=False), ("cart",))
    assert isinstance(missing, NoSuchMachine)


def test_an_awaited_client(cluster: Cluster) -> None:
    async def scene() -> None:
        port = cluster.primaries()[0].port
        async with redis.asyncio.cluster.RedisCluster(host="127.0.0.1", port=port) as client:
            for number in range(10):
                order = AsyncMachine(client, f"order:{number}")
                assert await order.set(FEW)
                assert not await order.send("paid")
                async with order.pipeline(transaction=False) as pipe:
                    pipe.send("placed")
                    pipe.send("sent")
                    taken, refused = await pipe.execute()
                assert (taken.states, bool(refused), refused.states) == (("placed",), False, ("placed",))
            assert await AsyncMachines(client).count() == {("placed",): 10}
            assert (await async_template(client))["map"] == {}

    asyncio.run(scene())
