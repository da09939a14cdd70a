"""What a worker keeps about its functions and entries: counters, calls and reports."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from .signatures import Signature
from .tasks import OutboxEntry

Words = tuple[Any, ...]


@dataclass(repr=False)
class Counters:
    """What a worker has done since it was made."""

    done: int = 0
    """tasks whose function returned, and the machine took the result"""
    failed: int = 0
    """tasks whose function raised, or that were delivered too often, and the machine took the error"""
    effects: int = 0
    """effects whose function returned"""
    effects_failed: int = 0
    """times that the function of an effect raised; it is delivered again"""
    late: int = 0
    """reports that came too late, or were made twice: the task was over"""
    refused: int = 0
    """times that the server refused a report with an error; the report is sent again, or the task delivered again"""
    unknown: int = 0
    """deliveries of tasks that no function here is for; they are left to others, and are no tries"""
    passed_over: int = 0
    """effects that no function here is for"""
    claimed: int = 0
    """entries that another worker, or an earlier try, had left undone"""
    given_up: int = 0
    """entries that were delivered too often"""

    def __repr__(self) -> str:
        """Those that are not 0."""
        counted = [f"{name}={value}" for name, value in vars(self).items() if value]
        return f"Counters({', '.join(counted)})"

    def __sub__(self, other: Counters) -> Counters:
        names = [field.name for field in dataclasses.fields(self)]
        return Counters(**{name: getattr(self, name) - getattr(other, name) for name in names})


class Handler(NamedTuple):
    """A function, and what it wants."""

    function: Callable[..., Any]
    signature: Signature


class Report:
    """What became of an entry: the command that says so (None: only XACK), the counter that counts it, and how often it
    was sent and refused."""

    __slots__ = ("counter", "entry", "refused", "words")

    def __init__(self, entry: OutboxEntry, words: Words | None, counter: str | None) -> None:
        self.entry = entry
        self.words = words
        self.counter = counter
        self.refused = 0


class Call(NamedTuple):
    """A function that is to be called for an entry."""

    entry: OutboxEntry
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
