"""A state machine at a key, through a client that waits for its replies. async_machine.py has the same with ``await``.

The examples of the methods go on from those of the class, each by itself; a test runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar, overload

from . import answers, arguments, replies
from .answers import Nil
from .arguments import DiagramKind, Document, Key, Words
from .clients import Client, refuse_awaited
from .pipeline import Pipeline
from .replies import Entry, Pending, Step, Verdict

T = TypeVar("T")


class Machine:
    """The machine at ``key``. Nothing is asked of the server before a method is called.

    ``client`` is one of redis-py or valkey-py, also for a cluster or of a sentinel, with any settings. With ``strict``,
    what a machine does not take raises NotTaken; else the step that is returned is false.

    Methods raise the errors of redisstate.errors: NoSuchMachine where there is no machine, but for ``set``, ``create``,
    ``exists`` and ``delete``, and NotAMachine where the key holds something else.

    >>> from redisstate import Machine
    >>> document = {
    ...     "initial": "open",
    ...     "context": {"total": {"@expr": "input.total"}, "paid": 0},
    ...     "states": {
    ...         "open": {
    ...             "on": {
    ...                 "PAY": {"context": {"paid": {"@expr": "context.paid + event.amount"}}},
    ...                 "CANCEL": {"guard": "isOwner", "target": "cancelled"},
    ...             },
    ...             "always": {"guard": {"@expr": "context.paid >= context.total"}, "target": "paid"},
    ...             "after": {"PT15M": "cancelled"},
    ...         },
    ...         "paid": {"entry": "receipt", "on": {"SHIP": "shipping"}},
    ...         "shipping": {"invoke": {"id": "parcel", "src": "ship", "onDone": "sent", "onError": "paid"}},
    ...         "sent": {"type": "final"},
    ...         "cancelled": {"type": "final"},
    ...     },
    ... }
    >>> order = Machine(client, "order:1")
    >>> order.set(document, input={"total": 30})
    Step(states=('open',), revision=1, status='active')
    """

    __slots__ = ("client", "key", "strict")

    def __init__(self, client: Client, key: Key, *, strict: bool = False) -> None:
        refuse_awaited(client, "AsyncMachine")
        self.client = client
        self.key = key
        self.strict = strict

    def __repr__(self) -> str:
        return f"Machine({self.key!r})"

    def _ask(self, words: Words, parse: Callable[[Any], T], nil: Nil = Nil.MISSING) -> T:
        """What ``parse`` makes of the reply, or what nil means. Raises the errors of redisstate.errors."""
        failed: Exception | None = None
        try:
            reply = self.client.execute_command(*words)
        except Exception as error:
            reply, failed = None, error
        if reply is not None:
            return parse(reply)
        result = answers.of_nothing(failed, self.key, nil, self.strict)
        if result is answers.LOOK:
            try:
                states = self.client.execute_command(*arguments.states(self.key))
            except Exception as error:
                states = error
            result = answers.of_a_look(states, self.key, nil, words, self.strict)
        nothing: T = result
        return nothing

    # What writes

    @overload
    def set(
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
    def set(
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

    def set(
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
        """Stores a machine that stands at its start, with the effects that the start asks for.

        ``document`` is a dict or JSON text, ``input`` what its expressions read as ``input``. ``current`` is a state (a
        path, or XState's state value) that is entered instead, without running actions. A machine that is there is
        replaced, and its TTL goes, unless ``if_absent``; None where ``if_absent`` or ``if_present`` does not hold.
        ``guards``, ``if_revision`` and ``if_state`` are those of ``send``. Raises InvalidDocument.

        >>> order.set(document, input={"total": 10}, if_absent=True) is None
        True
        >>> order.set({"initial": "cart", "map": {"cart": ["placed", 1]}})
        Traceback (most recent call last):
        redisstate.errors.InvalidDocument: invalid document at $.map.cart[1]: expected a string, got a number
        """
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
        return self._ask(words, replies.step, Nil.NONE)

    def create(self) -> None:
        """Stores a machine without states, whatever stood there.

        >>> order.create()
        >>> order.document
        {'current': '', 'map': {}, 'initial': ''}
        """
        self._ask(arguments.create(self.key), replies.nothing)

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
        """Gives the machine an event, whose data are ``data`` and ``members`` together. A member that is called like a
        parameter (``reason``, ``guards``) goes into ``data``: ``send("VOID", {"reason": "double"})``.

        ``guards``
            those of the client's guards that hold; none of the others does. Where a step asks for one and this is None,
            GuardError says which
        ``reason``
            why, for ``history`` and ``reason``
        ``if_revision``, ``if_state``
            what the caller believes: if it is not so, or there is no machine, Conflict is raised
        ``idempotency_key``
            a word of at most 64 bytes. The same one again answers the same step, and does nothing

        redis-py sends a command again when the connection breaks before the reply. The step may have been taken then:
        the second command is refused where the machine now stands, and this method says so of a step that was taken;
        or it is taken, and the event counts twice. With an ``idempotency_key`` it answers the first one's step.

        On a map (a document with ``map``), the event is the state to go to. Raises ExpressionError where an expression
        fails; nothing has changed then.

        >>> step = order.send("PAY", amount=20)
        >>> step
        Step(states=('open',), revision=2, status='active')
        >>> if not order.send("SHIP"):
        ...     print("an order that is not paid is not sent")
        an order that is not paid is not sent
        >>> order.send("PAY", amount=10, if_revision=1)
        Traceback (most recent call last):
        redisstate.errors.Conflict: the machine is at revision 2, not 1
        >>> order.send("PAY", amount=10, if_revision=step.revision).effects
        (Effect(type='receipt', params=None, task=None),)
        """
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
        return self._ask(words, replies.step, Nil.REFUSED)

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
        """Moves the machine to a state: by the first enabled transition to it, or by ``force``, whatever they say.

        The other parameters are those of ``send``. Force does not make a state that the document does not have.

        >>> bool(order.mutate("shipping"))
        False
        >>> order.mutate("shipping", reason="paid in cash", force=True).states
        ('shipping',)
        >>> order.reason
        'paid in cash'
        """
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
        return self._ask(words, replies.step, Nil.REFUSED)

    def reset(
        self,
        *,
        input: Mapping[str, Any] | None = None,
        guards: Iterable[str] | None = None,
        reason: str | None = None,
        if_revision: int | None = None,
        if_state: str | None = None,
        idempotency_key: str | None = None,
    ) -> Step:
        """Starts the machine again, with another ``input``. It goes on counting its steps.

        >>> order.reset(input={"total": 15})
        Step(states=('open',), revision=2, status='active')
        """
        words = arguments.reset(
            self.key,
            input=input,
            guards=guards,
            reason=reason,
            if_revision=if_revision,
            if_state=if_state,
            idempotency_key=idempotency_key,
        )
        return self._ask(words, replies.step, Nil.REFUSED)

    def done(
        self, task: str, result: Any = None, *, guards: Iterable[str] | None = None, idempotency_key: str | None = None
    ) -> Step:
        """Reports a task as done: ``task`` is its handle, ``result`` any JSON, the event's ``output``.

        The step is false where that task is over, so that a report made twice or too late does nothing.

        >>> task = order.mutate("shipping", force=True).effects[0].task
        >>> order.done(task, {"parcel": "P1"}).states
        ('sent',)
        >>> bool(order.done(task, {"parcel": "P1"}))
        False
        """
        words = arguments.done(self.key, task, result, guards=guards, idempotency_key=idempotency_key)
        return self._ask(words, replies.step, Nil.REFUSED)

    def fail(
        self, task: str, error: Any = None, *, guards: Iterable[str] | None = None, idempotency_key: str | None = None
    ) -> Step:
        """Reports a task as failed: ``error`` is any JSON, the event's ``error``. Otherwise as ``done``.

        >>> task = order.mutate("shipping", force=True).effects[0].task
        >>> order.fail(task, "no such address").states
        ('paid',)
        """
        words = arguments.fail(self.key, task, error, guards=guards, idempotency_key=idempotency_key)
        return self._ask(words, replies.step, Nil.REFUSED)

    def retry(self, task: str) -> Step:
        """Hands a task out once more, under a new handle: the old one is over.

        >>> task = order.mutate("shipping", force=True).effects[0].task
        >>> order.retry(task).effects[0].task == task
        False
        """
        return self._ask(arguments.retry(self.key, task), replies.step, Nil.REFUSED)

    def fire(self, timer: str, *, guards: Iterable[str] | None = None) -> Step:
        """Lets a deadline fire now, whether it waits, is due or has failed. ``timer`` is its handle.

        >>> order.fire(order.pending()[0].handle).states
        ('cancelled',)
        """
        return self._ask(arguments.fire(self.key, timer, guards=guards), replies.step, Nil.REFUSED)

    def delete(self) -> bool:
        """Deletes the key, whatever it holds. Whether there was one.

        >>> order.delete(), order.exists()
        (True, False)
        """
        return self._ask(arguments.delete(self.key), bool)

    def pipeline(self, *, transaction: bool = True) -> Pipeline:
        """Commands of this machine and of others that are sent together, as one MULTI if ``transaction``.

        >>> with order.pipeline() as pipe:
        ...     pipe.send("PAY", amount=30)
        ...     pipe.command("SADD", "orders:paid", "order:1")
        ...     pipe.machine("order:2").set(document, input={"total": 5})
        ...     paid, added, other = pipe.execute()
        >>> paid.states, added, other.states
        (('paid',), 1, ('open',))
        """
        return Pipeline(self.client, self.key, transaction=transaction, strict=self.strict)

    # What reads

    def exists(self) -> bool:
        """Whether there is a machine at the key."""
        return self._ask(arguments.status(self.key), replies.true, Nil.FALSE)

    def can(
        self,
        event: str,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        guards: Iterable[str] | None = None,
        **members: Any,
    ) -> bool:
        """Whether a transition would take the event now. The parameters are those of ``send``.

        >>> order.can("PAY", amount=20), order.can("SHIP"), order.can("CANCEL", guards=["isOwner"])
        (True, False, True)
        """
        return self._ask(arguments.can(self.key, event, data, guards=guards, **members), bool)

    def why(
        self,
        event: str,
        data: Mapping[str, Any] | None = None,
        /,
        *,
        guards: Iterable[str] | None = None,
        **members: Any,
    ) -> list[Verdict]:
        """What becomes of each candidate for the event, in the order in which they are asked.

        >>> order.why("CANCEL", guards=[])
        [Verdict(place='$.states.open.on.CANCEL', verdict="guard 'isOwner' is false")]
        """
        words = arguments.why(self.key, event, data, guards=guards, **members)
        return self._ask(words, replies.verdicts)

    def next(self) -> list[str]:
        """The events that could be sent now; guards are not asked. ``*`` where any is taken.

        >>> order.next()
        ['PAY', 'CANCEL']
        """
        return self._ask(arguments.next(self.key), replies.listed)

    def pending(self) -> list[Pending]:
        """The deadlines and tasks that the machine waits for.

        >>> [(found.kind, found.status) for found in order.pending()]
        [('timer', 'waiting')]
        """
        return self._ask(arguments.pending(self.key), replies.pending)

    def snapshot(self) -> dict[str, Any]:
        """What XState's ``createActor(machine, {snapshot})`` takes.

        >>> order.snapshot()["value"], order.snapshot()["context"]
        ('open', {'total': 30, 'paid': 0})
        """
        return self._ask(arguments.snapshot(self.key), replies.decoded)

    def history(self, count: int | None = None, before: int | None = None) -> list[Entry]:
        """The last ``count`` steps that the machine remembers, the newest first; those before a revision, with it.

        A document asks for it: ``"store": {"history": 100}``.

        >>> order.set(document | {"store": {"history": 100}}, input={"total": 30}).states
        ('open',)
        >>> order.send("PAY", amount=30, reason="by card").states
        ('paid',)
        >>> [(entry.user, entry.event, entry.before, entry.after, entry.reason) for entry in order.history(count=1)]
        [('default', 'PAY', ('open',), ('paid',), 'by card')]
        """
        return self._ask(arguments.history(self.key, count, before), replies.history)

    def diagram(self, kind: DiagramKind = "mermaid") -> str:
        """The machine as Mermaid's or Graphviz's text (``kind="dot"``), its active states marked.

        >>> print(order.diagram().splitlines()[0])
        stateDiagram-v2
        """
        return self._ask(arguments.diagram(self.key, kind), replies.text)

    def all_states(self) -> tuple[str, ...]:
        """Every state of the document, as paths in document order.

        >>> order.all_states()
        ('open', 'paid', 'shipping', 'sent', 'cancelled')
        """
        return self._ask(arguments.all_states(self.key), replies.names)

    @property
    def states(self) -> tuple[str, ...]:
        """The active atomic states, as dotted paths in document order; of a map the one state.

        >>> order.states
        ('open',)
        """
        return self._ask(arguments.states(self.key), replies.names)

    @property
    def status(self) -> str:
        """``active``, ``done`` or ``error``.

        >>> order.status
        'active'
        """
        return self._ask(arguments.status(self.key), replies.text)

    @property
    def context(self) -> Any:
        """The machine's data, a dict; None where the document has none.

        >>> order.context
        {'total': 30, 'paid': 0}
        """
        return self._ask(arguments.context(self.key), replies.decoded, Nil.EMPTY)

    @property
    def output(self) -> Any:
        """What the machine gave when it was done; None before, or where it gives nothing."""
        return self._ask(arguments.output(self.key), replies.decoded, Nil.EMPTY)

    @property
    def revision(self) -> int | None:
        """The number of steps; None where the machine does not count them.

        >>> order.revision
        1
        """
        return self._ask(arguments.revision(self.key), replies.optional_int, Nil.EMPTY)

    @property
    def reason(self) -> str | None:
        """Why the machine stands where it stands; None where nobody has said."""
        return self._ask(arguments.reason(self.key), replies.text_or_none)

    @property
    def document(self) -> dict[str, Any]:
        """The document, and where the machine stands: ``set`` of it makes a machine that goes on alike.

        >>> Machine(client, "order:2").set(order.document).states
        ('open',)
        """
        return self._ask(arguments.document(self.key), replies.decoded)
