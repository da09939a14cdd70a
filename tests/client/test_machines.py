"""Many machines: pipelined events, scans by state, and how far a long run is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from redisstate import AsyncMachine, AsyncMachines, ExpressionError, Machine, Machines
from redisstate.machines import Found, Progress, passed
from tests.client.conftest import ORDER, Playing
from tests.servers import Server

FEW = {"initial": "cart", "map": {"cart": ["placed"]}}


def text(key: str | bytes) -> str:
    return key.decode() if isinstance(key, bytes) else key


def fill(client: Any, count: int, document: dict[str, Any] = FEW, **options: Any) -> list[str]:
    keys = [f"m:{number}" for number in range(count)]
    for start in range(0, count, 1000):
        pipe = Machine(client, "m:0").pipeline(transaction=False)
        for key in keys[start : start + 1000]:
            pipe.machine(key).set(document, **options)
        pipe.execute()
    return keys


def test_an_event_for_thousands(server: Server, client: Any) -> None:
    keys = fill(client, 3000)
    Machine(client, keys[7]).send("placed")
    client.execute_command("SET", "other", "a")
    seen: list[Progress] = []
    commands = server.info("stats")["total_commands_processed"]
    sent = Machines(client, batch=1000).send([*keys, "none", "other"], "placed", reason="all", progress=seen.append)
    assert server.info("stats")["total_commands_processed"] - commands < 3100, "only what was refused is looked at"
    assert len(sent.taken) == 2999
    assert sent.refused == {keys[7]: sent.results[7][1]}
    assert sent.refused[keys[7]].states == ("placed",)
    assert sent.missing == ["none"]
    assert list(sent.failed) == ["other"]
    assert repr(sent) == "<Sent: 2999 taken, 1 refused, 1 missing, 1 failed>"
    assert [(step.done, step.total) for step in seen] == [(1000, 3002), (2000, 3002), (3000, 3002), (3002, 3002)]
    assert seen[-1].fraction == 1.0
    assert seen[0].rate > 0
    assert seen[0].remaining is not None
    assert Machine(client, keys[0]).reason == "all"


def test_errors_and_data_are_each_machines_own(client: Any) -> None:
    keys = fill(client, 3, ORDER, input={"total": 30})
    machines = Machines(client, batch=2)
    sent = machines.send(iter(keys), "PAY", {"amount": 20}, if_state="open")
    assert [step.revision for step in sent.taken.values()] == [2, 2, 2]
    assert machines.send(keys, "CANCEL", guards=(name for name in ["isOwner"])).taken.keys() == set(keys)
    assert machines.send([], "PAY").results == []
    Machine(client, keys[1]).reset(input={"total": 3})
    failed = machines.send(keys, "PAY").failed
    assert {key: type(error) for key, error in failed.items()} == {keys[1]: ExpressionError}


def test_a_scan_by_state(client: Any) -> None:
    nested = {"initial": "a", "states": {"a": {"initial": "b", "states": {"b": {}}}, "ab": {}}}
    Machine(client, "n:1").set(nested)
    Machine(client, "n:2").set(nested, current="ab")
    client.execute_command("SET", "n:3", "a")
    machines = Machines(client)
    assert [text(found.key) for found in machines.scan("a")] == ["n:1"]
    assert [text(found.key) for found in machines.scan("a.b")] == ["n:1"]
    assert sorted(text(found.key) for found in machines.scan()) == ["n:1", "n:2"]
    assert [found.states for found in machines.scan(match="*2")] == [("ab",)]
    assert list(machines.scan("none")) == []
    assert machines.count() == {("a.b",): 1, ("ab",): 1}


@pytest.fixture
def limited(server: Server, client: Any) -> Iterator[Callable[[str], Any]]:
    """``limited(rules)``: a client of a user with these rules."""
    made = []

    def of(rules: str) -> Any:
        server.own.execute_command("ACL", "SETUSER", "ann", "reset", "on", ">any", *rules.split())
        made.append(type(client)(port=server.port, username="ann", password="any"))
        return made[-1]

    yield of
    for one in made:
        one.close()
    server.own.execute_command("ACL", "DELUSER", "ann")


def test_a_scan_leaves_out_what_the_user_may_not_read(client: Any, limited: Callable[[str], Any]) -> None:
    for key in ("order:1", "secret:1", "order:2"):
        Machine(client, key).set(FEW)
    machines = Machines(limited("~order:* +@all"))
    assert sorted(text(found.key) for found in machines.scan()) == ["order:1", "order:2"]
    assert machines.count() == {("cart",): 2}


def test_a_user_who_may_not_ask_for_states_is_told(client: Any, limited: Callable[[str], Any]) -> None:
    Machine(client, "order:1").set(FEW)
    with pytest.raises(Exception, match=r"(?i)no permissions to run the 'sm\.state' command"):
        list(Machines(limited("~* +@all -sm.state")).scan())


def test_how_far_a_scan_is(client: Any) -> None:
    keys = fill(client, 5000)
    client.execute_command("MSET", *(word for number in range(5000) for word in (f"other:{number}", "a")))
    seen: list[Progress] = []
    scan = Machines(client, batch=200).scan(progress=seen.append)
    found = [text(next(scan).key)]
    assert 0 < scan.fraction < 0.2
    found += [text(one.key) for one in scan]
    assert sorted(set(found)) == sorted(keys)
    assert scan.fraction == 1.0
    totals = [step.total for step in seen if step.total is not None]
    half = totals[len(totals) // 2 :]
    assert all(4000 < total < 6000 for total in half), totals
    assert (seen[-1].done, seen[-1].total) == (len(found), len(found))


def test_an_event_for_what_a_scan_finds(client: Any) -> None:
    fill(client, 1000)
    seen: list[Progress] = []
    machines = Machines(client, batch=100)
    sent = machines.send(machines.scan("cart"), "placed", progress=seen.append)
    assert len(sent.taken) == 1000
    assert all(step.total is not None for step in seen)
    assert machines.count() == {("placed",): 1000}


def test_an_event_is_sent_batch_by_batch_as_results_are_asked_for(client: Any) -> None:
    fill(client, 50)
    machines = Machines(client, batch=10)
    seen: list[Progress] = []
    results = machines.send_iter(machines.scan("cart"), "placed", progress=seen.append)
    next(results)
    assert machines.count()[("placed",)] == 10, "what is not iterated over is not sent"
    assert len(list(results)) == 49
    assert seen[-1].done == 50


def test_awaited_machines(play: Playing) -> None:
    async def scene(client: Any) -> None:
        keys = [f"m:{number}" for number in range(250)]
        async with AsyncMachine(client, "m:0").pipeline() as pipe:
            for key in keys:
                pipe.machine(key).set(FEW)
            await pipe.execute()
        await client.set("other", "a")
        seen: list[Progress] = []
        machines = AsyncMachines(client, batch=100)
        sent = await machines.send([*keys[:120], "none", "other"], "placed", progress=seen.append)
        assert (len(sent.taken), sent.missing, list(sent.failed)) == (120, ["none"], ["other"])
        assert [(step.done, step.total) for step in seen] == [(100, 122), (122, 122)]
        assert await machines.count() == {("placed",): 120, ("cart",): 130}
        refused = [(key, bool(step)) async for key, step in machines.send_iter(["m:0", "m:1"], "placed")]
        assert refused == [("m:0", False), ("m:1", False)]
        scan = machines.scan("cart")
        sent = await machines.send(scan, "placed", progress=seen.append)
        assert (len(sent.taken), len(sent.refused), scan.fraction) == (130, 0, 1.0)
        assert [found async for found in machines.scan("cart")] == []
        with pytest.raises(TypeError, match="AsyncMachines"):
            Machines(client)
        with pytest.raises(TypeError, match="AsyncMachine"):
            Machine(client, "m:0")

    play(scene)


def test_the_reversed_cursor_is_the_place() -> None:
    """In a table of eight, a server's cursors follow one another so."""
    assert [passed(cursor) for cursor in (0, 4, 2, 6, 1, 5, 3, 7)] == [eighth / 8 for eighth in range(8)]
    assert passed(1 << 63) == 2.0**-64


def test_progress_in_words() -> None:
    assert str(Progress(500, 2000, 2.0)) == "500 of 2,000 machines, 250/s, 6 s left"
    assert str(Progress(500, None, 2.0)) == "500 machines, 250/s"
    assert Progress(0, 0, 0.0).fraction == 1.0
    assert Progress(0, 10, 0.0).remaining is None
    assert Progress(12, 10, 1.0).remaining == 0
    assert not Found("a", ("ab",)).within("a")


def test_a_batch_is_a_number_of_machines(client: Any) -> None:
    with pytest.raises(ValueError, match="batch"):
        Machines(client, batch=0)
