"""What `make dist` packs: the module and all that it needs, the same bytes each time. It loads from another place."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from tests.servers import MODULE, ROOT, Server, wait_until
from tools import dist

BUILD = MODULE.parent


def unpack(archive: Path, folder: Path) -> Path:
    """Unpacks it as a user does, and returns the module's path."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["tar", "xzf", str(archive), "-C", str(folder)], check=True)
    return folder / archive.name.removesuffix(".tar.gz") / MODULE.name


def test_it_has_all_that_the_module_needs_and_nothing_of_this_machine(tmp_path: Path) -> None:
    archive = dist.write(BUILD, tmp_path)
    with tarfile.open(archive) as packed:
        members = packed.getmembers()
    folder = archive.name.removesuffix(".tar.gz")
    names = [member.name.removeprefix(f"{folder}/") for member in members]
    bundle = {path.relative_to(BUILD).as_posix() for path in (BUILD / "redisstate").rglob("*") if path.is_file()}
    assert set(names) == {"redisstate.so", "commands.json", "LICENSE"} | bundle
    assert "redisstate/sm_core/statechart.py" in bundle
    assert names == sorted(names)
    assert {(member.uid, member.gid, member.uname, member.gname) for member in members} == {(0, 0, "", "")}
    assert len({member.mtime for member in members}) == 1
    assert {member.mode for member in members} == {0o755, 0o644}


def test_its_name_says_what_it_is_for(tmp_path: Path) -> None:
    project, version, system, python, machine = dist.write(BUILD, tmp_path).name.removesuffix(".tar.gz").split("-")
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert (project, machine) == ("redisstate", platform.machine())
    assert python == f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert system


def test_the_checksum_is_as_sha256sum_wants_it(tmp_path: Path) -> None:
    archive = dist.write(BUILD, tmp_path)
    (checksum,) = tmp_path.glob("*.sha256")
    assert checksum.name == f"{archive.name}.sha256"
    assert checksum.read_text(encoding="utf-8") == f"{sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n"


def test_the_same_build_gives_the_same_bytes(tmp_path: Path) -> None:
    copied = tmp_path / "build"
    for place, path in reversed(list(dist.members(BUILD).items())):
        if path.is_relative_to(BUILD):
            (copied / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copied / place)  # with the date of now
            (copied / place).chmod(0o600)
    first, second = (dist.write(build, tmp_path / build.name) for build in (BUILD, copied))
    assert first.read_bytes() == second.read_bytes()


def test_it_loads_from_where_it_is_unpacked(tmp_path: Path, start_server: Callable[..., Server]) -> None:
    module = unpack(dist.write(BUILD, tmp_path), tmp_path / "opt")
    server = start_server(module=module)
    assert server.own.execute_command("SM.SET", "m", '{"initial": "a", "map": {"a": ["b"]}}') == "OK"
    assert server.own.execute_command("SM.SEND", "m", "b") == ["b"]
    mapped = Path(f"/proc/{server.pid}/maps").read_text(encoding="utf-8")
    assert str(module) in mapped
    assert str(BUILD) not in mapped


def test_what_another_python_has_built_is_refused(tmp_path: Path) -> None:
    with pytest.raises(dist.DistError, match="make build"):
        dist.members(tmp_path)
    (tmp_path / "redisstate").mkdir()
    (tmp_path / "redisstate.so").write_bytes(b"\x7fELF libpython2.7.so.1.0")
    with pytest.raises(dist.DistError, match="another Python"):
        dist.members(tmp_path)


# A bare Debian: `pytest --long tests/tools/test_dist.py`, as root


def debian() -> dict[str, str]:
    """This Debian's os-release; skips where there is none, or nothing that makes another one."""
    release = platform.freedesktop_os_release()
    if release["ID"] != "debian" or os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("this takes Debian, root and debootstrap")
    if subprocess.run(["/usr/bin/python3", ROOT / "tools" / "check_python.py"], check=False).returncode != 0:
        pytest.skip("Debian's Python cannot be embedded here: python3-dev, python3-venv")
    return release


@contextmanager
def running(root: Path, *command: str) -> Iterator[None]:
    """A program in that folder as its root, with what it prints in its file ``log``."""
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(["chroot", root, *command], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.mark.long
@pytest.mark.plain
def test_it_loads_in_a_bare_debian(tmp_path: Path) -> None:
    release = debian()
    run = {"check": True, "stdout": subprocess.DEVNULL}
    python, build = tmp_path / "venv" / "bin" / "python", tmp_path / "build"
    subprocess.run(["/usr/bin/python3", "-m", "venv", tmp_path / "venv"], **run)
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", ROOT / "requirements.txt"], **run)
    subprocess.run([python, ROOT / "build.py", "--output", build], **run)
    subprocess.run([python, ROOT / "tools" / "dist.py", "--build", build, "--output", tmp_path], **run)
    (archive,) = tmp_path.glob("*.tar.gz")
    version = archive.name.split("-python")[1].split("-")[0]

    root = tmp_path / "root"
    packages = f"--include=redis-server,libpython{version}"
    subprocess.run(["debootstrap", "--variant=minbase", packages, release["VERSION_CODENAME"], root], **run)
    module = Path("/") / unpack(archive, root / "opt").relative_to(root)
    client = ["chroot", str(root), "redis-cli", "-s", "/tmp/socket"]

    def ask(*words: str) -> str:
        return subprocess.run([*client, *words], capture_output=True, text=True, check=False).stdout.strip()

    with running(root, "redis-server", "--port", "0", "--unixsocket", "/tmp/socket", "--loadmodule", str(module)):
        wait_until(lambda: ask("PING") == "PONG", f"PING is answered; see {root}/log")
        assert ask("SM.SET", "m", '{"initial": "a", "states": {"a": {"on": {"GO": "b"}}, "b": {}}}') == "OK"
        assert ask("SM.SEND", "m", "GO") == "b"
        assert not (root / "usr/bin/python3").exists()
