"""Many machines: one event for thousands of them, and a scan of those that stand somewhere.

What is sent goes in pipelines of ``batch`` commands, without MULTI: each machine takes the event or does not, whatever
the others do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any, NamedTuple

from . import errors
from .arguments import Key
from .clients import Client, refuse_awaited
from .pipeline import Pipeline
from .replies import Step

TYPE = "StateType"
"""The module's name for its type, as SCAN's TYPE and the command TYPE say it."""


class Found(NamedTuple):
    """A machine that a scan has found: its key as the client answers it, and its active states."""

    key: Key
    states: tuple[str, ...]

    def within(self, state: str) -> bool:
        """Whether a state, or one inside of it, is active."""
        return any(path == state or path.startswith(f"{state}.") for path in self.states)


class Progress(NamedTuple):
    """How far a long run is: ``done`` machines, after so many ``seconds``.

    ``total`` is how many there are: known, or reckoned from the part of the server's keys that a scan has seen; None
    while nothing says so.
    """

    done: int
    total: int | None
    seconds: float

    @property
    def fraction(self) -> float | None:
        """0.0 to 1.0; None where ``total`` is not known."""
        if self.total is None:
            return None
        return min(self.done / self.total, 1.0) if self.total else 1.0

    @property
    def rate(self) -> float:
        """Machines a second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def remaining(self) -> float | None:
        """About how many seconds are left; None where nothing says so."""
        if self.total is None or not self.done:
            return None
        return self.seconds * max(self.total - self.done, 0) / self.done

    def __str__(self) -> str:
        if self.total is None or self.remaining is None:
            return f"{self.done:,} machines, {self.rate:,.0f}/s"
        return f"{self.done:,} of {self.total:,} machines, {self.rate:,.0f}/s, {self.remaining:,.0f} s left"


Report = Callable[[Progress], object]


class Sent:
    """What became of an event: ``results`` has (key, step or error) for each machine, in their order."""

    def __init__(self) -> None:
        self.results: list[tuple[Key, Step | Exception]] = []

    def __repr__(self) -> str:
        counts = {"refused": len(self.refused), "missing": len(self.missing), "failed": len(self.failed)}
        more = "".join(f", {count} {name}" for name, count in counts.items() if count)
        return f"<Sent: {len(self.taken)} taken{more}>"

    @property
    def taken(self) -> dict[Key, Step]:
        """The steps of the machines that took the event."""
        return {key: step for key, step in self.results if isinstance(step, Step) and step}

    @property
    def refused(self) -> dict[Key, Step]:
        """Where the machines stand that did not take it."""
        return {key: step for key, step in self.results if isinstance(step, Step) and not step}

    @property
    def missing(self) -> list[Key]:
        """The keys without a machine."""
        return [key for key, error in self.results if isinstance(error, errors.NoSuchMachine)]

    @property
    def failed(self) -> dict[Key, Exception]:
        """The errors of all others."""
        return {
            key: error
            for key, error in self.results
            if isinstance(error, Exception) and not isinstance(error, errors.NoSuchMachine)
        }


class Scan(Iterator[Found]):
    """Machines as the server comes upon them. One that is there all the time comes at least once, perhaps twice.

    ``fraction`` is the part of the server's keys that has been seen.
    """

    def __init__(self, pages: Iterator[tuple[float, list[Found]]]) -> None:
        self._pages = pages
        self._found: Iterator[Found] = iter(())
        self.fraction = 0.0

    def __next__(self) -> Found:
        for found in self._found:
            return found
        self.fraction, page = next(self._pages)
        while not page:
            self.fraction, page = next(self._pages)
        self._found = iter(page)
        return next(self._found)


