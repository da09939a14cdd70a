"""The server's clock is set back and forward: a deadline fires once, when the clock has come to it, and never early."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import Server, wait_until
from tests.timers.charts import stays, wait_for, waiting

HOUR = 3_600_000


class Clock:
    """What servers take for the time of day."""

    def __init__(self, folder: Path) -> None:
        source = Path(__file__).with_name("shifted_clock.c")
        library = folder / "shifted_clock.so"
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        self._file = folder / "shift"
        self._file.write_bytes(bytes(8))
        self.env = {"LD_PRELOAD": str(library), "SHIFTED_CLOCK": str(self._file)}

    def set(self, shift: int) -> None:
        """So many milliseconds from the true time."""
        with self._file.open("r+b") as file:
            file.write(shift.to_bytes(8, "little", signed=True))


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


@pytest.fixture
def server(start_server: Callable[..., Server], clock: Clock) -> Server:
    return start_server(env=clock.env)


def fired(server: Server) -> int:
    return int(server.info()["timers_fired"])


def test_the_clock_is_set(server: Server, clock: Clock) -> None:
    """What the other tests rely on."""
    clock.set(-HOUR)
    assert abs(server.own.time()[0] - (time.time() - 3600)) < 5


def test_forward_lets_what_is_due_fire(server: Server, clock: Clock) -> None:
    r = server.client()
    r.execute_command("SM.SET", "k", waiting(HOUR // 2))
    r.execute_command("SM.SET", "later", waiting(2 * HOUR))
    clock.set(HOUR)
    wait_for(r, "k", "b")
    stays(r, "later", "a", 0.2)
    assert fired(server) == 1


def test_back_keeps_all_waiting(server: Server, clock: Clock) -> None:
    r = server.client()
    r.execute_command("SM.SET", "k", waiting(500))
    clock.set(-HOUR)
    stays(r, "k", "a", 1.2)
    r.execute_command("SM.SET", "new", waiting(100))
    wait_for(r, "new", "b")
    assert fired(server) == 1


def test_back_and_forward_is_as_if_nothing_had_been(server: Server, clock: Clock) -> None:
    """Also where the server's timer was set meanwhile, and nothing is armed afterwards."""
    r = server.client()
    r.execute_command("SM.SET", "k", waiting(500))
    clock.set(-HOUR)
    stays(r, "k", "a", 2.5)
    clock.set(0)
    wait_until(lambda: r.execute_command("SM.STATE", "k") == ["b"], "it fires", 10)
    assert fired(server) == 1
    r.execute_command("SM.SET", "k", waiting(3000))
    clock.set(HOUR)
    wait_for(r, "k", "b")
    r.execute_command("SM.SET", "k", waiting(500))
    clock.set(0)
    stays(r, "k", "a", 1.2)
    r.execute_command("SM.SET", "k", waiting(100))
    wait_for(r, "k", "b")
    assert fired(server) == 3
