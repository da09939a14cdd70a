"""What the command line says when something is wrong, and with which exit status; how it is found, begins and ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import redis
from click import Context

from redisstate.cli.app import COMMANDS, app
from redisstate.cli.connection import Server as Named
from tests.client.command_line import MAP, Shell, environment, write
from tests.servers import ROOT, Server, free_port


@pytest.fixture
def shell(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, map=MAP)
    return Shell(server)


# Servers


def test_a_server_that_is_not_there_is_named_without_its_password(shell: Shell) -> None:
    said = shell.failed("show", "m", status=3, url=f"redis://:secret@127.0.0.1:{free_port()}/2")
    assert said.startswith("redisstate: cannot reach redis://:***@127.0.0.1:")
    assert "connection refused" in said
    assert "secret" not in said


def test_the_url_may_stand_before_or_behind_the_command(shell: Shell) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}"
    shell.done("set", "m", "map.json", "--url", shell.url, url=nowhere)
    assert shell.done("--url", shell.url, "show", "m", url=nowhere).startswith("m  ")
    assert shell.done("--url", nowhere, "show", "m", "--url", shell.url).startswith("m  ")
    assert shell.url.removeprefix("redis://") not in shell.failed("show", "m", "--url", nowhere, status=3)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://ann:se:cr/et@h:1/2", "redis://ann:***@h:1/2"),
        ("redis://:se@cr@et@h:1", "redis://:***@h:1"),
        ("redis://ann:se#cr@et@h", "redis://ann:***@h"),
        ("redis://secret@h:1", "redis://***@h:1"),
        ("redis://h?password=secret", "redis://h"),
        ("redis://h:1/2?db=3&password=secret", "redis://h:1/2"),
        ("redis://h:1?password=sec@ret", "redis://***"),
        ("redis://ann:sec?ret@h:1", "redis://***"),
        ("unix://ann:secret@/run/redis.sock?db=1", "unix://ann:***@/run/redis.sock"),
        ("ann:secret@h:1", "ann:***@h:1"),
        ("redis://h:1/2", "redis://h:1/2"),
        ("h:1", "h:1"),
    ],
)
def test_no_password_is_shown_whatever_it_has(url: str, expected: str) -> None:
    assert Named(url).shown == expected


@pytest.mark.parametrize(
    "url", ["redis://:se/cret@h", "redis://ann:sec@ret:x@h:y", "redis://[ann:secret@h", "ann:secret@h"]
)
def test_what_is_wrong_with_an_url_is_said_without_its_password(shell: Shell, url: str) -> None:
    said = shell.failed("show", "m", "--url", url, status=2)
    assert "is no URL of a server" in said
    assert "Percent-encode" in said
    assert not {"se", "cret", "sec", "secret"} & set(re.findall("[a-z]+", said))


@pytest.mark.parametrize("url", ["localhost:6379", "redis://h?none=1", "redis://a..b", "redis://h?db=x"])
def test_an_url_that_is_none_is_wrong_usage(shell: Shell, url: str) -> None:
    assert "is no URL of a server" in shell.failed("show", "m", "--url", url, status=2)


def test_a_server_without_the_module_is_told_from_a_machine_that_is_missing(
    shell: Shell, start_server: Callable[..., Server]
) -> None:
    assert shell.failed("show", "m") == "redisstate: there is no machine at 'm'\n"
    plain = start_server(module=None)
    said = shell.failed("send", "m", "GO", status=3, url=f"redis://127.0.0.1:{plain.port}")
    assert "does not know the command SM.SEND: the module is not loaded" in said
    assert "the module is not loaded" in shell.failed(
        "watch", "m", "--url", f"redis://127.0.0.1:{plain.port}", status=3
    )
    assert "has not the module" in shell.failed("top", "--url", f"redis://127.0.0.1:{plain.port}", status=3)
    said = shell.failed("top", "--url", f"redis+sentinel://127.0.0.1:{plain.port}/s", status=3)
    assert "names is no sentinel" in said
    plain.own.config_set("requirepass", "secret")
    assert "it wants a password" in shell.failed("show", "m", "--url", f"redis://127.0.0.1:{plain.port}", status=3)
    plain.own.config_set("requirepass", "")


def test_who_may_not_come_in_is_told_how(shell: Shell) -> None:
    shell.server.own.execute_command("ACL", "SETUSER", "ann", "on", ">secret", "~*", "-@all", "+sm.state", "+sm.get")
    try:
        address = shell.url.removeprefix("redis://")
        said = shell.failed("show", "m", status=3, url=f"redis://ann:wrong@{address}")
        assert "does not let you in" in said
        assert "wrong@" not in said
        said = shell.failed("set", "m", "map.json", status=3, url=f"redis://ann:secret@{address}")
        assert "refuses it: " in said
        assert "sm.set" in said.lower()
    finally:
        shell.server.own.execute_command("ACL", "DELUSER", "ann")


@pytest.mark.parametrize("words", [("show",), ("pending",), ("history",), ("send", "GO"), ("draw", "--key")])
def test_a_key_of_another_type_is_no_machine(shell: Shell, r: redis.Redis, words: tuple[str, ...]) -> None:
    r.set("text", "a")
    command, *more = words
    assert "the key holds a value of another type" in shell.failed(command, "text", *more)


def test_a_missing_key_is_told_where_the_server_answers_errors_too(shell: Shell) -> None:
    shell.server.config("redisstate.invalid-transition", "error")
    for words in [("show",), ("pending",), ("history",), ("send", "GO")]:
        command, *more = words
        assert shell.failed(command, "none", *more) == "redisstate: there is no machine at 'none'\n"


def test_what_an_option_has_wrong_is_the_callers_mistake(shell: Shell) -> None:
    shell.done("set", "m", "map.json")
    for words in (("send", "m", "placed", "--if-revision=-1"), ("send", "m", "placed", "type=x")):
        assert "refuses it" not in shell.failed(*words, status=1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": NaN}', "NaN is no number of JSON"),
        ('{"a": 1e999}', "1e999 is no number of JSON"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "nested deeper than"),
        ('{"a": ' + "[" * 256 + "]" * 256 + "}", "nested deeper than"),
        (b'{"a": "\xff"}', "not JSON: 'utf-8'"),
        (b"\x00\x00\x00", "not JSON: "),
    ],
    ids=["NaN", "infinity", "deepest", "deep", "latin", "zeros"],
)
def test_what_is_no_json_is_told(shell: Shell, tmp_path: Path, text: str | bytes, said: str) -> None:
    (tmp_path / "data").write_bytes(text if isinstance(text, bytes) else text.encode())
    for words in (("send", "m", "GO", "--data", "@data"), ("set", "m", "map.json", "--input", "@data")):
        assert said in " ".join(shell.failed(*words, status=2).split())


def test_a_member_that_is_no_json_is_text(shell: Shell, tmp_path: Path) -> None:
    on = {"E": {"context": {"n": {"@expr": "event.n"}}}}
    write(tmp_path, chart={"initial": "a", "context": {"n": 0}, "states": {"a": {"on": on}}})
    shell.done("set", "m", "chart.json")
    for value in ("NaN", "-Infinity", "1e999", "9" * 5000):
        shell.done("send", "m", "E", f"n={value}")
        assert shell.json("show", "m")["context"] == {"n": value}
    assert "nested deeper than" in shell.failed("send", "m", "E", "n=" + "[" * 5000 + "]" * 5000, status=2)


def test_the_url_is_not_for_a_worker(shell: Shell) -> None:
    assert "--url is not for a worker" in shell.failed("--url", shell.url, "worker", "orders", status=2)
    assert "There is no module orders" in shell.failed("worker", "orders", status=2)


def test_a_file_that_is_not_there_is_wrong_usage(shell: Shell) -> None:
    for words in (("send", "m", "GO", "--data", "@none"), ("set", "m", "map.json", "--input", "@none")):
        assert "none: No such file or directory" in shell.failed(*words, status=2)


def test_what_cannot_be_written_is_told(shell: Shell) -> None:
    shell.done("set", "m", "map.json")
    for words in (("show", "m"), ("show", "m", "--json")):
        with Path("/dev/full").open("w") as full:
            process = subprocess.run(
                [sys.executable, "-m", "redisstate", *words],
                env=environment(shell.url),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert process.stderr == "redisstate: the result cannot be written: No space left on device\n"
        assert process.returncode == 1


# Text


def test_a_pipe_gets_no_colours_and_a_terminal_does(shell: Shell) -> None:
    shell.done("set", "m", "map.json")
    assert "\x1b[" not in shell.run("show", "m").output
    assert "\x1b[" in shell.run("show", "m", FORCE_COLOR="1").output
    assert "\x1b[3" not in shell.run("show", "m", FORCE_COLOR="1", NO_COLOR="1").output


def test_nothing_of_a_document_moves_the_cursor(shell: Shell, tmp_path: Path) -> None:
    evil = "\x1b[2J\x1b]0;owned\x07\r\n\x9b"
    write(tmp_path, evil={"initial": evil, "map": {evil: [evil + "2"], "b": []}})
    shell.done("set", "evil", "evil.json")
    commands = ["show evil", "check evil.json", "send evil no", "set evil evil.json", "draw evil", "top --interval 0.1"]
    commands += ["show evil --json", "check evil.json --json"]
    for command in commands:
        output = shell.run(*command.split()).output
        assert "[2J" in output or "␛" in output, command
        assert not set("\x1b\x9b\r\x07") & set(output), command


def test_bytes_of_a_key_are_bytes(shell: Shell, r: redis.Redis) -> None:
    shell.done("set", "k\udcff", "map.json")
    assert r.execute_command("EXISTS", b"k\xff") == 1
    assert shell.done("show", "k\udcff").startswith("k\\xff  ")


# Beginning and ending


def test_each_command_has_help(shell: Shell) -> None:
    shown = shell.done("--help")
    for name in app.list_commands(Context(app)):
        assert f"\n  {name} " in shown
        assert shell.done(name, "--help").startswith(f"Usage: redisstate {name} ")
    assert "Did you mean 'send'?" in shell.failed("sned", status=2)
    assert set(COMMANDS.values()) >= {path.stem for path in (ROOT / "client/redisstate/cli").glob("*.py")} - {
        *("__init__", "app", "connection", "failures", "files", "output", "places", "sentinel"),
    }


def test_the_entry_point_is_the_command_line(shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, name = scripts["redisstate"].partition(":")
    monkeypatch.setattr(sys, "argv", ["redisstate", "check", "--url", shell.url, "map.json"])
    with pytest.raises(SystemExit) as ended:
        getattr(import_module(module), name)()
    assert ended.value.code == 0
    assert "1 document, 0 errors" in capsys.readouterr().err


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


def test_the_package_does_not_import_the_libraries_of_the_command_line() -> None:
    code = "import sys, redisstate; print(sorted({'click', 'rich', 'redis'} & set(sys.modules)))"
    assert run(code).stdout == "[]\n"


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_its_libraries_it_says_what_to_install(missing: str) -> None:
    ran = run(f"import sys; sys.modules[{missing!r}] = None; from redisstate.cli import main; main()")
    assert ran.returncode == 1
    assert ran.stderr == f"redisstate: the command line needs {missing}: pip install 'redis-state-machine[cli]'\n"


def test_a_pipe_that_is_closed_ends_it_quietly(shell: Shell) -> None:
    shell.done("set", "m", "map.json")
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [sys.executable, "-m", "redisstate", "show", "m"], env=environment(shell.url),
        stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(writer)
    assert process.stderr == ""


# Completion


def completed(shell: Shell, *words: str) -> list[str]:
    """What bash offers for the last word, by the function that ``completion bash`` prints."""
    line = " ".join(["redisstate", *words])
    script = f"""
        complete() {{ :; }}; compopt() {{ :; }}
        redisstate() {{ :; }}
        {shell.done("completion", "bash")}
        env() {{ command env "${{@:1:$#-1}}" {sys.executable} -m redisstate; }}
        COMP_LINE='{line}' COMP_POINT={len(line)}
        _redisstate_completion redisstate
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    ran = subprocess.run(
        ["bash", "-c", script], env=environment(shell.url), capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stderr == ""
    return [word for word in ran.stdout.splitlines() if word]


def test_the_shell_completes_commands_keys_and_events(shell: Shell, r: redis.Redis) -> None:
    shell.done("set", "map:1", "map.json")
    shell.done("set", "map:[2]", "map.json")
    r.set("map:text", "no machine")
    assert completed(shell, "se") == ["set", "send"]
    assert sorted(completed(shell, "show", "map:")) == ["1", r"\[2\]"], "bash has the part before the colon"
    assert completed(shell, "show", "map:[") == [r"\[2\]"]
    assert completed(shell, "send", "map:1", "") == ["placed"]
    assert completed(shell, "force", "map:1", "c") == ["cart", "cancelled"]
    assert completed(shell, "show", "--") == ["--json", "--url", "--help"]


def test_what_is_offered_is_a_word_and_no_command(shell: Shell, r: redis.Redis) -> None:
    words = ["$(touch pwned)", "`id`", "a b'c\\", "d;e&f|g", "h,i", "\u00e9"]
    for key in [*words, "1\nplain,injected", "\x1b[31m", "\u202e", b"\xff"]:
        r.execute_command("SM.CREATE", b"o:" + (key if isinstance(key, bytes) else key.encode()))
    said = completed(shell, "show", "o:")
    told = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {' '.join(said)}"], capture_output=True, text=True, timeout=60, check=True
    )
    assert sorted(told.stdout.splitlines()) == sorted(words)
    assert not Path("pwned").exists()
    map_ = {"initial": "a", "map": {"a": ["$(b)", "c\nplain,d"]}}
    write(Path(), odd=map_)
    shell.done("set", "odd", "odd.json")
    assert completed(shell, "send", "odd", "") == [r"\$\(b\)"]


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_each_shell_has_its_completion(shell: Shell, name: str) -> None:
    assert "_REDISSTATE_COMPLETE" in shell.done("completion", name)
