"""What SM.CHECK finds in a document with data: errors that SM.SET would refuse, and what is odd; and its picture."""

from __future__ import annotations

from typing import Any

import pytest

from sm_core import EngineError, Limits, check_document, compile_document, diagram, render
from tests.documents import compact
from tests.refused_data import assign, expr


def found(document: dict[str, Any]) -> list[tuple[str, str]]:
    findings = check_document(compact(document).encode(), Limits())
    assert {severity for severity, _, _ in findings} <= {"warning"}
    return [(path, message) for _, path, message in findings]


def pay(*candidates: Any, **members: Any) -> dict[str, Any]:
    states = {"open": {"on": {"PAY": list(candidates)}}, "paid": {"on": {"BACK": "open"}}}
    return {"initial": "open", "context": {"paid": 0, "list": []}, "states": states, **members}


def to(guard: Any = None, **more: Any) -> dict[str, Any]:
    return {"target": "paid", **({} if guard is None else {"guard": guard}), **more}


PLACE = "$.states.open.on.PAY"
COVERS = {"covers": {"when": expr("context.paid > params.most")}}


def test_nothing_is_found_where_nothing_is_odd() -> None:
    actions = [assign(paid=expr("context.paid + event.n")), {"type": "mail", "params": expr("context.list")}]
    document = pay(to({"type": "covers", "params": {"most": 3}}, actions=actions), to(), guards=COVERS)
    assert found(document) == []


def test_a_guard_that_nothing_defines_is_the_clients() -> None:
    document = pay(to("rich"), to({"type": "xstate.not", "guard": "covrs"}), to(), guards=COVERS)
    assert found(document) == [
        (f"{PLACE}[0].guard", "no guard 'rich' is defined: the client decides it"),
        (f"{PLACE}[1].guard.guard", "no guard 'covrs' is defined: the client decides it; did you mean 'covers'?"),
    ]


def test_a_guard_of_the_clients_is_told_once() -> None:
    assert len(found(pay(to("rich"), to({"type": "xstate.and", "guards": ["rich", "rich"]}), to()))) == 1


def test_a_guard_of_the_clients_with_other_params() -> None:
    uses = [{"type": "rich", "params": {"n": number}} for number in (1, 1, 2, 3)]
    assert found(pay(*map(to, uses), to()))[1:] == [
        (
            f"{PLACE}[2].guard",
            f"guard 'rich' has other params than at {PLACE}[0].guard: what the client says of it holds for both",
        )
    ]


def test_a_defined_guard_may_have_any_params() -> None:
    uses = [{"type": "covers", "params": {"most": number}} for number in (1, 2)]
    assert found(pay(*map(to, uses), to(), guards=COVERS)) == []


def test_a_member_that_is_assigned_and_not_in_the_context() -> None:
    document = pay(to(actions=[assign(piad=1), assign(piad=2, list=[])]))
    assert found(document) == [
        (f"{PLACE}[0].actions[0].context.piad", "the document's context has no member 'piad'; did you mean 'paid'?")
    ]


def test_a_context_that_an_expression_makes_has_any_member() -> None:
    document = pay(to(expr("context.a > 1"), actions=assign(b=1)), to(), context=expr("input"))
    assert found(document) == []


def test_a_name_that_is_never_there() -> None:
    document = pay(to(expr("event.n > 1 &&\n context.piad > 1")), to(expr("context.new")), to(actions=assign(new=True)))
    assert found(document) == [
        (f"{PLACE}[2].actions.context.new", "the document's context has no member 'new'"),
        (f"{PLACE}[0].guard", "the context never has a member 'piad', read at line 2, column 2; did you mean 'paid'?"),
    ]


