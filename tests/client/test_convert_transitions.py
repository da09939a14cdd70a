"""pytransitions' machines, converted, go where pytransitions goes."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

import pytest
import redis
from transitions import Machine, MachineError
from transitions.extensions import HierarchicalMachine
from transitions.extensions.markup import MarkupMachine

from redisstate.convert import ConversionError, convert
from tests.client.converted import Played

MATTER: dict[str, Any] = {
    "states": ["solid", {"name": "liquid", "on_enter": "pour", "on_exit": ["wipe"]}, "gas", "plasma"],
    "initial": "solid",
    "transitions": [
        {"trigger": "heat", "source": "liquid", "dest": "gas", "conditions": ["is_hot"], "unless": "is_closed"},
        {"trigger": "heat", "source": "solid", "dest": "liquid"},
        ["heat", "liquid", "="],
        ["cool", ["gas", "plasma"], "liquid"],
        {"trigger": "ionize", "source": "*", "dest": "plasma", "after": "flash"},
        {"trigger": "look", "source": "*", "dest": None, "before": "see"},
    ],
    "auto_transitions": False,
}

LAMP: dict[str, Any] = {
    "states": [
        "off",
        {
            "name": "on",
            "initial": "dim",
            "on_exit": "dark",
            "children": [
                {"name": "dim", "on_enter": "hum"},
                {
                    "name": "party",
                    "parallel": [
                        {
                            "name": "red",
                            "children": ["slow", "fast"],
                            "initial": "slow",
                            "transitions": [["beat", "slow", "fast"]],
                        },
                        {
                            "name": "blue",
                            "children": ["low", "high"],
                            "initial": "low",
                            "transitions": [["beat", "low", "high"]],
                        },
                    ],
                },
            ],
            "transitions": [["turn", "dim", "party"]],
        },
        "alone",
        {"name": "box", "children": ["in"]},
    ],
    "initial": "off",
    "transitions": [
        ["press", "off", "on"],
        ["press", "on", "off"],
        ["again", "on", "="],
        ["jump", "off", "on_party"],
        ["down", "on_party", "on_dim"],
        ["pack", "off", "box"],
        ["deeper", "box", "box_in"],
        ["press", "box", "off"],
    ],
    "auto_transitions": False,
}


class Model:
    """What pytransitions calls back: notes each callback, and answers what is said to hold."""

    def __init__(self, holds: set[str]) -> None:
        self.holds = holds
        self.called: list[str] = []
        self.state: Any = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("is_", "_")) or name in ("trigger", "may_trigger"):
            if name in ("is_hot", "is_closed"):
                return lambda: name in self.holds
            raise AttributeError(name)
        return lambda: self.called.append(name)


def leaves(state: Any) -> list[str]:
    return sorted(str(one).rpartition("_")[2] for one in (state if isinstance(state, list) else [state]))


@pytest.mark.parametrize(
    ("kind", "source", "events", "holds"),
    [
        (Machine, MATTER, "heat heat look cool heat ionize cool ionize ionize", set()),
        (Machine, MATTER, "heat heat cool heat ionize", {"is_hot"}),
        (Machine, MATTER, "heat heat cool look", {"is_hot", "is_closed"}),
        (HierarchicalMachine, LAMP, "press turn beat beat down again press jump beat press", set()),
        (HierarchicalMachine, LAMP, "jump down turn again pack press pack deeper press", set()),
    ],
)
def test_it_goes_where_pytransitions_goes(
    r: redis.Redis, kind: type[Machine], source: dict[str, Any], events: str, holds: set[str]
) -> None:
    model = Model(holds)
    kind(model, **json.loads(json.dumps(source)))
    conversion = convert(source)
    assert conversion.errors == ()
    assert conversion.form == "transitions"
    ours = Played(r, conversion)
    for event in events.split():
        model.called.clear()
        try:
            model.trigger(event)
        except MachineError:
            model.called.clear()
        found = ours.send(event, guards=sorted(holds) if source is MATTER else None)
        assert [state for state in found if state != "alone"] == [
            state for state in leaves(model.state) if state != "box"
        ], event
        names = [effect["type"] for effect in ours.effects]
        assert sorted(names) == sorted(model.called), event


def test_what_a_markup_machine_gives_is_read(r: redis.Redis) -> None:
    markup = MarkupMachine(model=None, **MATTER).markup
    conversion = convert(json.dumps(markup))
    assert conversion.errors == ()
    assert conversion.document["states"] == convert(MATTER).document["states"]


def test_python_literals_and_enumerations_are_read() -> None:
    class Matter(Enum):
        solid = 1
        liquid = 2

    source = {"states": list(Matter), "initial": Matter.solid, "transitions": [["melt", Matter.solid, Matter.liquid]]}
    expected = {"solid": {"on": {"melt": "liquid"}}, "liquid": {}}
    assert convert(source).document["states"] == expected
    text = "{'states': ['solid', 'liquid'], 'initial': 'solid', 'transitions': [('melt', 'solid', 'liquid')]}"
    assert convert(text).document["states"] == expected
    with pytest.raises(ConversionError, match="neither JSON"):
        convert("{'states': [open('x')]}")


def test_a_state_without_an_initial_one_may_be_active_by_itself(r: redis.Redis) -> None:
    conversion = convert(
        {
            "states": ["off", {"name": "on", "children": ["dim"]}],
            "initial": "off",
            "transitions": [["press", "off", "on"], ["press", "on", "on_dim"]],
        }
    )
    machine = Played(r, conversion)
    assert machine.send("press") == ["alone"]
    assert machine.send("press") == ["dim"]


def test_final_states_timeouts_and_tags(r: redis.Redis) -> None:
    source = {
        "states": [
            {"name": "a", "timeout": 1.5, "on_timeout": "late", "tags": ["slow"]},
            {"name": "b", "final": True, "on_enter": "hello"},
            {"name": "c", "final": True},
        ],
        "initial": "a",
        "on_final": "bye",
        "transitions": [["go", "a", "b"], ["rest", "a", "c"], ["back", "c", "a"]],
    }
    conversion = convert(source)
    assert [finding.path for finding in conversion.findings if finding.severity == "warning"] == ["$.states[2].final"]
    machine = Played(r, conversion)
    ((identity, _),) = machine.pending.items()
    machine.fire(identity)
    assert machine.states == ["a"]
    assert machine.send("rest") == ["c"]
    assert machine.send("back") == ["a"]
    assert machine.send("go") == ["b"]
    assert [effect["type"] for effect in machine.effects] == ["hello", "bye"]
    assert r.execute_command("SM.GET", "converted", "STATUS") == "done"


def test_automatic_and_ordered_transitions(r: redis.Redis) -> None:
    source = {"states": ["a", "b", "c"], "initial": "b", "ordered_transitions": True}
    machine = Played(r, convert(source, auto_transitions=True))
    assert [machine.send("next_state") for _ in range(3)] == [["c"], ["a"], ["b"]]
    assert machine.send("to_a") == ["a"]
    assert "to_…" in convert(source).findings[-1].message


def test_what_is_lost_is_named_by_its_path() -> None:
    source = {
        "states": ["a", {"name": "b", "on_enter": lambda: None, "volatile": "x"}],
        "initial": "a",
        "prepare_event": ["p"],
        "transitions": [
            {"trigger": "t", "source": "a", "dest": "nowhere"},
            {"trigger": "t", "source": "a", "dest": "b", "prepare": "q", "more": 1},
            {"source": "a", "dest": "b"},
        ],
    }
    assert [finding.path for finding in convert(source).errors] == [
        "$.prepare_event",
        "$.states[1].volatile",
        "$.transitions[0].dest",
        "$.transitions[1].more",
        "$.transitions[1].prepare",
        "$.transitions[2]",
        "$.states[1].on_enter",
    ]


@pytest.mark.parametrize(
    "source",
    [
        {"states": []},
        {"transitions": []},
        "[1]",
        '{"states": ["a"], "x": ' + "[" * 100_000,
        '{"states": ["a"], "x": ' + "[" * 100 + "]" * 100 + "}",
        b"\xff",
    ],
)
def test_hostile_sources_are_refused(source: Any) -> None:
    with pytest.raises(ConversionError):
        convert(source)


def test_a_condition_that_was_lost_never_holds(r: redis.Redis) -> None:
    source = {"states": ["a", "b"], "initial": "a", "transitions": [["go", "a", "b", lambda: True]]}
    conversion = convert(source)
    assert [finding.path for finding in conversion.errors] == ["$.transitions[0].conditions"]
    assert Played(r, conversion).send("go") == ["a"]
