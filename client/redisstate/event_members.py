"""Which members of events the expressions of a document read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_STRING = re.compile(
    r"""//[^\n]*|\b[rR][bB]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')"""
    r"""|\"{3}(?:\\.|.)*?\"{3}|'{3}(?:\\.|.)*?'{3}|"(?:\\.|[^"\n\\])*"|'(?:\\.|[^'\n\\])*'""",
    re.DOTALL,
)
"""A text in an expression, or a comment."""
_EVENT = re.compile(r"(?<![\w.])event\b(?:\s*\.\s*([A-Za-z_]\w*)\b(?!\s*\())?", re.ASCII)
"""The event in an expression, and its member."""


def _expressions(document: Mapping[str, Any]) -> Iterator[str]:
    pending: list[Any] = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            if isinstance(text := value.get("@expr"), str):
                yield text
            pending += value.values()
        elif isinstance(value, list):
            pending += value


def members_read(document: Mapping[str, Any]) -> set[str] | None:
    """The members of events that expressions read, whatever the event; None where one reads more than members."""
    found: set[str] = set()
    for text in _expressions(document):
        for name in _EVENT.finditer(_STRING.sub("''", text)):
            if name[1] is None:
                return None
            found.add(name[1])
    return found - {"type"}
