from dataclasses import replace
from datetime import time

import pytest

from journeys.engine.caps import PLACES_KEPT, give_back
from journeys.engine.local_time import rfc3339
from journeys.language.model import (
    Cap,
    Channel,
    Duration,
    End,
    Limit,
    Policy,
    QuietHours,
    Timer,
    To,
)
from schemas.inbox import Merged

from .building import (
    ANN,
    BEA,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Life,
    days,
    entry,
    expression,
    hours,
    map_of,
    release,
    send,
    stage,
    workspace,
)

OPEN = {"sms": Channel("sms", "phone"), "email": Channel("email", "email")}
BOTH = {"phone": ("+8613800138000",), "email": ("ann@example.com",)}


def sender(name: str, event: str, **more):
    """A map that sends one message to whoever does `event`, as often as she does it."""
    more.setdefault("class_", "marketing")
    one = stage("one", do=(send("one/do/0", **more),), go=End("over"))
    called = stage("called", go=End("called"))
    return map_of(name, [one, called], [entry(event)])


def life_of(*caps: Cap, **more) -> Life:
    maps = [sender("a", "a", **more), sender("b", "b", **more)]
    return Life(release(*maps, space=workspace(caps=caps, channels=OPEN)))


def withheld(life):
    return [(row["map"], row["reason"], row.get("by")) for row in life.told("withheld")]


def left(life):
    return [(a["map"], a["leaves"]) for a in life.actions()]


def test_what_is_too_much_is_withheld_and_says_whose_message_took_the_place() -> None:
    life = life_of(Cap(1, days(1)))

    life.happens("a", START)
    life.happens("b", START + HOUR)

    assert left(life) == [("a", rfc3339(START))]
    assert withheld(life) == [("b", "capped", "a")]


def test_a_place_is_free_again_exactly_at_the_end_of_its_window() -> None:
    life = life_of(Cap(1, hours(24)))
    life.happens("a", START)

    life.happens("b", START + DAY - 1, id="1")
    life.happens("b", START + DAY, id="2")

    assert left(life) == [("a", rfc3339(START)), ("b", rfc3339(START + DAY))]
    assert withheld(life) == [("b", "capped", "a")]


def test_a_window_counts_the_moments_at_which_actions_left_not_their_causes() -> None:
    life = life_of(Cap(1, hours(2)))
    life.happens("a", START, stamp=START + HOUR)

    life.happens("b", START + 2 * HOUR + MINUTE, stamp=START + 2 * HOUR + MINUTE)

    assert withheld(life) == [("b", "capped", "a")]


def test_three_in_a_week_are_three() -> None:
    life = life_of(Cap(3, days(7), "sms"))

    for n in range(9):
        life.happens("a", START + n * DAY, id=str(n))

    assert [at for _, at in left(life)] == [rfc3339(START + n * DAY) for n in (0, 1, 2, 7, 8)]


def test_a_cap_counts_its_channel_alone() -> None:
    life = life_of(Cap(1, days(1), "email"), channels=("email", "sms"), on_capped="other_channel")

    for n in range(3):
        life.happens("a", START + n * MINUTE, id=str(n), identifiers=BOTH)

    assert [a["channel"] for a in life.actions()] == ["email", "sms", "sms"]
    assert life.actions()[1]["passed_over"] == {"email": "capped"}


def test_where_every_channel_is_full_the_action_is_withheld_as_capped() -> None:
    life = life_of(Cap(1, days(1)), channels=("email", "sms"), on_capped="other_channel")

    for n in range(2):
        life.happens("a", START + n * MINUTE, id=str(n), identifiers=BOTH)

    assert withheld(life) == [("a", "capped", None)]


def test_transactional_messages_neither_take_nor_need_a_place() -> None:
    life = life_of(Cap(1, days(1)), class_="transactional")
    other = life_of(Cap(1, days(1), class_="transactional"), class_="transactional")

    for each in (life, other):
        each.happens("a", START)
        each.happens("b", START + MINUTE)

    assert [len(life.actions()), len(other.actions())] == [2, 1]


def test_a_cap_of_maps_counts_each_map_alone() -> None:
    life = life_of(Cap(1, days(1), of="map"))

    for n, event in enumerate("abab"):
        life.happens(event, START + n * MINUTE, id=str(n))

    assert [name for name, _ in left(life)] == ["a", "b"]
    assert withheld(life) == [("a", "capped", "a"), ("b", "capped", "b")]


def test_a_cap_of_stores_counts_what_she_got_on_behalf_of_one() -> None:
    store = expression(lambda scope: scope.event.properties.get("amount"))
    life = life_of(Cap(1, days(1), of="store"), store=store)

    for n, name in enumerate(["s1", "s2", "s1", None, None]):
        life.happens("a", START + n * MINUTE, id=str(n), amount=name)

    assert [a["store"] for a in life.actions()] == ["s1", "s2", None, None]


