"""Rule 19: whom a goal is credited to, and goals that come after the end."""

from typing import Any

import pytest

from journeys.engine.profile import encode
from journeys.language.model import End, Goal, Map, Timer
from schemas.inbox import Merged

from .building import (
    ANN,
    BEA,
    DAY,
    HOUR,
    MINUTE,
    START,
    Life,
    days,
    entry,
    expression,
    hours,
    map_of,
    on,
    release,
    send,
    stage,
    workspace,
)

AMOUNT = expression(lambda scope: scope.event.properties.get("amount"))


WON = End("won")


def courting(then: Any = WON, credit: Any = None, **more: Any) -> Map:
    """Two messages on two days, then it ends as silent; a purchase is its goal."""
    first = stage(
        "first",
        after=(
            Timer(days(1), do=(send("first/after/0/do/0"),)),
            Timer(days(2), do=(send("first/after/1/do/0", template="bye"),)),
            Timer(days(3), go=End("silent")),
        ),
    )
    goals = (Goal("won", on("order.paid"), AMOUNT, then, credit),)
    remembers = {"in": frozenset[str](), "order.paid": frozenset({"amount"})}
    return map_of("m", [first], [entry("in")], goals=goals, remembers=remembers, **more)


def life_of(map_: Map) -> Life:
    space = workspace()
    templates = {**space.templates, "bye": space.templates["hello"]}
    life = Life(release(map_, space=workspace(templates=templates)))
    life.happens("in", START, consents={"sms": True})
    return life


def goals(life: Life) -> list[tuple[Any, ...]]:
    words = ("at", "credit", "value", "after_end", "late")
    return [tuple(row.get(word) for word in words) for row in life.told("goal")]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (START + DAY, "none"),  # the message left at that very moment, or later
        (START + DAY + HOUR, "hello"),
        (START + 2 * DAY + HOUR, "bye"),
    ],
)
def test_a_goal_is_credited_to_the_last_message_that_left_before_it(
    moment: int, expected: str
) -> None:
    life = life_of(courting())
    life.pass_until(moment)
    life.happens("order.paid", moment, amount=9)

    assert [row[1:3] for row in goals(life)] == [(expected, 9)]


def test_a_message_that_left_too_long_before_gets_no_credit() -> None:
    life = life_of(courting(credit=hours(2)))
    life.pass_until(START + DAY + MINUTE)
    life.happens("order.paid", START + DAY + 3 * HOUR)

    assert [row[1] for row in goals(life)] == ["none"]


def test_a_goal_dated_before_the_end_corrects_the_outcome() -> None:
    life = life_of(courting())
    life.pass_until(START + 4 * DAY)
    bought = START + 2 * DAY + HOUR
    life.happens("order.paid", bought, amount=9, stamp=START + 5 * DAY)

    assert goals(life) == [("2026-05-06T10:00:00.000Z", "bye", 9, None, True)]
    ends = [(row["outcome"], row["at"], row.get("correction")) for row in life.told("end")]
    assert ends == [
        ("silent", "2026-05-07T09:00:00.000Z", None),
        ("won", "2026-05-06T10:00:00.000Z", True),
    ]


def test_one_dated_later_is_credited_and_changes_nothing() -> None:
    life = life_of(courting())
    life.pass_until(START + 4 * DAY)
    life.happens("order.paid", START + 5 * DAY, amount=9)

    assert goals(life) == [("2026-05-09T09:00:00.000Z", "bye", 9, True, None)]
    assert [row["outcome"] for row in life.told("end")] == ["silent"]


def test_after_the_end_each_goal_counts_once_and_not_without_credit() -> None:
    life = life_of(courting(credit=days(3)))
    life.pass_until(START + 4 * DAY)
    life.happens("order.paid", START + 5 * DAY + MINUTE)
    life.happens("order.paid", START + 4 * DAY + HOUR)
    life.happens("order.paid", START + 4 * DAY + 2 * HOUR)

    assert [row[0][8:13] for row in goals(life)] == ["08T10"]


def test_the_touchpoint_that_ended_an_instance_is_no_second_goal_of_it() -> None:
    life = life_of(courting())
    life.pass_until(START + DAY + MINUTE)
    life.happens("order.paid", START + DAY + HOUR)
    life.happens("order.paid", START + DAY + 2 * HOUR, id="again")

    assert len(goals(life)) == 1


def test_whom_an_open_instance_concerns_an_ended_one_of_the_same_map_does_not() -> None:
    life = life_of(courting())
    life.pass_until(START + 4 * DAY)
    life.happens("in", START + 4 * DAY, id="again")
    life.happens("order.paid", START + 4 * DAY + HOUR)

    assert [row[1] for row in goals(life)] == ["none"]


def test_what_is_remembered_of_ended_instances_is_forgotten_in_time() -> None:
    life = life_of(courting())
    life.pass_until(START + 4 * DAY)
    kept = len(life.person().ended)
    life.happens("else", START + 11 * DAY)

    assert (kept, life.person().ended) == (1, [])


def test_a_map_without_goals_leaves_nothing_behind() -> None:
    life = Life(release(map_of("m", [stage("s", go=End("x"))], [entry("in")])))
    for n in range(30):
        life.happens("in", START + n, id=str(n))

    assert life.person().ended == []


def test_no_more_than_ten_are_remembered() -> None:
    ends = stage("s", go=End("x"))
    life = Life(
        release(map_of("m", [ends], [entry("in")], goals=(Goal("g", on("g"), None, None),)))
    )
    for n in range(30):
        life.happens("in", START + n, id=str(n))

    assert len(life.person().ended) == 10
    assert len(encode(life.person())) < 5_000


def test_a_merge_keeps_what_both_sides_remember_of_the_end() -> None:
    life = life_of(courting())
    life.happens("else", START, BEA)
    life.pass_until(START + 4 * DAY)
    life.append(Merged(ANN, BEA), START + 4 * DAY)
    life.deliver()
    life.happens("order.paid", START + 5 * DAY, BEA)

    assert [(row["profile_id"], row["credit"]) for row in life.told("goal")] == [("bea", "bye")]
