"""Single members of a context: what is read of it, and what is written anew, is what would be of the whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm_core import EngineError, Given, Limits, Machine, compile_document
from sm_core.document import to_json
from sm_core.small_json import read_member, write_members

NAMES = ["a", "b", "paid", 'x"paid', "x,", "\\", "é", "", "[", "}", ":", ",", ":1,"]
names = st.sampled_from(NAMES)
texts = st.sampled_from(["", "x,", ":1,", "\\\\", ",", '","paid":', '"paid":1,', "{", "]}", "[", "\\", "é", "\n"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(names, values, max_size=5)


def found(text: bytes, name: str) -> list[Any]:
    """The member's value, where it is found."""
    members: dict[str, Any] = {}
    assert read_member(text, name, members) == (name in members)
    return list(members.values())


@given(objects)
def test_a_member_that_is_found_is_that_member(value: dict[str, Any]) -> None:
    text = to_json(value).encode()
    for name in NAMES:
        for member in found(text, name):
            assert repr(member) == repr(value[name])


@given(objects)
def test_members_beside_no_other_object_or_behind_all_are_found(value: dict[str, Any]) -> None:
    text = to_json({"first": 1, **value, "last": "x"}).encode()
    assert (found(text, "first"), found(text, "last")) == ([1], ["x"])


@given(objects, st.dictionaries(names, values, max_size=3))
def test_members_are_written_where_they_are(value: dict[str, Any], changed: dict[str, Any]) -> None:
    written = write_members(to_json(value).encode(), changed)
    if changed.keys() <= value.keys():
        assert written in (None, to_json({**value, **changed}).encode())
    else:
        assert written is None


@given(values, values)
def test_a_member_before_all_others_is_written(before: Any, after: Any) -> None:
    written = write_members(to_json({"first": before, "last": [{}]}).encode(), {"first": after})
    assert written == to_json({"first": after, "last": [{}]}).encode()


@given(st.lists(values, max_size=3) | texts | st.integers())
def test_what_is_no_object_has_no_members(value: object) -> None:
    text = to_json(value).encode()
    for name in NAMES:
        assert not found(text, name)
        assert write_members(text, {name: 1}) is None


@pytest.mark.parametrize("text", [b"", b"{", b'{"a":', b'{"a":}', b'{"a":tru}', b'{"a":"\xff"}', b'{"a":"'])
def test_what_is_no_json_has_no_members(text: bytes) -> None:
    assert not found(text, "a")


def chart(assigns: list[dict[str, Any]], reads: list[str]) -> bytes:
    actions: list[Any] = [{"type": "@xstate.assign", "context": {n: {"@expr": f"event[{json.dumps(v)}]"}
                           for n, v in assign.items()}} for assign in assigns]  # fmt: skip
    shown = [{"@expr": f"context[{json.dumps(name)}]"} for name in reads]
    return to_json({
        "initial": "s", "context": {},
        "states": {"s": {"on": {
            "GO": {"actions": actions},
            "SHOW": {"actions": [*actions, {"type": "show", "params": shown}]},
            "ALL": {"actions": [*actions, {"type": "show", "params": {"@expr": "context"}}]},
        }}},
    }).encode()  # fmt: skip


@given(objects, objects, st.lists(st.dictionaries(names, names, max_size=2), min_size=1, max_size=2), st.data())
def test_a_step_that_knows_a_part_ends_as_one_that_knows_all(
    context: dict[str, Any], event: dict[str, Any], assigns: list[dict[str, str]], data: st.DataObject
) -> None:
    reads = data.draw(st.lists(names, max_size=3))
    definition = compile_document(chart(assigns, reads), Limits()).definition
    given = Given(to_json(event).encode())
    machine = Machine(definition.start(Given()).configuration, to_json(context).encode())
    wanted = dict(context)
    try:
        for assign in assigns:
            wanted.update({name: within(event[value]) for name, value in assign.items()})
        shown = [within(wanted[name]) for name in reads]
    except (KeyError, OverflowError):
        with pytest.raises(EngineError):
            definition.send(machine, "SHOW", given)
        return
    for name, params in (("GO", None), ("SHOW", shown), ("ALL", wanted)):
        outcome = definition.send(machine, name, given)
        assert outcome is not None
        assert (outcome.context or machine.context) == to_json(wanted).encode()
        assert [to_json(effect.params) for effect in outcome.effects] == ([] if params is None else [to_json(params)])


def within(value: Any) -> Any:
    """A member as an expression reads it."""
    if type(value) is int and not -(1 << 63) <= value < 1 << 63:
        raise OverflowError
    return value


def test_replicas_are_told_the_members_of_a_large_context_that_changed() -> None:
    document = {
        "initial": "s", "context": {},
        "states": {"s": {"on": {"GO": {"actions": {"type": "@xstate.assign", "context": {"c": 3, "a": "é"}}}}}},
    }  # fmt: skip
    definition = compile_document(to_json(document).encode(), Limits()).definition
    where = definition.start(Given()).configuration
    before = {"a": 0, "b": "x" * 1000, "c": [1]}
    outcome = definition.send(Machine(where, to_json(before).encode()), "GO", Given())
    assert outcome is not None
    assert outcome.changes == '{"c":3,"a":"é"}'.encode()
    assert outcome.context == to_json({**before, "a": "é", "c": 3}).encode()
