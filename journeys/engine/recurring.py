"""Moments that come again: schedules in a map's zone, dates in a person's (rule 7).

All moments are ms since the epoch. What is local is worked out locally and converted last: in a
gap the first valid instant after it counts, in a fold the first occurrence. So a cron line, too,
means what clocks show: in the hour that comes twice it fires once.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from journeys.language.calendars import IsWorkday
from journeys.language.model import Duration
from journeys.language.occasions import Dates, Schedule

from .local_time import instant, local_at, stepped, subtract
from .planned import DAYS_LOOKED_AT, LAST_YEAR, WEEKDAYS, day_and_time, moment_of

_MONTHS = {"year": 12, "month": 1}


@lru_cache(maxsize=4096)
def next_scheduled(
    schedule: Schedule, zone: ZoneInfo, is_workday: IsWorkday | None, after: int
) -> int | None:
    """The first moment of the schedule after this one; None if none comes.

    Remembered, for all people of a shard ask for the same one.
    """
    for naive in _local(schedule, is_workday, local_at(after, zone).replace(tzinfo=None)):
        if naive.year > LAST_YEAR:
            return None
        found = instant(naive.date(), naive.time(), zone)
        if found > after:
            return found
    return None


def next_date(dates: Dates, value: Any, zone: ZoneInfo, after: int) -> int | None:
    """The first moment after this one that the value says; None if there is none.

    The value's own date is the first of those that come every year or month.
    """
    try:
        if _is_exact(dates):
            return _after(moment_of(value, None, dates.shift, zone), after)
        found = day_and_time(value, zone)
        if found is None:
            return None
        day, clock = found
        if dates.every is None:
            return _after(_moment(dates, day, dates.at or clock, zone), after)
        return _next_of(dates, _MONTHS[dates.every], day, dates.at or clock, zone, after)
    except (ValueError, OverflowError, OSError):
        return None  # beyond the calendar


def _is_exact(dates: Dates) -> bool:
    """Whether the value's own moment counts, and not what clocks show then."""
    shifts_days = dates.shift is not None and dates.shift.is_calendar
    return not (dates.every or dates.at or shifts_days)


def _after(moment: int | None, after: int) -> int | None:
    return moment if moment is not None and moment > after else None


def _next_of(dates: Dates, step: int, day: date, clock: time, zone: ZoneInfo, after: int) -> int:
    # One or two too early, however the shift and the zone fall.
    near = local_at(subtract(dates.shift, after, zone) if dates.shift else after, zone).date()
    count = max(0, (_months(near) - _months(day)) // step - 2)
    while True:
        on = stepped(day, Duration("", months=count * step))
        found = _moment(dates, on, clock, zone)
        if found > after:
            return found
        count += 1


def _moment(dates: Dates, day: date, clock: time, zone: ZoneInfo) -> int:
    shift = dates.shift
    if shift is not None and shift.is_calendar:
        return instant(stepped(day, shift), clock, zone)
    return instant(day, clock, zone) + (shift.millis if shift else 0)


def _months(day: date) -> int:
    return day.year * 12 + day.month


def _local(schedule: Schedule, is_workday: IsWorkday | None, start: datetime) -> Iterator[datetime]:
    """What clocks show at its moments, in order, from the day of `start` on."""
    if schedule.cron:
        yield from CronSim(schedule.cron, start)
    elif schedule.on is not None and schedule.at is not None:
        yield datetime.combine(schedule.on, schedule.at)
    elif schedule.at is not None:
        for step in range(DAYS_LOOKED_AT):
            day = start.date() + timedelta(days=step)
            if _fits(schedule.days, day, is_workday):
                yield datetime.combine(day, schedule.at)


def _fits(days: tuple[str, ...], day: date, is_workday: IsWorkday | None) -> bool:
    if not days or WEEKDAYS[day.weekday()] in days:
        return True
    return "workday" in days and is_workday is not None and is_workday(day)