class Machines:
    """The machines of a server or a cluster, by ``client``; ``batch`` of them at a time are asked in one round trip.

    >>> from redisstate import Machine, Machines
    >>> machines = Machines(client)
    >>> for number in range(4):
    ...     _ = Machine(client, f"cart:{number}").set({"initial": "cart", "map": {"cart": ["placed", "dropped"]}})
    >>> sent = machines.send(["cart:1", "cart:2", "cart:9"], "placed")
    >>> sent, sent.missing
    (<Sent: 2 taken, 1 missing>, ['cart:9'])
    """

    def __init__(self, client: Client, *, batch: int = 500) -> None:
        if batch < 1:
            raise ValueError("batch is a number of machines")
        refuse_awaited(client, "AsyncMachines")
        self.client = client
        self.batch = batch

    def send(
        self,
        keys: Iterable[Key | Found],
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
        """Gives each machine the same event. The parameters are those of Machine.send.

        An error of one machine stands in its result. One of the client (no connection) is raised: with an
        ``idempotency_key`` the run can be begun anew, and no machine takes the event twice. ``progress`` is called
        after each batch; what is left is reckoned from the length of ``keys``, or from the scan that they come from.
        All results are kept: for millions of machines, take ``send_iter``.

        >>> sent = machines.send(machines.scan("cart"), "dropped", reason="end of year", progress=print)
        ... # doctest: +ELLIPSIS
        2 of 2 machines, ...
        >>> sorted(sent.taken), sent.refused
        ([b'cart:0', b'cart:3'], {})
        """
        sent = Sent()
        sent.results += self.send_iter(
            keys,
            event,
            data,
            guards=guards,
            reason=reason,
            if_state=if_state,
            idempotency_key=idempotency_key,
            progress=progress,
            **members,
        )
        return sent

    def send_iter(
        self,
        keys: Iterable[Key | Found],
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
    ) -> Iterator[tuple[Key, Step | Exception]]:
        """As ``send``, for any number of machines: keys and results as they come, of which only a batch is kept.

        What is not iterated over is not sent.

        >>> for key, result in machines.send_iter(["cart:1", "cart:9"], "cart"):
        ...     print(key, repr(result))
        cart:1 Step(states=('placed',), taken=False)
        cart:9 NoSuchMachine("there is no machine at 'cart:9'")
        """
        options: dict[str, Any] = {
            "guards": tuple(guards) if guards is not None and not isinstance(guards, str) else guards,
            "reason": reason,
            "if_state": if_state,
            "idempotency_key": idempotency_key,
        }
        began = time.monotonic()
        done = 0
        for some in batches(keys, self.batch):
            pipe = Pipeline(self.client, some[0], transaction=False)
            for key in some:
                pipe.machine(key).send(event, data, **options, **members)
            results = pipe.execute(raise_on_error=False)
            done += len(some)
            if progress is not None:
                progress(progress_of(done, keys, began))
            yield from zip(some, results, strict=True)

    def scan(
        self, state: str | None = None, *, match: str | bytes | None = None, progress: Report | None = None
    ) -> Scan:
        """The machines in ``state`` (a path; those inside of it count), or all, whose keys match a glob pattern.

        Keys that the user may not read are left out.

        >>> list(machines.scan("placed", match="cart:[13]"))
        [Found(key=b'cart:1', states=('placed',))]
        """
        return Scan(self._pages(state, match, progress))

    def count(self, *, match: str | bytes | None = None, progress: Report | None = None) -> dict[tuple[str, ...], int]:
        """How many machines stand where: {active states: number}.

        >>> machines.count() == {("placed",): 2, ("cart",): 2}
        True
        """
        counts: dict[tuple[str, ...], int] = {}
        for found in self.scan(match=match, progress=progress):
            counts[found.states] = counts.get(found.states, 0) + 1
        return counts

    def _pages(
        self, state: str | None, match: str | bytes | None, progress: Report | None
    ) -> Iterator[tuple[float, list[Found]]]:
        """(part of the keys that has been seen, the machines of one page)."""
        began = time.monotonic()
        done = 0
        for fraction, keys in self._keys(match):
            page = self._where(keys)
            done += len(page)
            if progress is not None:
                progress(Progress(done, reckoned(done, fraction), time.monotonic() - began))
            yield fraction, [found for found in page if state is None or found.within(state)]

    def _where(self, keys: list[Key]) -> list[Found]:
        """The machines at the keys, without those that are gone meanwhile."""
        if not keys:
            return []
        pipe = Pipeline(self.client, keys[0], transaction=False)
        for key in keys:
            pipe.machine(key).states()
        return page_of(keys, pipe.execute(raise_on_error=False))

    def _keys(self, match: str | bytes | None) -> Iterator[tuple[float, list[Key]]]:
        """(part of the keys that has been seen, the machines' keys of one page), of a cluster node by node."""
        client: Any = self.client
        primaries = getattr(client, "get_primaries", None)
        nodes = [None] if primaries is None else primaries()
        for number, node in enumerate(nodes):
            options: dict[str, Any] = {} if node is None else {"target_nodes": node}
            cursor = 0
            while True:
                with errors.translated():
                    answered, keys = client.scan(cursor, match=match, count=self.batch, _type=TYPE, **options)
                cursor = next_cursor(answered)
                seen = 1.0 if cursor == 0 else passed(cursor) if node is None else 0.0
                yield (number + seen) / len(nodes), keys
                if cursor == 0:
                    break


def page_of(keys: list[Key], results: list[Any]) -> list[Found]:
    """The machines at the keys, by where they stand. Those that are gone meanwhile are left out, and those whose keys
    the user may not read, which SCAN names all the same."""
    page = []
    for key, states in zip(keys, results, strict=True):
        if isinstance(states, tuple):
            page.append(Found(key, states))
        elif not isinstance(states, errors.NoSuchMachine | errors.NotAMachine) and not errors.is_forbidden_key(states):
            raise states
    return page


def next_cursor(answered: Any) -> int:
    """The cursor as a client answers it; a cluster's answers {node: cursor}."""
    return int(next(iter(answered.values())) if isinstance(answered, dict) else answered)


def passed(cursor: int) -> float:
    """The part of a hash table that a scan has passed. A server counts its cursors up from the highest bit down: one
    with its bits reversed is the place in a table of any size."""
    return int(f"{cursor:064b}"[::-1], 2) / (1 << 64)


def progress_of(done: int, keys: object, began: float) -> Progress:
    """How far a run over ``keys`` is that began then, by time.monotonic()."""
    total = len(keys) if isinstance(keys, Sized) else reckoned(done, getattr(keys, "fraction", 0.0))
    return Progress(done, total, time.monotonic() - began)


def reckoned(done: int, fraction: float) -> int | None:
    return round(done / fraction) if fraction else None


def batches(keys: Iterable[Key | Found], size: int) -> Iterator[list[Key]]:
    some: list[Key] = []
    for key in keys:
        some.append(key.key if isinstance(key, Found) else key)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some
