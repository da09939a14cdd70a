"""Equal tables of charts are one object: what is compiled again adds nothing to what is remembered for that."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sm_core import Limits, check_document, compile_document
from sm_core.chart import indexes
from tests.charts_with_data import DOOR, LARGE, ORDER, WAITS
from tests.core.chart_support import FIXTURES
from tests.documents import compact
from tests.refusals import DOCUMENTS as WRONG
from tests.refusals import LIMITS
from tests.refused_data import STEPS
from tests.timers.charts import ASKING, CHARGE, FAILING

DOCUMENTS: dict[str, Any] = {
    **{name: json.loads(document) for name, document in (
        ("door", DOOR), ("large", LARGE), ("order", ORDER), ("waits", WAITS), ("charge", CHARGE), ("asking", ASKING),
        ("failing", FAILING),
    )},
    **{fixture["name"]: fixture["config"] for fixture in FIXTURES[:40]},
    **{f"step {name}": refused.document for name, refused in STEPS.items()},
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_compiled_again_is_remembered_already(name: str) -> None:
    document = compact(DOCUMENTS[name]).encode()
    remembered: Any = indexes._remembered
    compile_document(document, Limits())
    before = remembered.cache_info().misses
    compile_document(document, Limits())
    assert remembered.cache_info().misses == before


@pytest.mark.parametrize("name", [name for name, _ in WRONG])
def test_what_is_checked_again_is_remembered_already(name: str) -> None:
    """Also of a document in which something is wrong: of what a state waits for there may be nothing then."""
    document = dict(WRONG)[name]
    remembered: Any = indexes._remembered
    check_document(document, LIMITS)
    before = remembered.cache_info().misses
    check_document(document, LIMITS)
    assert remembered.cache_info().misses == before
