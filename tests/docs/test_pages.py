"""The pages as a reader has them: none is long, each is reached from the README, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.servers import ROOT

README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
LONGEST = 250
"""Lines of a page."""


def prose(page: Path) -> str:
    """A page without its code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[tuple[Path, str]]:
    """The files that a page links to, and the places in them."""
    found = re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", prose(page))
    return [(page.parent / file if file else page, place) for file, place in found if "://" not in file]


def places(page: Path) -> set[str]:
    """The names of a page's headings in links, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: page.name)
def test_a_page_is_no_longer_than_a_page(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_the_readme_leads_to_every_page() -> None:
    linked = {file.resolve() for file, _ in links(README)}
    assert [page.name for page in PAGES if page not in linked] == []


@pytest.mark.parametrize("page", [README, ROOT / "CONTRIBUTING.md", *PAGES], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for file, place in links(page):
        assert file.exists(), file
        if place:
            assert place in places(file), f"{file.name}#{place}"
