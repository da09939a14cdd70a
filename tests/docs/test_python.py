"""docs/python.md: its tutorial is followed word for word, in processes as a user starts them, and its tables name all
that there is."""

from __future__ import annotations

import dataclasses
import doctest
import inspect
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import redisstate
from redisstate import AsyncMachine, AsyncWorker, Machine, StateMachineError, Worker, errors
from redisstate.replies import Entry, Pending
from redisstate.tasks import OutboxEntry
from tests.client.working import charging, start, worker
from tests.servers import MODULE, ROOT, Server, wait_until

PAGE = ROOT / "docs" / "python.md"
TEXT = PAGE.read_text(encoding="utf-8")
BY_HAND = (
    "make run",
    "mkdir ../shop",
    "cd ../shop",
    "python3 -m venv env",
    ". env/bin/activate",
    "pip install ../redis-state-machine",
    "pip install pytest",
)
"""Commands of the page that other tests, or nobody, runs."""
TESTS = "REDISSTATE_MODULE=../redis-state-machine/build/redisstate.so pytest -q"
NAME = re.compile(r"^\S+-\d+-[0-9a-f]{6} of ")
"""A worker's name, which is another each time."""


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def shown(after: str) -> list[str]:
    """The indented lines that follow a line of the page, or stand behind a command."""
    lines = TEXT[TEXT.index(after) + len(after) :].splitlines()[1:]
    found = [line[4:] for line in lines[: next(at for at, line in enumerate(lines) if line and line[0] != " ")]]
    return [line for line in found if line]


class Shop:
    """The folder of the tutorial, and the terminal with the machine."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.started: list[subprocess.Popen[str]] = []
        (folder / "order.json").write_text(blocks("json")[0], encoding="utf-8")
        for name, text in zip(("work.py", "test_work.py", "later.py"), blocks("py"), strict=True):
            (folder / name).write_text(self.here(text), encoding="utf-8")

    def here(self, text: str) -> str:
        """Code of the page for the test's server."""
        return text.replace("Redis()", f"Redis(port={self.port})")

    def type(self, number: int) -> None:
        """Types a part of the page at the prompt; what is answered must be what the page says."""
        text = self.here(blocks("pycon")[number]).replace('open("', f'open("{self.folder}/')
        test = doctest.DocTestParser().get_doctest(text, self.names, PAGE.name, str(PAGE), 0)
        assert test.examples
        said: list[str] = []
        doctest.DocTestRunner().run(test, out=said.append, clear_globs=False)
        assert not said, "".join(said)
        self.names = test.globs

    def start(self, *command: str, **env: str) -> subprocess.Popen[str]:
        """Starts a program of the page."""
        env = {**os.environ, "PYTHONPATH": str(ROOT / "client"), **env}
        pipe = subprocess.PIPE
        program = subprocess.Popen(
            [sys.executable, *command], cwd=self.folder, env=env, stdout=pipe, stderr=pipe, text=True
        )
        self.started.append(program)
        return program

    def stop(self, program: subprocess.Popen[str]) -> tuple[list[str], list[str]]:
        """Ctrl-C: what it has printed, and what it has logged."""
        program.send_signal(signal.SIGINT)
        output, log = program.communicate(timeout=30)
        assert program.returncode == 0, log
        return output.splitlines(), [NAME.sub("", line) for line in log.splitlines()]


@pytest.fixture
def shop(tmp_path: Path, server: Server) -> Iterator[Shop]:
    made = Shop(tmp_path, server.port)
    yield made
    for program in made.started:
        program.kill()
        program.communicate()


def test_every_command_of_the_page_is_known_here() -> None:
    commands = re.findall(r"^    \$ (.*)$", TEXT, re.MULTILINE)
    assert sorted(commands) == sorted([*BY_HAND, "python work.py", TESTS])


def test_the_tutorial(shop: Shop, r: redis.Redis) -> None:
    def state(key: str) -> Any:
        return Machine(r, key).states

    shop.type(0)
    worker = shop.start("work.py")
    wait_until(lambda: state("order:1") == ("paid",), "it is paid")
    shop.type(1)
    wait_until(lambda: state("order:2") == state("order:3") == ("open",), "both were refused")
    shop.type(2)
    assert len(blocks("pycon")) == 3
    wait_until(lambda: r.xpending("orders:effects", "billing")["pending"] == 0, "all is done")
    printed, logged = shop.stop(worker)
    begins, *prints = shown("    $ python work.py")
    (ends,) = shown("what was read and not begun is given back.")
    assert printed == prints
    assert (logged[0], logged[-1]) == (NAME.sub("", begins), NAME.sub("", ends))
    assert "task 'charge' of order:2 failed: the card has a limit of 100" in logged
    assert '      raise ValueError("the card has a limit of 100")' in logged
    assert not [line for line in logged if "redisstate" in line], "none of the package's own frames"


