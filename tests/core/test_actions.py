"""Actions: assignments, raised events, effects with params, and what comes out of a machine that is done."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sm_core import EngineError, ExpressionError, Limits
from tests.core.effect_text import effect_text
from tests.core.played import Played
from tests.refused_data import assign, expr


def doing(*actions: Any, context: Any = None, **members: Any) -> dict[str, Any]:
    """``GO`` does these actions, and stays."""
    document = {"initial": "a", "states": {"a": {"on": {"GO": {"actions": list(actions)}}}}, **members}
    return document if context is None else {**document, "context": context}


def done(document: dict[str, Any], **options: Any) -> Played:
    machine = Played(document)
    assert machine.send("GO", **options)
    return machine


# Assignments


def test_an_assignment_merges_members_into_the_context() -> None:
    assert done(
        doing(assign(b=expr("event.b"), c={"d": [expr("1 + 1")]}), context={"a": 1}), data={"b": 5}
    ).context == {
        "a": 1,
        "b": 5,
        "c": {"d": [2]},
    }


def test_an_assigned_object_replaces_the_old_one() -> None:
    assert done(doing(assign(a={"y": 2}), context={"a": {"x": 1}})).context == {"a": {"y": 2}}


def test_each_assignment_sees_what_the_one_before_it_did() -> None:
    step = assign(n=expr("context.n * 2 + 1"))
    assert done(doing(step, step, step, context={"n": 0})).context == {"n": 7}


def test_the_members_of_one_assignment_see_the_context_before_it() -> None:
    assert done(doing(assign(a=expr("context.b"), b=expr("context.a")), context={"a": 1, "b": 2})).context == {
        "a": 2,
        "b": 1,
    }


def test_effects_see_what_was_assigned_before_them() -> None:
    mail = {"type": "mail", "params": {"n": expr("context.n")}}
    machine = done(doing(mail, assign(n=expr("context.n + 1")), mail, context={"n": 0}))
    assert [text["params"]["n"] for text in machine.texts] == [0, 1]


def test_exit_transition_and_entry_assign_in_this_order() -> None:
    def add(word: str) -> dict[str, Any]:
        return assign(list=expr(f"context.list + ['{word}']"))

    states = {
        "a": {
            "entry": add("in a"),
            "exit": add("out of a"),
            "on": {"GO": {"target": "b", "actions": add("on the way")}},
        },
        "b": {"entry": add("in b")},
    }
    machine = done({"initial": "a", "context": {"list": []}, "states": states})
    assert machine.context == {"list": ["in a", "out of a", "on the way", "in b"]}


def test_a_transitions_own_context_is_assigned_before_its_actions() -> None:
    states = {"a": {"on": {"GO": {"context": {"n": expr("context.n + 1")}, "actions": assign(m=expr("context.n"))}}}}
    assert done({"initial": "a", "context": {"n": 1}, "states": states}).context == {"n": 2, "m": 2}


def test_a_machine_that_assigns_has_a_context_though_the_document_says_none() -> None:
    machine = Played(doing(assign(n=1)))
    assert machine.context == {}
    assert machine.send("GO")
    assert machine.context == {"n": 1}


def test_an_assignment_that_fails_changes_nothing() -> None:
    machine = Played(doing(assign(a=2), assign(b=expr("context.nothing")), context={"a": 1}))
    before = machine.machine
    with pytest.raises(ExpressionError, match=r"\$\.states\.a\.on\.GO\.actions\[1\]\.context\.b: no member"):
        machine.send("GO")
    assert machine.machine == before


def test_a_context_keeps_the_order_of_its_members() -> None:
    machine = done(doing(assign(b=3, d=4), context={"c": 1, "b": 2}))
    assert machine.machine.context == b'{"c":1,"b":3,"d":4}'


def test_the_first_context_is_worked_out_of_the_input() -> None:
    context = {"total": expr("input.total"), "at": expr("now"), "event": expr("event.type"), "plain": [1]}
    machine = Played(doing(assign(n=1), context=context), input={"total": 30}, now=5)
    assert machine.context == {"total": 30, "at": 5, "event": "xstate.init", "plain": [1]}
    with pytest.raises(ExpressionError, match=r"^\$\.context\.total: "):
        Played(doing(context=context))


def test_the_context_of_a_start_is_there_for_entry_actions() -> None:
    states = {"a": {"entry": [assign(n=expr("context.n + 1")), {"type": "hello", "params": expr("context.n")}]}}
    machine = Played({"initial": "a", "context": {"n": expr("input.n")}, "states": states}, input={"n": 1})
    assert machine.texts == [{"type": "hello", "params": 2}]


# What replicas are told


def test_of_a_large_context_the_members_that_changed_are_told() -> None:
    large = {"text": "x" * 600, "n": 1, "m": 1}
    machine = done(doing(assign(n=2), context=large))
    assert machine.outcome.changes == b'{"n":2}'
    assert machine.context == {**large, "n": 2}


def test_a_small_context_is_told_whole() -> None:
    machine = done(doing(assign(n=2), context={"n": 1, "m": "x" * 100}))
    assert machine.outcome.changes is None
    assert machine.outcome.context is not None


def test_of_one_that_changed_as_a_whole_no_changes_are_told() -> None:
    machine = done(doing(assign(text=expr("context.text + 'x'")), context={"text": "x" * 600}))
    assert machine.outcome.changes is None


def test_the_changes_merged_into_the_old_context_are_the_new_one() -> None:
    from sm_core import merge

    machine = Played(doing(assign(new=[1], n=2), context={"n": 1, "text": "x" * 600}))
    before = machine.machine.context
    assert machine.send("GO")
    assert before is not None and machine.outcome.changes is not None
    assert merge(before, machine.outcome.changes) == machine.machine.context


# Limits


def test_a_context_may_be_as_large_as_the_limit_and_no_larger() -> None:
    machine = Played(doing(assign(text=expr("event.text")), context={"text": ""}))
    size = len('{"text":""}')
    assert machine.send("GO", data={"text": "x" * (1000 - size)}, limits=Limits(context_bytes=1000))
    with pytest.raises(EngineError, match=r"1001 bytes, more than max-context-bytes \(1000\) allows"):
        machine.send("GO", data={"text": "x" * (1001 - size)}, limits=Limits(context_bytes=1000))


def test_a_context_that_is_too_large_at_the_start_is_refused() -> None:
    with pytest.raises(EngineError, match="max-context-bytes"):
        Played(doing(context={"text": "x" * 200}), limits=Limits(context_bytes=100))


def test_all_expressions_of_a_step_share_its_budget() -> None:
    spend = assign(n=expr("[1, 2, 3, 4, 5].map(x, x + 1)"))
    machine = Played(doing(*[spend] * 20, context={"n": 0}))
    assert machine.send("GO", limits=Limits(expression_steps=2000))
    with pytest.raises(ExpressionError, match=r"more than max-expression-steps \(200\) allows"):
        machine.send("GO", limits=Limits(expression_steps=200))


def test_a_loop_that_assigns_for_ever_is_ended() -> None:
    states = {"a": {"on": {"GO": "b"}}, "b": {"always": {"actions": assign(n=expr("context.n + 1"))}}}
    machine = Played({"initial": "a", "context": {"n": 0}, "states": states})
    with pytest.raises(EngineError):
        machine.send("GO")
    assert machine.context == {"n": 0}


def test_a_context_that_doubles_is_ended_by_its_size() -> None:
    states = {"a": {"on": {"GO": "b"}}, "b": {"always": {"actions": assign(t=expr("context.t + context.t"))}}}
    machine = Played({"initial": "a", "context": {"t": "x"}, "states": states})
    with pytest.raises(EngineError):
        machine.send("GO")


# Effects


def test_an_effect_tells_its_params_worked_out() -> None:
    params = {"to": expr("event.to"), "list": [1, expr("context.n")], "text": "as it is", "nothing": None}
    machine = done(doing({"type": "mail", "params": params}, "plain", context={"n": 7}), data={"to": "ann"})
    assert [effect_text(effect) for effect in machine.outcome.effects] == [
        '{"type":"mail","params":{"to":"ann","list":[1,7],"text":"as it is","nothing":null}}',
        '{"type":"plain"}',
    ]


def test_null_is_a_value_of_params() -> None:
    assert done(doing({"type": "mail", "params": None})).texts == [{"type": "mail", "params": None}]


def test_an_effect_that_reads_no_data_is_pure() -> None:
    machine = done(doing({"type": "mail", "params": {"to": ["ann"]}}, context={"n": 1}))
    assert not machine.outcome.ask_again
    assert done(doing({"type": "mail", "params": {"to": expr("context.n")}}, context={"n": 1})).outcome.ask_again


def test_emit_and_log_are_effects() -> None:
    emit = {"type": "@xstate.emit", "event": {"type": "PAID", "n": expr("event.n")}}
    log = {"type": "@xstate.log", "args": ["paid", expr("event.n")]}
    assert done(doing(emit, {"type": "@xstate.emit", "event": "X"}, log), data={"n": 1}).texts == [
        {"type": "@xstate.emit", "params": {"event": {"type": "PAID", "n": 1}}},
        {"type": "@xstate.emit", "params": {"event": {"type": "X"}}},
        {"type": "@xstate.log", "params": {"args": ["paid", 1]}},
    ]


def test_a_name_of_the_roots_actions_is_what_it_says() -> None:
    actions = {"bill": [assign(n=expr("context.n + params.by")), {"type": "mail", "params": {"by": expr("params.by")}}]}
    machine = done(
        doing({"type": "bill", "params": {"by": expr("event.by")}}, context={"n": 1}, actions=actions), data={"by": 4}
    )
    assert machine.context == {"n": 5}
    assert machine.texts == [{"type": "mail", "params": {"by": 4}}]


def test_names_are_looked_up_once() -> None:
    """Else a name could be its own meaning."""
    machine = done(doing("bill", actions={"bill": ["bill", "mail"], "mail": "bill"}))
    assert machine.effects == ["bill", "mail"]


def test_params_of_a_named_action_do_not_outlive_it() -> None:
    actions = {"bill": assign(n=expr("params.n")), "other": assign(m=expr("has(params.n)"))}
    machine = done(doing({"type": "bill", "params": {"n": 1}}, "other", context={}, actions=actions))
    assert machine.context == {"n": 1, "m": False}


# Raised events


def test_a_raised_event_is_taken_within_the_same_step() -> None:
    states = {"a": {"on": {"GO": {"actions": {"type": "@xstate.raise", "event": "NEXT"}}, "NEXT": "b"}}, "b": {}}
    assert done({"initial": "a", "states": states}).states == ["b"]


def test_a_raised_event_has_members_of_its_own() -> None:
    event = {"type": "NEXT", "n": expr("event.n + 1"), "list": [expr("context.c")]}
    states = {
        "a": {"on": {"GO": {"actions": [{"type": "@xstate.raise", "event": event}, assign(c=9)]},
                     "NEXT": {"actions": {"type": "got", "params": expr("event")}}}},
    }  # fmt: skip
    machine = done({"initial": "a", "context": {"c": 3}, "states": states}, data={"n": 1})
    assert machine.texts == [{"type": "got", "params": {"type": "NEXT", "n": 2, "list": [3]}}]


def test_raised_events_wait_in_their_order_and_behind_always() -> None:
    def raising(name: str) -> dict[str, Any]:
        return {"type": "@xstate.raise", "event": name}

    states = {
        "a": {"on": {"GO": {"target": "b", "actions": [raising("ONE"), raising("TWO")]}}},
        "b": {"always": {"target": "c", "actions": "at once"}},
        "c": {
            "on": {
                "ONE": {"actions": ["one", raising("THREE")]},
                "TWO": {"actions": "two"},
                "THREE": {"actions": "three"},
            }
        },
    }
    assert done({"initial": "a", "states": states}).effects == ["at once", "one", "two", "three"]


def test_a_raised_event_may_be_named_by_an_expression() -> None:
    raising = {"type": "@xstate.raise", "event": {"type": expr("'TO_' + event.to")}}
    states = {"a": {"on": {"GO": {"actions": raising}, "TO_b": "b", "TO_c": "c"}}, "b": {}, "c": {}}
    assert done({"initial": "a", "states": states}, data={"to": "c"}).states == ["c"]


def test_a_raised_event_that_nothing_takes_is_gone() -> None:
    assert done(doing({"type": "@xstate.raise", "event": "NOBODY"}, "hello")).effects == ["hello"]


def test_events_that_raise_each_other_for_ever_are_ended() -> None:
    states = {
        "a": {
            "on": {
                name: {"actions": {"type": "@xstate.raise", "event": other}}
                for name, other in (("GO", "B"), ("B", "GO"))
            }
        }
    }
    machine = Played({"initial": "a", "states": states})
    with pytest.raises(EngineError):
        machine.send("GO")


def test_the_entry_action_of_a_start_may_raise() -> None:
    states = {"a": {"entry": {"type": "@xstate.raise", "event": "NEXT"}, "on": {"NEXT": "b"}}, "b": {}}
    assert Played({"initial": "a", "states": states}).states == ["b"]


# Output


def nest(output: Any, **members: Any) -> dict[str, Any]:
    inner = {"initial": "x", "states": {"x": {"on": {"GO": "y"}}, "y": {"type": "final", "output": output}}, **members}
    return {"id": "m", "initial": "a", "context": {"n": 2}, "states": {"a": inner, "b": {}, "end": {"type": "final"}}}


def test_a_done_event_has_the_output_of_the_final_state() -> None:
    on_done = {"target": "b", "actions": {"type": "got", "params": expr("event")}}
    machine = done(nest({"n": expr("context.n * event.by")}, onDone=on_done), data={"by": 5})
    assert machine.states == ["b"]
    assert machine.texts == [{"type": "got", "params": {"type": "xstate.done.state.m.a", "output": {"n": 10}}}]


def test_a_done_event_decides_by_guards() -> None:
    for number, target in ((3, "b"), (1, "end")):
        on_done = [{"guard": expr("event.output > 2"), "target": "b"}, {"target": "end"}]
        assert done(nest(expr("event.n"), onDone=on_done), data={"n": number}).states == [target]


def test_the_output_of_the_machine_is_worked_out_of_that_of_its_last_state() -> None:
    states = {"a": {"on": {"GO": "b"}}, "b": {"type": "final", "output": {"paid": expr("context.n + event.n")}}}
    machine = done(
        {"initial": "a", "context": {"n": 1}, "states": states, "output": {"result": expr("event.output.paid")}},
        data={"n": 2},
    )
    assert machine.output == {"result": 3}
    assert machine.definition.is_done(machine.machine.configuration)


def test_an_output_of_the_machine_may_be_constant() -> None:
    states = {"a": {"on": {"GO": "b"}}, "b": {"type": "final"}}
    machine = Played({"initial": "a", "states": states, "output": {"done": True}})
    assert machine.output is None
    assert machine.send("GO")
    assert machine.output == {"done": True}
    assert machine.force("a")
    assert machine.output is None


def test_an_output_that_fails_aborts_the_step() -> None:
    states = {"a": {"on": {"GO": "b"}}, "b": {"type": "final"}}
    machine = Played({"initial": "a", "states": states, "output": expr("event.output.x")})
    with pytest.raises(ExpressionError, match=r"^\$\.output: "):
        machine.send("GO")
    assert machine.states == ["a"]


# Force and entering


def test_force_runs_assignments() -> None:
    states = {"a": {"exit": assign(left=True)}, "b": {"entry": assign(entered=expr("event.type"))}}
    machine = Played({"initial": "a", "context": {}, "states": states})
    assert machine.force("b")
    assert machine.context == {"left": True, "entered": "xstate.force"}


def test_entering_runs_no_action_and_keeps_the_first_context() -> None:
    states = {"a": {}, "b": {"entry": [assign(n=5), "hello"]}}
    machine = Played({"initial": "a", "context": {"n": 1}, "states": states})
    from tests.core.played import given

    entered = machine.definition.enter("b", None, Limits(), given())
    assert json.loads(entered.context or b"") == {"n": 1}
    assert entered.effects == ()
