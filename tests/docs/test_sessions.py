"""The sessions that the pages show are played on a server, in their order, and answer as the pages say: those with
redis-cli line for line, those in Python without an error, with a comment after a call being its result."""

from __future__ import annotations

import ast
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.servers import ROOT, Server

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROMPTS = ("127.0.0.1:6379> ", "$ redis-cli ")
FILE = re.compile(r"\$\(cat (\w+)\.json\)")
"""How a shell's command names a document of the page."""
CODES = ("GUARD ", "EXPR ", "CONFLICT ", "WRONGTYPE ")
"""Errors of which redis-py leaves the code in the text."""


def sessions(text: str) -> Iterator[tuple[str, list[str]]]:
    """Commands at the prompt, and the lines that follow each."""
    command, answer = "", []
    for line in [*text.splitlines(), ""]:
        shown = line[4:] if line.startswith("    ") else line
        asked = next((shown.removeprefix(prompt) for prompt in PROMPTS if line.startswith("    " + prompt)), "")
        if command and (asked or not shown or not line.startswith("    ")):
            yield command, answer
            command, answer = "", []
        if asked:
            command = asked
        elif command:
            answer.append(shown)


def document(page: Path, name: str = "") -> str:
    """The document in JSON that follows the name of its file; without a name the first, "" where there is none."""
    text = page.read_text(encoding="utf-8")
    text = text[text.index(f"`{name}.json`") :] if name else text
    shown = re.search(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return shown[1] if shown else ""


def words(command: str, page: Path) -> list[str]:
    """A command as a shell, or the prompt, hands it on."""
    return [document(page, file[1]) if (file := FILE.fullmatch(word)) else word for word in shlex.split(command)]


def as_cli(reply: object, indent: str = "") -> list[str]:
    """A reply in the lines that redis-cli prints at a terminal."""
    if isinstance(reply, redis.ResponseError):
        return [f"(error) {'' if str(reply).startswith(CODES) else 'ERR '}{reply}"]
    if reply is None:
        return ["(nil)"]
    if isinstance(reply, int):
        return [f"(integer) {reply}"]
    if isinstance(reply, list):
        if not reply:
            return ["(empty array)"]
        lines = []
        for number, item in enumerate(reply, 1):
            label = f"{number}) ".rjust(len(str(len(reply))) + 2)
            first, *rest = as_cli(item, indent + " " * len(label))
            lines += [label + first, *(" " * len(label) + line for line in rest)]
        return lines
    text = str(reply)
    return [text] if text == "OK" else ['"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"']


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_is_what_happens(r: redis.Redis, page: Path) -> None:
    python(r, page)


def play(r: redis.Redis, page: Path, text: str) -> None:
    """The sessions with redis-cli in a part of the page."""
    for command, answer in sessions(text):
        try:
            reply = r.execute_command(*words(command, page))
        except redis.ResponseError as error:
            reply = error
        assert as_cli(reply) == answer, command


def python(r: redis.Redis, page: Path) -> dict[str, object]:
    """Does what the page does, from its beginning to its end: its sessions, and its Python in one namespace."""
    names: dict[str, object] = {"open": lambda name: io.StringIO(document(page, name.removesuffix(".json")))}
    port = r.connection_pool.connection_kwargs["port"]
    parts = re.split(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for number, part in enumerate(parts):
        if number % 2 == 0:
            play(r, page, part)
            continue
        code = part.replace("redis.Redis(", f"redis.Redis(port={port}, ")
        lines = code.splitlines()
        for statement in ast.parse(code).body:
            source = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
            if not isinstance(statement, ast.Expr):
                exec(ast.unparse(statement), names)  # with its decorators
                continue
            got = eval(ast.unparse(statement.value), names)
            shown = lines[statement.end_lineno - 1].partition("  # ")[2]
            below = lines[statement.end_lineno] if statement.end_lineno < len(lines) else ""
            if not shown and below.startswith("# "):
                shown = below.removeprefix("# ")
            if shown.startswith(("None", "True", "False", "'", "[", "(", "{", *"0123456789")):
                assert shown == repr(got) or shown.startswith(f"{got!r}: "), f"{source}\n{got!r}"
    return names


def test_there_are_sessions(server: Server, r: redis.Redis) -> None:
    assert sum(len(list(sessions(page.read_text(encoding="utf-8")))) for page in PAGES) >= 8
    assert "document" in python(r, PAGES[0])
