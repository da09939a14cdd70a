"""The examples of docs/expressions.md hold: what stands before an arrow answers what stands behind it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from sm_core.cel import MOST_DEPTH, MOST_NODES, MOST_TEXT, NAMES, CelError, Scope, compile_expression, to_json
from sm_core.cel.functions import FUNCTIONS
from tests.servers import ROOT

PAGE = (ROOT / "docs" / "expressions.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GIVEN = re.compile(rf"({'|'.join(sorted(NAMES))}): +(.*)")


class Example(NamedTuple):
    expression: str
    given: dict[str, Any]
    expected: str


def examples() -> Iterator[Example]:
    for block in BLOCK.findall(PAGE):
        given: dict[str, Any] = {}
        waiting = ""
        for line in block.splitlines():
            stated = GIVEN.fullmatch(line)
            if stated:
                given[stated[1]] = json.loads(stated[2])
                continue
            text, arrow, expected = line.partition("→")
            waiting += text + ("" if arrow else "\n")
            if arrow:
                yield Example(waiting.strip(), given, expected.strip())
                waiting = ""
        assert not waiting.strip(), waiting


EXAMPLES = list(examples())


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.expression for example in EXAMPLES])
def test_an_example_holds(example: Example) -> None:
    given = {**dict.fromkeys(NAMES), **example.given}
    scope = Scope(**given, in_state=None, steps=1_000)
    try:
        answer = json.dumps(to_json(compile_expression(example.expression).evaluate(scope), scope))
    except CelError as error:
        answer = f"error: {error.message}"
    assert answer == example.expected


def test_there_are_ten_recipes_each_with_examples() -> None:
    recipes = PAGE.split("## Ten recipes\n")[1].split("\n## ")[0].split("\n**")[1:]
    assert len(recipes) == 10
    assert all("→" in recipe for recipe in recipes)


def test_each_function_and_name_stands_in_a_table() -> None:
    rows = "".join(line for line in PAGE.splitlines() if line.startswith("|"))
    assert [name for name in [*FUNCTIONS, *NAMES] if not re.search(rf"\b{name}\b", rows)] == []


def test_the_bounds_are_those_of_the_engine() -> None:
    assert f"a text of {MOST_TEXT // 1024} KB, {MOST_NODES:,} parts, {MOST_DEPTH} levels of nesting" in PAGE
