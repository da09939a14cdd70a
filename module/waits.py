"""Deadlines and tasks, packed for the shim: module/shim/machine/waits.h has the form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Any

from sm_core import EngineError, Limits, Outcome
from sm_core.definition import SPAWN, STOP, Arm, Effect, Pending
from sm_core.document import parse_value, to_json

_ARM, _CANCEL, _SPAWN, _STOP = range(4)
"""What an outcome does, as ``enum sm_wait_change`` has it."""

_entry = Struct("<QQB").pack
_ENTRY_BYTES = Struct("<QQB").size
_length = Struct("<I").pack


def _wait(number: int, ms: int, status: int, *texts: bytes) -> bytes:
    return _entry(number, ms, status) + b"".join([_length(len(text)) + text for text in texts])


def changes(outcome: Outcome) -> bytes | None:
    """What a step arms, cancels, starts and stops; None: nothing."""
    packed = []
    for timer in outcome.timers:
        if isinstance(timer, Arm):
            packed.append(_wait(0, timer.delay, _ARM, timer.id.encode(), timer.event, b""))
        else:
            packed.append(_wait(0, 0, _CANCEL, timer.id.encode(), b"", b""))
    packed += _tasks(outcome.effects)
    return b"".join(packed) or None


def _tasks(effects: Sequence[Effect]) -> Iterable[bytes]:
    for name, params in effects:
        if name not in (SPAWN, STOP) or not isinstance(params, dict):
            continue
        identity = params["id"].encode()
        if name == STOP:
            yield _wait(0, 0, _STOP, identity, b"", b"")
        else:
            given = to_json(params["input"]).encode() if "input" in params else b""
            yield _wait(0, 0, _SPAWN, identity, params["src"].encode(), given)


def pending(waits: Iterable[Pending]) -> bytes:
    """What a snapshot says that a machine waits for."""
    return b"".join(
        [_wait(one.number, one.ms, one.status, one.id.encode(), one.what.encode(), one.text.encode()) for one in waits]
    )


def admit(waits: bytes, tasks: bool, limits: Limits) -> None:
    """A list of deadlines or tasks from outside, well formed. Raises EngineError where its JSON is not as it is written
    here."""
    at = 0
    while at < len(waits):
        texts = []
        at += _ENTRY_BYTES
        for _ in range(3):
            end = at + 4 + int.from_bytes(waits[at : at + 4], "little")
            texts.append(waits[at + 4 : end])
            at = end
        _, what, text = texts
        if tasks:
            _check(text or b"null", "a task's input", limits)
        elif not isinstance(_check(what, "a deadline's event", limits).get("type"), str):
            raise EngineError("a deadline's event has no name")


def _check(text: bytes, word: str, limits: Limits) -> Any:
    value = parse_value(text, limits)
    if to_json(value).encode() != text:
        raise EngineError(f"{word} is not as this module writes JSON")
    return value if isinstance(value, dict) else {}
