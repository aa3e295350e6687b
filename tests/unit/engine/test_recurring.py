"""Schedules and dates against the slow way: a look at every minute of a clock on a wall."""

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from journeys.engine.recurring import next_date, next_scheduled
from journeys.language.durations import parse_duration
from journeys.language.model import Duration, Expression
from journeys.language.occasions import Dates, Schedule

ROME, NEW_YORK = ZoneInfo("Europe/Rome"), ZoneInfo("America/New_York")
SHANGHAI, LORD_HOWE = ZoneInfo("Asia/Shanghai"), ZoneInfo("Australia/Lord_Howe")
ZONES = (ROME, NEW_YORK, SHANGHAI, LORD_HOWE)
VALUE = Expression("profile.traits.birthday", lambda scope: None)

slow = settings(max_examples=25, deadline=None)
"""The slow way looks at some ten thousand minutes."""
zones = st.sampled_from(ZONES)
times = st.times().map(lambda each: each.replace(second=0, microsecond=0))
MINUTE = 60_000
moments = st.integers(1_577_836_800_000, 1_672_531_200_000)  # 2020 to 2022


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def on_the_wall(day: date, at: time, zone: ZoneInfo) -> int:
    """The first minute at which the clock shows that time of that day, or a later one."""
    wanted = datetime.combine(day, at)
    start = datetime.combine(day, time(), UTC) - timedelta(hours=15)
    for minute in range(2 * 24 * 60):
        shown = (start + timedelta(minutes=minute)).astimezone(zone).replace(tzinfo=None)
        if shown >= wanted:
            return int((start + timedelta(minutes=minute)).timestamp() * 1000)
    raise AssertionError("no such minute")


def slowly(after: int, zone: ZoneInfo, at: time, fits: Callable[[date], bool]) -> int:
    day = datetime.fromtimestamp(after / 1000, zone).date() - timedelta(days=1)
    while not (fits(day) and (found := on_the_wall(day, at, zone)) > after):
        day += timedelta(days=1)
    return found


@slow
@given(moments, zones, times)
@example(ms("2021-03-28T00:30:00Z"), ROME, time(2, 30))
@example(ms("2021-10-31T00:45:00Z"), ROME, time(2, 30))
@example(ms("2021-10-02T15:20:00Z"), LORD_HOWE, time(2, 15))
def test_every_day_at_a_time_is_what_the_clock_shows(after: int, zone: ZoneInfo, at: time) -> None:
    found = next_scheduled(Schedule(at=at), zone, None, after)

    assert found == slowly(after, zone, at, lambda day: True)


@slow
@given(moments, zones, times, st.sets(st.sampled_from(["mon", "wed", "sun"]), min_size=1))
def test_only_on_its_days(after: int, zone: ZoneInfo, at: time, days: set[str]) -> None:
    found = next_scheduled(Schedule(at=at, days=tuple(sorted(days))), zone, None, after)

    assert found == slowly(after, zone, at, lambda day: f"{day:%a}".lower() in days)


@slow
@given(moments, zones, times, st.integers(1, 31))
def test_a_cron_line_means_what_the_clock_shows(
    after: int, zone: ZoneInfo, at: time, day: int
) -> None:
    schedule = Schedule(cron=f"{at.minute} {at.hour} {day} * *")

    found = next_scheduled(schedule, zone, None, after)

    assert found == slowly(after, zone, at, lambda each: each.day == day)


def test_in_the_hour_that_comes_twice_a_cron_line_counts_once() -> None:
    schedule, at = Schedule(cron="*/30 * * * *"), ms("2021-10-31T02:00:00+02:00")
    found = []
    for _ in range(3):
        at = next_scheduled(schedule, ROME, None, at) or 0
        found.append(at)

    assert found == [
        ms("2021-10-31T02:30:00+02:00"),
        ms("2021-10-31T03:00:00+01:00"),
        ms("2021-10-31T03:30:00+01:00"),
    ]


def test_in_the_hour_that_does_not_come_a_cron_line_counts_once_after_it() -> None:
    schedule = Schedule(cron="*/30 2 * * *")

    first = next_scheduled(schedule, ROME, None, ms("2021-03-28T01:59:00+01:00")) or 0

    assert first == ms("2021-03-28T03:00:00+02:00")
    assert next_scheduled(schedule, ROME, None, first) == ms("2021-03-29T02:00:00+02:00")


