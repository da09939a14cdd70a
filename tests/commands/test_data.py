"""Machines with data: the options of the commands, effects, guards, revisions, SM.GET's words."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from tests.charts_with_data import DOOR, ORDER
from tests.documents import README
from tests.servers import Server


def pay(amount: object) -> tuple[str, str]:
    return ("DATA", json.dumps({"amount": amount}))


@pytest.fixture
def order(r: redis.Redis) -> redis.Redis:
    """A client of a server with an order at the key k, which wants 30."""
    assert r.execute_command("SM.SET", "k", ORDER) == "OK"
    return r


def context(r: redis.Redis, key: str = "k") -> Any:
    return json.loads(r.execute_command("SM.GET", key, "CONTEXT"))


def refused(r: redis.Redis, *command: object) -> str:
    """The error that a command answers; nothing has changed."""
    before = [r.execute_command("DEBUG", "DIGEST-VALUE", key) for key in sorted(r.keys())]
    with pytest.raises(redis.ResponseError) as caught:
        r.execute_command(*command)
    assert [r.execute_command("DEBUG", "DIGEST-VALUE", key) for key in sorted(r.keys())] == before
    return str(caught.value)


# Steps


def test_a_guard_decides_and_an_assign_changes(order: redis.Redis) -> None:
    assert order.execute_command("SM.SEND", "k", "PAY", *pay(20)) == ["open"]
    assert context(order) == {"total": 30, "paid": 20}
    assert order.execute_command("SM.GET", "k", "STATUS") == "active"
    assert order.execute_command("SM.SEND", "k", "PAY", *pay(10), "ACTIONS") == [["paid"], ["receipt"]]
    assert context(order) == {"total": 30, "paid": 30}
    assert order.execute_command("SM.GET", "k", "STATUS") == "done"
    assert order.execute_command("SM.GET", "k", "OUTPUT") == "30"
    assert order.execute_command("SM.SEND", "k", "PAY", *pay(1)) is None


@pytest.mark.parametrize("protocol", [2, 3])
def test_effects(server: Server, protocol: int) -> None:
    r = server.raw(protocol)
    r.execute_command("SM.SET", "k", ORDER)
    flat = [
        b"states", [b"paid"], b"effects", [b'{"type":"receipt","params":{"amount":30}}'], b"revision", 2,
        b"status", b"done",
    ]  # fmt: skip
    whole = dict(zip(flat[::2], flat[1::2], strict=True)) if protocol == 3 else flat
    reply = r.execute_command("SM.SEND", "k", "PAY", *pay(30), "EFFECTS")
    assert reply == whole


def test_what_is_remembered_answers_the_revision_of_its_machine(server: Server) -> None:
    """A step that touches no data is asked of the engine once, whatever its machine keeps."""
    r = server.client(3)
    for key in ("k", "other"):
        r.execute_command("SM.SET", key, ORDER.replace("tell", "say"))  # of no other test
    for round_ in range(3):
        before = server.info()["engine_calls"]
        for key in ("k", "other"):
            held = r.execute_command("SM.SEND", key, "HOLD", "EFFECTS")
            again = r.execute_command("SM.SEND", key, "GO", "EFFECTS")
            assert [held["revision"], again["revision"]] == [2 * round_ + 2, 2 * round_ + 3]
            assert held["effects"] == ['{"type":"say"}']
        assert server.info()["engine_calls"] - before == (0 if round_ else 2)
    assert context(r) == {"total": 30, "paid": 0}


def test_no_revision_without_data(server: Server) -> None:
    r = server.client(3)
    r.execute_command("SM.SET", "k", README)
    reply = r.execute_command("SM.SEND", "k", "boo", "EFFECTS")
    assert reply == {"states": ["boo"], "effects": [], "revision": None, "status": "active"}
    for word, answer in (("REVISION", None), ("CONTEXT", None), ("OUTPUT", None), ("STATUS", "active")):
        assert r.execute_command("SM.GET", "k", word) == answer
    snapshot = json.loads(r.execute_command("SM.GET", "k", "SNAPSHOT"))
    assert (snapshot["value"], snapshot["status"]) == ("boo", "active")


def test_every_step_counts(server: Server, order: redis.Redis) -> None:
    r = order

    def revision() -> int:
        return int(r.execute_command("SM.GET", "k", "REVISION"))

    assert revision() == 1
    for number, command in enumerate(
        [
            ("SM.SEND", "k", "PAY", *pay(0)),  # stays where it is, with what it has
            ("SM.MUTATE", "k", "held"),
            ("SM.MUTATE", "k", "open", "why", "FORCE"),
            ("SM.RESET", "k"),
            ("SM.SET", "k", ORDER),
        ],
        2,
    ):
        writes = server.writes()
        assert r.execute_command(*command)
        assert revision() == number
        assert server.writes() > writes
    assert r.execute_command("SM.SEND", "k", "NOTHING") is None
    assert revision() == 6
    r.delete("k")
    r.execute_command("SM.SET", "k", ORDER)
    assert revision() == 1


@pytest.mark.parametrize("data", ["{}", '{"amount": "x"}', '{"amount": 9223372036854775807}', None])
def test_an_expression_that_fails_changes_nothing(server: Server, order: redis.Redis, data: str | None) -> None:
    """A missing member, a wrong type, an overflow, no data at all."""
    order.execute_command("SM.SEND", "k", "PAY", *pay(1))
    before = order.execute_command("SM.GET", "k")
    with server.socket() as wire:
        wire.send("SM.SEND", "k", "PAY", *(("DATA", data) if data else ()))
        assert wire.reply().startswith(b"-EXPR ")
    assert order.execute_command("SM.GET", "k") == before
    assert order.execute_command("SM.GET", "k", "REVISION") == 2


@pytest.mark.parametrize("data", ["", "x", "[1]", "1", '{"type": "x"}', '{"a":1,"a":2}', b"\xff", '{"a":NaN}'])
def test_data_that_is_none(order: redis.Redis, data: str | bytes) -> None:
    assert "DATA" in refused(order, "SM.SEND", "k", "PAY", "DATA", data)


# Guards of the client's


def test_a_guard_that_was_not_said(server: Server) -> None:
    r = server.client()
    r.execute_command("SM.SET", "k", DOOR)
    with server.socket() as wire:
        for words in (("SM.SEND", "k", "OPEN"), ("SM.CAN", "k", "OPEN"), ("SM.MUTATE", "k", "open")):
            wire.send(*words)
            reply = wire.reply()
            assert reply.startswith(b"-GUARD ") and b"'hasKey'" in reply
    assert "isVip" in refused(r, "SM.SEND", "k", "OPEN", "GUARDS", "1", "isVip")
    assert r.execute_command("SM.SEND", "k", "OPEN", "GUARDS", "0") is None
    assert r.execute_command("SM.SEND", "k", "OPEN", "GUARDS", "1", "hasKey", "ACTIONS") == [["open"], ["creak"]]


def test_a_step_that_depends_on_guards_alone_is_remembered_for_each_set_of_them(server: Server) -> None:
    r = server.client()
    r.execute_command("SM.SET", "k", DOOR.replace("creak", "squeak"))  # of no other test

    def round_() -> int:
        before = server.info()["engine_calls"]
        assert r.execute_command("SM.SEND", "k", "OPEN", "GUARDS", "0") is None
        assert r.execute_command("SM.SEND", "k", "OPEN", "GUARDS", "1", "hasKey") == ["open"]
        assert r.execute_command("SM.SEND", "k", "SHUT") == ["shut"]
        return int(server.info()["engine_calls"] - before)

    assert [round_() for _ in range(3)] == [3, 0, 0]


def test_what_depends_on_the_event_is_asked_each_time(server: Server) -> None:
    r = server.client()
    r.execute_command("SM.SET", "k", DOOR, "open")
    for _ in range(2):
        for force, answer in ((1, None), (9, ["shut"])):
            r.execute_command("SM.MUTATE", "k", "open", "FORCE")
            before = server.info()["engine_calls"]
            assert r.execute_command("SM.SEND", "k", "SLAM", "DATA", json.dumps({"force": force})) == answer
            assert server.info()["engine_calls"] == before + 1


# Questions


def test_can_and_why(order: redis.Redis) -> None:
    assert order.execute_command("SM.CAN", "k", "PAY", *pay(1)) == 1
    assert order.execute_command("SM.CAN", "k", "HOLD") == 1
    assert order.execute_command("SM.CAN", "k", "GO") == 0
    assert order.execute_command("SM.CAN", "k", "SKIP", "GUARDS", "0") == 0
    assert order.execute_command("SM.CAN", "k", "SKIP", "guards", "1", "isVip") == 1
    why = order.execute_command("SM.CAN", "k", "PAY", *pay(1), "WHY")
    assert why == [["$.states.open.on.PAY[0]", "guard 'covers' is false"], ["$.states.open.on.PAY[1]", "taken"]]
    assert order.execute_command("SM.CAN", "k", "SKIP", "WHY") == [
        ["$.states.open.on.SKIP", "guard 'isVip' is the client's"]
    ]
    assert order.execute_command("SM.CAN", "k", "NOTHING", "WHY") == []
    assert order.execute_command("SM.CAN", "missing", "PAY", "WHY") is None


# SM.SET


def test_input(r: redis.Redis) -> None:
    assert r.execute_command("SM.SET", "k", ORDER, "INPUT", '{"total": 5}') == "OK"
    assert context(r) == {"total": 5, "paid": 0}
    assert r.execute_command("SM.RESET", "k", "INPUT", '{"total": 7}') == "OK"
    assert context(r) == {"total": 7, "paid": 0}
    assert r.execute_command("SM.RESET", "k") == "OK"
    assert context(r) == {"total": 30, "paid": 0}
    assert "INPUT" in refused(r, "SM.SET", "k", ORDER, "INPUT", "[")


GATE = """{"id":"%s","initial":"a","states":{"a":{"always":{"guard":"isVip","target":"b"}},"b":{}}}"""


def test_a_text_that_came_with_options_is_compiled_once(server: Server) -> None:
    """A start that depends on what is given is asked each time, but for one that guards alone decide."""
    r = server.client()

    def calls(*command: str) -> int:
        before = server.info()["engine_calls"]
        assert r.execute_command(*command) == "OK"
        return int(server.info()["engine_calls"] - before)

    order = ORDER.replace("order", "ordered")  # of no other test
    totals = []
    for number in range(1, 4):
        totals.append(calls("SM.SET", "k", order, "INPUT", json.dumps({"total": number})))
        assert context(r) == {"total": number, "paid": 0}
    assert totals == [2, 1, 1]
    assert calls("SM.SET", "k", order) == 1
    assert context(r) == {"total": 30, "paid": 0}

    gate = GATE % "once"
    assert [calls("SM.SET", "k", gate, "GUARDS", "1", "isVip") for _ in range(3)] == [2, 0, 0]
    assert r.execute_command("SM.STATE", "k") == ["b"]
    assert [calls("SM.SET", "k", gate, "GUARDS", "0") for _ in range(2)] == [1, 0]
    assert r.execute_command("SM.STATE", "k") == ["a"]
    assert "GUARDS count" in refused(r, "SM.SET", "k", gate)
    assert "'isGone' is not the client's" in refused(r, "SM.SET", "k", gate, "GUARDS", "1", "isGone")


@pytest.mark.parametrize("current", ["", ',"current":"b"'], ids=["starts", "stands"])
@pytest.mark.parametrize(
    "document",
    [
        '{"initial":"b","states":{"a":{},"b":{}}%s}',
        '{"initial":"b","context":{},"states":{"a":{},"b":{}}%s}',
        '{"initial":"b","states":{"a":{"type":"final","output":1},"b":{}},"output":2%s}',
        '{"map":{"b":["a"]},"initial":"b"%s}',
    ],
    ids=["chart", "context", "output", "map"],
)
def test_what_is_given_wrongly_is_refused_of_a_known_text_too(r: redis.Redis, document: str, current: str) -> None:
    for _ in range(2):
        for more in ((), ("CURRENT", "a")):
            assert "INPUT" in refused(r, "SM.SET", "k", document % current, "INPUT", "[", *more)
            assert "'isVip' is not the client's" in refused(
                r, "SM.SET", "k", document % current, "GUARDS", "1", "isVip", *more
            )
        assert r.execute_command("SM.SET", "k", document % current) == "OK"


def test_a_document_that_stands_and_keeps_data_is_given_anew_what_it_reads(server: Server, r: redis.Redis) -> None:
    document = ORDER[:-1] + ',"current":"held"}'
    for total in (5, 6):
        assert r.execute_command("SM.SET", "k", document, "INPUT", json.dumps({"total": total})) == "OK"
        assert context(r) == {"total": total, "paid": 0}
        assert r.execute_command("SM.STATE", "k") == ["held"]


def test_if(server: Server, order: redis.Redis) -> None:
    order.execute_command("SM.SEND", "k", "PAY", *pay(1))
    writes = server.writes()
    assert order.execute_command("SM.SET", "k", ORDER, "IF", "ABSENT") is None
    assert order.execute_command("SM.SET", "new", ORDER, "if", "present") is None
    assert (server.writes(), context(order)["paid"], order.exists("new")) == (writes, 1, 0)
    assert order.execute_command("SM.SET", "new", ORDER, "IF", "ABSENT") == "OK"
    assert order.execute_command("SM.SET", "k", ORDER, "IF", "PRESENT", "INPUT", '{"total": 1}') == "OK"
    assert context(order) == {"total": 1, "paid": 0}
    server.config("redisstate.invalid-transition", "error")
    assert refused(order, "SM.SET", "k", ORDER, "IF", "ABSENT") == "the key is there already: 'k'"
    assert refused(order, "SM.SET", "none", ORDER, "IF", "PRESENT") == "no such key: 'none'"


def test_the_document_comes_back_whole(order: redis.Redis) -> None:
    """SM.SET of SM.GET's reply makes an equal machine, but for the revision."""
    order.execute_command("SM.SEND", "k", "PAY", *pay(7))
    for step in (None, ("SM.MUTATE", "k", "held", "why"), ("SM.MUTATE", "k", "paid", "FORCE")):
        if step:
            assert order.execute_command(*step) == "OK"
        whole = order.execute_command("SM.GET", "k")
        assert order.execute_command("SM.SET", "again", whole) == "OK"
        assert order.execute_command("SM.GET", "again") == whole
        snapshot = json.loads(whole)["snapshot"]
        assert snapshot["context"] == context(order, "again")
        assert snapshot["status"] == order.execute_command("SM.GET", "again", "STATUS")
    order.execute_command("SM.SET", "again", whole, "CURRENT", "held", "EFFECTS")
    assert context(order, "again") == context(order)
    assert order.execute_command("SM.STATE", "again") == ["held"]


