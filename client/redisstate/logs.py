"""What a worker writes into its log. A line of it is one line, whatever keys and errors have in them, and a traceback
is indented, so that no text of an exception passes for a line of the log or for commands of a terminal."""

from __future__ import annotations

import logging
import textwrap
import traceback
from types import TracebackType

from . import tasks
from .signatures import ArgumentError
from .tasks import OutboxEntry

ExceptionDetails = tuple[type[BaseException], BaseException, TracebackType | None]


def escaped(text: str) -> str:
    """The text, in quotes and with escapes where a character of it cannot be printed."""
    return text if text.isprintable() else repr(text)


def _plain(record: logging.LogRecord) -> bool:
    """Writes the traceback of a record beforehand: a Formatter takes ``exc_text`` where it is there."""
    if record.exc_info and record.exc_info[0] is not None and not record.exc_text:
        try:
            lines = "".join(traceback.format_exception(*record.exc_info)).split("\n")
        except Exception as error:  # a function's exception may be anything
            lines = [f"its traceback cannot be written: {type(error).__name__}"]
        text = "\n".join(line if line.isprintable() else repr(line)[1:-1] for line in lines)
        record.exc_text = textwrap.indent(text.rstrip("\n"), "  ")
    return True


log = logging.getLogger("redisstate.worker")
log.addFilter(_plain)


def shown_key(entry: OutboxEntry) -> str:
    return escaped(entry.key) if isinstance(entry.key, str) else repr(entry.key)


def shown_error(error: BaseException, with_type: bool = False) -> str:
    return (f"{type(error).__name__}: " if with_type else "") + escaped(tasks.message(error))


def where(error: BaseException) -> ExceptionDetails | None:
    """An exception and where a function has raised it, for the log; None for those that say all themselves."""
    if isinstance(error, tasks.TaskFailed | ArgumentError) or error.__traceback__ is None:
        return None
    return type(error), error, error.__traceback__.tb_next  # without the worker's own call
