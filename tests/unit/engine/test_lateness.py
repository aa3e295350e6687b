"""Rule 8: a decision on an absence waits for sources that are late."""

from typing import Any

from journeys.engine.lateness import awaited
from journeys.engine.turn import Turn
from journeys.language.model import End, Exit, Line, Map, Source, Timer, To
from schemas.inbox import Marked
from schemas.touchpoint import Millis, ProfileId

from .building import (
    ANN,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Life,
    entry,
    folded_again,
    hours,
    map_of,
    on,
    release,
    send,
    stage,
    workspace,
)

DUE = START + 2 * HOUR


def till(name: str = "till", lateness: int = 3 * HOUR, *brings: str) -> Source:
    return Source(name, None, False, None, lateness, frozenset(brings or ("order.paid",)))


def asks(**more: Any) -> Map:
    timers = (
        Timer(hours(2), go=To("ask"), without=frozenset({"order.paid"})),
        *more.pop("timers", ()),
    )
    first = stage("first", on=(Line(on("order.paid"), go=End("bought")),), after=timers)
    ask = stage("ask", do=(send("ask/do/0"),), after=(Timer(hours(1), go=End("silent")),))
    return map_of("m", [first, ask], [entry("in")], **more)


def life_of(map_: Map | None = None, *sources: Source) -> Life:
    known = {each.name: each for each in (sources or (till(),))}
    life = Life(release(map_ or asks(), space=workspace(sources=known)))
    life.happens("in", START)
    return life


def marked(life: Life, upto: int, stamp: int, source: str = "till") -> None:
    life.append(Marked(source, Millis(upto)), stamp)


def moved(life: Life) -> list[tuple[str, str, Any]]:
    return [(row["to"], row["at"][11:19], row.get("flags")) for row in life.told("move")]


def test_it_waits_until_the_source_is_past_the_deadline_and_goes_on_from_then() -> None:
    life = life_of()
    life.tick(DUE + HOUR)
    before = moved(life)
    marked(life, DUE, DUE + HOUR + 30 * SECOND)
    life.pass_until(DUE + HOUR + MINUTE)

    assert before == []
    assert moved(life) == [("ask", "12:01:00", None)]
    assert [a["due"][11:19] for a in life.actions()] == ["12:01:00"]
    life.pass_until(DUE + 9 * HOUR)
    assert [row["at"][11:19] for row in life.told("end")] == ["13:01:00"]


def test_a_purchase_from_the_late_source_takes_her_out_meanwhile() -> None:
    life = life_of()
    life.tick(DUE + HOUR)
    life.happens("order.paid", DUE - MINUTE, stamp=DUE + 2 * HOUR, source="till")
    life.pass_until(DUE + DAY)

    assert [(row["outcome"], row["at"][11:19]) for row in life.told("end")] == [
        ("bought", "10:59:00")
    ]
    assert life.actions() == []


def test_what_is_dated_after_the_deadline_does_not_take_her_out() -> None:
    life = life_of()
    life.tick(DUE + HOUR)
    life.happens("order.paid", DUE + MINUTE, stamp=DUE + 2 * HOUR, source="till")
    marked(life, DUE, DUE + 2 * HOUR)
    life.pass_until(DUE + 2 * HOUR + MINUTE)

    assert [row[0] for row in moved(life)] == ["ask"]


def test_nobody_waits_where_the_source_is_past_the_deadline_already() -> None:
    life = life_of()
    marked(life, DUE, DUE)
    life.pass_until(DUE + MINUTE)

    assert moved(life) == [("ask", "11:00:00", None)]


def test_the_lateness_is_the_longest_wait_and_its_end_is_flagged() -> None:
    life = life_of()
    marked(life, DUE - 1, DUE)
    life.pass_until(DUE + 3 * HOUR - 1)
    before = moved(life)
    life.pass_until(DUE + 3 * HOUR)

    assert before == []
    assert moved(life) == [("ask", "14:00:00", ["lateness_cap"])]


def test_a_shard_that_heard_of_time_only_after_the_cap_decides_as_of_the_deadline() -> None:
    life = life_of()
    life.tick(DUE + DAY)

    assert moved(life) == [("ask", "11:00:00", None)]


def test_of_several_sources_each_must_be_in() -> None:
    life = life_of(None, till(), till("erp", HOUR), till("other", 9 * HOUR, "something.else"))
    life.tick(DUE + MINUTE)
    marked(life, DUE, DUE + 2 * MINUTE)
    life.pass_until(DUE + 30 * MINUTE)
    before = moved(life)
    life.pass_until(DUE + HOUR)

    assert before == []
    assert moved(life) == [("ask", "12:00:00", ["lateness_cap"])]


def test_a_timer_without_a_late_source_waits_for_nothing() -> None:
    life = life_of(None, till("other", HOUR, "something.else"))
    life.pass_until(DUE + MINUTE)

    assert moved(life) == [("ask", "11:00:00", None)]


def test_later_timers_of_the_stage_wait_for_the_decision() -> None:
    life = life_of(asks(timers=(Timer(hours(2.5), go=End("later")),)))
    life.pass_until(DUE + HOUR)
    before = life.told("end")
    marked(life, DUE, DUE + HOUR)
    life.pass_until(DUE + HOUR + MINUTE)

    assert before == []
    assert [row[0] for row in moved(life)] == ["ask"]


def test_goals_and_exits_do_not_wait() -> None:
    life = life_of(asks(exits=(Exit(on("gone"), "gone"),)))
    life.tick(DUE + HOUR)
    life.happens("gone", DUE + HOUR)

    assert [row["outcome"] for row in life.told("end")] == ["gone"]


def test_one_can_see_what_she_waits_for() -> None:
    life = life_of()
    life.tick(DUE + MINUTE)
    book, person = life.books["d1"], life.person()
    turn = Turn(life.shard, book, ProfileId(ANN), person, 0, [], [])

    assert awaited(turn, book.live[0], person.instances[0]) == ["till"]


def test_waiting_is_the_same_in_any_batching() -> None:
    life = life_of()
    for n in range(12):
        life.happens("in", START + n * HOUR, f"p{n % 4}", id=f"in{n}")
        life.tick(START + n * HOUR + MINUTE)
        if n % 3 == 0:
            marked(life, START + n * HOUR, START + n * HOUR + MINUTE)

    again = folded_again(life, {5, 17, 22})

    assert (again.stored, again.outputs, again.due) == (life.stored, life.outputs, life.due)
