"""Where in a JSON text stands what a path of the server's names (``$.states.open.on.PAY[0]``)."""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_PLAIN_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*\Z")
_LAST = re.compile(r'(?:\.[A-Za-z_$][\w$-]*|\[\d+\]|\["(?:[^"\\]|\\.)*"\])\Z')
_LONGEST_NAME = 64
_SAID = re.compile(r"not JSON: .* at line (\d+) column (\d+)\Z", re.DOTALL)
_BYTE = re.compile(r"not UTF-8: byte (\d+) ")


def place(document: bytes, path: str, message: str) -> tuple[int, int]:
    """The line and the column, both from 1 and in characters, of the value at ``path``: where its member's name begins,
    or the element. Where the text has no such value, as for a default, that of what is around it.

    ``message`` of a text that is no JSON has the place; of a member that is there twice, its second is meant.
    """
    if said := _SAID.match(message):
        return int(said[1]), int(said[2])
    if said := _BYTE.match(message):
        return _line_and_column(document[: int(said[1])].decode(errors="replace"))
    text = document.decode(errors="replace")
    first, again = _starts(text)
    if message.startswith("duplicate member") and (inner := [one for one in again if _LAST.sub("", one) == path]):
        return _line_and_column(text[: again[inner[0]]])
    while path not in first and path != (shorter := _LAST.sub("", path)):
        path = shorter
    return _line_and_column(text[: first.get(path, 0)])


def _line_and_column(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _member(path: str, name: str) -> str:
    """As the server writes it: names that are no words in quotes, as ASCII, cut when they are long."""
    if len(name) <= _LONGEST_NAME and _PLAIN_NAME.match(name):
        return f"{path}.{name}"
    shown = name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "..."
    return f"{path}[{json.dumps(shown)}]"


def _starts(text: str) -> tuple[dict[str, int], dict[str, int]]:
    """Where each value begins, by its path, and where a member does that was there before. Empty for no JSON."""
    first: dict[str, int] = {}
    again: dict[str, int] = {}
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return first, again
    around: list[tuple[str, int | None]] = []  # the path of each open array or object; an array's next element
    path, name_is_next = "$", False
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word in ("}", "]"):
            around.pop()
            name_is_next = False
        elif word == ",":
            parent, index = around[-1]
            name_is_next = index is None
            if index is not None:
                around[-1] = (parent, index + 1)
                path = f"{parent}[{index + 1}]"
        elif name_is_next:
            path = _member(around[-1][0], json.loads(word))
            (again if path in first else first)[path] = token.start()
            name_is_next = False
        elif word != ":":
            first.setdefault(path, token.start())
            if word == "{":
                around.append((path, None))
                name_is_next = True
            elif word == "[":
                around.append((path, 0))
                path = f"{path}[0]"
    return first, again
