"""The diagrams that docs/statecharts.md shows are what the server answers for its order."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
import redis

from tests.docs.test_sessions import python
from tests.servers import ROOT

PAGE = ROOT / "docs" / "statecharts.md"


@pytest.fixture
def order(r: redis.Redis) -> str:
    """The page's order, where the pictures show it."""
    document = json.dumps(python(r, PAGE)["order"])
    assert r.execute_command("SM.SET", "shown", document, "open.payment.paid") == "OK"
    return "shown"


def test_the_mermaid_text_is_the_servers(r: redis.Redis, order: str) -> None:
    shown = re.search(r"^```mermaid\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert r.execute_command("SM.DIAGRAM", order) == shown[1]


def test_the_picture_of_dot_shows_what_the_server_says(r: redis.Redis, order: str) -> None:
    picture = (ROOT / "docs" / "pictures" / "order-dot.svg").read_text(encoding="utf-8")
    shown = sorted(unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", picture))
    text = r.execute_command("SM.DIAGRAM", order, "DOT")
    assert shown == sorted(label for label in re.findall(r'label="([^"]*)"', text) if label)
    edges = [unescape(edge) for edge in re.findall(r"<title>([^<]*&gt;[^<]*)</title>", picture)]
    assert sorted(edges) == sorted(edge.replace(" ", "") for edge in re.findall(r"\w+ -> \w+", text))


def test_the_pictures_are_on_the_page() -> None:
    for name in ("order-dot.svg", "order-mermaid.png"):
        assert f"](pictures/{name})" in PAGE.read_text(encoding="utf-8")
        assert (ROOT / "docs" / "pictures" / name).stat().st_size > 10_000
