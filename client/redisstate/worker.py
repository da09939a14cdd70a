"""A worker that runs functions in threads.

The calling thread reads entries, and runs their functions itself where one at a time is enough; otherwise
``concurrency`` threads do. One more thread reports: what has collected while it waited for the server's last answer is
sent together.
"""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any, TypeVar

from .base_worker import FIRST_PAUSE, LONGEST_PAUSE, PATIENCE, POLL, WAKE
from .clients import refuse_awaited
from .duties import Call, Counters, Report, Words
from .exchanges import Exchange, Exchanges
from .faults import trouble_of
from .logs import log, shown_error
from .tasks import OutboxEntry

T = TypeVar("T")


class Worker(Exchanges):
    """Does the tasks and effects that machines ask for in their outbox.

        worker = Worker(Redis(), stream="orders:effects", group="billing")

        @worker.task("charge")
        def charge(amount: int) -> str:
            return bank.charge(amount)

        worker.run()

    ``client``
        of redis-py or valkey-py, also of a cluster or a sentinel; it is shared by the worker's threads
    ``stream``
        the outbox of the machines, or several
    ``group``
        the consumer group: each of its workers gets a part of the entries. It is made where it is missing, and then
        gets the entries that are in the stream already
    ``consumer``
        the worker's name in the group; without one it makes one up, and takes it away again when it ends
    ``concurrency``
        the most functions that run at the same time. With 1 they run in the thread that called run() or drain()
    ``claim_after``
        seconds without a sign of life after which the entries of another worker are taken over. A worker that lives
        gives one every third of this, however long a function takes
    ``max_deliveries``
        how often an entry is handed out, over all workers, before it is given up: a task by SM.FAIL
    ``late_event``
        an event that a machine gets, with ``task`` (its id) and ``output``, where a result came too late
    ``batch``
        the most entries that are read ahead. It reads what it does in a tenth of a second
    ``block``
        seconds that a read waits at most, and so how long an idle worker takes to stop

    Raises ValueError for a setting that cannot be, TypeError for a client whose replies are awaited.
    """

    def _set_up(self) -> None:
        self._lock = threading.RLock()
        self._reported = threading.Condition(self._lock)  # there are reports to send
        self._freed = threading.Condition(self._lock)  # there is room for more
        self._queue: queue.SimpleQueue[OutboxEntry | None] = queue.SimpleQueue()
        self._read_at = 0.0  # when entries were handed out last
        self._busy = 0  # entries that wait in the queue or run
        self._reports: list[Report] = []
        self._sending = False
        self._closing = False
        self._broken: BaseException | None = None

    def _check_client(self) -> None:
        refuse_awaited(self.client, "AsyncWorker")

    def _check(self, function: Any) -> None:
        if self._is_coroutine(function):
            raise TypeError(f"{getattr(function, '__name__', function)} is a coroutine: that is for AsyncWorker")

    # What users call

    def run(self, signals: bool = True) -> None:
        """Works until stop(), SIGTERM or SIGINT. What runs then is finished and reported.

        A second signal does not wait. Signals are heard where it is called in the main thread, instead of by the
        handlers that were there; with ``signals=False`` they stay, for an application that calls stop() itself. A
        server that goes away later is waited for. Raises the client library's errors where it is not there at the
        start, or refuses the worker (permissions).
        """
        with self._heard_signals() if signals else contextlib.nullcontext():
            self._work(draining=False)

    def drain(self) -> Counters:
        """Does what is in the streams and what comes of it, and returns what it has done. For tests and cron.

        What waits for a deadline, or was left by a worker less than ``claim_after`` seconds ago, is not waited for.
        Raises the client library's errors.
        """
        before = dataclasses.replace(self.counters)
        self._work(draining=True)
        return self.counters - before

    @contextlib.contextmanager
    def _heard_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[signal.Signals, Any] = {}

        def heard(number: int, frame: FrameType | None) -> None:
            self.stop()
            for one, handler in before.items():
                signal.signal(one, handler)

        for one in (signal.SIGTERM, signal.SIGINT):
            before[one] = signal.signal(one, heard)
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    # Reading

    def _work(self, draining: bool) -> None:
        self._start(draining)
        self._closing = False
        self._broken = None
        threads = [threading.Thread(target=self._report_all, name="redisstate-reports", daemon=True)]
        try:
            self._held(self._make_groups(at_start=True))
            self._held(self._forget())
            if self.concurrency > 1:
                threads += [
                    threading.Thread(target=self._perform_all, name=f"redisstate-{number}", daemon=True)
                    for number in range(self.concurrency)
                ]
            for thread in threads:
                thread.start()
            log.info("%s of %s reads %s", self.consumer, self.group, ", ".join(self.streams))
            try:
                self._read_all(draining)
            finally:
                self._end(threads)
            if self._broken is not None:
                raise self._broken
        finally:
            self._running = False
            self._stopping = False

    def _read_all(self, draining: bool) -> None:
        pause = FIRST_PAUSE
        groups = self._groups_of_streams()
        while not self._stopping:
            room = self._room()
            if self._waits_long():
                self._give_back_waiting()
            if room < 1:
                continue
            was_idle = self._is_idle()
            try:
                entries = self._held(self._read(groups, room, not draining))
            except Exception as error:
                kind = trouble_of(error)
                if kind == "final" or (draining and kind == "wait"):
                    raise
                log.warning("reading is tried again in %.1f s: %s", pause, shown_error(error))
                self._sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                if kind == "group":
                    self._held(self._make_groups_again())
                continue
            pause = FIRST_PAUSE
            if entries:
                self._hand_out(entries)
            elif draining:
                if was_idle and self._has_claimed_all():
                    return
                self._wait()
            elif len(groups) > 1:
                self._sleep(POLL)

    def _hand_out(self, entries: Sequence[OutboxEntry]) -> None:
        self._read_at = time.monotonic()
        with self._lock:
            self._busy += len(entries)
        for entry in entries:
            self._queue.put(entry)
        if self.concurrency == 1:
            self._perform_waiting()

    def _has_room(self) -> bool:
        limit = self._limit()
        return limit - self._busy >= self._least_room(limit) and len(self._reports) < 2 * self.batch

    def _room(self) -> int:
        """How many entries may be read now; waits a moment where it is none."""
        with self._lock:
            if not self._has_room():
                self._freed.wait(WAKE)
                return 0
            return self._limit() - self._busy

    def _is_idle(self) -> bool:
        with self._lock:
            return not self._busy and not self._reports and not self._sending

    def _wait(self) -> None:
        """Waits for a change, or a moment."""
        with self._lock:
            self._raise_trouble()
            if not self._is_idle():
                self._freed.wait(WAKE)

    # Running functions

    def _perform_waiting(self) -> None:
        """Runs functions in the thread that reads. The one that reports gives back what waits for too long."""
        with contextlib.suppress(queue.Empty):
            while not self._stopping and (entry := self._queue.get_nowait()) is not None:
                try:
                    self._perform(entry)
                finally:
                    with self._lock:
                        self._busy -= 1

    def _perform_all(self) -> None:
        """A thread that runs functions."""
        while (entry := self._queue.get()) is not None:
            try:
                self._perform(entry)
            except BaseException as error:  # such as SystemExit
                self._broken = error
                self._stopping = True
            finally:
                with self._lock:
                    self._busy -= 1
                    if not self._busy or self._has_room():
                        self._freed.notify()

    def _perform(self, entry: OutboxEntry) -> None:
        what = self._begin(entry)
        if isinstance(what, Call):
            began = time.perf_counter()
            try:
                value = what.function(*what.args, **what.kwargs)
            except Exception as error:
                what = self._raised(entry, error)
            else:
                what = self._returned(entry, value)
            self._took(time.perf_counter() - began)
        if what is None:
            self._leave(entry)
            return
        with self._lock:
            self._reports.append(what)
            self._reported.notify()

    # Reporting

    def _report_all(self) -> None:
        """The thread that reports, and gives signs of life."""
        pause, keep_at = FIRST_PAUSE, time.monotonic() + self._keep_often()
        while True:
            with self._lock:
                while not self._reports and not self._closing and (left := keep_at - time.monotonic()) > 0:
                    self._reported.wait(min(left, PATIENCE))
                    if self.concurrency == 1 and self._waits_long():
                        break
                reports, self._reports = self._reports, []
                if self._closing and not reports:
                    return
                self._sending = True
            again = self._held(self._report(reports)) if reports else []
            if self.concurrency == 1 and self._waits_long():  # else the thread that reads looks
                self._give_back_waiting()
            if time.monotonic() >= keep_at:
                self._held(self._keep())
                again += self._again_now()
                keep_at = time.monotonic() + self._keep_often()
            with self._lock:
                self._reports = again + self._reports
                self._sending = False
                self._freed.notify()
            if self._trouble is None:
                pause = FIRST_PAUSE
            elif self._closing and self._in_trouble_for_long():
                log.error("%d entries could not be reported, and are left to other workers", len(again))
                return
            else:
                time.sleep(min(pause, FIRST_PAUSE) if self._closing else pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    # Ending

    def _end(self, threads: Sequence[threading.Thread]) -> None:
        """Gives back what was not begun, lets end what runs, reports it, and takes the consumer away."""
        self._give_back_waiting()
        for _ in threads[1:]:
            self._queue.put(None)
        for thread in threads[1:]:
            thread.join()
        with self._lock:
            self._closing = True
            self._reported.notify()
        threads[0].join()
        self._reports.clear()
        self._in_hand.clear()
        self._held(self._go())
        log.info("%s of %s has ended: %s", self.consumer, self.group, self.counters)

    def _waits_long(self) -> bool:
        return not self._queue.empty() and time.monotonic() > self._read_at + PATIENCE

    def _give_back_waiting(self) -> None:
        """Gives back what waits for a thread."""
        waiting = []
        with contextlib.suppress(queue.Empty):
            while (entry := self._queue.get_nowait()) is not None:
                waiting.append(entry)
        self._held(self._give_back(waiting))
        with self._lock:
            self._busy -= len(waiting)

    # Asking the server

    def _held(self, exchange: Exchange[T]) -> T:
        """What an exchange with the server comes to."""
        answer: Any = None
        failed: Exception | None = None
        while True:
            try:
                asked = exchange.send(answer) if failed is None else exchange.throw(failed)
            except StopIteration as end:
                result: T = end.value
                return result
            answer = failed = None
            try:
                answer = self._pipelined(asked) if isinstance(asked, list) else self._ask(asked)
            except Exception as error:
                failed = error

    def _ask(self, words: Words) -> Any:
        return self.client.execute_command(*words, **self._options(words))

    def _pipelined(self, commands: Sequence[Words]) -> list[Any]:
        """The answers, errors among them."""
        if not commands:
            return []
        pipeline = self.client.pipeline(transaction=False)
        for words in commands:
            pipeline.execute_command(*words, **self._options(words))
        answers: list[Any] = pipeline.execute(raise_on_error=False)
        return answers

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, WAKE))
