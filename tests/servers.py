"""A real server with the module, in a folder of its own, on a free port of 127.0.0.1.

The binary is the one that tools/servers.py finds (REDIS_SERVER= names another), the module is that of `make build`
(REDISSTATE_MODULE= names another). Only processes that were started here are ended.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from tools import servers

ROOT = servers.ROOT
MODULE = Path(os.environ.get("REDISSTATE_MODULE", ROOT / "build" / "redisstate.so"))
SANITIZER = os.environ.get("REDISSTATE_SANITIZER", "")
"""asan or valgrind where tools/sanitize.py runs the tests: the process's memory then includes the tool's."""
HANG = 600.0 if SANITIZER else 60.0
"""Seconds without an answer after which a server counts as hung."""

# Below the ephemeral ports; a cluster's bus uses the port + 10000.
FIRST_PORT, LAST_PORT = 15000, 31999

FAULTS = re.compile(
    r"BUG REPORT|ASSERTION FAILED|Guru Meditation|crashed by signal|Sanitizer|runtime error:"
    r"|internal error|Traceback \(most recent call last\)|== CRITICAL =="
)


class ServerDiedError(Exception):
    """The server ended during its start; the text has the end of its log."""


def free_port() -> int:
    """A port of 127.0.0.1 that is free, as is the port + 10000."""
    while True:
        port = random.SystemRandom().randint(FIRST_PORT, LAST_PORT)
        with contextlib.ExitStack() as sockets:
            try:
                for number in (port, port + 10000):
                    sockets.enter_context(socket.socket()).bind(("127.0.0.1", number))
            except OSError:
                continue
        return port


def wait_until(true: Callable[[], object], what: str, seconds: float = HANG) -> Any:
    """Calls ``true()`` until its result is true, and returns that. After ``seconds`` it fails with ``what``."""
    deadline = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.01)


def quoted(value: object) -> str:
    """A value as one word of redis.conf."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text and re.fullmatch(r"[^\s\"'\\#]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


class Wire:
    """A connection that sends commands, and returns replies as bytes."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=HANG)
        self._reader = self._socket.makefile("rb")

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self._socket.close()

    def send(self, *words: str | bytes) -> None:
        """One command."""
        parts = [word.encode() if isinstance(word, str) else word for word in words]
        self.send_bytes(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(p), p) for p in parts))

    def send_bytes(self, data: bytes) -> None:
        self._socket.sendall(data)

    def line(self) -> bytes:
        """The next line of the reply, without CR LF."""
        return self._reader.readline().removesuffix(b"\r\n")

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        return self._reader.read(size)

    def read_until(self, end: bytes) -> bytes:
        """All bytes before ``end``; what has arrived, if the connection ends first."""
        data = bytearray()
        while not data.endswith(end):
            more = self._reader.read1(65536)  # type: ignore[attr-defined]
            if not more:
                return bytes(data)
            data += more
        return bytes(data[: -len(end)])

    def reply(self) -> Any:
        """The next reply: bulk strings as bytes, arrays as lists, all else as its line with its first byte."""
        line = self.line()
        kind, rest = line[:1], line[1:]
        if kind == b"$" and rest != b"-1":
            text = self._reader.read(int(rest) + 2)
            assert text.endswith(b"\r\n"), text[-20:]
            return text[:-2]
        if kind and kind in b"*~>" and rest != b"-1":
            return [self.reply() for _ in range(int(rest))]
        if kind == b"%":
            return [self.reply() for _ in range(2 * int(rest))]
        return line


class Server:
    """A server process and its folder.

    ``settings`` are lines of redis.conf (a list: several lines of one name; a tuple: several words of one line; None:
    omit a default line). ``module_args`` follow the module's path on the loadmodule line; ``module=None`` starts a
    server without the module. ``prefix`` is a command that starts the server (setpriv ...). ``env`` is added to the
    environment. ``expected`` are patterns of log lines that look like faults, but that the test provokes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        module: Path | str | None = MODULE,
        module_args: Sequence[str] = (),
        settings: Mapping[str, object] | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        prefix: Sequence[str] = (),
        binary: servers.Found | None = None,
        expected: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.binary = binary or servers.find()
        self.module = module
        self.module_args = tuple(module_args)
        self.settings = dict(settings or {})
        self.env = dict(env or {})
        self.cwd = cwd or folder
        self.prefix = tuple(prefix)
        self.port = 0
        self.pid = 0
        self.expected = list(expected)
        self.arguments: tuple[str, ...] = ()
        """Command-line arguments after redis.conf."""
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[redis.Redis] = []
        self._changed: dict[str, str] = {}
        self._died_on_purpose = False

    # Starting and ending

    @property
    def conf(self) -> Path:
        return self.folder / "redis.conf"

    def write_conf(self) -> None:
        """Writes redis.conf. A restart does not, so that it keeps what CONFIG REWRITE wrote."""
        lines: dict[str, object] = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self.folder,
            "logfile": self.folder / "server.log",
            "save": "",
            "enable-debug-command": "yes",
            "enable-module-command": "yes",
            "repl-diskless-sync-delay": 0,
            "hz": 100,  # unused definitions are freed in the server's cron
            "slowlog-log-slower-than": -1,  # it keeps the words of what a busy machine makes slow
        }
        if self.module is not None:
            lines["loadmodule"] = (self.module, *self.module_args)
        lines |= self.settings
        text = []
        for name, value in lines.items():
            if value is None:
                continue
            for words in value if isinstance(value, list) else [value]:
                line = words if isinstance(words, tuple) else (words,)
                text.append(" ".join([name, *map(quoted, line)]))
        self.conf.write_text("\n".join(text) + "\n", encoding="utf-8")

    def start(self) -> Server:
        """Starts the server and waits until it answers PING. Raises ServerDiedError."""
        self.port = free_port()
        self.write_conf()
        try:
            self._launch()
        except ServerDiedError:
            if "Address already in use" not in self.log():
                raise
            (self.folder / "server.log").unlink()
            return self.start()
        return self

    def _launch(self) -> None:
        # With setpriv, the server ends when the test process is killed.
        setpriv = shutil.which("setpriv")
        guard = [setpriv, "--pdeathsig", "KILL"] if setpriv and not self.prefix else []
        with (self.folder / "stdout.log").open("ab") as output:
            self._process = subprocess.Popen(
                [*guard, *self.prefix, str(self.binary.path), str(self.conf), *self.arguments],
                cwd=self.cwd,
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._died_on_purpose = False
        self.pid = self._process.pid
        wait_until(self._answers, f"PING answered\n{self.log()[-3000:]}")

    def _answers(self) -> bool:
        assert self._process is not None
        daemon = self.settings.get("daemonize") == "yes"
        if self._process.poll() is not None and not daemon:
            self._died_on_purpose = True  # the exception says so
            raise ServerDiedError(f"ended with {self._process.returncode}\n{self.log()[-3000:]}")
        try:
            client = redis.Redis(port=self.port, socket_timeout=5, retry=Retry(NoBackoff(), 0))
            with client:
                if not client.ping():
                    return False
                if daemon:
                    self.pid = int(client.info("server")["process_id"])
        except redis.RedisError:
            return False
        return True

    def alive(self) -> bool:
        """Whether the process is running."""
        if self._process is None:
            return False
        if self._process.pid == self.pid:
            return self._process.poll() is None
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _end(self, how: signal.Signals) -> None:
        self.close_clients()
        if self._process is None:
            return
        if self.alive():
            self._died_on_purpose = True
            wait_until(lambda: self._ended(how), f"ended by {how.name}")
        self._process.wait(HANG)

    def _ended(self, how: signal.Signals) -> bool:
        """Sends the signal, and returns whether the server ends. While it writes its first AOF, it refuses SIGTERM."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, how)
        again = time.monotonic() + 0.5
        while self.alive() and time.monotonic() < again:
            time.sleep(0.01)
        return not self.alive()

    def stop(self) -> None:
        """Ends the server as a service manager would (SIGTERM): it saves if its settings say so."""
        try:
            self._end(signal.SIGTERM)
        except AssertionError:
            self._end(signal.SIGKILL)
            raise

    def kill9(self) -> None:
        self._end(signal.SIGKILL)

    def restart(self) -> Server:
        """Ends it with SIGTERM and starts it on the same port, folder and redis.conf."""
        self.stop()
        self._launch()
        return self

    def start_again(self) -> Server:
        """Starts a server that has ended, on the same port, folder and redis.conf."""
        self.close_clients()
        self._launch()
        return self

    # Talking to it

    def client(self, protocol: int = 2, decode_responses: bool = True, **more: Any) -> redis.Redis:
        """A client that never sends a command twice."""
        client = redis.Redis(
            port=self.port,
            protocol=protocol,
            decode_responses=decode_responses,
            socket_timeout=more.pop("socket_timeout", HANG),
            retry=Retry(NoBackoff(), 0),
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
            **more,
        )
        self._clients.append(client)
        return client

    def raw(self, protocol: int = 2, **more: Any) -> redis.Redis:
        """A client that returns replies as bytes, without the library's callbacks."""
        client = self.client(protocol, decode_responses=False, **more)
        client.response_callbacks.clear()
        return client

    def socket(self) -> Wire:
        """A connection without a client library."""
        return Wire(self.port)

    @property
    def own(self) -> redis.Redis:
        """A client for the test's own bookkeeping."""
        if "_own" not in self.__dict__:
            self.__dict__["_own"] = self.client()
        client: redis.Redis = self.__dict__["_own"]
        return client

    def close_clients(self) -> None:
        for client in self._clients:
            with contextlib.suppress(redis.RedisError):
                client.close()
        self._clients.clear()
        self.__dict__.pop("_own", None)

    def info(self, section: str = "redisstate") -> dict[str, Any]:
        """A section of INFO. The module's fields are without their prefix."""
        fields = self.own.info(section)
        return {name.removeprefix("redisstate_"): value for name, value in fields.items()}

    def wait_info(self, section: str = "redisstate", **expected: object) -> None:
        """Waits until INFO shows these values."""
        wait_until(
            lambda: all(self.info(section).get(name) == value for name, value in expected.items()),
            f"{expected} in INFO {section}: {self.info(section)}",
        )

    def writes(self) -> int:
        """The number of writes that have changed something, as the server counts them for its save points."""
        return int(self.info("persistence")["rdb_changes_since_last_save"])

    def peak_memory(self) -> int:
        """The most memory that the process has had, in bytes, since its start or reset_peak_memory()."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM"))

    def reset_peak_memory(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="utf-8")

    def config(self, name: str, value: object) -> None:
        """CONFIG SET. After the test, the shared server gets the old value again."""
        old = self.own.config_get(name)[name]
        self.own.config_set(name, str(value))
        self._changed.setdefault(name, old)

    def undo_config(self) -> None:
        for name, value in self._changed.items():
            self.own.config_set(name, value)
        self._changed.clear()

    def digest(self, *keys: str | bytes) -> list[str]:
        """DEBUG DIGEST-VALUE of the keys."""
        return [str(text) for text in self.own.execute_command("DEBUG", "DIGEST-VALUE", *keys)]

    def wait_for_child(self) -> None:
        """Waits until no BGSAVE or BGREWRITEAOF runs or is due, and checks that the last one went well."""
        waiting = ("rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled")

        def idle() -> bool:
            persistence = self.info("persistence")
            return not any(persistence[name] for name in waiting)

        wait_until(idle, "the saving child ends")
        persistence = self.info("persistence")
        assert persistence["rdb_last_bgsave_status"] == "ok", self.log()[-3000:]
        assert persistence["aof_last_bgrewrite_status"] == "ok", self.log()[-3000:]

    @cached_property
    def version(self) -> tuple[int, int, int]:
        return self.binary.version

    @property
    def vendor(self) -> str:
        return self.binary.vendor

    # Its log

    def log(self) -> str:
        """Its log, and what it printed."""
        text = ""
        for name in ("stdout.log", "server.log"):
            path = self.folder / name
            if path.exists():
                text += path.read_text(encoding="utf-8", errors="replace")
        return text

    def faults(self, after: int = 0) -> list[str]:
        """Crash reports, internal errors and unexpected ends, from a position of the log on."""
        lines = self.log()[after:].splitlines()
        found = [
            "\n".join(lines[number : number + 30])
            for number, line in enumerate(lines)
            if FAULTS.search(line) and not any(re.search(pattern, line) for pattern in self.expected)
        ]
        if self._process is not None and not self.alive() and not self._died_on_purpose:
            found.append(f"the server ended by itself ({self._process.poll()})")
        return [f"port {self.port}: {fault}" for fault in found[:3]]
