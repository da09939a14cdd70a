"""What is refused of a machine with data, 10,000 times: ``used_memory`` and the machine are what they were."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.charts_with_data import DOOR, ORDER, assign
from tests.documents import compact
from tests.servers import Server, wait_until

AT_ONCE = 500
TIMES = 10_000
LARGE = '{"amount":"' + "x" * 1000 + '"}'
FRESH = '{"n":%d}'


def chart(*actions: Any, **guard: Any) -> str:
    """A chart that does this for the event E."""
    on = {"E": {"target": "b", "actions": list(actions), **guard}}
    return compact({"initial": "a", "context": {"n": 0}, "states": {"a": {"on": on}, "b": {}}})


REFUSED: dict[str, tuple[str, tuple[str | bytes, ...]]] = {
    "GUARD": ("GUARD", ("SM.SEND", "door", "OPEN")),
    "GUARD in a question": ("GUARD", ("SM.CAN", "door", "OPEN")),
    "GUARD, with DATA": ("GUARD", ("SM.SEND", "door", "OPEN", "DATA", FRESH)),
    "EXPR: no such member": ("EXPR", ("SM.SEND", "order", "PAY", "DATA", FRESH)),
    "EXPR: a type": ("EXPR", ("SM.SEND", "order", "PAY", "DATA", LARGE, "EFFECTS")),
    "EXPR: an overflow": ("EXPR", ("SM.SEND", "order", "PAY", "DATA", '{"amount":9223372036854775807}')),
    "EXPR: behind an assign": ("EXPR", ("SM.SEND", "half", "E", "DATA", FRESH)),
    "EXPR: too many steps": ("EXPR", ("SM.SEND", "loop", "E", "DATA", FRESH)),
    "a context too large": ("ERR", ("SM.SEND", "grows", "E")),
    "DATA not JSON": ("ERR", ("SM.SEND", "order", "PAY", "DATA", '{"amount":')),
    "DATA not UTF-8": ("ERR", ("SM.SEND", "order", "PAY", "DATA", b'{"amount":"\xff"}')),
    "DATA no object": ("ERR", ("SM.SEND", "order", "PAY", "DATA", "[1]")),
    "DATA with a type": ("ERR", ("SM.SEND", "order", "PAY", "DATA", '{"type":"x"}')),
    "DATA with a member twice": ("ERR", ("SM.SEND", "order", "PAY", "DATA", '{"a":1,"a":2}')),
    "DATA too deep": ("ERR", ("SM.SEND", "order", "PAY", "DATA", '{"a":' * 100 + "1" + "}" * 100)),
    "DATA too large": ("ERR", ("SM.SEND", "order", "PAY", "DATA", '{"a":"%s"}' % ("x" * 70_000))),
    "INPUT not JSON": ("ERR", ("SM.RESET", "order", "INPUT", "{")),
    "INPUT of SM.SET": ("ERR", ("SM.SET", "order", ORDER, "INPUT", "[]")),
    "a start that fails": ("EXPR", ("SM.RESET", "order", "INPUT", "{}", "GUARDS", "0")),
    "an unknown guard": ("ERR", ("SM.SEND", "order", "SKIP", "GUARDS", "1", "isVop")),
    "many unknown guards": ("ERR", ("SM.SEND", "order", "SKIP", "GUARDS", "99", *(f"g{n}" for n in range(99)))),
    "a guard not UTF-8": ("ERR", ("SM.SEND", "order", "SKIP", "GUARDS", "1", b"\xff")),
    "a wrong count": ("ERR", ("SM.SEND", "order", "SKIP", "GUARDS", "2", "isVip")),
    "an unknown option": ("ERR", ("SM.SEND", "order", "PAY", "DATE", "{}")),
    "options twice": ("ERR", ("SM.SEND", "order", "PAY", "DATA", "{}", "DATA", "{}")),
    "options that exclude each other": ("ERR", ("SM.SEND", "order", "PAY", "ACTIONS", "EFFECTS")),
    "IF without a condition": ("ERR", ("SM.SET", "order", ORDER, "IF", "MAYBE")),
    "SM.APPLY of rubbish": ("ERR", ("SM.APPLY", "order", b"\x01\x03\x00rubbish")),
    "SM.APPLY of nothing": ("ERR", ("SM.APPLY", "order", b"")),
    "SM.APPLY of a context that is none": (
        "ERR",
        ("SM.APPLY", "order", b"\1\3\0\2\0\0\0\1\1\5\0\0\0\0\0\0\0\1\1\1\0\0\0{"),
    ),
    "a snapshot that is none": ("ERR", ("SM.SET", "order", ORDER[:-1] + ',"snapshot":{"status":"x"}}')),
    "a token of another event": ("ERR", ("SM.SEND", "kept", FRESH, "ID", "used")),
    "a token with other data": ("ERR", ("SM.SEND", "kept", "GO", "DATA", FRESH, "ID", "used", "EFFECTS")),
    "a token of another command": ("ERR", ("SM.DONE", "kept", "t@1", FRESH, "ID", "used")),
    "a token that is too long": ("ERR", ("SM.RESET", "kept", "ID", "x" * 65)),
    "a token where none are kept": ("ERR", ("SM.SEND", "door", "SHUT", "ID", FRESH)),
    "GUARD, with a token": ("GUARD", ("SM.SEND", "kept", "ASK", "ID", FRESH, "REASON", FRESH)),
    "EXPR, with a token": ("EXPR", ("SM.SEND", "kept", "FAIL", "ID", FRESH, "REASON", FRESH)),
    "CONFLICT, with a token": ("CONFLICT", ("SM.SEND", "kept", "GO", "ID", FRESH, "IFREV", "7")),
    "a reason that is no text": ("ERR", ("SM.SEND", "kept", "GO", "ID", FRESH, "REASON", b"\xff")),
    "entries before none": ("ERR", ("SM.HISTORY", "kept", "BEFORE", FRESH)),
    "an entry from outside": (
        "ERR",
        ("SM.APPLY", "kept", b"\1\3\0\2\0\0\0\1\1\3" + 7 * b"\0" + b"\1\x08\4\0\0\0\5\1\0\0"),
    ),
    "a token from outside": (
        "ERR",
        ("SM.APPLY", "kept", b"\1\3\0\2\0\0\0\1\1\3" + 7 * b"\0" + b"\1\x0a\4\0\0\0\5\1\1\0"),
    ),
    "an expression that is none": ("ERR", ("SM.SET", "order", chart(assign(n="1 +")))),
}
SLOW = {"EXPR: too many steps", "a context too large", "DATA too large", "INPUT of SM.SET", "a snapshot that is none"}
"""Some hundred times must do, but in a long run."""


KEPT = compact(
    {
        "initial": "a",
        "context": {"n": 0},
        "store": {"history": 5, "idempotency": 5, "expire": "1d"},
        "states": {
            "a": {"on": {"GO": "b", "ASK": {"guard": "allowed", "target": "b"}}},
            "b": {"on": {"FAIL": {"actions": assign(n="context.missing")}, "ASK": {"guard": "allowed", "target": "a"}}},
        },
    }
)


def prepare(server: Server) -> None:
    r = server.own
    r.execute_command("SM.SET", "kept", KEPT)
    r.execute_command("SM.SEND", "kept", "GO", "ID", "used", "REASON", "why")
    input_ = ORDER.replace("has(input.total) ? input.total : 30", "input.total")
    r.execute_command("SM.SET", "order", input_, "INPUT", '{"total":30}')
    r.execute_command("SM.SEND", "order", "PAY", "DATA", '{"amount":1}')
    r.execute_command("SM.SET", "door", DOOR)
    r.execute_command("SM.SET", "half", chart(assign(n="context.n + 1"), assign(n="event.missing")))
    ten = "[0,1,2,3,4,5,6,7,8,9]"
    nested = f"{ten}.all(a, {ten}.all(b, {ten}.all(c, {ten}.all(d, {ten}.all(e, true)))))"
    r.execute_command("SM.SET", "loop", chart(guard={"@expr": nested}))
    grown = {**json.loads(chart(assign(m="context.n"))), "context": {"n": "x" * 40_000}}
    r.execute_command("SM.SET", "grows", compact(grown))


def ask(server: Server, code: str, words: tuple[str | bytes, ...], times: int) -> None:
    with server.socket() as wire:
        for start in range(0, times, AT_ONCE):
            count = min(AT_ONCE, times - start)
            for number in range(start, start + count):
                wire.send(*(word % number if word == FRESH else word for word in words))
            for _ in range(count):
                reply = wire.reply()
                assert reply.startswith(b"-" + code.encode() + b" "), reply


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_leaves_nothing(server: Server, long: bool, name: str) -> None:
    prepare(server)
    code, words = REFUSED[name]
    keys = sorted(server.own.keys())
    clients = server.info("clients")["connected_clients"]

    def held() -> tuple[int, int]:
        wait_until(lambda: server.info("clients")["connected_clients"] <= clients, "a client goes, and its buffers")
        return server.info("memory")["used_memory"], server.info()["python_bytes"]

    slow = name in SLOW and not long
    before, last = (0, 0), (-1, -1)
    for _ in range(10):  # until what Python keeps for the next objects of a kind is full
        if before[1] <= last[1]:
            break
        last = before
        ask(server, code, words, AT_ONCE // 2)
        before = held()
    digests = server.digest(*keys)
    ask(server, code, words, AT_ONCE if slow else TIMES)
    after = held()
    assert server.digest(*keys) == digests
    assert sorted(server.own.keys()) == keys
    assert after[0] - before[0] < 64 * 1024
    assert after[1] - before[1] < 16 * 1024
