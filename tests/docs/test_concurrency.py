"""The examples of docs/concurrency.md: the page's Python where others are faster or the connection breaks, and the
Lua and SQL beside it. test_sessions.py plays what the page shows of replies."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis

from tests.docs.test_sessions import document
from tests.servers import ROOT, Server

PAGE = ROOT / "docs" / "concurrency.md"
TEXT = PAGE.read_text(encoding="utf-8")
ORDER = document(PAGE)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def page(r: redis.Redis) -> dict[str, Any]:
    """The page's functions, and an order."""
    port = r.connection_pool.connection_kwargs["port"]
    names: dict[str, Any] = {}
    for block in blocks("python")[:2]:
        definitions = re.split(r"^(?:decide|once)\(", block, flags=re.MULTILINE)[0]
        exec(definitions.replace("redis.Redis(", f"redis.Redis(port={port}, "), names)
    r.execute_command("SM.SET", "order:1", ORDER)
    return names


def test_the_pages_document_is_as_it_should_be(r: redis.Redis) -> None:
    assert r.execute_command("SM.CHECK", ORDER) == []


# ---- its Python ----


def test_who_was_overtaken_decides_anew(r: redis.Redis, page: dict[str, Any]) -> None:
    seen = []

    def choose(states: list[str]) -> str:
        seen.append(states)
        if len(seen) == 1:
            r.execute_command("SM.SEND", "order:1", "cancelled")
            r.execute_command("SM.RESET", "order:1")
        return "paid"

    assert page["decide"]("order:1", choose) == ["paid"]
    assert seen == [["placed"], ["placed"]], "it came back to the same state, and yet something happened"


def test_another_error_is_no_reason_to_decide_anew(r: redis.Redis, page: dict[str, Any]) -> None:
    r.set("order:1", "a string")
    with pytest.raises(redis.ResponseError, match=r"WRONGTYPE|wrong kind"):
        page["decide"]("order:1", lambda states: "paid")


def failing(client: redis.Redis, times: int, before: bool) -> Callable[..., Any]:
    """A client's execute_command whose connection breaks so often, before or after the command was done."""
    left = [times]

    def call(*words: Any) -> Any:
        broken, left[0] = left[0] > 0, left[0] - 1
        answer = None if broken and before else client.execute_command(*words)
        if broken:
            raise redis.ConnectionError("broken")
        return answer

    return call


@pytest.mark.parametrize("before", [True, False], ids=["command lost", "reply lost"])
def test_a_step_is_done_once_however_often_the_connection_breaks(
    r: redis.Redis, page: dict[str, Any], before: bool
) -> None:
    class Broken:
        execute_command = staticmethod(failing(r, 3, before))

    page["r"] = Broken
    for _ in range(2):
        assert page["once"]("SM.SEND", "order:1", "paid", token="t") == ["paid"]
    assert r.execute_command("SM.GET", "order:1", "REVISION") == 2
    Broken.execute_command = staticmethod(failing(r, 99, before))
    with pytest.raises(redis.ConnectionError):
        page["once"]("SM.SEND", "order:1", "packed", token="u")


def test_redis_py_sends_a_command_again_as_often_as_the_page_says() -> None:
    assert "(redis-py 7 three times, redis-py 8 ten times)" in TEXT
    assert redis.Redis().get_retry().get_retries() == {"7": 3, "8": 10}[redis.__version__.partition(".")[0]]


