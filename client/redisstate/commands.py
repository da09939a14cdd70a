"""The words of the commands that a worker sends about entries of streams."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from .arguments import Key
from .duties import Report, Words
from .tasks import OutboxEntry, Unread

GIVEN_BACK = "given-back"
"""The consumer that has the entries that a worker has read and not begun when it was stopped."""

FORGOTTEN = 3600.0
"""Seconds without a sign of life after which a consumer for which nothing is pending is taken away."""

_FORGET = """
for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for at = 1, #fields, 2 do consumer[fields[at]] = fields[at + 1] end
  if consumer.pending == 0 and consumer.idle >= tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
  end
end
"""
"""Takes away the consumers of a stream's group that are idle, and for which nothing is pending. It is a script, because
what is delivered to a consumer between a look and its end would be lost with it."""

LONGEST_TOKEN = 64
"""Bytes."""

_OPTIONS = {
    "XPENDING": {"parse_detail": True},
    "XCLAIM": {"parse_justid": True},
    "XREADGROUP": {"NEVER_DECODE": True},
    "XAUTOCLAIM": {"NEVER_DECODE": True},
    "SM.PENDING": {"NEVER_DECODE": True},
}
"""Tells the client library which form of a reply to expect. A machine's key may be no text."""


class Commands:
    """What BaseWorker sends. Nothing here talks to a server."""

    client: Any
    streams: tuple[str, ...]
    group: str
    consumer: str
    claim_after: float
    _in_hand: dict[tuple[str, str], OutboxEntry]
    _cursors: dict[str, str]

    def _groups_of_streams(self) -> list[tuple[str, ...]]:
        """Streams that can be read by one command: all of them, but in a cluster."""
        slot_of = getattr(self.client, "keyslot", None)
        if slot_of is None:
            return [self.streams]
        slots: dict[int, list[str]] = {}
        for stream in self.streams:
            slots.setdefault(slot_of(stream), []).append(stream)
        return [tuple(streams) for streams in slots.values()]

    def _create_words(self, stream: str) -> Words:
        return "XGROUP CREATE", stream, self.group, "0", "MKSTREAM"

    def _read_words(self, streams: Sequence[str], count: int, block: float | None) -> Words:
        blocking = () if block is None else ("BLOCK", max(1, round(block * 1000)))
        each = max(1, count // len(streams))
        return (
            *("XREADGROUP", "GROUP", self.group, self.consumer, "COUNT", each),
            *(*blocking, "STREAMS", *streams, *[">"] * len(streams)),
        )

    def _claim_words(self, stream: str, count: int) -> Words:
        idle, cursor = round(self.claim_after * 1000), self._cursors.get(stream, "0-0")
        return "XAUTOCLAIM", stream, self.group, self.consumer, idle, cursor, "COUNT", count

    def _deliveries_words(self, unread: Unread) -> Words:
        return "XPENDING", unread[0], self.group, unread[1], unread[1], 1

    def _active_words(self, key: Key) -> Words:
        """Asks which tasks of a machine are active."""
        return "SM.PENDING", key

    def _keep_words(self) -> list[Words]:
        """Makes what is in hand young again, so that nobody claims it."""
        places: dict[str, list[str]] = {}
        for stream, place in list(self._in_hand):
            places.setdefault(stream, []).append(place)
        return [("XCLAIM", stream, self.group, self.consumer, 0, *found, "JUSTID") for stream, found in places.items()]

    def _give_back_words(self, entries: Iterable[OutboxEntry]) -> list[Words]:
        """Makes entries that were not begun so old that others claim them at once, as if never delivered.

        They get the name of a consumer that is nobody, so that this one's name can go.
        """
        places: dict[tuple[str, int], list[str]] = {}
        for entry in entries:
            places.setdefault((entry.stream, entry.deliveries - 1), []).append(entry.place)
        idle = max(1, round(self.claim_after * 1000))
        return [
            ("XCLAIM", stream, self.group, GIVEN_BACK, 0, *found, "IDLE", idle, "RETRYCOUNT", count, "JUSTID")
            for (stream, count), found in places.items()
        ]

    def _report_words(self, command: str, entry: OutboxEntry, said: bytes) -> Words:
        """A task's report. With a token: where the answer was lost, the same report again gets the same answer."""
        task = str(entry.task)
        token = task if len(task.encode()) <= LONGEST_TOKEN else hashlib.sha256(task.encode()).hexdigest()
        return command, entry.key, task, said, "ID", token

    def _late_words(self, entry: OutboxEntry, event: str, output: bytes) -> Words:
        """Tells the machine of a result that its task did not wait for: once of each."""
        data = b'{"task":%b,"output":%b}' % (json.dumps(entry.params["id"]).encode(), output)
        token = hashlib.sha256(b"%b %b %b" % (str(entry.task).encode(), event.encode(), output)).hexdigest()
        return "SM.SEND", entry.key, event, "DATA", data, "ID", token

    def _untried_words(self, entry: OutboxEntry) -> Words:
        """Puts an entry back as if this worker had not got it, for one that has its function."""
        told = "RETRYCOUNT", max(0, entry.deliveries - 1), "JUSTID"
        return "XCLAIM", entry.stream, self.group, GIVEN_BACK, 0, entry.place, *told

    def _ack_words(self, reports: Iterable[Report]) -> list[Words]:
        places: dict[str, list[str]] = {}
        for report in reports:
            places.setdefault(report.entry.stream, []).append(report.entry.place)
        return [("XACK", stream, self.group, *found) for stream, found in places.items()]

    def _forget_words(self, stream: str) -> Words:
        return "EVAL", _FORGET, 1, stream, self.group, round(FORGOTTEN * 1000)

    def _left_words(self, stream: str) -> Words:
        """Asks whether anything is pending for this worker."""
        return "XPENDING", stream, self.group, "-", "+", 1, self.consumer

    @staticmethod
    def _options(words: Words) -> dict[str, bool]:
        """Tells the client library which form of a reply to expect."""
        return _OPTIONS.get(words[0], {})
