"""Rule 3 where touchpoints come out of order: `settle` and `lookback`."""

from typing import Any

from journeys.engine.local_time import rfc3339
from journeys.language.model import Change, End, Exit, Goal, Line, Map, Timer, To

from .building import (
    ANN,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Life,
    days,
    entry,
    expression,
    folded_again,
    hours,
    map_of,
    on,
    release,
    seconds,
    stage,
)


def settles(**more: Any) -> Map:
    first = stage(
        "first",
        on=(Line(on("yes"), go=End("yes")), Line(on("no"), go=To("second"))),
        after=(Timer(hours(1), go=End("late")),),
        settle=seconds(30),
    )
    second = stage(
        "second", on=(Line(on("yes"), go=End("after all")),), after=(Timer(hours(1), go=End("no")),)
    )
    return map_of("m", [first, second], [entry("in")], **more)


def looks_back(*lines: Line, **more: Any) -> Map:
    first = stage(
        "first", on=(Line(on("go"), go=To("second")),), after=(Timer(days(1), go=End("late")),)
    )
    second = stage("second", on=lines, after=(Timer(hours(1), go=End("silent")),))
    third = stage(
        "third",
        on=(Line(on("reply"), go=End("again"), lookback=hours(9)),),
        after=(Timer(hours(1), go=End("quiet")),),
    )
    return map_of("m", [first, second, third], [entry("in")], looks_back=True, **more)


def ended(life: Life) -> list[tuple[str, str]]:
    return [(row["outcome"], row["at"]) for row in life.told("end")]


def test_the_earliest_event_time_leads_on_though_it_came_later() -> None:
    life = Life(release(settles()))
    life.happens("in", START)
    life.happens("no", START + 10 * MINUTE, stamp=START + 11 * MINUTE)
    life.happens("yes", START + 9 * MINUTE, stamp=START + 11 * MINUTE + 29 * SECOND)

    life.tick(START + 11 * MINUTE + 30 * SECOND)

    assert ended(life) == [("yes", rfc3339(START + 9 * MINUTE))]
    [report] = life.told("report")
    assert (report["reason"], report["cause_id"]) == ("ambiguous", f"no@{START + 10 * MINUTE}")
    assert report["taken"] == f"yes@{START + 9 * MINUTE}"


def test_nothing_happens_before_the_wait_is_over_and_then_at_once() -> None:
    life = Life(release(settles()))
    life.happens("in", START)
    life.happens("yes", START + MINUTE)

    life.tick(START + MINUTE + 30 * SECOND - 1)
    before = ended(life)
    life.pass_until(START + MINUTE + 30 * SECOND)

    assert before == []
    assert ended(life) == [("yes", rfc3339(START + MINUTE))]


def test_a_touchpoint_of_hers_after_the_wait_ends_it_too() -> None:
    life = Life(release(settles()))
    life.happens("in", START)
    life.happens("no", START + MINUTE)
    life.happens("yes", START + MINUTE - 1, stamp=START + 2 * MINUTE)

    assert [row["to"] for row in life.told("move")] == ["second"]
    assert ended(life) == []


def test_equal_times_go_by_reception_and_then_by_id() -> None:
    life = Life(release(settles()))
    life.happens("in", START)
    life.happens("no", START + MINUTE, id="b", received=START + MINUTE + 2)
    life.happens("yes", START + MINUTE, id="z", received=START + MINUTE + 1)
    life.happens("no", START + MINUTE, id="a", received=START + MINUTE + 2)

    life.pass_until(START + 2 * MINUTE)

    assert ended(life) == [("yes", rfc3339(START + MINUTE))]
    assert [row["cause_id"] for row in life.told("report")] == ["a", "b"]


def test_a_timer_waits_for_what_is_settling_before_its_deadline() -> None:
    life = Life(release(settles()))
    life.happens("in", START)
    life.happens("yes", START + HOUR, stamp=START + HOUR + 4 * SECOND)

    life.pass_until(START + 2 * HOUR)

    assert ended(life) == [("yes", rfc3339(START + HOUR))]


