"""AsyncWorker: what coroutines do. What it has in common with Worker is tested there."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest
import redis

from redisstate import AsyncWorker
from redisstate.tasks import OutboxEntry
from tests.client.conftest import Playing, async_client
from tests.client.working import GROUP, STREAM, left, read_by_a_dead_worker, start
from tests.servers import Server


def charging(client: Any, function: Any = None, **settings: Any) -> AsyncWorker:
    made = AsyncWorker(client, **{"stream": STREAM, "group": GROUP, "block": 0.05, **settings})

    async def charge(amount: int) -> str:
        await asyncio.sleep(0)
        return f"{amount} paid"

    made.task("charge")(function or charge)
    return made


def test_a_task_is_done_and_what_comes_of_it(r: redis.Redis, play: Playing) -> None:
    machines = [start(r, f"job:{number}", {"amount": number}) for number in range(30)]
    receipts: list[str] = []

    async def scene(client: Any) -> None:
        works = charging(client, concurrency=5)

        @works.effect("receipt")
        async def receipt(got: str) -> None:
            receipts.append(got)

        done = await works.drain()
        assert (done.done, done.effects, done.late) == (30, 30, 0)
        assert (await works.drain()).done == 0

    play(scene)
    assert {machine.states for machine in machines} == {("paid",)}
    assert sorted(receipts) == sorted(f"{number} paid" for number in range(30))
    assert (left(r), r.xinfo_consumers(STREAM, GROUP)) == (0, [])


def test_a_key_that_is_not_text_is_told_too(server: Server, r: redis.Redis, play: Playing) -> None:
    machines = [start(r, key) for key in (b"job:\xff", b"job:\xfe")]  # type: ignore[arg-type]
    read_by_a_dead_worker(server.client(decode_responses=False))

    async def scene(client: Any) -> None:
        assert (await charging(client, claim_after=0.0).drain()).done == 2

    play(scene)
    assert [machine.states for machine in machines] == [("paid",)] * 2


def test_a_delivery_to_a_worker_that_does_not_know_the_task_is_no_try(server: Server, r: redis.Redis) -> None:
    start(r)

    async def scene() -> None:
        async with async_client(server) as client:
            other = AsyncWorker(client, stream=STREAM, group=GROUP, claim_after=0.0, max_deliveries=1)
            for _ in range(3):
                await other.drain()
            assert (await charging(client, claim_after=0.0, max_deliveries=1).drain()).done == 1

    asyncio.run(scene())


def test_so_many_run_at_a_time_and_no_more(server: Server, r: redis.Redis) -> None:
    running = most = 0
    for number in range(12):
        start(r, f"job:{number}")

    async def scene() -> None:
        meeting = asyncio.Barrier(3)

        async def charge(amount: int) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.wait_for(meeting.wait(), 30)
            running -= 1

        async with async_client(server) as client:
            assert (await charging(client, charge, concurrency=3).drain()).done == 12

    asyncio.run(scene())
    assert most == 3


@pytest.mark.parametrize("error", [OSError("out of order"), asyncio.CancelledError("out of order")])
def test_an_exception_is_the_tasks_failure(server: Server, r: redis.Redis, error: BaseException) -> None:
    machine = start(r)

    async def charge(amount: int) -> None:
        raise error

    async def scene() -> None:
        async with async_client(server) as client:
            assert (await charging(client, charge).drain()).failed == 1

    asyncio.run(scene())
    assert machine.context["got"] == {"type": type(error).__name__, "message": "out of order"}


def test_an_effect_that_raises_is_delivered_again_and_given_up(server: Server, r: redis.Redis) -> None:
    tried: list[int] = []
    start(r)

    async def scene() -> None:
        async with async_client(server) as client:
            works = charging(client, claim_after=0.0, max_deliveries=3)

            @works.effect("receipt")
            async def receipt(effect: OutboxEntry) -> None:
                tried.append(effect.deliveries)
                raise OSError("no paper")

            done = await works.drain()
            assert (done.effects_failed, done.given_up) == (3, 1)

    asyncio.run(scene())
    assert tried == [1, 2, 3]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_it_finish_what_runs_and_give_back_the_rest(
    server: Server, r: redis.Redis, how: signal.Signals
) -> None:
    machines = [start(r, f"job:{number}") for number in range(10)]
    before = signal.getsignal(how)

    async def charge(amount: int) -> None:
        os.kill(os.getpid(), how)
        await asyncio.sleep(0.1)

    async def scene() -> int:
        async with async_client(server) as client:
            works = charging(client, charge, concurrency=2)
            await works.run()
            return works.counters.done

    done = asyncio.run(scene())
    assert 1 <= done <= 4
    assert sum(machine.states == ("paid",) for machine in machines) == done
    assert signal.getsignal(how) == before

    async def rest() -> int:
        async with async_client(server) as client:
            return (await charging(client).drain()).done

    assert asyncio.run(rest()) == 10 - done


@pytest.mark.parametrize("signals", [True, False])
def test_an_application_may_keep_its_own_handlers(server: Server, r: redis.Redis, signals: bool) -> None:
    start(r)
    heard: list[str] = []

    async def scene() -> None:
        async with async_client(server) as client:

            async def charge(amount: int) -> None:
                works.stop()
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.sleep(0)

            works = charging(client, charge)
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, heard.append, "its own")
            await works.run(signals=signals)

    asyncio.run(scene())
    assert heard == ([] if signals else ["its own"])


def test_where_it_is_cancelled_what_runs_is_left(server: Server, r: redis.Redis) -> None:
    machine = start(r)

    async def scene() -> None:
        began = asyncio.Event()

        async def charge(amount: int) -> None:
            began.set()
            await asyncio.sleep(60)

        async with async_client(server) as client:
            working = asyncio.create_task(charging(client, charge).run())
            await began.wait()
            working.cancel()
            with pytest.raises(asyncio.CancelledError):
                await working

    asyncio.run(scene())
    assert machine.states == ("charging",)
    assert left(r) == 1


def test_where_it_is_cancelled_twice_nothing_of_it_runs_on(server: Server, r: redis.Redis) -> None:
    start(r)

    async def scene() -> None:
        began, resists, hold = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def charge(amount: int) -> None:
            began.set()
            try:
                await hold.wait()
            finally:
                resists.set()
                await hold.wait()

        async with async_client(server) as client:
            working = asyncio.create_task(charging(client, charge).run())
            await began.wait()
            working.cancel()
            await resists.wait()
            working.cancel()
            with pytest.raises(asyncio.CancelledError):
                await working
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.wait_for(asyncio.gather(*rest, return_exceptions=True), 30)

    asyncio.run(scene())
    assert left(r) == 1


def test_connections_that_are_lost_are_made_again(server: Server, r: redis.Redis) -> None:
    async def scene() -> None:
        async with async_client(server) as client:
            works = charging(client)
            working = asyncio.create_task(works.run())
            for number in range(3):
                start(r, f"job:{number}")
                while works.counters.done <= number:
                    await asyncio.sleep(0.01)
                r.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            works.stop()
            await working

    asyncio.run(asyncio.wait_for(scene(), 60))


def test_a_client_that_waits_is_refused(r: redis.Redis) -> None:
    with pytest.raises(TypeError, match="Redis waits for its replies: that is for Worker"):
        AsyncWorker(r, stream=STREAM, group=GROUP)


def test_a_function_that_is_no_coroutine_is_refused() -> None:
    with pytest.raises(TypeError, match="sync is no coroutine: write `async def sync`, or take Worker"):
        charging(None, sync)


def sync(amount: int) -> None: ...


def test_one_worker_works_in_one_loop_after_the_other(server: Server, r: redis.Redis) -> None:
    works = charging(None)

    async def scene() -> int:
        async with async_client(server) as client:
            works.client = client
            return (await works.drain()).done

    for number in range(2):
        start(r, f"job:{number}")
        assert asyncio.run(scene()) == 1
