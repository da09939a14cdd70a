"""SM.TEMPLATE, SM.SET, SM.CREATE, SM.GET, SM.STATE: what they answer and what they keep."""

from __future__ import annotations

import json

import pytest
import redis

from tests.documents import README, README_GET, TEMPLATE, TRAFFIC, compact, flat
from tests.servers import wait_until


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        ('{"map":{},"initial":"a"}', '{"current":"a","map":{},"initial":"a"}'),
        ('{"initial":"a","map":{}}', '{"current":"a","map":{},"initial":"a"}'),
        (' \n\t{ "map" : { } , "initial" : "a" }\r\n', '{"current":"a","map":{},"initial":"a"}'),
        ('{"current":"","map":{},"initial":"a"}', '{"current":"a","map":{},"initial":"a"}'),
        (
            '{"current":"b","map":{"a":["b"]},"initial":"a"}',
            '{"current":"b","map":{"a":["b"]},"initial":"a"}',
        ),
        ('{"map":{},"initial":""}', TEMPLATE),
        (README, README_GET),
        (
            '{"map":{"z":["y","x"],"a":[],"m":["z"]},"initial":"m"}',
            '{"current":"m","map":{"z":["y","x"],"a":[],"m":["z"]},"initial":"m"}',
        ),
        (
            '{"map":{"a":["b","b","a"]},"initial":"a"}',
            '{"current":"a","map":{"a":["b","b","a"]},"initial":"a"}',
        ),
        (
            '{"map":{"\\u00e9\\u4e2d":["\\ud83d\\ude00"]},"initial":"\\u00e9\\u4e2d"}',
            '{"current":"é中","map":{"é中":["😀"]},"initial":"é中"}',
        ),
        (
            '{"map":{"a\\n\\"\\\\\\u0000\\u001f":[]},"initial":"a\\n\\"\\\\\\u0000\\u001f"}',
            '{"current":"a\\n\\"\\\\\\u0000\\u001f","map":{"a\\n\\"\\\\\\u0000\\u001f":[]},'
            '"initial":"a\\n\\"\\\\\\u0000\\u001f"}',
        ),
        ('{"reason":"why","map":{},"initial":"a"}', '{"current":"a","map":{},"initial":"a","reason":"why"}'),
    ],
)
def test_get_answers_the_document(raw: redis.Redis, document: str, answer: str) -> None:
    assert raw.execute_command("SM.SET", "k", document) == b"OK"
    assert raw.execute_command("SM.GET", "k") == answer.encode()
    assert raw.execute_command("SM.SET", "again", answer) == b"OK"
    assert raw.execute_command("SM.GET", "again") == answer.encode()
    assert raw.execute_command("DEBUG", "DIGEST-VALUE", "k") == raw.execute_command("DEBUG", "DIGEST-VALUE", "again")


def test_other_members_are_kept_and_come_last(r: redis.Redis) -> None:
    meta = {"n": [1, 2.5, None, True, {"deep": "é"}], "z": {}}
    document = {
        "id": "order", "version": "1", "description": "an order", "meta": meta,
        "reason": "new", "initial": "a", "map": {"a": ["b"]}, "current": "b",
    }  # fmt: skip
    assert r.execute_command("SM.SET", "k", json.dumps(document)) == "OK"
    expected = {
        "current": "b", "map": {"a": ["b"]}, "initial": "a", "reason": "new",
        "id": "order", "version": "1", "description": "an order", "meta": meta,
    }  # fmt: skip
    assert r.execute_command("SM.GET", "k") == compact(expected)
    r.execute_command("SM.RESET", "k")
    del expected["reason"]
    assert r.execute_command("SM.GET", "k") == compact({**expected, "current": "a"})


@pytest.mark.parametrize("meta", ["null", "0", '"text"', "[]", "{}", "false", "-1.5e-7", "12345678901234567"])
def test_meta_is_any_json(r: redis.Redis, meta: str) -> None:
    assert r.execute_command("SM.SET", "k", f'{{"map":{{}},"initial":"a","meta":{meta}}}') == "OK"
    kept = json.loads(r.execute_command("SM.GET", "k"))["meta"]
    assert kept == json.loads(meta)
    assert type(kept) is type(json.loads(meta))


