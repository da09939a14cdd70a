"""``make asan`` and ``make valgrind``: the tests on a server whose memory accesses are checked.

    python tools/sanitize.py asan|valgrind [arguments of pytest]

The server is Redis 7.0, from the PATH or from Debian's package: newer ones load modules with RTLD_DEEPBIND, which
AddressSanitizer refuses. Its allocator is a shared library, which both tools can replace. A script in build/ starts
it with the tool; the tool writes its reports to files in the same folder. A report makes the run end with 1.

A leak is reported where the shim allocated the memory: CPython and the server do not free all of theirs when a process
ends.
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
ALLOCATOR = re.compile(r"\b(python|raw)_(malloc|calloc|realloc)\b")
REGISTERS = re.compile(
    r"\bRM_(CreateCommand|CreateDataType|Register\w+|SubscribeToServerEvent|SetCommandInfo|AddACLCategory)\b"
)
"""Functions by which a module registers something; the server never frees it."""
SUPPRESSIONS = ROOT / "tools" / "valgrind.supp"
VALGRIND_TESTS = [
    "tests/commands/test_set_get.py", "tests/commands/test_mutate_reset.py", "tests/commands/test_memory_answers.py",
    "tests/persistence/test_corpus.py", "tests/persistence/test_rust.py", "tests/persistence/test_golden.py",
    "tests/hostile/test_restore_fuzz.py", "tests/threads",
]  # fmt: skip
"""Some of the tests: valgrind makes a server some thirty times slower."""


def redis_7_0() -> Path:
    """The path of a Redis 7.0. Ends the program where there is none."""
    named = os.environ.get("REDIS_SERVER")
    for origin, path in [("$REDIS_SERVER", Path(named))] if named else servers.on_path():
        found = servers.identify(path, origin)
        if (found.vendor, found.version[:2]) == ("Redis", (7, 0)):
            return path
    unpacked = matrix.unpack_debian()
    if isinstance(unpacked, str):
        sys.exit(unpacked)
    return unpacked


def start_script(folder: Path, line: str, more: str = "") -> Path:
    """Writes a script that starts the server under the tool; removes the reports of an earlier run."""
    shutil.rmtree(folder / "reports", ignore_errors=True)
    (folder / "reports").mkdir(parents=True)
    script = folder / "redis-server"
    script.write_text(f'#!/bin/sh\n{line} "$@"{more}\n')
    script.chmod(0o755)
    return script


def address_sanitizer(server: Path) -> tuple[Path, Path]:
    """Builds the module with AddressSanitizer; returns the start script and the module."""
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
    # What a test preloads comes behind it.
    preload = f'LD_PRELOAD={shlex.quote(library)}"${{LD_PRELOAD:+:$LD_PRELOAD}}"'
    line = f"export {preload} ASAN_OPTIONS={shlex.quote(':'.join(options))}\nexec {shlex.quote(str(server))}"
    return start_script(folder, line), folder / OWN


def valgrind(server: Path) -> tuple[Path, Path]:
    """The start script, and the module that `make build` made."""
    program = shutil.which("valgrind")
    if program is None:
        sys.exit("valgrind is missing: install it (Debian/Ubuntu: valgrind)")
    folder = ROOT / "build" / "valgrind"
    words = [
        program, "--quiet", "--soname-synonyms=somalloc=*jemalloc*", "--leak-check=full", "--show-leak-kinds=definite",
        "--num-callers=30", f"--suppressions={SUPPRESSIONS}", f"--log-file={folder}/reports/valgrind.%p", str(server),
    ]  # fmt: skip
    # The server's LZF compression reads an uninitialised table on purpose; without compression it needs no suppression.
    return start_script(folder, "exec " + shlex.join(words), " --rdbcompression no"), ROOT / "build" / OWN


def allocated_by_shim(stack: list[str]) -> bool:
    """Whether the shim's own code allocated this memory. Memory that CPython allocates, also through the allocator that
    the shim gives it, does not count: CPython keeps some of it, and its arenas are opaque to both tools."""
    for line in stack:
        if any(pattern.search(line) for pattern in (CPYTHON, REGISTERS, ALLOCATOR)):
            return False
        if OWN in line or "module/shim" in line:
            return True
    return False


def findings(folder: Path) -> Iterator[str]:
    """The paragraphs of the reports that count: every fault, and leaks of memory that the shim allocated."""
    for report in sorted((folder / "reports").iterdir()):
        text = re.sub(r"^==\d+== ?", "", report.read_text(errors="replace"), flags=re.MULTILINE)
        for paragraph in re.split(r"\n\s*\n", text):
            stack = [line for line in paragraph.splitlines() if re.match(r"\s*(#\d+|at|by) ", line)]
            leak = re.search(r"(leak of|definitely lost|indirectly lost)", paragraph)
            if leak and not allocated_by_shim(stack):
                continue
            if stack or re.search("ERROR(?!: LeakSanitizer)", paragraph):
                yield f"{report.name}:\n{paragraph.strip()}"


def main(arguments: list[str]) -> int:
    tool, arguments = arguments[0], arguments[1:]
    script, module = {"asan": address_sanitizer, "valgrind": valgrind}[tool](redis_7_0())
    environment = {
        **os.environ, "REDIS_SERVER": str(script), "REDISSTATE_MODULE": str(module), "REDISSTATE_SANITIZER": tool,
    }  # fmt: skip
    chosen = arguments or (VALGRIND_TESTS if tool == "valgrind" else [])
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
