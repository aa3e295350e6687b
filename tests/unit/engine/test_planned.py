"""Timers on days and at moments that a value says (2.4)."""

from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from journeys.engine.planned import moment_of, moved_on
from journeys.language.calendars import workdays_of
from journeys.language.model import Change, Duration, End, Line, Map, Timer, To
from schemas.inbox import Merged

from .building import (
    ANN,
    BEA,
    DAY,
    HOUR,
    START,
    UTC,
    Life,
    at,
    days,
    entry,
    expression,
    hours,
    map_of,
    on,
    release,
    send,
    stage,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
ROME = ZoneInfo("Europe/Rome")
DUE = expression(lambda scope: scope.profile.trait("due"))
CHINA = workdays_of("CN")


def minus(text: str, **more: int) -> Duration:
    return Duration(text, **{name: -n for name, n in more.items()})


def waits(timer: Timer, *lines: Line, **more: Any) -> Map:
    stages = [stage("first", on=lines, after=(timer,)), stage("missed", go=End("missed"))]
    return map_of("m", stages, [entry("in")], **more)


def until(on_past: Any = "skip", **more: Any) -> Map:
    timer = Timer(None, until=DUE, on_past=on_past, go=End("over"), **more)
    return waits(timer, Line(on("change"), do=(Change("first/on/0/do/0", {"due": DUE}),)))


def deadlines(life: Life, who: str = ANN) -> list[int]:
    return [armed.deadline for i in life.person(who).instances for armed in i.timers]


def ended(life: Life) -> list[tuple[str, str]]:
    return [(row["outcome"], row["at"]) for row in life.told("end")]


@pytest.mark.parametrize(
    ("timer", "expected"),
    [
        (Timer(days(1), days=("mon", "thu")), "2026-05-07 09:00"),
        (Timer(days(3), days=("mon", "thu")), "2026-05-07 09:00"),
        (Timer(days(4), time(8), days=("mon",)), "2026-05-11 08:00"),
        (Timer(None, time(8), days=("mon",)), "2026-05-11 08:00"),
        (Timer(None, time(9, 30), days=("mon",)), "2026-05-04 09:30"),
        (Timer(hours(30), days=("tue",)), "2026-05-05 15:00"),
        (Timer(days(1), days=("sun",), max=days(2)), "2026-05-06 09:00"),
    ],
)
def test_a_timer_goes_on_to_a_day_it_may_fire_on(timer: Timer, expected: str) -> None:
    life = Life(
        release(waits(Timer(timer.wait, timer.at, timer.max, go=End("x"), days=timer.days)))
    )
    life.happens("in", START)

    assert deadlines(life) == [at(expected)]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2025-10-01", "2025-10-09"),  # the national holiday and the festival, to the 8th
        ("2025-09-28", "2025-09-28"),  # a Sunday that makes up for them
        ("2025-10-11", "2025-10-11"),  # a Saturday that does
        ("2025-10-12", "2025-10-13"),
        ("2026-02-14", "2026-02-14"),  # a Saturday before the new year
        ("2026-02-15", "2026-02-24"),  # the new year of 2026, the longest so far
    ],
)
def test_workdays_are_those_chinas_authorities_say(day: str, expected: str) -> None:
    timer = Timer(days(1), days=("workday",))
    moment = at(f"{day} 01:30")

    assert moved_on(timer, moment, SHANGHAI, CHINA) == at(f"{expected} 01:30")


def test_a_day_moved_on_keeps_its_local_time_over_a_change_of_clocks() -> None:
    saturday = at("2026-03-28 08:00")  # 09:00 in Rome; clocks change on Sunday

    moved = moved_on(Timer(days(1), days=("mon",)), saturday, ROME, None)

    assert moved == at("2026-03-30 07:00")


@pytest.mark.parametrize(
    ("value", "hour", "shift", "expected"),
    [
        (at("2026-06-01 10:00"), None, None, "2026-06-01 10:00"),
        ("2026-06-01T10:00:00+08:00", None, None, "2026-06-01 02:00"),
        ("2026-06-01", None, None, "2026-05-31 16:00"),
        ("2026-06-01", time(9), None, "2026-06-01 01:00"),
        ("2026-06-01T23:00:00+08:00", time(9), None, "2026-06-01 01:00"),
        ("2026-06-01", time(9), minus("-1d", days=1), "2026-05-31 01:00"),
        ("2026-06-01", None, minus("-24h", millis=DAY), "2026-05-30 16:00"),
        ("2026-05-31", None, Duration("1mo", months=1), "2026-06-29 16:00"),
    ],
)
def test_a_value_says_a_moment(value: Any, hour: Any, shift: Any, expected: str) -> None:
    assert moment_of(value, hour, shift, SHANGHAI) == at(expected)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "soon",
        "2026-13-01",
        [],
        {},
        "9999-12-31",
        10**19,
        -(10**19),
        "0001-01-01",
        1e300,
    ],
)
def test_what_says_no_moment_is_none(value: Any) -> None:
    assert moment_of(value, None, Duration("-9y", months=-108), UTC) is None


