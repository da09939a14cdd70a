"""What `make asan` and `make valgrind` report: every fault, and leaks of memory that the shim allocated."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import sanitize

SERVER = "    #1 0x55 in zmalloc_usable (/usr/bin/redis-server+0x7bc19)"
CALLER = "    #9 0x55 in RedisModuleCommandDispatcher (/usr/bin/redis-server+0x113b68)"


def leak(*frames: str) -> str:
    """AddressSanitizer's report of a leak; ``frames`` are the functions between the allocator and the dispatcher."""
    numbered = [f"    #{number} 0x7f in {frame}" for number, frame in enumerate(frames, 2)]
    return "\n".join(["Direct leak of 55 byte(s) in 1 object(s) allocated from:", SERVER, *numbered, CALLER])


def server(function: str) -> str:
    return f"{function} (/usr/bin/redis-server+0x1)"


def shim(function: str, place: str) -> str:
    return f"{function} /x/module/shim/{place}"


@pytest.mark.parametrize(
    ("report", "ours"),
    [
        (leak(shim("tagged", "machine/machine.c:8"), shim("sm_commit", "write/commit.c:50")), True),
        (leak(server("RM_CreateString"), shim("array_of", "reply/server_encoded.c:91")), True),
        (leak(server("RM_LoadStringBuffer"), shim("load_string", "type/load.c:46")), True),
        (leak(server("RM_CreateCommand"), shim("sm_commands_register", "commands/register.c:16")), False),
        (leak(shim("python_malloc", "python/allocator.c:76"), "PyObject_Malloc Objects/obmalloc.c:1"), False),
        (leak(shim("raw_malloc", "python/allocator.c:154"), "new_interpreter Python/pylifecycle.c:1"), False),
        (leak("list_resize Objects/listobject.c:81", shim("ask_python", "engine/steps.c:20")), False),
        (leak(shim("sm_log_failure", "onload.c:35"), "PyEval_EvalFrame Python/ceval.c:1"), True),
        (leak(server("createObject")), False),
        ("ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n" + SERVER, True),
        ("Invalid read of size 8\n   at 0x1: sm_machine_free (machine.c:61)", True),
    ],
)
def test_which_reports_count(tmp_path: Path, report: str, ours: bool) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "asan.1").write_text("=====\n\n" + report + "\n\nSUMMARY: 1 leak\n")
    assert len(list(sanitize.findings(tmp_path))) == ours