def test_a_send_without_a_store_is_on_behalf_of_her_own() -> None:
    life = life_of(Cap(1, days(1), of="store"))

    for n in range(2):
        life.happens("a", START + n * MINUTE, id=str(n), traits={"store": "s1"})

    assert [a["store"] for a in life.actions()] == ["s1"]


def test_a_limit_counts_a_template_over_all_maps_and_classes() -> None:
    limited = sender("a", "a", limit=Limit(1, days(7)), class_="transactional")
    life = Life(release(limited, sender("b", "b"), space=workspace(channels=OPEN)))

    life.happens("b", START)
    life.happens("a", START + DAY)
    life.happens("a", START + 7 * DAY, id="later")

    assert left(life) == [("b", rfc3339(START)), ("a", rfc3339(START + 7 * DAY))]
    assert withheld(life) == [("a", "capped", "b")]


def test_a_held_message_leaves_when_a_place_is_free() -> None:
    life = life_of(Cap(1, hours(24)), on_capped="hold", expires_after=days(3))
    life.happens("a", START)
    life.happens("b", START + HOUR)
    assert life.due[ANN] == START + DAY

    life.pass_until(START + 2 * DAY)

    action = life.actions()[1]
    assert [action["due"], action["at"]] == [rfc3339(START + HOUR), rfc3339(START + DAY)]
    assert withheld(life) == []


def test_a_held_message_that_expires_before_a_place_is_free_is_withheld_then() -> None:
    life = life_of(Cap(1, hours(24)), on_capped="hold", expires_after=hours(2))
    life.happens("a", START)
    life.happens("b", START + HOUR)

    life.pass_until(START + 2 * DAY)

    (row,) = life.told("withheld")
    assert (row["reason"], row["logged"]) == ("expired", rfc3339(START + 3 * HOUR + 1))


def test_of_two_held_messages_the_older_takes_the_place_and_the_other_waits_on() -> None:
    life = life_of(Cap(1, hours(24)), on_capped="hold", expires_after=days(9))
    life.happens("a", START)
    life.happens("b", START + HOUR)
    life.happens("a", START + 2 * HOUR, id="second")

    life.pass_until(START + 5 * DAY)

    assert left(life) == [
        ("a", rfc3339(START)),
        ("b", rfc3339(START + DAY)),
        ("a", rfc3339(START + 2 * DAY)),
    ]


def test_what_was_held_by_a_cap_keeps_quiet_hours_too() -> None:
    night = QuietHours(time(8), time(12))
    more = {"on_capped": "hold", "expires_after": days(3)}
    space = workspace(caps=(Cap(1, hours(24)),), channels=OPEN, quiet_hours=(night,))
    life = Life(release(sender("a", "a", **more), sender("b", "b", **more), space=space))
    life.happens("a", START + 4 * HOUR)
    life.happens("b", START + 5 * HOUR)

    life.pass_until(START + 3 * DAY)

    assert [at for _, at in left(life)] == [rfc3339(START + 4 * HOUR), rfc3339(START + 28 * HOUR)]


@pytest.mark.parametrize("where", [To("called"), End("enough")])
def test_a_way_round_a_full_cap_is_taken_at_once(where: Policy) -> None:
    life = life_of(Cap(1, days(1)), on_capped=where)
    life.happens("a", START)

    life.happens("b", START + HOUR)

    assert life.told("end")[-1]["outcome"] in ("called", "enough")


def test_a_place_given_back_is_free_at_once() -> None:
    life = life_of(Cap(1, days(1)))
    life.happens("a", START)
    person = life.person()

    give_back(person, life.actions()[0]["action_id"])

    assert person.places == []


def test_places_are_forgotten_with_their_windows_and_not_kept_where_nothing_is_capped() -> None:
    capped, free = life_of(Cap(100, hours(2))), life_of()
    for n in range(6):
        for life in (capped, free):
            life.happens("a", START + n * HOUR, id=str(n))

    assert [place.at for place in capped.person().places] == [START + 4 * HOUR, START + 5 * HOUR]
    assert free.person().places == []


def test_a_profile_keeps_no_more_places_than_it_may() -> None:
    life = life_of(Cap(100, Duration("1y", months=12)), class_="transactional")
    for n in range(PLACES_KEPT + 5):
        life.happens("a", START + n * SECOND, id=str(n))

    assert len(life.person().places) == PLACES_KEPT


def test_a_merge_unites_the_places_of_both() -> None:
    life = life_of(Cap(2, days(1)))
    life.happens("a", START, ANN)
    life.happens("a", START + MINUTE, BEA, id="of bea")
    life.append(Merged(BEA, ANN), START + HOUR)
    life.deliver()

    life.happens("b", START + 2 * HOUR, ANN)

    assert withheld(life) == [("b", "capped", "a")]


