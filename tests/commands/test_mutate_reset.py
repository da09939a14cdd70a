"""SM.MUTATE and SM.RESET: which transitions are taken, what becomes of the reason."""

from __future__ import annotations

import json

import pytest
import redis

from tests.documents import README, TRAFFIC, flat


@pytest.fixture
def machine(r: redis.Redis) -> str:
    r.execute_command("SM.SET", "k", README)
    return "k"


def state(r: redis.Redis, key: str = "k") -> str:
    return str(r.execute_command("SM.STATE", key)[0])


def test_a_listed_state_is_reached(r: redis.Redis, machine: str) -> None:
    assert r.execute_command("SM.MUTATE", machine, "boo") == "OK"
    assert state(r) == "boo"
    assert r.execute_command("SM.MUTATE", machine, "blee") == "OK"
    assert state(r) == "blee"


UNREACHABLE = ["bar", "notastate", "", "BOO", "boo ", b"boo\x00", b"\xff", b"b\noo", b"\xc0\xaf"]


@pytest.mark.parametrize("target", UNREACHABLE)
def test_another_is_not(r: redis.Redis, machine: str, target: str | bytes) -> None:
    before = r.execute_command("SM.GET", machine)
    assert r.execute_command("SM.MUTATE", machine, target) is None
    assert r.execute_command("SM.MUTATE", machine, target, "a reason") is None
    assert r.execute_command("SM.GET", machine) == before


def test_an_end_state_is_left_by_nothing(r: redis.Redis, machine: str) -> None:
    r.execute_command("SM.MUTATE", machine, "blee")
    for target in ("bar", "boo", "blee"):
        assert r.execute_command("SM.MUTATE", machine, target) is None
    assert state(r) == "blee"


