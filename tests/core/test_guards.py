"""Guards: which candidate is taken, what they see, and who decides them."""

from __future__ import annotations

from typing import Any

import pytest

from sm_core import NOT_TAKEN, EngineError, ExpressionError, GuardError, Limits
from tests.core.played import Played, given
from tests.refused_data import assign, expr


def pay(*candidates: Any, **members: Any) -> dict[str, Any]:
    """``open`` answers PAY with these candidates; there are states ``a``, ``b`` and ``c`` to go to."""
    states = {"open": {"on": {"PAY": list(candidates)}}, **{name: {"on": {"BACK": "open"}} for name in "abc"}}
    return {"id": "m", "initial": "open", "states": states, **members}


def to(target: str, guard: Any = None, **more: Any) -> dict[str, Any]:
    return {"target": target, **({} if guard is None else {"guard": guard}), **more}


# The order


def test_the_first_candidate_whose_guard_holds_is_taken() -> None:
    document = pay(to("a", expr("event.n > 10")), to("b", expr("event.n > 5")), to("c"))
    for number, target in ((20, "a"), (7, "b"), (1, "c")):
        machine = Played(document)
        assert machine.send("PAY", data={"n": number})
        assert machine.states == [target]


def test_a_guard_behind_the_one_that_holds_is_not_asked() -> None:
    machine = Played(pay(to("a", expr("true")), to("b", expr("event.nothing"))))
    assert machine.send("PAY")
    assert machine.states == ["a"]


def test_where_no_guard_holds_the_parent_is_asked() -> None:
    document = pay(to("a", expr("false")), on={"PAY": ".b"})
    machine = Played(document)
    assert machine.send("PAY")
    assert machine.states == ["b"]


def test_where_no_guard_holds_a_wildcard_is_asked() -> None:
    document = pay(to("a", expr("false")))
    document["states"]["open"]["on"]["*"] = "c"
    machine = Played(document)
    assert machine.send("PAY")
    assert machine.states == ["c"]


def test_of_partial_descriptors_the_longest_is_asked_first() -> None:
    states: dict[str, Any] = {"open": {"on": {"x.*": "a", "x.y.*": to("b", expr("event.ok"))}}, "a": {}, "b": {}}
    for ok, target in ((True, "b"), (False, "a")):
        machine = Played({"initial": "open", "states": states})
        assert machine.send("x.y.z", data={"ok": ok})
        assert machine.states == [target]


def test_an_event_that_no_guard_lets_through_is_not_taken() -> None:
    machine = Played(pay(to("a", expr("event.n > 1"))))
    assert machine.definition.send(machine.machine, "PAY", given({"n": 1})) is NOT_TAKEN
    assert not machine.can("PAY", data={"n": 1})
    assert machine.can("PAY", data={"n": 2})


def test_where_no_data_is_asked_a_refusal_is_none() -> None:
    machine = Played(pay(to("a", "rich")))
    assert machine.definition.send(machine.machine, "PAY", given(guards=[])) is None
    assert machine.definition.send(machine.machine, "OTHER", given()) is None


def test_a_guard_that_fails_aborts_the_step() -> None:
    machine = Played(pay(to("a", expr("event.n > 1")), to("b")))
    for ask in (machine.send, machine.can):
        with pytest.raises(ExpressionError, match=r"\$\.states\.open\.on\.PAY\[0\]\.guard: no member \"n\" in event"):
            ask("PAY")
    assert machine.states == ["open"]


def test_an_error_is_absorbed_by_the_languages_or_alone() -> None:
    machine = Played(pay(to("a", expr("event.n > 1 || true"))))
    assert machine.can("PAY")
    machine = Played(pay(to("a", {"type": "xstate.or", "guards": [expr("event.n > 1"), expr("true")]})))
    with pytest.raises(ExpressionError):
        machine.can("PAY")


# What they see


