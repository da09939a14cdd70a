"""XState 4's configs become XState 5's: what was renamed, and what kept its name and changed its meaning."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from redisstate.convert import convert
from tests.client.converted import Played

FETCH: dict[str, Any] = {
    "id": "fetch",
    "initial": "idle",
    "context": {"retries": 0},
    "predictableActionArguments": True,
    "on": {"RESET": "idle", "done.invoke.other": ".idle"},
    "states": {
        "idle": {
            "onEntry": "clear",
            "on": {"FETCH": {"target": "loading", "cond": "isOnline"}, "SELF": "idle", "STAY": {"actions": ["note"]}},
        },
        "loading": {
            "activities": ["spin"],
            "invoke": {
                "id": "get",
                "src": {"type": "http", "url": "/x"},
                "onDone": {"target": "done", "actions": {"type": "xstate.assign", "assignment": {"retries": 1}}},
                "onError": [{"target": "idle", "cond": {"type": "few", "most": 3}}, {"target": "failed"}],
            },
            "after": [{"delay": 1000, "target": "failed"}],
            "on": {"CANCEL": {"target": "idle", "actions": [{"type": "xstate.send", "event": "CANCELLED"}]}},
        },
        "failed": {"on": {"": {"target": "idle", "in": "#none"}}},
        "done": {"type": "final", "data": {"ok": True}},
    },
}


def test_what_was_renamed() -> None:
    conversion = convert({**FETCH, "states": {**FETCH["states"], "failed": {"id": "none"}}})
    assert (conversion.form, conversion.errors) == ("xstate4", ())
    assert conversion.document == {
        "context": {"retries": 0},
        "id": "fetch",
        "initial": "idle",
        "on": {"RESET": {"target": ".idle", "reenter": True}, "xstate.done.actor.other": ".idle"},
        "states": {
            "idle": {
                "entry": ["clear"],
                "on": {
                    "FETCH": {"guard": "isOnline", "target": "loading"},
                    "SELF": {"target": "idle", "reenter": True},
                    "STAY": {"actions": ["note"]},
                },
            },
            "loading": {
                "invoke": [
                    {
                        "id": "get",
                        "src": "http",
                        "input": {"url": "/x"},
                        "onDone": {
                            "target": "done",
                            "actions": [{"type": "@xstate.assign", "context": {"retries": 1}}],
                        },
                        "onError": [{"guard": {"type": "few", "params": {"most": 3}}, "target": "idle"}, "failed"],
                    },
                    {"src": "spin"},
                ],
                "on": {
                    "CANCEL": {"target": "idle", "actions": [{"type": "@xstate.raise", "event": {"type": "CANCELLED"}}]}
                },
                "after": {"1000": "failed"},
            },
            "failed": {"id": "none"},
            "done": {"type": "final", "output": {"ok": True}},
        },
    }


def test_it_behaves_as_the_source_says(r: redis.Redis) -> None:
    source = json.loads(json.dumps(FETCH))
    source["states"]["failed"] = {"on": {"": {"target": "idle", "in": "failed"}}}
    machine = Played(r, convert(source))
    assert machine.states == ["idle"]
    assert machine.send("SELF", guards=[]) == ["idle"]
    assert [effect["type"] for effect in machine.effects] == ["clear"], "XState 4 leaves and enters it"
    assert machine.send("FETCH", guards=[]) == ["idle"]
    assert machine.send("FETCH", guards=["isOnline"]) == ["loading"]
    r.execute_command("SM.DONE", "converted", machine.pending["get"]["handle"], "{}")
    assert machine.states == ["done"]
    assert machine.context == {"retries": 1}


def test_a_state_value_is_seen_from_the_parents_parent(r: redis.Redis) -> None:
    machine = Played(
        r,
        convert(
            {
                "initial": "p",
                "states": {
                    "p": {
                        "type": "parallel",
                        "states": {
                            "a": {
                                "initial": "a1",
                                "states": {"a1": {"on": {"GO": {"target": "a2", "in": "b.b2"}}}, "a2": {}},
                            },
                            "b": {"initial": "b1", "states": {"b1": {"on": {"UP": "b2"}}, "b2": {}}},
                        },
                    }
                },
            }
        ),
    )
    assert machine.send("GO") == ["a1", "b1"]
    machine.send("UP")
    assert machine.send("GO") == ["a2", "b2"]


@pytest.mark.parametrize(
    ("target", "more", "entered"),
    [
        ("#p.a", {}, True),
        (".a", {}, False),
        (".a", {"internal": False}, True),
        ("p", {}, True),
        ("#p.a", {"internal": True}, False),
    ],
)
def test_transitions_into_their_source_are_external_unless_they_say_otherwise(
    r: redis.Redis, target: str, more: dict[str, Any], entered: bool
) -> None:
    source = {
        "initial": "p",
        "states": {
            "p": {
                "id": "p",
                "initial": "a",
                "entry": "hello",
                "states": {"a": {}},
                "on": {"GO": {"target": target, **more}},
            }
        },
    }
    machine = Played(r, convert(source, "xstate4"))
    machine.send("GO")
    assert [effect["type"] for effect in machine.effects] == (["hello"] if entered else [])


def test_what_stringify_gives_of_a_machine_is_read(r: redis.Redis) -> None:
    transition = {
        "source": "#m.a",
        "actions": [],
        "target": ["#m.b"],
        "internal": False,
        "eventType": "GO",
        "cond": None,
    }
    del transition["cond"]
    leaf = {
        "version": None,
        "context": {},
        "type": "atomic",
        "history": False,
        "states": {},
        "on": {},
        "transitions": [],
    }
    leaf |= {"entry": [], "exit": [], "activities": [], "invoke": [], "tags": []}
    source = {
        "id": "m",
        "key": "m",
        "initial": "a",
        "type": "compound",
        "order": -1,
        "context": {},
        "on": {},
        "history": False,
        "states": {
            "a": {**leaf, "id": "m.a", "key": "a", "order": 1, "on": {"GO": [transition]}, "transitions": [transition]},
            "b": {**leaf, "id": "m.b", "key": "b", "order": 2},
        },
    }
    conversion = convert(source, "xstate4")
    assert conversion.errors == ()
    assert Played(r, conversion).send("GO") == ["b"]


def test_code_that_was_lost_is_named_by_its_path_and_leaves_nothing_unguarded(r: redis.Redis) -> None:
    conversion = convert(
        {
            "initial": "a",
            "states": {
                "a": {
                    "entry": [
                        None,
                        {"type": "xstate.choose", "conds": []},
                        {"type": "xstate.assign", "assignment": {}},
                    ],
                    "on": {
                        "GO": {"target": "b", "cond": None},
                        "SEND": {"actions": {"type": "xstate.send", "event": None}},
                    },
                    "invoke": {"id": "x", "src": None, "autoForward": True},
                    "after": {"LATER": "b"},
                    "whatever": 1,
                },
                "b": {},
            },
        }
    )
    assert sorted(finding.path for finding in conversion.errors) == [
        "$.states.a.after.LATER",
        "$.states.a.entry[0]",
        "$.states.a.entry[1]",
        "$.states.a.entry[2].assignment",
        "$.states.a.invoke.autoForward",
        "$.states.a.invoke.src",
        "$.states.a.on.GO.cond",
        "$.states.a.on.SEND.actions.event",
        "$.states.a.whatever",
    ]
    document = {**conversion.document, "delays": {"LATER": 1000}}
    assert Played(r, document).send("GO") == ["a"]


def test_members_of_xstate_5_are_kept() -> None:
    guard = {"@expr": "context.n > 1"}
    conversion = convert(
        {
            "initial": "a",
            "delays": {"LATER": 5},
            "guards": {"g": {"when": guard}},
            "states": {"a": {"on": {"GO": {"target": "a", "guard": guard, "reenter": False}}, "after": {"LATER": "a"}}},
        },
        "xstate4",
    )
    assert conversion.errors == ()
    assert conversion.document["states"]["a"]["on"]["GO"] == {"guard": guard, "reenter": False, "target": "a"}


def test_what_has_been_rewritten_already_stays(r: redis.Redis) -> None:
    source = {
        "initial": "a",
        "states": {
            "a": {
                "entry": [{"type": "mail", "params": {"to": "me"}}, {"type": "@xstate.raise", "event": {"type": "GO"}}],
                "invoke": {"id": "x", "src": "work", "input": {"n": 1}},
                "timeout": 5,
                "onTimeout": {"target": "b", "cond": "late"},
                "on": {"GO": {"actions": {"type": "note", "text": "x"}}},
            },
            "b": {},
        },
    }
    conversion = convert(source, "xstate4")
    assert conversion.errors == ()
    a = conversion.document["states"]["a"]
    assert a["entry"] == source["states"]["a"]["entry"]  # type: ignore[index]
    assert (a["invoke"]["input"], a["onTimeout"]) == ({"n": 1}, {"guard": "late", "target": "b"})
    assert a["on"]["GO"]["actions"] == [{"type": "note", "params": {"text": "x"}}]
    Played(r, conversion)
