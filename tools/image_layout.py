"""Prepares, in the image's first stage, the files that its second stage copies.

    python tools/image_layout.py BUILD TARGET

BUILD contains redisstate.so and its bundle; TARGET becomes the image's root, and pip has installed the command line
there. The module never writes bytecode, nor can the image's user, and compiling what is imported would take longer than
the rest of the start. So the bytecode of the bundle, of the command line, and of the modules of the standard library
that both import, is added.
"""

from __future__ import annotations

import compileall
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = Path("usr/local/lib/redisstate")
PACKAGES = Path("usr/local/lib") / f"python{sys.version_info.major}.{sys.version_info.minor}" / "dist-packages"
LIST_BYTECODE = """
import sys
sys.path[:0] = sys.argv[1:3]
for name in sys.argv[3:]:
    __import__(name)
for module in sys.modules.values():
    if getattr(module, "__cached__", None):
        print(module.__cached__)
"""


def modules(folder: Path, package: str) -> list[str]:
    """The names of all modules of a package in this folder, but for what is for tests and starts at once."""
    names = [".".join(path.relative_to(folder).with_suffix("").parts) for path in (folder / package).rglob("*.py")]
    return [name for name in names if name.rpartition(".")[2] not in ("testing", "__main__")]


def imported_bytecode(bundle: Path, packages: Path) -> list[Path]:
    """The bytecode files, existing or not, of all modules that the engine and the command line import.

    Raises CalledProcessError when one of them cannot be imported.
    """
    names = [*modules(bundle, "sm_core"), *modules(packages, "redisstate"), "rich.live"]
    # Isolated and without site, as the module starts Python.
    command = [sys.executable, "-I", "-S", "-c", LIST_BYTECODE, str(bundle), str(packages), *names]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [Path(line) for line in listed.stdout.splitlines()]


def compile_folder(folder: Path, target: Path) -> None:
    # By content, since a build may set one date for all files of the image.
    mode = py_compile.PycInvalidationMode.CHECKED_HASH
    # rich has pygments for source code alone, of which the command line prints none.
    unused = re.compile("/pygments/")
    if not compileall.compile_dir(
        folder, stripdir=str(target), prependdir="/", rx=unused, quiet=1, invalidation_mode=mode
    ):
        sys.exit(f"image: {folder} does not compile")


def main(build: Path, target: Path) -> None:
    place, packages = target / PLACE, target / PACKAGES
    shutil.copytree(build / "redisstate", place / "redisstate")
    shutil.copy2(build / "redisstate.so", place)
    shutil.copy2(ROOT / "LICENSE", place)
    for program in ("entrypoint", "healthcheck"):
        shutil.copy2(ROOT / "tools" / f"image_{program}.sh", place / program)
    for script in (target / "usr/local/bin").iterdir():
        if script.name != "redisstate":  # those of its libraries
            script.unlink()

    bundle = place / "redisstate"
    compile_folder(bundle, target)
    compile_folder(packages, target)
    library = Path(sysconfig.get_path("stdlib"))
    for compiled in imported_bytecode(bundle, packages):
        if compiled.is_relative_to(library):
            copy = target / compiled.relative_to("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(compiled, copy)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
