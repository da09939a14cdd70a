"""Reading a document: each fault is refused with its place, and what is accepted comes back the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm_core.document import Limits, parse, to_json
from sm_core.errors import DocumentError, LimitError
from sm_core.small_json import read_flat

LIMITS = Limits(document_bytes=1000, states=10, nesting=5)


@pytest.mark.parametrize(
    ("text", "path", "fault"),
    [
        (b"", "$", "not JSON: Expecting value at line 1 column 1"),
        (b"nonsense", "$", "not JSON: Expecting value at line 1 column 1"),
        (b'{"a":1} x', "$", "not JSON: Extra data at line 1 column 9"),
        (b'{"a":"\xff"}', "$", "not UTF-8: byte 6 is 0xff"),
        (b'{"a":"\xed\xa0\x80"}', "$", "not UTF-8: byte 6 is 0xed"),
        (b'\xef\xbb\xbf{"a":1}', "$", "not JSON: Expecting value at line 1 column 1"),
        (b"[1]", "$", "expected an object, got an array"),
        (b'"x"', "$", "expected an object, got a string"),
        (b"null", "$", "expected an object, got null"),
        (b"1", "$", "expected an object, got a number"),
        (b"true", "$", "expected an object, got a boolean"),
        (b'{"a":NaN}', "$", "not JSON: NaN is not a JSON number"),
        (b'{"a":-Infinity}', "$", "not JSON: -Infinity is not a JSON number"),
        (b'{"a":1e999}', "$", "number out of range: '1e999'"),
        (b'{"a":1,"a":2}', "$", "duplicate member 'a'"),
        (b'{"a":{"b":[{"c":1,"c":1}]}}', "$.a.b[0]", "duplicate member 'c'"),
        (b'{"a":{"b":1},"a":":"}', "$", "duplicate member 'a'"),
        (b'{"a:b":":","a:b":"::"}', "$", "duplicate member 'a:b'"),
        (b' \n {"a":1,\n x', "$", "not JSON: Expecting property name enclosed in double quotes at line 3 column 2"),
        (b'{"a":["x","\\ud800"]}', "$.a[1]", "a lone surrogate is not text"),
        (b'{"\\udfff":1}', "$", "a lone surrogate is not text"),
        (b'{"a":{"b c":"\\ud800"}}', '$.a["b c"]', "a lone surrogate is not text"),
    ],
)
def test_refused_with_its_place(text: bytes, path: str, fault: str) -> None:
    with pytest.raises(DocumentError) as refused:
        parse(text, LIMITS)
    assert (refused.value.path, refused.value.fault) == (path, fault)


def test_a_pair_of_surrogate_escapes_is_one_character() -> None:
    assert parse(b'{"a":"\\ud83d\\ude00"}', LIMITS) == {"a": "\U0001f600"}


def test_size_is_bounded() -> None:
    text = b'{"a":"' + b"x" * 992 + b'"}'
    assert len(text) == 1000
    parse(text, LIMITS)
    with pytest.raises(LimitError, match=r"1001 bytes, more than max-document-bytes \(1000\) allows"):
        parse(text + b" ", LIMITS)
    parse(text + b" ", None)


def test_nesting_is_bounded() -> None:
    parse(b'{"a":[[[[1]]]]}', LIMITS)
    with pytest.raises(LimitError, match=r"\$\.a\[0\]\[0\]\[0\]\[0\]: nested deeper than max-nesting \(5\) allows"):
        parse(b'{"a":[[[[[1]]]]]}', LIMITS)
    parse(b'{"a":[[[[[1]]]]]}', None)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("limits", [Limits(document_bytes=10**8), None])
def test_nesting_that_no_stack_holds_is_refused(opening: bytes, limits: Limits | None) -> None:
    with pytest.raises(DocumentError):
        parse(opening * 200_000, limits)


def test_an_integer_too_long_for_python_is_refused() -> None:
    with pytest.raises(DocumentError, match="number out of range"):
        parse(b'{"a":' + b"9" * 5000 + b"}", None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=4), st.booleans())
def test_what_is_accepted_comes_back(document: dict[str, object], escaped: bool) -> None:
    text = json.dumps(document, ensure_ascii=escaped).encode()
    parsed = parse(text, None)
    assert parsed == document
    assert parse(to_json(parsed).encode(), None) == document


class Members(list[tuple[str, object]]):
    """An object of JSON with its members as they are written, be it twice."""


names = st.sampled_from(["a", "b", ":", "a:"])
written = st.recursive(
    st.none() | names,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(names, inner), max_size=3).map(Members),
    max_leaves=12,
)


def text_of(value: object) -> str:
    if isinstance(value, Members):
        return "{" + ",".join(json.dumps(name) + ":" + text_of(inner) for name, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text_of, value)) + "]"
    return json.dumps(value)


def names_a_member_twice(value: object) -> bool:
    if isinstance(value, Members):
        every = [name for name, _ in value]
        return len(set(every)) < len(every) or any(names_a_member_twice(inner) for _, inner in value)
    return isinstance(value, list) and any(map(names_a_member_twice, value))


@given(st.lists(st.tuples(names, written), max_size=4).map(Members))
def test_a_member_is_never_named_twice(members: Members) -> None:
    text = text_of(members)
    if names_a_member_twice(members):
        with pytest.raises(DocumentError, match="duplicate member"):
            parse(text.encode(), None)
    else:
        assert parse(text.encode(), None) == json.loads(text)


def check_flat(text: str) -> None:
    flat: dict[str, object] = {}
    assert not read_flat(text.encode(), flat) or repr(flat) == repr(parse(text.encode(), Limits(nesting=1)))


@given(st.lists(st.tuples(names, written), max_size=4).map(Members))
def test_a_flat_object_is_read_as_any_other(members: Members) -> None:
    check_flat(text_of(members))


PIECES = [*'{}[]:," ', "\\u0061", '"a"', '"b"', '":"', '"{"', "1", "-0", "1.5", "1e999", "NaN", "null"]


@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_no_text_is_flat_that_is_refused(text: str) -> None:
    check_flat(text)
    check_flat("{" + text + "}")


@pytest.mark.parametrize("text", ["{}", '{"amount": 20}', '{"a":1.5,"b":"é","c":null}'])
def test_what_is_flat(text: str) -> None:
    flat: dict[str, object] = {"type": "E"}
    assert read_flat(text.encode(), flat)
    assert list(flat.items()) == [("type", "E"), *json.loads(text).items()]


@pytest.mark.parametrize(
    "text",
    [
        b"", b" {}", b"{} ", b"[]", b"1", b"{", b'{"a":[]}', b'{"a":{}}', b'{"a":1,"a":1}', b'{"a":1,"a":":"}',
        b'{"a":NaN}', b'{"a":1e999}', b'{"a":"\\u0061"}', b'{"a":"\\ud800"}', b'{"a":"\xff"}',
        b'{"a":' + b"9" * 5000 + b"}", b'{"type":1}',
    ],
)  # fmt: skip
def test_what_is_not_flat(text: bytes) -> None:
    assert not read_flat(text, {"type": "E"})
