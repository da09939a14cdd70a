"""Our answers against Google's runtime, for each expression of oracle.jsonl, which generate.py wrote."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sm_core.cel import ExpressionFault, compile_expression
from tests.core.cel.encoding import DIFFERENCES, ORACLE, agree, answer, read

PAGE = Path(__file__).resolve().parents[3] / "docs" / "expressions.md"
REASONS = {
    "int with double": "arithmetic of an int with a double gives a double; there it is an error",
    "exact comparison": "an int and a double are compared exactly; there the int is rounded first",
    "matches": "is refused: a pattern could stop the server",
    "methods": "contains, startsWith and endsWith are written text.contains(part) only",
    "time zones": "none but UTC and offsets below a day, for other names stand in files",
    "strict timestamps": "a timestamp is RFC 3339, with two digits for each part and a colon in the offset",
    "long durations": "the parts of a duration may exceed 292 years, the result of arithmetic may not",
    "messages": "there are none, and so no names of their types",
    "backticks": "a member that is no name is written context['a-b']",
    "empty comma": "[,] and {,} are not lists and maps",
    "double negation": "!!x wants a bool, as !x does",
    "hexadecimal text": "double('0x1F') is refused",
    "raw text": "a raw text may end with a backslash",
    "NaN as text": "string() of NaN is nan, never -nan",
}
"""Why we differ. docs/expressions.md has one row for each."""


def test_thousands_of_expressions_answer_what_googles_runtime_answers() -> None:
    scope, *pairs = read(ORACLE)
    assert len(pairs) >= 10_000
    expected = dict(pairs)
    listed = {text: ours for _, text, ours in read(DIFFERENCES)}
    wrong = []
    for text, theirs in expected.items():
        ours = answer(text, scope)
        if not agree(ours, listed.get(text, theirs)):
            wrong.append((text, ours, theirs))
    assert wrong == []
    assert [text for text in listed if text not in expected] == []
    assert [text for text, ours in listed.items() if agree(ours, expected[text])] == []


def test_most_of_them_have_a_value() -> None:
    """A file of errors alone would be no test."""
    answers = [theirs for _, theirs in read(ORACLE)[1:]]
    failed = Counter(theirs["error"] for theirs in answers if isinstance(theirs, dict) and "error" in theirs)
    assert len(answers) - failed.total() >= 4_000
    assert failed["evaluate"] >= 1_000
    assert failed["compile"] >= 100


def test_each_difference_has_a_reason_and_each_reason_a_difference() -> None:
    assert {reason for reason, _, _ in read(DIFFERENCES)} == set(REASONS)


@pytest.mark.parametrize("name", REASONS)
def test_the_page_tells_of_each_difference(name: str) -> None:
    assert f"| {name} |" in PAGE.read_text()


def test_what_google_takes_and_we_refuse_is_refused_by_name() -> None:
    for name in ("matches", "contains"):
        with pytest.raises(ExpressionFault, match=f"{name}\\(\\)"):
            compile_expression(f"{name}('abc', 'b')")
