"""SM.CHECK, SM.DIAGRAM and SM.RENDER on a server. Findings and drawings in detail are tested in tests/core."""

from __future__ import annotations

import pytest
import redis

from tests.documents import README

CHART = (
    '{"id":"order","initial":"cart","states":{"cart":{"on":{"PAY":"paid"}},'
    '"paid":{"on":{"SHIP":"shipped"}},"shipped":{"type":"final"}}}'
)


def test_a_good_document_has_no_findings(r: redis.Redis) -> None:
    assert r.execute_command("SM.CHECK", '{"map":{"a":["b"],"b":["a"]},"initial":"a"}') == []
    assert r.execute_command("SM.CHECK", CHART) == []
    assert r.dbsize() == 0


@pytest.mark.parametrize(
    "document",
    [
        b"\xff",
        "nonsense",
        "[]",
        "{}",
        '{"map":{},"initial":1}',
        '{"map":{},"initial":"a","current":"b"}',
        '{"map":{},"states":{},"initial":"a"}',
        '{"map":{"a":["b",1]},"initial":"a"}',
        '{"initial":"a","states":{"a":{"on":{"X":"b"}}}}',
        '{"initial":"a","states":{"a":{}},"reason":1}',
        '{"initial":"a","states":{"a":{"always":"b"},"b":{"always":"a"}}}',
        '{"initial":"a","states":{"a":{}},"current":"b"}',
    ],
)
def test_an_error_is_what_set_refuses(r: redis.Redis, document: str | bytes) -> None:
    with pytest.raises(redis.ResponseError) as refused:
        r.execute_command("SM.SET", "k", document)
    findings = r.execute_command("SM.CHECK", document)
    severity, path, message = findings[0]
    assert severity == "error"
    assert message in str(refused.value)
    assert path in str(refused.value) or path == "$"


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ('{"map":{"a":[],"c":["a"]},"initial":"a"}', "$.map.c"),
        ('{"initial":"a","states":{"a":{"on":{"X":"b"}},"b":{"on":{"X":"a"}},"c":{"type":"final"}}}', "$.states.c"),
        ('{"initial":"a","states":{"a":{"on":{"X":"b"}},"b":{}}}', "$.states.b"),
        (
            '{"initial":"a","states":{"a":{"on":{"X":["b",{"target":"a"}]}},"b":{"type":"final"}}}',
            "$.states.a.on.X[1]",
        ),
    ],
)
def test_a_warning_names_the_place_and_set_takes_it(r: redis.Redis, document: str, path: str) -> None:
    findings = r.execute_command("SM.CHECK", document)
    assert [finding[:2] for finding in findings] == [["warning", path]]
    assert r.execute_command("SM.SET", "k", document) == "OK"


@pytest.mark.parametrize("document", [README, CHART])
def test_diagrams_mark_the_active_state(r: redis.Redis, document: str) -> None:
    r.execute_command("SM.SET", "k", document)
    mermaid = r.execute_command("SM.DIAGRAM", "k")
    assert mermaid.startswith("stateDiagram-v2\n")
    assert mermaid == r.execute_command("SM.DIAGRAM", "k", "mermaid")
    dot = r.execute_command("SM.DIAGRAM", "k", "DOT")
    assert dot.startswith("digraph ")
    assert (
        len([line for line in dot.splitlines() if "fillcolor" in line and "label=" in line and "black" not in line])
        == 1
    )
    event = r.execute_command("SM.NEXT", "k")[0]
    r.execute_command("SM.SEND", "k", event)
    assert r.execute_command("SM.DIAGRAM", "k") != mermaid
    assert r.execute_command("SM.DIAGRAM", "k", "DOT") != dot


def test_a_missing_key_and_another_word(r: redis.Redis) -> None:
    assert r.execute_command("SM.DIAGRAM", "missing") is None
    r.execute_command("SM.SET", "k", README)
    for command, argument in (("SM.DIAGRAM", "k"), ("SM.RENDER", README)):
        with pytest.raises(redis.ResponseError, match=r"^syntax error: 'PNG' .*; known are MERMAID, DOT$"):
            r.execute_command(command, argument, "PNG")


@pytest.mark.parametrize("form", [(), ("MERMAID",), ("dot",)])
@pytest.mark.parametrize("document", [README, CHART])
def test_a_picture_of_a_document_is_that_of_the_machine_without_its_marks(
    r: redis.Redis, document: str, form: tuple[str, ...]
) -> None:
    r.execute_command("SM.SET", "k", document)
    rendered = r.execute_command("SM.RENDER", document, *form).splitlines()
    drawn = r.execute_command("SM.DIAGRAM", "k", *form).splitlines()
    marks = [line for line in drawn if "classDef" in line or "    class " in line]
    fill = ', style="rounded,filled", fillcolor="#ffd54f"'
    assert rendered == [line.replace(fill, "") for line in drawn if line not in marks] != drawn
    assert r.keys() == ["k"]


def test_what_cannot_be_stored_is_not_drawn(r: redis.Redis) -> None:
    for document in ("", "{}", '{"map":{},"initial":1}', '{"initial":"a","states":{"a":{"on":{"E":"c"}}}}'):
        with pytest.raises(redis.ResponseError) as refused:
            r.execute_command("SM.SET", "k", document)
        with pytest.raises(redis.ResponseError) as not_drawn:
            r.execute_command("SM.RENDER", document)
        assert str(not_drawn.value) == str(refused.value)
