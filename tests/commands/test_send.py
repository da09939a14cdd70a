"""SM.SEND, SM.CAN, SM.NEXT and SM.RESET ACTIONS on a flat machine, where an event is the name of a state."""

from __future__ import annotations

import pytest
import redis

from tests.documents import README, flat


@pytest.fixture
def machine(r: redis.Redis) -> str:
    r.execute_command("SM.SET", "k", README)
    return "k"


def test_send_is_mutate_with_another_answer(r: redis.Redis, machine: str) -> None:
    assert r.execute_command("SM.SEND", machine, "boo") == ["boo"]
    assert r.execute_command("SM.SEND", machine, "bar") is None
    assert r.execute_command("SM.SEND", machine, "blee", "ACTIONS") == [["blee"], []]
    assert r.execute_command("SM.SEND", machine, "blee", "actions") is None
    assert r.execute_command("SM.STATE", machine) == ["blee"]


def test_send_clears_the_reason(r: redis.Redis, machine: str) -> None:
    r.execute_command("SM.MUTATE", machine, "boo", "why")
    assert r.execute_command("SM.SEND", machine, "blee") == ["blee"]
    assert "reason" not in r.execute_command("SM.GET", machine)


def test_can_says_what_send_would_do_and_does_nothing(r: redis.Redis, machine: str) -> None:
    before = r.execute_command("SM.GET", machine)
    assert r.execute_command("SM.CAN", machine, "boo") == 1
    assert r.execute_command("SM.CAN", machine, "bar") == 0
    assert r.execute_command("SM.CAN", machine, b"\xff\x00\n") == 0
    assert r.execute_command("SM.GET", machine) == before


def test_next_lists_the_row_once_each(r: redis.Redis, machine: str) -> None:
    assert r.execute_command("SM.NEXT", machine) == ["blee", "boo"]
    r.execute_command("SM.SEND", machine, "blee")
    assert r.execute_command("SM.NEXT", machine) == []
    r.execute_command("SM.SET", "twice", flat({"a": ["c", "b", "c"]}, "a"))
    assert r.execute_command("SM.NEXT", "twice") == ["c", "b"]


def test_reset_with_actions(r: redis.Redis, machine: str) -> None:
    r.execute_command("SM.SEND", machine, "blee")
    assert r.execute_command("SM.RESET", machine, "ACTIONS") == [["bar"], []]
    assert r.execute_command("SM.RESET", machine) == "OK"


@pytest.mark.parametrize(
    "command", [("SM.SEND", "e"), ("SM.SEND", "e", "ACTIONS"), ("SM.CAN", "e"), ("SM.NEXT",), ("SM.RESET", "ACTIONS")]
)
def test_a_missing_key_is_nil(r: redis.Redis, command: tuple[str, ...]) -> None:
    assert r.execute_command(command[0], "missing", *command[1:]) is None
    assert r.exists("missing") == 0


@pytest.mark.parametrize(
    ("command", "known"),
    [
        (("SM.SEND", "k", "boo", "ACTION"), "DATA, GUARDS, ACTIONS, EFFECTS, REASON, IFREV, IFSTATE, ID"),
        (("SM.RESET", "k", "boo"), "INPUT, GUARDS, ACTIONS, EFFECTS, REASON, IFREV, IFSTATE, ID"),
        (("SM.CAN", "k", "boo", "WHAT"), "DATA, GUARDS, WHY"),
        (("SM.SET", "k", README, "where", "boo"), "CURRENT, INPUT, GUARDS, IF, ACTIONS, EFFECTS, IFREV, IFSTATE"),
    ],
)
def test_another_word_is_a_syntax_error(r: redis.Redis, machine: str, command: tuple[str, ...], known: str) -> None:
    wrong = command[3] if command[0] == "SM.SET" else command[-1]
    word = rf"^syntax error: '{wrong}' is no option of '{command[0]}'; known are {known}$"
    with pytest.raises(redis.ResponseError, match=word):
        r.execute_command(*command)
    assert r.execute_command("SM.STATE", machine) == ["bar"]
