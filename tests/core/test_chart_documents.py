"""What a statechart document may hold, and how a wrong one is refused: the place and the fault."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from sm_core.chart import Chart, check, compile_chart
from sm_core.chart.step import MOST_WORK
from sm_core.document import Limits, parse
from sm_core.errors import DocumentError, EngineError, LimitError
from tests.core.chart_support import chart_of
from tests.refusals import CHARTS, ORDER, order, root, two


@pytest.mark.parametrize(("document", "path", "fault"), CHARTS, ids=range(len(CHARTS)))
def test_a_wrong_document_is_refused_with_path_and_fault(document: dict[str, Any], path: str, fault: str) -> None:
    with pytest.raises(DocumentError) as refused:
        compile_chart(document, Limits()).stand(document)
    assert (refused.value.path, refused.value.fault) == (path, fault)
    assert ("error", path, fault) in check(document, Limits())


def test_a_document_without_states_is_no_chart() -> None:
    with pytest.raises(DocumentError, match=r"\$: member 'states' is missing"):
        compile_chart({}, Limits())


def test_check_gives_all_errors() -> None:
    document = order(on={"A": "x", "B": {"guard": 3, "target": "shipped"}}, entry=[1])
    document["states"]["created"]["on"]["PAY"] = "payd"
    assert [(severity, path) for severity, path, _ in check(document)] == [
        ("error", "$.states.created.on.PAY"),
        ("error", "$.states.paid.entry[0]"),
        ("error", "$.states.paid.on.A"),
        ("error", "$.states.paid.on.B.guard"),
    ]


EMPTY_MEMBERS = {
    "invoke": [], "after": {}, "output": None, "entry": [], "exit": [], "always": [], "tags": [], "history": False,
    "states": {}, "on": {}, "meta": None, "description": None, "transitions": [], "order": 2, "key": "paid",
    "initial": {"target": [], "source": "#money", "actions": [], "eventType": None},
}  # fmt: skip


def test_members_without_a_meaning_are_taken() -> None:
    document = order(**EMPTY_MEMBERS)
    document["context"] = {}
    chart = chart_of(document)
    assert chart.active(chart.start().configuration) == ("created",)
    assert json.loads(chart.canonical) == document


@pytest.mark.parametrize(
    "members",
    [
        {"entry": None},
        {"exit": [None]},
        {"guard": None},
        {"always": {"target": "shipped", "guard": None}},
        {"on": {"E": {"target": "shipped", "guard": {}, "actions": None}}},
    ],
    ids=str,
)
def test_null_where_code_stood_is_refused_unless_it_was_accepted_before(members: dict[str, Any]) -> None:
    """1.0 took it: what its servers have stored must load."""
    document = order(**members)
    why = r"lost on the way to JSON: name it|a guard object needs its name|has no member 'guard'"
    with pytest.raises(DocumentError, match=why):
        compile_chart(document, Limits())
    chart = compile_chart(document, None)
    assert chart.active(chart.start().configuration) == ("created",)
    assert json.loads(chart.canonical) == document


FOR_TOOLS = {
    "types": {"context": {}},
    "schema": {"events": {"PAY": None}},
    "schemas": ["x"],
    "tsTypes": {},
    "predictableActionArguments": True,
    "preserveActionOrder": False,
    "internalEvents": ["TICK"],
    "key": "light",
    "options": {"maxIterations": 1e3},
    "output": {"total": [1.5, None, {"a": "{}"}]},
}


def test_what_only_tools_read_is_kept_and_means_nothing() -> None:
    """XState 5.33 takes it and passes over all but ``options`` and ``output``; a top-level "key" is no id there."""
    document = root(**FOR_TOOLS)
    document["states"]["shipped"]["output"] = [{"paid": True}]
    chart, plain = chart_of(document), chart_of(ORDER)
    assert json.loads(chart.canonical) == document
    assert chart.paths == plain.paths
    assert chart.tables.ids == plain.tables.ids
    assert chart.start() == plain.start()
    assert chart.tables.max_iterations == 1000
    assert [finding for finding in check(document) if finding[0] == "error"] == []
    with pytest.raises(DocumentError, match="no state with the id 'light'"):
        chart_of({**document, "on": {"E": "#light"}})


@pytest.mark.parametrize(
    ("options", "most"),
    [({}, 0), ({"maxIterations": None}, 0), ({"maxIterations": 1}, 1), ({"maxIterations": 2.5}, 2), (None, 0)],
    ids=str,
)
def test_max_iterations(options: dict[str, Any] | None, most: int) -> None:
    """XState's default is Infinity, which is null in JSON; it compares with whole numbers only."""
    assert chart_of(root(options=options)).tables.max_iterations == most


def test_an_empty_output_may_stand_anywhere() -> None:
    """Empty, it was taken wherever it stood."""
    for empty in (None, {}, []):
        assert chart_of(order(output=empty)).paths == ("created", "paid", "shipped")


