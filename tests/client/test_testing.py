"""redisstate.testing, as the tests of another project use it: a server that is found, and what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from redisstate import testing
from redisstate.testing import Missing, Server, find_module, find_server
from tests.servers import MODULE, ROOT
from tools import servers

CONFTEST = """
import pytest
pytest_plugins = ["redisstate.testing"]

@pytest.fixture(scope="session")
def redisstate_settings():
    return {"maxmemory": "64mb"}
"""
ENVIRONMENT = {"PYTHONPATH": str(ROOT / "client"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
TESTS = """
from redisstate import Machine

def test_one(redisstate_server, redisstate_client):
    order = Machine(redisstate_client, "order:1")
    assert order.set({"initial": "cart", "map": {"cart": ["placed"]}})
    assert order.send("placed").states == ("placed",)
    assert redisstate_client.config_get("maxmemory") == {"maxmemory": str(64 << 20)}
    assert redisstate_server.url == f"redis://127.0.0.1:{redisstate_server.port}"
    assert "Server initialized" in redisstate_server.log or "Ready to accept" in redisstate_server.log

def test_two(redisstate_client):
    assert redisstate_client.dbsize() == 0
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_orders.py").write_text(TESTS)
    return tmp_path


def outcome(project: Path, **environment: str) -> str:
    """What pytest prints in the project's folder."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("REDISSTATE_")}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no"],
        cwd=project, env=known | ENVIRONMENT | environment,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return run.stdout + run.stderr


@pytest.mark.plain
def test_a_projects_tests_have_a_server(project: Path) -> None:
    said = outcome(project, REDISSTATE_SERVER=str(servers.find().path), REDISSTATE_MODULE=str(MODULE))
    assert "2 passed" in said, said


def test_what_is_missing_is_said_in_a_line(project: Path) -> None:
    said = outcome(project, REDISSTATE_SERVER="no-such-server", REDISSTATE_MODULE=str(MODULE))
    assert "no server: REDISSTATE_SERVER names no-such-server, which is no program" in said
    assert "Traceback" not in said
    assert "2 errors" in said


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH, and nothing named."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("REDISSTATE_SERVER", raising=False)
    monkeypatch.delenv("REDISSTATE_MODULE", raising=False)
    return tmp_path


def test_a_server_on_the_path_is_taken_if_it_is_new_enough(bare: Path) -> None:
    with pytest.raises(Missing, match="none is on the PATH"):
        find_server()
    program = bare / "valkey-server"
    for says, wrong in (("v=6.2.14 sha=0", r"is 6\.2; the module needs 7\.0"), ("", "does not say its version")):
        program.write_text(f"#!/bin/sh\necho 'Redis server {says}'\n")
        program.chmod(0o755)
        with pytest.raises(Missing, match=wrong):
            find_server()
    program.write_text("#!/bin/sh\necho 'Server v=8.1.8 sha=0'\n")
    assert find_server() == program


def test_the_module_is_found_where_it_was_built(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = bare / "project" / "tests"
    below.mkdir(parents=True)
    (bare / "project" / "build").mkdir()
    built = bare / "project" / "build" / "redisstate.so"
    built.write_bytes(b"")
    (bare / "project" / "pyproject.toml").write_bytes(b"")
    monkeypatch.chdir(below)
    assert find_module() == built
    monkeypatch.setenv("REDISSTATE_MODULE", "none.so")
    with pytest.raises(Missing, match=r"names none\.so, which is no file\. Build it with `make build`"):
        find_module()


@pytest.mark.parametrize("root", ["pyproject.toml", ".git"])
def test_the_module_is_not_looked_for_above_the_project(bare: Path, monkeypatch: pytest.MonkeyPatch, root: str) -> None:
    monkeypatch.setattr(testing, "__file__", str(bare / "none" / "a" / "b" / "c.py"))
    below = bare / "above" / "project" / "tests"
    below.mkdir(parents=True)
    strange = bare / "above" / "build" / "redisstate.so"
    strange.parent.mkdir()
    strange.write_bytes(b"")
    monkeypatch.chdir(below)
    with monkeypatch.context() as alone:
        alone.setattr(testing, "ROOTS", ("none",))
        assert strange not in testing._places(), "no project is around"
    (bare / "above" / "project" / root).mkdir()
    built = [path.parent.parent for path in testing._places() if path.parent.name == "build"]
    assert built == [below, below.parent, bare / "none"]
    monkeypatch.chdir(bare / "above")
    assert find_module() == strange


@pytest.mark.plain
def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "redisstate.so").write_bytes(b"no module")
    with pytest.raises(RuntimeError, match=r"redisstate\.so"):
        Server(server=servers.find().path, module=tmp_path / "redisstate.so").start()
    with pytest.raises(RuntimeError, match="no-such-setting"):
        Server({"no-such-setting": 1}, server=servers.find().path, module=MODULE).start()


@pytest.mark.plain
def test_a_module_may_be_named_relative_to_where_the_tests_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(MODULE.parent)
    with Server(server=servers.find().path, module=MODULE.name) as server:
        assert server.client().execute_command("SM.TEMPLATE")
