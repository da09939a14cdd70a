"""What the commands answer, as values with names. Each function takes a reply as the client gives it, in RESP2 or RESP3
and as bytes or as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple


class Effect(NamedTuple):
    """Something that a step asks for: an action of the document that is not the server's to do.

    ``params`` are worked out. ``task`` is the handle where ``type`` is ``xstate.spawnChild``, else None.
    """

    type: str
    params: Any = None
    task: str | None = None


class Step:
    """What became of an event. It is true where the machine took it, false where it did not.

    ``states``
        the active atomic states, as dotted paths in document order: after the step, or where the machine stands
    ``effects``
        what is to be done now, in order
    ``revision``
        the machine's count of steps; None where it counts none, or where the step was not taken
    ``status``
        ``active``, ``done`` or ``error``; None where the step was not taken
    """

    __slots__ = ("effects", "revision", "states", "status", "taken")

    def __init__(
        self,
        states: tuple[str, ...],
        effects: tuple[Effect, ...] = (),
        revision: int | None = None,
        status: str | None = None,
        taken: bool = True,
    ) -> None:
        self.states = states
        self.effects = effects
        self.revision = revision
        self.status = status
        self.taken = taken

    def __bool__(self) -> bool:
        return self.taken

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Step):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((self.states, self.revision, self.status, self.taken))

    def _values(self) -> tuple[object, ...]:
        return self.states, self.effects, self.revision, self.status, self.taken

    def __repr__(self) -> str:
        if not self.taken:
            return f"Step(states={self.states}, taken=False)"
        effects = f", effects={self.effects}" if self.effects else ""
        return f"Step(states={self.states}{effects}, revision={self.revision}, status={self.status!r})"


class Verdict(NamedTuple):
    """What became of one candidate of an event: ``place`` in the document, and ``verdict``, such as ``taken``."""

    place: str
    verdict: str


class Finding(NamedTuple):
    """What SM.CHECK finds: ``severity`` is ``error`` or ``warning``, ``path`` the place in the document."""

    severity: str
    path: str
    message: str


class Pending(NamedTuple):
    """What a machine waits for: a deadline (``kind`` is ``timer``) or a task.

    ``handle``
        its name for ``fire``, ``done``, ``fail`` and ``retry``
    ``ms``
        Unix milliseconds: when the deadline is due, or since when the task is active
    ``status``
        ``waiting``, ``due`` or ``failed``; of a task ``active``
    ``event``, ``src``
        what a deadline sends; what a task is to run
    ``input``, ``error``
        the task's input; what a deadline has failed with
    """

    kind: Literal["timer", "task"]
    handle: str
    id: str
    status: str
    ms: int
    event: Any = None
    src: str | None = None
    input: Any = None
    error: str | None = None

    @property
    def time(self) -> datetime:
        """``ms`` as a time of UTC."""
        return datetime.fromtimestamp(self.ms / 1000, UTC)


class Entry(NamedTuple):
    """A step in a machine's history.

    ``event`` and ``reason`` are None where there is none, ``user`` is the ACL user that asked, or ``(timer)`` or
    ``(module)``. ``before`` and ``after`` are the active states then, as paths.
    """

    revision: int
    ms: int
    user: str
    event: str | None
    before: tuple[str, ...]
    after: tuple[str, ...]
    reason: str | None
    forced: bool

    @property
    def time(self) -> datetime:
        """``ms`` as a time of UTC."""
        return datetime.fromtimestamp(self.ms / 1000, UTC)


_decode = json.JSONDecoder().decode


def text(value: Any) -> str:
    """A word of a reply. What is not UTF-8 (a user's name) has its bytes as escapes."""
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def as_it_is(reply: Any) -> Any:
    return reply


def nothing(reply: Any) -> None:
    """OK, which says nothing that no error does not say."""


def true(reply: Any) -> bool:
    """There is an answer."""
    return True


def text_or_none(value: Any) -> str | None:
    """None for no text, too."""
    return text(value) or None


def optional_int(value: Any) -> int | None:
    return None if value is None else int(value)


def optional_text(value: Any) -> str | None:
    return None if value is None else text(value)


def names(reply: Iterable[Any]) -> tuple[str, ...]:
    return tuple([value if type(value) is str else text(value) for value in reply])


def listed(reply: Iterable[Any]) -> list[str]:
    return list(names(reply))


def mapping(reply: Any) -> dict[str, Any]:
    """A map: RESP3's, or RESP2's flat pairs."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {text(name): value for name, value in pairs}


def effect(json_text: str | bytes) -> Effect:
    """An effect as SM.SEND with EFFECTS answers it."""
    value = _decode(text(json_text))
    return Effect(value["type"], value.get("params"), value.get("task"))


def step(reply: Any) -> Step:
    """The answer to a command with EFFECTS; that of nil says nothing of where the machine stands."""
    if reply is None:
        return Step((), taken=False)
    found = mapping(reply)
    effects = found["effects"]
    return Step(
        names(found["states"]),
        tuple(map(effect, effects)) if effects else (),
        found["revision"],
        text(found["status"]),
    )


def decoded(reply: Any) -> Any:
    """The value that JSON text says; None for nil."""
    return None if reply is None else _decode(text(reply))


def verdicts(reply: Any) -> list[Verdict]:
    return [Verdict(*names(pair)) for pair in reply]


def findings(reply: Any) -> list[Finding]:
    return [Finding(*names(found)) for found in reply]


def pending(reply: Any) -> list[Pending]:
    found = []
    for item in map(mapping, reply):
        kind: Literal["timer", "task"] = "timer" if text(item["kind"]) == "timer" else "task"
        found.append(
            Pending(
                kind,
                text(item["handle"]),
                text(item["id"]),
                text(item["status"]),
                int(item["due" if kind == "timer" else "since"]),
                decoded(item.get("event")),
                optional_text(item.get("src")),
                decoded(item.get("input")),
                optional_text(item.get("error")),
            )
        )
    return found


def history(reply: Any) -> list[Entry]:
    return [
        Entry(
            int(item["revision"]),
            int(item["ms"]),
            text(item["user"]),
            optional_text(item["event"]),
            names(item["from"]),
            names(item["to"]),
            text_or_none(item["reason"] or ""),
            bool(item["forced"]),
        )
        for item in map(mapping, reply)
    ]
