"""Commands of several machines in one round trip, with MULTI or without.

A pipeline has the methods of Machine that ask the server. They return nothing: ``execute`` returns a list of what they
would have returned, in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from . import answers, arguments, errors, replies
from .answers import Nil
from .arguments import Key, Word, Words
from .clients import AsyncClient, Client

P = ParamSpec("P")
C = TypeVar("C")


class Queued:
    """A command that waits: the machine's key, the words, what reads the reply, and what nil means (None: nil)."""

    __slots__ = ("key", "nil", "parse", "words")

    def __init__(self, key: Key, words: Words, parse: Callable[[Any], Any], nil: Nil | None) -> None:
        self.key = key
        self.words = words
        self.parse = parse
        self.nil = nil


def _queues(
    build: Callable[Concatenate[Key, P], Words], parse: Callable[[Any], Any], nil: Nil = Nil.MISSING
) -> Callable[Concatenate[PipelinedMachine, P], None]:
    """The method that queues a command. Its parameters are those of the function that builds the words."""

    def method(self: PipelinedMachine, /, *args: P.args, **kwargs: P.kwargs) -> None:
        self.queue.append(Queued(self.key, build(self.key, *args, **kwargs), parse, nil))

    method.__name__ = build.__name__
    method.__qualname__ = f"PipelinedMachine.{build.__name__}"
    method.__doc__ = f"Queues what Machine's ``{build.__name__}`` does."
    return method


class PipelinedMachine:
    """A machine whose commands go into a pipeline. What is a property of Machine is a method here."""

    def __init__(self, key: Key, queue: list[Queued]) -> None:
        self.key = key
        self.queue = queue

    set = _queues(arguments.set, replies.step, Nil.NONE)
    create = _queues(arguments.create, replies.nothing)
    send = _queues(arguments.send, replies.step, Nil.REFUSED)
    mutate = _queues(arguments.mutate, replies.step, Nil.REFUSED)
    reset = _queues(arguments.reset, replies.step, Nil.REFUSED)
    done = _queues(arguments.done, replies.step, Nil.REFUSED)
    fail = _queues(arguments.fail, replies.step, Nil.REFUSED)
    retry = _queues(arguments.retry, replies.step, Nil.REFUSED)
    fire = _queues(arguments.fire, replies.step, Nil.REFUSED)
    delete = _queues(arguments.delete, bool)
    exists = _queues(arguments.status, replies.true, Nil.FALSE)
    can = _queues(arguments.can, bool)
    why = _queues(arguments.why, replies.verdicts)
    next = _queues(arguments.next, replies.listed)
    pending = _queues(arguments.pending, replies.pending)
    history = _queues(arguments.history, replies.history)
    diagram = _queues(arguments.diagram, replies.text)
    states = _queues(arguments.states, replies.names)
    all_states = _queues(arguments.all_states, replies.names)
    status = _queues(arguments.status, replies.text)
    context = _queues(arguments.context, replies.decoded, Nil.EMPTY)
    output = _queues(arguments.output, replies.decoded, Nil.EMPTY)
    revision = _queues(arguments.revision, int, Nil.EMPTY)
    reason = _queues(arguments.reason, replies.text_or_none, Nil.MISSING)
    snapshot = _queues(arguments.snapshot, replies.decoded)
    document = _queues(arguments.document, replies.decoded)


class _Pipeline(PipelinedMachine, Generic[C]):
    """What both pipelines share: the queue, and what becomes of the answers."""

    def __init__(self, client: C, key: Key, *, transaction: bool = True, strict: bool = False) -> None:
        super().__init__(key, [])
        self.client = client
        self.transaction = transaction
        self.strict = strict

    def __len__(self) -> int:
        """The number of commands that wait."""
        return len(self.queue)

    def machine(self, key: Key) -> PipelinedMachine:
        """Another machine, whose commands go into this pipeline. In a cluster, MULTI wants all keys in one slot."""
        return PipelinedMachine(key, self.queue)

    def command(self, *words: Word) -> None:
        """Queues any command. Its result is the reply as the client library gives it."""
        self.queue.append(Queued(self.key, list(words), replies.as_it_is, None))

    def _take(self) -> list[Queued]:
        """The commands that wait, which do not any more."""
        queue = self.queue[:]
        self.queue.clear()
        return queue


