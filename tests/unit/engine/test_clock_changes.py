"""Local times around every change of the clocks, against a computation that knows no rule but one:
going through the minutes of UTC, the first whose clocks show the wanted time or a later one."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import accumulate, product
from zoneinfo import ZoneInfo

import pytest

from journeys.engine.local_time import add, instant, wait_until

from .building import days, hours

YEARS = (2024, 2029)
MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)
CHANGES = {
    "Europe/Rome": 10,
    "America/New_York": 10,
    "Asia/Shanghai": 0,
    "Australia/Lord_Howe": 10,
}
"""How often clocks change in these years."""


@pytest.mark.parametrize("name", CHANGES)
def test_a_local_time_is_the_first_moment_that_shows_it_or_more(name: str) -> None:
    zone, rows = ZoneInfo(name), 0

    for day in _days_of_interest(zone):
        minutes = about(day, zone)
        for wall in _quarters(day):
            rows += 1
            assert instant(wall.date(), wall.time(), zone) == minutes.first(wall), wall

    assert rows >= 96 * max(3, CHANGES[name])


@pytest.mark.parametrize("name", CHANGES)
def test_days_are_steps_of_the_calendar_and_hours_are_elapsed(name: str) -> None:
    zone = ZoneInfo(name)

    for day in _days_of_interest(zone):
        minutes = about(day, zone)
        for wall, count in product(_quarters(day), (1, 2)):
            now = minutes.first(wall)
            # Where the clocks skip the time, `now` shows another one: a step starts from that.
            shown = datetime.fromtimestamp(now / 1000, zone).replace(tzinfo=None)
            assert add(days(count), now, zone) == minutes.first(shown + timedelta(days=count))
            assert add(hours(24 * count), now, zone) == now + count * 24 * 3600 * 1000


@pytest.mark.parametrize("name", CHANGES)
def test_a_timer_at_a_time_of_day_waits_for_its_day(name: str) -> None:
    zone, at = ZoneInfo(name), time(2, 15)

    for day in _days_of_interest(zone):
        minutes = about(day, zone)
        for wall in _quarters(day):
            now = minutes.first(wall)
            shown = datetime.fromtimestamp(now / 1000, zone).replace(tzinfo=None)
            on_time = [shown.replace(hour=2, minute=15) + timedelta(days=n) for n in range(3)]
            moments = [minutes.first(each) for each in on_time]
            assert wait_until(days(1), at, now, zone) == moments[1]
            assert wait_until(None, at, now, zone) == next(m for m in moments if m > now)


def test_so_often_clocks_change() -> None:
    assert {name: len(list(_changes(ZoneInfo(name)))) for name in CHANGES} == CHANGES


@cache
def about(day: datetime, zone: ZoneInfo) -> "Minutes":
    return Minutes(day, zone)


class Minutes:
    """The minutes of UTC about a local day, with the latest time their clocks have shown."""

    def __init__(self, day: datetime, zone: ZoneInfo) -> None:
        start = day.replace(tzinfo=UTC) - timedelta(days=2)
        self._utc = [start + n * MINUTE for n in range(7 * 24 * 60)]
        local = [each.astimezone(zone).replace(tzinfo=None) for each in self._utc]
        self._shown = list(accumulate(local, max))

    def first(self, wall: datetime) -> int:
        """In ms, the first minute whose clocks show this or more."""
        found = self._utc[bisect_left(self._shown, wall)]
        return int(found.timestamp()) * 1000


def _days_of_interest(zone: ZoneInfo) -> Iterator[datetime]:
    """The days before, of and after each change; where there is none, those of a month's end."""
    found = list(_changes(zone)) or [datetime(2026, 3, 31)]
    for change, shift in product(found, (-1, 0, 1)):
        yield change + timedelta(days=shift)


def _changes(zone: ZoneInfo) -> Iterator[datetime]:
    """Local days within which the offset changes."""
    day = datetime(YEARS[0], 1, 1)
    while day.year < YEARS[1]:
        next_ = day + timedelta(days=1)
        if day.replace(tzinfo=zone).utcoffset() != next_.replace(tzinfo=zone).utcoffset():
            yield day
        day = next_


def _quarters(day: datetime) -> Iterator[datetime]:
    return (day + n * QUARTER for n in range(96))
