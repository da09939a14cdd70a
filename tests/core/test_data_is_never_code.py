"""``@expr`` is an expression in a document alone. In DATA, INPUT, snapshots and what a server hands over it is a member
like any other, and stays one on all ways that lead through the engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sm_core import Limits, Machine, compile_document
from sm_core.cel import Program
from tests.core.effect_text import effect_text
from tests.core.played import Played, given
from tests.documents import compact
from tests.refused_data import assign, expr

CODE = {"@expr": "1 + 1", "@lang": "cel"}
BROKEN = {"@expr": "not an (expression"}
ODD = {"@expr": {"@expr": [CODE, BROKEN]}, "@lang": "js"}
DANGEROUS: list[Any] = [CODE, BROKEN, ODD, [CODE], {"deep": {"er": [BROKEN]}}]

KEEPING = {
    "initial": "a",
    "context": {"kept": expr("input.kept")},
    "output": expr("event.output"),
    "states": {
        "a": {
            "on": {
                "KEEP": {"actions": assign(kept=expr("event.kept"))},
                "TELL": {"actions": {"type": "tell", "params": {"kept": expr("context.kept")}}},
                "SAY": {
                    "actions": [{"type": "@xstate.raise", "event": {"type": "SAID", "kept": expr("context.kept")}}]
                },
                "SAID": {"actions": {"type": "heard", "params": expr("event")}},
                "END": "b",
            }
        },
        "b": {"type": "final", "output": expr("context.kept")},
    },
}


def fill(value: Any) -> Played:
    return Played(KEEPING, input={"kept": value})


@pytest.mark.parametrize("value", DANGEROUS, ids=compact)
def test_input_is_data(value: Any) -> None:
    assert fill(value).context == {"kept": value}


@pytest.mark.parametrize("value", DANGEROUS, ids=compact)
def test_data_is_data(value: Any) -> None:
    machine = fill(0)
    assert machine.send("KEEP", data={"kept": value})
    assert machine.context == {"kept": value}


@pytest.mark.parametrize("value", DANGEROUS, ids=compact)
def test_it_stays_data_in_effects_raised_events_and_outputs(value: Any) -> None:
    machine = fill(value)
    assert machine.send("TELL")
    assert machine.texts == [{"type": "tell", "params": {"kept": value}}]
    assert machine.send("SAY")
    assert machine.texts == [{"type": "heard", "params": {"type": "SAID", "kept": value}}]
    assert machine.send("END")
    assert machine.output == value
    assert json.loads(machine.definition.snapshot(machine.machine))["output"] == value


@pytest.mark.parametrize("value", DANGEROUS, ids=compact)
def test_a_snapshot_is_data_however_often_it_is_read_and_written(value: Any) -> None:
    machine = fill(value)
    for _ in range(3):
        definition = machine.definition
        head = definition.head(machine.machine.configuration)
        snapshot = definition.snapshot(machine.machine).encode()
        text = head + b',"snapshot":' + snapshot + b"," + definition.canonical[1:]
        again = compile_document(text, Limits())
        assert again.machine == machine.machine
        assert again.definition.canonical == definition.canonical
        machine.definition = again.definition
        assert machine.send("TELL")
        assert machine.texts == [{"type": "tell", "params": {"kept": value}}]


@pytest.mark.parametrize("value", DANGEROUS, ids=compact)
def test_what_a_server_hands_over_is_data(value: Any) -> None:
    machine = fill(0)
    definition, standing = machine.definition, machine.machine.configuration
    assert machine.send("END")
    text = compact({"kept": value}).encode()
    done = Machine(machine.machine.configuration, text, compact(value).encode(), compact(value).encode())
    assert definition.admit_data(done, Limits()) == done
    outcome = definition.send(Machine(standing, text), "TELL", given())
    assert outcome is not None
    assert json.loads(effect_text(outcome.effects[0])) == {"type": "tell", "params": {"kept": value}}


def test_reading_and_writing_evaluates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a replica does, and a server that loads: no expression of the document is evaluated either."""
    machine = fill(CODE)
    definition, stored = machine.definition, machine.machine

    def refuse(*_: object) -> None:
        raise AssertionError("an expression was evaluated")

    monkeypatch.setattr(Program, "evaluate", refuse)
    definition.snapshot(stored)
    definition.admit_data(stored, Limits())
    definition.admit(stored.configuration, strict=True)
    text = (
        definition.head(stored.configuration)
        + b',"snapshot":'
        + definition.snapshot(stored).encode()
        + b","
        + definition.canonical[1:]
    )
    for limits in (Limits(), None):
        assert compile_document(text, limits).machine == stored


def test_a_texts_value_is_no_expression() -> None:
    """Not even one that says how it is written in a document."""
    text = '{"@expr": "1 + 1"}'
    assert fill(text).context == {"kept": text}


def test_an_expression_cannot_make_one() -> None:
    document = {"initial": "a", "states": {"a": {"on": {"GO": {"actions": assign(kept=expr("{'@expr': '1 + 1'}"))}}}}}
    machine = Played(document)
    assert machine.send("GO")
    assert machine.context == {"kept": {"@expr": "1 + 1"}}