def test_canonical_leaves_out_where_the_machine_stands_and_keeps_the_rest_as_it_was() -> None:
    text = (
        '{ "id":"π","current":"b", "initial":"a","historyValue":{},'
        '"meta":{"z":1.50,"a":[null,"\\u00e9"]},"states":{"b":{},"a":{}}}'
    )
    chart = compile_chart(parse(text.encode(), None), None)
    expected = '{"id":"π","initial":"a","meta":{"z":1.5,"a":[null,"é"]},"states":{"b":{},"a":{}}}'
    assert chart.canonical.decode() == expected
    assert chart.paths == ("b", "a")


NAMES = [
    "__proto__",
    "constructor",
    "a.b",
    "a\\b",
    "a\\",
    "\0",
    "\n",
    "x#y",
    " ",
    "*",
    '"',
    "'",
    "ünï",
    "😀",
    "$",
    "{",
    "-->",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_that_can_be_told_apart_works(name: str) -> None:
    path = name.replace("\\", "\\\\").replace(".", "\\.")
    document: dict[str, Any] = {
        "initial": "start",
        "states": {"start": {"on": {"GO": path, name + "!": "start"}}, name: {"initial": name, "states": {name: {}}}},
    }
    chart = chart_of(document)
    begin = chart.start().configuration
    step = chart.step(begin, "GO")
    assert step is not None
    assert chart.active(step.configuration) == (f"{path}.{path}",)
    assert chart.state_value(step.configuration) == {name: name}
    assert chart.enter({name: name}) == chart.enter(f"{path}.{path}") == chart.enter(path) == step.configuration
    assert chart.step(begin, name + "!") is not None
    assert chart.next_events(begin) == ["GO", name + "!"]
    moved = chart.mutate(begin, path)
    assert moved is not None and moved.configuration == step.configuration


def test_an_id_with_dots_is_a_target() -> None:
    states: dict[str, Any] = {"a": {"on": {"E": "#x.y", "F": "#com.acme.b"}}, "b": {"id": "x.y"}}
    document = {"id": "com.acme", "initial": "a", "states": states}
    with pytest.raises(DocumentError, match="no state with the id 'com'"):
        chart_of(document)
    states["a"]["on"] = {"E": "#x.y", "F": "#com\\.acme.b"}
    chart = chart_of(document)
    assert chart.next_events(chart.start().configuration) == ["E", "F"]
    assert chart.mutate(chart.start().configuration, "b") is not None


# Bounds


def test_limits() -> None:
    many = {"initial": "s0", "states": {f"s{index}": {} for index in range(11)}}
    with pytest.raises(LimitError, match="max-states"):
        compile_chart(many, Limits(states=10))
    compile_chart(many, Limits(states=11))
    long_names: dict[str, Any] = {"x" * 500: {"type": "parallel", "states": {f"s{index}": {} for index in range(400)}}}
    with pytest.raises(LimitError, match="too long in sum"):
        compile_chart({"initial": "x" * 500, "states": long_names}, Limits(document_bytes=20_000))


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(depth):
        document = {"initial": "s", "states": {"s": document}, "on": {"E": {"actions": "a"}}}
    return document


def test_depth_overflows_nothing() -> None:
    """All work on a chart is done in loops: what can be parsed can be stepped, whatever Python's recursion limit."""
    chart = compile_chart(nested(200), None)
    configuration = chart.start().configuration
    step = chart.step(configuration, "E")
    assert step is not None and step.actions == ("a",)
    assert chart.decode(chart.encode(configuration)) == configuration
    assert chart.enter(chart.state_value(configuration)) == configuration
    assert chart.active(configuration) == (".".join("s" * 200),)
    assert check(nested(200))[0][0] == "warning"
    with pytest.raises(LimitError, match="nested deeper"):
        compile_chart(nested(600), None)


def test_an_always_cycle_is_an_error_and_soon() -> None:
    document = {"initial": "a", "states": {"a": {"on": {"E": "b"}}, "b": {"always": "c"}, "c": {"always": "b"}}}
    chart = chart_of(document)
    begin = chart.start().configuration
    with pytest.raises(EngineError, match=r"do not end: a cycle of 2 microsteps, at '[bc]', '[bc]'$") as refused:
        chart.step(begin, "E")
    assert not isinstance(refused.value, DocumentError)
    assert chart.can(begin, "E")
    with pytest.raises(EngineError, match="do not end"):
        chart.enter("c")
    assert check({**document, "initial": "b"})[0][:2] == ("error", "$")


RING = {"initial": "a", "states": {"a": {"always": "b"}, "b": {"always": "a"}}}


def test_thousands_of_always_cycles_at_once_are_one() -> None:
    states = {
        "calm": {"on": {"E": "busy"}},
        "busy": {"type": "parallel", "states": dict.fromkeys(map(str, range(3000)), RING)},
    }
    chart = compile_chart({"initial": "calm", "states": states}, None)
    with pytest.raises(EngineError, match=r"a cycle of 2 microsteps, at 'busy\.0\.[ab]', .* and \d+ more$"):
        chart.step(chart.start().configuration, "E")


def rings(lengths: list[int]) -> dict[str, Any]:
    """Regions that go round in circles of these lengths: together in one of their least common multiple."""
    regions = {}
    for length in lengths:
        inner = {f"s{number}": {"always": f"s{(number + 1) % length}"} for number in range(length)}
        regions[f"r{length}"] = {"initial": "s0", "states": inner}
    return {"type": "parallel", "states": regions}


@pytest.mark.parametrize(("lengths", "cycle"), [([2, 3], 6), ([4, 6], 12), ([3, 4, 5], 60)])
def test_the_length_of_a_cycle_is_told(lengths: list[int], cycle: int) -> None:
    with pytest.raises(EngineError, match=rf"a cycle of {cycle} microsteps"):
        chart_of(rings(lengths)).start()


def test_the_states_of_a_cycle_are_named_and_no_others() -> None:
    chain: dict[str, Any] = {f"s{number}": {"always": f"s{number + 1}"} for number in range(20)}
    chart = chart_of({"initial": "s0", "states": {**chain, "s20": {"always": "s18"}}})
    with pytest.raises(EngineError, match="a cycle of 3 microsteps, at ") as refused:
        chart.start()
    assert sorted(str(refused.value).split(", at ")[1].split(", ")) == ["'s18'", "'s19'", "'s20'"]


def test_a_cycle_that_history_takes_part_in_is_found_when_history_repeats() -> None:
    """Where it stands comes back at once, what history holds only later."""
    inner = {
        "h": {"type": "history", "target": "one"},
        "one": {"always": "#two"},
        "two": {"id": "two", "always": "#out"},
    }
    states = {"in": {"initial": "h", "states": inner}, "out": {"id": "out", "always": "in.h"}}
    with pytest.raises(EngineError, match="a cycle of"):
        chart_of({"initial": "in", "states": states}).start()


def test_what_is_merely_bounded_names_the_bound() -> None:
    """A cycle of 2 * 3 * 5 * ... microsteps is not gone round to its end."""
    with pytest.raises(EngineError, match=rf"one event may cause {MOST_WORK} units of work") as refused:
        chart_of(rings([2, 3, 5, 7, 11, 13, 17, 19, 23])).start()
    assert "cycle" not in str(refused.value)


def test_a_finite_chain_is_taken_whole() -> None:
    """However long: what one event may cause grows with the chart."""
    for length in (201, 1_000, 10_000):
        states: dict[str, Any] = {f"s{number}": {"always": f"s{number + 1}"} for number in range(length)}
        chart = compile_chart({"initial": "s0", "states": {**states, f"s{length}": {}}}, None)
        assert chart.active(chart.start().configuration) == (f"s{length}",)


def test_max_iterations_counts_as_xstate_does() -> None:
    """The last time, when nothing is found, counts; once the machine is done nothing is asked."""

    def chain(last: dict[str, Any], most: int) -> Chart:
        states = {"s0": {"always": "s1"}, "s1": {"always": "s2"}, "s2": last}
        return chart_of({"initial": "s0", "options": {"maxIterations": most}, "states": states})

    assert chain({}, 3).active(chain({}, 3).start().configuration) == ("s2",)
    assert chain({"type": "final"}, 2).start()
    for last, most in (({}, 2), ({"type": "final"}, 1)):
        with pytest.raises(EngineError, match=f"more than {most} microsteps, .*options.maxIterations"):
            chain(last, most).start()


def test_every_state_may_move_on_without_an_event_once() -> None:
    one = {"initial": "a", "states": {"a": {"always": "b"}, "b": {}}}
    regions = range(11_000)
    chart = compile_chart({"type": "parallel", "states": dict.fromkeys(map(str, regions), one)}, None)
    assert set(chart.active(chart.start().configuration)) == {f"{number}.b" for number in regions}


def test_a_hundred_thousand_targets_are_refused_or_read_soon() -> None:
    begin = time.monotonic()
    targets = ["p.r1.x", "p.r2.x"] * 50_000
    chart = compile_chart(two(on={"E": {"target": targets}, "F": [{"target": "p"}] * 50_000}), None)
    step = chart.step(chart.start().configuration, "E")
    assert step is not None and chart.active(step.configuration) == ("p.r1.x", "p.r2.x")
    with pytest.raises(DocumentError):
        compile_chart(two(on={"E": {"target": [f"#{index}" for index in range(100_000)]}}), None)
    assert time.monotonic() - begin < 60  # a hang guard


def wide_and_deep() -> dict[str, Any]:
    """About a thousand states, twenty levels deep."""

    def level(depth: int) -> dict[str, Any]:
        if depth == 20:
            return {"on": {"E": {"actions": "x"}}}
        inner = level(depth + 1)
        others = {f"o{index}": {"on": {"E": "in", "F": f"o{(index + 1) % 50}"}} for index in range(50)}
        return {"initial": "in", "states": {"in": inner, **others}}

    return level(0)


def test_a_thousand_states_twenty_deep() -> None:
    chart = compile_chart(wide_and_deep(), None)
    assert len(chart.paths) > 1000
    configuration = chart.start().configuration
    assert chart.active(configuration) == (".".join(["in"] * 20),)
    assert chart.decode(chart.encode(configuration)) == configuration
