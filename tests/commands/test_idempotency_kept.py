"""Tokens that are kept: by copies, and by a server that was started again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from tests.documents import compact
from tests.servers import Server
from tests.timers.charts import handles
from tests.tokens import CHART, FLAT, answers


@pytest.fixture
def r(server: Server) -> redis.Redis:
    return server.client()


def with_tokens(r: redis.Redis) -> dict[tuple[str, ...], list[Any]]:
    """A machine at ``k`` that has taken steps of each command, and what they are answered with."""
    r.execute_command("SM.SET", "k", CHART)
    steps: list[tuple[str, ...]] = [
        ("SM.SEND", "k", "ADD", "DATA", '{"by":3}', "ID", "\0a"),
        ("SM.SEND", "k", "WORK", "ID", "é"),
    ]
    for step in steps:
        r.execute_command(*step)
    other = next(handle for handle in handles(r, "k") if handle.startswith("u@"))
    task = next(handle for handle in handles(r, "k") if handle.startswith("t@"))
    steps += [
        ("SM.DONE", "k", other, "null", "ID", "b"),
        ("SM.FAIL", "k", task, "ID", "c"),
        ("SM.MUTATE", "k", "done", "GUARDS", "0", "ID", "d"),
        ("SM.RESET", "k", "INPUT", '{"n":9}', "ID", "e"),
        ("SM.MUTATE", "k", "working", "REASON", "why", "FORCE", "ID", "f"),
    ]
    for step in steps[2:]:
        r.execute_command(*step)
    return {step: answers(r, *step) for step in steps}


def assert_repeated(r: redis.Redis, key: str, told: dict[tuple[str, ...], list[Any]]) -> None:
    before = r.execute_command("SM.GET", key, "REVISION")
    for (name, _, *words), expected in told.items():
        assert answers(r, name, key, *words) == expected, name
    assert r.execute_command("SM.GET", key, "REVISION") == before


def test_copies_answer_the_same(r: redis.Redis) -> None:
    told = with_tokens(r)
    r.copy("k", "copy")
    r.restore("restored", 0, r.dump("k"))
    r.rename("k", "renamed")
    for key in ("copy", "restored", "renamed"):
        assert_repeated(r, key, told)


@pytest.mark.parametrize("how", ["rdb", "aof", "aof without preamble", "aof rewritten"])
def test_a_restart_answers_the_same(start_server: Callable[..., Server], how: str) -> None:
    preamble = "no" if "without" in how or "rewritten" in how else "yes"
    aof = {"appendonly": "yes", "aof-use-rdb-preamble": preamble}
    server = start_server(settings={"save": "3600 1"} if how == "rdb" else aof)
    told = with_tokens(server.own)
    if how == "aof rewritten":
        server.own.bgrewriteaof()
        server.wait_for_child()
    server.restart()
    assert_repeated(server.own, "k", told)


def test_what_get_answers_makes_a_machine_without_tokens(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", FLAT)
    r.execute_command("SM.SEND", "k", "b", "ID", "x")
    r.execute_command("SM.SET", "again", r.execute_command("SM.GET", "k"))
    assert r.execute_command("SM.SEND", "again", "a", "ID", "x") == ["a"]


@pytest.mark.parametrize(
    "document",
    [
        {"context": {"n": 1}, "states": {"a": {"on": {"GO": "b"}}, "b": {}}},
        {"states": {"a": {"on": {"GO": "b"}, "after": {"600000": "b"}}, "b": {}}},
        {"states": {"a": {"on": {"GO": "b"}, "invoke": {"src": "s"}}, "b": {}}},
        {"store": {}, "states": {"a": {"on": {"GO": "b"}}, "b": {}}},
    ],
    ids=["context", "deadlines", "tasks", "store"],
)
def test_each_machine_that_counts_its_steps_keeps_tokens(r: redis.Redis, document: dict[str, Any]) -> None:
    r.execute_command("SM.SET", "k", compact({"initial": "a", **document}))
    assert r.execute_command("SM.SEND", "k", "GO", "ID", "x") == ["b"]
    assert r.execute_command("SM.SEND", "k", "GO", "ID", "x", "EFFECTS")[5] == 2
