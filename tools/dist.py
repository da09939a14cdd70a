"""``make dist``: packs the built module for other machines, as dist/redisstate-VERSION-OS-PYTHON-ARCHITECTURE.tar.gz.

    python tools/dist.py [--build build] [--output dist]

Beside it lies NAME.tar.gz.sha256, which ``sha256sum --check`` takes. The same build gives the same bytes. The
interpreter that runs this must be the one that the module was built with. Standard library only.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import platform
import re
import sys
import sysconfig
import tarfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATE = 315532800
"""That of all members: 1980-01-01, the first that every archiver takes."""


class DistError(Exception):
    """What lies in the build folder cannot be packed; the text says why."""


def system() -> str:
    """The operating system and its version in one word: debian12, ubuntu24.04."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return platform.system().lower()
    return re.sub(r"[^a-z0-9.]", "", f"{release['ID']}{release.get('VERSION_ID', '')}".lower())


def name() -> str:
    """The archive's name without its suffix, which is its one folder, too."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return f"redisstate-{version}-{system()}-{python}-{platform.machine()}"


def library() -> Path:
    """The libpython that this interpreter's module loads."""
    return Path(sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME"))


def members(build: Path) -> dict[str, Path]:
    """Each file of the archive by its name in it, in order. Raises DistError."""
    module, bundle = build / "redisstate.so", build / "redisstate"
    if not module.is_file() or not bundle.is_dir():
        raise DistError(f"{build} has no redisstate.so with its bundle: make build")
    linked = (library().name, sysconfig.get_path("stdlib"))
    if any(text.encode() not in module.read_bytes() for text in linked):
        raise DistError(f"{module} was built with another Python than {sys.executable}: run this with that one")
    found = {path.name: path for path in (module, ROOT / "commands.json", ROOT / "LICENSE")}
    found |= {path.relative_to(build).as_posix(): path for path in bundle.rglob("*") if path.is_file()}
    return dict(sorted(found.items()))


def pack(files: dict[str, Path], folder: str) -> bytes:
    """A tar.gz of the files below this folder, which says nothing of when, where and by whom it was made."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for place, path in files.items():
            member = tarfile.TarInfo(f"{folder}/{place}")
            member.size, member.mtime = path.stat().st_size, DATE
            member.mode = 0o755 if path.suffix == ".so" else 0o644
            with path.open("rb") as content:
                archive.addfile(member, content)
    return packed.getvalue()


def write(build: Path, output: Path) -> Path:
    """Writes the archive and its checksum to a folder, and returns the archive's path. Raises DistError."""
    data = pack(members(build), name())
    output.mkdir(parents=True, exist_ok=True)
    archive = output / f"{name()}.tar.gz"
    archive.write_bytes(data)
    checksum = f"{hashlib.sha256(data).hexdigest()}  {archive.name}\n"
    archive.with_name(f"{archive.name}.sha256").write_text(checksum, encoding="utf-8")
    return archive


def main() -> int:
    parser = argparse.ArgumentParser(description="Packs the built module.")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="the folder that build.py wrote to")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="the folder to write to")
    options = parser.parse_args()
    try:
        archive = write(options.build, options.output)
    except DistError as error:
        print(f"dist: {error}", file=sys.stderr)
        return 1
    print(f"{archive}: {archive.stat().st_size / 1e6:.1f} MB")
    stdlib = Path(sysconfig.get_path("stdlib"))
    print(f"It loads where {library()} and {stdlib} are, with this libc or a newer one.")
    if not stdlib.is_relative_to("/usr/lib"):
        print("These are not a distribution's: build with one's Python for other machines (docs/deploy.md)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