def test_a_start_answers_its_effects(server: Server) -> None:
    chart = '{"initial":"a","states":{"a":{"entry":["one",{"type":"two","params":{"x":1}}]}}}'
    r = server.client(3)
    assert r.execute_command("SM.SET", "k", chart, "ACTIONS", "INPUT", "{}") == [["a"], ["one", "two"]]
    assert r.execute_command("SM.SET", "k", chart, "GUARDS", "0", "EFFECTS")["effects"] == [
        '{"type":"one"}',
        '{"type":"two","params":{"x":1}}',
    ]
    assert r.execute_command("SM.SET", "k", chart, "CURRENT", "a", "ACTIONS") == [["a"], []]
    assert r.execute_command("SM.RESET", "k", "EFFECTS")["status"] == "active"


# Options


def test_reasons(order: redis.Redis) -> None:
    order.execute_command("SM.SEND", "k", "HOLD", "REASON", "out of stock")
    assert order.execute_command("SM.GET", "k", "REASON") == "out of stock"
    order.execute_command("SM.SEND", "k", "GO")
    assert order.execute_command("SM.GET", "k", "REASON") == ""
    order.execute_command("SM.MUTATE", "k", "held", "ACTIONS")
    assert order.execute_command("SM.GET", "k", "REASON") == "ACTIONS"
    assert order.execute_command("SM.MUTATE", "k", "open", "reason", "why", "actions", "force") == [["open"], []]
    assert order.execute_command("SM.GET", "k", "REASON") == "why"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ('{"initial":"a","context":{"n":{"@expr":"1 / 0"}},"states":{"a":{},"b":{}}%s}', b"EXPR"),
        ('{"initial":"a","states":{"a":{},"b":{"type":"final"}},"output":{"@expr":"1 / 0"}%s}', b"EXPR"),
        ('{"initial":"a","context":{},"states":{"a":{}}%s}', b"ERR"),
        ('{"map":{"a":["a"]},"initial":"a"%s}', b"ERR"),
    ],
)
def test_a_document_that_cannot_stand_where_it_says(server: Server, document: str, code: bytes) -> None:
    """The error has the code of what is wrong: an expression of it, or where it stands."""
    with server.socket() as wire:
        for options in ((), ("INPUT", "{}"), ("GUARDS", "0", "EFFECTS")):
            wire.send("SM.SET", "k", document % ',"current":"b"', *options)
            assert wire.reply().startswith(b"-" + code + b" ")
    assert server.own.exists("k") == 0


