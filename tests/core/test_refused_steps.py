"""What is given wrongly with a step, or fails in it, is refused with a code and a line that says where and why."""

from __future__ import annotations

import pytest

from sm_core import DocumentError, EngineError, check_document, compile_document, explain
from tests.documents import compact
from tests.refusals import LIMITS
from tests.refused_data import SNAPSHOTS, STEPS


@pytest.mark.parametrize("name", STEPS)
def test_a_refused_step_says_why(name: str) -> None:
    refused = STEPS[name]
    definition = compile_document(compact(refused.document).encode(), LIMITS).definition
    with pytest.raises(EngineError) as error:
        refused.ask(definition)
    assert explain(error.value).removeprefix("invalid document at ").startswith(refused.error)
    assert error.value.code == refused.code


@pytest.mark.parametrize("name", STEPS)
def test_it_is_one_line(name: str) -> None:
    definition = compile_document(compact(STEPS[name].document).encode(), LIMITS).definition
    with pytest.raises(EngineError) as error:
        STEPS[name].ask(definition)
    assert explain(error.value).isprintable()


@pytest.mark.parametrize(("document", "path", "fault"), SNAPSHOTS, ids=[path for _, path, _ in SNAPSHOTS])
def test_a_snapshot_that_cannot_be_is_refused_with_its_place(document: object, path: str, fault: str) -> None:
    text = compact(document).encode()
    with pytest.raises(DocumentError) as refused:
        compile_document(text, LIMITS)
    assert (refused.value.path, refused.value.fault) == (path, fault)
    assert check_document(text, LIMITS) == [("error", path, fault)]
