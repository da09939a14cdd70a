"""`pip install .` installs the client, pure Python, whatever else lies in the folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.servers import ROOT


def test_the_client_can_be_installed(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "installed"
    for name in ("client", "sm_core", "module", "tools", "benchmarks"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    (source / "data").mkdir()  # as `make run` leaves one
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    run = subprocess.run(
        [*pip, "--no-build-isolation", "--no-deps", "--target", target, source],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    installed = {path.relative_to(target).as_posix() for path in target.rglob("*.py")}
    client = ROOT / "client"
    assert installed == {path.relative_to(client).as_posix() for path in client.rglob("*.py")}
    assert (target / "redisstate" / "py.typed").exists(), "else a type checker looks away"
    begin = "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    code = begin + "import redisstate; print(redisstate.__file__)"
    run = subprocess.run([sys.executable, "-I", "-c", code, target], capture_output=True, text=True, check=True)
    assert Path(run.stdout.strip()) == target / "redisstate" / "__init__.py"
    code = begin + "from redisstate.cli import main; main()"
    run = subprocess.run(
        [sys.executable, "-I", "-c", code, target, "--version"], capture_output=True, text=True, check=False
    )
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert run.stdout == f"redisstate {version}\n", run.stderr