ALONE = "; one word alone behind the document is current: options are two words or more"


@pytest.mark.parametrize("word", ["EFFECTS", "actions", "INPUT", "If"])
@pytest.mark.parametrize("document", [ORDER, DOOR, README], ids=["order", "door", "map"])
def test_the_name_of_an_option_alone_is_current(r: redis.Redis, document: str, word: str) -> None:
    """And where that is no state, the error says how options are written."""
    error = refused(r, "SM.SET", "k", document, word)
    assert error.endswith(f"no state '{word}'{ALONE}")
    for command in (
        ("SM.SET", "k", document, "EFFECT"),
        ("SM.SET", "k", document, "FORCE"),
        ("SM.SET", "k", document, "CURRENT", word),
        ("SM.SET", "k", document, "CURRENT", word, "EFFECTS"),
        ("SM.SET", "k", document[:-1], word),
    ):
        assert ALONE not in refused(r, *command)
    named = '{"initial":"a","states":{"a":{},"WORD":{}}}'.replace("WORD", word)
    assert r.execute_command("SM.SET", "k", named, word) == "OK"
    assert r.execute_command("SM.STATE", "k") == [word]
    fails = named.replace('"states"', '"context":{"n":{"@expr":"1 / 0"}},"states"')
    assert ALONE not in refused(r, "SM.SET", "k", fails, word)


