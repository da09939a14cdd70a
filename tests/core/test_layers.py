"""What may depend on what, by the source itself: sm_core on the standard library, module on sm_core and the shim, the
shim's folders on one another without circles. And what the engine must never do with a document: evaluate it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = sorted((ROOT / "sm_core").rglob("*.py"))
BOUNDARY = sorted((ROOT / "module").glob("*.py"))
CLIENT = sorted((ROOT / "client").rglob("*.py"))
SHIM = ROOT / "module" / "shim"
C = sorted(SHIM.rglob("*.[ch]"))
LONGEST_FILE = 500
LONGEST_LINE = 120


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> Iterator[str]:
    """The top-level packages that a file imports; "" is its own."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "" if node.level else (node.module or "").partition(".")[0]


def test_there_is_something_to_look_at() -> None:
    assert len(ENGINE) >= 4
    assert len(BOUNDARY) >= 4
    assert len(CLIENT) >= 5
    assert len(C) >= 30


# Python


@pytest.mark.parametrize("path", ENGINE, ids=name)
def test_the_engine_needs_the_standard_library_only(path: Path) -> None:
    assert set(imported(path)) - {""} <= set(sys.stdlib_module_names)


FORBIDDEN_MODULES = {"os", "io", "socket", "subprocess", "time", "datetime", "random", "pickle", "marshal", "importlib"}


@pytest.mark.parametrize("path", ENGINE, ids=name)
def test_the_engine_has_no_clock_and_no_io(path: Path) -> None:
    assert not set(imported(path)) & FORBIDDEN_MODULES


@pytest.mark.parametrize("path", BOUNDARY, ids=name)
def test_the_boundary_needs_the_engine_and_the_shim_only(path: Path) -> None:
    assert set(imported(path)) - {"", "sm_core", "_redisstate"} <= set(sys.stdlib_module_names)


EVALUATING = {"eval", "exec", "compile", "__import__", "open", "input", "globals", "locals", "vars", "setattr"}
FORMATTING = {"format", "format_map"}


@pytest.mark.parametrize("path", ENGINE + BOUNDARY, ids=name)
def test_nothing_of_a_document_is_evaluated(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                assert node.func.id not in EVALUATING, f"{path.name}:{node.lineno}"
            if isinstance(node.func, ast.Attribute):
                assert node.func.attr not in FORMATTING, f"{path.name}:{node.lineno}"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            assert not isinstance(node.left, ast.Constant | ast.JoinedStr), f"{path.name}:{node.lineno}"


OF_THE_CLIENT = {"cli": {"redis", "click", "rich", "redisstate"}, "testing.py": {"redis", "pytest"}}
"""What parts of the client may import beside the standard library; the others have no client library of their own."""


@pytest.mark.parametrize("path", CLIENT, ids=name)
def test_the_client_needs_nothing_of_the_module(path: Path) -> None:
    part = path.relative_to(ROOT / "client" / "redisstate").parts[0]
    assert set(imported(path)) - {""} - OF_THE_CLIENT.get(part, set()) <= set(sys.stdlib_module_names)


# C


def part(path: Path) -> str:
    """The folder of a file of the shim; a file that stands beside the folders is a part of its own."""
    place = path.relative_to(SHIM)
    return place.parts[0] if len(place.parts) > 1 else place.stem


def included(path: Path) -> set[str]:
    """The parts of the shim that a file includes, but for its own."""
    found = re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE)
    return {part(SHIM / line) for line in found if (SHIM / line).exists()} - {part(path)}


def drawn() -> str:
    """The parts, each with those that it includes, from the bottom up."""
    parts: dict[str, set[str]] = {}
    for path in C:
        parts.setdefault(part(path), set()).update(included(path))
    order = TopologicalSorter({one: sorted(parts[one]) for one in sorted(parts)}).static_order()
    return "\n".join(f"    {one:<11}{', '.join(sorted(parts[one])) or '-'}" for one in order)


def test_the_folders_of_the_shim_include_one_another_without_circles() -> None:
    """graphlib names the circle. The picture in docs/architecture.md is this one."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    assert drawn() in page, f"docs/architecture.md has another picture:\n{drawn()}"


def test_each_folder_of_the_shim_has_a_header_that_is_its_own() -> None:
    for folder in sorted(path for path in SHIM.iterdir() if path.is_dir()):
        assert list(folder.glob("*.h")), folder.name
    included_by = {path: sum(f'"{path.relative_to(SHIM)}"' in other.read_text() for other in C) for path in C}
    assert [path for path in C if path.suffix == ".h" and not included_by[path] and path.name != "exports.h"] == []


@pytest.mark.parametrize("path", C, ids=name)
def test_a_file_of_the_shim_says_what_it_is_for_and_is_no_servers_header(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("/* ")
    assert "redismodule.h" not in text


# All of them


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / line for line in listed.splitlines() if line.endswith((".py", ".c", ".h", ".sh"))]
    return [path for path in paths if path.exists()]


@pytest.mark.parametrize("path", tracked(), ids=name)
def test_a_file_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", [path for path in tracked() if path.suffix != ".py"], ids=name)
def test_its_lines_are_short(path: Path) -> None:
    """Those of Python are ruff's to look at."""
    assert max(map(len, path.read_text().splitlines())) <= LONGEST_LINE


@pytest.mark.parametrize("path", ENGINE + BOUNDARY + CLIENT, ids=name)
def test_a_file_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))
