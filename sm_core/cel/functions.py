"""The functions of the language, but for macros: what each takes and answers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from .errors import CelError, Place
from .times import (
    SECOND,
    duration_part,
    read_duration,
    read_timestamp,
    timestamp_of_seconds,
    timestamp_part,
    write_time,
)
from .values import (
    LEAST_INT,
    MOST_INT,
    MOST_UINT,
    PER_STEP,
    Budget,
    Duration,
    Timestamp,
    UInt,
    Value,
    quoted,
    type_of,
    words,
)

_LONGEST_NUMBER = 400
_WHOLE = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|infinity|nan)")
_SPACES = " \t\n\r\f\v"
_BOOLS = {"true": True, "True": True, "TRUE": True, "t": True, "1": True}
_BOOLS |= {"false": False, "False": False, "FALSE": False, "f": False, "0": False}

REFUSED = {
    "matches": "a pattern may take for ever; contains(), startsWith() and endsWith() are here",
}
"""Functions of CEL that are left out, and what to do instead."""


class Function(NamedTuple):
    """``alone``, ``member``: how many arguments it takes written ``f(a)`` and ``a.f()``, the latter without ``a``.
    ``apply`` takes a place, the budget and all arguments."""

    usage: str
    alone: tuple[int, ...]
    member: tuple[int, ...]
    apply: Callable[..., Value]


def _wrong(name: str, takes: str, value: Value, at: Place) -> CelError:
    return CelError(f"{name}() takes {takes}, not {words(value)}", at)


def _size(at: Place, budget: Budget, value: Value) -> Value:
    if type(value) in (str, bytes, list, dict):
        return len(value)
    raise _wrong("size", "a string, bytes, a list or a map", value, at)


def _texts(name: str, at: Place, budget: Budget, text: Value, part: Value) -> None:
    if type(text) is not str or type(part) is not str:
        hint = ": a list is asked with 'x in list'" if type(text) is list else ""
        raise CelError(f"{name}() takes a string of a string, not {words(part)} of {words(text)}{hint}", at)
    budget.charge((len(text) if name == "contains" else len(part)) // PER_STEP)


def _contains(at: Place, budget: Budget, text: Value, part: Value) -> Value:
    _texts("contains", at, budget, text, part)
    return part in text


def _starts_with(at: Place, budget: Budget, text: Value, part: Value) -> Value:
    _texts("startsWith", at, budget, text, part)
    return text.startswith(part)


def _ends_with(at: Place, budget: Budget, text: Value, part: Value) -> Value:
    _texts("endsWith", at, budget, text, part)
    return text.endswith(part)


# Conversions


def _bad_text(text: str, what: str, at: Place) -> CelError:
    return CelError(f"{quoted(text)} is no {what}", at)


def _whole(text: str, name: str, least: int, most: int, at: Place) -> int:
    digits = text.strip(_SPACES) if len(text) <= _LONGEST_NUMBER else ""
    number = int(digits) if _WHOLE.fullmatch(digits) else None
    if number is None:
        raise _bad_text(text, name, at)
    if not least <= number <= most or (least == 0 and digits[0] == "-"):
        raise CelError(f"{quoted(text)} is outside 64 bits", at)
    return number


def _int(at: Place, budget: Budget, value: Value) -> Value:
    kind = type(value)
    if kind is int:
        return value
    if kind is bool:
        return int(value)
    if kind is UInt:
        if value <= MOST_INT:
            return int(value)
    elif kind is float:
        if -(2.0**63) < value < 2.0**63:
            return int(value)
    elif kind is str:
        return _whole(value, "int", LEAST_INT, MOST_INT, at)
    elif kind is Timestamp:
        return value.nanos // SECOND
    else:
        raise _wrong("int", "a number, a bool, a string or a timestamp", value, at)
    raise CelError(f"{value} is outside the 64 bits of an int", at)


def _uint(at: Place, budget: Budget, value: Value) -> Value:
    kind = type(value)
    if kind is UInt:
        return value
    if kind is int:
        if value >= 0:
            return UInt(value)
    elif kind is float:
        if 0 <= value < 2.0**64:
            return UInt(int(value))
    elif kind is str:
        return UInt(_whole(value, "uint", 0, MOST_UINT, at))
    else:
        raise _wrong("uint", "a number or a string", value, at)
    raise CelError(f"{value} is outside the 64 bits of a uint", at)


def _double(at: Place, budget: Budget, value: Value) -> Value:
    kind = type(value)
    if kind is float:
        return value
    if kind is int or kind is UInt:
        return float(value)
    if kind is str:
        digits = value.strip(_SPACES).lower() if len(value) <= _LONGEST_NUMBER else ""
        if _DECIMAL.fullmatch(digits):
            return float(digits)
        raise _bad_text(value, "double", at)
    raise _wrong("double", "a number or a string", value, at)


def _write_double(value: float) -> str:
    """The fewest digits that are read as the same number; with an exponent below 0.0001 and from a million on."""
    if not math.isfinite(value):
        return str(value)
    mantissa, _, exponent = f"{value!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.removeprefix("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    power = int(exponent or 0) + len(whole) - 1 - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if not digits:
        return sign + "0"
    if power < -4 or power >= 6:
        return f"{sign}{digits[0]}{'.' + digits[1:] if len(digits) > 1 else ''}e{power:+03d}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    digits = digits.ljust(power + 1, "0")
    return f"{sign}{digits[: power + 1]}{'.' + digits[power + 1 :] if len(digits) > power + 1 else ''}"


def _string(at: Place, budget: Budget, value: Value) -> Value:
    kind = type(value)
    if kind is str:
        return value
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is UInt:
        return str(int(value))
    if kind is float:
        return _write_double(value)
    if kind is Timestamp or kind is Duration:
        return write_time(value)
    if kind is bytes:
        budget.charge(1 + len(value) // PER_STEP)
        try:
            return value.decode()
        except UnicodeDecodeError:
            pass
        raise CelError("string() takes bytes that are UTF-8", at)
    raise _wrong("string", "a number, a bool, bytes, a timestamp or a duration", value, at)


def _bytes(at: Place, budget: Budget, value: Value) -> Value:
    if type(value) is bytes:
        return value
    if type(value) is str:
        budget.charge(1 + len(value) // PER_STEP)
        return value.encode()
    raise _wrong("bytes", "a string", value, at)


def _bool(at: Place, budget: Budget, value: Value) -> Value:
    if type(value) is bool:
        return value
    if type(value) is str:
        if value in _BOOLS:
            return _BOOLS[value]
        raise _bad_text(value, "bool: 'true' and 'false' are", at)
    raise _wrong("bool", "a string or a bool", value, at)


def _timestamp(at: Place, budget: Budget, value: Value) -> Value:
    if type(value) is Timestamp:
        return value
    if type(value) is int:
        return timestamp_of_seconds(value, at)
    if type(value) is str:
        return read_timestamp(value, at)
    raise _wrong("timestamp", "a string or an int of seconds", value, at)


def _duration(at: Place, budget: Budget, value: Value) -> Value:
    if type(value) is Duration:
        return value
    if type(value) is str:
        return read_duration(value, at)
    raise _wrong("duration", "a string, as in '90s'", value, at)


def _dyn(at: Place, budget: Budget, value: Value) -> Value:
    return value


def _type(at: Place, budget: Budget, value: Value) -> Value:
    return type_of(value)


def _accessor(name: str) -> Function:
    def part(at: Place, budget: Budget, time: Value, *zone: Value) -> Value:
        if type(time) is Duration and not zone:
            answer = duration_part(name, time)
            if answer is not None:
                return answer
        if type(time) is not Timestamp:
            raise CelError(f"{words(time)} has no {name}(): timestamp(text) makes a timestamp", at)
        if zone and type(zone[0]) is not str:
            raise _wrong(name, "a time zone as a string", zone[0], at)
        return timestamp_part(name, time, zone[0] if zone else "UTC", at)

    return Function(f"time.{name}() or time.{name}('+01:00')", (), (0, 1), part)


def _conversion(name: str, apply: Callable[..., Value]) -> Function:
    return Function(f"{name}(x)", (1,), (), apply)


_ACCESSORS = (
    *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
    *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
)
FUNCTIONS: dict[str, Function] = {
    "size": Function("size(x) or x.size()", (1,), (0,), _size),
    "contains": Function("text.contains(part)", (), (1,), _contains),
    "startsWith": Function("text.startsWith(part)", (), (1,), _starts_with),
    "endsWith": Function("text.endsWith(part)", (), (1,), _ends_with),
    "int": _conversion("int", _int),
    "uint": _conversion("uint", _uint),
    "double": _conversion("double", _double),
    "string": _conversion("string", _string),
    "bytes": _conversion("bytes", _bytes),
    "bool": _conversion("bool", _bool),
    "timestamp": _conversion("timestamp", _timestamp),
    "duration": _conversion("duration", _duration),
    "dyn": _conversion("dyn", _dyn),
    "type": _conversion("type", _type),
    **{name: _accessor(name) for name in _ACCESSORS},
}
