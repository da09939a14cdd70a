"""Faults that say what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from ..errors import quote
from .model import Tables

_MOST_NAMES = 500
_LONGEST_NAME = 64


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """``; did you mean 'shipped'?`` when one of ``names`` is close to ``name``, else nothing."""
    if len(name) > _LONGEST_NAME:
        return ""
    near = []
    for count, other in enumerate(names):
        if count == _MOST_NAMES:
            break
        if len(other) <= _LONGEST_NAME:
            near.append(other)
    close = get_close_matches(name, near, 1)
    return f"; did you mean {quote(close[0])}?" if close else ""


def no_state(tables: Tables, state: int, value: str, keys: list[str]) -> str:
    """Why ``keys``, written as ``value``, lead to no state from ``state``."""
    for key in keys:
        children = {tables.keys[child]: child for child in (*tables.children[state], *tables.histories[state])}
        if key not in children:
            return missing_state(value, tables.paths[state], key, children, len(keys) > 1)
        state = children[key]
    return f"no state {quote(value)}"


def missing_state(value: str, parent: str, key: str, children: Iterable[str], nested: bool) -> str:
    """The fault of a name that no child of ``parent`` has."""
    hint = did_you_mean(key, children)
    if nested and parent:
        return f"no state {quote(value)}: {quote(parent)} has no state {quote(key)}{hint}"
    return f"no state {quote(value)}{hint}"
