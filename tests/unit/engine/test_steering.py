from datetime import time

from journeys.engine.local_time import rfc3339
from journeys.language.model import Channel, End, Line, QuietHours, Timer
from schemas.inbox import Drained, Held, Merged, Paused, Released, Resumed, Stopped, Tick
from schemas.touchpoint import Millis

from .building import (
    ANN,
    BEA,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Life,
    at,
    entry,
    hours,
    map_of,
    on,
    release,
    send,
    stage,
    workspace,
)


def sender(name: str, event: str, version: int = 1, **more):
    first = stage(
        "first", do=(send("first/do/0", **more),), after=(Timer(hours(1), go=End("over")),)
    )
    return map_of(name, [first], [entry(event)], version=version)


def life_of(**more) -> Life:
    channels = {"sms": Channel("sms", "phone")}
    space = workspace(channels=channels, quiet_hours=more.pop("quiet", ()))
    return Life(release(sender("m", "in", **more), sender("other", "b"), space=space))


def withheld(life):
    return [(row["map"], row["reason"], row["logged"]) for row in life.told("withheld")]


def left(life):
    return [(a["map"], a["at"], a["leaves"]) for a in life.actions()]


def test_a_paused_map_holds_what_it_sends_and_others_do_not() -> None:
    life = life_of()
    life.append(Paused("m"), START)

    life.happens("in", START)
    life.happens("b", START)
    life.tick(START + 5 * HOUR)

    assert [name for name, *_ in left(life)] == ["other"]
    assert [i.timers for i in life.person().instances] == [[]]


def test_a_paused_map_wakes_nobody_until_it_is_resumed() -> None:
    life = life_of()
    life.append(Paused("m"), START)
    life.happens("in", START)

    assert life.due[ANN] > START + 1000 * DAY
    due, waiting = life._called(life.log[-1]._replace(record=Tick(Millis(START + DAY))))
    assert (due, waiting) == ([], [])


def test_what_was_held_leaves_when_the_map_is_resumed_and_timers_count_from_then() -> None:
    life = life_of()
    life.append(Paused("m"), START)
    life.happens("in", START)
    life.append(Resumed("m"), START + 3 * HOUR)

    life.tick(START + 3 * HOUR)

    then = rfc3339(START + 3 * HOUR)
    assert left(life) == [("m", then, then)]
    assert (life.due[ANN], life.gate) == (START + 4 * HOUR + 5 * SECOND, {})


def test_a_map_resumed_and_paused_again_is_looked_at_once_each_time() -> None:
    life = life_of()
    life.append(Paused("m"), START)
    life.happens("in", START)
    life.append(Resumed("m"), START + HOUR)
    life.append(Paused("m"), START + HOUR)
    life.tick(START + HOUR)
    assert life.actions() == []

    life.append(Resumed("m"), START + 2 * HOUR)
    life.tick(START + 2 * HOUR)

    assert left(life) == [("m", rfc3339(START + 2 * HOUR), rfc3339(START + 2 * HOUR))]


def test_the_resumption_of_another_map_lets_nothing_go() -> None:
    life = life_of()
    life.append(Paused("m"), START)
    life.append(Paused("other"), START)
    life.happens("in", START)

    life.append(Resumed("other"), START + HOUR)
    life.tick(START + HOUR)

    assert life.actions() == []
    assert life.person().instances[0].gate[0].why == "paused"


def test_with_discard_what_would_leave_is_withheld_and_she_goes_on() -> None:
    life = life_of()
    life.append(Paused("m", "discard"), START)

    life.happens("in", START)

    assert withheld(life) == [("m", "paused", rfc3339(START))]
    assert life.due[ANN] == START + HOUR + 5 * SECOND


def test_what_is_stale_when_the_map_is_resumed_does_not_leave() -> None:
    life = life_of()
    life.append(Paused("m", "hold", 2 * HOUR), START)
    life.happens("in", START, ANN)
    life.happens("in", START + 2 * HOUR, BEA, id="later")
    life.append(Resumed("m"), START + 3 * HOUR)

    life.tick(START + 3 * HOUR)

    assert [a["profile_id"] for a in life.actions()] == [BEA]
    assert withheld(life) == [("m", "stale", rfc3339(START + 3 * HOUR))]


