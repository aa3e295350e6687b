from journeys.engine.local_time import rfc3339
from journeys.language.model import End, Entry, Limit, Line, Reentry, Timer, Trigger

from .building import (
    ANN,
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
    stage,
)

CART = expression(lambda scope: scope.event.properties.get("cart"))


def resting(name="carts", end_on="order.paid", **more):
    lines = (Line(on(end_on, match=more.pop("match", None)), go=End("bought")),)
    waiting = stage("waiting", on=lines, after=(Timer(days(3), go=End("over")),))
    enter = more.pop("enter", [entry("cart.left", key=more.pop("key", None))])
    return map_of(name, [waiting], enter, **more)


def refusals(life):
    return [row["reason"] for row in life.told("refused")]


def test_one_instance_per_key_and_keys_compare_as_texts() -> None:
    life = Life(release(resting(key=CART, match="cart")))
    life.happens("cart.left", START, cart=7)
    life.happens("cart.left", START + MINUTE, cart=7.0)
    life.happens("cart.left", START + MINUTE, id="other", cart="8")

    life.happens("order.paid", START + HOUR, cart="7")

    assert [one.key for one in life.person().instances] == ["8"]
    assert refusals(life) == ["already_in"]
    assert [(row["key"], row["outcome"]) for row in life.told("end")] == [("7", "bought")]


def test_a_null_key_enters_nobody() -> None:
    life = Life(release(resting(key=CART)))

    life.happens("cart.left", START)

    assert refusals(life) == ["missing_key"]
    assert life.person().instances == []


def test_a_trigger_without_a_match_concerns_all_her_instances() -> None:
    life = Life(release(resting(key=CART)))
    life.happens("cart.left", START, id="a", cart="7")
    life.happens("cart.left", START, id="b", cart="8")

    life.happens("order.paid", START + HOUR)

    assert life.person().instances == []


def test_a_false_condition_is_no_refusal() -> None:
    when = expression(lambda scope: scope.event.properties["amount"] > 100)
    life = Life(release(resting(enter=[entry("cart.left", when=when)])))

    life.happens("cart.left", START, amount=99)

    assert life.told() == []


def test_what_is_older_than_max_age_on_arrival_enters_nobody() -> None:
    life = Life(release(resting()))

    life.happens("cart.left", START, received=START + 24 * HOUR)
    life.happens("cart.left", START, id="late", received=START + 24 * HOUR + 1)

    assert [row["at"] for row in life.told("enter")] == [rfc3339(START)]
    assert refusals(life) == ["stale_entry"]


def test_with_the_event_clock_age_is_measured_by_the_shards_time() -> None:
    life = Life(release(resting()), clock="event")
    life.tick(START + 25 * HOUR)

    life.happens("cart.left", START, received=START)

    assert refusals(life) == ["stale_entry"]


def test_a_cooldown_counts_from_the_exit_by_logical_time() -> None:
    life = Life(release(resting(reentry=Reentry(cooldown=days(7)))))
    life.happens("cart.left", START)
    life.happens("order.paid", START + HOUR)

    life.happens("cart.left", START + 7 * DAY + HOUR - 1)
    life.happens("cart.left", START + 7 * DAY + HOUR)

    (refused,) = life.told("refused")
    assert refused["reason"] == "cooldown"
    assert refused["until"] == rfc3339(START + 7 * DAY + HOUR)
    assert len(life.person().instances) == 1


def test_a_cooldown_may_count_from_the_entry() -> None:
    life = Life(release(resting(reentry=Reentry(cooldown=days(7), cooldown_from="entry"))))
    life.happens("cart.left", START)
    life.happens("order.paid", START + HOUR)

    life.happens("cart.left", START + 7 * DAY)

    assert len(life.person().instances) == 1


def test_a_limit_counts_entries_in_a_window_that_leaves_its_start_out() -> None:
    rule = Reentry(limit=Limit(2, days(10)))
    life = Life(release(resting(reentry=rule)))
    for day in (0, 4):
        life.happens("cart.left", START + day * DAY)
        life.happens("order.paid", START + day * DAY + HOUR)

    life.happens("cart.left", START + 10 * DAY - 1)
    life.happens("cart.left", START + 10 * DAY)

    assert refusals(life) == ["limit"]
    assert len(life.person().instances) == 1


