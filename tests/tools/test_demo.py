"""``make demo``, started as make does: orders move, a worker works, and nothing is left when it has ended."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import HANG, MODULE, ROOT

pytestmark = pytest.mark.plain
NUMBERS = re.compile(r"Of (\d+) orders (\d+) were paid and sent; .* The worker charged (\d+) cards", re.DOTALL)
CHARGED = re.compile(r"\bpaid +[1-9]")
"""A line of ``top``: the worker has charged a card, and the machine has gone on."""
SCREEN_BACK = "\x1b[?1049l"


def demo(folder: Path, *words: str, output: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """The demo, in a session of its own, whose temporary files are in the folder."""
    return subprocess.Popen(
        [sys.executable, ROOT / "tools" / "demo.py", MODULE, *words],
        env=os.environ | {"TMPDIR": str(folder), "TERM": "xterm"}, start_new_session=True,
        stdin=output if output != subprocess.PIPE else subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def session(leader: int) -> Iterator[str]:
    """The commands of all processes in a session."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        name, _, rest = text.partition("(")[2].rpartition(")")
        state, _, _, of, *_ = rest.split()
        if int(of) == leader and state != "Z":
            yield name


def left_nothing(process: subprocess.Popen[str], folder: Path) -> bool:
    return not [*session(process.pid), *folder.iterdir()]


def read_until(file: int, pattern: re.Pattern[str] | None = None) -> str:
    """What is written there up to the pattern, without a terminal's codes but for the one that gives the screen back;
    without a pattern, up to the end."""
    shown = ""
    while pattern is None or not pattern.search(shown):
        try:
            read = os.read(file, 65536)
        except OSError:  # the other end of a terminal is closed
            read = b""
        if not read:
            assert pattern is None, f"it has ended, and did not show {pattern.pattern}:\n{shown}"
            break
        shown += re.sub(r"\x1b\[(?!\?1049l)[?\d;]*[A-Za-z]", "", read.decode(errors="replace"))
    return shown


def test_orders_move_until_sigterm(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        assert process.stdout is not None
        shown = read_until(process.stdout.fileno(), CHARGED)
        assert "redis-server" in " ".join(session(process.pid)) or "valkey-server" in " ".join(session(process.pid))
        process.send_signal(signal.SIGTERM)
        rest, said = process.communicate(timeout=HANG)
    assert (process.returncode, said) == (0, "")
    numbers = NUMBERS.search(shown + rest)
    assert numbers is not None, rest
    orders, sent, charged = map(int, numbers.groups())
    assert orders >= charged >= 1
    assert sent >= 1
    assert left_nothing(process, tmp_path)


def test_it_ends_when_its_time_is_over(tmp_path: Path) -> None:
    with demo(tmp_path, "--seconds", "1") as process:
        shown, said = process.communicate(timeout=HANG)
    assert (process.returncode, said) == (0, "")
    assert NUMBERS.search(shown)
    assert left_nothing(process, tmp_path)


def test_at_a_terminal_top_has_the_screen_until_ctrl_c(tmp_path: Path) -> None:
    terminal, other_end = pty.openpty()
    with demo(tmp_path, output=other_end) as process:
        os.close(other_end)
        read_until(terminal, CHARGED)
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does
        rest = read_until(terminal)
        assert process.stderr is not None
        assert (process.wait(HANG), process.stderr.read()) == (0, "")
    os.close(terminal)
    assert NUMBERS.search(rest.partition(SCREEN_BACK)[2])
    assert left_nothing(process, tmp_path)