def test_a_timer_fires_at_the_moment_a_trait_says() -> None:
    life = Life(release(until(shift=minus("-24h", millis=DAY))))
    life.happens("in", START, traits={"due": "2026-06-01T10:00:00Z"})

    life.pass_until(START + 60 * DAY)

    assert ended(life) == [("over", "2026-05-31T10:00:00.000Z")]


def test_a_moment_is_worked_out_again_when_the_value_changes_wherever_that_comes_from() -> None:
    life = Life(release(until()))
    life.happens("in", START, traits={"due": "2026-06-01"})
    life.happens("unnamed", START + HOUR, traits={"due": "2026-07-01"})

    assert deadlines(life) == [at("2026-07-01 00:00")]
    life.pass_until(START + 60 * DAY)
    assert ended(life) == [("over", "2026-07-01T00:00:00.000Z")]


def test_a_value_that_changes_after_the_moment_is_too_late() -> None:
    life = Life(release(until()))
    life.happens("in", START, traits={"due": "2026-05-05T09:00:00Z"})
    life.happens("unnamed", START + DAY + HOUR, traits={"due": "2026-07-01"})

    life.pass_until(START + 2 * DAY)

    assert ended(life) == [("over", "2026-05-05T09:00:00.000Z")]


@pytest.mark.parametrize(
    ("on_past", "expected"),
    [
        ("go", [("over", "2026-05-04T09:00:00.000Z")]),
        ("skip", []),
        (To("missed"), [("missed", "2026-05-04T09:00:00.000Z")]),
        (End("gone"), [("gone", "2026-05-04T09:00:00.000Z")]),
    ],
)
@pytest.mark.parametrize("due", ["2026-05-04T08:59:59Z", None])
def test_a_moment_past_on_arrival_or_unknown_goes_by_on_past(
    on_past: Any, expected: list[tuple[str, str]], due: str | None
) -> None:
    life = Life(release(until(on_past)))
    life.happens("in", START, traits={"due": due} if due else {})

    life.pass_until(START + 9 * DAY)

    assert ended(life) == expected


def test_what_was_skipped_for_want_of_a_value_is_planned_when_there_is_one() -> None:
    life = Life(release(until("skip")))
    life.happens("in", START)
    life.happens("unnamed", START + HOUR, traits={"due": "2026-05-06T00:00:00Z"})

    life.pass_until(START + 9 * DAY)

    assert ended(life) == [("over", "2026-05-06T00:00:00.000Z")]


def test_a_value_taken_back_goes_by_on_past_at_the_time_it_was() -> None:
    life = Life(release(until(End("gone"))))
    life.happens("in", START, traits={"due": "2026-06-01"})
    life.happens("unnamed", START + HOUR, traits={"due": None})

    life.pass_until(START + DAY)

    assert ended(life) == [("gone", "2026-05-04T10:00:00.000Z")]


def test_the_moment_is_exact_at_the_arrival_itself() -> None:
    life = Life(release(until(End("gone"))))
    life.happens("in", START, traits={"due": "2026-05-04T09:00:00Z"})

    life.pass_until(START + DAY)

    assert ended(life) == [("over", "2026-05-04T09:00:00.000Z")]


def test_what_a_map_sets_plans_anew_too() -> None:
    sets = Change("first/on/0/do/0", {"due": expression(lambda s: "2026-05-08")})
    timer = Timer(None, until=DUE, on_past="skip", go=End("over"))
    life = Life(release(waits(timer, Line(on("go"), do=(sets,)))))
    life.happens("in", START)
    life.happens("go", START + HOUR)

    assert deadlines(life) == [at("2026-05-08 00:00")]


def test_a_merge_brings_the_value_of_the_other_side() -> None:
    life = Life(release(until("skip")))
    life.happens("in", START)
    life.happens("unnamed", START + HOUR, BEA, traits={"due": "2026-05-08"})
    life.append(Merged(BEA, ANN), START + 2 * HOUR)
    life.deliver()

    assert deadlines(life) == [at("2026-05-08 00:00")]


def test_a_line_that_restarts_timers_leaves_the_moment_where_the_value_says() -> None:
    timer = Timer(None, until=DUE, on_past="skip", go=End("over"))
    life = Life(release(waits(timer, Line(on("go"), restart=True))))
    life.happens("in", START, traits={"due": "2026-05-08"})
    life.happens("go", START + HOUR)

    assert deadlines(life) == [at("2026-05-08 00:00")]


def test_a_reminder_goes_out_where_several_timers_stand_in_a_stage() -> None:
    first = stage(
        "first",
        after=(
            Timer(
                None,
                until=DUE,
                on_past="skip",
                shift=minus("-1d", days=1),
                do=(send("first/after/0/do/0"),),
            ),
            Timer(None, until=DUE, on_past="go", go=End("over")),
        ),
    )
    life = Life(release(map_of("m", [first], [entry("in")])))
    life.happens("in", START, traits={"due": "2026-05-08"}, consents={"sms": True})
    life.pass_until(START + 30 * DAY)

    assert [action["due"] for action in life.actions()] == ["2026-05-07T00:00:00.000Z"]
    assert ended(life) == [("over", "2026-05-08T00:00:00.000Z")]
