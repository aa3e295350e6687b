from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from journeys.engine.local_time import (
    add,
    day_of,
    instant,
    rfc3339,
    subtract,
    wait_until,
    zone_named,
)
from journeys.language.model import Duration

from .building import UTC, at, days, hours

PARIS, SHANGHAI = ZoneInfo("Europe/Paris"), ZoneInfo("Asia/Shanghai")
ZONES = [PARIS, SHANGHAI, UTC, ZoneInfo("America/St_Johns"), ZoneInfo("Australia/Lord_Howe")]


def test_a_day_is_a_calendar_step_and_24_hours_are_elapsed() -> None:
    moment = at("2026-03-28 09:00")

    assert add(days(1), moment, PARIS) == at("2026-03-29 08:00")
    assert add(hours(24), moment, PARIS) == at("2026-03-29 09:00")


def test_in_a_gap_the_first_valid_instant_after_it() -> None:
    assert instant(date(2026, 3, 29), time(2, 30), PARIS) == at("2026-03-29 01:00")
    assert add(days(1), at("2026-03-28 01:30"), PARIS) == at("2026-03-29 01:00")


def test_in_a_fold_the_first_occurrence() -> None:
    assert instant(date(2026, 10, 25), time(2, 30), PARIS) == at("2026-10-25 00:30")
    assert add(days(1), at("2026-10-24 00:30"), PARIS) == at("2026-10-25 00:30")
    assert add(days(-1), at("2026-10-26 01:30"), PARIS) == at("2026-10-25 00:30")


def test_a_month_that_is_shorter_ends_on_its_last_day() -> None:
    month = Duration("1mo", months=1)

    assert add(month, at("2026-01-31 09:00"), UTC) == at("2026-02-28 09:00")
    assert subtract(month, at("2026-03-31 09:00"), UTC) == at("2026-02-28 09:00")


def test_a_wait_of_days_with_a_time_is_that_time_on_the_day_reached() -> None:
    assert wait_until(days(2), time(10, 30), at("2026-05-04 20:00"), SHANGHAI) == at(
        "2026-05-07 02:30"
    )


def test_a_wait_of_hours_with_a_time_is_the_first_such_time_not_before_it() -> None:
    moment = at("2026-05-04 08:00")

    assert wait_until(hours(1), time(9), moment, UTC) == at("2026-05-04 09:00")
    assert wait_until(hours(2), time(9), moment, UTC) == at("2026-05-05 09:00")


def test_a_time_alone_is_the_next_one() -> None:
    assert wait_until(None, time(9), at("2026-05-04 08:59"), UTC) == at("2026-05-04 09:00")
    assert wait_until(None, time(9), at("2026-05-04 09:00"), UTC) == at("2026-05-05 09:00")


def test_moments_are_written_in_utc_with_milliseconds() -> None:
    assert rfc3339(at("2026-05-04 09:00") + 7) == "2026-05-04T09:00:00.007Z"
    assert rfc3339(-1) == "1969-12-31T23:59:59.999Z"
    assert day_of(at("2026-05-04 23:59")) == "2026-05-04"


def test_a_zone_nobody_knows_is_none() -> None:
    assert [zone_named(name) for name in ("Mars/Olympus", "", None, ["x"], "../etc")] == [None] * 5


@given(
    st.integers(at("1990-01-01 00:00"), at("2037-12-31 00:00")),
    st.integers(-400, 400),
    st.sampled_from(ZONES),
)
def test_the_short_way_of_adding_days_agrees_with_the_calendar(
    moment: int, n: int, zone: ZoneInfo
) -> None:
    local = datetime.fromtimestamp(moment // 1000, zone).replace(microsecond=moment % 1000 * 1000)
    there = instant((local + timedelta(days=n)).date(), local.time(), zone)

    assert add(Duration("", days=n), moment, zone) == there