def test_a_step_that_fails_takes_no_place() -> None:
    broken = expression(lambda scope: 1 // 0)
    sends = (send("one/do/0", class_="marketing"), send("one/do/1", values={"name": broken}))
    one = stage("one", do=sends, after=(Timer(hours(1), go=End("over")),))
    space = workspace(caps=(Cap(1, days(1)),), channels=OPEN)
    life = Life(release(map_of("m", [one], [entry("in")]), space=space))

    life.happens("in", START)

    assert [row["kind"] for row in life.told()] == ["stuck"]
    assert life.person().places == []


def contest(*maps) -> Life:
    cap = Cap(1, days(1), arbitration=hours(1))
    return Life(release(*maps, space=workspace(caps=(cap,), channels=OPEN)))


def test_of_those_that_wait_for_each_other_the_map_of_the_higher_priority_goes() -> None:
    low, high = sender("a", "a"), replace(sender("b", "b"), priority=90)
    life = contest(low, high)
    life.happens("a", START)
    life.happens("b", START + 10 * MINUTE)
    assert (life.actions(), life.due[ANN]) == ([], START + HOUR)

    life.pass_until(START + 2 * HOUR)

    assert left(life) == [("b", rfc3339(START + HOUR))]
    assert withheld(life) == [("a", "capped", "b")]


def test_of_equals_what_was_due_first_goes() -> None:
    life = contest(sender("b", "b"), sender("a", "a"))
    life.happens("b", START + 5 * MINUTE)
    life.happens("a", START + 10 * MINUTE)

    life.pass_until(START + 2 * HOUR)

    assert [name for name, _ in left(life)] == ["b"]


def test_what_comes_after_the_window_opens_another() -> None:
    cap = Cap(2, days(1), arbitration=hours(1))
    maps = (sender("a", "a"), sender("b", "b"))
    life = Life(release(*maps, space=workspace(caps=(cap,), channels=OPEN)))
    life.happens("a", START)
    life.pass_until(START + HOUR)

    life.happens("b", START + HOUR + MINUTE)
    life.pass_until(START + 4 * HOUR)

    assert left(life) == [
        ("a", rfc3339(START + HOUR)),
        ("b", rfc3339(START + 2 * HOUR + MINUTE)),
    ]


def test_where_the_cap_is_full_nobody_waits_for_others() -> None:
    life = contest(sender("a", "a"), sender("b", "b"))
    life.happens("a", START)
    life.pass_until(START + HOUR)

    life.happens("b", START + 2 * HOUR)

    assert withheld(life) == [("b", "capped", "a")]


def test_it_is_the_last_to_take_a_place_that_is_named() -> None:
    life = life_of(Cap(2, days(1)))

    for n, event in enumerate("aba"):
        life.happens(event, START + n * MINUTE, id=str(n))

    assert withheld(life) == [("a", "capped", "b")]


def test_what_is_transactional_takes_no_place_of_marketing() -> None:
    maps = (sender("a", "a", class_="transactional"), sender("b", "b"))
    life = Life(release(*maps, space=workspace(caps=(Cap(1, days(1)),), channels=OPEN)))

    life.happens("a", START)
    life.happens("b", START + MINUTE)

    assert [name for name, _ in left(life)] == ["a", "b"]


def test_a_cap_that_was_lowered_is_full_until_enough_places_are_free() -> None:
    more = {"on_capped": "hold", "expires_after": days(9)}
    life = life_of(Cap(2, hours(24)), **more)
    life.happens("a", START, id="1")
    life.happens("a", START + HOUR, id="2")
    space = workspace(caps=(Cap(1, hours(24)),), channels=OPEN, digest="d2")
    life.publish(release(sender("a", "a", **more), space=space))

    life.happens("a", START + 2 * HOUR, id="3")

    assert life.due[ANN] == START + HOUR + DAY


def test_what_stands_behind_one_that_is_held_again_stands_on() -> None:
    held = {"class_": "marketing", "on_capped": "hold", "expires_after": days(3)}
    sends = (send("one/do/0", **held), send("one/do/1"))
    one = stage("one", do=sends, after=(Timer(days(1), go=End("over")),))
    night = QuietHours(time(8), time(12))
    space = workspace(caps=(Cap(1, hours(26)),), channels=OPEN, quiet_hours=(night,))
    life = Life(release(sender("a", "a"), map_of("m", [one], [entry("in")]), space=space))
    life.happens("a", START - 2 * HOUR)
    life.happens("in", START - HOUR - MINUTE)

    life.pass_until(START + DAY + HOUR)
    assert [name for name, _ in left(life)] == ["a"]
    life.pass_until(START + 2 * DAY)

    assert left(life)[1:] == [("m", rfc3339(START + DAY + 3 * HOUR))] * 2
