"""Writes the README's table of commands from commands.json: `python -m tools.readme_table`.

A test compares the two.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TABLE = re.compile(r"(<!-- commands: [^\n]*-->\n\n).*?(<!-- /commands -->)", re.DOTALL)


def syntax(argument: dict[str, Any]) -> str:
    """An argument as the server's own documentation writes it: ``[LIST | ALL]``, ``[GUARDS count [name ...]]``."""
    inner = argument.get("arguments", [])
    match argument["type"]:
        case "pure-token":
            text = str(argument["token"])
        case "oneof":
            text = " | ".join(map(syntax, inner))
        case "block":
            text = " ".join(map(syntax, inner))
        case _:
            text = str(argument["name"])
    if argument.get("multiple"):
        text += " ..."
    if "token" in argument and argument["type"] != "pure-token":
        text = f"{argument['token']} {text}"
    return f"[{text}]" if argument.get("optional") else text


def usage(name: str, command: dict[str, Any]) -> str:
    """How a command is written."""
    return " ".join([name, *map(syntax, command.get("arguments", []))])


def table(commands: dict[str, Any]) -> str:
    """The table, in Markdown."""
    lines = ["| command | does | complexity |", "|---|---|---|"]
    for name, command in commands.items():
        written = usage(name, command).replace("|", r"\|")
        lines.append(f"| `{written}` | {command['summary']} | {command['complexity']} |")
    return "\n".join(lines) + "\n"


def filled(readme: str, commands: dict[str, Any]) -> str:
    """The README with the table of these commands."""
    found = TABLE.search(readme)
    assert found, "the README has lost the marks around its table of commands"
    return readme[: found.end(1)] + table(commands) + readme[found.start(2) :]


def read() -> tuple[str, dict[str, Any]]:
    """The README and commands.json."""
    return (ROOT / "README.md").read_text(), json.loads((ROOT / "commands.json").read_text())


if __name__ == "__main__":
    (ROOT / "README.md").write_text(filled(*read()))
