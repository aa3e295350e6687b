"""Timers at a moment that a value says (`until`), and days on which a timer may fire.

The moment is worked out on arrival and whenever the person's facts change; it is a function of
them, of the instance's last touchpoint and of the arrival, never of when it is asked.
"""

from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from journeys.language.calendars import IsWorkday
from journeys.language.functions import to_time
from journeys.language.model import Duration, Timer

from .local_time import add, instant, local_at

LAST_YEAR = 9000

DAYS_LOOKED_AT = 400
"""A day that a timer may fire on comes within these, or the timer fires without it."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MIDNIGHT = time(0)


def moment_of(value: Any, at: time | None, shift: Duration | None, zone: ZoneInfo) -> int | None:
    """The moment in ms that a value means; None where it is none.

    A date is its local midnight; with `at`, date and time both mean `at` on their local day.
    """
    try:
        found = _moment(value, at, zone)
        return found if found is None or shift is None else add(shift, found, zone)
    except (ValueError, OverflowError, OSError):
        return None  # beyond the calendar


def moved_on(timer: Timer, moment: int, zone: ZoneInfo, is_workday: IsWorkday | None) -> int:
    """The moment, or the same local time of the next day after it on which the timer may fire."""
    if not timer.days:
        return moment
    found = local_at(moment, zone)
    if _may_fire(timer, found.date(), is_workday):
        return moment
    for step in range(1, DAYS_LOOKED_AT):
        day = found.date() + timedelta(days=step)
        if _may_fire(timer, day, is_workday):
            return instant(day, found.time(), zone)
    return moment


def day_and_time(value: Any, zone: ZoneInfo) -> tuple[date, time] | None:
    """The local day that a value means, and the time on it: midnight where it is a date."""
    day = _day_of(value)
    if day is not None:
        return day, _MIDNIGHT
    found = _moment(value, None, zone)
    if found is None:
        return None
    local = local_at(found, zone)
    return local.date(), local.time()


def _may_fire(timer: Timer, day: date, is_workday: IsWorkday | None) -> bool:
    if WEEKDAYS[day.weekday()] in timer.days:
        return True
    return "workday" in timer.days and is_workday is not None and is_workday(day)


def _moment(value: Any, at: time | None, zone: ZoneInfo) -> int | None:
    day = _day_of(value)
    if day is not None:
        return instant(day, at or _MIDNIGHT, zone)
    found = to_time(value, zone)
    if found is None or local_at(found, zone).year > LAST_YEAR:
        return None
    return found if at is None else instant(local_at(found, zone).date(), at, zone)


def _day_of(value: Any) -> date | None:
    if not isinstance(value, str) or len(value) != len("2026-03-01"):
        return None
    try:
        found = date.fromisoformat(value)
    except ValueError:
        return None
    return found if found.year <= LAST_YEAR else None
