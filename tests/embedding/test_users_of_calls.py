"""Another module calls SM.*: a history names the user as whom it calls, or that there is none; a token is answered as a
client's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.documents import flat
from tests.embedding.modules import compile_module
from tests.histories import assert_chained, entries
from tests.servers import MODULE, Server, wait_until

TRAIL = flat({"a": ["b"], "b": ["a"]}, "a", store={"history": 20})
EVAL = ("EVAL", "return redis.call(unpack(ARGV))", "0")
NOBODY = "(module)"


@pytest.fixture
def calls(start_server: Callable[..., Server], tmp_path: Path) -> Server:
    other = compile_module("calling_module.c", tmp_path)
    server = start_server(module=None, settings={"loadmodule": [str(MODULE), str(other)]})
    server.own.execute_command("ACL", "SETUSER", "alice", "on", ">pw", "~*", "+@all")
    return server


def ask(r: redis.Redis, through: str, flags: str, *words: str) -> Any:
    now = ("CALLS.NOW", flags)
    if through == "the client":
        return r.execute_command(*now, *words)
    if through == "a transaction":
        with r.pipeline(transaction=True) as pipe:
            pipe.execute_command(*now, *words)
            return pipe.execute()[0]
    if through == "a script":
        return r.execute_command(*EVAL, *now, *words)
    return r.execute_command(*now, *EVAL, *words)


@pytest.mark.parametrize("through", ["the client", "a transaction", "a script", "a script of the module's"])
@pytest.mark.parametrize(("flags", "user"), [("!", NOBODY), ("!E", NOBODY), ("!C", "alice"), ("!CE", "alice")])
def test_a_history_names_the_user_as_whom_a_module_calls(calls: Server, through: str, flags: str, user: str) -> None:
    r = calls.client(username="alice", password="pw")
    assert ask(r, through, flags, "SM.SET", "k", TRAIL) == "OK"
    assert ask(r, through, flags, "SM.SEND", "k", "b", "ID", "x") == ["b"]
    assert ask(r, through, flags, "SM.SEND", "k", "b", "ID", "x") == ["b"]
    assert ask(r, through, flags, "SM.MUTATE", "k", "a", "why", "FORCE") == "OK"
    assert ask(r, through, flags, "SM.RESET", "k") == "OK"
    assert [one["user"] for one in assert_chained(r, "k")] == [user] * 4
    r.execute_command("SM.SEND", "k", "b")
    assert entries(r, "k", "COUNT", 1)[0]["user"] == "alice"


@pytest.mark.parametrize("through", [(), EVAL], ids=["itself", "a script"])
@pytest.mark.parametrize("flags", ["!", "!E", "!C", "!CE"])
def test_a_modules_timer_is_nobody(calls: Server, through: tuple[str, ...], flags: str) -> None:
    r = calls.client(username="alice", password="pw")
    r.execute_command("SM.SET", "k", TRAIL)
    assert r.execute_command("CALLS.LATER", flags, *through, "SM.SEND", "k", "b", "ID", "x") == "OK"
    wait_until(lambda: r.execute_command("CALLS.LAST") != -2, "the timer calls")
    newest = entries(r, "k", "COUNT", 1)[0]
    if newest["revision"] == 2:
        assert (newest["user"], newest["event"]) == (NOBODY, "b")
        assert r.execute_command("SM.SEND", "k", "b", "ID", "x") == ["b"]
    else:
        assert "C" in flags, "as whose user, a timer cannot say"
    assert r.execute_command("CALLS.LATER", "!", "SM.SET", "k", TRAIL) == "OK"
    wait_until(lambda: r.execute_command("CALLS.LAST") != -2, "the timer calls")
    assert entries(r, "k")[-1]["user"] == NOBODY
