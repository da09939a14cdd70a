"""Reading a document: bytes to JSON values, refusing what RFC 8259 leaves open.

Stricter than ``json.loads``: UTF-8 only, no NaN or Infinity, no duplicate members, no lone surrogates, no
number that does not come back from a double, and a bound on size and nesting.
"""

from __future__ import annotations

import json
import json.encoder
import math
import re
from collections.abc import Callable, Sequence
from itertools import accumulate, count
from operator import sub
from typing import Any, NoReturn

from .errors import DocumentError, LimitError, element, member, quote, type_name

AROUND = 2
"""Objects around what is kept in what SM.GET answers, which SM.SET is to take."""


class Limits:
    """How large a document may be, and what its machines keep. ``None`` instead of a Limits means that it was accepted
    before. Immutable.

    ``brackets``: the most arrays and objects. An element of a statechart is a few of them: itself, its target, its
    actions. ``small``: JSON of so many bytes may be kept, whatever it is.
    """

    __slots__ = ("brackets", "context_bytes", "document_bytes", "elements", "expression_steps", "history",
                 "idempotency", "nesting", "small", "states")  # fmt: skip

    def __init__(self, document_bytes: int = 320 * 1024, states: int = 10_000, nesting: int = 64,
                 elements: int = 4_000, context_bytes: int = 64 * 1024, expression_steps: int = 50_000,
                 history: int = 1_000, idempotency: int = 1_000) -> None:  # fmt: skip
        self.document_bytes = document_bytes
        self.states = states
        self.nesting = nesting
        self.elements = elements
        self.context_bytes = context_bytes
        self.expression_steps = expression_steps
        self.history = history
        self.idempotency = idempotency
        self.brackets = states + 8 * elements
        self.small = min(context_bytes, 2 * (nesting - AROUND))


_MOST = 1 << 62
UNBOUNDED = Limits(_MOST, _MOST, 256, _MOST, _MOST, _MOST, _MOST, _MOST)
"""For what was accepted before: by a primary, or before a restart. No server lets a client nest deeper."""


class _DuplicateError(Exception):
    """An object names a member twice."""


class _Duplicate(dict[str, Any]):
    """An object that named a member twice; ``name`` is that member."""

    name: str


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    raise _DuplicateError


