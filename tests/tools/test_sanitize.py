"""What `make asan` and `make valgrind` count as the module's own: every fault, and leaks of what the shim asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import sanitize

SERVER = "    #1 0x55 in zmalloc_usable (/usr/bin/redis-server+0x7bc19)"
CALLER = "    #9 0x55 in RedisModuleCommandDispatcher (/usr/bin/redis-server+0x113b68)"


def leak(*frames: str) -> str:
    numbered = [f"    #{number} 0x7f {frame}" for number, frame in enumerate(frames, 2)]
    return "\n".join(["Direct leak of 55 byte(s) in 1 object(s) allocated from:", SERVER, *numbered, CALLER])


@pytest.mark.parametrize(
    ("report", "ours"),
    [
        (leak("in pointer_to /x/module/shim/machine.c:36", "in store /x/module/shim/commands.c:111"), True),
        (leak("in RM_CreateString (/usr/bin/redis-server+0x1)", "in array_of /x/module/shim/reply.c:82"), True),
        (leak("in RM_LoadStringBuffer (/usr/bin/redis-server+0x1)", "in rdb_load /x/module/shim/type.c:82"), True),
        (leak("in RM_CreateCommand (/usr/bin/redis-server+0x1)", "in f /x/module/shim/commands.c:82"), False),
        (leak("in python_malloc /x/module/shim/memory.c:70", "in PyObject_Malloc Objects/obmalloc.c:1"), False),
        (leak("in raw_malloc /x/module/shim/memory.c:70", "in new_interpreter Python/pylifecycle.c:1"), False),
        (leak("in list_resize Objects/listobject.c:81", "in sm_engine_ask /x/module/shim/engine.c:1"), False),
        (leak("in sm_log_failure /x/module/shim/engine.c:1", "in PyEval_EvalFrame Python/ceval.c:1"), True),
        (leak("in createObject (/usr/bin/redis-server+0x1)"), False),
        ("ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n" + SERVER, True),
        ("Invalid read of size 8\n   at 0x1: sm_machine_free (machine.c:61)", True),
    ],
)
def test_which_reports_count(tmp_path: Path, report: str, ours: bool) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "asan.1").write_text("=====\n\n" + report + "\n\nSUMMARY: 1 leak\n")
    assert len(list(sanitize.findings(tmp_path))) == ours
