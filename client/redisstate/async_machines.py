"""The machines of machines.py for clients whose replies are awaited."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import Any

from . import errors
from .arguments import Key
from .clients import AsyncClient, know_nodes, refuse_waiting
from .machines import TYPE, Found, Progress, Report, Sent, next_cursor, page_of, passed, progress_of, reckoned
from .pipeline import AsyncPipeline
from .replies import Step


class AsyncScan(AsyncIterator[Found]):
    """As Scan: ``async for found in machines.scan()``."""

    def __init__(self, pages: AsyncIterator[tuple[float, list[Found]]]) -> None:
        self._pages = pages
        self._found = iter(list[Found]())
        self.fraction = 0.0

    async def __anext__(self) -> Found:
        for found in self._found:
            return found
        page: list[Found] = []
        while not page:
            self.fraction, page = await anext(self._pages)
        self._found = iter(page)
        return next(self._found)


class AsyncMachines:
    """As Machines; ``send`` takes keys that are iterated over either way.

    >>> import asyncio
    >>> from redisstate import AsyncMachine, AsyncMachines
    >>> async def main() -> None:
    ...     async with async_client() as client:
    ...         for number in range(4):
    ...             await AsyncMachine(client, f"cart:{number}").set({"initial": "cart", "map": {"cart": ["placed"]}})
    ...         machines = AsyncMachines(client)
    ...         print(await machines.send(["cart:1", "cart:2", "cart:9"], "placed"))
    ...         print(await machines.send(machines.scan("cart"), "placed"))
    ...         print(await machines.count())
    >>> asyncio.run(main())
    <Sent: 2 taken, 1 missing>
    <Sent: 2 taken>
    {('placed',): 4}
    """

    def __init__(self, client: AsyncClient, *, batch: int = 500) -> None:
        if batch < 1:
            raise ValueError("batch is a number of machines")
        refuse_waiting(client, "Machines")
        self.client = client
        self.batch = batch

    async def send(
        self,
        keys: Iterable[Key | Found] | AsyncIterable[Key | Found],
        event: str,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        guards: Iterable[str] | None = None,
        reason: str | None = None,
        if_state: str | None = None,
        idempotency_key: str | None = None,
        progress: Report | None = None,
        **members: Any,
    ) -> Sent:
        """As Machines.send."""
        sent = Sent()
        async for result in self.send_iter(
            keys,
            event,
            data,
            guards=guards,
            reason=reason,
            if_state=if_state,
            idempotency_key=idempotency_key,
            progress=progress,
            **members,
        ):
            sent.results.append(result)
        return sent

    async def send_iter(
        self,
        keys: Iterable[Key | Found] | AsyncIterable[Key | Found],
        event: str,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        guards: Iterable[str] | None = None,
        reason: str | None = None,
        if_state: str | None = None,
        idempotency_key: str | None = None,
        progress: Report | None = None,
        **members: Any,
    ) -> AsyncIterator[tuple[Key, Step | Exception]]:
        """As Machines.send_iter: ``async for key, result in machines.send_iter(…)``."""
        options: dict[str, Any] = {
            "guards": tuple(guards) if guards is not None and not isinstance(guards, str) else guards,
            "reason": reason,
            "if_state": if_state,
            "idempotency_key": idempotency_key,
        }
        began = time.monotonic()
        done = 0
        async for some in _batches(keys, self.batch):
            pipe = AsyncPipeline(self.client, some[0], transaction=False)
            for key in some:
                pipe.machine(key).send(event, data, **options, **members)
            results = await pipe.execute(raise_on_error=False)
            done += len(some)
            if progress is not None:
                progress(progress_of(done, keys, began))
            for result in zip(some, results, strict=True):
                yield result

    def scan(
        self, state: str | None = None, *, match: str | bytes | None = None, progress: Report | None = None
    ) -> AsyncScan:
        """As Machines.scan."""
        return AsyncScan(self._pages(state, match, progress))

    async def count(
        self, *, match: str | bytes | None = None, progress: Report | None = None
    ) -> dict[tuple[str, ...], int]:
        """As Machines.count."""
        counts: dict[tuple[str, ...], int] = {}
        async for found in self.scan(match=match, progress=progress):
            counts[found.states] = counts.get(found.states, 0) + 1
        return counts

    async def _pages(
        self, state: str | None, match: str | bytes | None, progress: Report | None
    ) -> AsyncIterator[tuple[float, list[Found]]]:
        began = time.monotonic()
        done = 0
        async for fraction, keys in self._keys(match):
            page = await self._where(keys)
            done += len(page)
            if progress is not None:
                progress(Progress(done, reckoned(done, fraction), time.monotonic() - began))
            yield fraction, [found for found in page if state is None or found.within(state)]

    async def _where(self, keys: list[Key]) -> list[Found]:
        if not keys:
            return []
        pipe = AsyncPipeline(self.client, keys[0], transaction=False)
        for key in keys:
            pipe.machine(key).states()
        return page_of(keys, await pipe.execute(raise_on_error=False))

    async def _keys(self, match: str | bytes | None) -> AsyncIterator[tuple[float, list[Key]]]:
        client: Any = self.client
        await know_nodes(client)
        nodes = client.get_primaries() if hasattr(client, "get_primaries") else [None]
        for number, node in enumerate(nodes):
            options: dict[str, Any] = {} if node is None else {"target_nodes": node}
            cursor = 0
            while True:
                with errors.translated():
                    answered, keys = await client.scan(cursor, match=match, count=self.batch, _type=TYPE, **options)
                cursor = next_cursor(answered)
                seen = 1.0 if cursor == 0 else passed(cursor) if node is None else 0.0
                yield (number + seen) / len(nodes), keys
                if cursor == 0:
                    break


async def _batches(keys: Iterable[Key | Found] | AsyncIterable[Key | Found], size: int) -> AsyncIterator[list[Key]]:
    some: list[Key] = []
    async for key in _awaited(keys):
        some.append(key.key if isinstance(key, Found) else key)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


async def _awaited(keys: Iterable[Key | Found] | AsyncIterable[Key | Found]) -> AsyncIterator[Key | Found]:
    if isinstance(keys, AsyncIterable):
        async for key in keys:
            yield key
    else:
        for key in keys:
            yield key