def test_guards_of_one_selection_see_the_context_before_it() -> None:
    region = {"initial": "x", "states": {"x": {"on": {"GO": to("y", expr("context.n == 0"))}}, "y": {}}}
    region["states"]["x"]["on"]["GO"]["actions"] = assign(n=expr("context.n + 1"))  # type: ignore[index]
    machine = Played({"type": "parallel", "context": {"n": 0}, "states": {"p": region, "q": region}})
    assert machine.send("GO")
    assert machine.states == ["p.y", "q.y"]
    assert machine.context == {"n": 2}


def test_the_event_has_its_type_and_the_members_of_data() -> None:
    machine = Played(pay(to("a", expr("event == {'type': 'PAY', 'n': 1, 'list': [true, null]}"))))
    assert machine.can("PAY", data={"n": 1, "list": [True, None]})


def test_now_is_what_the_command_says() -> None:
    machine = Played(pay(to("a", expr("now == 1234"))))
    assert machine.can("PAY", now=1234)
    assert not machine.can("PAY", now=1235)


def test_a_named_guard_gets_the_params_with_which_it_is_used() -> None:
    guards = {"atLeast": {"when": expr("event.n >= params.n")}}
    uses = [to(name, {"type": "atLeast", "params": {"n": expr(text)}}) for name, text in (("a", "9"), ("b", "2 + 3"))]
    document = pay(*uses, to("c", "atLeast"), guards=guards)
    for number, target in ((9, "a"), (5, "b")):
        machine = Played(document)
        assert machine.send("PAY", data={"n": number})
        assert machine.states == [target]
    with pytest.raises(ExpressionError, match=r"\$\.guards\.atLeast\.when: "):
        Played(document).can("PAY", data={"n": 1})


def test_params_of_a_guard_do_not_outlive_it() -> None:
    guards = {"one": {"when": expr("params.n == 1 && false")}, "two": {"when": expr("has(params.n)")}}
    document = pay(to("a", {"type": "one", "params": {"n": 1}}), to("b", "two"), guards=guards)
    assert not Played(document).can("PAY")


# The client's


@pytest.mark.parametrize(("holding", "target"), [(["vip"], "a"), (["known"], "b"), (["vip", "known"], "a"), ([], "c")])
def test_the_client_says_which_of_its_guards_hold(holding: list[str], target: str) -> None:
    machine = Played(pay(to("a", "vip"), to("b", {"type": "known", "params": {"since": 3}}), to("c")))
    assert machine.send("PAY", guards=holding)
    assert machine.states == [target]


def test_without_guards_the_error_names_all_that_the_event_may_ask_for() -> None:
    document = pay(to("a", "vip"), to("b", {"type": "xstate.not", "guard": "known"}))
    document["states"]["a"]["on"]["OTHER"] = to("b", "elsewhere")
    machine = Played(document)
    for ask in (machine.send, machine.can):
        with pytest.raises(GuardError) as asked:
            ask("PAY")
        assert str(asked.value) == (
            "the client decides 'vip', 'known': say which hold with GUARDS count name ..., or GUARDS 0 where none does"
        )
    assert machine.states == ["open"]


def test_an_event_that_asks_for_no_guard_needs_none() -> None:
    document = pay(to("a", "vip"), on={"OTHER": ".b"})
    machine = Played(document)
    assert machine.send("OTHER")
    assert machine.states == ["b"]


def test_a_name_that_the_document_defines_is_not_the_clients() -> None:
    machine = Played(pay(to("a", "vip"), to("b", "known"), guards={"vip": {"when": expr("false")}}))
    with pytest.raises(EngineError, match="guard 'vip' is not the client's to decide; known are 'known'"):
        machine.send("PAY", guards=["vip"])


def test_a_misspelt_guard_is_refused_even_where_no_guard_is_asked() -> None:
    machine = Played(pay(to("a", "vip"), on={"OTHER": ".b"}))
    with pytest.raises(EngineError, match="did you mean 'vip'"):
        machine.send("OTHER", guards=["vpi"])


