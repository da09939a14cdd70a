"""What commands print: colours at a terminal, plain text elsewhere. Nothing that a server says moves the cursor."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.text import Text

from .failures import Failure

Part = str | tuple[str, str]
"""A piece of a line: text, or text and its style."""
Line = str | Sequence[Part]

LINE = 100
STATE, EVENT, DIM, GOOD, BAD, ODD = "bold green", "bold cyan", "dim", "green", "bold red", "yellow"

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def console(stderr: bool = False) -> Console:
    """The terminal or file that stdout or stderr is now. Rich asks for NO_COLOR, FORCE_COLOR and TERM."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def shown(value: str | bytes) -> str:
    """Text for a terminal: what is not printable, and bytes that are not UTF-8, as escapes."""
    text = value.decode(errors="backslashreplace") if isinstance(value, bytes) else value
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def assembled(line: Line) -> Text:
    parts = [line] if isinstance(line, str) else line
    return Text.assemble(*[shown(part) if isinstance(part, str) else (shown(part[0]), part[1]) for part in parts])


def _put(out: Console, text: Text) -> None:
    """Prints to stdout. That a pipe has been closed is click's to hear; it ends the command quietly."""
    try:
        out.print(text)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        _forget_what_is_left()
        raise Failure(f"the result cannot be written: {error.strerror}") from None


def _forget_what_is_left() -> None:
    """What stdout still holds would be written when the process ends, and fail once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def say(*lines: Line) -> None:
    """Prints lines to stdout."""
    out = console()
    for line in lines:
        _put(out, assembled(line))


def remark(text: str) -> None:
    """A line beside the result, to stderr."""
    console(stderr=True).print(Text(shown(text), style=DIM))


def complain(message: str) -> None:
    """Why a command failed, to stderr; the lines behind the first say what to do."""
    first, *rest = message.splitlines() or [""]
    err = console(stderr=True)
    err.print(assembled([("redisstate: ", BAD), first]))
    for line in rest:
        err.print(Text(shown(line)))


def say_json(value: Any) -> None:
    """One JSON value, indented where it is longer than a line."""
    text = compact(value)
    _put(console(), JSONHighlighter()(text if len(text) <= LINE else compact(value, indent=2)))


def say_json_line(value: Any) -> None:
    """One JSON value on a line of its own."""
    _put(console(), JSONHighlighter()(compact(value)))


def counted(number: int, word: str) -> str:
    """``1 machine``, ``2 machines``."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def compact(value: Any, indent: int | None = None) -> str:
    """A value as JSON; control characters that JSON would let through are escapes, too."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return re.sub("[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text)


def table(head: Sequence[str], rows: Iterable[Sequence[Part]]) -> list[Line]:
    """Lines of columns, each as wide as its widest cell."""
    cells = [[(shown(text), DIM) for text in head]]
    for row in rows:
        styled = [(one, "") if isinstance(one, str) else one for one in row]
        cells.append([(shown(text), style) for text, style in styled])
    widths = [max(len(text) for text, _ in column) for column in zip(*cells, strict=True)]
    lines: list[Line] = []
    for row in cells:
        last = max((place for place, (text, _) in enumerate(row) if text), default=0)
        padded = [(text.ljust(width + 2), style) for (text, style), width in zip(row, widths, strict=True)]
        lines.append([*padded[:last], row[last]])
    return lines


def at(ms: int) -> str:
    """Unix milliseconds as local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ms / 1000))


def span(ms: float) -> str:
    """A length of time, in its largest unit: ``45 s``, ``12 min``."""
    seconds = abs(ms) / 1000
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def until(ms: int) -> str:
    """How far away a time is: ``in 12 min``, ``3 s ago``."""
    away = ms - time.time() * 1000
    return f"in {span(away)}" if away >= 0 else f"{span(away)} ago"
