"""AsyncMachine is Machine with await."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import redis.asyncio
import valkey.asyncio

from redisstate import (
    AsyncMachine,
    AsyncMachines,
    Conflict,
    Finding,
    InvalidDocument,
    Machine,
    Machines,
    NoSuchMachine,
    Step,
    async_check,
    async_render,
    async_template,
)
from redisstate.pipeline import PipelinedMachine
from tests.client.conftest import MAP, ORDER, Playing


def test_it_has_what_a_machine_has() -> None:
    """The same names and parameters; properties are methods."""
    for name, value in vars(Machine).items():
        if name.startswith("_") or name in Machine.__slots__:
            continue
        asynchronous = vars(AsyncMachine)[name]
        function = value.fget if isinstance(value, property) else value
        here, there = inspect.signature(function), inspect.signature(asynchronous)
        assert here.parameters == there.parameters, name
        assert name == "pipeline" or here.return_annotation == there.return_annotation, name
        assert inspect.iscoroutinefunction(asynchronous) == (name != "pipeline"), name
        assert name == "pipeline" or callable(getattr(PipelinedMachine, name)), name
    assert vars(AsyncMachine).keys() - {"__firstlineno__"} == vars(Machine).keys() - {"__firstlineno__"}


def test_many_awaited_machines_are_asked_as_others_are() -> None:
    for name in ("__init__", "send", "scan", "count"):
        here, there = (inspect.signature(getattr(one, name)) for one in (Machines, AsyncMachines))
        assert here.parameters.keys() == there.parameters.keys(), name
        assert [one.default for one in here.parameters.values()] == [one.default for one in there.parameters.values()]


def test_an_order_from_its_start_to_its_end(play: Playing) -> None:
    async def scene(client: Any) -> None:
        order = AsyncMachine(client, "order:1")
        assert await order.set(ORDER, input={"total": 30}) == Step(("open",), (), 1, "active")
        assert await order.set(ORDER, if_absent=True) is None
        assert await order.can("PAY", amount=1)
        assert not await order.send("SHIP")
        step = await order.send("PAY", amount=30)
        assert step.states == ("paid",)
        with pytest.raises(Conflict):
            await order.send("SHIP", if_revision=1)
        (task,) = (await order.send("SHIP")).effects
        assert [found.handle for found in await order.pending()] == [task.task]
        assert await order.done(str(task.task))
        assert (await order.status(), await order.output(), await order.states()) == ("done", 30, ("sent",))
        assert (await order.document())["current"] == "sent"
        assert await order.exists()
        missing = AsyncMachine(client, "order:2")
        assert not await missing.exists()
        for ask in (missing.send("A"), missing.context(), missing.next()):
            with pytest.raises(NoSuchMachine):
                await ask

    play(scene)


def test_pipelines(play: Playing) -> None:
    async def scene(client: Any) -> None:
        order = AsyncMachine(client, "order:1")
        async with order.pipeline() as pipe:
            pipe.set(ORDER, input={"total": 30})
            pipe.send("PAY", amount=30)
            pipe.send("PAY", amount=30)
            pipe.machine("order:2").output()
            pipe.command("PING")
            first, paid, refused, missing, pong = await pipe.execute(raise_on_error=False)
        assert (first.states, paid.states, refused) == (("open",), ("paid",), Step(("paid",), taken=False))
        assert isinstance(missing, NoSuchMachine)
        assert pong in (True, b"PONG", "PONG")
        with pytest.raises(InvalidDocument):
            pipe.set({})
            await pipe.execute()

    play(scene)


def test_documents(play: Playing) -> None:
    async def scene(client: Any) -> None:
        (found,) = await async_check(client, {"initial": "a"})
        assert isinstance(found, Finding)
        assert found.severity == "error"
        assert (await async_render(client, MAP, "dot")).startswith("digraph")
        assert (await async_template(client))["map"] == {}

    play(scene)


class ClusterClient:
    """As an asynchronous client of a cluster: it knows its nodes once it is initialized."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.nodes: list[str] = []

    async def initialize(self) -> ClusterClient:
        self.nodes = ["node"]
        return self

    def get_primaries(self) -> list[str]:
        return self.nodes

    def get_random_node(self) -> str:
        return self.nodes[0]

    async def execute_command(self, *words: Any, target_nodes: str) -> Any:
        assert target_nodes in self.nodes
        return await self.client.execute_command(*words)

    def pipeline(self, transaction: bool = True) -> Any:
        raise NotImplementedError


WAITING: list[Any] = [redis.Redis(), valkey.Valkey(), type("Own", (redis.Redis,), {})()]
AWAITED: list[Any] = [redis.asyncio.Redis(), valkey.asyncio.Valkey(), type("Own", (redis.asyncio.Redis,), {})()]


@pytest.mark.parametrize("client", WAITING, ids=lambda client: type(client).__module__)
def test_a_client_that_waits_is_refused_at_once(client: Any) -> None:
    with pytest.raises(TypeError, match=r"waits for its replies: that is for Machine$"):
        AsyncMachine(client, "a")
    with pytest.raises(TypeError, match=r"waits for its replies: that is for Machines$"):
        AsyncMachines(client)
    assert Machine(client, "a").client is client
    assert Machines(client).client is client


@pytest.mark.parametrize("client", AWAITED, ids=lambda client: type(client).__module__)
def test_a_client_whose_replies_are_awaited_is_refused_at_once(client: Any) -> None:
    with pytest.raises(TypeError, match=r"are awaited: that is for AsyncMachine$"):
        Machine(client, "a")
    with pytest.raises(TypeError, match=r"are awaited: that is for AsyncMachines$"):
        Machines(client)
    assert AsyncMachine(client, "a").client is client
    assert AsyncMachines(client).client is client


def test_a_client_of_a_users_own_is_let_in() -> None:
    class Wrapped(redis.asyncio.Redis):
        def execute_command(self, *words: Any, **options: Any) -> Any:
            return super().execute_command(*words, **options)

    assert AsyncMachine(Wrapped(), "a").key == "a"


def test_documents_by_a_fresh_client_of_a_cluster(play: Playing) -> None:
    async def scene(client: Any) -> None:
        assert await async_check(ClusterClient(client), {"initial": "a", "map": {"a": []}}) == []
        assert (await async_render(ClusterClient(client), MAP, "dot")).startswith("digraph")
        assert (await async_template(ClusterClient(client)))["map"] == {}

    play(scene)
