"""The worst documents that the default limits let in, and every command on them: each is answered or refused with
a limit's name, leaves no memory behind, and others' keys as they were."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import redis

from sm_core.document import Limits
from tests.documents import compact
from tests.limits.unharmed import prepare, unharmed
from tests.limits.worst import CHARTS, MAPS, Worst
from tests.servers import Server

WORST: dict[str, Worst] = {**CHARTS, **MAPS}
LIMITS = Limits()
KEPT = 512 * 1024
"""Bytes of ``used_memory`` that may stay: less than one of these documents holds."""
REFUSALS = ("one event may cause", "do not end", "too large to be drawn")


@cache
def largest(name: str) -> str:
    """The document grown until it fills the limits: of elements, of states, of bytes."""
    make, n = WORST[name].make, LIMITS.elements - 100
    if name in BY_BYTES:
        n = LIMITS.document_bytes
    elif name in BY_STATES:
        n = LIMITS.states
    n = FEWER.get(name, n)
    while True:
        text = compact(make(n))
        over = max(
            len(text.encode()) / (LIMITS.document_bytes - 100), (text.count("[") + text.count("{")) / LIMITS.brackets
        )
        if over <= 1:
            return text
        n = int(n / over * 0.99)


BY_STATES = {"map: ring", "map: short names", "map: escapes"}
FEWER = {"deep, long names": 1800}
"""Whose paths are too long in sum before that."""
BY_BYTES = {name for name in WORST if "meta" in name or name in ("map: targets", "long names", "map: long names")}
"""Documents whose elements the limits do not count: their bytes are the bound."""


def commands(worst: Worst) -> list[tuple[str, ...]]:
    """Every command that a machine of it can be given."""
    return [
        ("SM.GET", "k"),
        *(("SM.GET", "k", word) for word in ("CURRENT", "INITIAL", "REASON")),
        *(("SM.STATE", "k", *more) for more in ((), ("LIST",), ("ALL",))),
        ("SM.NEXT", "k"),
        ("SM.DIAGRAM", "k", "MERMAID"),
        ("SM.DIAGRAM", "k", "DOT"),
        ("SM.CAN", "k", worst.event),
        ("SM.SEND", "k", worst.event, "ACTIONS"),
        ("SM.SEND", "k", worst.event),
        ("SM.MUTATE", "k", worst.state, "why"),
        ("SM.MUTATE", "k", worst.state, "why", "FORCE"),
        ("SM.SEND", "k", "no such event"),
        ("SM.RESET", "k", "ACTIONS"),
    ]


@pytest.mark.parametrize("name", WORST)
def test_the_largest_document_and_every_command(server: Server, long: bool, name: str) -> None:
    server.config("redisstate.max-memo-bytes", 1 << 20)  # nothing large is remembered: all is worked out anew
    prepare(server.own)
    worst, text = WORST[name], largest(name)
    calls = commands(worst)

    def once(number: int) -> list[Any]:
        """All of it on a document that is new to the server's cache: its spaces differ."""
        with server.raw() as r:
            stored = text + " " * (number % 100)
            answers: list[Any] = [r.execute_command("SM.SET", "k", stored)]
            answers += [finding for finding in r.execute_command("SM.CHECK", stored) if finding[0] == b"error"]
            for call in calls:
                try:
                    answers.append(r.execute_command(*call))
                except redis.ResponseError as error:
                    assert any(refusal in str(error) for refusal in REFUSALS), (call, error)
                    answers.append(str(error))
            payload = r.dump("k")
            assert payload is not None
            document = r.execute_command("SM.GET", "k")
            r.execute_command("SM.SET", "again", document)
            assert server.digest("again") == server.digest("k")
            r.restore("restored", 0, payload)
            assert server.digest("restored") == server.digest("k")
            r.delete("k", "again", "restored")
        return answers

    first = once(0)
    assert first[0] == b"OK"
    once(1)
    with unharmed(server, KEPT):
        for number in range(100 if long else 1):
            assert once(number + 2) == first


@pytest.mark.parametrize("name", CHARTS)
def test_one_element_too_many(server: Server, name: str) -> None:
    """What is larger than the limits is refused by both commands, as what it is."""
    if name in BY_BYTES or name == "partial events":
        text = compact(CHARTS[name].make(LIMITS.elements)) + " " * LIMITS.document_bytes
    else:
        text = compact(CHARTS[name].make(2 * LIMITS.elements))
    prepare(server.own)
    r = server.client()
    for _ in range(2):
        with unharmed(server, KEPT):
            with pytest.raises(redis.ResponseError, match=r"max-(elements|document-bytes|states)"):
                r.execute_command("SM.SET", "k", text)
            [finding] = r.execute_command("SM.CHECK", text)
            assert finding[0] == "error"
    assert server.own.exists("k") == 0
