"""Workers of the Python client in a cluster: streams of several slots, and a primary that goes away."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from redis.asyncio.cluster import ClusterNode, RedisCluster

from redisstate import AsyncWorker, Machine, Worker
from tests.client.working import GROUP, charging, job, worker
from tests.clusters import Cluster, a_key_of_every_slot
from tests.servers import wait_until

TAGS = [a_key_of_every_slot()[slot] for slot in (100, 6000, 12000)]
STREAMS = [f"jobs:{{{tag}}}" for tag in TAGS]


def started(cluster: Cluster) -> list[Machine]:
    """Three machines on each primary, each with the stream of its slot."""
    machines = [Machine(cluster.client(), f"job:{{{tag}}}:{number}") for tag in TAGS for number in range(3)]
    for machine in machines:
        machine.set(job("jobs:{}"), input={"amount": 30})
    return machines


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize("settings", [{}, {"decode_responses": False}, {"protocol": 3}])
def test_streams_of_several_slots_are_read(cluster: Cluster, settings: dict[str, Any], concurrency: int) -> None:
    machines = started(cluster)
    works = charging(cluster.client(**settings), stream=STREAMS, concurrency=concurrency)
    receipts: list[str] = []
    works.effect("receipt")(lambda got: receipts.append(got))
    assert works.drain().done == 9
    assert {machine.states for machine in machines} == {("paid",)}
    assert receipts == ["30 paid"] * 9


def test_what_is_left_to_others_goes_when_it_is_over(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redisstate.commands.FORGOTTEN", 0.0)
    client = cluster.client()
    started(cluster)
    for tag in TAGS:
        Machine(client, f"job:{{{tag}}}:0").delete()
    other = worker(client, stream=STREAMS, claim_after=0.0)
    other.drain()
    other.drain()
    assert [client.xpending(stream, GROUP)["pending"] for stream in STREAMS] == [2, 2, 2]
    assert charging(client, stream=STREAMS, claim_after=0.0).drain().done == 6
    other.drain()
    assert [client.xinfo_consumers(stream, GROUP) for stream in STREAMS] == [[], [], []]


def test_a_coroutine_works_for_a_cluster(cluster: Cluster) -> None:
    machines = started(cluster)

    async def scene() -> None:
        client = RedisCluster(startup_nodes=[ClusterNode("127.0.0.1", one.port) for one in cluster.primaries()])
        try:
            works = AsyncWorker(client, stream=STREAMS, group=GROUP, concurrency=3)

            @works.task("charge")
            async def charge(amount: int) -> str:
                return f"{amount} paid"

            assert (await works.drain()).done == 9
        finally:
            await client.aclose()

    asyncio.run(scene())
    assert {machine.states for machine in machines} == {("paid",)}


def test_a_replica_takes_over_while_it_works(cluster: Cluster) -> None:
    works: Worker = charging(cluster.client(), stream=STREAMS, claim_after=1.0)
    thread = threading.Thread(target=works.run)
    thread.start()
    try:
        before = started(cluster)
        wait_until(lambda: {machine.states for machine in before} == {("paid",)}, "what was there is done")
        cluster.promote(cluster.replica_of(cluster.owner(100)))
        cluster.wait_until_complete()
        after = started(cluster)
        wait_until(lambda: {machine.states for machine in after} == {("paid",)}, "what comes is done")
    finally:
        works.stop()
        thread.join(60)
    assert not thread.is_alive()
