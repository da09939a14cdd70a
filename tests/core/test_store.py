"""A document's ``store`` member: which there are, and what its machines do for it."""

from __future__ import annotations

from typing import Any

import pytest

from sm_core import DocumentError, LimitError, Limits, Machine, check_document, compile_document
from sm_core.store import TOKENS, Outbox, Store
from tests.documents import compact
from tests.refusals import ORDER

MAP = {"map": {"a": ["b"]}, "initial": "a"}


def compiled(document: dict[str, Any], **store: Any) -> Any:
    return compile_document(compact({**document, "store": store}).encode(), Limits()).definition


@pytest.mark.parametrize("document", [ORDER, MAP], ids=["chart", "map"])
def test_a_machine_with_a_store_counts_its_steps(document: dict[str, Any]) -> None:
    assert compiled(document).counts
    assert not compile_document(compact(document).encode(), Limits()).definition.counts


@pytest.mark.parametrize("document", [ORDER, MAP], ids=["chart", "map"])
def test_the_outbox_is_what_the_document_says(document: dict[str, Any]) -> None:
    named = {**document, "id": "order", "version": "2"}
    assert compiled(named, outbox={"stream": "s"}).store.outbox == Outbox("s", False, 0, "order@2")
    said = {"stream": "{}:s", "of": "steps", "maxlen": 7}
    assert compiled(named, outbox=said).store.outbox == Outbox("{}:s", True, 7, "order@2")
    assert compiled(named).store.outbox is None


def test_entries_name_a_document_as_far_as_it_has_a_name() -> None:
    assert compiled(MAP, outbox={"stream": "s"}).store.outbox.machine == ""
    assert compiled({**MAP, "version": "2"}, outbox={"stream": "s"}).store.outbox.machine == "@2"
    assert compiled(ORDER, outbox={"stream": "s"}).store.outbox.machine == "order"


def test_the_store_is_part_of_the_definition() -> None:
    for document in (ORDER, MAP):
        definition = compiled(document, outbox={"stream": "s"})
        assert b'"store":{"outbox":{"stream":"s"}}' in definition.canonical


def test_an_empty_list_is_no_store() -> None:
    """1.0 passed over it in a chart."""
    definition = compile_document(compact({**ORDER, "store": []}).encode(), None).definition
    assert not definition.counts


def test_a_map_keeps_a_revision_and_no_data() -> None:
    definition = compiled(MAP)
    assert definition.admit_data(Machine(b"a"), Limits()) == Machine(b"a")
    with pytest.raises(DocumentError, match="context: a flat machine keeps no data"):
        definition.admit_data(Machine(b"a", b"{}"), Limits())


def test_check_finds_a_wrong_store_in_a_map() -> None:
    document = compact({**MAP, "store": {"outbox": {}}}).encode()
    assert check_document(document, Limits()) == [("error", "$.store.outbox", "member 'stream' is missing")]


def test_check_warns_of_a_stream_that_forgets_tasks() -> None:
    task = {"initial": "a", "states": {"a": {"invoke": {"src": "work", "onDone": "b"}}, "b": {"type": "final"}}}

    def findings(document: dict[str, Any], **outbox: Any) -> list[tuple[str, str, str]]:
        said = {**document, "store": {"outbox": {"stream": "s", **outbox}}}
        return check_document(compact(said).encode(), Limits())

    message = "the stream keeps about 100 entries, and forgets tasks that nobody has read by then"
    assert findings(task, maxlen=100) == [("warning", "$.store.outbox.maxlen", message)]
    assert findings(task) == []
    assert findings(ORDER, maxlen=100) == []


@pytest.mark.parametrize("document", [ORDER, MAP], ids=["chart", "map"])
def test_what_is_kept_of_steps_is_what_the_document_says(document: dict[str, Any]) -> None:
    said = compiled(document, history=100, idempotency=7, expire="30d").store
    assert (said.history, said.tokens, said.expire) == (100, 7, 30 * 86_400_000)
    assert compiled(document).store == Store(None, 0, TOKENS, 0)
    assert compiled(document, history=None, idempotency=None, expire=None).store == Store()


@pytest.mark.parametrize("name", ["history", "idempotency"])
def test_the_settings_bound_what_is_kept(name: str) -> None:
    limits = Limits(history=5, idempotency=5)
    document = {**MAP, "store": {name: 6}}
    with pytest.raises(LimitError, match=rf"\$\.store\.{name}: 6, more than max-{name} \(5\) allows"):
        compile_document(compact(document).encode(), limits)
    assert compile_document(compact(document).encode(), None).definition.store != Store(), "it was accepted before"
    kept = compile_document(compact({**MAP, "store": {name: 5}}).encode(), limits).definition.store
    assert 5 in (kept.history, kept.tokens)


@pytest.mark.parametrize("name", ["history", "idempotency"])
@pytest.mark.parametrize("said", [0, -1, 1.0, 1.5, True, "5", [], {}])
def test_how_many_are_kept_is_a_number_of_them(name: str, said: object) -> None:
    with pytest.raises(DocumentError, match=rf"\$\.store\.{name}: expected an integer that is at least 1"):
        compiled(MAP, **{name: said})


@pytest.mark.parametrize(
    ("said", "milliseconds"),
    [
        (1, 1), (1500, 1500), (0.5, 1), ("250", 250), ("1.5s", 1500), ("12h", 43_200_000), ("P30D", 2_592_000_000),
        ("P1W", 604_800_000), ("PT0.001S", 1),
    ],
)  # fmt: skip
def test_a_ttl_is_a_duration(said: object, milliseconds: int) -> None:
    assert compiled(MAP, expire=said).store.expire == milliseconds


@pytest.mark.parametrize(
    "said", [0, -1, 0.0, True, "", "0", "0d", "-1d", "1y", "P1M", "P1Y", "P", " 1d", "1e99", 1e300, {}]
)
def test_what_is_no_duration_is_refused(said: object) -> None:
    with pytest.raises(DocumentError, match=r"\$\.store\.expire: expected milliseconds, '12h', '30d' or 'P30D', got "):
        compiled(MAP, expire=said)
