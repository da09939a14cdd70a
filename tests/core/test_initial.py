"""SM.GET key INITIAL of a chart whose start asks for more than the document: INPUT, the client's guards."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.played import Played
from tests.refused_data import assign, expr

INSIDE = {"b": {"initial": "x", "states": {"x": {"always": {"guard": "ready", "target": "y"}}, "y": {}}}}


def initial(always: Any, **members: Any) -> str:
    document = {"initial": "a", "states": {"a": {"always": always}, **INSIDE}, **members}
    return Played(document, guards=[], input={"n": 1}).definition.initial


@pytest.mark.parametrize(
    ("always", "members", "answer"),
    [
        ({"guard": "isVip", "target": "b"}, {}, "a"),
        ("b", {}, '{"b":"x"}'),
        ([{"guard": "isVip"}, {"target": "b"}], {}, "a"),
        ("b", {"context": {"n": expr("input.n")}}, '{"b":"x"}'),
        ({"guard": expr("context.n == 1"), "target": "b"}, {"context": {"n": expr("input.n")}}, "a"),
        ({"target": "b", "actions": assign(n=expr("context.n + 1"))}, {"context": {"n": expr("input.n")}}, '{"b":"x"}'),
    ],
    ids=str,
)
def test_where_it_wants_what_was_not_said_the_guards_are_not_asked(
    always: Any, members: dict[str, Any], answer: str
) -> None:
    assert initial(always, **members) == answer


def test_what_the_document_alone_decides_is_decided() -> None:
    holds = {"guard": expr("context.n == 1"), "target": "c"}
    document = {"initial": "a", "context": {"n": 1}, "states": {"a": {"always": holds}, "c": {}}}
    assert Played(document).definition.initial == "c"
