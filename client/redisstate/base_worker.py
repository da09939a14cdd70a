"""What Worker and AsyncWorker have in common: settings, functions, and what becomes of an entry.
Nothing here talks to a server.

An entry is in a worker's hands from its reading until XACK. Its function's result becomes a report (SM.DONE or
SM.FAIL); once the server has taken that, the entry is acknowledged. What is not, because a worker died or the server
refused the report, stays pending in the group, and a worker claims it when it was idle for ``claim_after``. A worker
therefore claims what it has in hand anew from time to time, which makes it young again.
"""

from __future__ import annotations

import inspect
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from . import tasks
from .arguments import Key
from .commands import Commands
from .duties import Call, Counters, Handler, Report, Words
from .faults import is_late, is_vain, shortest_timeout, trouble_of
from .logs import escaped, log, shown_error, shown_key, where
from .signatures import Signature, near
from .tasks import TASK, OutboxEntry, Unread

F = TypeVar("F", bound=Callable[..., Any])

AHEAD = 0.1
"""Seconds: a worker reads ahead what it does in this time."""
PATIENCE = 1.0
"""Seconds after which what was read ahead is given back: functions take longer than they did; others may be free."""
CLAIM_OFTEN = 5.0
"""Seconds: a worker looks at least so often for what others have left."""
KEEP_LEAST = 0.05
"""Seconds: the shortest time between two signs of life."""
LAST_TRIES = 10.0
"""Seconds: how long a worker that ends tries to send its last reports."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between tries while the server cannot be reached; doubled each time."""
POLL = 0.05
"""Seconds between two looks at streams that no single command can read."""
WAKE = 0.2
"""Seconds after which what waits looks whether it is to stop: a signal's handler can wake no thread."""


