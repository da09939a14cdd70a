"""What a worker asks the server, one command after the other, for Worker and AsyncWorker alike.

Each exchange is a generator. It yields one command and is sent its answer, or has its error raised; or it yields a
list of commands, which go out together, and is sent their answers, errors among them. The workers differ in how they
wait.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from typing import Any, TypeVar

from . import tasks
from .base_worker import BaseWorker
from .duties import Report, Words
from .faults import active_tasks, exists_already, not_permitted
from .logs import log, shown_error
from .tasks import OutboxEntry

T = TypeVar("T")
Exchange = Generator[Words | list[Words], Any, T]


class Exchanges(BaseWorker):
    """See Worker."""

    # Reading

    def _read(self, groups: Sequence[Sequence[str]], room: int, block: bool) -> Exchange[list[OutboxEntry]]:
        """What others have left, where it is time to look, else what is new."""
        if self._claim_is_due():
            entries = yield from self._claim(room)
            if entries:
                return entries
            if self._claim_at == 0.0 and self.claim_after >= self.block:
                block = False  # there is more to look at
        if len(groups) == 1:
            return self._taken(tasks.read((yield self._read_words(groups[0], room, self.block if block else None))))
        entries = []
        try:
            for streams in groups:
                if room > len(entries):
                    entries += self._taken(tasks.read((yield self._read_words(streams, room - len(entries), None))))
        except Exception:
            if not entries:  # else they are done first; it will be raised again
                raise
        return entries

    def _claim(self, room: int) -> Exchange[list[OutboxEntry]]:
        entries: list[OutboxEntry] = []
        try:
            for stream in self.streams:
                if room <= len(entries):
                    break
                found = self._found(stream, (yield self._claim_words(stream, room - len(entries))))
                answers = yield [self._deliveries_words(unread) for unread in found]
                known, others = self._sorted(self._claimed(found, answers))
                entries += known  # first: what follows may fail, and what is in hand is to be done
                for entry in others:
                    self._leave(entry)
                keys = list(dict.fromkeys(entry.key for entry in others))
                answers = yield [self._active_words(key) for key in keys]
                active = {key: active_tasks(answer) for key, answer in zip(keys, answers, strict=True)}
                yield self._put_back_words(others, active)
        except Exception:
            if not entries:  # else they are done first; it will be raised again
                raise
        return entries

    # Reporting

    def _report(self, reports: list[Report]) -> Exchange[list[Report]]:
        """Sends reports, and acknowledges those that were taken. What is to be sent again."""
        over = [report for report in reports if report.words is None]
        telling = [report for report in reports if report.words is not None]
        again: list[Report] = []
        answered, trouble = not telling, None
        try:
            if telling:
                answers = yield [report.words for report in telling if report.words is not None]
                told, again, trouble = self._settle(telling, answers)
                over += told
                answered = True
            if over:
                for report in over:
                    report.words = None  # should XACK fail, it alone is sent again
                for answer in (yield self._ack_words(over)):
                    if isinstance(answer, Exception):
                        raise answer
                self._acknowledged(over)
        except Exception as error:
            trouble = error
            again += over if answered else over + telling
        self._in_trouble(trouble)
        return again

    def _keep(self) -> Exchange[None]:
        """A sign of life."""
        try:
            yield self._keep_words()
        except Exception as error:
            log.warning("no sign of life could be given: %s", shown_error(error))

    def _give_back(self, entries: Sequence[OutboxEntry]) -> Exchange[None]:
        """What was read and not begun."""
        for entry in entries:
            self._leave(entry)
        try:
            yield self._give_back_words(entries)
            if entries:
                self._claim_anew()  # where nobody else is free
        except Exception as error:
            log.warning(
                "%d entries are left to other workers, in %.0f s: %s",
                *(len(entries), self.claim_after, shown_error(error)),
            )

    # Beginning and ending

    def _make_groups(self, at_start: bool = False) -> Exchange[None]:
        for stream in self.streams:
            try:
                yield self._create_words(stream)
            except Exception as error:
                if not exists_already(error) and not (at_start and not_permitted(error)):
                    raise

    def _make_groups_again(self) -> Exchange[None]:
        with contextlib.suppress(Exception):  # the next read says what is wrong
            yield from self._make_groups()

    def _forget(self) -> Exchange[None]:
        """Takes away the consumers of workers that were killed, once others have done what was pending for them."""
        try:
            for stream in self.streams:
                yield self._forget_words(stream)
        except Exception as error:  # it may be that its user may run no scripts
            log.debug("the consumers of other workers stay: %s", shown_error(error))

    def _go(self) -> Exchange[None]:
        """Takes the consumer away, where nothing is pending for it: that would be lost with it."""
        try:
            for stream in self.streams:
                if self._own_name and not (yield self._left_words(stream)):
                    yield "XGROUP DELCONSUMER", stream, self.group, self.consumer
        except Exception as error:
            log.debug("the consumer %s stays: %s", self.consumer, shown_error(error))
