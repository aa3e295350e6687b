from journeys.engine.local_time import rfc3339
from journeys.language.model import Choice, End, Exit, Goal, Line, Timer, To

from .building import (
    ANN,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Life,
    entry,
    expression,
    hours,
    map_of,
    on,
    release,
    stage,
)

AMOUNT = expression(lambda scope: scope.event.properties.get("amount"))


def waiting(**more):
    first = stage(
        "first",
        on=(Line(on("order.paid"), go=To("second")),),
        after=(Timer(hours(1), go=End("over")),),
    )
    return release(
        map_of(
            "m",
            [first, stage("second", after=(Timer(hours(9), go=End("x")),))],
            [entry("in")],
            **more,
        )
    )


def exiting():
    return waiting(goals=(Goal("ordered", on("order.paid"), AMOUNT, End("ordered")),))


def test_a_goal_ends_the_wait_before_any_line() -> None:
    life = Life(exiting())
    life.happens("in", START)

    life.happens("order.paid", START + MINUTE, amount=129)

    (goal,) = life.told("goal")
    assert (goal["goal"], goal["value"], goal["at"]) == ("ordered", 129, rfc3339(START + MINUTE))
    assert [row["outcome"] for row in life.told("end")] == ["ordered"]


def test_a_goal_counts_even_after_a_deadline_whose_timer_has_not_fired() -> None:
    life = Life(exiting())
    life.happens("in", START)

    life.happens("order.paid", START + HOUR + SECOND)
    life.pass_until(START + 2 * HOUR)

    assert [row["outcome"] for row in life.told("end")] == ["ordered"]


def test_a_goal_must_be_later_than_the_entry() -> None:
    life = Life(exiting())
    life.happens("in", START)

    life.happens("order.paid", START)

    assert life.told("goal") == []


def test_a_goal_that_came_before_its_entry_counts_on_entry() -> None:
    life = Life(exiting())
    life.happens("order.paid", START + MINUTE, amount=7)

    life.happens("in", START)

    assert [row["value"] for row in life.told("goal")] == [7]
    assert life.person().instances == []


def test_a_goal_that_stays_counts_once_and_lets_lines_move_her() -> None:
    life = Life(waiting(goals=(Goal("ordered", on("order.paid"), None, None),)))
    life.happens("in", START)

    life.happens("order.paid", START + MINUTE)
    life.happens("order.paid", START + 2 * MINUTE)

    assert len(life.told("goal")) == 1
    assert life.person().instances[0].stage == "second"


def test_a_goal_may_move_her() -> None:
    life = Life(waiting(goals=(Goal("won", on("won"), None, To("second")),)))
    life.happens("in", START)

    life.happens("won", START + MINUTE)

    assert life.person().instances[0].stage == "second"


def test_of_several_goals_the_first_that_matches_counts() -> None:
    goals = tuple(Goal(name, on("order.paid"), None, None) for name in ("one", "two"))
    life = Life(waiting(goals=goals))
    life.happens("in", START)

    life.happens("order.paid", START + MINUTE)

    assert [row["goal"] for row in life.told("goal")] == ["one"]


def test_goals_come_before_exits_and_a_back_fill_feeds_both() -> None:
    book = waiting(exits=(Exit(on("consent.withdrawn"), "unsubscribed"),))
    life = Life(book)
    life.happens("in", START)

    life.happens("consent.withdrawn", START + MINUTE, backfill=True)

    assert [row["outcome"] for row in life.told("end")] == ["unsubscribed"]


def test_facts_come_first_and_the_newest_event_time_wins() -> None:
    is_gold = expression(lambda scope: scope.profile.trait("tier") == "gold")
    choice = stage("first", choose=(Choice(is_gold, End("gold")), Choice(None, End("other"))))
    life = Life(release(map_of("m", [choice], [entry("in")])))

    life.happens("in", START, traits={"tier": "gold"}, consents={"sms": True})
    life.happens(
        "profile.updated", START - MINUTE, traits={"tier": "none"}, consents={"sms": False}
    )

    assert [row["outcome"] for row in life.told("end")] == ["gold"]
    assert life.person(ANN).trait("tier") == "gold"
    assert life.person(ANN).consent("sms") is True
