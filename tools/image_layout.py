"""Prepares, in the image's first stage, the files that its second stage copies.

    python tools/image_layout.py BUILD TARGET

BUILD contains redisstate.so and its bundle; TARGET becomes the image's root. The module never writes bytecode, and
compiling what it imports would take longer than the rest of the server's start. So the bytecode of the bundle, and of
the modules of the standard library that the engine imports, is added.
"""

from __future__ import annotations

import compileall
import py_compile
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = Path("usr/local/lib/redisstate")
LIST_BYTECODE = """
import sys
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    __import__(name)
for module in sys.modules.values():
    if getattr(module, "__cached__", None):
        print(module.__cached__)
"""


def imported_bytecode(bundle: Path) -> list[Path]:
    """The bytecode files, existing or not, of all modules that the engine imports.

    Raises CalledProcessError when the engine cannot be imported.
    """
    engine = [".".join(path.relative_to(bundle).with_suffix("").parts) for path in (bundle / "sm_core").rglob("*.py")]
    # Isolated and without site, as the module starts Python.
    command = [sys.executable, "-I", "-S", "-c", LIST_BYTECODE, str(bundle), *engine]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [Path(line) for line in listed.stdout.splitlines()]


def main(build: Path, target: Path) -> None:
    place = target / PLACE
    shutil.copytree(build / "redisstate", place / "redisstate")
    shutil.copy2(build / "redisstate.so", place)
    shutil.copy2(ROOT / "LICENSE", place)
    shutil.copy2(ROOT / "tools" / "image_entrypoint.sh", place / "entrypoint")

    bundle = place / "redisstate"
    # By content, since a build may set one date for all files of the image.
    mode = py_compile.PycInvalidationMode.CHECKED_HASH
    if not compileall.compile_dir(bundle, stripdir=str(target), prependdir="/", quiet=1, invalidation_mode=mode):
        sys.exit("image: the bundle does not compile")
    library = Path(sysconfig.get_path("stdlib"))
    for compiled in imported_bytecode(bundle):
        if compiled.is_relative_to(library):
            copy = target / compiled.relative_to("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(compiled, copy)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