@pytest.mark.parametrize("document", [ORDER, DOOR, README], ids=["order", "door", "map"])
def test_the_reason_of_a_reset(server: Server, document: str) -> None:
    """It is set as by other steps, replaces the old one, and is cleared by a reset without one."""
    r = server.client()
    r.execute_command("SM.SET", "k", document)
    for text in ("returned", "é \0", ""):
        assert r.execute_command("SM.RESET", "k", "REASON", text) == "OK"
        assert r.execute_command("SM.GET", "k", "REASON") == text
        assert json.loads(r.execute_command("SM.GET", "k"))["reason"] == text
    states = r.execute_command("SM.STATE", "k")
    assert r.execute_command("SM.RESET", "k", "actions", "reason", "why", "INPUT", '{"total": 5}') == [states, []]
    assert r.execute_command("SM.GET", "k", "REASON") == "why"
    assert "'REASON' is missing in" in refused(r, "SM.RESET", "k", "REASON")
    assert "not UTF-8" in refused(r, "SM.RESET", "k", "REASON", b"\xff")
    writes = server.writes()
    assert r.execute_command("SM.RESET", "k") == "OK"
    assert server.writes() > writes
    assert r.execute_command("SM.GET", "k", "REASON") == ""


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("SM.SEND", "k", "PAY", "DATA"), "syntax error: the value of 'DATA' is missing in 'SM.SEND'"),
        (("SM.MUTATE", "k", "held", "DATA"), "syntax error: the value of 'DATA' is missing in 'SM.MUTATE'"),
        (("SM.MUTATE", "k", "held", "reason"), "syntax error: the value of 'reason' is missing in 'SM.MUTATE'"),
        (("SM.SEND", "k", "PAY", "DATA", "{}", "data", "{}"), "syntax error: 'data' stands twice in 'SM.SEND'"),
        (("SM.SEND", "k", "PAY", "ACTIONS", "EFFECTS"), "'EFFECTS': ACTIONS and EFFECTS exclude each other"),
        (("SM.SEND", "k", "PAY", "GUARDS", "x"), "GUARDS wants how many names follow: 'x' is no count"),
        (("SM.SEND", "k", "PAY", "GUARDS", "-1"), "GUARDS wants how many names follow: '-1' is no count"),
        (("SM.SEND", "k", "PAY", "GUARDS", "2", "a"), "GUARDS '2' has fewer names behind it"),
        (("SM.SEND", "k", "PAY", "GUARDS", "999999999", "a"), "GUARDS '999999999' has fewer names behind it"),
        (("SM.SET", "k", ORDER, "IF", "MAYBE"), "'MAYBE' is no condition; known are IF ABSENT, IF PRESENT"),
        (("SM.SEND", "k", "PAY", "GUARDS", "1", b"\xff"), "the name of a guard is not UTF-8: byte 0"),
        (("SM.SEND", "k", "HOLD", "REASON", b"a\xff"), "the reason is not UTF-8: byte 1 is 0xff"),
    ],
    ids=str,
)
def test_options_that_are_wrong(order: redis.Redis, words: tuple[str | bytes, ...], error: str) -> None:
    assert error in refused(order, *words)


