"""What a worker writes into its log. A line of it is one line, whatever keys and errors have in them."""

from __future__ import annotations

import logging
from types import TracebackType

from . import tasks
from .signatures import ArgumentError
from .tasks import OutboxEntry

log = logging.getLogger("redisstate.worker")

ExceptionDetails = tuple[type[BaseException], BaseException, TracebackType | None]


def escaped(text: str) -> str:
    """The text, in quotes and with escapes where a character of it cannot be printed."""
    return text if text.isprintable() else repr(text)


def shown_key(entry: OutboxEntry) -> str:
    return escaped(entry.key) if isinstance(entry.key, str) else repr(entry.key)


def shown_error(error: BaseException, with_type: bool = False) -> str:
    return (f"{type(error).__name__}: " if with_type else "") + escaped(tasks.message(error))


def where(error: BaseException) -> ExceptionDetails | None:
    """An exception and where a function has raised it, for the log; None for those that say all themselves."""
    if isinstance(error, tasks.TaskFailed | ArgumentError) or error.__traceback__ is None:
        return None
    return type(error), error, error.__traceback__.tb_next  # without the worker's own call
