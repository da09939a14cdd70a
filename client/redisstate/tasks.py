"""What a worker hands to its functions, and what it hears of them: entries of an outbox, and how a task fails."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .arguments import Key
from .replies import mapping, text

TASK = "xstate.spawnChild"
"""The type of an entry that asks for a task."""
LONGEST_MESSAGE = 1000
"""Characters of an exception's text that a machine is told."""


class TaskFailed(Exception):
    """Raised by a task's function to say with which error, any JSON, it has failed; ``event.error`` is that.

    All other exceptions are reported as ``{"type": name of the class, "message": its text}``.
    """

    def __init__(self, error: Any) -> None:
        super().__init__(error)
        self.error = error


class OutboxEntry(NamedTuple):
    """An entry of a machine's outbox.

    ``stream``, ``place``
        where it stands, for XRANGE
    ``deliveries``
        how often it was handed to a worker, this time included
    ``id``
        a word that no other entry has, for services that shall not do a thing twice
    ``key``, ``machine``
        the machine's key (bytes where it is not UTF-8), its document's ``id@version``
    ``type``, ``params``
        the action's name and its params; of a task ``xstate.spawnChild`` and its ``id``, ``src`` and ``input``
    ``task``
        the handle, where it is a task
    ``event``, ``revision``, ``ms``
        the step that led to it: its event, the machine's count, Unix milliseconds
    """

    stream: str
    place: str
    deliveries: int
    id: str
    key: Key
    machine: str | None
    type: str
    params: Any
    task: str | None
    event: str | None
    revision: int | None
    ms: int


Unread = tuple[str, str, dict[str, Any]]
"""The stream, the place and the fields of an entry that was read."""


def _key(value: str | bytes) -> Key:
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def entry(unread: Unread, deliveries: int) -> OutboxEntry:
    """The entry. Raises ValueError, KeyError and others for one that no machine has written."""
    stream, place, fields = unread
    get = fields.get
    params, revision, machine, task, event = get("params"), get("revision"), get("machine"), get("task"), get("event")
    made = OutboxEntry(
        stream,
        place,
        deliveries,
        text(fields["id"]),
        _key(fields["key"]),
        None if machine is None else text(machine),
        text(fields["type"]),
        None if params is None else json.loads(params),
        None if task is None else text(task),
        None if event is None else text(event),
        None if revision is None else int(revision),
        int(fields["ms"]),
    )
    if made.type == TASK and not all(isinstance(made.params[name], str) for name in ("id", "src")):
        raise ValueError("the id and the src of a task are strings")
    return made


def _entries(stream: str, found: Iterable[Any]) -> Iterator[Unread]:
    for one in found:
        if one is not None and one[1] is not None:  # else it was deleted from the stream
            yield stream, text(one[0]), mapping(one[1])


def read(reply: Any) -> list[Unread]:
    """The answer to XREADGROUP: pairs of a stream and its entries, or a map of them; redis-py wraps those of a map."""
    found: list[Unread] = []
    for stream, entries in reply.items() if isinstance(reply, dict) else reply or ():
        wrapped = len(entries) == 1 and entries[0] and not isinstance(entries[0][0], str | bytes)
        found += _entries(text(stream), entries[0] if wrapped else entries)
    return found


def claimed(stream: str, reply: Any) -> tuple[str, list[Unread]]:
    """The answer to XAUTOCLAIM: where to go on, and the entries."""
    return text(reply[0]), list(_entries(stream, reply[1]))


def deliveries(reply: Any) -> int:
    """The answer to XPENDING for one place: how often it was delivered; 0 where it is not pending any more."""
    if not reply:
        return 0
    one = reply[0]
    return int(one["times_delivered"] if isinstance(one, dict) else one[3])


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    raise TypeError(f"a value of type {type(value).__name__} cannot be said in JSON")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain).encode


def result(value: Any) -> bytes:
    """What a function has returned, as JSON; dataclasses are objects. Raises TypeError or ValueError."""
    return b"null" if value is None else _encode(value).encode()


def message(raised: BaseException) -> str:
    """The text of what was raised, as far as it has one."""
    try:
        return str(raised)
    except Exception as error:
        return f"its text cannot be read: {type(error).__name__}"


def error(raised: BaseException) -> bytes:
    """What a function has raised, as JSON."""
    if isinstance(raised, TaskFailed):
        return result(raised.error)
    said = {"type": type(raised).__name__, "message": message(raised)[:LONGEST_MESSAGE]}
    return _encode(said).encode(errors="replace")