def test_many_guards_and_long_names(order: redis.Redis) -> None:
    names = [f"g{number}" for number in range(300)]
    assert "is not the client's to decide" in refused(order, "SM.SEND", "k", "SKIP", "GUARDS", "300", *names)
    assert "is not the client's" in refused(order, "SM.SEND", "k", "SKIP", "GUARDS", "1", "g" * 100_000)
    assert order.execute_command("SM.SEND", "k", "SKIP", "GUARDS", "2", "isVip", "isVip") == ["paid"]


# Data is never code


def test_data_is_never_evaluated(r: redis.Redis) -> None:
    chart = {
        "initial": "a",
        "context": {"held": None, "given": {"@expr": "input"}},
        "states": {
            "a": {"on": {"PUT": {"actions": [{"type": "@xstate.assign", "context": {"held": {"@expr": "event.x"}}},
                                             {"type": "say", "params": {"x": {"@expr": "context.held"}}}]}}}
        },
    }  # fmt: skip
    bomb = {"@expr": "1 / 0"}
    r.execute_command("SM.SET", "k", json.dumps(chart), "INPUT", json.dumps({"x": bomb}))
    assert r.execute_command("SM.SEND", "k", "PUT", "DATA", json.dumps({"x": bomb}), "ACTIONS") == [["a"], ["say"]]
    assert context(r) == {"held": bomb, "given": {"x": bomb}}
    whole = r.execute_command("SM.GET", "k")
    r.execute_command("SM.SET", "k", whole)
    assert r.execute_command("SM.GET", "k") == whole
    assert r.execute_command("SM.SEND", "k", "PUT", "DATA", json.dumps({"x": bomb})) == ["a"]
    assert context(r) == {"held": bomb, "given": {"x": bomb}}


