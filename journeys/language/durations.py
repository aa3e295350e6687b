"""Durations and times of day as designers write them.

`24h` is elapsed time, `1d` a calendar step in the resolved zone: they differ when clocks change.
"""

import re
from datetime import time

from .model import Duration

SHORT = re.compile(r"([0-9]{1,9})(s|mo|m|h|d|w|y)")
ISO = re.compile(r"P(?:([0-9]{1,9})([DWMY])|T([0-9]{1,9})([SMH]))")
TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")

_MILLIS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "TS": 1_000, "TM": 60_000, "TH": 3_600_000}
_DAYS = {"d": 1, "w": 7, "PD": 1, "PW": 7}
_MONTHS = {"mo": 1, "y": 12, "PM": 1, "PY": 12}

DAY_MS = 86_400_000
_CENTURY_MS = 1_200 * 30 * DAY_MS


def parse_duration(text: str) -> Duration | None:
    """A duration of one unit, at most a hundred years; None for any other text."""
    parts = _parts(text)
    if parts is None:
        return None
    number, unit = parts
    duration = Duration(
        text,
        millis=number * _MILLIS.get(unit, 0),
        days=number * _DAYS.get(unit, 0),
        months=number * _MONTHS.get(unit, 0),
    )
    return duration if roughly_ms(duration) <= _CENTURY_MS else None


def parse_time_of_day(text: str) -> time | None:
    """`HH:MM` or `HH:MM:SS`; None for any other text."""
    found = TIME_OF_DAY.fullmatch(text)
    if found is None:
        return None
    hour, minute, second = found.groups(default="0")
    return time(int(hour), int(minute), int(second))


def roughly_ms(duration: Duration) -> int:
    """Milliseconds, with a day of 24 hours and a month of 30 days: to compare, and for settings."""
    return duration.millis + duration.days * DAY_MS + duration.months * 30 * DAY_MS


def _parts(text: str) -> tuple[int, str] | None:
    short = SHORT.fullmatch(text)
    if short is not None:
        return int(short[1]), short[2]
    iso = ISO.fullmatch(text)
    if iso is None:
        return None
    return (int(iso[1]), "P" + iso[2]) if iso[1] else (int(iso[3]), "T" + iso[4])
