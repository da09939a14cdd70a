"""``redisstate convert`` and ``redisstate types``: what they print, where, and how they end."""

from __future__ import annotations

import errno
import json
import os
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
        ('{"initial": "a", "states": {"a": {}}, "context": {"n": NaN}}', (), "stdin: nan is no number of JSON"),
        ('{"initial": "a", "states": {"a": {}}, "context": {"n": -1e999}}', (), "stdin: -inf is no number of JSON"),
        ("<?xml version='1.0' encoding='shift_jis'?><scxml/>", (), "stdin: not well-formed XML: "),
        ("<?xml version='1.0' encoding='none'?><scxml/>", (), "stdin: not well-formed XML: "),
        (b"<scxml>\xff</scxml>", (), "stdin: not well-formed XML: "),
        (b'{"initial": "\xff"}', (), "stdin: not UTF-8: "),
    ],
)
def test_what_cannot_be_read_is_told(shell: Shell, given: str | bytes, words: tuple[str, ...], message: str) -> None:
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


CHART = {"id": "order", "initial": "a", "states": {"a": {"on": {"GO": "b"}}, "b": {}}}
COMMANDS = [("convert", "--partial", "--from", "xstate4"), ("types",), ("draw",)]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_what_is_read_is_not_overwritten(shell: Shell, command: tuple[str, ...]) -> None:
    write(Path(), order=CHART)
    Path("link").symlink_to("order.json")
    before = Path("order.json").read_bytes()
    for target in ("order.json", "./order.json", "link"):
        result = shell.run(*command, "order.json", "-o", target)
        assert result.exit_code == 1
        assert f"{target} is what is read" in result.stderr
    assert Path("order.json").read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == ["link", "order.json"]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_file_is_written_whole_or_not_at_all(
    shell: Shell, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(Path(), order=CHART)
    Path("out").write_text("old", encoding="utf-8")
    Path("out").chmod(0o640)
    Path("link").symlink_to("out")
    shell.run(*command, "order.json", "-o", "link")
    written = Path("out").read_text(encoding="utf-8")
    assert "old" not in written
    assert Path("link").is_symlink()
    assert Path("out").stat().st_mode & 0o777 == 0o640

    def full(self: Path, target: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    result = shell.run(*command, "order.json", "-o", "out")
    assert "redisstate: out: No space left on device" in result.stderr
    assert Path("out").read_text(encoding="utf-8") == written
    assert sorted(path.name for path in Path().iterdir()) == ["link", "order.json", "out"]
    assert "No such file" in shell.run(*command, "order.json", "-o", "none/out").stderr


def test_what_is_no_file_is_written_to(shell: Shell) -> None:
    write(Path(), order=CHART)
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        shell.done("types", "order.json", "-o", "pipe")
        assert os.read(reader, 1 << 16).decode() == types.write(CHART, source="order.json")
    finally:
        os.close(reader)


def test_a_module_that_is_not_utf_8_is_not_what_would_be_written(shell: Shell) -> None:
    write(Path(), order=CHART)
    Path("order.py").write_bytes(b"\xff")
    assert "write it anew" in shell.failed("types", "order.json", "-o", "order.py", "--check")
    assert "write it anew" in shell.failed("types", "order.json", "-o", "none.py", "--check")


def test_half_of_a_surrogate_pair_is_told(shell: Shell) -> None:
    Path("half.json").write_text(r'{"id": "\ud800", "initial": "a", "states": {"a": {}}}', encoding="utf-8")
    said = shell.failed("convert", "half.json", "--quiet", "-o", "out.json")
    assert "half of a surrogate pair" in said
    assert not Path("out.json").exists()
