"""The environment has no effect on the embedded Python: variables, working folder, user, read-only files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.documents import README, README_GET
from tests.embedding.modules import BUNDLE, libpython, python_version
from tests.servers import MODULE, ROOT, Server, wait_until

POISON = "raise SystemExit('poisoned: this file must not be read')\n"
POISONED = (
    "json", "encodings", "site", "sitecustomize", "usercustomize", "os", "abc", "io", "codecs", "re",
    "sm_core", "module", "_cffi_backend", "dataclasses", "typing",
)  # fmt: skip


def assert_works(server: Server) -> None:
    """Stores a document, takes a transition, and gets an error."""
    r = server.own
    assert r.execute_command("SM.SET", "k", README) == "OK"
    assert r.execute_command("SM.GET", "k") == README_GET
    assert r.execute_command("SM.MUTATE", "k", "boo", "why") == "OK"
    with server.socket() as wire:
        wire.send("SM.SET", "k", "nonsense")
        assert wire.reply().startswith(b"-ERR ")


@pytest.fixture
def poison(tmp_path: Path) -> Path:
    """A folder of Python modules that end the process when they are imported."""
    folder = tmp_path / "poison"
    folder.mkdir()
    for name in POISONED:
        (folder / f"{name}.py").write_text(POISON)
    return folder


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONHOME": "/nonexistent"},
        {"PYTHONPATH": "{poison}"},
        {"PYTHONHOME": "{poison}", "PYTHONPATH": "{poison}"},
        {"PYTHONSTARTUP": "{poison}/json.py", "PYTHONINSPECT": "1"},
        {"PYTHONUSERBASE": "{poison}", "HOME": "{poison}"},
        {"PYTHONPLATLIBDIR": "nowhere"},
        {"PYTHONCASEOK": "1", "PYTHONOPTIMIZE": "2", "PYTHONDEBUG": "1", "PYTHONVERBOSE": "1"},
        {"PYTHONMALLOC": "malloc_debug", "PYTHONDEVMODE": "1", "PYTHONFAULTHANDLER": "1"},
        {"PYTHONTRACEMALLOC": "25", "PYTHONHASHSEED": "nonsense", "PYTHONINTMAXSTRDIGITS": "nonsense"},
        {"PYTHONUTF8": "nonsense", "PYTHONIOENCODING": "nonsense", "PYTHONCOERCECLOCALE": "warn"},
        {"PYTHONWARNINGS": "error", "PYTHONUNBUFFERED": "1", "PYTHONPYCACHEPREFIX": "{poison}"},
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "LANG": "C", "LC_CTYPE": "C"},
        {"PATH": "/nonexistent", "VIRTUAL_ENV": "/nonexistent"},
    ],
    ids=lambda variables: ",".join(variables),
)
def test_variables(start_server: Callable[..., Server], poison: Path, variables: dict[str, str]) -> None:
    env = {name: value.format(poison=poison) for name, value in variables.items()}
    server = start_server(env=env)
    assert_works(server)
    r = server.own
    accented = '{"map":{"é":["中"]},"initial":"é"}'
    assert r.execute_command("SM.SET", "k", accented) == "OK"
    assert r.execute_command("SM.MUTATE", "k", "中", "ü") == "OK"
    assert r.execute_command("SM.GET", "k", "CURRENT") == "中"
    assert [path.name for path in poison.iterdir() if path.suffix != ".py"] == []
    assert "poisoned" not in server.log()


def test_no_variables_at_all(start_server: Callable[..., Server]) -> None:
    assert_works(start_server(prefix=("env", "-i")))


def test_a_poisoned_working_folder(start_server: Callable[..., Server], poison: Path) -> None:
    server = start_server(cwd=poison)
    assert_works(server)
    assert not (poison / "__pycache__").exists()


def copied(folder: Path) -> Path:
    """Copies the module and its bundle to another folder, read-only. Returns the module's path."""
    shutil.copy(MODULE, folder / "redisstate.so")
    shutil.copytree(BUNDLE, folder / "redisstate")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() or path.suffix == ".so" else 0o444)
    return folder / "redisstate.so"


