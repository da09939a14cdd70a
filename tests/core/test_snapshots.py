"""Snapshots: what SM.GET answers of a machine with data, and what SM.SET takes: its own, and what XState persisted."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from sm_core import (
    Compiled,
    DocumentError,
    EngineError,
    Given,
    LimitError,
    Limits,
    Machine,
    check_document,
    compile_document,
)
from tests.core.played import Played, given
from tests.documents import compact
from tests.refused_data import assign, expr

ORDER: dict[str, Any] = {
    "id": "order",
    "initial": "open",
    "context": {"paid": 0},
    "output": {"paid": expr("context.paid")},
    "states": {
        "open": {
            "on": {"PAY": {"actions": assign(paid=expr("context.paid + event.n"))}, "CLOSE": "closed", "IN": "box"},
        },
        "box": {
            "initial": "one",
            "states": {"one": {"on": {"NEXT": "two"}}, "two": {}, "last": {"type": "history"}},
            "on": {"OUT": "open", "BACK": ".last"},
        },
        "closed": {"type": "final", "output": 1},
    },
}


def snapshot(machine: Played) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine.definition.snapshot(machine.machine))
    return found


def with_snapshot(said: dict[str, Any], document: dict[str, Any] = ORDER) -> Compiled:
    return compile_document(compact({**document, "snapshot": said}).encode(), Limits())


def after(*events: str) -> Played:
    machine = Played(ORDER)
    for event in events:
        assert machine.send(event, data={"n": 5})
    return machine


@pytest.mark.parametrize("events", [(), ("PAY",), ("PAY", "IN"), ("IN", "NEXT", "OUT"), ("PAY", "CLOSE")], ids=str)
def test_a_machine_of_its_own_snapshot_is_equal(events: tuple[str, ...]) -> None:
    machine = after(*events)
    again = with_snapshot(snapshot(machine))
    assert again.machine == machine.machine
    assert not again.starts
    assert again.definition.canonical == machine.definition.canonical


def test_an_output_may_be_null() -> None:
    document = {**ORDER, "output": expr("null")}
    machine = Played(document)
    assert machine.send("CLOSE")
    assert machine.machine.output == b"null"
    assert with_snapshot(snapshot(machine), document).machine == machine.machine


def test_a_machine_of_all_that_get_answers_is_equal() -> None:
    machine = after("PAY", "IN", "NEXT", "OUT")
    head = machine.definition.head(machine.machine.configuration)
    text = (
        head
        + b',"snapshot":'
        + machine.definition.snapshot(machine.machine).encode()
        + b","
        + machine.definition.canonical[1:]
    )
    assert compile_document(text, Limits()).machine == machine.machine
    assert compile_document(text, None).machine == machine.machine


def test_a_snapshot_has_what_xstate_persists() -> None:
    assert snapshot(after("PAY", "IN", "NEXT", "OUT")) == {
        "status": "active",
        "value": "open",
        "historyValue": {"order.box.last": [{"id": "order.box.two"}]},
        "context": {"paid": 5},
        "children": {},
    }
    assert snapshot(after("PAY", "CLOSE")) == {
        "status": "done",
        "output": {"paid": 5},
        "value": "closed",
        "historyValue": {},
        "context": {"paid": 5},
        "children": {},
    }


def test_a_machine_without_data_has_an_empty_context() -> None:
    machine = Played({"initial": "a", "states": {"a": {}}})
    assert snapshot(machine) == {"status": "active", "value": "a", "historyValue": {}, "context": {}, "children": {}}


def test_what_xstate_persists_beside_is_passed_over() -> None:
    said = {
        "status": "active",
        "value": {"box": "two"},
        "context": {"paid": 3},
        "children": {},
        "tags": ["x"],
        "_nodes": 1,
    }
    compiled = with_snapshot(said)
    assert compiled.machine is not None
    assert compiled.definition.states(compiled.machine.configuration) == ("box.two",)
    assert compiled.machine.context == b'{"paid":3}'


def test_where_the_snapshot_says_no_context_it_is_as_at_a_start() -> None:
    compiled = with_snapshot({"value": "open"})
    assert compiled.machine is not None
    assert compiled.machine.context == b'{"paid":0}'


def test_current_goes_before_the_value_of_the_snapshot() -> None:
    document = compact({**ORDER, "current": "box", "snapshot": {"value": "open", "context": {"paid": 1}}})
    compiled = compile_document(document.encode(), Limits())
    assert compiled.machine is not None
    assert compiled.definition.states(compiled.machine.configuration) == ("box.one",)
    assert compiled.machine.context == b'{"paid":1}'


def test_a_machine_in_error_takes_nothing_until_it_is_forced() -> None:
    compiled = with_snapshot({"status": "error", "value": "open", "context": {"paid": 1}, "error": {"why": 1}})
    machine = Played(ORDER)
    assert compiled.machine is not None
    machine.machine = compiled.machine
    assert snapshot(machine)["status"] == "error"
    assert snapshot(machine)["error"] == {"why": 1}
    assert not machine.send("PAY", data={"n": 1})
    assert not machine.mutate("closed")
    assert not machine.can("CLOSE")
    assert machine.why("CLOSE") == []
    assert machine.definition.next(machine.machine) == []
    assert "status is error" in machine.definition.why_not(machine.machine, "CLOSE", given())
    assert machine.force("open")
    assert machine.machine.error is None
    assert machine.can("CLOSE")


def test_a_machine_with_data_that_says_nothing_of_where_it_stands_is_to_be_started() -> None:
    compiled = compile_document(compact(ORDER).encode(), Limits())
    assert (compiled.machine, compiled.starts) == (None, True)


def test_a_plain_machine_that_depends_on_guards_is_to_be_started() -> None:
    document = {"initial": "a", "states": {"a": {"always": {"guard": "g", "target": "b"}}, "b": {}}}
    compiled = compile_document(compact(document).encode(), Limits())
    assert (compiled.machine, compiled.starts, compiled.unknown_current) == (None, True, None)
    definition = compiled.definition
    assert definition.states(definition.start(given(guards=["g"])).configuration) == ("b",)
    assert definition.states(definition.start(given(guards=[])).configuration) == ("a",)


def test_current_keeps_the_history_and_the_context_that_the_document_says() -> None:
    machine = after("PAY", "IN", "NEXT", "OUT")
    held = with_snapshot(snapshot(machine))
    outcome = held.definition.enter("box.one", held.machine, Limits(), given())
    assert outcome.context == b'{"paid":5}'
    assert b"historyValue" in held.definition.head(outcome.configuration)


# Large ones

LARGE = Limits(document_bytes=2000, context_bytes=600, states=10, elements=30)
LONG = Limits(document_bytes=20_000, context_bytes=600, states=10, elements=30)


def whole(machine: Played) -> bytes:
    """What SM.GET answers."""
    definition, stored = machine.definition, machine.machine
    head = definition.head(stored.configuration) + b',"snapshot":' + definition.snapshot(stored).encode()
    return head + b"," + definition.canonical[1:]


def full(context: str, **more: Any) -> Played:
    """A machine as large as LARGE lets it be, which is done, with an output that is as large as its context."""
    states = {"a": {"on": {"E": {"target": "z", "actions": FILL}}}, "z": {"type": "final"}}
    document = {"initial": "a", "context": {}, "states": states, "output": {"@expr": "context"}, **more}
    document["meta"] = "x" * (LARGE.document_bytes - len(compact({**document, "meta": ""})))
    machine = Played(document)
    assert compile_document(compact(document).encode(), LARGE)
    assert machine.send("E", data={"n": json.loads(context)})
    return machine


FILL = {"type": "@xstate.assign", "context": {"n": {"@expr": "event.n"}}}


@pytest.mark.parametrize(
    "context", ['"%s"' % ("x" * 590), "[" + ",".join(["[]"] * 190) + "]"], ids=["text", "brackets"]
)
def test_what_get_answers_of_the_largest_machine_is_taken_again(context: str) -> None:
    machine = full(context)
    text = whole(machine)
    assert len(text) > LARGE.document_bytes + LARGE.context_bytes
    assert compile_document(text, LARGE, Given(limits=LARGE)).machine == machine.machine
    assert [finding for finding in check_document(text, LARGE) if finding[0] == "error"] == []


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (b" " * 30, "bytes, more than max-document-bytes (2000) allows"),
        (b" " * 10_000, "bytes, more than max-document-bytes (2000) allows"),
        (b'"tags":[' + b"[]," * 250 + b"[]],", "arrays and objects, more than 250 "),
        (b'"tags":[' + b"[]," * 1000 + b"[]],", "arrays and objects, more than 250 "),
    ],
)
def test_a_document_is_no_larger_beside_a_snapshot(more: bytes, fault: str) -> None:
    text = b'{"snapshot":{},' + more + compact({**ORDER, "meta": "x" * 2000}).encode()[1:]
    with pytest.raises(LimitError, match=re.escape(fault)):
        compile_document(text, LARGE if b" " in more else LONG)


def test_what_the_snapshot_says_is_no_larger_than_a_machine_may_keep() -> None:
    for member in ("context", "output"):
        said = {"status": "done", "value": "closed", "context": {"paid": 1}, "output": 1, member: {"paid": "x" * 600}}
        with pytest.raises(EngineError, match=rf"the {member} would be 611 bytes, more than max-context-bytes \(600\)"):
            compile_document(compact({**ORDER, "snapshot": said}).encode(), LARGE, Given(limits=LARGE))


def test_an_output_is_no_larger_than_a_context() -> None:
    document = {
        "initial": "a",
        "states": {"a": {"on": {"E": "z"}}, "z": {"type": "final"}},
        "output": {"x": {"@expr": "event.type"}, "text": "x" * 600},
    }
    machine = Played(document)
    with pytest.raises(EngineError, match=r"the output would be \d+ bytes, more than max-context-bytes \(600\)"):
        machine.definition.send(machine.machine, "E", Given(limits=LARGE))
    assert machine.send("E")


# From outside


@pytest.mark.parametrize(
    "machine",
    [
        Machine(b"\x01\x01", b'{"paid":1}'),
        Machine(b"\x01\x01", b'{"paid":1}', None, b'"why"'),
        after("CLOSE").machine._replace(output=b"null"),
    ],
)
def test_what_is_kept_is_admitted_as_it_is(machine: Machine) -> None:
    assert Played(ORDER).definition.admit_data(machine, Limits()) == machine


def test_an_output_is_that_of_a_machine_that_is_done() -> None:
    with pytest.raises(DocumentError, match="output: the machine is not done where it stands"):
        Played(ORDER).definition.admit_data(Machine(b"\x01\x01", b'{"paid":1}', b"1"), Limits())


def test_what_is_kept_is_no_deeper_than_its_document_may_be() -> None:
    for depth, fits in ((62, True), (63, False)):
        text = b'{"a":' * depth + b"1" + b"}" * depth
        try:
            Played(ORDER).definition.admit_data(Machine(b"\x01\x01", text), Limits())
        except LimitError as error:
            assert not fits
            assert "nested deeper than max-nesting (64) allows" in str(error)
        else:
            assert fits


def test_what_is_admitted_is_written_as_the_engine_writes_it() -> None:
    admitted = Played(ORDER).definition.admit_data(Machine(b"\x01\x01", b' {"a" : "\\u00e9", "n":1.50}'), Limits())
    assert admitted.context == '{"a":"é","n":1.5}'.encode()


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b'"\\ud800"', b"\xff", b'{"a":1e400}', b"1 2"]
)
def test_what_is_kept_is_read_strictly(text: bytes) -> None:
    with pytest.raises(DocumentError, match="context"):
        Played(ORDER).definition.admit_data(Machine(b"\x01\x01", text), Limits())


def test_what_was_accepted_before_may_be_larger_than_the_limits_are_now() -> None:
    said = {"value": "open", "context": {"paid": "x" * 70_000}}
    text = compact({**ORDER, "snapshot": said}).encode()
    with pytest.raises(EngineError, match="max-context-bytes"):
        compile_document(text, Limits())
    compiled = compile_document(text, None)
    assert compiled.machine is not None and compiled.machine.context is not None
    assert json.loads(compiled.machine.context) == said["context"]


def test_what_is_initial_asks_neither_guards_nor_data() -> None:
    states = {"a": {"always": {"guard": "ready", "target": "b"}}, "b": {}}
    document = {"initial": "a", "context": {"n": expr("input.n")}, "states": states}
    assert compile_document(compact(document).encode(), Limits()).definition.initial == "a"


def test_an_empty_current_is_the_start_and_depends_on_what_that_depends_on() -> None:
    clock = {"guard": expr("now % 2 == 0"), "target": "b"}
    machine = Played({"initial": "a", "states": {"a": {"always": [clock, {"target": "c"}]}, "b": {}, "c": {}}})
    for now, state in ((2, "b"), (3, "c")):
        outcome = machine.definition.enter("", None, Limits(), given(now=now))
        assert machine.definition.states(outcome.configuration) == (state,)
        assert outcome.ask_again


def test_a_forced_entry_sees_where_the_machine_stands() -> None:
    seen = {"type": "@xstate.assign", "context": {"in": expr("inState('q.z')")}}
    p = {"initial": "x", "states": {"x": {}, "y": {"entry": seen}}}
    q = {"initial": "z", "states": {"z": {}}}
    machine = Played({"type": "parallel", "context": {}, "states": {"p": p, "q": q}})
    assert machine.force("p.y")
    assert machine.context == {"in": True}


def test_an_empty_context_that_nothing_assigns_to_is_none() -> None:
    for context in ({}, [], None):
        machine = Played({"initial": "a", "context": context, "states": {"a": {}}})
        assert machine.machine.context is None
        assert not machine.definition.keeps
