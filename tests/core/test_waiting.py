"""What a state waits for: what is refused, its deadlines, and when they are armed and cancelled."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sm_core import (
    Definition,
    DocumentError,
    ExpressionError,
    Given,
    GuardError,
    Limits,
    Machine,
    Outcome,
    check_document,
    compile_document,
)
from sm_core.definition import Arm, Cancel
from tests.core.waiting_support import (
    FETCH,
    arm,
    at_start,
    compiled,
    document,
    effects,
    ids,
    raised,
    spawn,
    stands,
    started,
)

# What is refused

DELAY = "milliseconds, '1.5s', 'PT1H'"
MEANT = "or one of 'delays'; did you mean 'soon'?"
NO_DELAY = "expected a delay (milliseconds or a text), got"


@pytest.mark.parametrize(
    ("a", "root", "path", "fault"),
    [
        ({"after": {"sonn": "b"}}, {"delays": {"soon": 5}}, "after.sonn", f"no delay 'sonn': {DELAY}, {MEANT}"),
        ({"after": {"later": "b"}}, {}, "after.later", f"no delay 'later': {DELAY}"),
        ({"after": {"-5": "b"}}, {}, 'after["-5"]', f"no delay '-5': {DELAY}"),
        ({"after": {"36601d": "b"}}, {}, 'after["36601d"]', f"no delay '36601d': {DELAY}"),
        ({"after": {"5": "c"}}, {}, 'after["5"]', "no state 'c'"),
        ({"after": 5}, {}, "after", "expected an object, got a number"),
        ({"timeout": "later", "onTimeout": "b"}, {}, "timeout", f"no delay 'later': {DELAY}"),
        ({"timeout": True, "onTimeout": "b"}, {}, "timeout", f"{NO_DELAY} a boolean"),
        ({"timeout": -1, "onTimeout": "b"}, {}, "timeout", f"{NO_DELAY} a number that is none"),
        ({"onTimeout": "b"}, {}, "onTimeout", "there is no 'timeout' that it answers"),
        ({"invoke": 5}, {}, "invoke", "expected a task (an object), got a number"),
        ({"invoke": {"src": 5}}, {}, "invoke.src", "expected the name of a task, got a number"),
        ({"invoke": {"src": ""}}, {}, "invoke.src", "expected the name of a task, got a string"),
        ({"invoke": {**FETCH, "id": 5}}, {}, "invoke.id", "expected a string, got a number"),
        ({"invoke": {**FETCH, "type": "x"}}, {}, "invoke.type", "a task has no type"),
        ({"invoke": [FETCH, {**FETCH, "onDone": "c"}]}, {}, "invoke[1].onDone", "no state 'c'"),
    ],
)  # fmt: skip
def test_what_a_state_cannot_wait_for_is_refused(a: dict[str, Any], root: Any, path: str, fault: str) -> None:
    with pytest.raises(DocumentError) as refused:
        compiled(a, **root)
    assert refused.value.path == f"$.states.a.{path}"
    assert refused.value.fault.startswith(fault)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("systemId", "a task has no member 'systemId': a task is known by its id"),
        ("onSnapshot", "a task has no member 'onSnapshot': a task reports its end alone"),
        ("data", "a task has no member 'data': XState 5 calls it 'input'"),
        ("onDnoe", "a task has no member 'onDnoe'; did you mean 'onDone'?"),
    ],
)
def test_what_a_task_does_not_have_is_refused_by_name(name: str, word: str) -> None:
    with pytest.raises(DocumentError) as refused:
        compiled({"invoke": {**FETCH, name: "x"}})
    assert (refused.value.path, refused.value.fault) == (f"$.states.a.invoke.{name}", word)


@pytest.mark.parametrize("name", ["@xstate.spawn", "@xstate.spawnChild", "@xstate.stopChild"])
def test_an_actor_that_is_spawned_is_refused_by_name(name: str) -> None:
    with pytest.raises(DocumentError, match=f"'{name}' is none that there is; tasks are a state's 'invoke'"):
        compiled({"entry": {"type": name, "src": "fetch"}})


def test_the_code_of_a_task_was_lost_on_the_way_to_json() -> None:
    with pytest.raises(DocumentError, match="null where the name of a task belongs: code was lost"):
        compiled({"invoke": {"src": None}})


@pytest.mark.parametrize("member", [{"after": {"5": "b"}}, {"timeout": 5}, {"invoke": FETCH}])
def test_a_history_state_waits_for_nothing(member: dict[str, Any]) -> None:
    with pytest.raises(DocumentError, match="a history state is never active"):
        compiled({"initial": "x", "states": {"x": {}, "h": {"type": "history", **member}}})


@pytest.mark.parametrize(
    ("delays", "path", "fault"),
    [
        ({"soon": "later"}, "$.delays.soon", "no delay 'later'"),
        ({"soon": None}, "$.delays.soon", f"{NO_DELAY} null"),
        ({"soon": {"duration": -1}}, "$.delays.soon.duration", NO_DELAY),
        ({"soon": {"when": 5}}, "$.delays.soon.when", "a delay has no member 'when'"),
        ({"soon": {"@expr": "context."}}, "$.delays.soon", ""),
        ([], "$.delays", "expected an object, got an array"),
    ],
)
def test_a_named_delay_that_is_none_is_refused(delays: Any, path: str, fault: str) -> None:
    with pytest.raises(DocumentError) as refused:
        compiled({}, delays=delays)
    assert refused.value.path == path
    assert refused.value.fault.startswith(fault)


@pytest.mark.parametrize(
    ("action", "member"),
    [
        ({"type": "@xstate.raise", "event": "E", "delay": "later"}, "delay"),
        ({"type": "@xstate.raise", "event": "E", "delay": 5, "id": 5}, "id"),
        ({"type": "@xstate.cancel"}, "id"),
        ({"type": "@xstate.cancel", "id": 5}, "id"),
        ({"type": "@xstate.cancel", "id": "x", "delay": 5}, "delay"),
    ],
)
def test_an_action_that_arms_or_cancels_wrongly_is_refused(action: dict[str, Any], member: str) -> None:
    with pytest.raises(DocumentError) as refused:
        compiled({"entry": action})
    assert refused.value.path == f"$.states.a.entry.{member}"


def test_check_gives_all_that_is_wrong() -> None:
    text = document({"after": {"later": "b", "5": "c"}, "invoke": [{"src": 5}, {**FETCH, "systemId": "x"}]})
    paths = [path for severity, path, _ in check_document(text, Limits()) if severity == "error"]
    assert sorted(paths) == sorted(
        f"$.states.a.{path}" for path in ("after.later", 'after["5"]', "invoke[0].src", "invoke[1].systemId")
    )


@pytest.mark.parametrize(
    "member", [{"after": {}}, {"after": None}, {"invoke": []}, {"invoke": None}, {"timeout": None}]
)
def test_what_is_empty_waits_for_nothing(member: dict[str, Any]) -> None:
    assert not compiled(member).waits


# Deadlines


@pytest.mark.parametrize(
    ("key", "word", "delay"),
    [
        ("1000", "1000", 1000),
        ("1e3", "1000", 1000),
        ("0", "0", 0),
        ("2500.5", "2500.5", 2501),
        ("2592000000", "2592000000", 2_592_000_000),
        ("500ms", "500ms", 500),
        ("PT1H", "PT1H", 3_600_000),
        ("soon", "soon", 7),
    ],
)
def test_the_event_of_a_deadline_has_the_name_that_xstate_gives_it(key: str, word: str, delay: int) -> None:
    outcome = started({"after": {key: "b"}}, delays={"soon": {"duration": 7}})
    assert outcome.timers == (arm(f"xstate.after.{word}.m.a", delay),)


def test_the_event_of_a_deadline_has_the_id_of_its_state() -> None:
    assert ids(started({"id": "other", "after": {"5": "b"}})) == ["xstate.after.5.other"]


def test_a_key_that_is_a_number_is_no_name() -> None:
    assert started({"after": {"1000": "b"}}, delays={"1000": 5}).timers[0] == arm("xstate.after.1000.m.a", 1000)


def test_a_name_goes_before_a_text_that_says_how_long() -> None:
    assert started({"after": {"5s": "b"}}, delays={"5s": 1}).timers[0] == arm("xstate.after.5s.m.a", 1)


def test_whole_numbers_are_armed_first_as_in_javascript() -> None:
    after = b'{"1.5":"b","PT1S":"b","2592000000":"b","30":"b","4":"b"}'
    text = b'{"id":"m","initial":"a","states":{"a":{"after":%s},"b":{}}}' % after
    outcome = compile_document(text, Limits()).definition.start(Given())
    words = [timer.removeprefix("xstate.after.").removesuffix(".m.a") for timer in ids(outcome)]
    assert words == ["4", "30", "2592000000", "1.5", "PT1S"]


def test_two_keys_that_are_the_same_number_have_one_event() -> None:
    definition = compiled({"after": {"10": {"guard": "g", "target": "a"}, "1e1": "b"}})
    outcome = definition.fire(at_start(definition), b'{"type":"xstate.after.10.m.a"}', Given(guards=frozenset()))
    assert stands(definition, outcome) == ["b"]


def test_a_list_of_names_answers_a_deadline_which_xstate_loses() -> None:
    definition = compiled({"after": {"5": ["b"]}})
    outcome = definition.fire(at_start(definition), b'{"type":"xstate.after.5.m.a"}', Given())
    assert stands(definition, outcome) == ["b"]


def test_a_timeout_is_a_deadline() -> None:
    definition = compiled({"timeout": "PT1M", "onTimeout": "b"})
    machine = at_start(definition)
    assert definition.start(Given()).timers == (arm("xstate.timeout.m.a", 60_000),)
    assert stands(definition, definition.fire(machine, b'{"type":"xstate.timeout.m.a"}', Given())) == ["b"]


def test_a_timeout_that_nothing_answers_is_armed() -> None:
    assert ids(started({"timeout": 5})) == ["xstate.timeout.m.a"]


def test_a_timeout_by_expression_is_worked_out() -> None:
    outcome = started({"timeout": {"@expr": "context.n * 2"}, "onTimeout": "b"}, context={"n": 4})
    assert outcome.timers == (arm("xstate.timeout.m.a", 8),)


def test_a_deadline_is_cancelled_when_its_state_is_left() -> None:
    definition = compiled({"after": {"5": "b"}, "on": {"GO": "b"}})
    outcome = definition.send(at_start(definition), "GO", Given())
    assert outcome is not None
    assert outcome.timers == (Cancel("xstate.after.5.m.a"),)


def test_a_transition_that_stays_arms_nothing_anew() -> None:
    definition = compiled({"after": {"5": "b"}, "invoke": FETCH, "on": {"GO": {"actions": "note"}}})
    outcome = definition.send(at_start(definition), "GO", Given())
    assert outcome is not None
    assert outcome.timers == ()
    assert effects(outcome) == [{"type": "note"}]


def test_a_state_that_is_entered_again_begins_anew() -> None:
    definition = compiled({"after": {"5": "b"}, "invoke": FETCH, "on": {"GO": {"target": "a", "reenter": True}}})
    outcome = definition.send(at_start(definition), "GO", Given())
    assert outcome is not None
    assert outcome.timers == (Cancel("xstate.after.5.m.a"), arm("xstate.after.5.m.a", 5))
    assert [effect["type"] for effect in effects(outcome)] == ["xstate.stopChild", "xstate.spawnChild"]


def test_a_stale_deadline_moves_nothing() -> None:
    definition = compiled({"after": {"5": "b"}, "on": {"GO": "b"}})
    there = definition.send(at_start(definition), "GO", Given())
    assert there is not None
    assert definition.fire(Machine(there.configuration), b'{"type":"xstate.after.5.m.a"}', Given()) is None


def test_the_first_candidate_whose_guard_holds_is_taken() -> None:
    definition = compiled({"after": {"5": [{"guard": "g", "target": "b"}, {"actions": "missed"}]}})
    machine = at_start(definition)
    event = b'{"type":"xstate.after.5.m.a"}'
    assert stands(definition, definition.fire(machine, event, Given(guards=frozenset(["g"])))) == ["b"]
    assert effects(definition.fire(machine, event, Given(guards=frozenset()))) == [{"type": "missed"}]


def test_a_guard_that_the_client_did_not_say_stops_the_firing() -> None:
    definition = compiled({"after": {"5": {"guard": "g", "target": "b"}}})
    with pytest.raises(GuardError, match="'g'"):
        definition.fire(at_start(definition), b'{"type":"xstate.after.5.m.a"}', Given())


# Delayed events


def test_a_delayed_event_keeps_its_data() -> None:
    event = {"type": "LATE", "n": {"@expr": "context.n + 1"}, "at": [1, None]}
    outcome = started({"entry": raised(event=event, id="x")}, context={"n": 1})
    assert outcome.timers == (Arm("x", b'{"type":"LATE","n":2,"at":[1,null]}', 5),)


def test_what_fires_sees_the_data_of_its_event() -> None:
    assign = {"type": "@xstate.assign", "context": {"n": {"@expr": "event.n"}}}
    definition = compiled({"on": {"LATE": {"actions": assign}}, "after": {"5": "b"}}, context={"n": 0})
    outcome = definition.fire(at_start(definition), b'{"type":"LATE","n":7}', Given())
    assert outcome is not None
    assert outcome.context == b'{"n":7}'


def test_a_delayed_event_without_an_id_has_none() -> None:
    assert ids(started({"entry": raised()})) == [""]


@pytest.mark.parametrize(
    "action", [raised(id={"@expr": "context.n"}), {"type": "@xstate.cancel", "id": {"@expr": "context.n"}}]
)
def test_an_id_by_expression_is_a_text(action: dict[str, Any]) -> None:
    assert ids(started({"entry": action}, context={"n": "x"})) == ["x"]
    with pytest.raises(ExpressionError, match="the id of a delayed event is a string"):
        started({"entry": action}, context={"n": 5})


def test_a_delay_of_nothing_is_a_deadline_too() -> None:
    outcome = started({"entry": raised(delay=0), "on": {"LATE": "b"}})
    assert outcome.timers == (Arm("", b'{"type":"LATE"}', 0),)


def test_deadlines_are_armed_and_cancelled_in_the_order_of_the_actions() -> None:
    entry = [raised(id="x"), {"type": "@xstate.cancel", "id": "x"}, raised(id="y"), raised(id="x", delay="1s")]
    outcome = started({"entry": entry, "after": {"5": "b"}})
    assert [(type(timer), timer.id) for timer in outcome.timers] == [
        *((Arm, "x"), (Cancel, "x"), (Arm, "y"), (Arm, "x"), (Arm, "xstate.after.5.m.a"))
    ]


def test_a_named_action_delays_an_event_by_its_params() -> None:
    actions = {"remind": raised(delay={"@expr": "params.wait"}, id="r")}
    outcome = started({"entry": {"type": "remind", "params": {"wait": 40}}}, actions=actions)
    assert outcome.timers == (Arm("r", b'{"type":"LATE"}', 40),)


# Where a machine is put


def put(definition: Definition, current: str) -> Outcome:
    return definition.enter(current, None, Limits(), Given())


WAITING = {
    "initial": "x",
    "entry": "enters",
    "after": {"7": "b"},
    "states": {"x": {}, "y": {"entry": "inner", "after": {"5": "x"}, "invoke": FETCH}},
}


def test_current_arms_and_starts_what_is_entered_and_runs_nothing() -> None:
    outcome = put(compiled(WAITING), "a.y")
    assert outcome.timers == (arm("xstate.after.7.m.a", 7), arm("xstate.after.5.m.a.y", 5))
    assert effects(outcome) == [spawn(id="0.m.a.y", src="fetch")]


def test_current_works_delays_and_input_out() -> None:
    waits = {"after": {"soon": "b"}, "invoke": {**FETCH, "input": {"@expr": "context.n"}}}
    outcome = put(
        compiled({}, states={"a": {}, "b": waits}, delays={"soon": {"@expr": "context.n"}}, context={"n": 6}), "b"
    )
    assert outcome.timers == (arm("xstate.after.soon.m.b", 6),)
    assert effects(outcome) == [spawn(id="0.m.b", src="fetch", input=6)]


def test_current_where_the_machine_is_done_waits_for_nothing() -> None:
    outcome = put(compiled({}, states={"a": {}, "b": {"type": "final"}}, after={"5": ".a"}, invoke=FETCH), "b")
    assert (outcome.timers, outcome.effects) == ((), ())


def test_force_arms_and_starts_what_is_entered() -> None:
    definition = compiled(
        {"after": {"5": "b"}}, states={"a": {"after": {"5": "b"}}, "b": {"after": {"7": "a"}, "invoke": FETCH}}
    )
    outcome = definition.force(at_start(definition), "b", Given())
    assert outcome is not None
    assert outcome.timers == (Cancel("xstate.after.5.m.a"), arm("xstate.after.7.m.b", 7))
    assert effects(outcome) == [spawn(id="0.m.b", src="fetch")]


def test_force_out_of_the_end_begins_anew_what_stays_active_waits_for() -> None:
    states = {"a": {"invoke": FETCH, "on": {"GO": "z"}}, "z": {"type": "final"}}
    definition = compiled({}, states=states, after={"5": ".a"}, invoke={"src": "watch"})
    done = definition.send(at_start(definition), "GO", Given())
    assert done is not None
    outcome = definition.force(Machine(done.configuration), "a", Given())
    assert outcome is not None
    assert outcome.timers == (arm("xstate.after.5.m", 5),)
    assert effects(outcome) == [spawn(id="0.m", src="watch"), spawn(id="0.m.a", src="fetch")]


def test_force_out_of_an_error_stops_nothing_that_has_ended() -> None:
    a = {"exit": "leaves", "after": {"7": "b"}, "invoke": FETCH}
    definition = compiled(a, after={"5": ".a"}, invoke={"src": "watch"})
    outcome = definition.force(at_start(definition)._replace(error=b"1"), "b", Given())
    assert outcome is not None
    assert outcome.timers == (arm("xstate.after.5.m", 5),)
    assert effects(outcome) == [{"type": "leaves"}, spawn(id="0.m", src="watch")]


def test_mutate_arms_and_cancels_as_an_event_does() -> None:
    definition = compiled({"after": {"5": "a"}, "on": {"GO": "b"}})
    outcome = definition.mutate(at_start(definition), "b", Given())
    assert outcome is not None
    assert outcome.timers == (Cancel("xstate.after.5.m.a"),)


def test_a_deadline_is_no_way_to_mutate() -> None:
    definition = compiled({"after": {"5": "b"}, "timeout": 5, "onTimeout": "b", "invoke": {**FETCH, "onDone": "b"}})
    assert definition.mutate(at_start(definition), "b", Given()) is None


def test_next_lists_no_deadline_and_no_report() -> None:
    definition = compiled(
        {"after": {"5": "b"}, "timeout": 5, "onTimeout": "b", "invoke": {**FETCH, "onDone": "b"}, "on": {"GO": "b"}}
    )
    assert definition.next(at_start(definition)) == ["GO"]


# What is remembered

CONSTANT = {"after": {"5": "b", "soon": "b"}, "invoke": {**FETCH, "input": {"n": 1}}, "exit": raised(id="x")}


def test_a_step_without_data_is_pure_also_with_constant_delays() -> None:
    definition = compiled({**CONSTANT, "on": {"GO": "b"}}, delays={"soon": "PT1S"})
    start = definition.start(Given())
    step = definition.send(Machine(start.configuration), "GO", Given())
    assert step is not None
    assert (len(start.timers), len(step.timers)) == (2, 3)
    assert not start.ask_again
    assert not step.ask_again


@pytest.mark.parametrize(
    "a",
    [
        {"after": {"soon": "b"}},
        {"invoke": {**FETCH, "input": {"@expr": "now"}}},
        {"entry": raised(id={"@expr": "event.type"})},
        {"entry": raised(delay={"@expr": "now"})},
        {"entry": {"type": "@xstate.cancel", "id": {"@expr": "event.type"}}},
    ],
)
def test_a_step_that_works_something_out_is_asked_again(a: dict[str, Any]) -> None:
    assert started(a, delays={"soon": {"@expr": "now"}}).ask_again


@pytest.mark.parametrize(
    "a",
    [
        {"after": {"5": "b"}},
        {"timeout": 5},
        {"invoke": FETCH},
        {"entry": raised()},
        {"on": {"GO": {"actions": raised()}}},
    ],
)
def test_a_machine_that_waits_counts_its_steps(a: dict[str, Any]) -> None:
    definition = compiled(a)
    assert (definition.waits, definition.counts) == (True, True)


def test_a_machine_that_only_cancels_does_not_wait() -> None:
    assert not compiled({"entry": {"type": "@xstate.cancel", "id": "x"}}).waits


def test_the_document_is_kept_as_it_was() -> None:
    text = document(CONSTANT, delays={"soon": "PT1S"})
    assert json.loads(compile_document(text, Limits()).definition.canonical) == json.loads(text)


def test_what_was_stored_is_taken_again() -> None:
    stored = compiled(CONSTANT, delays={"soon": "PT1S"}).canonical
    assert compile_document(stored, None).definition.start(Given()) == started(CONSTANT, delays={"soon": "PT1S"})
