"""python-statemachine's JSON, converted, goes where python-statemachine goes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis
from statemachine.io import load

from redisstate.convert import convert
from tests.client.converted import Played

ORDER: dict[str, Any] = {
    "name": "order",
    "datamodel": {"total": "30", "paid": "0", "notes": "['new']"},
    "states": {
        "open": {
            "initial": True,
            "enter": [{"log": {"label": "open", "expr": "paid"}}, "greet"],
            "transitions": [
                {
                    "event": "pay",
                    "target": "paid",
                    "cond": "paid + 10 >= total",
                    "on": {"assign": {"location": "paid", "expr": "paid + 10"}},
                },
                {"event": "pay", "on": [{"assign": {"location": "paid", "expr": "paid + 10"}}, "thank"]},
                {"event": "hold", "target": "held", "unless": "paid == 0"},
                {"event": "again", "target": "open"},
            ],
        },
        "held": {"transitions": [{"event": "resume late.*", "target": "work", "before": "look"}]},
        "work": {
            "parallel": True,
            "states": {
                "left": {
                    "states": {
                        "l1": {"transitions": [{"event": "go", "target": "l2", "on": {"raise": "moved"}}]},
                        "l2": {"final": True},
                    }
                },
                "right": {
                    "states": {
                        "r1": {"transitions": [{"event": "moved", "target": "r2"}]},
                        "r2": {
                            "initial": True,
                            "transitions": [{"event": "back", "target": "r1"}, {"event": "end", "target": "r3"}],
                        },
                        "r3": {"final": True},
                    },
                    "history": {"hr": {"type": "deep", "transitions": [{"target": "r1"}]}},
                },
            },
            "transitions": [{"event": "leave", "target": "held"}, {"event": "done.state.work", "target": "paid"}],
        },
        "paid": {"final": True},
    },
}


@pytest.mark.parametrize(
    "events",
    ["hold pay hold resume back go end", "again pay pay pay", "pay hold late.now leave resume back leave late go end"],
)
def test_it_goes_where_python_statemachine_goes(
    r: redis.Redis, events: str, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs: Any = load(json.dumps(ORDER), format="json")(Model())
    conversion = convert(json.dumps(ORDER))
    assert (conversion.form, conversion.errors) == ("statemachine", ())
    ours = Played(r, conversion)
    for event in events.split():
        theirs.send(event)
        ours.send(event)
        assert ours.states == sorted(state.id for state in theirs.configuration if not state.states), event
        assert ours.context["paid"] == theirs.model.paid


class Model:
    """What the callbacks are methods of."""

    def greet(self) -> None: ...

    def thank(self) -> None: ...

    def look(self) -> None: ...


def test_conditions_that_are_methods_are_decided_by_the_client(r: redis.Redis) -> None:
    conversion = convert(
        {
            "datamodel": {"n": 2},
            "states": {
                "a": {
                    "transitions": [
                        {"event": "go", "target": "b", "cond": ["is_vip and n > 1", "not blocked"], "unless": "late"}
                    ]
                },
                "b": {},
            },
        }
    )
    assert conversion.errors == ()
    assert conversion.document["states"]["a"]["on"]["go.*"]["guard"] == {
        "type": "xstate.and",
        "guards": [
            {"type": "xstate.and", "guards": ["is_vip", {"@expr": "context.n > 1"}]},
            {"type": "xstate.not", "guard": "blocked"},
            {"type": "xstate.not", "guard": "late"},
        ],
    }
    machine = Played(r, conversion)
    assert machine.send("go", guards=["is_vip", "late"]) == ["a"]
    assert machine.send("go", guards=["is_vip"]) == ["b"]


def test_events_that_come_later_are_cancelled(r: redis.Redis) -> None:
    machine = Played(
        r,
        convert(
            {
                "states": {
                    "a": {
                        "enter": {
                            "send": {"event": "late", "delay": "5s", "id": "x", "params": [{"name": "n", "expr": "1"}]}
                        },
                        "exit": {"cancel": {"sendid": "x"}},
                        "transitions": [{"event": "late", "target": "b"}, {"event": "go", "target": "c"}],
                    },
                    "b": {},
                    "c": {"transitions": [{"event": "back", "target": "a"}]},
                }
            }
        ),
    )
    assert list(machine.pending) == ["x"]
    machine.send("go")
    assert machine.pending == {}
    machine.send("back")
    assert machine.fire("x") == ["b"]


def test_what_is_lost_is_named_by_its_path() -> None:
    conversion = convert(
        {
            "oops": 1,
            "states": {
                "a": {
                    "enter": [
                        {"script": "x"},
                        {"foreach": {"array": "[]", "item": "x"}},
                        {"assign": {"location": "no", "expr": "1"}},
                    ],
                    "transitions": [{"event": "e", "target": "nowhere", "validators": "v"}],
                    "invoke": {"src": "child", "content": {"states": {"x": {}}}, "autoforward": True},
                },
            },
        }
    )
    assert [finding.path for finding in conversion.errors] == [
        "$.oops",
        "$.states.a.enter[0].script",
        "$.states.a.enter[1].foreach",
        "$.states.a.transitions[0].validators",
        "$.states.a.invoke.content",
        "$.states.a.invoke.autoforward",
        "$.states.a.enter[2].assign",
        "$.states.a.transitions[0]",
        "$.states.a.transitions[0]",
    ]