class BaseWorker(Commands):
    """See Worker."""

    def __init__(
        self,
        client: Any,
        *,
        stream: str | Iterable[str],
        group: str,
        consumer: str | None = None,
        concurrency: int = 1,
        claim_after: float = 60.0,
        max_deliveries: int = 5,
        late_event: str | None = None,
        batch: int = 100,
        block: float = 1.0,
    ) -> None:
        self.client = client
        self._check_client()
        self.streams = (stream,) if isinstance(stream, str) else tuple(dict.fromkeys(stream))
        self.group = group
        self.consumer = consumer or own_name()
        self.concurrency = concurrency
        self.claim_after = claim_after
        self.max_deliveries = max_deliveries
        self.late_event = late_event
        self.batch = max(batch, concurrency)
        self.block = block
        self.counters = Counters()
        self._counting = threading.Lock()
        if not self.streams:
            raise ValueError("a worker needs at least one stream")
        for name, value, least in [
            ("concurrency", concurrency, 1),
            ("claim_after", claim_after, 0),
            ("max_deliveries", max_deliveries, 1),
            ("batch", batch, 1),
            ("block", block, 0.001),
        ]:
            if value < least:
                raise ValueError(f"{name} is {value}, and at least {least}")
        timeout = shortest_timeout(client)
        if timeout is not None and self.block >= timeout:
            self.block = timeout / 2
        self._own_name = consumer is None
        self._tasks: dict[str, Handler] = {}
        self._effects: dict[str, Handler] = {}
        self._told: set[str] = set()
        self._told_effects: set[str] = set()
        self._in_hand: dict[tuple[str, str], OutboxEntry] = {}
        self._usual = AHEAD  # seconds that a function takes, a moving mean
        self._claim_at = 0.0
        self._cursors: dict[str, str] = {}
        self._later: list[Report] = []  # what was refused, and is sent again with the next sign of life
        self._stopping = False
        self._draining = False
        self._running = False
        self._trouble: Exception | None = None  # why reports cannot be sent
        self._trouble_until = 0.0  # when that has lasted too long
        self._set_up()

    def _set_up(self) -> None:
        """What a kind of worker has beside this."""

    # What users say

    def task(self, src: str) -> Callable[[F], F]:
        """Decorates the function that does the tasks of an ``invoke`` with this ``src``.

        What it returns is reported by SM.DONE, what it raises by SM.FAIL. Its parameters are the members of the task's
        input, by name; their types are checked. Raises TypeError for a function that no input suits.
        """
        return self._adding(self._tasks, src, "task")

    def effect(self, type: str) -> Callable[[F], F]:
        """Decorates the function that does the effects of actions of this name.

        Its parameters are the members of the action's params, or ``effect`` (an OutboxEntry). Where it raises, the
        entry is delivered again after ``claim_after`` seconds, ``max_deliveries`` times in all.
        """
        return self._adding(self._effects, type, "effect")

    def stop(self) -> None:
        """Ends run() or drain(), from anywhere: what runs is finished, what does not run yet is given back."""
        self._stopping = True

    def _start(self, draining: bool) -> None:
        """Begins anew."""
        if self._running:
            raise RuntimeError("this worker is at work already")
        self._check_client()  # it may be another one by now
        self._running = True
        self._draining = draining
        self._later = []
        if self._own_name:
            self.consumer = own_name()  # anew: the process may have been forked
        self._trouble = None
        self._claim_anew()

    def _adding(self, handlers: dict[str, Handler], name: str, what: str) -> Callable[[F], F]:
        if not isinstance(name, str):
            raise TypeError(f"@worker.{what} wants a name: @worker.{what}({getattr(name, '__name__', 'name')!r})")
        if name == TASK:
            raise ValueError(f"{TASK} is a task: use @worker.task(src)")

        def add(function: F) -> F:
            if name in handlers:
                raise ValueError(f"there is a function for the {what} {name!r} already")
            self._check(function)
            handlers[name] = Handler(function, Signature(function))
            return function

        return add

    def _check_client(self) -> None:
        """Raises TypeError for a client of the other kind."""

    def _check(self, function: Callable[..., Any]) -> None:
        """Raises TypeError for a function that this worker cannot call."""

    @staticmethod
    def _is_coroutine(function: Callable[..., Any]) -> bool:
        call = getattr(function, "__call__", None)  # noqa: B004 - that of an object
        return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)

    # How much, and when

    def _limit(self) -> int:
        """How many entries may wait or run here: what is done within AHEAD seconds, and one for each that can run."""
        return min(self.batch, max(self.concurrency, int(self.concurrency * AHEAD / self._usual)))

    def _least_room(self, limit: int) -> int:
        """Room below which reading is not worth it yet: where functions are quick, entries are read by the dozen."""
        return max(1, (limit - self.concurrency) // 2)

    def _took(self, seconds: float) -> None:
        self._usual += (max(seconds, 1e-6) - self._usual) * 0.1

    def _claim_anew(self) -> None:
        """Claims with the next read, from the beginning of the stream on."""
        self._claim_at = 0.0
        self._cursors.clear()

    def _claim_is_due(self) -> bool:
        now = time.monotonic()
        if now < self._claim_at:
            return False
        if self._in_hand and self.claim_after < 3 * KEEP_LEAST:  # it would claim that, too
            return False
        self._claim_at = now + min(self.claim_after / 4, CLAIM_OFTEN)
        return True

    def _in_trouble(self, error: Exception | None) -> None:
        """Keeps why reports could not be sent; None: they could."""
        if error is not None and self._trouble is None:
            log.warning("reports are tried again until the server takes them: %s", shown_error(error))
            self._trouble_until = time.monotonic() + LAST_TRIES
        self._trouble = error

    def _raise_trouble(self) -> None:
        if self._trouble is not None and self._in_trouble_for_long():
            raise self._trouble

    def _in_trouble_for_long(self) -> bool:
        return self._trouble is not None and time.monotonic() > self._trouble_until

    def _keep_often(self) -> float:
        """Seconds between two times of claiming what is in hand anew."""
        return max(self.claim_after / 3, KEEP_LEAST)

    # What becomes of an entry

    def _take(self, unread: Unread, deliveries: int) -> OutboxEntry | None:
        """Takes an entry in hand. None where it is that already, or is none of a machine's."""
        stream, place, _ = unread
        if (stream, place) in self._in_hand:
            return None
        try:
            entry = tasks.entry(unread, deliveries)
        except Exception as error:
            log.error("%s %s is no entry of a machine, and is passed over: %s", stream, place, shown_error(error, True))
            entry = OutboxEntry(stream, place, deliveries, "", "", None, "", None, None, None, None, 0)
        self._in_hand[stream, place] = entry
        return entry

    def _taken(self, found: Iterable[Unread]) -> list[OutboxEntry]:
        """What was read and nobody had before."""
        return [entry for unread in found if (entry := self._take(unread, 1)) is not None]

    def _found(self, stream: str, reply: Any) -> list[Unread]:
        """What XAUTOCLAIM has answered, without what is in hand at this moment: XPENDING comes after that."""
        self._cursors[stream], found = tasks.claimed(stream, reply)
        if found or self._cursors[stream] != "0-0":
            self._claim_at = 0.0  # there may be more
        return [unread for unread in found if (stream, unread[1]) not in self._in_hand]

    def _claimed(self, found: Sequence[Unread], answers: Sequence[Any]) -> list[OutboxEntry]:
        """What was claimed, with the answers to its XPENDING."""
        entries = []
        for unread, answer in zip(found, answers, strict=True):
            deliveries = 1 if isinstance(answer, Exception) else tasks.deliveries(answer)
            entry = self._take(unread, deliveries) if deliveries else None
            if entry is not None:
                entries.append(entry)
        self._count("claimed", len(entries))
        return entries

    def _sorted(self, entries: Iterable[OutboxEntry]) -> tuple[list[OutboxEntry], list[OutboxEntry]]:
        """Those of claimed entries that a function is for, and the others: they may be claimed again and again."""
        known: list[OutboxEntry] = []
        others: list[OutboxEntry] = []
        for entry in entries:
            (known if self._is_known(entry) else others).append(entry)
        return known, others

    def _put_back_words(
        self, others: Iterable[OutboxEntry], active: Mapping[Key, Container[str] | None]
    ) -> list[Words]:
        """Acknowledges those tasks that are over, and puts back those that are active.

        ``active``: the handles of each machine's active tasks; None where they are not known.

        Another group may have done them: what is over is never wanted again, since no handle comes twice. So a group
        without functions for some tasks keeps no more entries of them than there are active tasks.
        """
        over: list[Report] = []
        words: list[Words] = []
        for entry in others:
            handles = active[entry.key]
            if handles is not None and entry.task not in handles:
                over.append(Report(entry, None, None))
            else:
                words.append(self._unknown(entry))
        return words + self._ack_words(over)

    def _has_claimed_all(self) -> bool:
        """Whether the last look for what others have left came to the end."""
        return all(cursor == "0-0" for cursor in self._cursors.values())

    def _leave(self, entry: OutboxEntry) -> None:
        """Lets an entry stay pending: it is claimed when it is old enough."""
        self._in_hand.pop((entry.stream, entry.place), None)

    def _begin(self, entry: OutboxEntry) -> Call | Report | None:
        """What is to be done with an entry: a call, or a report at once, or nothing (None) where others may know."""
        too_often = entry.deliveries > self.max_deliveries
        if entry.task is None or entry.type != TASK:
            handler, value = self._effects.get(entry.type), entry.params
            if handler is None:
                return self._passed_over(entry)
            if too_often:
                self._give_up(entry, f"effect {entry.type!r}")
                return Report(entry, None, None)
        else:
            src = entry.params["src"]
            handler = self._tasks.get(src)
            if handler is None:
                return Report(entry, self._unknown(entry), None)
            if too_often:
                self._give_up(entry, f"task {src!r}")
                said = f"{entry.deliveries - 1} deliveries, and no report was taken"
                return self._failed(entry, tasks.TaskFailed({"type": "TooManyDeliveries", "message": said}))
            value = entry.params.get("input")
        try:
            return Call(entry, handler.function, *handler.signature.arguments(value, entry))
        except Exception as error:  # a class of the user's may check its members
            return self._raised(entry, error)

    def _is_known(self, entry: OutboxEntry) -> bool:
        return entry.task is None or entry.type != TASK or entry.params["src"] in self._tasks

    def _unknown(self, entry: OutboxEntry) -> Words:
        """A task that no function here is for: a newer worker of the group may have one. It was not tried here."""
        self._count("unknown")
        src = entry.params["src"]
        if src not in self._told:
            self._told.add(src)
            known = ", ".join(map(repr, self._tasks)) or "none"
            log.log(
                logging.WARNING if self._tasks else logging.INFO,  # a group that is for effects alone
                "no function for the task %r of %s%s; there are: %s. It is left to other workers",
                *(src, shown_key(entry), near(src, self._tasks), known),
            )
        return self._untried_words(entry)

    def _passed_over(self, entry: OutboxEntry) -> Report:
        """An effect that no function here is for: another group may do it, or nobody."""
        if entry.id and not entry.type.startswith("xstate."):  # such as that a task is over; or it is no machine's
            self._count("passed_over")
            if entry.type not in self._told_effects:
                self._told_effects.add(entry.type)
                hint = near(entry.type, self._effects)
                log.log(
                    logging.WARNING if hint else logging.INFO,
                    "no function for the effect %r of %s%s; it is passed over",
                    *(entry.type, shown_key(entry), hint),
                )
        return Report(entry, None, None)

    def _give_up(self, entry: OutboxEntry, what: str) -> None:
        self._count("given_up")
        log.error(
            "%s of %s (%s %s) was delivered %d times, and is given up",
            *(what, shown_key(entry), entry.stream, entry.place, entry.deliveries - 1),
        )

    def _returned(self, entry: OutboxEntry, value: Any) -> Report | None:
        """A function has returned."""
        if entry.type != TASK:
            return Report(entry, None, "effects")
        try:
            words = self._report_words("SM.DONE", entry, tasks.result(value))
        except Exception as error:  # what is nested too deep, say, or a property that raises
            return self._raised(entry, TypeError(f"its result cannot be said in JSON: {tasks.message(error)}"))
        return Report(entry, words, "done")

    def _raised(self, entry: OutboxEntry, error: BaseException) -> Report | None:
        """A function has raised."""
        if entry.type != TASK:
            self._count("effects_failed")
            log.error(
                "effect %r of %s failed, and is delivered again: %s",
                *(entry.type, shown_key(entry), shown_error(error)),
                exc_info=where(error),
            )
            return None
        log.warning(
            "task %r of %s failed: %s",
            *(entry.params["src"], shown_key(entry), shown_error(error)),
            exc_info=where(error),
        )
        return self._failed(entry, error)

    def _failed(self, entry: OutboxEntry, error: BaseException) -> Report:
        try:
            said = tasks.error(error)
        except Exception as unsaid:
            told = f"the error of {type(error).__name__} cannot be said in JSON: {tasks.message(unsaid)}"
            said = tasks.error(TypeError(told))
        return Report(entry, self._report_words("SM.FAIL", entry, said), "failed")

    # What becomes of a report

    def _settle(
        self, reports: Sequence[Report], answers: Sequence[Any]
    ) -> tuple[list[Report], list[Report], Exception | None]:
        """What the server has answered to reports: those to acknowledge, those to send again, and why those.

        What it has refused for good is left.
        """
        over: list[Report] = []
        again: list[Report] = []
        error: Exception | None = None
        for report, answer in zip(reports, answers, strict=True):
            words = report.words
            assert words is not None
            if words[0] == "XCLAIM":  # should it fail, the entry has one try less
                self._leave(report.entry)
            elif is_late(answer):
                if words[0] == "SM.SEND":
                    over.append(report)
                    continue
                self._count("late")
                if words[0] == "SM.DONE" and self.late_event is not None:
                    late = self._late_words(report.entry, self.late_event, words[3])
                    again.append(Report(report.entry, late, None))
                else:
                    report.counter = None
                    over.append(report)
            elif not isinstance(answer, Exception):
                over.append(report)
            elif trouble_of(answer) == "wait":
                error = answer
                again.append(report)
            elif report.entry.deliveries > self.max_deliveries:
                log.error("%s %s of %s: %s", words[0], escaped(words[2]), shown_key(report.entry), shown_error(answer))
                report.counter = None
                over.append(report)
            elif is_vain(answer):
                self._refuse(report, answer, again, over)
            else:
                self._count("refused")
                log.error(
                    "%s %s of %s was refused, and is tried again: %s",
                    *(words[0], escaped(words[2]), shown_key(report.entry), shown_error(answer)),
                )
                self._leave(report.entry)
        return over, again, error

    def _refuse(self, report: Report, answer: Exception, again: list[Report], over: list[Report]) -> None:
        """Sends a report once more with the next sign of life, or gives it up. Its function has run, and will not."""
        self._count("refused")
        report.refused += 1
        assert report.words is not None
        what = report.words[0], escaped(report.words[2]), shown_key(report.entry), shown_error(answer)
        if report.refused < self.max_deliveries:
            if report.refused == 1:
                log.error("%s %s of %s was refused, and is sent again: %s", *what)
            (again if self._draining else self._later).append(report)
            return
        log.error("%s %s of %s was refused too often, and is given up. The task stays active: %s", *what)
        self._count("given_up")
        report.counter = None
        over.append(report)

    def _again_now(self) -> list[Report]:
        """What was refused, and is to be sent again."""
        reports, self._later = self._later, []
        return reports

    def _acknowledged(self, reports: Iterable[Report]) -> None:
        for report in reports:
            self._leave(report.entry)
            if report.counter is not None:
                self._count(report.counter)

    def _count(self, name: str, more: int = 1) -> None:
        with self._counting:
            setattr(self.counters, name, getattr(self.counters, name) + more)


def own_name() -> str:
    """A consumer's name that no other has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
