"""SM.MUTATE on statecharts: a transition with exactly that target, or FORCE, which needs no transition."""

from __future__ import annotations

import json

import pytest
import redis

from tests.documents import compact
from tests.servers import Server
from tests.statecharts.charts import PATHS, PLAYER_TEXT


@pytest.fixture
def session(r: redis.Redis) -> str:
    r.execute_command("SM.SET", "k", PLAYER_TEXT)
    assert r.execute_command("SM.MUTATE", "k", "session") == "OK"
    return "k"


INNER_AND_OUTER = {
    "initial": "p",
    "states": {
        "p": {
            "type": "parallel",
            "on": {"OUTER": {"target": ".one.b", "reenter": True}},
            "states": {
                "one": {"initial": "a", "states": {"a": {"on": {"INNER": "b"}}, "b": {"on": {"C": "c"}}, "c": {}}},
                "two": {"initial": "x", "states": {"x": {"on": {"Y": "y"}}, "y": {}}},
            },
        }
    },
}


def test_mutate_takes_the_innermost_transition_to_exactly_that_state(r: redis.Redis) -> None:
    """The inner transition leaves the other region alone, the outer one enters it anew."""
    r.execute_command("SM.SET", "k", compact(INNER_AND_OUTER), '{"p":{"two":"y"}}')
    assert r.execute_command("SM.MUTATE", "k", "p.one.b") == "OK"
    assert r.execute_command("SM.STATE", "k") == ["p.one.b", "p.two.y"]
    assert r.execute_command("SM.MUTATE", "k", "p.one.c") == "OK"
    assert r.execute_command("SM.STATE", "k") == ["p.one.c", "p.two.y"]
    assert r.execute_command("SM.MUTATE", "k", "p.one.b") == "OK"
    assert r.execute_command("SM.STATE", "k") == ["p.one.b", "p.two.x"]


def test_of_two_transitions_of_one_state_the_first_in_the_document(r: redis.Redis) -> None:
    chart = {
        "initial": "p",
        "states": {
            "p": {
                "type": "parallel",
                "on": {"Z": {"target": ".one.b", "reenter": True}, "A": ".one.b"},
                "states": {
                    "one": {"initial": "a", "states": {"a": {}, "b": {}}},
                    "two": {"initial": "x", "states": {"x": {}, "y": {}}},
                },
            }
        },
    }
    r.execute_command("SM.SET", "k", compact(chart), '{"p":{"two":"y"}}')
    assert r.execute_command("SM.MUTATE", "k", "p.one.b") == "OK"
    assert r.execute_command("SM.STATE", "k") == ["p.one.b", "p.two.x"]


def test_what_no_transition_leads_to_is_nil_and_changes_nothing(server: Server, r: redis.Redis, session: str) -> None:
    """Neither the parent of a target, nor a state inside it, nor the current state, nor the name of an event."""
    before = r.execute_command("SM.GET", session)
    writes = server.writes()
    for path in ("session", "session.track", "session.track.a", "session.track.c", "idle", "session.back", "NEXT", ""):
        assert r.execute_command("SM.MUTATE", session, path, "why") is None
    for path in ("nope", "#player.paused", ".paused", "session.", b"\xff", b"paused\0", "paused."):
        assert r.execute_command("SM.MUTATE", session, path) is None
        assert r.execute_command("SM.MUTATE", session, path, "why", "FORCE") is None
    assert r.execute_command("SM.GET", session) == before
    assert server.writes() == writes


def test_the_setting_answers_an_error_that_names_both(server: Server, r: redis.Redis, session: str) -> None:
    server.config("redisstate.invalid-transition", "error")
    with pytest.raises(redis.ResponseError, match=r"^invalid state transition: .*'idle'$"):
        r.execute_command("SM.MUTATE", session, "idle")


def test_a_target_may_be_a_history_state(r: redis.Redis, session: str) -> None:
    r.execute_command("SM.SEND", session, "LOUDER")
    r.execute_command("SM.MUTATE", session, "paused", "tired")
    assert r.execute_command("SM.GET", session, "REASON") == "tired"
    assert r.execute_command("SM.MUTATE", session, "session.back") == "OK"
    assert r.execute_command("SM.STATE", session) == ["session.track.a", "session.volume.high"]
    assert r.execute_command("SM.GET", session, "REASON") == ""


def test_send_clears_the_reason_and_get_shows_it(r: redis.Redis, session: str) -> None:
    r.execute_command("SM.MUTATE", session, "paused", "tired")
    document = json.loads(r.execute_command("SM.GET", session))
    assert document["reason"] == "tired"
    r.execute_command("SM.SET", "copy", r.execute_command("SM.GET", session))
    assert r.execute_command("DEBUG", "DIGEST-VALUE", "copy") == r.execute_command("DEBUG", "DIGEST-VALUE", session)
    r.execute_command("SM.SEND", session, "RESUME")
    assert "reason" not in json.loads(r.execute_command("SM.GET", session))


@pytest.mark.parametrize(
    ("path", "states"),
    [
        ("session.track.c", ["session.track.c", "session.volume.high"]),
        ("session.track", ["session.track.a", "session.volume.high"]),
        ("session", ["session.track.a", "session.volume.low"]),
        ("idle", ["idle"]),
        ("over", ["over"]),
        ("session.back", ["session.track.a", "session.volume.low"]),
    ],
)
def test_force_enters_the_state_its_initial_states_and_its_parents(
    r: redis.Redis, session: str, path: str, states: list[str]
) -> None:
    """Other regions stay as they are. The history state is empty, since its parent has not been left."""
    r.execute_command("SM.SEND", session, "NEXT")
    r.execute_command("SM.SEND", session, "LOUDER")
    assert r.execute_command("SM.MUTATE", session, path, "why", "FORCE") == "OK"
    assert r.execute_command("SM.STATE", session) == states
    assert r.execute_command("SM.GET", session, "REASON") == "why"


@pytest.mark.parametrize("start", ["idle", "paused", "over", "session.track.c", "session.volume.high"])
def test_force_reaches_every_state_from_everywhere(r: redis.Redis, start: str) -> None:
    for path in PATHS:
        r.execute_command("SM.SET", "k", PLAYER_TEXT, start)
        assert r.execute_command("SM.MUTATE", "k", path, "", "FORCE") == "OK"
        reached = r.execute_command("SM.STATE", "k")
        inside = path if path != "session.back" else "session"
        assert any(state == inside or state.startswith(inside + ".") for state in reached)
