"""Timestamps and durations: from text and to text, their parts, and moving one by the other. No clock, no time zones
but UTC and fixed offsets, whose names would have to be looked up in files.

Days and dates: the algorithms of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (civil_from_days).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import CelError, Place
from .values import LEAST_INT, MOST_INT, Duration, Timestamp, Value, quoted

SECOND = 1_000_000_000
_DAY = 86_400
_LEAST_TIME = -62_135_596_800 * SECOND
"""0001-01-01T00:00:00Z."""
_MOST_TIME = 253_402_300_800 * SECOND - 1
"""The last nanosecond of 9999."""
_MOST_DURATION = 315_576_000_001 * SECOND - 1
_LONGEST_TEXT = 64

_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_OFFSET = re.compile(r"([+-]?)([0-9]{1,2}):([0-9]{2})")
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|ms|s|m|h)")
_UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Date(NamedTuple):
    year: int
    month: int
    """From 1."""
    day: int
    """Of the month, from 1."""


def days_of(date: Date) -> int:
    """Days since 1970-01-01 in the Gregorian calendar."""
    year = date.year - (date.month <= 2)
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (date.month + (-3 if date.month > 2 else 9)) + 2) // 5 + date.day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def date_of(days: int) -> Date:
    """The date so many days after 1970-01-01."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    return Date(year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1)


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _timestamp(nanos: int, at: Place) -> Timestamp:
    if _LEAST_TIME <= nanos <= _MOST_TIME:
        return Timestamp(nanos)
    raise CelError("the timestamp is outside the years 1 to 9999", at)


def _duration(nanos: int, at: Place) -> Duration:
    if LEAST_INT <= nanos <= MOST_INT:
        return Duration(nanos)
    raise CelError("the duration is outside 64 bits of nanoseconds", at)


def shift_time(time: Value, nanos: int, at: Place) -> Value:
    """A timestamp or a duration, moved."""
    if type(time) is Timestamp:
        return _timestamp(time.nanos + nanos, at)
    return _duration(time.nanos + nanos, at)


def time_between(later: Timestamp, earlier: Timestamp, at: Place) -> Duration:
    return _duration(later.nanos - earlier.nanos, at)


def timestamp_of_seconds(seconds: int, at: Place) -> Timestamp:
    if _LEAST_TIME <= seconds * SECOND <= _MOST_TIME:
        return Timestamp(seconds * SECOND)
    raise CelError("timestamp() takes seconds of the years 1 to 9999; of milliseconds it is timestamp(now / 1000)", at)


def read_timestamp(text: str, at: Place) -> Timestamp:
    """A text of RFC 3339, as in ``2030-01-31T12:00:00Z``; a leap second is the first one of the next minute."""
    match = _RFC3339.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise CelError(f"{quoted(text)} is no timestamp, as in '2030-01-31T12:00:00Z'", at)
    date = Date(int(match[1]), int(match[2]), int(match[3]))
    hour, minute, second = int(match[4]), int(match[5]), int(match[6])
    offset_hour, offset_minute = int(match[9] or 0), int(match[10] or 0)
    days = _MONTH_DAYS[date.month - 1] + (date.month == 2 and _leap(date.year)) if 1 <= date.month <= 12 else 0
    in_time = hour <= 23 and minute <= 59 and second <= 60 and offset_hour <= 23 and offset_minute <= 59
    if not 1 <= date.day <= days or not in_time:
        raise CelError(f"{quoted(text)} is no timestamp: there is no such day or time", at)
    offset = (offset_hour * 60 + offset_minute) * (-60 if match[8] == "-" else 60)
    seconds = days_of(date) * _DAY + hour * 3600 + minute * 60 + second - offset
    return _timestamp(seconds * SECOND + _fraction(match[7], SECOND), at)


def _fraction(digits: str | None, unit: int) -> int:
    """What the digits after a point are worth, in the parts of a unit; what is less than one part is cut."""
    return int(digits) * unit // 10 ** len(digits) if digits else 0


def read_duration(text: str, at: Place) -> Duration:
    """A text of numbers and units, as in ``1h30m`` or ``1.5s``: h, m, s, ms, us, ns, after an optional sign."""
    rest = text[1:] if text[:1] in ("+", "-") else text
    nanos, end = 0, 0
    while end < len(rest) <= _LONGEST_TEXT and rest != "0":
        match = _PART.match(rest, end)
        if match is None or not (match[1] or match[2]):
            break
        unit = _UNITS[match[3]]
        nanos += int(match[1] or 0) * unit + _fraction(match[2], unit)
        end = match.end()
    if rest != "0" and (end < len(rest) or not rest):
        raise CelError(f"{quoted(text)} is no duration, as in '1h30m' or '1.5s'", at)
    if nanos > _MOST_DURATION:
        raise CelError(f"the duration {quoted(text)} is longer than 10,000 years", at)
    return Duration(-nanos if text[0] == "-" else nanos)


def _write_fraction(nanos: int) -> str:
    """The digits after the seconds: none, three, six or nine."""
    if not nanos:
        return ""
    digits = f"{nanos:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return "." + digits


def write_time(time: Timestamp | Duration) -> str:
    """``2030-01-31T12:00:00Z`` or ``5400s``; three, six or nine digits of a second where there are any."""
    if isinstance(time, Duration):
        seconds, nanos = divmod(abs(time.nanos), SECOND)
        return f"{'-' if time.nanos < 0 else ''}{seconds}{_write_fraction(nanos)}s"
    seconds, nanos = divmod(time.nanos, SECOND)
    days, second = divmod(seconds, _DAY)
    date = date_of(days)
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    return f"{date.year:04d}-{date.month:02d}-{date.day:02d}T{clock}{_write_fraction(nanos)}Z"


def _offset(zone: str, at: Place) -> int:
    """The seconds that a time zone is ahead of UTC."""
    if zone == "UTC":
        return 0
    match = _OFFSET.fullmatch(zone) if len(zone) <= _LONGEST_TEXT else None
    if match is None or int(match[2]) > 23 or int(match[3]) > 59:
        raise CelError(f"the time zone {quoted(zone)} is not known here: 'UTC' and offsets as '+01:00' are", at)
    return (int(match[2]) * 60 + int(match[3])) * (-60 if match[1] == "-" else 60)


def timestamp_part(name: str, time: Timestamp, zone: str, at: Place) -> int:
    """What an accessor of CEL answers; months, days of the month (getDayOfMonth) and of the year count from 0."""
    seconds, nanos = divmod(time.nanos, SECOND)
    days, second = divmod(seconds + _offset(zone, at), _DAY)
    if name == "getHours":
        return second // 3600
    if name == "getMinutes":
        return second // 60 % 60
    if name == "getSeconds":
        return second % 60
    if name == "getMilliseconds":
        return nanos // 1_000_000
    if name == "getDayOfWeek":
        return (days + 4) % 7
    date = date_of(days)
    if name == "getFullYear":
        return date.year
    if name == "getMonth":
        return date.month - 1
    if name == "getDayOfYear":
        return days - days_of(Date(date.year, 1, 1))
    return date.day if name == "getDate" else date.day - 1


def duration_part(name: str, duration: Duration) -> int | None:
    """What an accessor of CEL answers, None where durations do not have it; but for the milliseconds it is a total."""
    size = abs(duration.nanos)
    units = {"getHours": 3600 * SECOND, "getMinutes": 60 * SECOND, "getSeconds": SECOND}
    if name in units:
        part = size // units[name]
    elif name == "getMilliseconds":
        part = size % SECOND // 1_000_000
    else:
        return None
    return -part if duration.nanos < 0 else part