def _marked_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Like _pairs, but goes on with a _Duplicate, so that its path can be found."""
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            duplicate = _Duplicate(members)
            duplicate.name = name
            return duplicate
        seen.add(name)
    raise AssertionError("unreachable: a dict is shorter than its pairs without a duplicate")


def _constant(word: str) -> NoReturn:
    raise DocumentError("$", f"not JSON: {word} is not a JSON number")


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise DocumentError("$", f"number out of range: {quote(digits)}")
    return number


def _integer(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise DocumentError("$", f"number out of range: {quote(digits)}") from None


def check_size(text: bytes, limits: Limits | None, path: str = "$") -> None:
    """Raises LimitError when ``text``, which is at ``path``, is longer than ``limits`` allow."""
    if limits is not None:
        _check_bytes(len(text), limits, path)


def _check_bytes(size: int, limits: Limits, path: str = "$") -> None:
    if size > limits.document_bytes:
        raise LimitError(path, f"{size} bytes, more than max-document-bytes ({limits.document_bytes}) allows")


def _brackets(text: bytes) -> int:
    """How many arrays and objects there are. Brackets in strings count too."""
    return text.count(b"[") + text.count(b"{")


def _check_brackets(brackets: int, limits: Limits) -> None:
    """Raises LimitError where there are more arrays and objects than states and elements could use: a text of brackets
    alone takes ten times as long as any other."""
    if brackets > limits.brackets:
        most = f"{limits.brackets} (max-states and 8 times max-elements)"
        raise LimitError("$", f"{brackets} arrays and objects, more than {most}")


STATE_MEMBERS = ("current", "historyValue", "snapshot")
"""What a document says of where the machine stands, and of what it keeps; not part of the definition."""

_KEPT = 3
"""Texts that a machine keeps at most, each no larger than a context: with them SM.GET's reply is longer than what was
set."""


def parse_document(text: bytes, limits: Limits | None) -> dict[str, Any]:
    """Reads a document. What SM.GET says of where a machine stands may come on top of what ``limits`` let in, so that
    SM.SET takes each of its replies. Raises as ``parse`` does."""
    if limits is None or b'"snapshot"' not in text:
        return parse(text, limits)
    size, brackets = len(text), _brackets(text)
    if size > limits.document_bytes + (_KEPT + 1) * limits.context_bytes:
        _check_bytes(size, limits)
    if brackets > limits.brackets + _KEPT * limits.context_bytes // 2:
        _check_brackets(brackets, limits)
    document = _read(text, limits, True)
    added = to_json({name: document[name] for name in STATE_MEMBERS if name in document}).encode()
    _check_bytes(size - len(added), limits)
    _check_brackets(brackets - _brackets(added), limits)
    return document


def parse(text: bytes, limits: Limits | None, with_rows: bool = True) -> dict[str, Any]:
    """Reads ``text`` as one JSON object.

    ``with_rows``: a member "map" is that of a flat machine, and how deep it is nested is left to what takes strings
    alone in its rows. Raises DocumentError with the place and the fault, LimitError when it is larger than ``limits``.
    """
    if limits is not None:
        _check_bytes(len(text), limits)
        if len(text) > limits.brackets:
            _check_brackets(_brackets(text), limits)
    return _read(text, limits, with_rows)


def _read(text: bytes, limits: Limits | None, with_rows: bool) -> dict[str, Any]:
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError("$", f"not UTF-8: byte {error.start} is 0x{text[error.start]:02x}") from None
    try:
        document, suspicious = _decode(decoded)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise DocumentError("$", f"not JSON: {error.msg} at {place}") from None
    except RecursionError:
        allowed = f"max-nesting ({limits.nesting}) allows" if limits is not None else "this server can read"
        raise LimitError("$", f"nested deeper than {allowed}") from None
    if not isinstance(document, dict):
        raise DocumentError("$", f"expected an object, got {type_name(document)}")
    nesting = limits.nesting if limits is not None else None
    escaped = "\\" in decoded and "\\u" in decoded  # the only way to a lone surrogate: UTF-8 has none
    suspicious = suspicious or (escaped and _has_surrogate(document))
    if suspicious or (nesting is not None and _too_deep(document, decoded, nesting, with_rows)):
        _find_fault(document, nesting)
    return document


def parse_value(text: bytes, limits: Limits | None) -> Any:
    """Any JSON value, read as strictly. Raises DocumentError."""
    value = parse(b'{"value":' + text + b"}", limits, with_rows=False)
    if len(value) != 1:
        raise DocumentError("$", "not JSON: more than one value")
    return value["value"]


def _decode(text: str) -> tuple[Any, bool]:
    """The value, and whether an object in it names a member twice.

    To be shown the members of each object takes longer than to count them.
    """
    stripped = text if text[:1] == "{" and text[-1:] == "}" else text.strip(_SPACE)
    try:
        value, end = _plain_decoder.raw_decode(stripped)
        if end == len(stripped) and _has_every_member(value, stripped):
            return value, False
    except ValueError:  # its place in ``text``, or the number that has too many digits, is told below
        pass
    try:
        return _decoder.decode(text), False
    except _DuplicateError:
        return _marking_decoder.decode(text), True


def _has_every_member(value: Any, text: str) -> bool:
    """Whether each colon in ``text`` is that of a member that ``value`` has, so that none is named twice.

    False where ``value`` is no object.
    """
    missing = text.count(":")
    values = [value]
    for inner in values:
        if type(inner) is dict:
            missing -= len(inner)
            if not missing:
                return True
            values += inner.values()
        elif type(inner) is list:
            values += inner
    return missing == text.count(":") - _without_strings(text).count(":")


_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')


def _without_strings(text: str) -> str:
    """JSON with its strings taken out."""
    return _STRING.sub("", text) if "\\" in text else "".join(text.split('"')[::2])


def _too_deep(document: dict[str, Any], text: str, nesting: int, with_rows: bool) -> bool:
    """Whether the nesting is too deep: by the brackets of its text alone.

    A map alone is never too deep: nothing but strings is taken in its rows. What stands beside it is a string, or is
    refused as none, but for "meta".
    """
    if len(text) <= nesting or (with_rows and "map" in document and "meta" not in document):
        return False
    return is_deeper(text, nesting)


def is_deeper(text: str, nesting: int) -> bool:
    """Whether JSON is nested deeper than that."""
    if len(text) <= 2 * nesting or text.count("{") + text.count("[") <= nesting:
        return False
    brackets = _without_strings(text).encode().translate(_BRACKETS, _OTHERS)
    opened = accumulate(map(len, brackets.split(b"]")))  # before each closing bracket, of which so many came before it
    deepest: int = max(map(sub, opened, count()))
    return deepest > nesting


_BRACKETS = bytes.maketrans(b"{}", b"[]")
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))


_SPACE = " \t\n\r"
_plain_decoder, _decoder, _marking_decoder = (
    json.JSONDecoder(object_pairs_hook=pairs, parse_constant=_constant, parse_float=_float, parse_int=integer)
    for pairs, integer in ((None, int), (_pairs, _integer), (_marked_pairs, _integer))
)


def _find_fault(document: dict[str, Any], nesting: int | None) -> None:
    """Refuses what the parser lets through, with its path: duplicates, lone surrogates, deep nesting."""
    pending: list[tuple[Any, _Way, int]] = [(document, None, 1)]
    while pending:
        value, way, depth = pending.pop()
        if isinstance(value, str):
            _refuse_surrogates(value, way)
            continue
        if not isinstance(value, (dict, list)):
            continue
        if nesting is not None and depth > nesting:
            raise LimitError(_path(way), f"nested deeper than max-nesting ({nesting}) allows")
        if isinstance(value, dict):
            if isinstance(value, _Duplicate):
                raise DocumentError(_path(way), f"duplicate member {quote(value.name)}")
            for name, inner in value.items():
                _refuse_surrogates(name, way)
                pending.append((inner, (way, name), depth + 1))
        else:
            pending.extend([(inner, (way, index), depth + 1) for index, inner in enumerate(value)])


_Way = tuple[Any, str | int] | None
"""The way to a value: that to what it is in, and its name or place there. A path is made of it for a fault alone."""


def _path(way: _Way) -> str:
    steps = []
    while way is not None:
        way, step = way
        steps.append(step)
    path = "$"
    for step in reversed(steps):
        path = member(path, step) if isinstance(step, str) else element(path, step)
    return path


def _has_surrogate(document: dict[str, Any]) -> bool:
    """Whether a name or a string in it may have a lone surrogate."""
    try:
        to_json(document).encode()
    except (UnicodeEncodeError, RecursionError):
        return True
    return False


def _refuse_surrogates(text: str, way: _Way) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise DocumentError(_path(way), "a lone surrogate is not text") from None


def to_json(value: object) -> str:
    """``value`` as compact JSON, text as itself rather than as \\u escapes. Raises LimitError when it is too deep."""
    try:
        return "".join(_encode(value, 0))
    except RecursionError:
        raise LimitError("$", "nested deeper than this server can write") from None


def _make_encoder() -> Callable[[object, int], Sequence[str]]:
    """What json.JSONEncoder makes anew for each value: to keep it takes a third of the time for a small one."""
    plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return lambda value, _: [plain.encode(value)]
    encode: Callable[[object, int], Sequence[str]] = make(
        None, plain.default, json.encoder.encode_basestring, None, ":", ",", False, False, False
    )
    return encode


_encode = _make_encoder()


def read_json(text: bytes) -> Any:
    """JSON that this engine has written. Raises ValueError where it is not.

    What json.loads does beside is to look for the encoding and for what follows the value.
    """
    decoded = text.decode()
    try:
        value, end = _scan(decoded, 0)
    except StopIteration:
        raise ValueError("no value") from None
    if end != len(decoded):
        raise ValueError("more than one value")
    return value


_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
