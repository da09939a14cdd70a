"""Another module calls SM.* by RM_Call, as a client's user or as none, from its timers and through EVAL: it is answered
as a client is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.documents import compact
from tests.embedding.modules import compile_module
from tests.groups import caught_up, follow
from tests.servers import MODULE, Server, wait_until
from tests.timers.charts import CHARGE, handles, state

FLAGS = ["!", "!C", "!E", "!CE", "!SE", "!MES"]
STRING, ERROR, INTEGER, ARRAY, NULL = range(5)
EFFECTS = compact(
    {
        "id": "order",
        "initial": "open",
        "context": {"n": 0},
        "store": {"outbox": {"stream": "effects", "of": "effects"}},
        "states": {"open": {"on": {"PAY": {"target": "paid", "actions": "mail"}}}, "paid": {}},
    }
)


@pytest.fixture
def calls(start_server: Callable[..., Server], tmp_path: Path) -> Server:
    other = compile_module("calling_module.c", tmp_path)
    return start_server(module=None, settings={"loadmodule": [str(MODULE), str(other)]})


def lua(r: redis.Redis, *words: str) -> Any:
    return r.eval("return redis.call(unpack(ARGV))", 0, *words)


OF_SCRIPTS = [flags for flags in FLAGS if "S" not in flags]
"""S asks for what a script may do: EVAL is none of it."""
WAYS = [(way, flags) for way in ("the client", "a script") for flags in FLAGS]
WAYS += [("a script of the module's", flags) for flags in OF_SCRIPTS]


@pytest.mark.parametrize(("through", "flags"), WAYS)
def test_commands_by_a_module_answer(calls: Server, through: str, flags: str) -> None:
    r = calls.client()

    def ask(*words: str) -> Any:
        if through == "the client":
            return r.execute_command("CALLS.NOW", flags, *words)
        if through == "a script":
            return lua(r, "CALLS.NOW", flags, *words)
        return r.execute_command("CALLS.NOW", flags, "EVAL", "return redis.call(unpack(ARGV))", "0", *words)

    assert ask("SM.SET", "k", CHARGE) == "OK"
    assert ask("SM.SEND", "k", "PAY") == ["charging"]
    (handle,) = handles(r, "k")
    assert ask("SM.DONE", "k", "charge@1") is None
    assert ask("SM.DONE", "k", handle, "1") == ["paid"]
    assert ask("SM.SET", "w", '{"initial":"a","states":{"a":{"after":{"600000":"b"}},"b":{}}}') == "OK"
    assert len(ask("SM.PENDING", "w")) == 1
    assert ask("SM.FIRE", "w", handles(r, "w")[0]) == ["b"]
    assert ask("SM.STATE", "k") == ["paid"]
    assert ask("SM.SET", "e", EFFECTS) == "OK"
    assert ask("SM.SEND", "e", "PAY") == ["paid"]
    assert r.xlen("effects") == 1
    with pytest.raises(redis.ResponseError, match=r"no option of|syntax"):
        ask("SM.SEND", "k", "PAY", "NO SUCH", "OPTION")


@pytest.mark.parametrize("flags", FLAGS)
def test_commands_from_a_modules_timer_answer(calls: Server, start_server: Callable[..., Server], flags: str) -> None:
    """With the user of the context a timer has none: the server refuses the call itself, or it has no user's rights."""
    replica = start_server()
    follow(calls, replica)
    r = calls.client()
    r.execute_command("SM.SET", "k", CHARGE)
    r.execute_command("SM.SET", "e", EFFECTS)

    def ask(*words: str) -> int:
        assert r.execute_command("CALLS.LATER", flags, *words) == "OK"
        wait_until(lambda: r.execute_command("CALLS.LAST") != -2, "the timer calls")
        return int(r.execute_command("CALLS.LAST"))

    refused = {-1, ERROR}
    assert ask("SM.SEND", "k", "PAY") in {ARRAY, *(refused if "C" in flags else ())}
    if state(r, "k") == ["charging"]:
        assert ask("SM.DONE", "k", handles(r, "k")[0], "1") == ARRAY
        assert ask("SM.SEND", "e", "PAY") == ARRAY
        assert ask("SM.SEND", "e", "PAY") == NULL
        assert ask("SM.SEND", "e") in refused
        how = ("EVAL", "return redis.call(unpack(ARGV))", "0") if flags in OF_SCRIPTS else ()
        assert ask(*how, "SM.SET", "k", CHARGE) == STRING
        assert ask(*how, "SM.SEND", "k", "PAY") == ARRAY
        assert (state(r, "k"), state(r, "e"), r.xlen("effects")) == (["charging"], ["paid"], 1)
    else:
        assert "C" in flags
    caught_up(calls, replica)
    assert calls.digest("k", "e") == replica.digest("k", "e")
