"""The module's files, its libpython, and other modules that are compiled for a test."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.servers import MODULE

BUNDLE = MODULE.with_suffix("")


def libpython(module: Path = MODULE) -> Path:
    """The shared libpython that a module is linked with."""
    linked = subprocess.run(["ldd", module], capture_output=True, text=True, check=True).stdout
    return Path(next(line.split()[2] for line in linked.splitlines() if "libpython" in line))


def python_version(library: Path) -> str:
    """``3.11`` of ``.../libpython3.11.so.1.0``."""
    return library.name.removeprefix("libpython").partition(".so")[0]


def compile_module(source: str, folder: Path) -> Path:
    """Compiles a C file of this folder to a module in ``folder``."""
    target = folder / Path(source).with_suffix(".so").name
    source_path = Path(__file__).with_name(source)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", target, source_path, "-ldl"], check=True)
    return target
