"""The tasks that a state invokes: how they start and end, and what their reports do."""

from __future__ import annotations

from typing import Any

import pytest

from sm_core import Definition, EngineError, Given, GuardError
from tests.core.waiting_support import FETCH, at_start, compiled, effects, spawn, stands, started


@pytest.mark.parametrize(
    ("task", "params"),
    [
        ({"src": "fetch"}, {"id": "0.m.a", "src": "fetch"}),
        ({"src": "fetch", "id": "f1"}, {"id": "f1", "src": "fetch"}),
        ({"src": "fetch", "input": {"n": [1, None]}}, {"id": "0.m.a", "src": "fetch", "input": {"n": [1, None]}}),
        ({"src": "fetch", "input": None}, {"id": "0.m.a", "src": "fetch", "input": None}),
        ({"src": "fetch", "input": {"n": {"@expr": "context.n"}}}, {"id": "0.m.a", "src": "fetch", "input": {"n": 3}}),
        ({"src": "fetch", "input": {"@expr": "context.n + 1"}}, {"id": "0.m.a", "src": "fetch", "input": 4}),
    ],
)
def test_entering_starts_a_task(task: dict[str, Any], params: dict[str, Any]) -> None:
    assert effects(started({"invoke": task}, context={"n": 3})) == [spawn(**params)]


def test_tasks_without_an_id_are_counted_with_the_others() -> None:
    outcome = started({"invoke": [FETCH, {"src": "pay", "id": "p"}, FETCH]})
    assert [effect["params"]["id"] for effect in effects(outcome)] == ["0.m.a", "p", "2.m.a"]


def test_the_id_of_a_task_has_the_id_of_its_state() -> None:
    assert effects(started({"id": "other", "invoke": FETCH})) == [spawn(id="0.other", src="fetch")]


def test_the_input_sees_what_the_entry_actions_assigned() -> None:
    entry = {"type": "@xstate.assign", "context": {"n": 9}}
    outcome = started({"entry": entry, "invoke": {**FETCH, "input": {"@expr": "context.n"}}}, context={"n": 1})
    assert effects(outcome) == [spawn(id="0.m.a", src="fetch", input=9)]


def test_entry_actions_come_before_tasks_and_those_before_initial_actions() -> None:
    a = {
        "entry": "enters",
        "invoke": FETCH,
        "initial": {"target": "x", "actions": "begins"},
        "states": {"x": {"entry": "inner"}},
    }
    assert [effect["type"] for effect in effects(started(a))] == ["enters", "xstate.spawnChild", "begins", "inner"]


def test_exit_actions_come_before_the_end_of_tasks_and_inner_states_before_outer_ones() -> None:
    inner = {"exit": "leaves inner", "invoke": {"src": "f", "id": "inner"}}
    a = {
        "exit": "leaves",
        "invoke": {"src": "f", "id": "outer"},
        "initial": "x",
        "states": {"x": inner},
        "on": {"GO": "b"},
    }
    definition = compiled(a)
    left = effects(definition.send(at_start(definition), "GO", Given()))
    assert [effect.get("params", effect) for effect in left] == [
        *({"type": "leaves inner"}, {"id": "inner"}, {"type": "leaves"}, {"id": "outer"})
    ]


def reporting(**members: Any) -> Definition:
    return compiled({"invoke": {"src": "fetch", "id": "f", **members}}, context={"got": None})


KEEP = {
    "actions": {"type": "@xstate.assign", "context": {"got": {"@expr": "has(event.output) ? event.output : 'nothing'"}}}
}


@pytest.mark.parametrize(
    ("result", "kept"), [(b'{"n":[1]}', b'{"got":{"n":[1]}}'), (b"null", b'{"got":null}'), (None, b'{"got":"nothing"}')]
)
def test_what_a_task_gives_is_the_output_of_its_event(result: bytes | None, kept: bytes) -> None:
    definition = reporting(onDone=KEEP)
    outcome = definition.report(at_start(definition), "f", result, False, Given())
    assert outcome is not None
    assert outcome.context == kept


def test_a_report_that_nothing_answers_changes_nothing() -> None:
    definition = compiled({"invoke": FETCH})
    assert definition.report(at_start(definition), "0.m.a", None, False, Given()) is None


def test_a_failure_that_is_answered_has_the_error() -> None:
    definition = reporting(
        onError={"target": "b", "actions": {"type": "tell", "params": {"why": {"@expr": "event.error"}}}}
    )
    outcome = definition.report(at_start(definition), "f", b'"gone"', True, Given())
    assert stands(definition, outcome) == ["b"]
    assert effects(outcome)[-1] == {"type": "tell", "params": {"why": "gone"}}


@pytest.mark.parametrize(("result", "error"), [(b'{"code":5}', b'{"code":5}'), (None, b"null")])
def test_a_failure_that_nothing_answers_is_the_machines(result: bytes | None, error: bytes) -> None:
    definition = reporting(onDone="b")
    machine = at_start(definition)
    outcome = definition.report(machine, "f", result, True, Given())
    assert outcome is not None
    assert (outcome.configuration, outcome.error) == (machine.configuration, error)


def test_a_failure_whose_guards_are_false_is_the_machines() -> None:
    definition = reporting(onError=[{"guard": "g", "target": "b"}])
    machine = at_start(definition)
    refused = definition.report(machine, "f", None, True, Given(guards=frozenset()))
    taken = definition.report(machine, "f", None, True, Given(guards=frozenset(["g"])))
    assert refused is not None
    assert refused.error == b"null"
    assert stands(definition, taken) == ["b"]


def test_a_failure_that_is_forbidden_is_answered() -> None:
    definition = compiled({"invoke": {**FETCH, "onError": {}}})
    assert definition.report(at_start(definition), "0.m.a", None, True, Given()) is None


def test_a_failure_asks_the_client_for_its_guards() -> None:
    definition = reporting(onError={"guard": "g", "target": "b"})
    with pytest.raises(GuardError, match="'g'"):
        definition.report(at_start(definition), "f", None, True, Given())


def test_a_machine_with_an_error_hears_nothing_more() -> None:
    definition = compiled({"invoke": {**FETCH, "onDone": "b", "onError": "b"}, "after": {"5": "b"}})
    machine = at_start(definition)._replace(error=b"1")
    assert definition.fire(machine, b'{"type":"xstate.after.5.m.a"}', Given()) is None
    assert definition.report(machine, "0.m.a", None, False, Given()) is None
    assert definition.report(machine, "0.m.a", None, True, Given()) is None


@pytest.mark.parametrize("name", ["xstate.done.actor.f", "xstate.error.actor.f"])
def test_no_client_sends_the_end_of_a_task(name: str) -> None:
    definition = reporting(onDone="b", onError="b")
    machine = at_start(definition)
    for ask in (definition.send, definition.can, definition.why):
        with pytest.raises(EngineError, match="no client can send it"):
            ask(machine, name, Given())
