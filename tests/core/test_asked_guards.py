"""Which of the client's guards an error names: all that the step may ask for, so that they can be said at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from sm_core import GuardError
from tests.core.played import Played


def named(ask: Callable[[], object]) -> list[str]:
    with pytest.raises(GuardError) as refused:
        ask()
    return re.findall("'([^']*)'", str(refused.value))


def chart(**states: Any) -> Played:
    return Played({"initial": "a", "states": {"a": {}, "b": {}, **states}}, guards=[])


def test_the_candidates_are_named() -> None:
    machine = chart(a={"on": {"GO": [{"guard": "one", "target": "b"}, {"guard": "two"}, {}, {"guard": "behind"}]}})
    assert named(lambda: machine.send("GO")) == ["one", "two"]


def test_what_follows_without_an_event_is_named_where_it_can_be_entered() -> None:
    machine = chart(
        a={"on": {"GO": {"guard": "go", "target": "b"}}},
        b={"always": {"guard": "on", "target": "c"}},
        c={"always": {"guard": "back", "target": "a"}},
        z={"always": {"guard": "elsewhere", "target": "a"}},
    )
    assert named(lambda: machine.send("GO")) == ["go", "on", "back"]


def test_what_hears_that_a_state_is_done_is_named() -> None:
    inside = {"x": {"on": {"GO": {"guard": "go", "target": "y"}}}, "y": {"type": "final"}}
    machine = chart(a={"initial": "x", "states": inside, "onDone": {"guard": "done", "target": "b"}})
    assert named(lambda: machine.send("GO")) == ["go", "done"]


@pytest.mark.parametrize("event", ["NEXT", {"type": "NEXT"}, {"type": {"@expr": "'NEXT'"}}])
def test_what_hears_a_raised_event_is_named(event: Any) -> None:
    machine = chart(
        a={"on": {
            "GO": {"guard": "go", "actions": {"type": "@xstate.raise", "event": event}},
            "NEXT": {"guard": "next", "target": "b"},
        }},
    )  # fmt: skip
    assert named(lambda: machine.send("GO")) == ["go", "next"]


def test_a_move_names_those_of_its_own_candidates() -> None:
    machine = chart(
        a={"on": {"GO": {"guard": "go", "target": "b"}, "OTHER": {"guard": "other", "target": "z"}}},
        z={"always": {"guard": "elsewhere", "target": "a"}},
    )
    assert named(lambda: machine.mutate("b")) == ["go"]


def test_many_are_counted() -> None:
    machine = chart(a={"on": {"GO": [{"guard": f"g{number}", "target": "b"} for number in range(900)]}})
    with pytest.raises(GuardError, match=r"'g7' and 892 more: say which"):
        machine.send("GO")
