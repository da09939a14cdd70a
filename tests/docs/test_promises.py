"""A page that promises something names the test that shows it, and that test exists."""

from __future__ import annotations

import re

import pytest

from tests.servers import ROOT

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("page", ["durability.md", "access-control.md"])
def test_every_test_that_is_named_exists(page: str) -> None:
    named = NAMED.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert named
    for path, test in named:
        assert (ROOT / path).exists(), path
        if test:
            source = (ROOT / path).read_text(encoding="utf-8")
            assert re.search(rf"^\s*def {test}\(", source, re.MULTILINE), f"{path}::{test}"


def test_every_row_of_durability_names_one() -> None:
    page = (ROOT / "docs" / "durability.md").read_text(encoding="utf-8")
    tables = re.findall(r"^\|.*\|\n\|[-|]+\|\n((?:\|.*\|\n)+)", page, re.MULTILINE)
    assert len(tables) == 7
    for row in "".join(tables).splitlines():
        assert NAMED.search(row.split("|")[-2]), row