def test_a_state_that_lists_itself(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", flat({"a": ["a"]}, "a"))
    assert r.execute_command("SM.MUTATE", "k", "a") == "OK"
    assert r.execute_command("SM.MUTATE", "k", "a", "again") == "OK"
    assert r.execute_command("SM.GET", "k", "REASON") == "again"


def test_an_initial_state_without_a_row_is_an_end(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", flat({"a": ["lonely"]}, "lonely"))
    assert r.execute_command("SM.MUTATE", "k", "a") is None
    assert r.execute_command("SM.MUTATE", "k", "a", "why", "FORCE") == "OK"
    assert r.execute_command("SM.MUTATE", "k", "lonely") == "OK"


def test_names_are_what_the_json_means(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", '{"map":{"a":["\\u00e9","b\\n","c\\u0000d"]},"initial":"a"}')
    for target in ("é", "b\n", "c\0d"):
        assert r.execute_command("SM.MUTATE", "k", target) == "OK"
        assert state(r) == target
        assert r.execute_command("SM.RESET", "k") == "OK"
    decomposed = "e\u0301"
    assert r.execute_command("SM.MUTATE", "k", decomposed) is None


def test_the_empty_state(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", flat({"a": ["", "b"], "": ["a"]}, "a"))
    assert r.execute_command("SM.MUTATE", "k", "") == "OK"
    assert r.execute_command("SM.STATE", "k") == [""]
    assert r.execute_command("SM.MUTATE", "k", "b") is None
    assert r.execute_command("SM.MUTATE", "k", "a") == "OK"


@pytest.mark.parametrize("reason", ["why", "FORCED", "é 😀", "a\nb", "nul\0inside", " ", "x" * 100_000])
def test_a_reason_is_kept_as_it_came(r: redis.Redis, machine: str, reason: str) -> None:
    assert r.execute_command("SM.MUTATE", machine, "boo", reason) == "OK"
    assert r.execute_command("SM.GET", machine, "REASON") == reason
    document = r.execute_command("SM.GET", machine)
    assert json.loads(document)["reason"] == reason
    assert list(json.loads(document)) == ["current", "map", "initial", "reason"]
    assert r.execute_command("SM.SET", "copy", document) == "OK"
    assert r.execute_command("SM.GET", "copy") == document


def test_a_transition_without_a_reason_clears_the_old_one(r: redis.Redis, machine: str) -> None:
    r.execute_command("SM.MUTATE", machine, "boo", "first")
    r.execute_command("SM.MUTATE", machine, "blee")
    assert r.execute_command("SM.GET", machine, "REASON") == ""
    assert "reason" not in json.loads(r.execute_command("SM.GET", machine))


def test_it_clears_the_reason_of_the_document_too(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", flat({"a": ["b", "a"]}, "a", reason="given"))
    assert r.execute_command("SM.GET", "k", "REASON") == "given"
    assert r.execute_command("SM.MUTATE", "k", "nowhere") is None
    assert r.execute_command("SM.GET", "k", "REASON") == "given"
    assert r.execute_command("SM.MUTATE", "k", "a") == "OK"
    assert r.execute_command("SM.GET", "k", "REASON") == ""


@pytest.mark.parametrize("reason", [b"\xff", b"ok\xc3", b"\xed\xa0\x80", b"a\x00\xfe"])
def test_a_reason_that_is_not_utf8_is_refused(r: redis.Redis, machine: str, reason: bytes) -> None:
    before = r.execute_command("SM.GET", machine)
    for command in (("SM.MUTATE", machine, "boo", reason), ("SM.MUTATE", machine, "boo", reason, "FORCE")):
        with pytest.raises(redis.ResponseError, match=r"(?i)UTF-8.*byte|byte.*UTF-8") as caught:
            r.execute_command(*command)
        assert str(caught.value).isprintable()
    assert r.execute_command("SM.GET", machine) == before


def test_force_skips_the_row_only(r: redis.Redis, machine: str) -> None:
    r.execute_command("SM.MUTATE", machine, "blee")
    before = r.execute_command("SM.GET", machine)
    assert r.execute_command("SM.MUTATE", machine, "notastate", "why", "FORCE") is None
    assert r.execute_command("SM.GET", machine) == before
    assert r.execute_command("SM.MUTATE", machine, "bar", "repair", "FORCE") == "OK"
    assert (state(r), r.execute_command("SM.GET", machine, "REASON")) == ("bar", "repair")
    assert r.execute_command("SM.MUTATE", machine, "blee", "lower case", "force") == "OK"
    assert r.execute_command("SM.MUTATE", machine, "blee", "in place", "FORCE") == "OK"
    assert r.execute_command("SM.GET", machine, "REASON") == "in place"


@pytest.mark.parametrize("word", ["FORCE", "force"])
def test_a_lone_force_forces_without_a_reason(r: redis.Redis, machine: str, word: str) -> None:
    r.execute_command("SM.MUTATE", machine, "blee", "why")
    assert r.execute_command("SM.MUTATE", machine, "bar") is None
    assert r.execute_command("SM.MUTATE", machine, "notastate", word) is None
    assert r.execute_command("SM.MUTATE", machine, "bar", word) == "OK"
    assert (state(r), r.execute_command("SM.GET", machine, "REASON")) == ("bar", "")
    assert r.execute_command("SM.MUTATE", machine, "blee", word, "FORCE") == "OK"
    assert r.execute_command("SM.GET", machine, "REASON") == word


@pytest.mark.parametrize("word", ["", "FORCED", "NOFORCE", b"FORCE\x00", b"\xff"])
def test_another_fourth_argument_is_a_syntax_error(r: redis.Redis, machine: str, word: str | bytes) -> None:
    before = r.execute_command("SM.GET", machine)
    """It is an option then, and so is what was the reason."""
    known = "DATA, GUARDS, ACTIONS, EFFECTS, REASON, FORCE, IFREV, IFSTATE, ID"
    error = rf"\Asyntax error: 'why' is no option of 'SM.MUTATE'; known are {known}\Z"
    with pytest.raises(redis.ResponseError, match=error):
        r.execute_command("SM.MUTATE", machine, "boo", "why", word)
    assert r.execute_command("SM.GET", machine) == before


def test_reset(r: redis.Redis, machine: str) -> None:
    r.execute_command("SM.MUTATE", machine, "boo", "why")
    assert r.execute_command("SM.RESET", machine) == "OK"
    assert state(r) == "bar"
    assert r.execute_command("SM.GET", machine, "REASON") == ""
    assert r.execute_command("SM.RESET", machine) == "OK"


def test_reset_clears_the_reason_where_the_state_stays(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", flat({"a": ["b"]}, "a", reason="given"))
    assert r.execute_command("SM.RESET", "k") == "OK"
    assert "reason" not in json.loads(r.execute_command("SM.GET", "k"))


@pytest.mark.parametrize(
    "command", [("SM.MUTATE", "k", "green"), ("SM.MUTATE", "k", "amber", "x", "FORCE"), ("SM.RESET", "k")]
)
def test_the_ttl_stays(r: redis.Redis, command: tuple[str, ...]) -> None:
    r.execute_command("SM.SET", "k", TRAFFIC)
    if command[0] == "SM.RESET":
        r.execute_command("SM.MUTATE", "k", "green", "why")
    r.pexpireat("k", 4_000_000_000_000)
    assert r.execute_command(*command) == "OK"
    assert r.pexpiretime("k") == 4_000_000_000_000


def test_two_machines_of_one_document_are_two(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "a", TRAFFIC)
    r.execute_command("SM.SET", "b", TRAFFIC)
    r.execute_command("SM.MUTATE", "a", "green", "only a")
    assert (state(r, "a"), state(r, "b")) == ("green", "red")
    assert r.execute_command("SM.GET", "b", "REASON") == ""