def test_one_day_comes_once() -> None:
    schedule = Schedule(at=time(10), on=date(2026, 11, 11))
    moment = ms("2026-11-11T10:00:00+08:00")

    assert next_scheduled(schedule, SHANGHAI, None, moment - 1) == moment
    assert next_scheduled(schedule, SHANGHAI, None, moment) is None


def test_workdays_are_those_of_the_calendar() -> None:
    schedule = Schedule(at=time(10), days=("workday",))

    found = next_scheduled(
        schedule, SHANGHAI, lambda day: day == date(2026, 5, 9), ms("2026-05-04T00:00:00+08:00")
    )

    assert found == ms("2026-05-09T10:00:00+08:00")


def months_on(day: date, count: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@slow
@given(
    st.dates(date(1950, 1, 1), date(2023, 12, 31)),
    st.sampled_from(["year", "month"]),
    st.sampled_from([None, "7d", "-7d", "-1mo", "36h", "-36h"]),
    times,
    zones,
    moments,
)
@example(date(2000, 2, 29), "year", "-7d", time(10), SHANGHAI, ms("2021-02-01T00:00:00Z"))
@example(date(2020, 1, 31), "month", None, time(2, 30), ROME, ms("2021-03-01T00:00:00Z"))
def test_a_date_comes_again_on_its_day_or_the_last_of_the_month(
    day: date, every: str, shift: str | None, at: time, zone: ZoneInfo, after: int
) -> None:
    step = 12 if every == "year" else 1
    found = next_date(
        Dates(VALUE, "year" if step == 12 else "month", _shift(shift), at),
        day.isoformat(),
        zone,
        after,
    )

    def moved(count: int) -> int:
        on, hours = months_on(day, count * step), 0
        if shift and shift.endswith("d"):
            on += timedelta(days=int(shift[:-1]))
        elif shift and shift.endswith("mo"):
            on = months_on(on, int(shift[:-2]))
        elif shift:
            hours = int(shift[:-1])
        return on_the_wall(on, at, zone) + hours * 60 * MINUTE

    near = datetime.fromtimestamp(after / 1000, zone)
    since = (near.year * 12 + near.month) - (day.year * 12 + day.month)
    counts = range(max(0, since // step - 4), since // step + 6 if since > 0 else 6)
    assert found == min(each for count in counts if (each := moved(count)) > after)


def _shift(text: str | None) -> Duration | None:
    if text is None:
        return None
    found = parse_duration(text.lstrip("-"))
    assert found is not None
    if not text.startswith("-"):
        return found
    return Duration(text, -found.millis, -found.days, -found.months)


@pytest.mark.parametrize("value", [None, "soon", True, "2026-13-01", {"a": 1}])
def test_what_is_no_date_has_no_moment(value: object) -> None:
    assert next_date(Dates(VALUE, "year"), value, ROME, 0) is None
    assert next_date(Dates(VALUE), value, ROME, 0) is None


def test_once_is_once() -> None:
    dates, moment = Dates(VALUE, at=time(9)), ms("2026-06-20T09:00:00+02:00")

    assert next_date(dates, "2026-06-20", ROME, moment - 1) == moment
    assert next_date(dates, "2026-06-20", ROME, moment) is None


def test_a_time_keeps_its_own_moment() -> None:
    second = "2021-10-31T02:30:00+01:00"  # shown for the second time

    assert next_date(Dates(VALUE), second, ROME, 0) == ms(second)
    assert next_date(Dates(VALUE, shift=_shift("-24h")), second, ROME, 0) == ms(
        "2021-10-30T02:30:00+01:00"
    )


def test_beyond_the_calendar_there_is_nothing() -> None:
    assert next_date(Dates(VALUE, "year"), "9000-01-01", ROME, ms("2026-01-01T00:00:00Z"))
    assert next_date(Dates(VALUE, "year"), "9100-01-01", ROME, 0) is None
    assert next_date(Dates(VALUE, "month"), "2026-01-01", ROME, 253_402_000_000_000) is None