def test_the_test_of_the_tutorial(shop: Shop, server: Server) -> None:
    own = {"REDISSTATE_MODULE": str(MODULE), "REDISSTATE_SERVER": str(server.binary.path)}
    tests = shop.start("-m", "pytest", "-q", "-p", "no:cacheprovider", **own)
    output, log = tests.communicate(timeout=60)
    assert tests.returncode == 0, output + log
    said = [re.sub(r" in [\d.]+s", "", line) for line in output.splitlines()]
    assert said == [re.sub(r" in [\d.]+s", "", line) for line in shown(f"    $ {TESTS}")]


def test_the_coroutine(shop: Shop, r: redis.Redis) -> None:
    order = Machine(r, "order:1")
    order.set(blocks("json")[0], input={"total": 30})
    order.send("PAY")
    worker = shop.start("later.py")
    wait_until(lambda: order.states == ("paid",), "it is paid")
    assert shop.stop(worker) == ([], [])


# ---- the tables ----


def rows(heading: str) -> str:
    """A part of the page."""
    return TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def names(text: str) -> set[str]:
    """The names in code."""
    return {name for code in re.findall(r"`([^`]+)`", text) for name in re.findall(r"\w+", code)}


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_all_of_a_machine_is_named() -> None:
    assert public(Machine) <= names(rows("Machines"))
    assert public(AsyncMachine) <= names(rows("Machines"))


def test_all_of_a_step_in_its_history_and_of_what_it_waits_for_is_named() -> None:
    for kind in (Entry, Pending):
        assert set(kind._fields) <= names(rows("Machines")), kind


def test_all_exceptions_are_named() -> None:
    tree = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, StateMachineError)]
    assert {kind.__name__ for kind in tree} <= names(rows("Errors"))
    assert all(hasattr(redisstate, kind.__name__) for kind in tree)


def test_all_settings_counters_and_fields_of_a_worker_are_named() -> None:
    part = rows("Workers")
    settings = inspect.signature(Worker).parameters
    assert settings == inspect.signature(AsyncWorker).parameters
    assert settings.keys() - {"client"} <= names(part)
    assert {field.name for field in dataclasses.fields(Worker(None, stream="a", group="b").counters)} <= names(part)
    assert set(OutboxEntry._fields) - {"machine"} <= names(part)
    for name in ("concurrency", "claim_after", "max_deliveries"):
        assert f"| `{name}` | {settings[name].default} |" in part
    assert f"| a new one, {settings['batch'].default}, {settings['block'].default} |" in part


def test_the_pages_user_has_all_the_rights_that_a_worker_needs(
    server: Server, r: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    (rule,) = re.findall(r"^    (ACL SETUSER .*)$", TEXT, re.MULTILINE)
    server.own.execute_command(*rule.split())
    poor = server.client(username="worker", password="secret")
    try:
        for number in range(5):
            start(r, f"order:{number}", stream="orders:effects")

        def charge(amount: int) -> str:
            works.stop()
            works._held(works._keep())
            return "paid"

        works = charging(poor, charge, stream="orders:effects", claim_after=0.0)
        works._usual = 1e-6  # it reads all at once
        assert works.drain().done == 1
        assert charging(poor, stream="orders:effects", claim_after=0.0).drain().done == 4
        assert [one["name"] for one in r.xinfo_consumers("orders:effects", "workers")] == ["given-back"]
        assert not caplog.records
        other = worker(poor, stream="orders:effects", claim_after=0.0)
        start(r, "order:9", stream="orders:effects")
        other.drain()
        r.delete("order:9")
        other.drain()
        assert r.xpending("orders:effects", "workers")["pending"] == 0
    finally:
        server.own.execute_command("ACL", "DELUSER", "worker")


def test_the_document_of_the_page_has_no_faults(r: redis.Redis) -> None:
    assert r.execute_command("SM.CHECK", json.dumps(json.loads(blocks("json")[0]))) == []
