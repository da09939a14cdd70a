"""Finding out that transitions without an event do not end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .step import Macrostep


class Circle:
    """Whether microsteps come back to where they were: with the same states, history and waiting events, and nothing
    assigned in between, all repeats.

    R. P. Brent's way: where the work stands is compared with where it stood after the last power of two microsteps.
    That finds each circle, after at most three times the steps to its end, and remembers one place.
    """

    __slots__ = ("active", "ask", "changed", "event", "heard", "history", "length", "power", "queue", "work")

    def __init__(self, work: Macrostep) -> None:
        self.work = work
        self.length = 0
        self.power = 1
        self.active = 0
        self.ask = False
        self.changed: dict[str, Any] | None = None
        self.event: dict[str, Any] | None = None
        self.history: dict[int, int] = {}
        self.queue: list[dict[str, Any]] = []
        self.heard = False
        """An event that waited was taken since: until then it does not matter which ones wait, nor that more do."""

    def closes(self, ask: bool) -> bool:
        """To be called after each microstep. When true, ``length`` and the work's ``recent`` are the circle's."""
        work = self.work
        changed, event = (work.data.changed, work.data.event) if work.data else (None, None)
        self.length += 1
        if (
            self.active == work.active
            and self.ask == ask
            and self.changed is changed
            and not (self.heard and len(self.queue) != len(work.queue))
        ):
            work.spend(len(self.history) + (len(self.queue) if self.heard else 0))
            if self.history == work.history and not (self.heard and [self.event, *self.queue] != [event, *work.queue]):
                return True
        if self.length == self.power:
            work.spend(len(work.history) + len(work.queue))
            self.active, self.ask, self.heard = work.active, ask, False
            self.changed, self.event = changed, event
            self.history, self.queue = dict(work.history), list(work.queue)
            self.power *= 2
            self.length = 0
            work.recent.clear()
        return False
