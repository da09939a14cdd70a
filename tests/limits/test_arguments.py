"""Every command with every argument that is too large, too deep or wrong: its answer, the memory that stays, and the
keys of others. On a server with the default limits; with --long each small one 100,000 times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.contract import COMMANDS
from tests.limits.table import ACCEPTED, ANY, ERROR, HOSTILE, NIL, TABLE, Call, X
from tests.limits.unharmed import prepare, unharmed
from tests.servers import Server

SMALL = 1024
"""Bytes up to which an argument is sent many times."""
KEPT = 64 * 1024
"""Bytes of ``used_memory`` that may stay: far less than one for each of the repeats."""


def answer_of(reply: Any) -> str:
    return ERROR if isinstance(reply, redis.ResponseError) else NIL if reply is None else ACCEPTED


def play(server: Server, command: tuple[str | bytes, ...], times: int) -> set[str]:
    """Sends the command so often, over a connection of its own; returns what kinds of answers came."""
    answers = set()
    with server.raw() as r:
        for start in range(0, times, 1000):
            with r.pipeline(transaction=False) as pipe:
                for _ in range(min(1000, times - start)):
                    pipe.execute_command(*command)
                answers |= {answer_of(reply) for reply in pipe.execute(raise_on_error=False)}
    return answers


def rows() -> Iterator[Any]:
    for name in COMMANDS:
        for call in TABLE.get(name, []):
            yield pytest.param(name, call, id=" ".join((name, *(word[:20] for word in call.words))))


def test_every_command_has_rows() -> None:
    assert set(COMMANDS) - set(TABLE) == set()
    assert all(X in call.words for calls in TABLE.values() for call in calls)


@pytest.mark.parametrize(("name", "call"), list(rows()))
def test_arguments(server: Server, long: bool, name: str, call: Call) -> None:
    for kind, argument in HOSTILE.items():
        words = tuple(argument if word == X else word for word in call.words)
        expected = dict(call.but).get(kind, call.answer)
        times = 3 if len(argument) > SMALL else 100_000 if long else 100
        prepare(server.own)
        play(server, (name, *words), 2)
        with unharmed(server, KEPT):
            answers = play(server, (name, *words), times)
        assert len(answers) == 1, kind
        assert expected == ANY or answers == {expected}, kind