# What a machine is


def test_a_chart_whose_start_wants_input_and_guards(r: redis.Redis) -> None:
    chart = {
        "initial": "a",
        "context": {"n": {"@expr": "input.n"}},
        "states": {"a": {"always": {"guard": "ready", "target": "b"}}, "b": {}},
    }
    assert r.execute_command("SM.SET", "k", json.dumps(chart), "INPUT", '{"n": 1}', "GUARDS", "1", "ready") == "OK"
    for words, answer in (
        (("SM.GET", "k", "INITIAL"), "a"),
        (("SM.GET", "k", "CURRENT"), "b"),
        (("SM.STATE", "k"), ["b"]),
        (("SM.STATE", "k", "LIST"), ["a", "b"]),
        (("SM.STATE", "k", "ALL"), ["a", "b"]),
        (("SM.NEXT", "k"), []),
    ):
        assert r.execute_command(*words) == answer
    assert r.execute_command("SM.DIAGRAM", "k").startswith("stateDiagram-v2")


def test_what_get_answers_of_the_largest_machine_is_taken_again(r: redis.Redis) -> None:
    document = json.loads(ORDER) | {"context": {"total": 1, "paid": 0, "text": "x" * 60_000}, "meta": ""}
    document["meta"] = "x" * (320 * 1024 - len(json.dumps(document, separators=(",", ":"))))
    assert r.execute_command("SM.SET", "k", json.dumps(document, separators=(",", ":"))) == "OK"
    r.execute_command("SM.SEND", "k", "PAY", *pay(1))
    whole = r.execute_command("SM.GET", "k")
    assert len(whole) > 320 * 1024 + 60_000
    assert r.execute_command("SM.SET", "again", whole) == "OK"
    assert r.execute_command("SM.GET", "again") == whole
