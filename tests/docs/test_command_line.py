"""docs/command-line.md is played on a server from its beginning to its end: each command is run, and prints what the
page shows, but for times and handles."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import Context

from redisstate.cli.app import app
from tests.client.command_line import Shell, rest_of
from tests.servers import ROOT, Server

PAGE = ROOT / "docs" / "command-line.md"
TEXT = PAGE.read_text(encoding="utf-8")
PROMPT = "    $ redisstate "
VARYING = [
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "2026-11-28 12:00:00"),
    (re.compile(r"@[0-9a-f]{16}"), "@0123456789abcdef"),
    (re.compile(r"redis://(localhost|127\.0\.0\.1):\d{4,5}"), "redis://localhost:6379"),
]


def sessions(text: str) -> Iterator[tuple[str, list[str]]]:
    """Commands, and the lines that follow each: all that are indented, and empty ones between them."""
    for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.MULTILINE):
        for session in ("\n" + block).split("\n" + PROMPT)[1:]:
            command, _, answer = session.partition("\n")
            yield command, [line[4:] for line in answer.rstrip().splitlines()]


def same(text: str) -> list[str]:
    """The lines of an output, with what differs each time made equal."""
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
    return [line.rstrip() for line in text.splitlines()]


def write_files(folder: Path, port: int, page: str = TEXT) -> None:
    """The files of the page: a name in a sentence, and the text below it."""
    shown = r"`(\w+\.(?:json|py|scxml))`:\n\n```\w+\n(.*?)^```$"
    for name, text in re.findall(shown, page, re.MULTILINE | re.DOTALL):
        (folder / name).write_text(text.replace("Redis()", f"Redis(port={port})"), encoding="utf-8")


def test_every_command_is_on_the_page() -> None:
    assert {name for name in app.list_commands(Context(app)) if f"redisstate {name}" not in TEXT} == set()


def test_each_command_prints_what_the_page_shows(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, server.port)
    server.config("notify-keyspace-events", "Kg")
    shell = Shell(server)
    watching: tuple[subprocess.Popen[str], str, list[str]] | None = None
    played = 0
    for command, answer in sessions(TEXT):
        words = shlex.split(command)
        played += 1
        if words[0] == "watch" and "--until" in words:
            process = shell.start(*words)
            assert process.stdout is not None
            watching = process, process.stdout.readline(), answer
            continue
        if words[0] == "watch":
            assert watching is not None
            process, first, shown = watching
            rest, _ = rest_of(process)
            assert same(first + rest) == same("\n".join(shown)), process.args
            server.config("notify-keyspace-events", "")
        result = shell.run(*words)
        assert same(result.output) == same("\n".join(answer)), command
    assert played >= 20


def test_other_machines_are_converted_as_their_page_shows(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "converting.md").read_text(encoding="utf-8")
    write_files(tmp_path, server.port, page)
    played = [
        (command, same(Shell(server).run(*shlex.split(command)).output), same("\n".join(answer)))
        for command, answer in sessions(page)
    ]
    assert [said for _, said, _ in played] == [shown for _, _, shown in played]
    assert [command.split()[0] for command, _, _ in played] == ["convert", "convert", "types"]
    assert server.own.execute_command("SM.SET", "door", (tmp_path / "door.json").read_text()) == "OK"
    assert "class DoorMachine" in (tmp_path / "door.py").read_text()
