"""What may depend on what, by the source itself: sm_core on the standard library, module on sm_core and the shim.
And what the engine must never do with a document: evaluate it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = sorted((ROOT / "sm_core").rglob("*.py"))
BOUNDARY = sorted((ROOT / "module").glob("*.py"))


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


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: path.name)
def test_the_engine_needs_the_standard_library_only(path: Path) -> None:
    assert set(imported(path)) - {""} <= set(sys.stdlib_module_names)


FORBIDDEN_MODULES = {"os", "io", "socket", "subprocess", "time", "datetime", "random", "pickle", "marshal", "importlib"}


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: path.name)
def test_the_engine_has_no_clock_and_no_io(path: Path) -> None:
    assert not set(imported(path)) & FORBIDDEN_MODULES


@pytest.mark.parametrize("path", BOUNDARY, ids=lambda path: path.name)
def test_the_boundary_needs_the_engine_and_the_shim_only(path: Path) -> None:
    assert set(imported(path)) - {"", "sm_core", "_redisstate"} <= set(sys.stdlib_module_names)


EVALUATING = {"eval", "exec", "compile", "__import__", "open", "input", "globals", "locals", "vars", "setattr"}
FORMATTING = {"format", "format_map"}


@pytest.mark.parametrize("path", ENGINE + BOUNDARY, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_of_a_document_is_evaluated(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                assert node.func.id not in EVALUATING, f"{path.name}:{node.lineno}"
            if isinstance(node.func, ast.Attribute):
                assert node.func.attr not in FORMATTING, f"{path.name}:{node.lineno}"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            assert not isinstance(node.left, ast.Constant | ast.JoinedStr), f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("path", ENGINE + BOUNDARY, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_file_says_what_it_is_for_and_is_short(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= 500


def test_the_shim_includes_no_server_header_and_is_short() -> None:
    sources = sorted((ROOT / "module" / "shim").rglob("*.[ch]"))
    assert len(sources) >= 10
    for path in sources:
        text = path.read_text()
        assert text.startswith("/* "), path.name
        assert "redismodule.h" not in text, path.name
        assert len(text.splitlines()) <= 500, path.name