def test_one_truth_serves_all_uses_of_a_step() -> None:
    states = {"open": {"on": {"PAY": to("mid", "vip")}}, "mid": {"always": to("end", "vip")}, "end": {}}
    machine = Played({"initial": "open", "states": states})
    assert machine.send("PAY", guards=["vip"])
    assert machine.states == ["end"]


# Guards of guards


COMBINED: list[tuple[Any, list[str], bool]] = [
    ({"type": "xstate.and", "guards": ["p", "q"]}, ["p", "q"], True),
    ({"type": "xstate.and", "guards": ["p", "q"]}, ["p"], False),
    ({"type": "xstate.and", "guards": []}, [], True),
    ({"type": "xstate.or", "guards": ["p", "q"]}, ["q"], True),
    ({"type": "xstate.or", "guards": ["p", "q"]}, [], False),
    ({"type": "xstate.or", "guards": []}, [], False),
    ({"type": "xstate.not", "guard": "p"}, [], True),
    ({"type": "xstate.not", "guard": "p"}, ["p"], False),
    ({"type": "xstate.not", "guard": {"type": "xstate.and", "guards": ["p", expr("1 == 1")]}}, ["p"], False),
    ({"type": "xstate.and", "guards": [{"type": "xstate.or", "guards": ["p", "q"]}, expr("true")]}, ["q"], True),
]


@pytest.mark.parametrize(("guard", "holding", "taken"), COMBINED)
def test_guards_of_guards(guard: Any, holding: list[str], taken: bool) -> None:
    document = pay(to("a", guard), to("b", "p"), to("b", "q"))  # so that both are the client's
    assert Played(document).why("PAY", guards=holding)[0][1].startswith("taken") == taken


def test_what_is_decided_already_is_not_asked() -> None:
    document = pay(to("a", {"type": "xstate.and", "guards": [expr("false"), expr("event.nothing")]}))
    assert not Played(document).can("PAY")
    document = pay(to("a", {"type": "xstate.or", "guards": [expr("true"), expr("event.nothing")]}))
    assert Played(document).can("PAY")


def regions() -> dict[str, Any]:
    inner = {"initial": "x", "states": {"x": {"on": {"GO": "y"}}, "y": {"id": "end", "on": {"BACK": "x"}}}}
    return {"id": "m", "type": "parallel", "states": {"p": inner, "q": {"initial": "w", "states": {"w": {}, "v": {}}}}}


@pytest.mark.parametrize(
    "guard",
    [
        *({"type": "xstate.stateIn", "stateValue": value} for value in ("#end", "p.y", {"p": "y"}, {"p": {"y": {}}})),
        {"type": "xstate.stateIn", "stateValue": {"p": "y", "q": "w"}},
        expr("inState('p.y')"),
        expr("inState('#end')"),
    ],
)
def test_state_in(guard: Any) -> None:
    document = regions()
    document["states"]["q"]["states"]["w"]["on"] = {"PAY": to("v", guard)}
    machine = Played(document)
    assert not machine.can("PAY")
    assert machine.send("GO")
    assert machine.can("PAY")


def test_state_in_of_several_states_wants_all_of_them() -> None:
    document = regions()
    document["states"]["p"]["states"]["y"]["on"]["PAY"] = to(
        "x", {"type": "xstate.stateIn", "stateValue": {"p": "y", "q": "v"}}
    )
    machine = Played(document)
    machine.send("GO")
    assert not machine.can("PAY")


# always


def test_an_event_that_no_transition_takes_asks_always_again() -> None:
    states = {"a": {"always": to("b", "ready")}, "b": {}}
    machine = Played({"initial": "a", "states": states}, guards=[])
    assert machine.states == ["a"]
    assert not machine.can("ANY", guards=["ready"])
    assert not machine.send("ANY", guards=[])
    assert machine.send("ANY", guards=["ready"])
    assert machine.states == ["b"]


