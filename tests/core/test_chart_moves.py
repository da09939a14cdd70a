"""Standing somewhere and moving by a state's name: enter, mutate, force; and bytes from outside."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sm_core.chart import Chart, Configuration, Step
from sm_core.chart.short import short_step
from sm_core.chart.step import Macrostep, enabled, take_short
from sm_core.errors import DocumentError, EngineError
from tests.core.chart_support import FIXTURES, chart_of, names, walk

FORM: dict[str, Any] = {
    "id": "page",
    "type": "parallel",
    "states": {
        "form": {
            "initial": "viewing",
            "entry": "inForm",
            "states": {
                "viewing": {"on": {"EDIT": "editing", "LEAVE": "gone"}},
                "editing": {
                    "entry": "inEditing",
                    "exit": "outEditing",
                    "initial": "clean",
                    "on": {"SAVE": {"target": "viewing", "actions": "save"}, "DISCARD": "viewing"},
                    "states": {
                        "clean": {"on": {"TYPE": {"target": "dirty", "actions": "type"}}},
                        "dirty": {"on": {"SAVE": {"target": "saving"}}},
                        "saving": {"always": "#page.form.viewing"},
                        "last": {"history": "deep"},
                    },
                },
                "gone": {"type": "final"},
            },
        },
        "net": {
            "initial": "online",
            "states": {
                "online": {"exit": "outOnline", "on": {"DROP": "offline"}},
                "offline": {"on": {"BACK": "online"}},
                "closed": {"type": "final"},
            },
        },
    },
}
CHART = chart_of(FORM)
START = CHART.start().configuration


def taken(step: Step | None) -> Step:
    assert step is not None
    return step


def at(*paths: str, chart: Chart = CHART) -> Configuration:
    configuration = chart.start().configuration
    for path in paths:
        configuration = taken(chart.force(configuration, path)).configuration
    return configuration


def test_active_paths_are_the_contract_s() -> None:
    step = taken(CHART.step(START, "EDIT"))
    assert CHART.active(step.configuration) == ("form.editing.clean", "net.online")
    assert CHART.next_events(step.configuration) == ["SAVE", "DISCARD", "TYPE", "DROP"]


@pytest.mark.parametrize(
    ("current", "active"),
    [
        ("form", ("form.viewing", "net.online")),
        ("form.editing", ("form.editing.clean", "net.online")),
        ("net.offline", ("form.viewing", "net.offline")),
        ({"net": "offline"}, ("form.viewing", "net.offline")),
        ({"net": "offline", "form": "editing"}, ("form.editing.clean", "net.offline")),
        ({"form": {"editing": "dirty"}}, ("form.editing.dirty", "net.online")),
        ({"form": {"editing": {"dirty": {}}}, "net": {}}, ("form.editing.dirty", "net.online")),
        ({}, ("form.viewing", "net.online")),
        ("form.editing.saving", ("form.viewing", "net.online")),
    ],
)
def test_enter(current: Any, active: tuple[str, ...]) -> None:
    assert CHART.active(CHART.enter(current)) == active


HELD = {"page.form.editing.last": [{"id": "page.form.editing.dirty"}]}


@pytest.mark.parametrize(
    ("current", "held", "path", "fault"),
    [
        ("", None, "$.current", "no state ''"),
        ("nett", None, "$.current", "no state 'nett'; did you mean 'net'?"),
        ("form.edting", None, "$.current", "no state 'form.edting': 'form' has no state 'edting'; did you mean 'form.editing'?"),
        ("form.editing.last", None, "$.current", "'last' is a history state, which is never active"),
        ({"form": "edting"}, None, "$.current.form", "no state 'edting'; did you mean 'editing'?"),
        ({"form": {"edting": {}}}, None, "$.current.form.edting", "no state 'edting'; did you mean 'editing'?"),
        ({"form": {"viewing": {}, "gone": {}}}, None, "$.current.form", "only one state of a compound state can be active"),
        ({"form": {"editing": "last"}}, None, "$.current.form.editing", "'last' is a history state, which is never active"),
        ({"form": 1}, None, "$.current.form", "expected a string or an object, got a number"),
        ({"form": {"viewing": "x"}}, None, "$.current.form.viewing", "no state 'x'"),
        ("net", [], "$.historyValue", "expected an object, got an array"),
        ("net", {"page": []}, "$.historyValue.page", "no history state with the id 'page'"),
        ("net", {"page.form.editing.last": {}}, '$.historyValue["page.form.editing.last"]', "expected an array, got an object"),
        ("net", {"page.form.editing.last": []}, '$.historyValue["page.form.editing.last"]',
         "0 children of the compound state 'form.editing' are active, not one"),
        ("net", {"page.form.editing.last": ["x"]}, '$.historyValue["page.form.editing.last"][0]', "expected an object, got a string"),
        ("net", {"page.form.editing.last": [{"id": "x"}]}, '$.historyValue["page.form.editing.last"][0]', "no state with the id 'x'"),
        ("net", {"page.form.editing.last": [{"id": 3}]}, '$.historyValue["page.form.editing.last"][0]', "expected an id (a string), got a number"),
        ("net", {"page.form.editing.last": [{"key": 3}]}, '$.historyValue["page.form.editing.last"][0]',
         'expected an object with the one member "id"'),
        ("net", {"page.form.editing.last": HELD["page.form.editing.last"] * 2}, '$.historyValue["page.form.editing.last"][1]',
         "'page.form.editing.dirty' is listed twice"),
        ("net", {"page.form.editing.last": [{"id": "page.net.online"}]}, '$.historyValue["page.form.editing.last"]',
         "'net.online' is not an atomic state inside 'form.editing'"),
    ],
)  # fmt: skip
def test_enter_refuses(current: Any, held: Any, path: str, fault: str) -> None:
    with pytest.raises(DocumentError) as refused:
        CHART.enter(current, held)
    assert (refused.value.path, refused.value.fault) == (path, fault)


def test_history_is_entered_with_the_state() -> None:
    configuration = CHART.enter("form.viewing", HELD)
    assert CHART.history_value(configuration) == HELD
    assert CHART.active(taken(CHART.force(configuration, "form.editing.last")).configuration)[0] == "form.editing.dirty"


def test_mutate_takes_the_innermost_enabled_transition_to_exactly_that_state() -> None:
    assert taken(CHART.mutate(START, "form.editing")) == taken(CHART.step(START, "EDIT"))
    dirty = at("form.editing.dirty")
    # SAVE is taken by the inner state now, so the outer transition to viewing that is enabled is DISCARD's.
    step = taken(CHART.mutate(dirty, "form.viewing"))
    assert step.actions == ("outEditing",)
    assert CHART.history_value(step.configuration) == HELD
    clean = at("form.editing")
    assert taken(CHART.mutate(clean, "form.viewing")).actions == ("outEditing", "save")
    assert CHART.mutate(START, "form.editing.clean") is None  # entered by EDIT, but not its target
    assert CHART.mutate(START, "nowhere") is None
    assert CHART.mutate(START, "") is None
    assert CHART.mutate(START, "form.editing.dirty") is None
    assert taken(CHART.mutate(START, "net.offline")).actions == ("outOnline",)


def test_mutate_to_a_transient_state_goes_on() -> None:
    step = taken(CHART.mutate(at("form.editing.dirty"), "form.editing.saving"))
    assert CHART.active(step.configuration) == ("form.viewing", "net.online")


def test_force_leaves_other_regions_alone() -> None:
    offline = at("net.offline")
    step = taken(CHART.force(offline, "form.editing.dirty"))
    assert CHART.active(step.configuration) == ("form.editing.dirty", "net.offline")
    assert step.actions == ("inEditing",)
    again = taken(CHART.force(step.configuration, "form.editing"))
    assert CHART.active(again.configuration) == ("form.editing.clean", "net.offline")
    assert again.actions == ("outEditing", "inEditing")
    region = taken(CHART.force(again.configuration, "form"))
    assert CHART.active(region.configuration) == ("form.viewing", "net.offline")
    assert region.actions == ("outEditing", "inForm")
    assert CHART.force(offline, "nowhere") is None
    assert CHART.force(offline, "") is None


def test_a_machine_that_is_done_takes_nothing_but_force() -> None:
    done = at("form.gone", "net.closed")
    assert CHART.status(done) == "done"
    assert CHART.next_events(done) == []
    for event in ("EDIT", "BACK", "DROP"):
        assert CHART.step(done, event) is None
        assert not CHART.can(done, event)
    assert CHART.mutate(done, "net.online") is None
    step = taken(CHART.force(done, "net.online"))
    assert CHART.status(step.configuration) == "active"


@pytest.mark.parametrize("fixture", FIXTURES, ids=names(FIXTURES))
def test_moves_to_every_state_are_legal(fixture: dict[str, Any]) -> None:
    """FORCE reaches every state; MUTATE goes where some event goes, or nowhere."""
    chart = chart_of(fixture["config"])
    chance = random.Random(fixture["name"])
    for configuration in walk(chart, fixture["name"], fixture["alphabet"], 3):
        for path in chance.sample(chart.paths, min(6, len(chart.paths))):
            for move in (chart.force, chart.mutate):
                try:
                    step = move(configuration, path)
                except DocumentError:
                    raise
                except EngineError:
                    continue
                assert step is not None or move == chart.mutate
                if step is not None:
                    assert chart.decode(chart.encode(step.configuration)) == step.configuration


# Bytes from outside


def test_the_encoding_is_what_its_docstring_says() -> None:
    numbers = {path: number for number, path in enumerate(CHART.paths, 1)}
    dirty, viewing, online = numbers["form.editing.dirty"], numbers["form.viewing"], numbers["net.online"]
    assert CHART.encode(START) == bytes([2, viewing, online - viewing - 1])
    held = CHART.enter("form.viewing", HELD)
    last = numbers["form.editing.last"]
    assert CHART.encode(held) == bytes([2, viewing, online - viewing - 1, last, 1, dirty])


# ruff: noqa: E501
WRONG = [
    b"",
    b"\x00",
    b"\x01",
    b"\x02\x02",
    b"\x01\x02",
    b"\x02\x02\x00",
    b"\xff" * 9,
    b"\x82\x00\x02\x06",
    b"\x02\x03\x05",
    b"\x01\x00",
]


@pytest.mark.parametrize("data", WRONG)
def test_bytes_that_are_no_configuration_are_refused(data: bytes) -> None:
    with pytest.raises(DocumentError):
        CHART.decode(data)


@pytest.mark.parametrize("fixture", FIXTURES[::7], ids=names(FIXTURES[::7]))
def test_mutated_bytes_are_refused_or_are_another_configuration(fixture: dict[str, Any]) -> None:
    chart = chart_of(fixture["config"])
    chance = random.Random(fixture["name"])
    for configuration in walk(chart, fixture["name"], fixture["alphabet"], 10):
        whole = chart.encode(configuration)
        for _ in range(40):
            data = bytearray(whole)
            for _ in range(chance.randint(1, 3)):
                change = chance.randrange(4)
                place = chance.randrange(len(data) + 1)
                if change == 0:
                    data.insert(place, chance.randrange(256))
                elif change == 1:
                    del data[place : place + 1]
                elif place < len(data):
                    data[place] = chance.randrange(32) if change == 2 else chance.randrange(256)
            try:
                other = chart.decode(bytes(data))
            except DocumentError:
                continue
            assert chart.encode(other) == bytes(data)
            for event in fixture["alphabet"]:
                chart.can(other, event)
            chart.active(other)
            chart.state_value(other)


# A step to a state beside the last, which is found without a Macrostep


def test_a_short_step_is_what_a_macrostep_would_be() -> None:
    found = 0
    for fixture in FIXTURES:
        tables = chart_of(fixture["config"]).tables
        for configuration in walk(chart_of(fixture["config"]), fixture["name"], fixture["alphabet"], 40):
            for event in fixture["alphabet"]:
                transitions = enabled(tables, configuration, event, None)
                short = short_step(tables, configuration, transitions[0]) if len(transitions) == 1 else None
                if short is not None:
                    found += 1
                    work = Macrostep(tables, configuration, None)
                    work.take(transitions)
                    work.settle()
                    assert take_short(tables, short, None) == work.result(), (fixture["name"], event)
    assert found > 1000


@pytest.mark.parametrize(
    ("states", "more"),
    [
        ({"b": {"always": "a"}}, "what follows without an event"),
        ({"b": {"type": "final"}}, "a final state"),
        ({"b": {"initial": "c", "states": {"c": {}}}}, "states inside"),
        ({"b": {"type": "parallel", "states": {"c": {}}}}, "regions"),
        ({"b": {"history": True, "target": "a"}}, "a history state"),
        ({"a": {"on": {"E": "b.c"}}, "b": {"initial": "c", "states": {"c": {}}}}, "a target inside another state"),
        ({"a": {"on": {"E": "b"}, "initial": "c", "states": {"c": {}, "h": {"history": True}}}, "b": {}}, "a record"),
    ],
)
def test_where_there_is_more_to_a_step_the_macrostep_takes_it(states: dict[str, Any], more: str) -> None:
    chart = chart_of({"initial": "a", "states": {"a": {"on": {"E": "b"}}, **states}})
    configuration = Configuration(chart.enter("a").active)
    transitions = enabled(chart.tables, configuration, "E", None)
    assert len(transitions) == 1
    assert short_step(chart.tables, configuration, transitions[0]) is None, more