@pytest.mark.parametrize("place", ["params", "output", "when"])
def test_names_are_looked_at_wherever_an_expression_stands(place: str) -> None:
    read = expr("context.nothing")
    documents = {
        "params": (pay(to(actions={"type": "mail", "params": [read]})), f"{PLACE}[0].actions.params[0]"),
        "output": (pay(to(), output={"a": read}), "$.output.a"),
        "when": (pay(to("covers"), guards={"covers": {"when": read}}), "$.guards.covers.when"),
    }
    document, path = documents[place]
    assert (path, "the context never has a member 'nothing', read at line 1, column 1") in found(document)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("context.paid / 2", 14),
        ("context.paid / event.n", 14),
        ("2 / context.paid", 3),
        ("1 + context.paid / 2", 18),
        ("(context.paid + 1) / size(context.list)", 20),
        ("[1].map(x, x / 2)[0]", 14),
        ("event.a ? 1.0 : 2 / event.b", 19),
    ],
)
def test_a_division_that_may_be_of_either(text: str, column: int) -> None:
    (path, message), *rest = found(pay(to(actions=assign(paid=expr(text)))))
    assert rest == []
    assert path == f"{PLACE}[0].actions.context.paid"
    assert message.startswith(
        f"the division at line 1, column {column} gives a whole number where both sides are whole"
    )


@pytest.mark.parametrize(
    "text",
    [
        "context.paid / 2.0",
        "double(context.paid) / event.n",
        "event.n / double(context.paid)",
        "context.paid * 1.0 / 2",
        "int(context.paid) / 2",
        "size(context.list) / 2",
        "(1 + 2) / -3",
        "now / 1000",
        "(event.a ? 1.0 : 2.5) / event.n",
        "context.paid % 2 + context.paid * 3",
        "'a/b'",
    ],
)
def test_a_division_whose_kind_is_sure(text: str) -> None:
    assert found(pay(to(actions=assign(paid=expr(text))))) == []


def test_a_candidate_behind_an_unguarded_one() -> None:
    message = "never chosen: a transition before it has no guard and is always enabled"
    assert (f"{PLACE}[2]", message) in found(pay(to("rich"), to(), to("poor")))


def test_a_guarded_always_does_not_hide_what_the_state_answers() -> None:
    document = pay(to())
    document["states"]["open"]["always"] = to("rich")
    assert [path for path, message in found(document) if "never chosen" in message] == []


def test_what_set_refuses_is_an_error_and_warnings_wait() -> None:
    document = pay(to(expr("1 +")), to(expr("context.nothing")))
    findings = check_document(compact(document).encode(), Limits())
    assert [(severity, path) for severity, path, _ in findings] == [("error", f"{PLACE}[0].guard")]


def test_findings_are_bounded() -> None:
    document = pay(to(actions=[assign(**{f"m{number}": 1}) for number in range(500)]))
    assert len(check_document(compact(document).encode(), Limits())) == 100


# Pictures


PICTURED = pay(
    to("covers"),
    to(
        {
            "type": "xstate.and",
            "guards": ["rich", {"type": "xstate.not", "guard": {"type": "xstate.or", "guards": ["a", "b"]}}],
        }
    ),
    to(expr("event.n > 1"), actions=["mail", assign(paid=1)]),
    to({"type": "xstate.stateIn", "stateValue": "open"}),
    guards=COVERS,
)
LABELS = [
    "PAY [covers]",
    "PAY [rich and not (a or b)]",
    "PAY [event.n > 1] / mail, @xstate.assign",
    "PAY [in open]",
]


def test_a_picture_shows_guards_in_brackets() -> None:
    text = render(compact(PICTURED).encode(), "MERMAID", Limits())
    definition = compile_document(compact(PICTURED).encode(), Limits()).definition
    for label in LABELS:
        assert f" : {label}\n" in text.replace("#91;", "[").replace("#93;", "]").replace("#62;", ">")
        assert f'label="{label}"' in diagram(definition, b"\x01\x01", "DOT")


def test_an_always_with_a_guard_has_a_label() -> None:
    document = {"initial": "a", "states": {"a": {"always": {"guard": "ready", "target": "b"}}, "b": {}}}
    assert " : #91;ready#93;\n" in render(compact(document).encode(), "MERMAID", Limits())


def test_long_expressions_make_a_picture_too_large() -> None:
    long_one = expr(" + ".join(["1"] * 900) + " > 1")
    limits = Limits(document_bytes=1 << 22, elements=1 << 20)
    assert render(compact(pay(*[to(long_one)] * 10)).encode(), "DOT", limits)
    with pytest.raises(EngineError, match="too large to be drawn"):
        render(compact(pay(*[to(long_one)] * 400)).encode(), "DOT", limits)