def test_an_always_without_a_target_is_not_run_by_such_an_event() -> None:
    states = {"a": {"always": {"guard": "ready", "actions": "hello"}, "on": {"TAKEN": {"actions": "x"}}}}
    machine = Played({"initial": "a", "states": states}, guards=[])
    assert not machine.send("ANY", guards=["ready"])
    assert machine.send("TAKEN", guards=["ready"])


def test_always_sees_what_the_transition_assigned() -> None:
    states = {
        "a": {
            "on": {"ADD": {"actions": assign(n=expr("context.n + event.by"))}},
            "always": to("b", expr("context.n >= 3")),
        },
        "b": {},
    }
    machine = Played({"initial": "a", "context": {"n": 0}, "states": states})
    machine.send("ADD", data={"by": 2})
    assert machine.states == ["a"]
    machine.send("ADD", data={"by": 1})
    assert machine.states == ["b"]


def test_a_loop_of_assignments_runs_until_its_guard_says_no() -> None:
    states = {"a": {"always": {"guard": expr("context.n < 5"), "actions": assign(n=expr("context.n + 1"))}}}
    assert Played({"initial": "a", "context": {"n": 0}, "states": states}).context == {"n": 5}


# Purity: what may be remembered


def test_a_step_that_reads_no_data_is_pure_though_the_machine_has_a_context() -> None:
    machine = Played(pay(to("a"), context={"n": 1}))
    assert machine.send("PAY")
    assert not machine.outcome.ask_again
    assert machine.outcome.context is None


def test_a_step_that_the_client_decides_is_pure() -> None:
    machine = Played(pay(to("a", "vip"), context={"n": 1}))
    assert machine.send("PAY", guards=["vip"])
    assert not machine.outcome.ask_again


def test_where_the_machine_stands_is_no_data() -> None:
    machine = Played(pay(to("a", {"type": "xstate.stateIn", "stateValue": "open"}), context={"n": 1}))
    assert machine.send("PAY")
    assert not machine.outcome.ask_again


@pytest.mark.parametrize(
    "text", ["context.n == 1", "event.n == 1", "event.type == 'PAY'", "now == 0", "inState('open')", "true"]
)
def test_an_expression_is_asked_again(text: str) -> None:
    """Also one that reads no data: what is remembered replicates as it came, and a replica evaluates nothing."""
    machine = Played(pay(to("a", expr(text)), context={"n": 1}))
    assert machine.send("PAY", data={"n": 1})
    assert machine.outcome.ask_again


def test_a_step_is_asked_again_where_a_guard_before_it_read_data() -> None:
    machine = Played(pay(to("a", expr("context.n == 2")), to("b"), context={"n": 1}))
    assert machine.send("PAY")
    assert machine.outcome.ask_again


def test_what_stands_behind_is_no_part_of_the_answer() -> None:
    machine = Played(pay(to("a", "vip"), to("b", expr("context.n == 2")), context={"n": 1}))
    assert machine.send("PAY", guards=["vip"])
    assert not machine.outcome.ask_again


# SM.MUTATE, FORCE, SM.NEXT


def test_mutate_asks_the_guards() -> None:
    machine = Played(
        pay(to("a", expr("event.n == 1")), to("b", "vip"), to("c", expr("context.n == 1")), context={"n": 1})
    )
    assert not machine.mutate("a", data={"n": 2}, guards=[])
    assert not machine.mutate("b", data={"n": 2}, guards=[])
    assert machine.mutate("c", data={"n": 2}, guards=[])
    machine = Played(pay(to("a", expr("event.n == 1")), to("b", "vip")))
    assert machine.mutate("b", data={"n": 2}, guards=["vip"])
    assert machine.states == ["b"]


def test_mutate_does_not_take_what_another_candidate_is_before() -> None:
    machine = Played(pay(to("a", "vip"), to("b")))
    assert not machine.mutate("b", guards=["vip"])
    assert machine.mutate("b", guards=[])


