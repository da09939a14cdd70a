"""SM.SET's third argument, in the engine alone: it says where the machine stands, and is bound as a document is."""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from sm_core import DocumentError, Given, LimitError, Limits, compile_document, explain
from tests.core.test_hints import work
from tests.documents import README, compact

CHART = compact(
    {
        "initial": "a",
        "current": "b",
        "states": {
            "a": {},
            "b": {"type": "parallel", "states": {"x": {"initial": "one", "states": {"one": {}, "two": {}}}, "y": {}}},
            "{}": {},
            "map": {"initial": "c", "states": {"c": {}}},
        },
    }
)
LIMITS = Limits(document_bytes=1000, nesting=5)
DEEP = '{"map":' * 6 + "{}" + "}" * 6


@pytest.mark.parametrize(
    ("document", "current", "message"),
    [
        (CHART, "c", "the third argument: no state 'c'"),
        (CHART, "B", "the third argument: no state 'B'; did you mean 'b'?"),
        (CHART, "b.x.Two", "the third argument: no state 'b.x.Two': 'b.x' has no state 'Two'; did you mean 'b.x.two'?"),
        (CHART, '{"b":{"x":"Two"}}', "the third argument at $.b.x: no state 'Two'; did you mean 'two'?"),
        (CHART, '{"b":3}', "the third argument at $.b: expected a string or an object, got a number"),
        (CHART, '{"a":{},"b":{}}', "the third argument at $: only one state of a compound state can be active"),
        (CHART, "{", "the third argument at $: not JSON: Expecting property name enclosed in double quotes at line 1 column 2"),
        (CHART, '{"b":{"x":{},"x":{}}}', "the third argument at $.b: duplicate member 'x'"),
        (CHART, '{"b":"\\ud800"}', "the third argument at $.b: a lone surrogate is not text"),
        (CHART, DEEP, "the third argument at $.map.map.map.map.map: nested deeper than max-nesting (5) allows"),
        (CHART, "a" * 1001, "the third argument: 1001 bytes, more than max-document-bytes (1000) allows"),
        (CHART, "é" * 501, "the third argument: 1002 bytes, more than max-document-bytes (1000) allows"),
        (CHART, '{"a":' + " " * 1000 + "{}}", "the third argument: 1008 bytes, more than max-document-bytes (1000) allows"),
        (README, "bo", "the third argument: no state 'bo'; did you mean 'boo'?"),
        (README, "b" * 1001, "the third argument: 1001 bytes, more than max-document-bytes (1000) allows"),
    ],
)  # fmt: skip
def test_what_is_refused_says_that_it_is_the_third_argument(document: str, current: str, message: str) -> None:
    definition = compile_document(document.encode(), Limits()).definition
    with pytest.raises(DocumentError) as refused:
        definition.enter(current, None, LIMITS, Given())
    assert explain(refused.value) == message
    assert isinstance(refused.value, LimitError) == ("max-" in message)


def test_what_the_document_says_itself_is_at_its_own_place() -> None:
    error = compile_document(CHART.replace('"current":"b"', '"current":"B"').encode(), Limits()).unknown_current
    assert error == "invalid document at $.current: no state 'B'; did you mean 'b'?"


def test_without_limits_it_was_accepted_before() -> None:
    definition = compile_document(CHART.encode(), Limits()).definition
    long_one = '{"map":' + " " * 1000 + '"c"}'
    with pytest.raises(LimitError):
        definition.enter(long_one, None, LIMITS, Given())
    assert definition.states(definition.enter(long_one, None, None, Given()).configuration) == ("map.c",)
    assert definition.states(definition.enter("{}", None, LIMITS, Given()).configuration) == ("{}",)


@pytest.mark.parametrize("unit", [".", "\\", "\\.", "a", "a.", "b.", "\\\\", "{", '{"b":', "é"])
def test_a_long_one_costs_no_more_than_a_short_one(unit: str) -> None:
    """What grows with it is done by the text's own functions, none of which looks at a character twice."""
    definition = compile_document(CHART.encode(), Limits()).definition

    def cost(length: int) -> int:
        def ask() -> None:
            with pytest.raises(DocumentError):
                definition.enter(unit * (length // len(unit)), None, Limits(), Given())

        ask()
        return work(ask)

    assert cost(2_000_000) < 1.5 * cost(20_000) + 1000