def test_the_gate_of_all_maps_and_that_of_one_must_both_be_open() -> None:
    life = life_of()
    life.append(Held(), START)
    life.append(Paused("m"), START)
    life.happens("in", START)

    life.append(Released(), START + HOUR)
    life.tick(START + HOUR)
    assert life.actions() == []
    life.append(Held(), START + HOUR)
    life.append(Resumed("m"), START + 2 * HOUR)
    life.tick(START + 2 * HOUR)
    assert life.actions() == []
    life.append(Released(), START + 3 * HOUR)
    life.tick(START + 3 * HOUR)

    assert len(life.actions()) == 1


def test_a_map_paused_in_the_night_holds_the_message_of_the_morning() -> None:
    night = QuietHours(time(21, 30), time(8, 30))
    life = life_of(quiet=(night,), class_="marketing")
    late, morning = at("2026-05-04 22:00"), at("2026-05-05 08:30")
    life.happens("in", late)
    life.append(Paused("m"), late + HOUR)
    life.pass_until(morning + HOUR)
    assert life.actions() == []

    life.append(Resumed("m"), morning + 2 * HOUR)
    life.tick(morning + 2 * HOUR)

    assert [leaves for *_, leaves in left(life)] == [rfc3339(morning + 2 * HOUR)]


def test_a_goal_or_a_merge_reaches_who_is_held_by_a_paused_map() -> None:
    life = life_of()
    life.append(Paused("m"), START)
    life.happens("in", START, BEA)
    life.append(Merged(BEA, ANN), START + MINUTE)
    life.deliver()

    life.append(Resumed("m"), START + HOUR)
    life.tick(START + HOUR)

    assert [a["profile_id"] for a in life.actions()] == [ANN]


def test_a_map_that_drains_lets_nobody_in_and_keeps_those_who_are_in_it() -> None:
    life = life_of()
    life.happens("in", START, ANN)
    life.append(Drained("m"), START + MINUTE)

    life.happens("in", START + MINUTE, BEA, id="refused")
    life.pass_until(START + 2 * HOUR)

    assert [row["reason"] for row in life.told("refused")] == ["draining"]
    assert [row["outcome"] for row in life.told("end")] == ["over"]


def test_a_drained_map_that_is_resumed_lets_people_in_again() -> None:
    life = life_of()
    life.append(Drained("m"), START)
    life.append(Resumed("m"), START)

    life.happens("in", START)

    assert len(life.told("enter")) == 1


def test_who_is_in_a_map_that_is_stopped_is_out_of_it_since_then() -> None:
    life = life_of()
    life.happens("in", START)
    life.append(Stopped("m"), START + MINUTE)

    life.pass_until(START + 2 * HOUR)

    (row,) = life.told("end")
    assert (row["outcome"], row["at"], row["cause"]) == ("stopped", rfc3339(START + MINUTE), "stop")
    assert life.person().instances == []


def test_her_next_touchpoint_too_finds_her_out_of_it() -> None:
    first = stage("first", on=(Line(on("go"), do=(send("first/on/0/do/0"),), go=End("gone")),))
    life = Life(release(map_of("m", [first], [entry("in")])))
    life.happens("in", START)
    life.append(Stopped("m"), START + MINUTE)

    life.happens("go", START + HOUR)

    assert [row["outcome"] for row in life.told("end")] == ["stopped"]
    assert life.actions() == []


def test_what_stands_at_the_gate_of_a_stopped_map_is_cancelled() -> None:
    life = life_of()
    life.append(Held(), START)
    life.happens("in", START)
    life.append(Stopped("m"), START + MINUTE)
    life.append(Released(), START + HOUR)

    life.tick(START + HOUR)

    assert [reason for _, reason, _ in withheld(life)] == ["cancelled"]


def test_only_a_version_published_later_lets_people_into_a_stopped_map() -> None:
    life = life_of()
    life.append(Stopped("m"), START)
    life.happens("in", START, id="refused")
    life.append(Resumed("m"), START)
    life.happens("in", START + 1, id="still")

    life.publish(release(sender("m", "in", version=2), space=workspace(digest="d2")))
    life.happens("in", START + MINUTE, id="entered")

    assert [row["reason"] for row in life.told("refused")] == ["stopped", "stopped"]
    assert [row["version"] for row in life.told("enter")] == [2]