def tree(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may read; those of pytest are private."""
    folder = Path(tempfile.mkdtemp(prefix="redisstate-"))
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


def test_copied_and_read_only(start_server: Callable[..., Server], open_folder: Path) -> None:
    folder = open_folder / "read only"
    folder.mkdir()
    module = copied(folder)
    before = tree(folder)
    server = start_server(module=module, cwd=Path("/"))
    assert_works(server)
    assert tree(folder) == before
    mapped = Path(f"/proc/{server.pid}/maps").read_text()
    ours = {line.split(maxsplit=5)[5] for line in mapped.splitlines() if "redisstate" in line}
    assert str(module) in ours
    assert not [path for path in ours if str(MODULE.parent) in path]
    own = str(Path(f"/proc/{server.pid}/exe").resolve().parents[1])  # a server in the venv, and its libraries
    assert not [line for line in mapped.splitlines() if ".venv" in line and own not in line]


def test_through_a_symbolic_link(start_server: Callable[..., Server], tmp_path: Path) -> None:
    link = tmp_path / "link.so"
    link.symlink_to(MODULE)
    assert_works(start_server(module=link))


def test_by_a_relative_path(start_server: Callable[..., Server]) -> None:
    folder = MODULE.parent
    assert_works(start_server(module="./redisstate.so", cwd=folder, settings={"dir": "."}))


def as_nobody(*command: str) -> tuple[str, ...]:
    return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", *command)


def nobody_reads(path: object) -> bool:
    return subprocess.run(as_nobody("test", "-r", str(path)), check=False).returncode == 0


def module_for_nobody(folder: Path) -> Path | None:
    """The module, linked with a libpython that every user may read: ours, or the system's of the same version."""
    module = copied(folder)
    if nobody_reads(libpython(module)):
        return module
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = Path(f"/usr/bin/python{version}")
    libraries = os.pathsep.join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    built = folder / "built"
    if not python.exists():
        return None
    command = [python, ROOT / "build.py", "--output", built]
    build = subprocess.run(command, env={**os.environ, "PYTHONPATH": libraries}, check=False)
    return built / "redisstate.so" if build.returncode == 0 else None


def test_as_another_user(start_server: Callable[..., Server], open_folder: Path) -> None:
    """The user `nobody`, who may write to the data folder only."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv")
    folder = open_folder / "module"
    folder.mkdir()
    module = module_for_nobody(folder)
    server_binary = str(Server(open_folder).binary.path)
    if module is None or not nobody_reads(libpython(module)) or not nobody_reads(server_binary):
        pytest.skip("another user may read neither this Python nor the system's, or not the server")
    data = open_folder / "data"
    data.mkdir()
    os.chown(data, 65534, 65534)
    server = start_server(folder=data, module=module, prefix=as_nobody(), cwd=Path("/"))
    assert_works(server)
    server.own.save()
    assert Path(f"/proc/{server.pid}/status").read_text().split("Uid:")[1].split()[0] == "65534"


def test_no_bytecode_is_written(start_server: Callable[..., Server], tmp_path: Path) -> None:
    folder = tmp_path / "writable"
    folder.mkdir()
    shutil.copy(MODULE, folder)
    shutil.copytree(BUNDLE, folder / "redisstate")
    before = tree(folder)
    assert_works(start_server(module=folder / "redisstate.so"))
    assert tree(folder) == before


def signals(server: Server) -> dict[str, str]:
    status = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return {line.split(":")[0]: line.split()[1] for line in status if line.startswith("Sig")}


def test_signal_handlers_are_the_servers(start_server: Callable[..., Server]) -> None:
    bare, ours = start_server(module=None), start_server()
    assert_works(ours)
    assert signals(ours) == signals(bare)


def threads(server: Server) -> list[str]:
    """The names of the server's threads, without the allocator's, which starts at any time."""
    names = [task.joinpath("comm").read_text().strip() for task in Path(f"/proc/{server.pid}/task").iterdir()]
    return sorted(name for name in names if not name.startswith("jemalloc"))


def test_no_threads_of_python(start_server: Callable[..., Server]) -> None:
    bare, ours = start_server(module=None), start_server()
    assert_works(ours)
    # A new thread has the server's name until it sets its own.
    wait_until(lambda: threads(ours) == threads(bare), f"the same threads: {threads(ours)}, {threads(bare)}")


def test_the_start_is_logged_also_by_a_daemon(start_server: Callable[..., Server]) -> None:
    server = start_server(settings={"daemonize": "yes"})
    assert_works(server)
    lines = [line for line in (server.folder / "server.log").read_text().splitlines() if "redisstate" in line]
    assert any("Python 3." in line for line in lines), lines
    assert server.info()["machines"] == 1


def test_the_log_names_the_python_that_was_built_in(start_server: Callable[..., Server]) -> None:
    server = start_server()
    assert f"Python {python_version(libpython())}." in server.log()


def test_umask_locale_and_folder_stay(start_server: Callable[..., Server]) -> None:
    bare, ours = start_server(module=None), start_server()
    assert_works(ours)
    for name in ("cwd", "root"):
        found = [Path(f"/proc/{server.pid}/{name}").readlink() for server in (bare, ours)]
        assert found == [bare.folder, ours.folder] or found[0] == found[1]
    masks = [
        next(line for line in Path(f"/proc/{server.pid}/status").read_text().splitlines() if "Umask" in line)
        for server in (bare, ours)
    ]
    assert masks[0] == masks[1]
