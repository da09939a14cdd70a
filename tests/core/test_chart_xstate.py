"""The engine agrees with the real XState: every fixture, every event."""

from __future__ import annotations

from typing import Any

import pytest

from sm_core.chart import Chart, Configuration, Step, compile_chart
from sm_core.chart.events import next_events
from sm_core.chart.legal import check_active, check_history
from sm_core.chart.listen import partial_prefix
from sm_core.document import parse
from sm_core.errors import DocumentError, EngineError
from tests.core.chart_support import ALL, BY_NAME, EVENTS, FIXTURES, chart_of, names, read_lines, walk

RESOLVED = read_lines("resolved.jsonl")
LEFT_OUT = read_lines("left_out.jsonl")


class Follower:
    """Compares a chart with a fixture, step by step."""

    def __init__(self, chart: Chart, fixture: dict[str, Any]) -> None:
        self.chart = chart
        self.alphabet = fixture["alphabet"]
        self.history: dict[str, list[str]] = {}

    def agree(self, step: Step, expected: dict[str, Any]) -> Configuration:
        configuration = step.configuration
        self.history = expected.get("history", self.history)
        held = self.chart.history_value(configuration) or {}
        assert self.chart.state_value(configuration) == expected["value"]
        assert list(step.actions) == expected["actions"]
        assert self.chart.status(configuration) == expected.get("status", "active")
        assert {name: sorted(one["id"] for one in listed) for name, listed in held.items()} == self.history
        assert "".join(str(int(self.chart.can(configuration, event))) for event in self.alphabet) == expected["can"]
        return configuration

    def follow(self, fixture: dict[str, Any]) -> None:
        configuration = self.agree(self.chart.start(), fixture["start"])
        for expected in fixture["events"]:
            if expected.get("error") and expected["taken"] == 1:
                with pytest.raises(EngineError, match="do not end"):
                    self.chart.step(configuration, expected["event"])
                continue
            step = self.chart.step(configuration, expected["event"])
            if expected["taken"] == 1:
                assert step is not None
                configuration = self.agree(step, expected)
            else:
                assert step is None


def test_the_fixtures_are_what_they_should_be() -> None:
    taken = [event["taken"] for fixture in FIXTURES for event in fixture["events"]]
    random = [fixture for fixture in FIXTURES if fixture["name"].startswith("random")]
    assert len(random) >= 500
    assert len(FIXTURES) - len(random) >= 25
    assert all(len(fixture["events"]) == 25 for fixture in random)
    assert {0, 1, 2} == set(taken)
    text = str(ALL)
    for feature in ("parallel", "'deep'", "'shallow'", "onDone", "'*'", "a.b.*", "reenter", "always", "None", "'#m'"):
        assert feature in text


@pytest.mark.parametrize("fixture", FIXTURES, ids=names(FIXTURES))
def test_agrees_with_xstate(fixture: dict[str, Any]) -> None:
    Follower(chart_of(fixture["config"]), fixture).follow(fixture)


@pytest.mark.parametrize("line", RESOLVED, ids=names(RESOLVED))
def test_the_resolved_form_is_the_same_chart(line: dict[str, Any]) -> None:
    """What JSON.stringify(machine) gives behaves as the config that the machine was made of."""
    fixture = BY_NAME[line["name"]]
    resolved = chart_of(line["machine"])
    Follower(resolved, fixture).follow(fixture)
    assert resolved.paths == chart_of(fixture["config"]).paths


@pytest.mark.parametrize("fixture", FIXTURES, ids=names(FIXTURES))
def test_nothing_is_lost_on_the_way(fixture: dict[str, Any]) -> None:
    """Bytes, state value with history value, and the canonical document each give the same machine again."""
    chart = chart_of(fixture["config"])
    again = compile_chart(parse(chart.canonical, None), None)
    assert again == chart
    assert again.canonical == chart.canonical
    for configuration in walk(chart, fixture["name"], fixture["alphabet"]):
        data = chart.encode(configuration)
        assert chart.decode(data) == configuration
        assert again.decode(data) == configuration
        assert chart.enter(chart.state_value(configuration), chart.history_value(configuration)) == configuration
        assert hash(again.decode(data)) == hash(configuration)


@pytest.mark.parametrize("fixture", FIXTURES, ids=names(FIXTURES))
def test_can_and_next_agree_with_step(fixture: dict[str, Any]) -> None:
    chart = chart_of(fixture["config"])
    for configuration in walk(chart, fixture["name"], fixture["alphabet"]):
        listed = next_events(chart.tables, configuration)
        exact = [name for name in listed if name != "*" and partial_prefix(name) is None]
        for name in exact:
            assert chart.can(configuration, name)
        assert len(set(listed)) == len(listed)
        for event in {*fixture["alphabet"], *exact, "*", "", "neverNamed", "a.neverNamed"}:
            taken = chart.can(configuration, event)
            assert taken == is_taken(chart, configuration, event)
            assert not taken or any(matches(name, event) for name in listed)
        for name in ("neverNamed", "a.neverNamed"):
            if "*" in listed and name == "neverNamed":
                assert chart.can(configuration, name)
            if "a.*" in listed and name == "a.neverNamed":
                assert chart.can(configuration, name)


def is_taken(chart: Chart, configuration: Configuration, event: str) -> bool:
    try:
        return chart.step(configuration, event) is not None
    except EngineError:
        return True


def matches(descriptor: str, event: str) -> bool:
    prefix = partial_prefix(descriptor)
    if descriptor in (event, "*"):
        return True
    return prefix is not None and (event == prefix or event.startswith(prefix + "."))


@pytest.mark.parametrize("line", LEFT_OUT, ids=names(LEFT_OUT))
def test_where_xstate_ends_nowhere_the_engine_does_not(line: dict[str, Any]) -> None:
    """Charts that XState does not start, or leads to what is no configuration: an error, or legal ones throughout."""
    chart = chart_of(line["config"])
    try:
        reached = list(walk(chart, line["name"], EVENTS, 200))
    except DocumentError:
        raise
    except EngineError as error:
        assert "do not end" in str(error)
        assert "Infinite loop" in line["why"]
        return
    for configuration in reached:
        require_legal(chart, configuration)


@pytest.mark.parametrize("fixture", FIXTURES, ids=names(FIXTURES))
def test_every_configuration_is_legal(fixture: dict[str, Any]) -> None:
    chart = chart_of(fixture["config"])
    for configuration in walk(chart, "legal" + fixture["name"], fixture["alphabet"], 60):
        require_legal(chart, configuration)
        for path in chart.active(configuration):
            assert path in chart.paths


def require_legal(chart: Chart, configuration: Configuration) -> None:
    assert check_active(chart.tables, configuration.active) is None
    for state, held in configuration.history:
        assert check_history(chart.tables, state, held) is None
    assert chart.decode(chart.encode(configuration)) == configuration