def test_set_replaces_a_machine(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", README)
    r.execute_command("SM.MUTATE", "k", "boo", "why")
    assert r.execute_command("SM.SET", "k", TRAFFIC) == "OK"
    assert json.loads(r.execute_command("SM.GET", "k")) == {"current": "red", **json.loads(TRAFFIC)}
    assert r.execute_command("SM.SET", "k", README) == "OK"
    assert r.execute_command("SM.GET", "k") == README_GET
    assert r.execute_command("SM.CREATE", "k") == "OK"
    assert r.execute_command("SM.GET", "k") == TEMPLATE


@pytest.mark.parametrize("command", [("SM.SET", "k", README), ("SM.CREATE", "k")])
def test_set_and_create_drop_the_ttl(r: redis.Redis, command: tuple[str, ...]) -> None:
    r.execute_command("SM.SET", "k", README)
    r.expire("k", 1000)
    assert r.execute_command(*command) == "OK"
    assert r.ttl("k") == -1


def test_third_argument_is_the_current_state(r: redis.Redis) -> None:
    assert r.execute_command("SM.SET", "k", README, "boo") == "OK"
    assert r.execute_command("SM.STATE", "k") == ["boo"]
    assert r.execute_command("SM.SET", "k", flat({"a": ["b"]}, "a", current="a"), "b") == "OK"
    assert r.execute_command("SM.STATE", "k") == ["b"]
    assert r.execute_command("SM.SET", "k", flat({"a": ["b"]}, "a", current="b"), "") == "OK"
    assert r.execute_command("SM.STATE", "k") == ["a"]


@pytest.mark.parametrize("current", ["notastate", "BOO", "boo ", b"\xff", b"boo\x00", b"bo\nb"])
def test_third_argument_must_be_a_known_state(r: redis.Redis, current: str | bytes) -> None:
    r.execute_command("SM.SET", "k", TRAFFIC, "green")
    before = r.execute_command("SM.GET", "k")
    with pytest.raises(redis.ResponseError):
        r.execute_command("SM.SET", "k", README, current)
    assert r.execute_command("SM.GET", "k") == before


def test_get_one_part(raw: redis.Redis) -> None:
    raw.execute_command("SM.SET", "k", README)
    raw.execute_command("SM.MUTATE", "k", "boo", "because é")
    for word in ("CURRENT", "current", "CuRrEnT"):
        assert raw.execute_command("SM.GET", "k", word) == b"boo"
    for word in ("INITIAL", "initial"):
        assert raw.execute_command("SM.GET", "k", word) == b"bar"
    for word in ("REASON", "reason"):
        assert raw.execute_command("SM.GET", "k", word) == "because é".encode()
    raw.execute_command("SM.MUTATE", "k", "blee")
    assert raw.execute_command("SM.GET", "k", "REASON") == b""


@pytest.mark.parametrize("word", ["", "MAP", "CURREN", "CURRENTS", b"CURRENT\x00", b"\xff", "a\nb"])
def test_get_another_word_is_a_syntax_error(r: redis.Redis, word: str | bytes) -> None:
    r.execute_command("SM.SET", "k", README)
    members = "REASON, CURRENT, INITIAL, CONTEXT, OUTPUT, STATUS, SNAPSHOT, REVISION"
    for command, known in (("SM.GET", members), ("SM.STATE", "LIST, ALL")):
        error = rf"\Asyntax error: '.*' is no option of '{command}'; known are {known}\Z"
        with pytest.raises(redis.ResponseError, match=error):
            r.execute_command(command, "k", word)


@pytest.mark.parametrize(
    ("document", "rows", "known"),
    [
        (README, ["bar", "boo"], ["bar", "blee", "boo"]),
        (flat({}, "alone"), [], ["alone"]),
        (flat({"z": ["b", "a"], "a": ["z", "c", "q"]}, "q"), ["z", "a"], ["z", "b", "a", "c", "q"]),
        (flat({"a": ["b", "b"], "c": []}, "b"), ["a", "c"], ["a", "b", "c"]),
        (flat({}, ""), [], [""]),
    ],
)
def test_state_lists(raw: redis.Redis, document: str, rows: list[str], known: list[str]) -> None:
    raw.execute_command("SM.SET", "k", document)
    for word in ("LIST", "list", "LiSt"):
        assert raw.execute_command("SM.STATE", "k", word) == [name.encode() for name in rows]
    for word in ("ALL", "all"):
        assert raw.execute_command("SM.STATE", "k", word) == [name.encode() for name in known]
    initial = json.loads(document)["initial"]
    assert raw.execute_command("SM.STATE", "k") == [initial.encode()]


def test_missing_key_is_nil(raw: redis.Redis) -> None:
    for command in (
        ("SM.GET", "no"), ("SM.GET", "no", "REASON"), ("SM.GET", "no", "CURRENT"),
        ("SM.GET", "no", "INITIAL"),
        ("SM.STATE", "no"), ("SM.STATE", "no", "LIST"), ("SM.STATE", "no", "ALL"), ("SM.RESET", "no"),
        ("SM.MUTATE", "no", "a"), ("SM.MUTATE", "no", "a", "why"), ("SM.MUTATE", "no", "a", "why", "FORCE"),
    ):  # fmt: skip
        assert raw.execute_command(*command) is None, command
    assert raw.execute_command("EXISTS", "no") == 0


def test_a_deleted_machine_is_missing(r: redis.Redis) -> None:
    r.execute_command("SM.SET", "k", README)
    assert r.delete("k") == 1
    assert r.execute_command("SM.GET", "k") is None
    r.execute_command("SM.SET", "k", README)
    r.pexpire("k", 1)
    wait_until(lambda: not r.exists("k"), "the machine expires")
    assert r.execute_command("SM.STATE", "k") is None
    assert r.execute_command("SM.MUTATE", "k", "boo") is None
