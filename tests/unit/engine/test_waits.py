from datetime import time
from zoneinfo import ZoneInfo

from journeys.engine.local_time import rfc3339
from journeys.language.model import End, Line, Timer, To

from .building import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Life,
    at,
    days,
    entry,
    hours,
    map_of,
    on,
    release,
    send,
    stage,
    workspace,
)


def stages_of(*stages, **more):
    return release(map_of("m", stages, [entry("in")], **more), space=more.pop("space", None))


def two_stages():
    first = stage(
        "first", on=(Line(on("go"), go=To("second")),), after=(Timer(hours(1), go=End("late")),)
    )
    second = stage(
        "second",
        on=(Line(on("reply"), go=End("replied")),),
        after=(Timer(hours(2), go=End("silent")),),
    )
    return stages_of(first, second)


def ends(life):
    return [(row["outcome"], row["at"]) for row in life.told("end")]


def test_a_timer_fires_when_the_shards_time_reaches_its_deadline_and_grace() -> None:
    life = Life(two_stages())
    life.happens("in", START)

    life.tick(START + HOUR + 5 * SECOND - 1)
    assert ends(life) == []
    life.tick(START + HOUR + 5 * SECOND)

    assert ends(life) == [("late", rfc3339(START + HOUR))]


def test_a_tick_moves_time_no_further_than_the_brokers_stamp() -> None:
    life = Life(two_stages())
    life.happens("in", START)

    life.tick(START + DAY, stamp=START + MINUTE)

    assert life.shard.time == START + MINUTE
    assert ends(life) == []


def test_a_touchpoint_alone_fires_nothing_with_the_wall_clock() -> None:
    life = Life(two_stages())
    life.happens("in", START)

    life.happens("other", START + DAY)

    assert ends(life) == []


def test_a_touchpoint_past_the_deadline_fires_her_timers_with_the_event_clock() -> None:
    life = Life(two_stages(), clock="event")
    life.happens("in", START)

    life.happens("other", START + HOUR + 5 * SECOND)
    assert ends(life) == []
    life.happens("other", START + HOUR + 5 * SECOND + 1)

    assert ends(life) == [("late", rfc3339(START + HOUR))]


def test_at_the_deadline_the_event_wins_and_after_it_the_timer() -> None:
    in_time, too_late = Life(two_stages()), Life(two_stages())
    in_time.happens("in", START)
    too_late.happens("in", START)

    in_time.happens("go", START + HOUR)
    too_late.happens("go", START + HOUR + 1)
    in_time.pass_until(START + DAY)
    too_late.pass_until(START + DAY)

    assert ends(in_time) == [("silent", rfc3339(START + 3 * HOUR))]
    assert ends(too_late) == [("late", rfc3339(START + HOUR))]


def test_a_late_touchpoint_within_the_wait_still_counts_before_the_timer_fires() -> None:
    life = Life(two_stages())
    life.happens("in", START)

    life.happens("go", START + 30 * MINUTE, stamp=START + HOUR + SECOND)

    assert life.person().instances[0].stage == "second"
    assert life.person().instances[0].since == START + 30 * MINUTE


def test_a_reply_that_overtook_its_cause_counts() -> None:
    life = Life(two_stages())
    life.happens("in", START)
    life.happens("reply", START + 20 * MINUTE)

    life.happens("go", START + 10 * MINUTE)

    assert ends(life) == [("replied", rfc3339(START + 20 * MINUTE))]


def test_what_came_before_its_cause_and_is_older_does_not_count() -> None:
    life = Life(two_stages())
    life.happens("in", START)
    life.happens("reply", START + 5 * MINUTE)

    life.happens("go", START + 10 * MINUTE)

    assert ends(life) == []


def test_a_touchpoint_after_the_deadline_waits_for_the_stage_that_follows() -> None:
    first = stage("first", after=(Timer(hours(1), go=To("second")),))
    second = stage(
        "second",
        on=(Line(on("reply"), go=End("replied")),),
        after=(Timer(hours(2), go=End("silent")),),
    )
    life = Life(stages_of(first, second))
    life.happens("in", START)
    life.happens("reply", START + HOUR + SECOND)
    assert ends(life) == []

    life.tick(START + HOUR + 5 * SECOND)

    assert ends(life) == [("replied", rfc3339(START + HOUR + SECOND))]


def test_a_timer_that_only_acts_fires_once_and_lets_her_stay() -> None:
    timers = (Timer(hours(1), do=(send("first/after/0/do/0"),)), Timer(hours(2), go=End("over")))
    life = Life(stages_of(stage("first", after=timers)))
    life.happens("in", START)

    life.pass_until(START + DAY)

    assert [action["due"] for action in life.actions()] == [rfc3339(START + HOUR)]
    assert ends(life) == [("over", rfc3339(START + 2 * HOUR))]