def test_never_means_once_in_a_life() -> None:
    life = Life(release(resting(reentry=Reentry("never"))))
    life.happens("cart.left", START)
    life.happens("cart.left", START + MINUTE)
    life.happens("order.paid", START + HOUR)

    life.happens("cart.left", START + 300 * DAY)

    assert refusals(life) == ["already_in", "never_again"]


def test_parallel_runs_side_by_side() -> None:
    life = Life(release(resting(reentry=Reentry("parallel"))))

    life.happens("cart.left", START)
    life.happens("cart.left", START + MINUTE)

    assert len({one.id for one in life.person().instances}) == 2


def test_a_touchpoint_that_ended_an_instance_does_not_also_enter_it() -> None:
    both = entry("order.paid")
    life = Life(release(resting(enter=[entry("cart.left"), both])))
    life.happens("cart.left", START)

    life.happens("order.paid", START + HOUR)

    assert life.person().instances == []
    assert refusals(life) == []


def test_entries_go_by_priority_then_name() -> None:
    maps = [resting("b"), resting("a"), resting("z", priority=90)]
    life = Life(release(*maps))

    life.happens("cart.left", START)

    assert [row["map"] for row in life.told("enter")] == ["z", "a", "b"]


def test_a_back_fill_enters_nobody_but_tells_facts() -> None:
    life = Life(release(resting()))

    life.happens("cart.left", START, backfill=True, traits={"city": "Hangzhou"})

    assert life.person().trait("city") == "Hangzhou"
    assert life.told() == []


def test_two_entries_of_one_map_let_her_in_once() -> None:
    enter = [entry("cart.left"), Entry(Trigger(("cart.left",)), None, hours(24))]
    life = Life(release(resting(enter=enter)))

    life.happens("cart.left", START)

    assert [row["kind"] for row in life.told()] == ["enter"]


def test_what_is_remembered_may_enter_anew_when_a_timer_ends_the_instance() -> None:
    life = Life(release(resting()))
    life.happens("cart.left", START)

    life.happens("cart.left", START + 3 * DAY + 1000)
    assert refusals(life) == []
    life.pass_until(START + 3 * DAY + HOUR)

    assert [one.entered for one in life.person().instances] == [START + 3 * DAY + 1000]
    assert [row["kind"] for row in life.told()] == ["enter", "end", "enter"]


def test_entries_and_ends_are_counted_by_day() -> None:
    life = Life(release(resting()))

    life.happens("cart.left", START)
    life.happens("cart.left", START + MINUTE)
    life.happens("order.paid", START + DAY)

    assert life.counts == {
        ("2026-05-04", "carts/1/enter"): 1,
        ("2026-05-04", "carts/1/stage:waiting"): 1,
        ("2026-05-04", "carts/1/refused:already_in"): 1,
        ("2026-05-05", "carts/1/end:bought"): 1,
    }
    assert life.person(ANN).instances == []


def test_a_timer_lets_nobody_in_anew_who_came_in_by_another_key() -> None:
    life = Life(release(resting(key=CART, match="cart")))
    life.happens("cart.left", START, id="a", cart="7")
    late = START + 3 * DAY + MINUTE
    life.happens("cart.left", late, id="b", cart="8")
    life.happens("order.paid", late + MINUTE, cart="8")

    life.pass_until(late + HOUR)

    told = [(row["kind"], row["key"]) for row in life.told("enter", "end", "refused")]
    assert told == [("enter", "7"), ("enter", "8"), ("end", "8"), ("end", "7")]


def test_a_timer_lets_nobody_in_anew_whom_parallel_runs_let_in_at_once() -> None:
    life = Life(release(resting(reentry=Reentry("parallel"))))
    life.happens("cart.left", START, id="a")
    life.happens("cart.left", START + 3 * DAY + MINUTE, id="b")

    life.pass_until(START + 7 * DAY)

    assert [row["kind"] for row in life.told()] == ["enter", "enter", "end", "end"]
