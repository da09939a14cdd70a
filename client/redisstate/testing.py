"""A server with the module for the tests of a project of yours, with pytest:

    # conftest.py
    pytest_plugins = ["redisstate.testing"]

    # test_orders.py
    def test_an_order(redisstate_client):
        order = Machine(redisstate_client, "order:1")

The server is the program that REDISSTATE_SERVER names, or the redis-server or valkey-server on the PATH; the module is
the file that REDISSTATE_MODULE names, or one where ``make build`` or ``make install`` leaves it. What is missing fails
the tests, and says so. Without pytest: ``with Server() as server: server.client()``.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
import redis

OLDEST = (7, 0)
NAMES = ("redis-server", "valkey-server")
MODULE = "redisstate.so"
ROOTS = ("pyproject.toml", ".git")
"""What the folder of a project has."""
START = 30.0
"""Seconds that a server has for its start and for its end."""


class Missing(Exception):
    """What a test's server needs and this machine has not. The text says what to do about it."""


def find_server() -> Path:
    """The server's program. Raises Missing."""
    named = os.environ.get("REDISSTATE_SERVER")
    tried = (named,) if named else NAMES
    found = next(filter(None, map(shutil.which, tried)), None)
    if found is None:
        what = f"REDISSTATE_SERVER names {named}, which is no program" if named else "none is on the PATH"
        raise Missing(
            f"no server: {what}. Install redis-server or valkey-server, {OLDEST[0]}.{OLDEST[1]} or newer, "
            "or name one in REDISSTATE_SERVER."
        )
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"v=(\d+)\.(\d+)", said)
    if version is None or (int(version[1]), int(version[2])) < OLDEST:
        what = f"is {version[1]}.{version[2]}" if version else "does not say its version"
        raise Missing(f"no server: {found} {what}; the module needs {OLDEST[0]}.{OLDEST[1]} or newer.")
    return Path(found)


def _project() -> list[Path]:
    """This folder and those above it, up to the one of the project. What others may write into folders above it, as in
    those for temporary files, is not loaded; this folder alone where no project is around."""
    here = Path.cwd()
    found = []
    for folder in (here, *here.parents):
        found.append(folder)
        if any((folder / name).exists() for name in ROOTS):
            return found
    return [here]


def _places() -> list[Path]:
    """Where a module may be: built in this project or the package's checkout, or installed."""
    checkout = Path(__file__).resolve().parents[2]
    built = [folder / "build" / MODULE for folder in (*_project(), checkout)]
    installed = [Path(prefix) / "lib" / "redisstate" / MODULE for prefix in ("/usr/local", "/usr", "/opt/redisstate")]
    return [*dict.fromkeys(built), *installed]


def find_module() -> Path:
    """The module's file. Raises Missing."""
    named = os.environ.get("REDISSTATE_MODULE")
    places = [Path(named)] if named else _places()
    for path in places:
        if path.is_file():
            return path.absolute()
    what = f"REDISSTATE_MODULE names {named}, which is no file" if named else f"{MODULE} is in none of "
    listed = "" if named else ", ".join(str(path.parent) for path in places)
    raise Missing(
        f"no module: {what}{listed}. Build it with `make build` in a checkout of redis-state-machine, "
        "or name it in REDISSTATE_MODULE."
    )


class Server:
    """A server with the module on a free port of 127.0.0.1, in a folder of its own, which keeps nothing.

    ``settings`` are those of redis.conf: ``{"maxmemory": "10mb"}``. ``server`` and ``module`` are paths, where the ones
    that are found are not wanted. Raises Missing when it is made, RuntimeError where the server does not start.
    """

    def __init__(
        self,
        settings: Mapping[str, object] | None = None,
        *,
        server: str | os.PathLike[str] | None = None,
        module: str | os.PathLike[str] | None = None,
    ) -> None:
        self.program = Path(server) if server is not None else find_server()
        # The server starts in its own folder, and would look for a relative path there.
        self.module = Path(module).absolute() if module is not None else find_module()
        self.settings = dict(settings or {})
        self.port = 0
        self._folder = tempfile.TemporaryDirectory(prefix="redisstate-")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """``redis://127.0.0.1:PORT``, for what takes a URL."""
        return f"redis://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What the server has said so far."""
        path = Path(self._folder.name) / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def client(self, **options: Any) -> redis.Redis:
        """A client of redis-py; ``options`` are those of redis.Redis."""
        return redis.Redis(port=self.port, **options)

    def start(self) -> Server:
        """Starts the server, and returns when it answers."""
        for _ in range(5):
            self.port = _free_port()
            self._launch()
            if self._answers():
                return self
            said = self.log
            self._end()
            if "Address already in use" not in said:  # another program was given the port meanwhile
                break
        self.stop()
        raise RuntimeError(f"{self.program} does not start with {self.module}:\n{said[-2000:]}")

    def stop(self) -> None:
        """Ends the server, and deletes its folder."""
        self._end()
        self._folder.cleanup()

    def _launch(self) -> None:
        settings = {"bind": "127.0.0.1", "save": "", "dir": self._folder.name} | self.settings
        words = [str(self.program), "--port", str(self.port), "--loadmodule", str(self.module)]
        for name, value in settings.items():
            words += (f"--{name}", str(value))
        # With setpriv, the server ends also when the tests are killed.
        setpriv = shutil.which("setpriv")
        guard = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
        with (Path(self._folder.name) / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*guard, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def _answers(self) -> bool:
        """Waits until the server answers a PING; False where it ends before, or is too slow."""
        assert self._process is not None
        until = time.monotonic() + START
        while self._process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(5) == b"+PONG" and self._process.poll() is None:
                    return True
            time.sleep(0.01)
        return False

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(START)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def redisstate_settings() -> dict[str, object]:
    """The settings of the tests' server, {}: for a project to override."""
    return {}


@pytest.fixture(scope="session")
def redisstate_server(redisstate_settings: Mapping[str, object]) -> Iterator[Server]:
    """A server with the module, which all tests share: ``port``, ``url``, ``client(**options)``, ``log``."""
    missing = ""
    try:
        server = Server(redisstate_settings)
    except Missing as error:
        missing = str(error)
    if missing:  # not where it was caught: pytest would say it twice
        pytest.fail(missing, pytrace=False)
    with server:
        yield server


@pytest.fixture
def redisstate_client(redisstate_server: Server) -> Iterator[redis.Redis]:
    """A client of that server, empty, which answers text."""
    client = redisstate_server.client(decode_responses=True)
    client.flushall()
    yield client
    client.close()
