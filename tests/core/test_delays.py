"""How long a document says to wait: what is read as a delay, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm_core import Definition, ExpressionError, Given, Limits, Machine, compile_document
from sm_core.definition import Arm
from sm_core.durations import MOST_DELAY, as_number, parse_delay, whole

DAY = 24 * 3600 * 1000


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("500", 500),
        ("007", 7),
        ("1e3", 1000),
        ("1E3", 1000),
        ("2.5e+3", 2500),
        ("500ms", 500),
        ("1.5s", 1500),
        ("90s", 90_000),
        ("15m", 900_000),
        ("2h", 7_200_000),
        ("30d", 30 * DAY),
    ],
)
def test_a_number_and_a_number_with_a_unit_are_delays(text: str, milliseconds: int) -> None:
    assert parse_delay(text) == milliseconds


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("PT1H", 3_600_000),
        ("PT15M", 900_000),
        ("PT0.5S", 500),
        ("PT1,5S", 1500),
        ("P1D", DAY),
        ("P2W", 14 * DAY),
        ("P1DT2H3M4.5S", DAY + 7_384_500),
        ("PT0S", 0),
    ],
)
def test_a_duration_of_iso_8601_is_a_delay(text: str, milliseconds: int) -> None:
    assert parse_delay(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "5 ", " 5", "-5", "+5", ".5", "5.", "1e-3", "0x10", "1_000", "NaN", "Infinity"),
        *("5 ms", "5MS", "5sec", "1w", "1y", "s", "-5s", "1e3s", "5s\n"),
        *("P", "PT", "P1DT", "pt1h", "P1Y", "P1M", "PT1D", "PT1S1M", "P-1D", "1H", "PT1H "),
        *("\u0665", "\u0665ms", "PT\u0665S", "\u00b2"),
    ],
)
def test_what_is_neither_is_none(text: str) -> None:
    assert parse_delay(text) is None


@pytest.mark.parametrize("text", ["1M", "P1M", "P1Y2M", "P1Y"])
def test_a_month_and_a_year_are_none_as_their_length_differs(text: str) -> None:
    assert parse_delay(text) is None


def test_a_minute_of_a_duration_stands_behind_the_t() -> None:
    assert parse_delay("PT1M") == 60_000


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("2.007s", 2007), ("1.001s", 1001), ("1.1h", 3_960_000), ("PT2.007S", 2007)]
)
def test_a_decimal_fraction_is_exact(text: str, milliseconds: int) -> None:
    assert parse_delay(text) == milliseconds


@given(st.integers(0, MOST_DELAY))
def test_milliseconds_written_as_seconds_are_the_same(milliseconds: int) -> None:
    assert parse_delay(f"{milliseconds // 1000}.{milliseconds % 1000:03}s") == milliseconds


@pytest.mark.parametrize("text", ["0.001ms", "0.0001s", "0.5", "PT0.0000001S"])
def test_less_than_a_millisecond_is_one(text: str) -> None:
    assert parse_delay(text) == 1


@pytest.mark.parametrize("text", ["36600d", "P36600D", "3162240000000", "3162240000000ms"])
def test_a_hundred_years_are_a_delay(text: str) -> None:
    assert parse_delay(text) == MOST_DELAY


@pytest.mark.parametrize(
    "text",
    [
        *("36600.1d", "36601d", "P36601D", "3162240000001", "1e99", "999999999999999d", "P999999999W"),
        *("9" * 16, "9" * 100_000, f"P{'9' * 10}D"),
    ],
)
def test_more_than_a_hundred_years_are_none(text: str) -> None:
    assert parse_delay(text) is None


def test_a_unit_is_no_number() -> None:
    assert as_number("500ms") is None


@pytest.mark.parametrize(
    ("value", "milliseconds"), [(0, 0), (-0.0, 0), (1.5, 2), (7, 7), (float(MOST_DELAY), MOST_DELAY)]
)
def test_a_wait_is_never_shorter_than_was_said(value: float, milliseconds: int) -> None:
    assert whole(value) == milliseconds


@pytest.mark.parametrize("value", [-1, -0.001, MOST_DELAY + 1, 10**400, float("inf"), float("-inf"), float("nan")])
def test_what_is_no_wait_is_none(value: float) -> None:
    assert whole(value) is None


# Delays by expression


def waits(delay: Any) -> Definition:
    """A machine that arms a deadline when it is sent GO, after ``context.wait``."""
    arms = {"type": "@xstate.raise", "event": "LATE", "delay": delay}
    document = {
        "context": {"wait": None},
        "delays": {"patience": {"duration": {"@expr": "context.wait"}}, "bare": {"@expr": "context.wait"}},
        "initial": "a",
        "states": {"a": {"on": {"GO": {"actions": arms}}}},
    }
    return compile_document(json.dumps(document).encode(), Limits()).definition


def armed(definition: Definition, wait: str, **said: Any) -> int:
    """The milliseconds that are armed where ``context.wait`` is ``wait``, as JSON."""
    configuration = definition.start(Given()).configuration
    machine = Machine(configuration, b'{"wait":%s}' % wait.encode())
    outcome = definition.send(machine, "GO", Given(**said))
    assert outcome is not None
    (timer,) = outcome.timers
    assert isinstance(timer, Arm)
    return timer.delay


@pytest.mark.parametrize("delay", ["patience", "bare", {"@expr": "context.wait"}])
def test_an_expression_is_worked_out_when_the_deadline_is_armed(delay: Any) -> None:
    assert [armed(waits(delay), wait) for wait in ("5", "70")] == [5, 70]


@pytest.mark.parametrize(("wait", "milliseconds"), [('"1.5s"', 1500), ('"PT1H"', 3_600_000), ("2.5", 3), ("0", 0)])
def test_an_expression_may_be_a_number_or_a_text(wait: str, milliseconds: int) -> None:
    assert armed(waits("patience"), wait) == milliseconds


def test_an_expression_that_names_a_delay_is_none() -> None:
    with pytest.raises(ExpressionError, match="'bare' is no delay"):
        armed(waits("patience"), '"bare"')


@pytest.mark.parametrize("wait", ["-1", "true", "null", "[5]", '{"a":1}', '"soon"', '""', "3162240000001", "1e300"])
def test_an_expression_that_is_no_delay_fails(wait: str) -> None:
    with pytest.raises(ExpressionError, match=r"is no delay: milliseconds, '1\.5s' or 'PT1H', up to 100 years"):
        armed(waits("patience"), wait)


@pytest.mark.parametrize(
    ("delay", "place"),
    [("patience", "$.delays.patience.duration"), ({"@expr": "context.wait"}, "$.states.a.on.GO.actions.delay")],
)
def test_the_error_says_where_the_expression_stands(delay: Any, place: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        armed(waits(delay), "-1")
    assert str(caught.value).startswith(f"{place}: ")


def test_an_expression_that_fails_fails_the_step() -> None:
    with pytest.raises(ExpressionError, match=r"\$\.states\.a\.on\.GO\.actions\.delay"):
        armed(waits({"@expr": "context.gone + 1"}), "1")


def test_an_expression_sees_the_event() -> None:
    assert armed(waits({"@expr": "event.wait"}), "1", data=b'{"wait":12}') == 12


def test_an_expression_sees_the_time() -> None:
    assert armed(waits({"@expr": "1000 - now"}), "1", now=400) == 600
