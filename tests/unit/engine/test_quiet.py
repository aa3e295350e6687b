from datetime import time
from zoneinfo import ZoneInfo

import pytest

from journeys.engine.local_time import rfc3339
from journeys.engine.quiet import next_quiet, quiet_until
from journeys.language.model import Channel, End, Exit, Goal, Line, QuietHours, Timer, To
from schemas.inbox import Held, Merged, Released

from .building import (
    ANN,
    BEA,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
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

NIGHT = QuietHours(time(21, 30), time(8, 30))
LATE = at("2026-05-04 22:00")
MORNING = at("2026-05-05 08:30")
OPEN = {"sms": Channel("sms", "phone"), "email": Channel("email", "email")}
BOTH = {"phone": ("+8613800138000",), "email": ("ann@example.com",)}


def greeting(*quiet, **more):
    more.setdefault("class_", "marketing")
    rest = more.pop("rest", {"after": (Timer(hours(1), go=End("over")),)})
    first = stage("first", do=(send("first/do/0", **more),), **rest)
    exits = (Exit(on("stop"), "stopped"),)
    space = workspace(quiet_hours=quiet, channels=OPEN)
    stages = [first, stage("called", after=(Timer(hours(1), go=End("over")),))]
    return release(map_of("m", stages, [entry("in")], exits=exits), space=space)


def times(life):
    return [(a["due"], a["at"], a["leaves"]) for a in life.actions()]


def withheld(life):
    return [(row["reason"], row["logged"]) for row in life.told("withheld")]


def test_a_message_at_night_leaves_when_the_quiet_hours_end() -> None:
    life = Life(greeting(NIGHT))

    life.happens("in", LATE)
    assert (life.actions(), life.due[ANN], life.gate) == ([], MORNING, {})
    life.pass_until(MORNING + MINUTE)

    assert times(life) == [(rfc3339(LATE), rfc3339(MORNING), rfc3339(MORNING))]


def test_a_tick_that_comes_late_says_when_the_hold_ended_and_when_it_left() -> None:
    life = Life(greeting(NIGHT))
    life.happens("in", LATE)

    life.tick(MORNING + HOUR)

    assert times(life) == [(rfc3339(LATE), rfc3339(MORNING), rfc3339(MORNING + HOUR))]


def test_a_tick_that_comes_in_the_next_night_lets_nothing_leave() -> None:
    life = Life(greeting(NIGHT))
    life.happens("in", LATE)

    life.tick(LATE + DAY)

    assert life.actions() == []
    assert life.due[ANN] == MORNING + DAY


def test_the_hours_begin_at_their_first_moment_and_do_not_contain_their_last() -> None:
    moments = ["21:29:59.999", "21:30", "08:29:59.999", "08:30"]
    left = []
    for text in moments:
        life = Life(greeting(NIGHT))
        life.happens("in", at(f"2026-05-05 {text}"))
        left.append(len(life.actions()))

    assert left == [1, 0, 0, 1]


def test_while_she_is_held_her_timers_stand_still_and_then_count_anew() -> None:
    life = Life(greeting(NIGHT))
    life.happens("in", LATE)
    life.tick(LATE + 5 * HOUR)
    assert life.person().instances[0].timers == []

    life.pass_until(MORNING)

    assert life.due[ANN] == MORNING + HOUR + 5 * SECOND


def test_the_hours_are_those_of_the_persons_zone() -> None:
    life = Life(greeting(NIGHT))

    life.happens("in", at("2026-05-04 14:00"), traits={"timezone": "Asia/Shanghai"})

    assert life.due[ANN] == at("2026-05-05 00:30")


def test_transactional_messages_keep_no_quiet_hours_but_their_own() -> None:
    own = QuietHours(time(1), time(2), "transactional")
    free, kept = (Life(greeting(NIGHT, own, class_="transactional")) for _ in range(2))

    free.happens("in", LATE)
    kept.happens("in", at("2026-05-05 01:30"))

    assert len(free.actions()) == 1
    assert kept.due[ANN] == at("2026-05-05 02:00")


def test_hours_of_a_channel_concern_that_channel_alone() -> None:
    quiet = QuietHours(time(21, 30), time(8, 30), channels=("email",))
    life = Life(greeting(quiet))

    life.happens("in", LATE)

    assert [a["channel"] for a in life.actions()] == ["sms"]


def test_several_hours_add_up() -> None:
    nap, breakfast = QuietHours(time(12), time(15)), QuietHours(time(8), time(10))
    hours_ = (NIGHT, nap, breakfast)

    assert quiet_until(hours_, LATE, ZoneInfo("UTC")) == at("2026-05-05 10:00")
    assert quiet_until(hours_, at("2026-05-05 10:00"), ZoneInfo("UTC")) is None
    assert next_quiet(hours_, at("2026-05-05 10:00"), ZoneInfo("UTC")) == at("2026-05-05 12:00")


@pytest.mark.parametrize(
    ("zone", "moment", "until"),
    [
        # 2:00 to 3:00 does not exist: a night that ends then ends when the clock jumps.
        ("Europe/Rome", "2026-03-28 23:00", "2026-03-29 01:00"),
        # 2:00 to 3:00 comes twice: the first 2:30 ends the night.
        ("Europe/Rome", "2026-10-24 22:00", "2026-10-25 00:30"),
        ("America/New_York", "2026-03-08 05:00", "2026-03-08 07:00"),
        ("America/New_York", "2026-11-01 04:00", "2026-11-01 07:30"),
        ("Australia/Lord_Howe", "2026-10-03 13:00", "2026-10-03 15:30"),
        ("Asia/Shanghai", "2026-03-29 16:00", "2026-03-29 18:30"),
    ],
)
def test_a_night_on_which_clocks_change_ends_once(zone: str, moment: str, until: str) -> None:
    night = (QuietHours(time(22), time(2, 30)),)

    assert quiet_until(night, at(moment), ZoneInfo(zone)) == at(until)


def test_hours_that_a_change_of_the_clocks_skips_are_none() -> None:
    skipped = (QuietHours(time(2), time(3)),)

    assert quiet_until(skipped, at("2026-03-29 01:00"), ZoneInfo("Europe/Rome")) is None


def test_an_action_says_when_the_next_quiet_hours_begin() -> None:
    quiet, loud = Life(greeting(NIGHT)), Life(greeting())

    for life in (quiet, loud):
        life.happens("in", MORNING)

    assert quiet.actions()[0]["not_after"] == rfc3339(at("2026-05-05 21:30"))
    assert loud.actions()[0]["not_after"] is None


def test_a_message_that_is_skipped_lets_her_go_on_at_once() -> None:
    life = Life(greeting(NIGHT, on_quiet="skip"))

    life.happens("in", LATE)

    assert withheld(life) == [("quiet", rfc3339(LATE))]
    assert life.due[ANN] == LATE + HOUR + 5 * SECOND


def test_another_channel_is_taken_where_it_is_not_quiet() -> None:
    quiet = QuietHours(time(21, 30), time(8, 30), channels=("sms",))
    life = Life(greeting(quiet, on_quiet="other_channel", channels=("sms", "email")))

    life.happens("in", LATE, identifiers=BOTH)

    (action,) = life.actions()
    assert (action["channel"], action["passed_over"]) == ("email", {"sms": "quiet"})


def test_where_it_is_quiet_everywhere_the_action_is_withheld_as_quiet() -> None:
    life = Life(greeting(NIGHT, on_quiet="other_channel", channels=("sms", "email")))

    life.happens("in", LATE, identifiers=BOTH)

    (row,) = life.told("withheld")
    assert row["reason"] == "quiet"
    assert row["passed_over"] == {"sms": "quiet", "email": "quiet"}


@pytest.mark.parametrize("where", [To("called"), End("asleep")])
def test_a_way_round_the_quiet_hours_is_taken_at_once(where: To | End) -> None:
    life = Life(greeting(NIGHT, on_quiet=where))

    life.happens("in", LATE)

    assert withheld(life) == [("quiet", rfc3339(LATE))]
    last = life.told()[-1]
    assert last.get("to") == "called" or last["outcome"] == "asleep"


def test_who_cannot_be_reached_is_led_elsewhere() -> None:
    life = Life(greeting(channels=("email",), on_unreachable=To("called")))

    life.happens("in", MORNING)

    assert withheld(life) == [("unreachable", rfc3339(MORNING))]
    assert life.person().instances[0].stage == "called"


def test_a_held_message_expires_when_it_may_leave_no_more() -> None:
    life = Life(greeting(NIGHT, expires_after=hours(2)))
    life.happens("in", LATE)
    assert life.due[ANN] == LATE + 2 * HOUR + 1

    life.pass_until(MORNING)

    assert withheld(life) == [("expired", rfc3339(LATE + 2 * HOUR + 1))]
    assert life.told("end")[0]["at"] == rfc3339(LATE + 3 * HOUR + 1)


def test_what_stands_behind_a_held_message_leaves_after_it() -> None:
    sends = (
        send("first/do/0", class_="marketing"),
        send("first/do/1", class_="transactional"),
    )
    first = stage("first", do=sends, after=(Timer(hours(1), go=End("over")),))
    space = workspace(quiet_hours=(NIGHT,), channels=OPEN)
    life = Life(release(map_of("m", [first], [entry("in")]), space=space))

    life.happens("in", LATE)
    assert life.actions() == []
    life.pass_until(MORNING)

    assert [a["class"] for a in life.actions()] == ["marketing", "transactional"]
    assert {a["leaves"] for a in life.actions()} == {rfc3339(MORNING)}


def test_what_stood_behind_a_message_that_leads_elsewhere_is_cancelled() -> None:
    sends = (
        send("first/do/0", class_="marketing", expires_after=hours(1)),
        send("first/do/1", class_="marketing", channels=("email",), on_unreachable=To("called")),
        send("first/do/2"),
    )
    first = stage("first", do=sends, after=(Timer(hours(1), go=End("over")),))
    called = stage("called", after=(Timer(hours(1), go=End("over")),))
    space = workspace(quiet_hours=(NIGHT,), channels=OPEN)
    life = Life(release(map_of("m", [first, called], [entry("in")]), space=space))
    life.happens("in", LATE)

    life.pass_until(LATE + HOUR + 1)

    reasons = [reason for reason, _ in withheld(life)]
    assert reasons == ["expired", "unreachable", "cancelled"]
    assert life.person().instances[0].stage == "called"


def test_a_goal_in_the_night_cancels_the_message_of_the_morning() -> None:
    first = stage(
        "first",
        do=(send("first/do/0", class_="marketing"),),
        after=(Timer(hours(1), go=End("no")),),
    )
    goals = (Goal("won", on("order.paid"), None, End("won")),)
    space = workspace(quiet_hours=(NIGHT,), channels=OPEN)
    life = Life(release(map_of("m", [first], [entry("in")], goals=goals), space=space))
    life.happens("in", LATE)

    life.happens("order.paid", LATE + HOUR)
    life.pass_until(MORNING)

    assert life.actions() == []
    assert withheld(life) == [("cancelled", rfc3339(LATE + HOUR))]


def test_a_timer_due_before_the_end_of_the_hours_goes_first() -> None:
    lines = (Line(on("asked"), do=(send("first/on/0/do/0", class_="marketing"),)),)
    first = stage("first", on=lines, after=(Timer(hours(2), go=End("over")),))
    space = workspace(quiet_hours=(NIGHT,), channels=OPEN)
    life = Life(release(map_of("m", [first], [entry("in")]), space=space))
    life.happens("in", LATE)
    life.happens("asked", LATE + MINUTE)

    life.tick(MORNING + HOUR)

    assert [row["at"] for row in life.told("end")] == [rfc3339(LATE + 2 * HOUR)]
    assert [reason for reason, _ in withheld(life)] == ["cancelled"]


def test_what_is_judged_while_the_gate_is_shut_waits_for_it_to_open() -> None:
    life = Life(greeting(NIGHT))
    life.happens("in", LATE)
    life.append(Held(), LATE + HOUR)

    life.pass_until(MORNING)
    assert (life.actions(), life.gate) == ([], {ANN: LATE})
    assert life.due.get(ANN, 0) > MORNING + DAY
    life.append(Released(), MORNING + HOUR)
    life.tick(MORNING + HOUR)

    assert times(life) == [(rfc3339(LATE), rfc3339(MORNING + HOUR), rfc3339(MORNING + HOUR))]


def test_a_gate_opened_at_night_judges_the_quiet_hours_anew() -> None:
    life = Life(greeting(NIGHT))
    life.append(Held(), MORNING + HOUR)
    life.happens("in", MORNING + HOUR)
    life.append(Released(), LATE + DAY)

    life.tick(LATE + DAY)

    assert (life.actions(), life.gate, life.due[ANN]) == ([], {}, MORNING + DAY)


def test_a_merge_takes_what_is_held_along() -> None:
    life = Life(greeting(NIGHT))
    life.happens("in", LATE, BEA)
    life.append(Merged(BEA, ANN), LATE + HOUR)
    life.deliver()

    life.pass_until(MORNING)

    assert [(a["profile_id"], a["leaves"]) for a in life.actions()] == [(ANN, rfc3339(MORNING))]