def first_pass(queue: list[Queued], given: Iterable[Any], strict: bool) -> tuple[list[Any], list[int]]:
    """The results of a pipeline, errors among them, and the indices of those for which a look is wanted."""
    results: list[Any] = []
    looks: list[int] = []
    for queued, answer in zip(queue, given, strict=True):
        if answer is not None and not isinstance(answer, Exception):
            results.append(queued.parse(answer))
            continue
        if queued.nil is None:
            results.append(answer)
            continue
        try:
            result = answers.of_nothing(answer, queued.key, queued.nil, strict)
        except Exception as error:
            result = error
        if result is answers.LOOK:
            looks.append(len(results))
        results.append(result)
    return results, looks


def second_pass(queue: list[Queued], results: list[Any], looks: list[int], given: Iterable[Any], strict: bool) -> None:
    """Puts the results of the looks where they are wanted: ``given`` are the replies of SM.STATE."""
    for index, states in zip(looks, given, strict=True):
        queued = queue[index]
        try:
            nil = queued.nil or Nil.EMPTY
            results[index] = answers.of_a_look(states, queued.key, nil, queued.words, strict)
        except Exception as error:
            results[index] = error


def _raise_first(results: list[Any]) -> None:
    for result in results:
        if isinstance(result, Exception):
            raise result


class Pipeline(_Pipeline[Client]):
    """``order.pipeline()``: commands that are sent together, as one MULTI if ``transaction``.

    A refusal does not abort the others: its step is false. Where nil alone does not say whether there is a machine, it
    is looked at afterwards, when all has been done: one that the same pipeline deletes is then missing.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.queue.clear()

    def execute(self, *, raise_on_error: bool = True) -> list[Any]:
        """Sends what waits. A list of what each method of Machine would have returned.

        Raises the first error of a command, after all have been done; it stands in the list if ``raise_on_error`` is
        False. An error of the whole (MULTI aborted, no connection) is raised in any case.
        """
        queue = self._take()
        results, looks = first_pass(queue, self._ask([queued.words for queued in queue], self.transaction), self.strict)
        if looks:
            asked = self._ask([arguments.states(queue[index].key) for index in looks], False)
            second_pass(queue, results, looks, asked, self.strict)
        if raise_on_error:
            _raise_first(results)
        return results

    def _ask(self, commands: list[Words], transaction: bool) -> list[Any]:
        if not commands:
            return []
        with errors.translated(self.key):
            pipe = self.client.pipeline(transaction=transaction)
            for words in commands:
                pipe.execute_command(*words)
            given: list[Any] = pipe.execute(raise_on_error=False)
        return given


class AsyncPipeline(_Pipeline[AsyncClient]):
    """As Pipeline, for asynchronous clients: only ``execute`` is awaited."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.queue.clear()

    async def execute(self, *, raise_on_error: bool = True) -> list[Any]:
        """As Pipeline's."""
        queue = self._take()
        answered = await self._ask([queued.words for queued in queue], self.transaction)
        results, looks = first_pass(queue, answered, self.strict)
        if looks:
            asked = await self._ask([arguments.states(queue[index].key) for index in looks], False)
            second_pass(queue, results, looks, asked, self.strict)
        if raise_on_error:
            _raise_first(results)
        return results

    async def _ask(self, commands: list[Words], transaction: bool) -> list[Any]:
        if not commands:
            return []
        with errors.translated(self.key):
            pipe = self.client.pipeline(transaction=transaction)
            for words in commands:
                pipe.execute_command(*words)
            given: list[Any] = await pipe.execute(raise_on_error=False)
        return given
