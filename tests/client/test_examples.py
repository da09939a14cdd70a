"""The examples in docstrings answer as they say. Those of a class's methods go on from the class's own."""

from __future__ import annotations

import doctest
import importlib
import inspect
from collections.abc import Iterator
from types import ModuleType

import pytest
import redis
import redis.asyncio

from redisstate import machine
from tests.servers import ROOT, Server

MODULES = ["machine", "async_machine", "async_machines", "documents", "machines", "replies", "errors"]


def module(name: str) -> ModuleType:
    return importlib.import_module(f"redisstate.{name}")


def examples() -> Iterator[tuple[str, list[doctest.Example]]]:
    finder = doctest.DocTestFinder(exclude_empty=True, recurse=True)
    for name in MODULES:
        found = {test.name: test.examples for test in finder.find(module(name), f"redisstate.{name}")}
        for where, own in found.items():
            owner = found.get(where.rpartition(".")[0], [])
            if own:
                yield where.removeprefix("redisstate."), [*owner, *own]


EXAMPLES = dict(examples())


@pytest.mark.parametrize("where", EXAMPLES)
def test_an_example_answers_as_it_says(server: Server, where: str) -> None:
    names = {
        "client": server.client(decode_responses=False),
        "async_client": lambda: redis.asyncio.Redis(port=server.port),
    }
    test = doctest.DocTest(EXAMPLES[where], names, where, None, None, None)
    said: list[str] = []
    doctest.DocTestRunner().run(test, out=said.append)
    assert not said, "".join(said)


def test_every_command_of_a_machine_has_an_example_or_needs_none() -> None:
    without = {
        name
        for name, value in vars(machine.Machine).items()
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))
        if f"machine.Machine.{name}" not in EXAMPLES
    }
    assert without == {"exists", "output", "reason"}, "their neighbours' examples show them"


def test_the_modules_with_examples_are_all_looked_at() -> None:
    found = {path.stem for path in (ROOT / "client" / "redisstate").glob("*.py") if ">>> " in path.read_text()}
    assert found <= {*MODULES, "worker", "async_worker", "types"}
