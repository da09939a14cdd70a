"""A state machine at a key, asked and moved through a client of redis-py, valkey-py, a cluster or a sentinel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from . import arguments, errors, replies
from .arguments import DiagramKind, Document, Key, Words
from .replies import Entry, Pending, Step, Verdict

T = TypeVar("T")


class Client(Protocol):
    """What is asked of a client: redis.Redis has it, as have RedisCluster, a sentinel's and valkey-py's."""

    def execute_command(self, *args: Any, **options: Any) -> Any: ...

    def pipeline(self) -> Any: ...


class Machine:
    """The machine at ``key``. Nothing is asked of the server before a method is called.

    ``strict``: what the machine does not take raises NotTaken; else the step that is returned is false.
    """

    def __init__(self, client: Client, key: Key, *, strict: bool = False) -> None:
        self.client = client
        self.key = key
        self.strict = strict

    def __repr__(self) -> str:
        return f"Machine({self.key!r})"

    # Asking the server

    def _ask(self, words: Words) -> Any:
        try:
            return self.client.execute_command(*words)
        except Exception as error:
            ours = errors.of(error, self.key)
            if ours is None:
                raise
            raise ours from error

    def _found(self, words: Words, parse: Callable[[Any], T]) -> T:
        """The answer of a machine that is there."""
        reply = self._ask(words)
        if reply is None:
            raise errors.NoSuchMachine(self.key)
        return parse(reply)

    def _step(self, words: Words) -> Step:
        """A step. After a nil, the server is asked where the machine stands: whether there is one at all."""
        try:
            reply = self._ask(words)
        except errors.NotTaken:
            if self.strict:
                raise
            reply = None
        if reply is not None:
            return replies.step(reply)
        states = self.states
        if self.strict:
            raise errors.NotTaken(f"not taken in {', '.join(states)}: {words[0]!s} {words[2]!s}")
        return Step(states, taken=False)

    # What writes

    def set(
        self,
        document: Document,
        *,
        input: Any = None,
        current: Any = None,
        guards: Iterable[str] | None = None,
        if_absent: bool = False,
        if_present: bool = False,
        if_revision: int | None = None,
        if_state: str | None = None,
    ) -> Step | None:
        """Stores a machine in its initial state. None where ``if_absent`` or ``if_present`` does not hold."""
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
        try:
            reply = self._ask(words)
        except (errors.NoSuchMachine, errors.NotTaken):
            return None
        return None if reply is None else replies.step(reply)

    def send(
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
        """Gives the machine an event, with ``data`` and ``members`` as its data."""
        return self._step(
            arguments.send(
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
        )

    def mutate(
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
        """Moves the machine to a state, by a transition that leads there, or by force."""
        return self._step(
            arguments.mutate(
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
        )

    def reset(
        self,
        *,
        input: Any = None,
        guards: Iterable[str] | None = None,
        reason: str | None = None,
        if_revision: int | None = None,
        if_state: str | None = None,
        idempotency_key: str | None = None,
    ) -> Step:
        """Starts the machine again."""
        return self._step(
            arguments.reset(
                self.key,
                input=input,
                guards=guards,
                reason=reason,
                if_revision=if_revision,
                if_state=if_state,
                idempotency_key=idempotency_key,
            )
        )

    def done(
        self, task: str, result: Any = None, *, guards: Iterable[str] | None = None, idempotency_key: str | None = None
    ) -> Step:
        """Reports a task as done. The step is false where that task is not, or not any more, active."""
        return self._step(arguments.done(self.key, task, result, guards=guards, idempotency_key=idempotency_key))

    def fail(
        self, task: str, error: Any = None, *, guards: Iterable[str] | None = None, idempotency_key: str | None = None
    ) -> Step:
        """Reports a task as failed."""
        return self._step(arguments.fail(self.key, task, error, guards=guards, idempotency_key=idempotency_key))

    def retry(self, task: str) -> Step:
        """Hands a task out once more, under a new handle."""
        return self._step(arguments.retry(self.key, task))

    def fire(self, timer: str, *, guards: Iterable[str] | None = None) -> Step:
        """Lets a deadline fire now."""
        return self._step(arguments.fire(self.key, timer, guards=guards))

    def delete(self) -> bool:
        """Deletes the key. Whether there was one."""
        return bool(self._ask(arguments.delete(self.key)))

    # What reads

    def exists(self) -> bool:
        """Whether there is a machine at the key."""
        return bool(self._ask(arguments.exists(self.key)))

    def can(
        self,
        event: str,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        guards: Iterable[str] | None = None,
        **members: Any,
    ) -> bool:
        """Whether a transition would take the event."""
        return self._found(arguments.can(self.key, event, data, guards=guards, **members), bool)

    def why(
        self,
        event: str,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        guards: Iterable[str] | None = None,
        **members: Any,
    ) -> list[Verdict]:
        """What becomes of each candidate for the event, in the order in which they are asked."""
        return self._found(arguments.why(self.key, event, data, guards=guards, **members), replies.verdicts)

    def next(self) -> list[str]:
        """The events that could be sent now."""
        return list(self._found(arguments.next(self.key), replies.names))

    def pending(self) -> list[Pending]:
        """The deadlines and tasks that the machine waits for."""
        return self._found(arguments.pending(self.key), replies.pending)

    def snapshot(self) -> dict[str, Any]:
        """What XState's ``createActor(machine, {snapshot})`` takes."""
        return self._found(arguments.get(self.key, "SNAPSHOT"), replies.decoded)

    def history(self, count: int | None = None, before: int | None = None) -> list[Entry]:
        """The last steps, the newest first."""
        return self._found(arguments.history(self.key, count, before), replies.history)

    def diagram(self, kind: DiagramKind = "mermaid") -> str:
        """A picture of the machine, its active states marked."""
        return self._found(arguments.diagram(self.key, kind), replies.text)

    def _maybe(self, what: str, parse: Callable[[Any], T]) -> T | None:
        """A value that a machine may not have: whether there is a machine is asked only where there is no value."""
        reply = self._ask(arguments.get(self.key, what))
        if reply is not None:
            return parse(reply)
        if not self.exists():
            raise errors.NoSuchMachine(self.key)
        return None

    @property
    def states(self) -> tuple[str, ...]:
        """The active atomic states, as dotted paths in document order."""
        return self._found(arguments.states(self.key), replies.names)

    @property
    def status(self) -> str:
        """``active``, ``done`` or ``error``."""
        return self._found(arguments.get(self.key, "STATUS"), replies.text)

    @property
    def context(self) -> Any:
        """The machine's data, a dict; None where it has none."""
        return self._maybe("CONTEXT", replies.decoded)

    @property
    def output(self) -> Any:
        """What the machine gave when it was done; None before."""
        return self._maybe("OUTPUT", replies.decoded)

    @property
    def revision(self) -> int | None:
        """The number of steps; None where the machine does not count."""
        return self._maybe("REVISION", int)

    @property
    def reason(self) -> str | None:
        """Why the machine stands where it stands; None where nobody said so."""
        return self._maybe("REASON", replies.text) or None

    @property
    def document(self) -> dict[str, Any]:
        """The document and where the machine stands; ``set`` of it makes an equal machine."""
        return self._found(arguments.get(self.key), replies.decoded)