def test_mutate_asks_for_guards_that_were_not_said() -> None:
    machine = Played(pay(to("a", "vip")))
    with pytest.raises(GuardError, match="the client decides 'vip'"):
        machine.mutate("a")


def test_force_asks_no_guard() -> None:
    machine = Played(pay(to("a", expr("event.nothing"))))
    assert machine.force("a")
    assert machine.states == ["a"]


def test_next_asks_no_guard() -> None:
    machine = Played(pay(to("a", expr("event.nothing")), to("b", "vip")))
    assert machine.definition.next(machine.machine) == ["PAY"]


# SM.CAN … WHY


def test_every_verdict() -> None:
    document = pay(
        to("a", expr("false")),
        to("a", "covers"),
        to("a", expr("event.nothing")),
        to("a", "vip"),
        to("b", expr("true")),
        to("c"),
        guards={"covers": {"when": expr("1 > 2")}},
        on={"PAY": ".c"},
    )
    place = "$.states.open.on.PAY"
    assert Played(document).why("PAY") == [
        (f"{place}[0]", "guard 'false' is false"),
        (f"{place}[1]", "guard 'covers' is false"),
        (f"{place}[2]", f'{place}[2].guard: no member "nothing" in event at line 1, column 7'),
        (f"{place}[3]", "guard 'vip' is the client's"),
        (f"{place}[4]", "taken"),
        (f"{place}[5]", "behind another"),
        ("$.on.PAY", "behind another"),
    ]
    assert Played(document).why("PAY", guards=[])[3] == (f"{place}[3]", "guard 'vip' is false")
    assert Played(document).why("PAY", guards=["vip"])[3:5] == [
        (f"{place}[3]", "taken"),
        (f"{place}[4]", "behind another"),
    ]


def test_a_forbidden_event_says_so() -> None:
    machine = Played(pay(to("a", "vip"), {}, on={"PAY": ".b"}))
    assert machine.why("PAY", guards=[]) == [
        ("$.states.open.on.PAY[0]", "guard 'vip' is false"),
        ("$.states.open.on.PAY[1]", "forbidden"),
        ("$.on.PAY", "behind another"),
    ]


def test_nothing_answers_an_event_that_no_state_names() -> None:
    assert Played(pay(to("a"))).why("OTHER") == []


def test_why_not_says_what_the_guards_said() -> None:
    machine = Played(pay(to("a", "vip"), to("b", expr("event.n > 1"))))
    assert machine.definition.why_not(machine.machine, "PAY", given({"n": 1}, [])) == (
        "the event 'PAY' is not taken: guard 'vip' is false, guard 'event.n > 1' is false"
    )


def test_why_is_can() -> None:
    document = pay(to("a", "vip"), to("b", expr("event.n > 1")), {"guard": expr("event.n > 0")})
    machine = Played(document)
    for number in (0, 1, 2):
        for holding in ([], ["vip"]):
            verdicts = [verdict for _, verdict in machine.why("PAY", data={"n": number}, guards=holding)]
            assert machine.can("PAY", data={"n": number}, guards=holding) == ("taken" in verdicts)


def test_mutate_says_the_event_that_it_stands_for() -> None:
    assign = {"type": "@xstate.assign", "context": {"was": expr("event.type")}}
    machine = Played(pay({"target": "a", "actions": assign}, context={"was": ""}))
    assert machine.mutate("a")
    assert machine.context == {"was": "PAY"}


def test_why_goes_on_where_the_budget_has_ended() -> None:
    machine = Played(pay(*[to("a", "vip")] * 60))
    limits = Limits(expression_steps=50)
    verdicts = [verdict for _, verdict in machine.why("PAY", guards=[], limits=limits)]
    assert verdicts[:2] == ["guard 'vip' is false"] * 2
    assert "max-expression-steps (50)" in verdicts[-1]
