"""What a machine waits for, as the snapshot in SM.GET's reply has it: its ``deadlines`` and ``tasks``."""

from __future__ import annotations

from typing import Any

from .arguments import check_object
from .definition import Pending
from .document import to_json
from .errors import DocumentError, element, member, type_name

STATUS = ("waiting", "due", "failed")
"""Of a deadline, by the number that is stored."""

_MOST_MS = 2**63 - 1


def pending_of(snapshot: object, waits: bool) -> tuple[list[Pending] | None, list[Pending]]:
    """The deadlines, None where they are not said, and the tasks of a document's ``snapshot``; ``waits``: its states
    may have some. Raises DocumentError."""
    if not isinstance(snapshot, dict):
        return None, []
    deadlines, tasks = deadlines_of(snapshot), tasks_of(snapshot)
    if (deadlines or tasks) and not waits:
        raise DocumentError("$.snapshot", "the document has neither deadlines nor tasks")
    return deadlines, tasks


def deadlines_of(snapshot: dict[str, Any]) -> list[Pending] | None:
    """The deadlines of ``$.snapshot``; None where it does not say, as XState's. Raises DocumentError."""
    if snapshot.get("deadlines") is None:
        return None
    found = []
    for said, place in _objects(snapshot, "deadlines"):
        event = check_object(said.get("event"), f"{place}.event")
        if not isinstance(event.get("type"), str):
            raise DocumentError(f"{place}.event.type", "expected the name of an event")
        status = said.get("status", STATUS[0])
        if status not in STATUS:
            raise DocumentError(f"{place}.status", f"expected one of {', '.join(STATUS)}")
        identity, due = _text(said, "id", place), _milliseconds(said, "due", place)
        number = _number(identity, _text(said, "timer", place), f"{place}.timer")
        error = _text(said, "error", place)
        found.append(Pending(identity, to_json(event), error, due, STATUS.index(status), number))
    return found


def tasks_of(snapshot: dict[str, Any]) -> list[Pending]:
    """The tasks of ``$.snapshot``. Raises DocumentError."""
    found = []
    for said, place in _objects(snapshot, "tasks"):
        identity = _text(said, "id", place)
        handle = _text(said, "task", place)
        given = to_json(said["input"]) if "input" in said else ""
        since, number = _milliseconds(said, "since", place), _number(identity, handle, f"{place}.task")
        reported = int(said.get("status") == "reported")
        found.append(Pending(identity, _text(said, "src", place), given, since, reported, number))
    return found


def _objects(snapshot: dict[str, Any], name: str) -> list[tuple[dict[str, Any], str]]:
    value = snapshot.get(name)
    place = member("$.snapshot", name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise DocumentError(place, f"expected an array, got {type_name(value)}")
    return [(check_object(inner, element(place, at)), element(place, at)) for at, inner in enumerate(value)]


def _text(said: dict[str, Any], name: str, place: str) -> str:
    value = said.get(name, "")
    if not isinstance(value, str):
        raise DocumentError(member(place, name), f"expected a string, got {type_name(value)}")
    return value


def _milliseconds(said: dict[str, Any], name: str, place: str) -> int:
    value = said.get(name)
    if type(value) is not int or not 0 <= value <= _MOST_MS:
        raise DocumentError(member(place, name), "expected Unix milliseconds")
    return value


def _number(identity: str, handle: str, place: str) -> int:
    """What a handle ends in; 0 where there is none."""
    if not handle:
        return 0
    text = handle.removeprefix(f"{identity}@")
    if text == handle or not text or len(text) > 16 or not set(text) <= set("0123456789abcdef"):
        raise DocumentError(place, "expected a handle: the id, an '@' and a number")
    return int(text, 16)
