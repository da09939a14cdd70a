"""Charts with data that cost as much as the default limits allow: every command on them is within a bound of work, is
answered or refused with a sentence that names the limit, and harms nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from sm_core import Definition, DocumentError, Given, Limits, Machine, check_document, compile_document
from tests.limits.costly_data import COSTLY, Costly
from tests.limits.test_work import lines
from tests.limits.unharmed import prepare, unharmed
from tests.servers import Server

MOST_CPU = 0.1
"""Seconds of the server's processor for one command; in a short run, beside others, three times that."""
MOST_LINES = 700_000
"""Of the engine, executed for one document: what takes less than 100 ms."""
BEGIN = Given(guards=frozenset())
KEPT = 512 * 1024
LIMITS = re.compile(
    r"max-(elements|expression-steps|context-bytes|nesting|document-bytes)|units of work|do not end"
    r"|the expression (is longer than|has more than)|nested more than|expected|at line 1|is the client's|client decides"
    r"|not the client's to decide|number out of range|duplicate member|surrogate|no member"
)
"""In what is said where something is refused: the limit, or what is wrong."""


def cpu(server: Server) -> float:
    """Seconds that the server's main thread has run."""
    return int(Path(f"/proc/{server.pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def least(server: Server, raw: redis.Redis, document: str, call: tuple[str, ...]) -> tuple[float, str]:
    """The processor's time for a call on a fresh machine, the least of five; and the error, if it is one."""
    times = []
    error = ""
    for _ in range(5):
        with suppress(redis.ResponseError):
            raw.execute_command("SM.SET", "k", document, "GUARDS", "0")
        before = cpu(server)
        try:
            raw.execute_command(*call)
        except redis.ResponseError as refused:
            error = str(refused)
        times.append(cpu(server) - before)
        if times[-1] < MOST_CPU / 2:
            break
    return min(times), error


@pytest.mark.plain
@pytest.mark.parametrize("name", COSTLY)
def test_every_command_ends_soon_and_harms_nothing(server: Server, long: bool, name: str) -> None:
    document, calls = COSTLY[name]
    prepare(server.own)
    with server.raw() as r:  # what Python and the memo take at first
        for call in (("SM.SET", "k", document, "GUARDS", "0"), ("SM.CHECK", document), *calls):
            with suppress(redis.ResponseError):
                r.execute_command(*call)
        r.delete("k")
    with unharmed(server, KEPT), server.raw() as r:
        for call in (("SM.SET", "k", document, "GUARDS", "0"), ("SM.CHECK", document), *calls):
            taken, error = least(server, r, document, call)
            assert taken < MOST_CPU * (1 if long else 3), f"{' '.join(call)[:60]}: {taken * 1000:.0f} ms"
            assert not error or LIMITS.search(error), error
        r.delete("k")


def work(costly: Costly) -> dict[str, int]:
    """The lines of the engine that each thing executes."""
    text = costly.document.encode()
    found = {
        "SM.SET": lines(lambda: compile_document(text, Limits())),
        "SM.CHECK": lines(lambda: check_document(text, Limits())),
    }
    try:
        definition = compile_document(text, Limits()).definition
    except DocumentError:
        return found
    begun = definition.start(BEGIN)
    machine = Machine(begun.configuration, begun.context)
    data = {call[call.index("DATA") + 1] for call in costly.calls if "DATA" in call} or {"{}"}
    for event in data:
        found |= steps(definition, machine, BEGIN._replace(data=event.encode()))
    return found


def steps(definition: Definition, machine: Machine, given: Given) -> dict[str, int]:
    asked: dict[str, Callable[[], object]] = {
        "SM.SEND": lambda: definition.send(machine, "E", given),
        "WHY": lambda: definition.why(machine, "E", given),
        "SM.MUTATE": lambda: definition.mutate(machine, "z", given),
        "SM.SEND without GUARDS": lambda: definition.send(machine, "E", given._replace(guards=None)),
    }
    return {name: lines(step) for name, step in asked.items()}


@pytest.mark.parametrize("name", COSTLY)
def test_the_limits_bound_the_work(name: str) -> None:
    """Counted, not timed."""
    for what, count in work(COSTLY[name]).items():
        assert count < MOST_LINES, what
