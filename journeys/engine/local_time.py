"""Moments in a person's zone: compute local, convert last (rule 7).

In a gap the first valid instant after it counts, in a fold the first occurrence. All moments
are ms since the epoch.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from journeys.language.model import Duration

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 24 * 3600 * 1000
_MS = timedelta(milliseconds=1)


@lru_cache(maxsize=1024)
def rfc3339(moment: int) -> str:
    """`2026-03-01T03:30:00.000Z`.

    By hand, which takes half the time of `isoformat`; and one record says the same few moments
    again and again.
    """
    day, rest = divmod(moment, DAY)
    minutes, rest = divmod(rest, 60_000)
    seconds, millis = divmod(rest, 1000)
    hour, minute = divmod(minutes, 60)
    return f"{_day(day)}T{hour:02}:{minute:02}:{seconds:02}.{millis:03}Z"


def day_of(moment: int) -> str:
    """The calendar day in UTC, `2026-03-01`."""
    return _day(moment // DAY)


def zone_named(name: object) -> ZoneInfo | None:
    """The zone of this IANA name; None where there is none."""
    return _zone(name) if isinstance(name, str) and name else None


def add(duration: Duration, moment: int, zone: ZoneInfo) -> int:
    """`duration` after `moment`: elapsed, or calendar steps at the same local time."""
    if not duration.is_calendar:
        return moment + duration.millis
    local = local_at(moment, zone)
    if not duration.months:
        # The same offset there, and no second occurrence: nothing to look for. Most of all days.
        there = moment + duration.days * DAY
        reached = local_at(there, zone)
        if reached.utcoffset() == local.utcoffset() and not reached.fold:
            return there
    return instant(stepped(local.date(), duration), local.time(), zone)


def local_at(moment: int, zone: ZoneInfo) -> datetime:
    """What clocks of `zone` show."""
    seconds, millis = divmod(moment, 1000)
    return datetime.fromtimestamp(seconds, zone).replace(microsecond=millis * 1000)


def subtract(duration: Duration, moment: int, zone: ZoneInfo) -> int:
    """`duration` before `moment`."""
    back = Duration(duration.text, -duration.millis, -duration.days, -duration.months)
    return add(back, moment, zone)


def wait_until(wait: Duration | None, at: time | None, moment: int, zone: ZoneInfo) -> int:
    """When a timer armed at `moment` is due (2.4): calendar waits reach a day, then `at` on it."""
    if at is None:
        return moment if wait is None else add(wait, moment, zone)
    if wait is None:
        return _next(at, moment + 1, zone)
    if wait.is_calendar:
        return instant(stepped(local_at(moment, zone).date(), wait), at, zone)
    return _next(at, moment + wait.millis, zone)


def instant(day: date, at: time, zone: ZoneInfo) -> int:
    """The moment at which clocks of `zone` show this day and time."""
    naive = datetime.combine(day, at.replace(tzinfo=None, fold=0))
    late = _moment(naive.replace(tzinfo=zone))
    early = _moment(naive.replace(tzinfo=zone, fold=1))
    if early >= late:
        return late
    return _end_of_gap(early, late, zone)


def stepped(day: date, duration: Duration) -> date:
    """Months first, to the last day where a month is shorter; then days."""
    months = day.year * 12 + day.month - 1 + duration.months
    year, month = divmod(months, 12)
    day = date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
    return day + timedelta(days=duration.days)


def _end_of_gap(before: int, after: int, zone: ZoneInfo) -> int:
    """The first moment with the new offset; both bounds lie within hours of it."""
    old = local_at(before, zone).utcoffset()
    low, high = before // 1000, -(-after // 1000)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (middle, high) if local_at(middle * 1000, zone).utcoffset() == old else (low, middle)
        )
    return high * 1000


def _next(at: time, moment: int, zone: ZoneInfo) -> int:
    """The first moment not before `moment` at which clocks show `at`."""
    day = local_at(moment, zone).date()
    found = instant(day, at, zone)
    return found if found >= moment else instant(day + timedelta(days=1), at, zone)


def _moment(local: datetime) -> int:
    return (local - EPOCH) // _MS


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    return (EPOCH + timedelta(days=number)).date().isoformat()
