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

_NUMBER_BITS = 20
"""Of a handle's number, below the time at which it was given."""

_HAS_WHAT, _HAS_TEXT = 64, 128
"""Beside the status, where the second and the third text follow."""

_word = Struct("<Q").pack
_WORD_BYTES = 8


def _number(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    packed = bytearray()
    while number >= 0x80:
        packed.append(number & 0x7F | 0x80)
        number >>= 7
    packed.append(number)
    return bytes(packed)


def _wait(number: int, ms: int, status: int, identity: bytes, what: bytes = b"", text: bytes = b"") -> bytes:
    later = ms - (number >> _NUMBER_BITS)
    status |= (_HAS_WHAT if what else 0) | (_HAS_TEXT if text else 0)
    packed = [_word(number), _number(2 * later if later >= 0 else -2 * later - 1), bytes((status,))]
    packed += _number(len(identity)), identity
    for said in (what, text):
        if said:
            packed += _number(len(said)), said
    return b"".join(packed)


def _event(identity: bytes, event: bytes) -> bytes:
    """A deadline's event; nothing where it is its id's alone."""
    return b"" if event == b'{"type":' + to_json(identity.decode()).encode() + b"}" else event


def changes(outcome: Outcome) -> bytes | None:
    """What a step arms, cancels, starts and stops; None: nothing."""
    packed = []
    for timer in outcome.timers:
        if isinstance(timer, Arm):
            identity = timer.id.encode()
            packed.append(_wait(0, timer.delay, _ARM, identity, _event(identity, timer.event)))
        else:
            packed.append(_wait(0, 0, _CANCEL, timer.id.encode()))
    packed += _tasks(outcome.effects)
    return b"".join(packed) or None


def _tasks(effects: Sequence[Effect]) -> Iterable[bytes]:
    for name, params in effects:
        if name not in (SPAWN, STOP) or not isinstance(params, dict):
            continue
        identity = params["id"].encode()
        if name == STOP:
            yield _wait(0, 0, _STOP, identity)
        else:
            given = to_json(params["input"]).encode() if "input" in params else b""
            yield _wait(0, 0, _SPAWN, identity, params["src"].encode(), given)


def deadlines(waits: Iterable[Pending]) -> bytes:
    """Those of which a snapshot says that a machine waits for them."""
    packed = []
    for one in waits:
        identity = one.id.encode()
        event = _event(identity, one.what.encode())
        packed.append(_wait(one.number, one.ms, one.status, identity, event, one.text.encode()))
    return b"".join(packed)


def tasks(waits: Iterable[Pending]) -> bytes:
    """The same of tasks."""
    return b"".join(
        [_wait(one.number, one.ms, one.status, one.id.encode(), one.what.encode(), one.text.encode()) for one in waits]
    )


def admit(waits: bytes, tasks: bool, limits: Limits) -> None:
    """A list of deadlines or tasks from outside, well formed. Raises EngineError where its JSON is not as it is written
    here."""
    at = 0
    while at < len(waits):
        _, at = _read_number(waits, at + _WORD_BYTES)
        status = waits[at]
        identity, at = _read_text(waits, at + 1)
        what, at = _read_text(waits, at) if status & _HAS_WHAT else (b"", at)
        text, at = _read_text(waits, at) if status & _HAS_TEXT else (b"", at)
        if tasks:
            _check(text or b"null", "a task's input", limits)
        elif what and not isinstance(_check(what, "a deadline's event", limits).get("type"), str):
            raise EngineError("a deadline's event has no name")
        elif what and not _event(identity, what):
            raise EngineError("a deadline's event is its id's, and not left out")


def _read_number(packed: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and where it ends."""
    number = shift = 0
    while packed[at] & 0x80:
        number |= (packed[at] & 0x7F) << shift
        shift += 7
        at += 1
    return number | packed[at] << shift, at + 1


def _read_text(packed: bytes, at: int) -> tuple[bytes, int]:
    length, at = _read_number(packed, at)
    return packed[at : at + length], at + length


def _check(text: bytes, word: str, limits: Limits) -> Any:
    value = parse_value(text, limits)
    if to_json(value).encode() != text:
        raise EngineError(f"{word} is not as this module writes JSON")
    return value if isinstance(value, dict) else {}
