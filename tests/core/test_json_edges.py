"""JSON at its edges: numbers keep their value and their kind, names mean nothing, and what is no JSON is refused."""

from __future__ import annotations

from typing import Any

import pytest

from sm_core import DocumentError, EngineError, Limits, Machine, compile_document
from tests.core.played import Played, given
from tests.refused_data import assign, expr

KEEP = {
    "initial": "a",
    "context": {"kept": 0},
    "states": {
        "a": {
            "on": {
                "KEEP": {"actions": assign(kept=expr("event.kept"))},
                "ADD": {"actions": assign(kept=expr("context.kept + 1"))},
                "HALF": {"actions": assign(kept=expr("context.kept / 4"))},
                "TOUCH": {"actions": assign(other=1)},
            }
        }
    },
}


def kept(text: str) -> Played:
    machine = Played(KEEP)
    assert machine.send("KEEP", data=b'{"kept":' + text.encode() + b"}")
    return machine


WRITTEN = [
    "30", "30.0", "-0.0", "0", "0.1", "1.5", "9007199254740992", "9007199254740993", "-9007199254740993",
    "9223372036854775807", "-9223372036854775808", "1e+22", "1e-07", "5e-324", "1.7976931348623157e+308",
    "null", "true", '""', '"\u2028\x7f😀"', "[]", "{}", '{"__proto__":{"polluted":true}}', '{"":{"":""}}',
    '{"constructor":1,"toString":2,"hasOwnProperty":3}', '{"a.b":1,"a b":2,"é":3}',
]  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
def test_a_value_is_kept_as_it_is_written(text: str) -> None:
    machine = kept(text)
    assert machine.machine.context == b'{"kept":' + text.encode() + b"}"
    assert machine.send("TOUCH")
    assert machine.machine.context == b'{"kept":' + text.encode() + b',"other":1}'


@pytest.mark.parametrize(
    ("text", "stored"), [("1e5", "100000.0"), ("1.50", "1.5"), ("-0", "0"), ("1E3", "1000.0"), ('"\\u00e9"', '"é"')]
)
def test_one_value_is_written_one_way(text: str, stored: str) -> None:
    assert kept(text).machine.context == b'{"kept":' + stored.encode() + b"}"


@pytest.mark.parametrize(("text", "half"), [("30", "7"), ("30.0", "7.5"), ("-30", "-7")])
def test_whole_numbers_divide_whole_and_others_do_not(text: str, half: str) -> None:
    machine = kept(text)
    assert machine.send("HALF")
    assert machine.machine.context == b'{"kept":' + half.encode() + b"}"


@pytest.mark.parametrize(
    ("text", "more"), [("9007199254740992", "9007199254740993"), ("9223372036854775806", "9223372036854775807")]
)
def test_whole_numbers_are_exact_to_64_bits(text: str, more: str) -> None:
    machine = kept(text)
    assert machine.send("ADD")
    assert machine.machine.context == b'{"kept":' + more.encode() + b"}"


def test_beyond_64_bits_arithmetic_is_an_error() -> None:
    machine = kept("9223372036854775807")
    with pytest.raises(EngineError, match="outside 64 bits"):
        machine.send("ADD")


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775809", "1" * 30])
def test_a_whole_number_beyond_64_bits_fails_where_an_expression_reads_it(text: str) -> None:
    machine = Played(KEEP)
    with pytest.raises(EngineError, match="outside 64 bits"):
        machine.send("KEEP", data=b'{"kept":' + text.encode() + b"}")
    assert machine.context == {"kept": 0}
    assert machine.send("TOUCH", data=b'{"kept":' + text.encode() + b"}")


@pytest.mark.parametrize("text", ["1e400", "-1e400", "NaN", "Infinity", "-Infinity", "9" * 5000])
def test_what_is_no_number_of_json_is_refused(text: str) -> None:
    machine = Played(KEEP)
    with pytest.raises(DocumentError, match=r"^DATA"):
        machine.send("KEEP", data=b'{"kept":' + text.encode() + b"}")


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b'{"a":1,"a":1}', r"DATA at \$: duplicate member 'a'"),
        (b'{"a":{"b":1,"b":2}}', r"DATA at \$\.a: duplicate member 'b'"),
        (b'{"a":"\\ud800"}', r"DATA at \$\.a: a lone surrogate is not text"),
        (b'{"\\udfff":1}', r"DATA at \$: a lone surrogate is not text"),
        (b'{"a":"\xff"}', r"DATA at \$: not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', r"DATA at \$: not UTF-8"),
        (b'{"a":1}x', r"DATA at \$: not JSON"),
        (b"", r"DATA at \$: not JSON"),
        (b"null", r"DATA at \$: expected an object, got null"),
        (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", r"DATA at .*: nested deeper than max-nesting"),
        (b'{"a":' + b"[" * 30_000, r"DATA at \$: "),
    ],
)  # fmt: skip
def test_data_and_input_are_read_strictly(data: bytes, fault: str) -> None:
    machine = Played(KEEP)
    with pytest.raises(DocumentError, match=fault):
        machine.send("TOUCH", data=data)
    with pytest.raises(DocumentError, match=fault.replace("DATA", "INPUT")):
        machine.definition.start(given(input=data))


def test_pairs_of_surrogates_are_text() -> None:
    assert kept('"\\ud83d\\ude00"').context == {"kept": "😀"}


@pytest.mark.parametrize("name", ["__proto__", "constructor", "toString", "", "a b", "@lang", "type ", "é", "\x00"])
def test_a_name_means_nothing(name: str) -> None:
    machine = Played(KEEP)
    assert machine.send("KEEP", data={"kept": {name: {name: 1}}})
    assert machine.context == {"kept": {name: {name: 1}}}


def test_no_member_is_found_that_is_not_there() -> None:
    states: dict[str, Any] = {
        "a": {"on": {"GO": {"guard": expr("has(event.__proto__) || has(event.constructor)"), "target": "b"}}},
        "b": {},
    }
    assert not Played({"initial": "a", "states": states}).can("GO")


def test_nothing_that_is_no_number_comes_out_of_an_expression() -> None:
    for text in ("1.0 / 0.0", "0.0 / 0.0", "-1.0 / 0.0"):
        states = {"a": {"on": {"GO": {"actions": assign(n=expr(text))}}}}
        with pytest.raises(EngineError, match="which JSON does not have"):
            Played({"initial": "a", "states": states}).send("GO")


def test_bytes_that_are_no_text_are_no_context() -> None:
    definition = compile_document(b'{"initial":"a","context":{},"states":{"a":{}}}', Limits()).definition
    for text in (b"\xff", b'{"a":"\xff"}'):
        with pytest.raises(DocumentError):
            definition.admit_data(Machine(b"\x01\x01", text), Limits())
