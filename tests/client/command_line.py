"""The command line, run in the test's process or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from redisstate.cli.app import app
from tests.servers import ROOT, Server

CLIENT = ROOT / "client"


def environment(url: str | None = None, **more: str) -> dict[str, str]:
    """What a process of its own needs to find the package and the server."""
    return {**os.environ, "PYTHONPATH": str(CLIENT), "REDIS_URL": url or "", **more}


class Shell:
    """Runs commands against a server. Their files are in the current folder."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = f"redis://127.0.0.1:{server.port}"

    def run(self, *words: str, given: str | bytes | None = None, url: str | None = None, **env: str) -> Result:
        """A command in this process; ``given`` is its stdin."""
        runner = CliRunner(env={"REDIS_URL": url or self.url, "FORCE_COLOR": None, "NO_COLOR": None, **env})
        result = runner.invoke(app, words, input=given, prog_name="redisstate", catch_exceptions=False)
        assert "Traceback" not in result.output, result.output
        return result

    def done(self, *words: str, **more: Any) -> str:
        """What a command prints that ends with 0."""
        result = self.run(*words, **more)
        assert result.exit_code == 0, result.output
        return str(result.stdout)

    def json(self, *words: str, status: int = 0) -> Any:
        result = self.run(*words, "--json")
        assert result.exit_code == status, result.output
        return json.loads(result.stdout)

    def failed(self, *words: str, status: int = 1, **more: Any) -> str:
        """What a command says on stderr that ends with ``status`` and prints no result."""
        result = self.run(*words, **more)
        assert (result.exit_code, result.stdout) == (status, ""), result.output
        return str(result.stderr)

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """A command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "redisstate", *words],
            env=environment(self.url, **options.pop("env", {})),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
        )  # fmt: skip


def rest_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a process prints until its end, on stdout and stderr.

    communicate() would forget what readline() has read ahead.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        return process.stdout.read(), process.stderr.read()


def write(folder: Path, **documents: Any) -> None:
    """Files ``NAME.json``; a value that is no text is written as JSON."""
    for name, document in documents.items():
        text = document if isinstance(document, str) else json.dumps(document)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


ORDER = {
    "id": "order",
    "version": "2",
    "initial": "open",
    "context": {"total": {"@expr": "input.total"}, "paid": 0},
    "store": {"history": 10},
    "states": {
        "open": {
            "on": {"PAY": {"context": {"paid": {"@expr": "context.paid + event.amount"}}}},
            "after": {"PT1H": "late"},
            "always": {
                "guard": {"@expr": "context.paid >= context.total"},
                "target": "paid",
                "actions": {"type": "receipt", "params": {"amount": {"@expr": "context.paid"}}},
            },
        },
        "paid": {"on": {"SHIP": {"guard": "packed", "target": "sent"}}},
        "late": {},
        "sent": {"type": "final"},
    },
}
MAP = {"initial": "cart", "map": {"cart": ["placed"], "placed": ["paid", "cancelled"], "paid": []}}
