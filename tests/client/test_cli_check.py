"""``redisstate check``: the server's findings, at their place in the text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redisstate.cli.places import place
from sm_core.errors import element, member
from tests.client.command_line import MAP, Shell, write
from tests.servers import Server


@pytest.fixture
def shell(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(server)


# Places

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=70) | st.sampled_from(
    ["a", "on", "$", 'q"', "]", ":"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


def paths(value: Any, path: str = "$", begins: str = "") -> list[tuple[str, str]]:
    """Each path as the engine writes it, and how the text begins there: with the member's name, or the element."""
    found = [(path, begins)]
    if isinstance(value, dict):
        for name, inner in value.items():
            found += paths(inner, member(path, name), json.dumps(name))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            found += paths(inner, element(path, index), json.dumps(inner)[:1])
    return found


@given(VALUES, st.sampled_from([None, 0, 3]))
def test_each_path_of_the_engine_leads_to_its_place(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    found = paths(value)
    written = [path for path, _ in found]
    once = [one for one in found if written.count(one[0]) == 1]  # of long names that are cut, two may be one
    for path, begins in once:
        row, column = place(text.encode(), path, "")
        assert text.splitlines()[row - 1][column - 1 :].startswith(begins), path


@pytest.mark.parametrize(
    ("path", "message", "expected"),
    [
        ("$.states.a", "", (2, 3)),
        ("$.states.a.on.GO[1]", "", (2, 28)),
        ("$.states.a.entry", "a default that is not written", (2, 3)),
        ("$.nothing[4].here", "", (1, 1)),
        ("$", "duplicate member 'x'", (4, 10)),
        ("$.states", "duplicate member 'b'", (3, 3)),
    ],
)
def test_the_nearest_place_that_is_there_is_meant(path: str, message: str, expected: tuple[int, int]) -> None:
    text = '{"states": {\n  "a": {"on": {"GO": ["ä", "b"]}}, "b": 1,\n  "b": {}},\n "x": 1, "x": 2}'
    assert place(text.encode(), path, message) == expected


@pytest.mark.parametrize("text", ["", "[" * 100_000, '{"a": 1', "\ufeff{}", '{"a" 1}', "}"])
def test_a_text_that_is_no_json_has_a_place_too(text: str) -> None:
    assert place(text.encode(), "$.a", "") == (1, 1)


# Findings


def test_each_finding_is_at_its_line_and_column(shell: Shell, tmp_path: Path) -> None:
    write(tmp_path, good=MAP, bad='{"initial": "a",\n "states": {\n  "a": {"on": {"GO": "b", "BACK": ["a", "c"]}}}}')
    result = shell.run("check", "good.json", "bad.json")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "bad.json:3:16: error: no state 'b'  $.states.a.on.GO",
        "bad.json:3:41: error: no state 'c'  $.states.a.on.BACK[1]",
    ]
    assert result.stderr == "2 documents, 2 errors, 0 warnings\n"


@pytest.mark.parametrize(
    ("text", "place"),
    [(b'{"initial": "a",\n  x}', "2:3"), (b'{"initial":\n "\xff"}', "2:3"), (b'{"map": {},\n "map": {}}', "2:2")],
    ids=["no JSON", "no UTF-8", "twice"],
)
def test_what_no_parser_takes_has_its_place(shell: Shell, text: bytes, place: str) -> None:
    result = shell.run("check", "-", given=text)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"stdin:{place}: error: ")


def test_warnings_fail_where_they_are_to(shell: Shell, tmp_path: Path) -> None:
    write(tmp_path, odd={"initial": "a", "map": {"a": [], "b": []}})
    assert "odd.json:1:35: warning: 'b' cannot be reached" in shell.done("check", "odd.json")
    assert shell.run("check", "odd.json", "--strict").exit_code == 1


def test_findings_are_json_where_that_is_asked_for(shell: Shell, tmp_path: Path) -> None:
    write(tmp_path, good=MAP, bad={"initial": "a", "map": {"a": [1]}})
    assert shell.json("check", "good.json", "bad.json", status=1) == [
        {
            "file": "bad.json",
            "line": 1,
            "column": 32,
            "severity": "error",
            "path": "$.map.a[0]",
            "message": "expected a string, got a number",
        }
    ]


def test_a_file_that_is_not_there_is_wrong_usage(shell: Shell) -> None:
    assert "'nothing.json' does not exist" in shell.failed("check", "nothing.json", status=2)
