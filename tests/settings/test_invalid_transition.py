"""redisstate.invalid-transition error: a command that would answer nil returns an error with the reason instead."""

from __future__ import annotations

import pytest
import redis

from tests.contract import COMMANDS, enough
from tests.documents import README, compact
from tests.servers import Server

ORDER = compact(
    {
        "initial": "cart",
        "states": {
            "cart": {"on": {"PLACE": "open", "DROP": "gone"}},
            "open": {"type": "parallel", "states": {"payment": {}, "parcel": {}}, "on": {"CLOSE": "gone", "HOLD": []}},
            "gone": {"type": "final"},
        },
    }
)

SEND = [
    ("cart", "SHIP", "no transition for the event 'SHIP' at 'cart'"),
    ("cart", "PLACES", "no transition for the event 'PLACES' at 'cart'; did you mean 'PLACE'?"),
    ("open", "HOLD", "no transition for the event 'HOLD' at 'open.payment', 'open.parcel'"),
    ("gone", "PLACE", "the machine is done: it takes no event any more, until it is reset or forced"),
    ("cart", "*", "'*' is no event that can be sent"),
    ("cart", "xstate.init", "'xstate.init' is no event that can be sent"),
    ("cart", b"\xff", "the event is not UTF-8: byte 0"),
    ("cart", "a\r\nb", r"no transition for the event 'a\r\nb' at 'cart'"),
]


@pytest.mark.parametrize(("current", "event", "error"), SEND)
def test_an_event_that_a_chart_does_not_take(server: Server, current: str, event: str | bytes, error: str) -> None:
    r = server.client()
    r.execute_command("SM.SET", "k", ORDER, current)
    assert r.execute_command("SM.SEND", "k", event) is None
    server.config("redisstate.invalid-transition", "error")
    for options in ((), ("ACTIONS",)):
        with server.socket() as wire:
            wire.send("SM.SEND", "k", event, *options)
            assert wire.reply() == b"-ERR " + error.encode()
    assert r.execute_command("SM.CAN", "k", event) == 0


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ("nowhere", "no state 'nowhere'"),
        ("bleee", "no state 'bleee'; did you mean 'blee'?"),
        ("bar", "no transition from 'bar' to 'bar'"),
    ],
)
def test_a_state_that_a_map_does_not_move_to(server: Server, event: str, error: str) -> None:
    r = server.client()
    r.execute_command("SM.SET", "k", README)
    server.config("redisstate.invalid-transition", "error")
    with pytest.raises(redis.ResponseError) as refused:
        r.execute_command("SM.SEND", "k", event)
    assert str(refused.value) == error


@pytest.mark.parametrize("options", [(), ("DATA", "{}", "ACTIONS")], ids=["plain", "options"])
@pytest.mark.parametrize("target", ["open", "cart", "nowhere", b"\xff"])
def test_a_machine_in_error_says_so(server: Server, target: str | bytes, options: tuple[str, ...]) -> None:
    """Whatever is asked of it; but for FORCE, which it would follow, did the state exist."""
    r = server.client()
    failed = ORDER[:-1] + ',"snapshot":{"value":"cart","status":"error","error":{"message":"x"}}}'
    r.execute_command("SM.SET", "k", failed)
    server.config("redisstate.invalid-transition", "error")
    error = "the machine's status is error: it takes no event any more, until it is reset or forced"
    for words in (("SM.SEND", "k", "PLACE"), ("SM.MUTATE", "k", target)):
        with pytest.raises(redis.ResponseError) as caught:
            r.execute_command(*words, *options)
        assert str(caught.value) == error
    with pytest.raises(redis.ResponseError, match=r"^invalid state transition: 'cart' to 'none'$"):
        r.execute_command("SM.MUTATE", "k", "none", "FORCE")
    assert r.execute_command("SM.MUTATE", "k", "gone", "FORCE") == "OK"
    with pytest.raises(redis.ResponseError, match=r"^invalid state transition: 'gone' to 'cart'$"):
        r.execute_command("SM.MUTATE", "k", "cart")


@pytest.mark.parametrize("name", [name for name in COMMANDS if COMMANDS[name].get("key_specs")])
def test_a_missing_key(server: Server, name: str) -> None:
    """An error for all commands but SM.SET and SM.CREATE, which create the key."""
    r = server.client()
    stores = name in ("SM.SET", "SM.CREATE")
    assert r.execute_command(*enough(name, "missing")) == ("OK" if stores else None)
    r.delete("missing")
    server.config("redisstate.invalid-transition", "error")
    if stores:
        assert r.execute_command(*enough(name, "missing")) == "OK"
        return
    with pytest.raises(redis.ResponseError, match=r"^no such key: 'missing'$"):
        r.execute_command(*enough(name, "missing"))
    assert r.exists("missing") == 0


def test_the_reason_is_not_remembered(server: Server) -> None:
    """Explanations are errors, which the memo does not store."""
    r = server.client()
    r.execute_command("SM.SET", "k", ORDER)
    server.config("redisstate.invalid-transition", "error")
    for _ in range(3):
        with pytest.raises(redis.ResponseError):
            r.execute_command("SM.SEND", "k", "SHIP")
    edges = server.info()["edges"]
    for _ in range(3):
        with pytest.raises(redis.ResponseError):
            r.execute_command("SM.SEND", "k", "SHIP")
    assert server.info()["edges"] == edges
