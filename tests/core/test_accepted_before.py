"""What 1.0 took and stored loads, whatever is made of it today: a server must come up with its data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sm_core import DocumentError, LimitError, Limits, compile_document
from sm_core.chart import compile_chart
from tests.core.effect_text import effect_text
from tests.core.played import given
from tests.documents import compact


def chart(transition: dict[str, Any] | None = None, entry: Any = None, **members: Any) -> dict[str, Any]:
    state: dict[str, Any] = {"on": {"E": {"target": "b", **(transition or {})}}}
    if entry is not None:
        state["entry"] = entry
    return {"initial": "a", "states": {"a": state, "b": {}}, **members}


NAMED_LIKE_BUILT_INS: list[tuple[Any, str]] = [
    ("@xstate.custom", '{"type":"@xstate.custom"}'),
    ("@xstate.raise", '{"type":"@xstate.raise"}'),
    ({"type": "@xstate.custom", "params": [1]}, '{"type":"@xstate.custom","params":[1]}'),
    ({"type": "@xstate.assign"}, '{"type":"@xstate.assign"}'),
    ({"type": "@xstate.assign", "params": {"a": 1}}, '{"type":"@xstate.assign","params":{"a":1}}'),
    ({"type": "@xstate.raise", "params": None}, '{"type":"@xstate.raise","params":null}'),
    ({"type": "@xstate.emit"}, '{"type":"@xstate.emit"}'),
    ({"type": "@xstate.cancel"}, '{"type":"@xstate.cancel"}'),
    ({"type": "@xstate.log", "params": 1}, '{"type":"@xstate.log","params":1}'),
]


@pytest.mark.parametrize(("action", "effect"), NAMED_LIKE_BUILT_INS)
def test_an_action_that_is_named_like_a_built_in_is_an_effect(action: Any, effect: str) -> None:
    text = compact(chart(entry=action)).encode()
    with pytest.raises(DocumentError):
        compile_document(text, Limits())
    definition = compile_document(text, None).definition
    assert [effect_text(one) for one in definition.start(given()).effects] == [effect]


PARAMS = [
    {"@expr": 5},
    {"@expr": "not valid("},
    {"@expr": "1", "more": 1},
    {"@expr": "nobody.knows"},
    {"@expr": "inState('nowhere')"},
    {"deep": [{"@expr": None}]},
]


@pytest.mark.parametrize("params", PARAMS, ids=compact)
def test_params_that_are_no_expression_are_data(params: Any) -> None:
    text = compact(chart(entry={"type": "mail", "params": params})).encode()
    with pytest.raises(DocumentError):
        compile_document(text, Limits())
    definition = compile_document(text, None).definition
    outcome = definition.start(given())
    assert [json.loads(effect_text(one)) for one in outcome.effects] == [{"type": "mail", "params": params}]
    assert not outcome.ask_again


EMPTY = [
    chart({"guard": None}), chart({"guard": {}}), chart({"guard": []}), chart({"context": {}}), chart({"context": []}),
    chart({"delay": None}), chart(entry={"type": "x", "delay": None, "guard": None, "context": []}),
    chart(guard=None), chart(context=None), chart(delays={}, invoke=[], after=None),
    {**chart(), "initial": {"target": "a", "guard": {}}}, {**chart(), "initial": {"target": "a", "context": {}}},
    {**chart(), "states": {"a": {"context": {}, "guard": {}, "on": {"E": "b"}}, "b": {"delay": []}}},
]  # fmt: skip


@pytest.mark.parametrize("document", EMPTY, ids=compact)
def test_what_was_empty_means_nothing(document: dict[str, Any]) -> None:
    compiled = compile_document(compact(document).encode(), None)
    definition, machine = compiled.definition, compiled.machine
    assert machine is not None
    assert not definition.keeps
    moved = definition.send(machine, "E", given())
    assert moved is not None and not moved.ask_again
    assert definition.states(moved.configuration) == ("b",)
    assert json.loads(definition.canonical) == document


@pytest.mark.parametrize("output", [{"a": [1]}, "x", 0, None, [], {}])
def test_an_output_was_kept_and_is_one(output: Any) -> None:
    document = chart(output=output)
    document["states"]["b"]["type"] = "final"
    definition = compile_document(compact(document).encode(), None).definition
    assert json.loads(definition.canonical) == document


def nested(levels: int, before: str, after: str, inner: str) -> Any:
    return json.loads(before * levels + inner + after * levels)


@pytest.mark.parametrize("place", ["params", "context", "output", "guard"])
def test_levels_are_counted_before_they_are_gone_through(place: str) -> None:
    """What was accepted before has not been counted, and a dump may be forged."""
    for levels in (250, 260, 900):
        value = nested(levels, '{"a":', "}", '{"b":1}')
        if place == "guard":
            value = nested(levels, '{"type":"xstate.not","guard":', "}", '"g"')
            document = chart({"guard": value})
        elif place == "params":
            document = chart(entry={"type": "x", "params": value})
        else:
            document = chart(**{place: value})
        if levels < 256:
            compile_chart(document, None)
            continue
        with pytest.raises(LimitError, match="nested deeper"):
            compile_chart(document, None)
