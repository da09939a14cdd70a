"""Reading a document: bytes to JSON values, refusing what RFC 8259 leaves open.

Stricter than ``json.loads``: UTF-8 only, no NaN or Infinity, no duplicate members, no lone surrogates, no
number that does not come back from a double, and a bound on size and nesting.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, NoReturn

from .errors import DocumentError, LimitError, element, member, quote, type_name


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a document may be. ``None`` instead of a Limits means that it was accepted before."""

    document_bytes: int = 4 * 1024 * 1024
    states: int = 10_000
    nesting: int = 64


class _Duplicate(dict[str, Any]):
    """An object that named a member twice; ``name`` is that member."""

    name: str


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
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


def check_size(text: bytes, limits: Limits | None) -> None:
    """Raises LimitError when ``text`` is longer than ``limits`` allow."""
    if limits is not None and len(text) > limits.document_bytes:
        raise LimitError("$", f"{len(text)} bytes, more than max-document-bytes ({limits.document_bytes}) allows")


def parse(text: bytes, limits: Limits | None) -> dict[str, Any]:
    """Reads ``text`` as one JSON object.

    Raises DocumentError with the place and the fault, LimitError when it is larger than ``limits``.
    """
    check_size(text, limits)
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError("$", f"not UTF-8: byte {error.start} is 0x{text[error.start]:02x}") from None
    try:
        document = _decoder.decode(decoded)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise DocumentError("$", f"not JSON: {error.msg} at {place}") from None
    except RecursionError:
        allowed = f"max-nesting ({limits.nesting}) allows" if limits is not None else "this server can read"
        raise LimitError("$", f"nested deeper than {allowed}") from None
    if not isinstance(document, dict):
        raise DocumentError("$", f"expected an object, got {type_name(document)}")
    nesting = limits.nesting if limits is not None else None
    escapes = "\\u" in decoded  # the only way to a lone surrogate: UTF-8 has none
    if escapes or _suspicious(document, nesting):
        _find_fault(document, nesting)
    return document


def _suspicious(document: dict[str, Any], nesting: int | None) -> bool:
    """Whether an object names a member twice or the nesting is too deep: level by level, without paths."""
    level: list[Any] = [document]
    depth = 0
    while level:
        depth += 1
        if nesting is not None and depth > nesting:
            return True
        if any(type(value) is _Duplicate for value in level):
            return True
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, (dict, list))
        ]
    return False


_decoder = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=_integer)


def _find_fault(document: dict[str, Any], nesting: int | None) -> None:
    """Refuses what the parser lets through, with its path: duplicates, lone surrogates, deep nesting."""
    pending: list[tuple[Any, str, int]] = [(document, "$", 1)]
    while pending:
        value, path, depth = pending.pop()
        if isinstance(value, str):
            _refuse_surrogates(value, path)
            continue
        if not isinstance(value, (dict, list)):
            continue
        if nesting is not None and depth > nesting:
            raise LimitError(path, f"nested deeper than max-nesting ({nesting}) allows")
        if isinstance(value, dict):
            if isinstance(value, _Duplicate):
                raise DocumentError(path, f"duplicate member {quote(value.name)}")
            for name, inner in value.items():
                _refuse_surrogates(name, path)
                pending.append((inner, member(path, name), depth + 1))
        else:
            pending.extend((inner, element(path, index), depth + 1) for index, inner in enumerate(value))


def _refuse_surrogates(text: str, path: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise DocumentError(path, "a lone surrogate is not text") from None


def to_json(value: object) -> str:
    """``value`` as compact JSON, text as itself rather than as \\u escapes."""
    return _encoder.encode(value)


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
