"""Refusals on a server: whatever SM.SET and SM.CHECK refuse, however often, leaves its memory where it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.refusals import CURRENTS, DOCUMENTS, LIMITS
from tests.servers import Server

AT_ONCE = 25


@pytest.fixture
def limited(server: Server) -> Iterator[Server]:
    """A server with the limits within which the documents are refused for their size."""
    for name, value in (
        ("max-document-bytes", LIMITS.document_bytes),
        ("max-states", LIMITS.states),
        ("max-nesting", LIMITS.nesting),
        ("max-elements", LIMITS.elements),
    ):
        server.config(f"redisstate.{name}", value)
    yield server


def ask(r: redis.Redis, calls: list[tuple[str | bytes, ...]], times: int) -> None:
    """Each of the calls so many times; SM.SET is refused, SM.CHECK answers an error."""
    for call in calls:
        for start in range(0, times, AT_ONCE):
            with r.pipeline(transaction=False) as pipe:
                for _ in range(min(AT_ONCE, times - start)):
                    pipe.execute_command(*call)
                for answer in pipe.execute(raise_on_error=False):
                    if call[0] == "SM.CHECK":
                        assert answer[0][0] == b"error", call
                    else:
                        assert isinstance(answer, redis.ResponseError), call
                        assert not str(answer).startswith("internal"), call


def server_holds(server: Server) -> tuple[int, int]:
    """Bytes that the server holds, and that Python holds of them."""
    return server.info("memory")["used_memory"], server.info()["python_bytes"]


SLOW = {"too many automatic transitions at once", "more work than one event may cause"}
"""So slow that a few times must do."""


def test_refusals_leave_nothing(limited: Server, long: bool) -> None:
    """Many of them one after the other, all in a long run; tests/core asks the engine for each."""
    r = limited.raw()
    r.execute_command("SM.SET", "k", '{"map":{"a":["b"]},"initial":"a"}')
    calls: list[tuple[str | bytes, ...]] = []
    for name, document in DOCUMENTS if long else DOCUMENTS[::3]:
        if name not in SLOW:
            calls += [("SM.SET", "k", document), ("SM.CHECK", document)]
    calls += [("SM.SET", "k", document, current) for _, document, current in CURRENTS]
    used, quiet = server_holds(limited), 0
    for _ in range(20):  # until what Python keeps for the next objects of a kind is full, and what it remembers
        if quiet == 3:
            break
        before = used
        ask(r, calls, AT_ONCE)
        used = server_holds(limited)
        quiet = quiet + 1 if used[1] <= before[1] + 1024 else 0
    ask(r, calls, 10_000 if long else 2 * AT_ONCE)
    after = server_holds(limited)
    assert r.execute_command("SM.STATE", "k") == [b"a"]
    assert after[0] - used[0] < 256 * 1024
    assert after[1] - used[1] < 64 * 1024
