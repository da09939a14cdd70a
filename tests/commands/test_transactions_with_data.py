"""MULTI/EXEC, WATCH and Lua with machines that keep data; replicas get each step's outcome once, in its order."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import redis

from tests.charts_with_data import DOOR, ORDER
from tests.groups import STRICT, assert_same, caught_up, follow
from tests.servers import Server


def pay(amount: object) -> tuple[str, ...]:
    return ("SM.SEND", "k", "PAY", "DATA", json.dumps({"amount": amount}))


def paid(r: redis.Redis) -> object:
    return json.loads(r.execute_command("SM.GET", "k", "CONTEXT"))["paid"]


def test_in_a_transaction_each_step_sees_the_one_before_it(r: redis.Redis) -> None:
    with r.pipeline(transaction=True) as pipe:
        for words in (("SM.SET", "k", ORDER), pay(10), pay("x"), pay(5), ("SM.GET", "k", "CONTEXT"), pay(15), pay(1)):
            pipe.execute_command(*words)
        replies = pipe.execute(raise_on_error=False)
    assert isinstance(replies.pop(2), redis.ResponseError)
    assert replies == ["OK", ["open"], ["open"], '{"total":30,"paid":15}', ["paid"], None]
    assert r.execute_command("SM.GET", "k", "REVISION") == 4


CHANGES = [
    pay(1),
    pay(0),
    ("SM.SEND", "k", "HOLD"),
    ("SM.SEND", "k", "SKIP", "GUARDS", "1", "isVip"),
    ("SM.MUTATE", "k", "open", "FORCE"),
    ("SM.RESET", "k"),
    ("SM.RESET", "k", "INPUT", '{"total": 5}'),
    ("SM.SET", "k", ORDER, "IF", "PRESENT"),
    ("SM.SET", "missing", ORDER, "IF", "ABSENT"),
]
NO_CHANGES = [
    pay("x"),
    ("SM.SEND", "k", "PAY", "DATA", "{"),
    ("SM.SEND", "k", "PAY"),
    ("SM.SEND", "k", "SKIP"),
    ("SM.SEND", "k", "SKIP", "GUARDS", "0"),
    ("SM.SEND", "k", "SKIP", "GUARDS", "1", "isVop"),
    ("SM.CAN", "k", "PAY", "DATA", '{"amount": 1}', "WHY"),
    ("SM.SET", "k", ORDER, "IF", "ABSENT"),
    ("SM.SET", "missing", ORDER, "IF", "PRESENT"),
    ("SM.SET", "k", ORDER, "INPUT", "[]"),
    ("SM.APPLY", "k", "rubbish"),
    ("SM.GET", "k", "SNAPSHOT"),
]


@pytest.mark.parametrize(
    ("command", "wakes"), [(one, True) for one in CHANGES] + [(one, False) for one in NO_CHANGES], ids=repr
)
def test_watch(server: Server, command: tuple[str, ...], wakes: bool) -> None:
    r, other = server.client(), server.client()
    r.execute_command("SM.SET", "k", ORDER)
    with r.pipeline() as pipe:
        pipe.watch("k", "missing")
        try:
            other.execute_command(*command)
        except redis.ResponseError:
            assert not wakes
        pipe.multi()
        pipe.execute_command(*pay(2))
        if wakes:
            with pytest.raises(redis.WatchError):
                pipe.execute()
        else:
            assert pipe.execute() == [["open"]]
            assert paid(r) == 2


SCRIPT = """
    redis.call('SM.SET', KEYS[1], ARGV[1], 'INPUT', '{"total": 12}')
    local taken = redis.call('SM.SEND', KEYS[1], 'PAY', 'DATA', '{"amount": 5}', 'EFFECTS')
    local failed = redis.pcall('SM.SEND', KEYS[1], 'PAY', 'DATA', '{}')
    local unsaid = redis.pcall('SM.SEND', KEYS[1], 'SKIP')
    local last = redis.call('SM.SEND', KEYS[1], 'PAY', 'DATA', cjson.encode({amount = 7}), 'EFFECTS')
    return {taken[2][1], taken[6], failed.err, unsaid.err, last[4][1], last[8]}
"""


def test_lua(r: redis.Redis) -> None:
    reply = r.eval(SCRIPT, 1, "k", ORDER)
    assert isinstance(reply, list)
    assert reply[:2] == ["open", 2]
    assert reply[2].startswith("EXPR ")
    assert reply[3].startswith("GUARD ")
    assert reply[4:] == ['{"type":"receipt","params":{"amount":7}}', "done"]


def test_lua_in_resp3(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", ORDER)
    script = (
        "redis.setresp(3)"
        " local map = redis.call('SM.SEND', 'k', 'PAY', 'DATA', '{\"amount\": 30}', 'EFFECTS').map"
        " return {map.states[1], map.effects[1], map.revision, map.status}"
    )
    assert r.eval(script, 0) == ["paid", '{"type":"receipt","params":{"amount":30}}', 2, "done"]


def test_a_script_stopped_half_way_keeps_what_it_did(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", ORDER)
    with pytest.raises(redis.ResponseError):
        r.eval("redis.call('SM.SEND', 'k', 'PAY', 'DATA', '{\"amount\": 3}'); redis.call('SM.SEND', 'k', 'PAY')", 0)
    assert paid(r) == 3


def test_replicas_get_what_transactions_and_scripts_did(start_server: Callable[..., Server]) -> None:
    """Also where a step in them was refused: the replica stops at what it cannot apply."""
    primary, replica = (start_server(settings={**STRICT, "appendonly": "yes"}) for _ in range(2))
    primary.wait_for_child()
    follow(primary, replica)
    r = primary.own
    r.execute_command("SM.SET", "door", DOOR)
    for _ in range(3):
        with r.pipeline(transaction=True) as pipe:
            for words in (("SM.SET", "k", ORDER), pay(10), pay("x"), ("SM.SEND", "k", "HOLD"), ("SM.SEND", "k", "GO")):
                pipe.execute_command(*words)
            pipe.execute_command("SM.SEND", "door", "OPEN", "GUARDS", "1", "hasKey")
            pipe.execute_command("SM.SEND", "door", "SLAM", "DATA", '{"force": 5}', "EFFECTS")
            pipe.execute(raise_on_error=False)
        r.eval(SCRIPT, 1, "by script", ORDER)
        with pytest.raises(redis.ResponseError):
            r.eval("redis.call('SM.SEND', 'k', 'PAY', 'DATA', '{\"amount\": 3}'); error('enough')", 0)
    caught_up(primary, replica)
    assert_same(primary, replica)
    assert paid(replica.own) == 13
    primary.restart()
    assert_same(primary, replica)
