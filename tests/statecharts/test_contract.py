"""What the commands promise of statecharts, sentence by sentence, on a server."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from tests.documents import compact
from tests.servers import Server
from tests.statecharts.charts import PATHS, PLAYER, PLAYER_TEXT


@pytest.fixture
def player(r: redis.Redis) -> str:
    assert r.execute_command("SM.SET", "k", PLAYER_TEXT) == "OK"
    return "k"


@pytest.fixture
def session(r: redis.Redis, player: str) -> str:
    r.execute_command("SM.SEND", player, "START")
    return player


def digest(r: redis.Redis, key: str) -> str:
    return str(r.execute_command("DEBUG", "DIGEST-VALUE", key)[0])


def stored(r: redis.Redis, key: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(r.execute_command("SM.GET", key))
    return document


# SM.SEND, SM.CAN, SM.NEXT


def test_send_answers_the_active_atomic_states_in_document_order(r: redis.Redis, player: str) -> None:
    assert r.execute_command("SM.SEND", player, "START") == ["session.track.a", "session.volume.low"]
    assert r.execute_command("SM.SEND", player, "LOUDER") == ["session.track.a", "session.volume.high"]
    assert r.execute_command("SM.SEND", player, "PAUSE") == ["paused"]


def test_send_with_actions_answers_exit_transition_and_entry_actions(r: redis.Redis, player: str) -> None:
    states = ["session.track.a", "session.volume.low"]
    assert r.execute_command("SM.SEND", player, "START", "ACTIONS") == [states, ["light", "greet", "open"]]
    states = ["session.track.b", "session.volume.low"]
    assert r.execute_command("SM.SEND", player, "NEXT", "actions") == [states, ["cut", "count", "show", "play"]]


def test_what_send_does_not_take_is_nil_and_changes_nothing(server: Server, r: redis.Redis, session: str) -> None:
    before, writes = digest(r, session), server.writes()
    for event in ("START", "next", "", "*", "session", "paused", b"\xff", b"NEXT\0", "x" * 100_000):
        for more in ((), ("ACTIONS",)):
            assert r.execute_command("SM.SEND", session, event, *more) is None
        assert r.execute_command("SM.CAN", session, event) == 0
    assert r.execute_command("SM.SEND", "missing", "START") is None
    assert r.execute_command("SM.CAN", "missing", "START") is None
    assert r.execute_command("SM.NEXT", "missing") is None
    assert (digest(r, session), server.writes(), r.exists("missing")) == (before, writes, 0)


def test_can_is_what_send_would_do(server: Server, r: redis.Redis, session: str) -> None:
    writes = server.writes()
    for event in ("NEXT", "LOUDER", "PAUSE", "STOP", "FIRST"):
        assert r.execute_command("SM.CAN", session, event) == 1
    assert server.writes() == writes


def test_next_lists_the_events_in_document_order(r: redis.Redis, session: str) -> None:
    assert r.execute_command("SM.NEXT", session) == ["PAUSE", "STOP", "FIRST", "NEXT", "LOUDER"]
    wild = {"initial": "a", "states": {"a": {"on": {"Z": "b", "*": "a", "x.*": "b", "no": None}}, "b": {}}}
    r.execute_command("SM.SET", "wild", compact(wild))
    assert r.execute_command("SM.NEXT", "wild") == ["Z", "*", "x.*"]
    assert [r.execute_command("SM.CAN", "wild", event) for event in ("any", "x.y", "no")] == [1, 1, 0]


# SM.SET and `current`


def test_set_starts_in_the_initial_states_with_automatic_transitions_taken(r: redis.Redis) -> None:
    chart = {
        "initial": "a",
        "states": {
            "a": {"entry": "in a", "exit": "out a", "always": {"target": "b", "actions": "go"}},
            "b": {"initial": "c", "onDone": "d", "states": {"c": {"type": "final"}}},
            "d": {"entry": "in d"},
        },
    }
    r.execute_command("SM.SET", "k", compact(chart))
    assert r.execute_command("SM.STATE", "k") == ["d"]
    assert r.execute_command("SM.GET", "k", "INITIAL") == "d"
    assert r.execute_command("SM.RESET", "k", "ACTIONS") == [["d"], ["in a", "out a", "go", "in d"]]


CURRENT = [
    ("paused", ["paused"]),
    ("session", ["session.track.a", "session.volume.low"]),
    ("session.track", ["session.track.a", "session.volume.low"]),
    ("session.volume.high", ["session.track.a", "session.volume.high"]),
    ({"session": "volume"}, ["session.track.a", "session.volume.low"]),
    ({"session": {"volume": "high"}}, ["session.track.a", "session.volume.high"]),
    ({"session": {"track": "c", "volume": "high"}}, ["session.track.c", "session.volume.high"]),
    ({"session": {"track": {"b": {}}}}, ["session.track.b", "session.volume.low"]),
    ({"session": {}}, ["session.track.a", "session.volume.low"]),
    ({}, ["idle"]),
    ("", ["idle"]),
    ("over", ["over"]),
]


@pytest.mark.parametrize(("current", "states"), CURRENT, ids=lambda value: compact(value))
def test_current_enters_that_state_its_parents_and_the_initial_states_that_it_entails(
    r: redis.Redis, current: str | dict[str, Any], states: list[str]
) -> None:
    """In the document and as the third argument, which is stronger."""
    in_document = compact({**PLAYER, "current": current})
    argument = current if isinstance(current, str) else compact(current)
    calls = [(in_document,), (PLAYER_TEXT, argument), (compact({**PLAYER, "current": "session.track.c"}), argument)]
    for number, call in enumerate(calls):
        assert r.execute_command("SM.SET", f"k{number}", *call) == "OK"
        assert r.execute_command("SM.STATE", f"k{number}") == states
    assert len({digest(r, f"k{number}") for number in range(len(calls))}) == 1


IMPOSSIBLE: list[tuple[Any, str]] = [
    ("nope", "$.current: no state 'nope'"),
    ("session.trak", "did you mean 'session.track'?"),
    ("session.back", "history state, which is never active"),
    ({"session": "back"}, "$.current.session: 'back' is a history state"),
    ({"session": {"track": "x"}}, "$.current.session.track: no state 'x'"),
    ({"session": {"track": 5}}, "$.current.session.track: expected a string or an object, got a number"),
    ({"idle": {}, "session": {}}, "$.current: only one state of a compound state can be active"),
    ({"": {}}, "no state ''"),
]


@pytest.mark.parametrize(("current", "fault"), IMPOSSIBLE, ids=lambda value: compact(value)[:40])
def test_a_current_that_cannot_be_is_refused_and_the_old_machine_stands(
    server: Server, r: redis.Redis, session: str, current: Any, fault: str
) -> None:
    before, writes = digest(r, session), server.writes()
    argument = current if isinstance(current, str) else compact(current)
    place = "the third argument" if isinstance(current, str) else "the third argument at $"
    for call, where in (((compact({**PLAYER, "current": current}),), "$.current"), ((PLAYER_TEXT, argument), place)):
        with pytest.raises(redis.ResponseError) as refused:
            r.execute_command("SM.SET", session, *call)
        assert fault.replace("$.current", where) in str(refused.value)
        assert where in str(refused.value)
    assert (digest(r, session), server.writes()) == (before, writes)


@pytest.mark.parametrize("argument", ["{", '{"session":', '{"a":1,"a":2}', '{"a":' * 10_000, b"\xff", b'{"\xff":{}}'])
def test_a_third_argument_that_is_no_state_value(r: redis.Redis, session: str, argument: str | bytes) -> None:
    before = digest(r, session)
    with pytest.raises(redis.ResponseError, match=r"^the third argument( at \$)?: "):
        r.execute_command("SM.SET", session, PLAYER_TEXT, argument)
    assert digest(r, session) == before


def test_a_third_argument_can_be_a_name_that_looks_like_json(r: redis.Redis) -> None:
    chart = compact({"initial": "a", "states": {"a": {}, "{}": {}}})
    r.execute_command("SM.SET", "k", chart, "{}")
    assert r.execute_command("SM.STATE", "k") == ["{}"]


@pytest.mark.parametrize("current", [None, 5, True, [], ["idle"]])
def test_current_is_a_string_or_an_object(r: redis.Redis, current: Any) -> None:
    with pytest.raises(redis.ResponseError, match=r"^invalid document at \$\.current: expected"):
        r.execute_command("SM.SET", "k", compact({**PLAYER, "current": current}))


# historyValue, SM.GET


HELD = {"player.session.back": [{"id": "player.session.track.b"}, {"id": "player.session.volume.high"}]}


def test_get_answers_the_document_with_where_the_machine_stands(r: redis.Redis, session: str) -> None:
    document = stored(r, session)
    assert document == {"current": {"session": {"track": "a", "volume": "low"}}, **PLAYER}
    assert next(iter(document)) == "current"
    for event in ("NEXT", "LOUDER", "PAUSE"):
        r.execute_command("SM.SEND", session, event)
    assert r.execute_command("SM.GET", session) == compact({"current": "paused", "historyValue": HELD, **PLAYER})
    assert r.execute_command("SM.GET", session, "CURRENT") == "paused"
    assert r.execute_command("SM.GET", session, "INITIAL") == "idle"
    assert r.execute_command("SM.GET", session, "REASON") == ""


def test_get_current_is_a_state_value(r: redis.Redis, session: str) -> None:
    assert r.execute_command("SM.GET", session, "CURRENT") == '{"session":{"track":"a","volume":"low"}}'


def test_set_of_what_get_answers_makes_an_equal_machine(r: redis.Redis, session: str) -> None:
    for event in ("NEXT", "LOUDER", "PAUSE", "RESUME", "NEXT"):
        assert r.execute_command("SM.SEND", session, event) is not None
        assert r.execute_command("SM.SET", "copy", r.execute_command("SM.GET", session)) == "OK"
        assert digest(r, "copy") == digest(r, session)
        assert r.execute_command("SM.GET", "copy") == r.execute_command("SM.GET", session)


@pytest.mark.parametrize("current", [{}, {"current": ""}, {"current": "paused"}, {"current": {}}])
def test_a_history_value_is_what_a_history_state_restores(r: redis.Redis, current: dict[str, Any]) -> None:
    """Also of a machine that says nothing else about where it stands."""
    assert r.execute_command("SM.SET", "k", compact({**PLAYER, "historyValue": HELD, **current})) == "OK"
    assert r.execute_command("SM.STATE", "k") == ["paused" if current == {"current": "paused"} else "idle"]
    assert stored(r, "k")["historyValue"] == HELD
    r.execute_command("SM.MUTATE", "k", "session.back", "resume", "FORCE")
    assert r.execute_command("SM.STATE", "k") == ["session.track.b", "session.volume.high"]


def test_a_third_argument_leaves_the_history_value_as_it_is(r: redis.Redis) -> None:
    document = compact({**PLAYER, "current": "session", "historyValue": HELD})
    for _ in range(2):  # asked, then remembered
        assert r.execute_command("SM.SET", "k", document, "paused") == "OK"
        assert r.execute_command("SM.GET", "k") == compact({"current": "paused", "historyValue": HELD, **PLAYER})
        r.execute_command("SM.SET", "other", PLAYER_TEXT, "paused")
        assert "historyValue" not in stored(r, "other")


def test_a_third_argument_comes_instead_of_the_start(r: redis.Redis) -> None:
    """So a history state holds nothing, even where a start would leave its parent."""
    chart = {
        "initial": "a",
        "states": {
            "a": {"initial": "b", "states": {"b": {"always": "#c"}, "h": {"history": "shallow"}}},
            "c": {"id": "c", "on": {"BACK": "a.h"}},
        },
    }
    r.execute_command("SM.SET", "started", compact(chart))
    assert "historyValue" in stored(r, "started")
    r.execute_command("SM.SET", "entered", compact(chart), "c")
    assert "historyValue" not in stored(r, "entered")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("x", "$.historyValue"),
        ({"nope": []}, "$.historyValue.nope"),
        ({"player.idle": []}, "$.historyValue.player.idle"),
        ({"player.session.back": [{"id": "player.idle"}]}, "$.historyValue.player.session.back"),
        ({"player.session.back": [{"id": "player.session.track.a"}]}, "$.historyValue.player.session.back"),
        ({"player.session.back": [{"id": 1}]}, "$.historyValue.player.session.back[0]"),
    ],
    ids=lambda value: compact(value)[:50],
)
def test_a_history_value_that_cannot_be_is_refused(r: redis.Redis, session: str, value: Any, path: str) -> None:
    before = digest(r, session)
    for document in ({**PLAYER, "historyValue": value}, {**PLAYER, "historyValue": value, "current": "paused"}):
        for argument in ((), ("paused",)):
            with pytest.raises(redis.ResponseError, match=r"^invalid document at \$\.historyValue"):
                r.execute_command("SM.SET", session, compact(document), *argument)
        findings = r.execute_command("SM.CHECK", compact(document))
        assert [finding[0] for finding in findings] == ["error"]
        assert findings[0][1].replace('["', ".").replace('"]', "").startswith(path)
    assert digest(r, session) == before


# SM.STATE


def test_state_lists_the_active_atomic_states_list_and_all_every_path(r: redis.Redis, session: str) -> None:
    assert r.execute_command("SM.STATE", session) == ["session.track.a", "session.volume.low"]
    assert r.execute_command("SM.STATE", session, "LIST") == PATHS
    assert r.execute_command("SM.STATE", session, "ALL") == PATHS


# SM.RESET


def test_reset_goes_back_to_the_start(r: redis.Redis, session: str) -> None:
    r.execute_command("SM.SET", "fresh", PLAYER_TEXT)
    r.execute_command("SM.SEND", session, "PAUSE")
    r.execute_command("SM.MUTATE", session, "idle", "why", "FORCE")
    assert r.execute_command("SM.RESET", session) == "OK"
    assert digest(r, session) == digest(r, "fresh")
    assert r.execute_command("SM.GET", session, "REASON") == ""


def test_reset_with_actions_answers_as_send_does(r: redis.Redis, session: str) -> None:
    assert r.execute_command("SM.RESET", session, "ACTIONS") == [["idle"], ["boot", "dim"]]
    assert r.execute_command("SM.RESET", session, "ACTIONS") == [["idle"], ["boot", "dim"]]
    assert r.execute_command("SM.RESET", "missing", "ACTIONS") is None


# A machine that is done


def test_a_machine_that_is_done_takes_no_event(server: Server, r: redis.Redis, session: str) -> None:
    states, actions = r.execute_command("SM.SEND", session, "STOP", "ACTIONS")
    assert states == ["over"]
    assert actions == ["cut", "close", "bye", "halt"]
    before, writes = digest(r, session), server.writes()
    for event in ("START", "STOP", "NEXT", "*", "xstate.done.state.player"):
        assert r.execute_command("SM.SEND", session, event) is None
        assert r.execute_command("SM.CAN", session, event) == 0
    assert r.execute_command("SM.NEXT", session) == []
    assert r.execute_command("SM.MUTATE", session, "idle") is None
    assert (digest(r, session), server.writes()) == (before, writes)
    assert r.execute_command("SM.MUTATE", session, "paused", "an operator", "FORCE") == "OK"
    assert r.execute_command("SM.SEND", session, "STOP") == ["over"]
    assert r.execute_command("SM.RESET", session) == "OK"
    assert r.execute_command("SM.SEND", session, "START") is not None
