"""IFREV and IFSTATE: a write happens where the machine is as its sender believes, or CONFLICT says how it is."""

from __future__ import annotations

import json
import threading

import pytest
import redis

from tests.charts_with_data import ORDER
from tests.documents import README, compact
from tests.groups import run_all
from tests.servers import Server

COUNTED = compact({"map": {"a": ["b"], "b": ["a"]}, "initial": "a", "store": {}})
NESTED = compact({
    "initial": "on", "store": {},
    "states": {
        "on": {"type": "parallel", "on": {"OFF": "off"}, "states": {
            "left": {"initial": "x", "states": {"x": {}, "y.z": {}}}, "right": {"initial": "x", "states": {"x": {}}},
        }},
        "off": {},
        "o": {},
    },
})  # fmt: skip


def conflict(r: redis.Redis, *words: object) -> str:
    """The text of the CONFLICT that the command is answered."""
    with pytest.raises(redis.ResponseError, match=r"\ACONFLICT ") as refused:
        r.execute_command(*map(str, words))
    return str(refused.value).removeprefix("CONFLICT ")


@pytest.mark.parametrize(
    "words",
    [["SM.MUTATE", "k", "b"], ["SM.SEND", "k", "b"], ["SM.RESET", "k"], ["SM.SET", "k", COUNTED]],
    ids=lambda words: words[0],
)
def test_a_write_wants_a_revision(r: redis.Redis, words: list[str]) -> None:
    r.execute_command("SM.SET", "k", COUNTED)
    before = r.dump("k")
    assert conflict(r, *words, "IFREV", 2) == "the machine is at revision 1, not 2"
    assert conflict(r, *words, "IFREV", 0) == "the machine is at revision 1, not 0"
    assert r.dump("k") == before
    assert r.execute_command(*words, "IFREV", 1)
    assert r.execute_command("SM.GET", "k", "REVISION") == 2


@pytest.mark.parametrize(
    "words", [["SM.MUTATE", "k", "b"], ["SM.SEND", "k", "b"], ["SM.RESET", "k"]], ids=lambda words: words[0]
)
def test_a_write_wants_a_state(r: redis.Redis, words: list[str]) -> None:
    r.execute_command("SM.SET", "k", COUNTED)
    assert conflict(r, *words, "IFSTATE", "b") == "the machine is in 'a', not in 'b'"
    assert r.execute_command(*words, "ifstate", "a", "ifrev", "1")


def test_a_machine_that_is_not_there_is_at_no_revision(r: redis.Redis) -> None:
    for words in (["SM.MUTATE", "k", "b"], ["SM.SEND", "k", "b"], ["SM.RESET", "k"], ["SM.SET", "k", COUNTED]):
        assert conflict(r, *words, "IFREV", 5) == "there is no machine, at revision 5 or any"
        assert conflict(r, *words, "IFSTATE", "a") == "there is no machine, in 'a' or any state"
    assert r.execute_command("SM.SEND", "k", "b", "IFREV", "0") is None
    assert r.execute_command("SM.SET", "k", COUNTED, "IFREV", "0") == "OK"
    assert conflict(r, "SM.SET", "k", COUNTED, "IFREV", 0) == "the machine is at revision 1, not 0"


def test_a_machine_that_counts_no_steps_is_told_how_to(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", README)
    with pytest.raises(redis.ResponseError, match=r'\AIFREV: this machine counts no steps; .* has a "store", {} is'):
        r.execute_command("SM.MUTATE", "k", "boo", "IFREV", "1")
    assert r.execute_command("SM.MUTATE", "k", "boo", "IFREV", "0") == "OK"
    assert r.execute_command("SM.MUTATE", "k", "blee", "why", "FORCE") == "OK"
    assert conflict(r, "SM.MUTATE", "k", "bar", "IFSTATE", "boo") == "the machine is in 'blee', not in 'boo'"


def test_a_state_holds_with_all_that_it_is_in(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", NESTED, '{"on":{"left":"y.z","right":"x"}}')
    for path in ("on", "on.left", "on.right", "on.right.x", r"on.left.y\.z"):
        assert r.execute_command("SM.SEND", "k", "NEVER", "IFSTATE", path) is None
    for path in ("o", "off", "on.left.x", "on.left.y", r"on.left.y\.", "on.", "", "ON", "on.right.x.z"):
        assert f"not in '{path}'" in conflict(r, "SM.SEND", "k", "NEVER", "IFSTATE", path)


def test_dots_in_the_names_of_a_map_part_nothing(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", compact({"map": {"a.b": ["a"], "a": []}, "initial": "a.b"}))
    assert conflict(r, "SM.MUTATE", "k", "a", "IFSTATE", "a") == "the machine is in 'a.b', not in 'a'"
    assert r.execute_command("SM.MUTATE", "k", "a", "IFSTATE", "a.b") == "OK"


@pytest.mark.parametrize("value", ["", "-1", "1.0", "x", "+1", " 1", "9" * 19])
def test_a_revision_is_a_number(r: redis.Redis, value: str) -> None:
    r.execute_command("SM.SET", "k", COUNTED)
    with pytest.raises(redis.ResponseError, match=r"\AIFREV wants a revision: "):
        r.execute_command("SM.MUTATE", "k", "b", "IFREV", value)


def test_the_name_of_a_condition_alone_is_no_reason(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", COUNTED)
    for word in ("IFREV", "ifstate"):
        with pytest.raises(redis.ResponseError, match=f"the value of '{word}' is missing"):
            r.execute_command("SM.MUTATE", "k", "b", word)
    assert r.execute_command("SM.MUTATE", "k", "b", "REASON", "IFREV") == "OK"


def test_conditions_come_before_guards_and_data(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", ORDER)
    assert conflict(r, "SM.SEND", "k", "PAY", "DATA", "no JSON", "IFREV", 9) == "the machine is at revision 1, not 9"


def test_conditions_hold_in_transactions_and_scripts(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", COUNTED)
    steps = [["SM.MUTATE", "k", "b", "IFREV", 1], ["SM.MUTATE", "k", "a", "IFREV", 1]]
    first, second = run_all(r, steps, transaction=True)
    assert first == "OK"
    assert str(second).startswith("CONFLICT the machine is at revision 2, not 1")
    script = "return redis.call('SM.MUTATE', KEYS[1], 'a', 'IFREV', ARGV[1])"
    with pytest.raises(redis.ResponseError, match="CONFLICT the machine is at revision 2, not 7"):
        r.eval(script, 1, "k", 7)
    assert r.eval(script, 1, "k", 2) == "OK"


def test_of_many_that_saw_the_same_revision_one_wins(server: Server, r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", COUNTED)
    rounds, clients = 50, 8
    won: list[int] = []

    def compete() -> None:
        client = server.client()
        for _ in range(rounds):
            revision = client.execute_command("SM.GET", "k", "REVISION")
            state = client.execute_command("SM.STATE", "k")[0]
            try:
                client.execute_command("SM.MUTATE", "k", "ab"[state == "a"], "IFREV", revision)
                won.append(revision)
            except redis.ResponseError as error:
                assert str(error).startswith("CONFLICT"), error

    threads = [threading.Thread(target=compete) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == len(set(won)) == r.execute_command("SM.GET", "k", "REVISION") - 1
    assert json.loads(r.execute_command("SM.GET", "k"))["current"] == "ab"[len(won) % 2]
