"""The words of each command, as ``execute_command`` takes them. The functions have the parameters of Machine's methods,
behind the key; what they do is written there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

Key = str | bytes
Word = str | bytes | int
Words = list[Word]
Document = Mapping[str, Any] | str | bytes
"""A document: a dict, or its JSON."""
DiagramKind = Literal["mermaid", "dot"]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def encoded(value: Any) -> str:
    """Compact JSON. Raises ValueError for NaN and the infinities, TypeError for what JSON cannot say."""
    return _encode(value)


def of_document(document: Document) -> str | bytes:
    return document if isinstance(document, str | bytes) else _encode(document)


def _options(
    words: Words,
    guards: Iterable[str] | None = None,
    reason: str | None = None,
    if_revision: int | None = None,
    if_state: str | None = None,
    idempotency_key: str | None = None,
) -> None:
    """Appends the options that several commands have. The arguments are Machine's."""
    if guards is not None:
        names = (guards,) if isinstance(guards, str) else tuple(guards)
        words += ("GUARDS", len(names), *names)
    if reason is not None:
        words += ("REASON", reason)
    if if_revision is not None:
        words += ("IFREV", if_revision)
    if if_state is not None:
        words += ("IFSTATE", if_state)
    if idempotency_key is not None:
        words += ("ID", idempotency_key)


def _members(words: Words, data: Mapping[str, Any] | None, members: Mapping[str, Any]) -> None:
    if members:
        words += ("DATA", _encode({**data, **members} if data else members))
    elif data is not None:
        words += ("DATA", _encode(data))


def set(
    key: Key,
    document: Document,
    *,
    input: Any = None,
    current: Any = None,
    guards: Iterable[str] | None = None,
    if_absent: bool = False,
    if_present: bool = False,
    if_revision: int | None = None,
    if_state: str | None = None,
) -> Words:
    if if_absent and if_present:
        raise ValueError("if_absent and if_present: a machine cannot be both")
    words: Words = ["SM.SET", key, of_document(document), "EFFECTS"]
    if current is not None:
        words += ("CURRENT", current if isinstance(current, str | bytes) else _encode(current))
    if input is not None:
        words += ("INPUT", _encode(input))
    if if_absent or if_present:
        words += ("IF", "ABSENT" if if_absent else "PRESENT")
    _options(words, guards, None, if_revision, if_state)
    if len(words) == 4:  # a word alone would be the state; an empty input says the same as none
        words += ("INPUT", "{}")
    return words


def send(
    key: Key,
    event: str,
    data: Mapping[str, Any] | None = None,
    /,
    *,
    guards: Iterable[str] | None = None,
    reason: str | None = None,
    if_revision: int | None = None,
    if_state: str | None = None,
    idempotency_key: str | None = None,
    **members: Any,
) -> Words:
    words: Words = ["SM.SEND", key, event, "EFFECTS"]
    _members(words, data, members)
    _options(words, guards, reason, if_revision, if_state, idempotency_key)
    return words


def can(
    key: Key,
    event: str,
    data: Mapping[str, Any] | None = None,
    /,
    *,
    guards: Iterable[str] | None = None,
    **members: Any,
) -> Words:
    words: Words = ["SM.CAN", key, event]
    _members(words, data, members)
    _options(words, guards)
    return words


def why(
    key: Key,
    event: str,
    data: Mapping[str, Any] | None = None,
    /,
    *,
    guards: Iterable[str] | None = None,
    **members: Any,
) -> Words:
    return [*can(key, event, data, guards=guards, **members), "WHY"]


def mutate(
    key: Key,
    state: str,
    data: Mapping[str, Any] | None = None,
    /,
    *,
    reason: str | None = None,
    force: bool = False,
    guards: Iterable[str] | None = None,
    if_revision: int | None = None,
    if_state: str | None = None,
    idempotency_key: str | None = None,
    **members: Any,
) -> Words:
    words: Words = ["SM.MUTATE", key, state]
    if force:
        words.append("FORCE")  # as the last of two words, it would make a reason of the first
    words.append("EFFECTS")
    _members(words, data, members)
    _options(words, guards, reason, if_revision, if_state, idempotency_key)
    if len(words) == 4:  # a word alone would be the reason; empty data say the same as none
        words += ("DATA", "{}")
    return words


def reset(
    key: Key,
    *,
    input: Any = None,
    guards: Iterable[str] | None = None,
    reason: str | None = None,
    if_revision: int | None = None,
    if_state: str | None = None,
    idempotency_key: str | None = None,
) -> Words:
    words: Words = ["SM.RESET", key, "EFFECTS"]
    if input is not None:
        words += ("INPUT", _encode(input))
    _options(words, guards, reason, if_revision, if_state, idempotency_key)
    return words


def done(
    key: Key,
    task: str,
    result: Any = None,
    *,
    guards: Iterable[str] | None = None,
    idempotency_key: str | None = None,
) -> Words:
    words: Words = ["SM.DONE", key, task, _encode(result), "EFFECTS"]
    _options(words, guards, idempotency_key=idempotency_key)
    return words


def fail(
    key: Key,
    task: str,
    error: Any = None,
    *,
    guards: Iterable[str] | None = None,
    idempotency_key: str | None = None,
) -> Words:
    words: Words = ["SM.FAIL", key, task, _encode(error), "EFFECTS"]
    _options(words, guards, idempotency_key=idempotency_key)
    return words


def retry(key: Key, task: str) -> Words:
    return ["SM.RETRY", key, task, "EFFECTS"]


def fire(key: Key, timer: str, *, guards: Iterable[str] | None = None) -> Words:
    words: Words = ["SM.FIRE", key, timer, "EFFECTS"]
    _options(words, guards)
    return words


def pending(key: Key) -> Words:
    return ["SM.PENDING", key]


def next(key: Key) -> Words:
    return ["SM.NEXT", key]


def create(key: Key) -> Words:
    return ["SM.CREATE", key]


def states(key: Key) -> Words:
    return ["SM.STATE", key]


def all_states(key: Key) -> Words:
    return ["SM.STATE", key, "ALL"]


def get(key: Key, what: str | None = None) -> Words:
    """``what``: CONTEXT, OUTPUT, REASON, REVISION, SNAPSHOT, STATUS; None is the document."""
    return ["SM.GET", key] if what is None else ["SM.GET", key, what]


def document(key: Key) -> Words:
    return get(key)


def context(key: Key) -> Words:
    return get(key, "CONTEXT")


def output(key: Key) -> Words:
    return get(key, "OUTPUT")


def reason(key: Key) -> Words:
    return get(key, "REASON")


def revision(key: Key) -> Words:
    return get(key, "REVISION")


def snapshot(key: Key) -> Words:
    return get(key, "SNAPSHOT")


def status(key: Key) -> Words:
    return get(key, "STATUS")


def history(key: Key, count: int | None = None, before: int | None = None) -> Words:
    words: Words = ["SM.HISTORY", key]
    if count is not None:
        words += ("COUNT", count)
    if before is not None:
        words += ("BEFORE", before)
    return words


def diagram(key: Key, kind: DiagramKind = "mermaid") -> Words:
    return ["SM.DIAGRAM", key, kind.upper()]


def delete(key: Key) -> Words:
    return ["DEL", key]


def check(document: Document) -> Words:
    return ["SM.CHECK", of_document(document)]


def render(document: Document, kind: DiagramKind = "mermaid") -> Words:
    return ["SM.RENDER", of_document(document), kind.upper()]


def template() -> Words:
    return ["SM.TEMPLATE"]
