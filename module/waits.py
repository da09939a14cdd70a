"""Deadlines and tasks, packed for the shim: module/shim/machine/waits.h has the form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct

from sm_core import Outcome
from sm_core.definition import SPAWN, STOP, Arm, Effect, Pending
from sm_core.document import to_json

_ARM, _CANCEL, _SPAWN, _STOP = range(4)
"""What an outcome does, as ``enum sm_wait_change`` has it."""

_entry = Struct("<QQB").pack
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