def test_of_two_clients_with_one_token_one_does_the_step(server: Server, r: redis.Redis, page: dict[str, Any]) -> None:
    answers: list[Any] = []

    def ask() -> None:
        answers.append(server.client().execute_command("SM.SEND", "order:1", "paid", "ID", "t"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [["paid"]] * 8
    assert r.execute_command("SM.GET", "order:1", "REVISION") == 2


# ---- what it says of tokens and the TTL ----


def test_a_token_that_was_pushed_out_is_a_new_one(r: redis.Redis, page: dict[str, Any]) -> None:
    r.execute_command("SM.MUTATE", "order:1", "packed", "FORCE")
    assert '"packed": ["packed"' in ORDER
    for number in range(65):
        r.execute_command("SM.SEND", "order:1", "packed", "ID", number)
    before = r.execute_command("SM.GET", "order:1", "REVISION")
    r.execute_command("SM.SEND", "order:1", "packed", "ID", 1)
    assert r.execute_command("SM.GET", "order:1", "REVISION") == before
    r.execute_command("SM.SEND", "order:1", "packed", "ID", 0)
    assert r.execute_command("SM.GET", "order:1", "REVISION") == before + 1


def test_guards_reasons_and_conditions_are_not_compared(r: redis.Redis, page: dict[str, Any]) -> None:
    ask = ("SM.SEND", "order:1", "paid", "ID", "t")
    first = r.execute_command(*ask, "REASON", "one", "IFREV", 1)
    assert r.execute_command(*ask, "REASON", "two", "IFSTATE", "placed") == first
    with pytest.raises(redis.ResponseError, match=r"used for SM\.SEND 'paid' with other data"):
        r.execute_command(*ask, "DATA", "{}")


def test_what_was_refused_keeps_no_token(r: redis.Redis, page: dict[str, Any]) -> None:
    assert r.execute_command("SM.SEND", "order:1", "sent", "ID", "t") is None
    with pytest.raises(redis.ResponseError, match="CONFLICT"):
        r.execute_command("SM.SEND", "order:1", "paid", "ID", "t", "IFREV", 9)
    assert r.execute_command("SM.SEND", "order:1", "paid", "ID", "t", "IFREV", 1) == ["paid"]


def test_reset_keeps_tokens_and_history_and_set_does_not(r: redis.Redis, page: dict[str, Any]) -> None:
    r.execute_command("SM.SEND", "order:1", "paid", "ID", "t")
    r.execute_command("SM.RESET", "order:1")
    assert r.execute_command("SM.SEND", "order:1", "paid", "ID", "t") == ["paid"]
    assert r.execute_command("SM.STATE", "order:1") == ["placed"]
    assert len(r.execute_command("SM.HISTORY", "order:1")) == 3
    r.execute_command("SM.SET", "order:1", ORDER)
    assert [entry[1] for entry in r.execute_command("SM.HISTORY", "order:1")] == [4]
    assert r.execute_command("SM.SEND", "order:1", "paid", "ID", "t") == ["paid"]
    assert r.execute_command("SM.STATE", "order:1") == ["paid"]


def test_leaving_takes_the_ttl_away_but_not_one_that_expire_has_set(r: redis.Redis, page: dict[str, Any]) -> None:
    for given, left in ((0, -1), (1000, 1000)):
        r.execute_command("SM.SEND", "order:1", "cancelled")
        assert r.ttl("order:1") > 2_500_000
        if given:
            r.expire("order:1", given)
        r.execute_command("SM.RESET", "order:1")
        assert r.ttl("order:1") == pytest.approx(left, abs=60 if given else 0)


def test_users_are_told_apart_also_through_a_script(server: Server, r: redis.Redis, page: dict[str, Any]) -> None:
    server.own.execute_command("ACL", "SETUSER", "van", "on", ">secret", "~*", "+@all")
    van = server.client(username="van", password="secret", protocol=3)
    van.execute_command("EVAL", "return redis.call('SM.SEND', KEYS[1], 'paid')", 1, "order:1")
    with van.pipeline(transaction=True) as pipe:
        pipe.execute_command("SM.SEND", "order:1", "packed")
        pipe.execute()
    assert [step["user"] for step in van.execute_command("SM.HISTORY", "order:1")] == ["van", "van", "default"]
    server.own.execute_command("ACL", "DELUSER", "van")


# ---- the ways of others ----


def test_the_scripts_do_what_the_page_says(r: redis.Redis) -> None:
    by_state, by_version, by_token, with_history = (r.register_script(block) for block in blocks("lua"))
    r.hset("o", mapping={"state": "placed", "version": 3})
    assert by_state(["o"], ["placed", "paid"]) == "paid"
    assert by_state(["o"], ["placed", "paid"]) is None
    assert by_version(["o"], ["3", "packed"]) == "packed"
    with pytest.raises(redis.ResponseError, match="CONFLICT"):
        by_version(["o"], ["3", "packed"])
    assert r.hget("o", "version") == "4"
    assert by_token(["o", "t"], ["sent"]) == "sent"
    assert by_token(["o", "t"], ["placed"]) == "done already"
    with_history(["o", "steps"], ["sent", "placed", "ann"])
    ((_, entry),) = r.xrange("steps")
    assert (entry, r.hget("o", "state")) == ({"from": "sent", "to": "placed", "who": "ann"}, "placed")


def test_the_sql_does_what_the_page_says() -> None:
    """In SQLite, which knows these statements as Postgres does."""
    by_state, by_version, by_token, with_history = blocks("sql")
    db = sqlite3.connect(":memory:")
    db.executescript("""
        CREATE TABLE orders (id int PRIMARY KEY, state text, version int);
        CREATE TABLE requests (token text PRIMARY KEY, answer text);
        CREATE TABLE steps (order_id int, revision int, "from" text, "to" text, who text, reason text);
        INSERT INTO orders VALUES (1, 'placed', 3);
    """)
    for statement in (by_state, by_version, by_token):
        assert [db.execute(statement).rowcount for _ in range(2)] == [1, 0]
    assert db.execute(with_history).rowcount == 1
    assert db.execute("SELECT * FROM orders").fetchall() == [(1, "sent", 4)]
    db.close()
