"""Durations, as documents write them, in milliseconds."""

from __future__ import annotations

import math
import re

MOST_DELAY = 100 * 366 * 24 * 3600 * 1000
"""Milliseconds: some hundred years."""

_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,15})?(?:[eE]\+?\d{1,2})?\Z", re.ASCII)
_UNITS = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)(ms|s|m|h|d)\Z", re.ASCII)
_UNIT = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PART = r"(?:(\d{1,9}(?:[.,]\d{1,9})?)%s)?"
_ISO = re.compile(
    "P(?!\\Z)" + _PART % "W" + _PART % "D" + "(?:T(?!\\Z)" + _PART % "H" + _PART % "M" + _PART % "S" + ")?\\Z", re.ASCII
)
_ISO_UNITS = (7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000)
_PLACES = 15
"""Digits behind the point, at most."""


def as_number(key: str) -> int | None:
    """Milliseconds, where the text is a number as JavaScript reads one."""
    return whole(float(key)) if _NUMBER.match(key) else None


def parse_delay(text: str) -> int | None:
    """Milliseconds of ``500``, ``500ms``, ``1.5s``, ``PT1H`` (ISO 8601, without months and years, whose length
    differs); None where it is none of them, or too long."""
    number = as_number(text)
    if number is not None:
        return number
    found = _UNITS.match(text)
    if found:
        return _rounded(_scaled(found[1]) * _UNIT[found[2]])
    found = _ISO.match(text)
    if not found:
        return None
    parts = [_scaled(part) if part else 0 for part in found.groups()]
    return _rounded(sum([part * unit for part, unit in zip(parts, _ISO_UNITS, strict=True)]))


def _scaled(number: str) -> int:
    """``number`` times 10 to the power of _PLACES. As a float 2.007 times 1000 would be more than 2007."""
    integer, _, fraction = number.replace(",", ".").partition(".")
    return int(integer + fraction.ljust(_PLACES, "0"))


def _rounded(scaled: int) -> int | None:
    return whole(-(-scaled // 10**_PLACES))


def whole(milliseconds: float) -> int | None:
    """Whole milliseconds, never too few; None where they are more than MOST_DELAY, or less than none."""
    if not 0 <= milliseconds <= MOST_DELAY:
        return None
    return math.ceil(milliseconds)
