"""The machine of machine.py for clients whose replies are awaited, such as redis.asyncio.Redis.

What is a property of Machine is a method here: ``await order.states()``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar, overload

from . import answers, arguments, replies
from .answers import Nil
from .arguments import DiagramKind, Document, Key, Words
from .clients import AsyncClient, refuse_waiting
from .pipeline import AsyncPipeline
from .replies import Entry, Pending, Step, Verdict

T = TypeVar("T")


class AsyncMachine:
    """As Machine, of which each method has its description; parameters, results and errors are the same.

    >>> import asyncio
    >>> from redisstate import AsyncMachine
    >>> async def main() -> None:
    ...     async with async_client() as client:
    ...         order = AsyncMachine(client, "order:1")
    ...         await order.set({"initial": "cart", "map": {"cart": ["placed"], "placed": ["paid", "cancelled"]}})
    ...         step = await order.send("placed")
    ...         print(step.states, await order.next(), await order.states())
    ...         async with order.pipeline() as pipe:
    ...             pipe.send("sent")
    ...             pipe.send("paid")
    ...             print(await pipe.execute())
    >>> asyncio.run(main())
    ('placed',) ['paid', 'cancelled'] ('placed',)
    [Step(states=('paid',), taken=False), Step(states=('paid',), revision=None, status='done')]
    """

    __slots__ = ("client", "key", "strict")

    def __init__(self, client: AsyncClient, key: Key, *, strict: bool = False) -> None:
        refuse_waiting(client, "Machine")
        self.client = client
        self.key = key
        self.strict = strict

    def __repr__(self) -> str:
        return f"AsyncMachine({self.key!r})"

    async def _ask(self, words: Words, parse: Callable[[Any], T], nil: Nil = Nil.MISSING) -> T:
        """What ``parse`` makes of the reply, or what nil means. Raises the errors of redisstate.errors."""
        failed: Exception | None = None
        try:
            reply = await self.client.execute_command(*words)
        except Exception as error:
            reply, failed = None, error
        if reply is not None:
            return parse(reply)
        result = answers.of_nothing(failed, self.key, nil, self.strict)
        if result is answers.LOOK:
            try:
                states = await self.client.execute_command(*arguments.states(self.key))
            except Exception as error:
                states = error
            result = answers.of_a_look(states, self.key, nil, words, self.strict)
        nothing: T = result
        return nothing

    # What writes

    @overload
    async def set(
        self,
        document: Document,
        *,
        input: Mapping[str, Any] | None = None,
        current: Any = None,
        guards: Iterable[str] | None = None,
        if_absent: Literal[False] = False,
        if_present: Literal[False] = False,
        if_revision: int | None = None,
        if_state: str | None = None,
    ) -> Step: ...

    @overload
    async def set(
        self,
        document: Document,
        *,
        input: Mapping[str, Any] | None = None,
        current: Any = None,
        guards: Iterable[str] | None = None,
        if_absent: bool = False,
        if_present: bool = False,
        if_revision: int | None = None,
        if_state: str | None = None,
    ) -> Step | None: ...

    async def set(
        self,
        document: Document,
        *,
        input: Mapping[str, Any] | None = None,
        current: Any = None,
        guards: Iterable[str] | None = None,
        if_absent: bool = False,
        if_present: bool = False,
        if_revision: int | None = None,
        if_state: str | None = None,
    ) -> Step | None:
        """As Machine.set."""
        words = arguments.set(
            self.key,
            document,
            input=input,
            current=current,
            guards=guards,
            if_absent=if_absent,
            if_present=if_present,
            if_revision=if_revision,
            if_state=if_state,
        )
        return await self._ask(words, replies.step, Nil.NONE)

    async def create(self) -> None:
        """As Machine.create."""
        await self._ask(arguments.create(self.key), replies.nothing)

    async def send(
        self,
        event: str,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        guards: Iterable[str] | None = None,
        reason: str | None = None,
        if_revision: int | None = None,
        if_state: str | None = None,
        idempotency_key: str | None = None,
        **members: Any,
    ) -> Step:
        """As Machine.send."""
        words = arguments.send(
            self.key,
            event,
            data,
            guards=guards,
            reason=reason,
            if_revision=if_revision,
            if_state=if_state,
            idempotency_key=idempotency_key,
            **members,
        )
        return await self._ask(words, replies.step, Nil.REFUSED)

    async def mutate(
        self,
        state: str,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        reason: str | None = None,
        force: bool = False,
        guards: Iterable[str] | None = None,
        if_revision: int | None = None,
        if_state: str | None = None,
        idempotency_key: str | None = None,
        **members: Any,
    ) -> Step:
        """As Machine.mutate."""
        words = arguments.mutate(
            self.key,
            state,
            data,
            reason=reason,
            force=force,
            guards=guards,
            if_revision=if_revision,
            if_state=if_state,
            idempotency_key=idempotency_key,
            **members,
        )
        return await self._ask(words, replies.step, Nil.REFUSED)

    async def reset(
        self,
        *,
        input: Mapping[str, Any] | None = None,
        guards: Iterable[str] | None = None,
        reason: str | None = None,
        if_revision: int | None = None,
        if_state: str | None = None,
        idempotency_key: str | None = None,
    ) -> Step:
        """As Machine.reset."""
        words = arguments.reset(
            self.key,
            input=input,
            guards=guards,
            reason=reason,
            if_revision=if_revision,
            if_state=if_state,
            idempotency_key=idempotency_key,
        )
        return await self._ask(words, replies.step, Nil.REFUSED)

    async def done(
        self, task: str, result: Any = None, *, guards: Iterable[str] | None = None, idempotency_key: str | None = None
    ) -> Step:
        """As Machine.done."""
        words = arguments.done(self.key, task, result, guards=guards, idempotency_key=idempotency_key)
        return await self._ask(words, replies.step, Nil.REFUSED)

    async def fail(
        self, task: str, error: Any = None, *, guards: Iterable[str] | None = None, idempotency_key: str | None = None
    ) -> Step:
        """As Machine.fail."""
        words = arguments.fail(self.key, task, error, guards=guards, idempotency_key=idempotency_key)
        return await self._ask(words, replies.step, Nil.REFUSED)

    async def retry(self, task: str) -> Step:
        """As Machine.retry."""
        return await self._ask(arguments.retry(self.key, task), replies.step, Nil.REFUSED)

    async def fire(self, timer: str, *, guards: Iterable[str] | None = None) -> Step:
        """As Machine.fire."""
        return await self._ask(arguments.fire(self.key, timer, guards=guards), replies.step, Nil.REFUSED)

    async def delete(self) -> bool:
        """As Machine.delete."""
        return await self._ask(arguments.delete(self.key), bool)

    def pipeline(self, *, transaction: bool = True) -> AsyncPipeline:
        """As Machine.pipeline."""
        return AsyncPipeline(self.client, self.key, transaction=transaction, strict=self.strict)

    # What reads

    async def exists(self) -> bool:
        """As Machine.exists."""
        return await self._ask(arguments.status(self.key), replies.true, Nil.FALSE)

    async def can(
        self,
        event: str,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        guards: Iterable[str] | None = None,
        **members: Any,
    ) -> bool:
        """As Machine.can."""
        return await self._ask(arguments.can(self.key, event, data, guards=guards, **members), bool)

    async def why(
        self,
        event: str,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        guards: Iterable[str] | None = None,
        **members: Any,
    ) -> list[Verdict]:
        """As Machine.why."""
        words = arguments.why(self.key, event, data, guards=guards, **members)
        return await self._ask(words, replies.verdicts)

    async def next(self) -> list[str]:
        """As Machine.next."""
        return await self._ask(arguments.next(self.key), replies.listed)

    async def pending(self) -> list[Pending]:
        """As Machine.pending."""
        return await self._ask(arguments.pending(self.key), replies.pending)

    async def snapshot(self) -> dict[str, Any]:
        """As Machine.snapshot."""
        return await self._ask(arguments.snapshot(self.key), replies.decoded)

    async def history(self, count: int | None = None, before: int | None = None) -> list[Entry]:
        """As Machine.history."""
        return await self._ask(arguments.history(self.key, count, before), replies.history)

    async def diagram(self, kind: DiagramKind = "mermaid") -> str:
        """As Machine.diagram."""
        return await self._ask(arguments.diagram(self.key, kind), replies.text)

    async def all_states(self) -> tuple[str, ...]:
        """As Machine.all_states."""
        return await self._ask(arguments.all_states(self.key), replies.names)

    async def states(self) -> tuple[str, ...]:
        """As Machine.states."""
        return await self._ask(arguments.states(self.key), replies.names)

    async def status(self) -> str:
        """As Machine.status."""
        return await self._ask(arguments.status(self.key), replies.text)

    async def context(self) -> Any:
        """As Machine.context."""
        return await self._ask(arguments.context(self.key), replies.decoded, Nil.EMPTY)

    async def output(self) -> Any:
        """As Machine.output."""
        return await self._ask(arguments.output(self.key), replies.decoded, Nil.EMPTY)

    async def revision(self) -> int | None:
        """As Machine.revision."""
        return await self._ask(arguments.revision(self.key), replies.optional_int, Nil.EMPTY)

    async def reason(self) -> str | None:
        """As Machine.reason."""
        return await self._ask(arguments.reason(self.key), replies.text_or_none)

    async def document(self) -> dict[str, Any]:
        """As Machine.document."""
        return await self._ask(arguments.document(self.key), replies.decoded)
