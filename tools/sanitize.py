"""``make asan`` and ``make valgrind``: the suite on a server whose every memory access is watched.

    python tools/sanitize.py asan|valgrind [arguments of pytest]

The server is Redis 7.0, of the machine or of Debian's package: newer ones load modules with RTLD_DEEPBIND, which
AddressSanitizer refuses, and its allocator is a library of its own, which both tools can put themselves in the
place of. A starter in build/ runs it; what the tools have to say goes to files beside it, and ends the run with 1.

Leaks count where the shim's own code asked for the memory: CPython never gives back all of its own when a process
ends, and the server none.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import matrix, servers

ROOT = servers.ROOT
OWN = "redisstate.so"
CPYTHON = re.compile(r"libpython|\b_?Py[A-Z]\w+|\b(Objects|Python|Modules)/\w+\.c\b")
KEPT = re.compile(
    r"\bRM_(CreateCommand|CreateDataType|Register\w+|SubscribeToServerEvent|SetCommandInfo|AddACLCategory)\b"
)
"""Functions with which the server keeps something of a module for as long as it runs."""
SUPPRESSIONS = ROOT / "tools" / "valgrind.supp"
USEFUL = [
    "tests/commands/test_set_get.py", "tests/commands/test_mutate_reset.py", "tests/commands/test_memory_answers.py",
    "tests/persistence/test_corpus.py", "tests/persistence/test_rust.py", "tests/persistence/test_golden.py",
    "tests/hostile/test_restore_fuzz.py", "tests/threads",
]  # fmt: skip
"""What valgrind runs, which makes a server some thirty times slower."""


def redis_7_0() -> Path:
    """The server to watch. Ends the program where there is none."""
    named = os.environ.get("REDIS_SERVER")
    for origin, path in [("$REDIS_SERVER", Path(named))] if named else servers.on_path():
        found = servers.identify(path, origin)
        if (found.vendor, found.version[:2]) == ("Redis", (7, 0)):
            return path
    unpacked = matrix.unpack_debian()
    if isinstance(unpacked, str):
        sys.exit(unpacked)
    return unpacked


def starter(folder: Path, line: str, more: str = "") -> Path:
    """A program that starts the watched server; the reports of an earlier run are gone."""
    shutil.rmtree(folder / "reports", ignore_errors=True)
    (folder / "reports").mkdir(parents=True)
    script = folder / "redis-server"
    script.write_text(f'#!/bin/sh\n{line} "$@"{more}\n')
    script.chmod(0o755)
    return script


def address_sanitizer(server: Path) -> tuple[Path, Path]:
    """Builds the module with it; the starter and the module."""
    folder = ROOT / "build" / "asan"
    subprocess.run([sys.executable, "build.py", "--sanitize", "--output", str(folder)], cwd=ROOT, check=True)
    compiler = shlex.split(os.environ.get("CC", "cc"))
    library = subprocess.run(
        [*compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    options = [
        "detect_leaks=1", "fast_unwind_on_malloc=0", "allocator_may_return_null=1", "quarantine_size_mb=16",
        f"log_path={folder}/reports/asan",
    ]  # fmt: skip
    words = [shutil.which("env") or "env", f"LD_PRELOAD={library}", f"ASAN_OPTIONS={':'.join(options)}", str(server)]
    return starter(folder, "exec " + shlex.join(words)), folder / OWN


def valgrind(server: Path) -> tuple[Path, Path]:
    """The starter, and the module as it is."""
    program = shutil.which("valgrind")
    if program is None:
        sys.exit("valgrind is missing: install it (Debian/Ubuntu: valgrind)")
    folder = ROOT / "build" / "valgrind"
    words = [
        program, "--quiet", "--soname-synonyms=somalloc=*jemalloc*", "--leak-check=full", "--show-leak-kinds=definite",
        "--num-callers=30", f"--suppressions={SUPPRESSIONS}", f"--log-file={folder}/reports/valgrind.%p", str(server),
    ]  # fmt: skip
    # The server's LZF reads a table that it never cleared, on purpose: not compressed, that is not to be excused.
    return starter(folder, "exec " + shlex.join(words), " --rdbcompression no"), ROOT / "build" / OWN


def asked_by_us(stack: list[str]) -> bool:
    """Whether the shim asked for this memory itself. Where CPython did, on the shim's behalf or through the allocator
    that it was given, it may keep it (and where another module has started it, in arenas that no tool looks into)."""
    for line in stack:
        if CPYTHON.search(line) or KEPT.search(line) or re.search(r"\b(python|raw)_(malloc|calloc|realloc)\b", line):
            return False
        if OWN in line or "module/shim" in line:
            return True
    return False


def findings(folder: Path) -> Iterator[str]:
    """The paragraphs of the reports that concern us: every fault, and leaks of the shim's own."""
    for report in sorted((folder / "reports").iterdir()):
        text = re.sub(r"^==\d+== ?", "", report.read_text(errors="replace"), flags=re.MULTILINE)
        for paragraph in re.split(r"\n\s*\n", text):
            stack = [line for line in paragraph.splitlines() if re.match(r"\s*(#\d+|at|by) ", line)]
            leak = re.search(r"(leak of|definitely lost|indirectly lost)", paragraph)
            if leak and not asked_by_us(stack):
                continue
            if stack or re.search("ERROR(?!: LeakSanitizer)", paragraph):
                yield f"{report.name}:\n{paragraph.strip()}"


def main(arguments: list[str]) -> int:
    tool, arguments = arguments[0], arguments[1:]
    script, module = {"asan": address_sanitizer, "valgrind": valgrind}[tool](redis_7_0())
    environment = {
        **os.environ, "REDIS_SERVER": str(script), "REDISSTATE_MODULE": str(module), "REDISSTATE_WATCHED": tool,
    }  # fmt: skip
    chosen = arguments or (USEFUL if tool == "valgrind" else [])
    command = [sys.executable, "-m", "pytest", "-n", "2", "-m", "not plain and not oracle", *chosen]
    failed = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    found = list(findings(script.parent))
    for finding in found[:20]:
        print(f"\n{finding}")
    reports = len(list((script.parent / "reports").iterdir()))
    print(f"{tool}: {reports} reports, {len(found)} findings that concern the module; pytest ended with {failed}")
    return 1 if failed or found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