def test_a_goal_or_an_exit_does_not_wait() -> None:
    life = Life(
        release(
            settles(goals=(Goal("won", on("won"), None, End("won")),), exits=(Exit(on("x"), "x"),))
        )
    )
    life.happens("in", START)
    life.happens("no", START + MINUTE)
    life.happens("won", START + MINUTE + SECOND)
    life.pass_until(START + DAY)

    assert ended(life) == [("won", rfc3339(START + MINUTE + SECOND))]
    assert life.told("report") == []


def test_what_happened_after_the_one_that_led_on_counts_for_the_next_stage() -> None:
    life = Life(release(settles()))
    life.happens("in", START)
    life.happens("no", START + MINUTE)
    life.happens("yes", START + MINUTE + SECOND)

    life.pass_until(START + 2 * MINUTE)

    assert ended(life) == [("after all", rfc3339(START + MINUTE + SECOND))]


def test_settling_is_the_same_in_any_batching() -> None:
    life = Life(release(settles()))
    for n in range(12):
        life.happens("in", START + n * HOUR, id=f"in{n}")
        life.happens("no", START + n * HOUR + 10 * SECOND, id=f"no{n}")
        life.happens(
            "yes",
            START + n * HOUR + 9 * SECOND,
            id=f"yes{n}",
            stamp=START + n * HOUR + (20 + 3 * n) * SECOND,
        )
        life.tick(START + n * HOUR + 40 * SECOND)

    again = folded_again(life, {5, 17, 30})

    assert (again.stored, again.outputs, again.due) == (life.stored, life.outputs, life.due)


def test_a_line_looks_back_before_the_arrival_and_the_move_is_dated_by_it() -> None:
    life = Life(release(looks_back(Line(on("reply"), go=End("replied"), lookback=hours(2)))))
    life.happens("in", START)
    life.happens("reply", START + HOUR)
    life.happens("go", START + 2 * HOUR)

    assert ended(life) == [("replied", rfc3339(START + 2 * HOUR))]


def test_what_lies_before_the_lookback_does_not_count() -> None:
    life = Life(release(looks_back(Line(on("reply"), go=End("replied"), lookback=hours(1)))))
    life.happens("in", START)
    life.happens("reply", START + HOUR)
    life.happens("go", START + 2 * HOUR)

    assert ended(life) == []


def test_only_the_line_that_says_so_looks_back() -> None:
    lines = (
        Line(on("other"), go=End("other")),
        Line(on("reply"), go=End("replied"), lookback=hours(2)),
    )
    life = Life(release(looks_back(*lines)))
    life.happens("in", START)
    life.happens("other", START + HOUR)
    life.happens("go", START + 2 * HOUR)

    assert ended(life) == []


def test_what_caused_the_arrival_or_was_taken_before_never_counts_again() -> None:
    lines = (
        Line(on("in", "go"), go=End("again"), lookback=hours(9)),
        Line(on("reply"), go=To("third"), lookback=hours(9)),
    )
    life = Life(release(looks_back(*lines)))
    life.happens("in", START)
    life.happens("reply", START + HOUR)
    life.happens("go", START + 2 * HOUR)

    assert [row["to"] for row in life.told("move")] == ["second", "third"]
    assert ended(life) == []


def test_a_line_that_only_does_something_does_it_once_for_what_lies_back() -> None:
    mark = Change("second/on/0/do/0", {"n": expression(lambda s: s.event.id)})
    life = Life(release(looks_back(Line(on("reply"), do=(mark,), lookback=hours(9)))))
    life.happens("in", START)
    life.happens("reply", START + HOUR, id="r1")
    life.happens("go", START + 2 * HOUR)
    life.happens("else", START + 2 * HOUR + MINUTE)

    assert life.person().trait("n") == "r1"
    assert len(life.person().instances[0].taken) == 2
    assert life.person(ANN).instances[0].stage == "second"