def test_what_she_did_after_an_acting_timer_counts_once_it_has_fired() -> None:
    timers = (Timer(hours(1), do=(send("first/after/0/do/0"),)), Timer(hours(2), go=End("over")))
    lines = (Line(on("go"), go=End("gone")),)
    life = Life(stages_of(stage("first", on=lines, after=timers)))
    life.happens("in", START)
    life.happens("go", START + HOUR + SECOND)

    life.pass_until(START + DAY)

    assert len(life.actions()) == 1
    assert ends(life) == [("gone", rfc3339(START + HOUR + SECOND))]


def test_a_restarted_timer_counts_from_the_latest_event_and_at_most_max() -> None:
    lines = (Line(on("seen"), restart=True),)
    timer = Timer(hours(1), max=hours(2), go=End("over"))
    life = Life(stages_of(stage("first", on=lines, after=(timer,))))
    life.happens("in", START)

    life.happens("seen", START + 50 * MINUTE)
    life.happens("seen", START + 40 * MINUTE)
    assert life.due["ann"] == START + 110 * MINUTE + 5 * SECOND
    life.happens("seen", START + 100 * MINUTE)

    assert life.due["ann"] == START + 2 * HOUR + 5 * SECOND


def test_a_line_that_stays_acts_each_time_and_leaves_her_timers() -> None:
    lines = (Line(on("asked"), do=(send("first/on/0/do/0"),)),)
    life = Life(stages_of(stage("first", on=lines, after=(Timer(hours(5), go=End("over")),))))
    life.happens("in", START)

    life.happens("asked", START + MINUTE)
    life.happens("asked", START + 2 * MINUTE)

    assert len({action["action_id"] for action in life.actions()}) == 2
    assert life.due["ann"] == START + 5 * HOUR + 5 * SECOND


def test_lines_that_hold_anywhere_come_after_a_stages_own() -> None:
    book = stages_of(
        stage("first", on=(Line(on("x"), go=End("own")),)),
        anywhere=(Line(on("x", "y"), go=End("anywhere")),),
    )
    x, y = Life(book), Life(book)
    x.happens("in", START)
    y.happens("in", START)

    x.happens("x", START + MINUTE)
    y.happens("y", START + MINUTE)

    assert [ends(x)[0][0], ends(y)[0][0]] == ["own", "anywhere"]


def test_a_back_fill_moves_nobody() -> None:
    life = Life(two_stages())
    life.happens("in", START)

    life.happens("go", START + MINUTE, backfill=True)

    assert life.person().instances[0].stage == "first"


def test_a_day_is_a_calendar_day_in_her_own_zone() -> None:
    timer = Timer(days(2), at=time(10, 30), go=End("over"))
    life = Life(stages_of(stage("first", after=(timer,)), zone=ZoneInfo("Asia/Shanghai")))
    life.happens("in", at("2026-10-24 09:00"), "ann")
    life.happens("in", at("2026-10-24 09:00"), "bea", id="b", traits={"timezone": "Europe/Paris"})
    life.happens("in", at("2026-10-24 09:00"), "eve", id="e", traits={"timezone": ["odd"]})

    assert life.due["ann"] == at("2026-10-26 02:30") + 5 * SECOND
    assert life.due["bea"] == at("2026-10-26 09:30") + 5 * SECOND
    assert life.due["eve"] == life.due["ann"]


def test_a_wait_of_nothing_that_comes_back_is_a_loop() -> None:
    timer = Timer(hours(0), go=To("first"))
    life = Life(stages_of(stage("first", after=(timer,)), space=workspace(grace=0)))
    life.happens("in", START)

    life.tick(START + MINUTE)

    assert [outcome for outcome, _ in ends(life)] == ["looped"]


def test_a_daily_wait_survives_a_year_without_a_tick() -> None:
    timer = Timer(days(1), go=To("first"))
    life = Life(stages_of(stage("first", after=(timer,))))
    life.happens("in", START)

    life.pass_until(START + 365 * DAY + MINUTE)

    assert ends(life) == []
    assert life.person().instances[0].visit == 366


def test_a_loop_without_a_rest_ends_after_a_hundred_passes() -> None:
    life = Life(stages_of(stage("a", go=To("b")), stage("b", go=To("a"))))

    life.happens("in", START)

    assert [outcome for outcome, _ in ends(life)] == ["looped"]
    assert len(life.told("move")) == 99


def test_a_late_restart_gives_nothing_twice() -> None:
    lines = (Line(on("seen"), restart=True), Line(on("asked"), do=(send("first/on/1/do/0"),)))
    life = Life(stages_of(stage("first", on=lines, after=(Timer(hours(1), go=End("over")),))))
    life.happens("in", START)
    life.happens("asked", START + 40 * MINUTE)
    life.happens("asked", START + 70 * MINUTE)

    life.happens("seen", START + 30 * MINUTE)

    assert [action["due"] for action in life.actions()] == [
        rfc3339(START + 40 * MINUTE),
        rfc3339(START + 70 * MINUTE),
    ]


def test_each_visit_in_one_step_makes_actions_of_its_own() -> None:
    life = Life(stages_of(stage("a", do=(send("a/do/0"),), go=To("b")), stage("b", go=To("a"))))

    life.happens("in", START)

    ids = [action["action_id"] for action in life.actions()]
    assert len(set(ids)) == len(ids) == 50
