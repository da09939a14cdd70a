"""A worker that runs coroutines, ``concurrency`` of them at a time, beside one that reads and one that reports."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from .base_worker import FIRST_PAUSE, LONGEST_PAUSE, PATIENCE, POLL, WAKE
from .clients import refuse_waiting
from .duties import Call, Counters, Report, Words
from .exchanges import Exchange, Exchanges
from .faults import trouble_of
from .logs import log, shown_error
from .tasks import OutboxEntry

T = TypeVar("T")


def _is_cancelled(error: BaseException) -> bool:
    """Whether the asyncio task that runs now was cancelled, and not something that its function waited for."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


class AsyncWorker(Exchanges):
    """Worker for asyncio: functions are coroutines, and so are ``run`` and ``drain``. See Worker for the settings.

        worker = AsyncWorker(redis.asyncio.Redis(), stream="orders:effects", group="billing", concurrency=50)

        @worker.task("charge")
        async def charge(amount: int) -> str:
            return await bank.charge(amount)

        asyncio.run(worker.run())

    Where the asyncio task that works is cancelled, the functions that run are cancelled too; their entries are left.
    """

    def _set_up(self) -> None:
        self._changed = asyncio.Event()
        self._to_report = asyncio.Event()
        self._waiting: asyncio.Queue[OutboxEntry] = asyncio.Queue()
        self._read_at = 0.0  # when entries were handed out last
        self._busy = 0  # entries that wait or run
        self._reports: list[Report] = []
        self._sending = False
        self._closing = False
        self._broken: BaseException | None = None

    def _check_client(self) -> None:
        refuse_waiting(self.client, "Worker")

    def _check(self, function: Any) -> None:
        if not self._is_coroutine(function):
            name = getattr(function, "__name__", repr(function))
            raise TypeError(f"{name} is no coroutine: write `async def {name}`, or take Worker")

    # What users call

    async def run(self, signals: bool = True) -> None:
        """Works until stop(), SIGTERM or SIGINT. What runs then is finished and reported.

        A second signal does not wait. Signals are heard where the loop runs in the main thread, instead of by the
        handlers that were there; with ``signals=False`` they stay, for an application that calls stop() itself. A
        server that goes away later is waited for. Raises the client library's errors where it is not there at the
        start, or refuses the worker (permissions).
        """
        with self._heard_signals() if signals else contextlib.nullcontext():
            await self._work(draining=False)

    async def drain(self) -> Counters:
        """Does what is in the streams and what comes of it, and returns what it has done. For tests and cron.

        What waits for a deadline, or was left by a worker less than ``claim_after`` seconds ago, is not waited for.
        Raises the client library's errors.
        """
        before = dataclasses.replace(self.counters)
        await self._work(draining=True)
        return self.counters - before

    @contextlib.contextmanager
    def _heard_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        heard: list[signal.Signals] = []
        before = {one: signal.getsignal(one) for one in signals}

        def restore() -> None:
            while heard:
                one = heard.pop()
                loop.remove_signal_handler(one)
                signal.signal(one, before[one])

        def stop() -> None:
            self.stop()
            restore()

        if threading.current_thread() is threading.main_thread():
            with contextlib.suppress(NotImplementedError):  # Windows
                for one in signals:
                    loop.add_signal_handler(one, stop)
                    heard.append(one)
        try:
            yield
        finally:
            restore()

    # Reading

    async def _work(self, draining: bool) -> None:
        self._start(draining)
        self._set_up()  # it belongs to this loop
        try:
            await self._held(self._make_groups(at_start=True))
            await self._held(self._forget())
            reporting = asyncio.create_task(self._report_all())
            running = [asyncio.create_task(self._perform_all()) for _ in range(self.concurrency)]
            log.info("%s of %s reads %s", self.consumer, self.group, ", ".join(self.streams))
            try:
                await self._read_all(draining)
            except asyncio.CancelledError:
                for one in running:
                    one.cancel()
                raise
            finally:
                try:
                    await self._finish(running)
                    await self._end(reporting)
                finally:  # it may be cancelled once more
                    for one in (*running, reporting):
                        one.cancel()
            if self._broken is not None:
                raise self._broken
        finally:
            self._running = False
            self._stopping = False

    async def _read_all(self, draining: bool) -> None:
        pause = FIRST_PAUSE
        groups = self._groups_of_streams()
        while not self._stopping:
            if time.monotonic() > self._read_at + PATIENCE:
                await self._give_back_waiting()
            if not self._has_room():
                await self._change()
                continue
            was_idle = self._is_idle()
            try:
                entries = await self._held(self._read(groups, self._limit() - self._busy, not draining))
            except Exception as error:
                kind = trouble_of(error)
                if kind == "final" or (draining and kind == "wait"):
                    raise
                log.warning("reading is tried again in %.1f s: %s", pause, shown_error(error))
                await self._sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                if kind == "group":
                    await self._held(self._make_groups_again())
                continue
            pause = FIRST_PAUSE
            self._busy += len(entries)
            self._read_at = time.monotonic() if entries else self._read_at
            for entry in entries:
                self._waiting.put_nowait(entry)
            if draining and not entries:
                if was_idle and self._has_claimed_all():
                    return
                self._raise_trouble()
                if not self._is_idle():
                    await self._change()
            elif not entries and len(groups) > 1:
                await self._sleep(POLL)

    def _has_room(self) -> bool:
        limit = self._limit()
        return limit - self._busy >= self._least_room(limit) and len(self._reports) < 2 * self.batch

    def _is_idle(self) -> bool:
        return not self._busy and not self._reports and not self._sending

    async def _change(self) -> None:
        """Waits until something has changed, or for a moment: stop() wakes nobody."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), WAKE)

    # Running functions

    async def _perform_all(self) -> None:
        """Runs one function after the other."""
        while True:
            entry = await self._waiting.get()
            try:
                await self._perform(entry)
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # such as SystemExit
                self._broken = error
                self._stopping = True
            finally:
                self._busy -= 1
                self._changed.set()

    async def _perform(self, entry: OutboxEntry) -> None:
        what = self._begin(entry)
        if isinstance(what, Call):
            began = time.perf_counter()
            try:
                value = await what.function(*what.args, **what.kwargs)
            except (Exception, asyncio.CancelledError) as error:
                if _is_cancelled(error):
                    raise
                what = self._raised(entry, error)
            else:
                what = self._returned(entry, value)
            self._took(time.perf_counter() - began)
        if what is None:
            self._leave(entry)
            return
        self._reports.append(what)
        self._to_report.set()

    # Reporting

    async def _report_all(self) -> None:
        """Reports, and gives signs of life."""
        pause, keep_at = FIRST_PAUSE, time.monotonic() + self._keep_often()
        while True:
            if not self._reports and not self._closing:
                self._to_report.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._to_report.wait(), max(0.0, keep_at - time.monotonic()))
            if self._closing and not self._reports:
                return
            reports, self._reports = self._reports, []
            self._sending = True
            again = await self._held(self._report(reports)) if reports else []
            if time.monotonic() >= keep_at:
                await self._held(self._keep())
                again += self._again_now()
                keep_at = time.monotonic() + self._keep_often()
            self._reports = again + self._reports
            self._sending = False
            self._changed.set()
            if self._trouble is None:
                pause = FIRST_PAUSE
            elif self._closing and self._in_trouble_for_long():
                log.error("%d entries could not be reported, and are left to other workers", len(again))
                return
            else:
                await asyncio.sleep(min(pause, FIRST_PAUSE) if self._closing else pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    # Ending

    async def _finish(self, running: Sequence[asyncio.Task[None]]) -> None:
        """Gives back what was not begun, and lets end what runs."""
        await self._give_back_waiting()
        while self._busy:
            await self._change()
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _end(self, reporting: asyncio.Task[None]) -> None:
        """Reports what has ended, and takes the consumer away."""
        self._closing = True
        self._to_report.set()
        await reporting
        self._in_hand.clear()
        await self._held(self._go())
        log.info("%s of %s has ended: %s", self.consumer, self.group, self.counters)

    async def _give_back_waiting(self) -> None:
        waiting = []
        while not self._waiting.empty():
            waiting.append(self._waiting.get_nowait())
        self._busy -= len(waiting)
        await self._held(self._give_back(waiting))

    # Asking the server

    async def _held(self, exchange: Exchange[T]) -> T:
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
                answer = await (self._pipelined(asked) if isinstance(asked, list) else self._ask(asked))
            except Exception as error:
                failed = error

    async def _ask(self, words: Words) -> Any:
        return await self.client.execute_command(*words, **self._options(words))

    async def _pipelined(self, commands: Sequence[Words]) -> list[Any]:
        """The answers, errors among them."""
        if not commands:
            return []
        pipeline = self.client.pipeline(transaction=False)
        for words in commands:
            pipeline.execute_command(*words, **self._options(words))
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers

    async def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, WAKE))
