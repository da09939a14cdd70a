"""``redisstate convert`` and ``redisstate types``: what they print, where, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import redis

from redisstate import types
from tests.client.command_line import Shell, write
from tests.client.converted import FIXTURES
from tests.client.test_types import ORDER
from tests.servers import Server

LOSES = "<scxml>\n<state id='a'>\n<onentry><script>1</script></onentry></state></scxml>"


@pytest.fixture
def shell(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(server)


def test_what_is_converted_is_taken_by_set(shell: Shell, r: redis.Redis) -> None:
    source = str(FIXTURES / "scxml" / "player.scxml")
    result = shell.run("convert", source)
    assert result.exit_code == 0
    assert "note: an event's name also matches" in result.stderr
    assert r.execute_command("SM.SET", "k", result.stdout) == "OK"
    assert shell.done("convert", source, "-o", "player.json") == ""
    assert json.loads(Path("player.json").read_text(encoding="utf-8")) == json.loads(result.stdout)
    quiet = shell.run("convert", source, "--quiet", "--exact-events")
    assert (quiet.exit_code, quiet.stderr) == (0, "")
    assert json.loads(quiet.stdout)["states"]["off"]["on"].keys() == {"on", "resume"}


def test_what_cannot_be_converted_is_told_and_nothing_is_written(shell: Shell) -> None:
    Path("loses.scxml").write_text(LOSES, encoding="utf-8")
    place = "loses.scxml:3: error: a script is code: it is left out  /scxml/state[@id='a']/onentry[1]/script[1]"
    assert shell.failed("convert", "loses.scxml", "-o", "out.json").splitlines() == [
        place,
        "redisstate: nothing was written; --partial writes the rest",
    ]
    assert not Path("out.json").exists()
    result = shell.run("convert", "loses.scxml", "--partial")
    assert (result.exit_code, result.stderr.splitlines()) == (1, [place])
    assert json.loads(result.stdout) == {"initial": "a", "states": {"a": {}}}
    found = shell.json("convert", "loses.scxml", status=1)
    assert (found["form"], found["findings"][0]["line"]) == ("scxml", 3)


def test_other_forms_and_their_options(shell: Shell) -> None:
    text = "{'states': ['a', {'name': 'b', 'children': ['c']}], 'initial': 'a', 'transitions': [['go', 'a', 'b.c']]}"
    words = ("convert", "-", "--from", "transitions", "--separator", ".", "--auto-transitions", "--quiet")
    document = json.loads(shell.done(*words, given=text))
    assert document["states"]["a"]["on"] == {"go": "b.c"}
    assert set(document["on"]) == {"to_a", "to_b", "to_b.c"}


@pytest.mark.parametrize(
    ("given", "words", "message"),
    [
        ("x", (), "redisstate: stdin: neither JSON"),
        ("{}", (), "redisstate: stdin: it has no 'states'"),
        ("<a/>", (), "redisstate: stdin: the root is <a>"),
        ("{}", ("--from", "yaml"), "Invalid value for '--from'"),
    ],
)
def test_what_cannot_be_read_is_told(shell: Shell, given: str, words: tuple[str, ...], message: str) -> None:
    result = shell.run("convert", "-", *words, given=given)
    assert result.exit_code == (2 if words else 1)
    assert message in result.stderr


def test_types_are_written_and_compared(shell: Shell) -> None:
    write(Path(), order=ORDER)
    assert shell.done("types", "order.json") == types.write(ORDER, source="order.json")
    assert shell.done("types", "-", "--name", "bill", given=json.dumps(ORDER)) == types.write(ORDER, name="bill")
    assert "is not what order.json gives" in shell.failed("types", "order.json", "-o", "order.py", "--check")
    shell.done("types", "order.json", "-o", "order.py")
    shell.done("types", "order.json", "-o", "order.py", "--check")
    write(Path(), order={**ORDER, "id": "other"})
    assert "write it anew" in shell.failed("types", "order.json", "-o", "order.py", "--check")
    assert "no machine's document" in shell.failed("types", "-", given="{}")
    assert shell.run("types", "order.json", "--check").exit_code == 2
