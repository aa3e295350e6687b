"""Computed traits: exact, bounded, mergeable; read as of any moment (section 4)."""

from typing import Any

import pytest

from journeys.engine.profile import encode
from journeys.language.model import Release
from journeys.language.scope import Scope
from journeys.language.workspace import compile_workspace, make_release
from schemas.inbox import Merged

from .building import ANN, BEA, DAY, HOUR, MINUTE, START, Life, at, folded_again

CATALOGUE = """
events:
  order.paid: {properties: {order_id: text, amount: number, category: text}, unique_by: order_id}
  lead.created: {properties: {partner: text}}
traits:
  plain: text
  orders: {count: order.paid}
  orders_3d: {count: order.paid, in: 3d}
  any_2h: {count: any, in: 2h}
  spent: {sum: event.amount, of: order.paid}
  spent_3d: {sum: event.amount, of: order.paid, in: 3d}
  least: {min: event.amount, of: order.paid}
  most: {max: event.amount, of: order.paid, in: 30d}
  first_order: {first: event.time, of: order.paid}
  last_order: {last: event.time, of: order.paid}
  came_by: {first: event.partner, of: lead.created}
  toys: {distinct: event.order_id, of: order.paid, when: event.category == 'toy', in: 30d, keep: 3}
  tier: {formula: "profile.traits.doubled >= 20 ? 'gold' : 'none'", type: text}
  doubled: {formula: profile.traits.spent * 2, type: number}
"""
SETTINGS = "workspace: w\ntimezone: {zone}\nchannels: {{sms: {{identifier: phone}}}}\n"
MAP = "map: m\nversion: 1\nenter: {event: lead.created}\nstages: {a: {after: {wait: 9d, end: x}}}\n"


def book(zone: str = "Asia/Shanghai", catalogue: str = CATALOGUE) -> Release:
    documents = {
        "wayline.yaml": SETTINGS.format(zone=zone),
        "catalogue/all.yaml": catalogue,
        "maps/m.yaml": MAP,
    }
    compiled = compile_workspace(documents)
    return make_release(compiled.workspace, compiled.maps, ())


def value(life: Life, name: str, now: int, who: str = ANN) -> Any:
    workspace = next(iter(life.books.values())).workspace
    person = life.person(who)
    return workspace.figures[name](Scope(None, None, person, None, now, workspace.zone))


def bought(life: Life, time: int, amount: Any, who: str = ANN, **more: Any) -> None:
    number = more.pop("id", f"o{len(life.log)}")
    life.happens("order.paid", time, who, id=number, amount=amount, order_id=number, **more)


def test_counts_and_sums_are_exact_and_decimal() -> None:
    life = Life(book())
    for n in range(30):
        bought(life, START + n, 0.1)

    assert value(life, "orders", START + HOUR) == 30
    assert value(life, "spent", START + HOUR) == 3


def test_what_was_never_told_is_nothing_and_none() -> None:
    life = Life(book())
    life.happens("lead.created", START, partner=None)

    names = ["orders", "spent", "spent_3d", "least", "most", "last_order", "came_by", "toys"]
    assert [value(life, name, START) for name in names] == [0, 0, 0, None, None, None, None, []]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("2026-05-04 15:59", 1),  # still the 4th in Shanghai
        ("2026-05-06 15:59", 1),  # the 6th: today and two days before
        ("2026-05-06 16:00", 0),  # the 7th
        ("2026-05-03 15:59", 0),  # the 3rd, before it happened
    ],
)
def test_a_window_in_days_is_today_and_the_days_before_in_the_workspaces_zone(
    asked: str, expected: int
) -> None:
    life = Life(book())
    bought(life, at("2026-05-03 16:00"), 7)  # the first moment of the 4th

    assert value(life, "orders_3d", at(asked)) == expected
    assert value(life, "spent_3d", at(asked)) == 7 * expected


@pytest.mark.parametrize(("asked", "expected"), [("09:59", 1), ("10:29", 1), ("10:30", 0)])
def test_a_window_in_hours_is_this_clock_hour_and_those_before(asked: str, expected: int) -> None:
    life = Life(book("Asia/Kolkata"))  # where clock hours begin at half past
    life.happens("lead.created", at("2026-05-04 08:59"))

    assert value(life, "any_2h", at(f"2026-05-04 {asked}")) == (expected if asked != "09:59" else 1)


def test_first_and_last_go_by_event_time_and_late_touchpoints_count_where_they_belong() -> None:
    life = Life(book())
    bought(life, START + DAY, 5)
    bought(life, START, 9, stamp=START + DAY, backfill=True)

    assert value(life, "first_order", START + DAY) == START
    assert value(life, "last_order", START + DAY) == START + DAY
    assert (value(life, "least", START + DAY), value(life, "most", START + DAY)) == (5, 9)


def test_distinct_keeps_the_newest_values_in_order() -> None:
    life = Life(book())
    for n, name in enumerate(["a", "b", "c", "d"]):
        life.happens("order.paid", START + n, id=str(n), order_id=name, category="toy")
    life.happens("order.paid", START + 40 * DAY, id="late", order_id="z", category="toy")

    assert value(life, "toys", START + HOUR) == ["c", "d"]
    assert value(life, "toys", START + 40 * DAY) == ["z"]


def test_a_condition_on_the_touchpoint_decides_what_counts() -> None:
    life = Life(book())
    bought(life, START, 1, category="care")

    assert value(life, "toys", START) == []


def test_formulas_read_other_traits_in_any_order_they_are_written() -> None:
    life = Life(book())
    bought(life, START, 9)
    before = value(life, "tier", START)
    bought(life, START + 1, 1)

    assert (before, value(life, "tier", START)) == ("none", "gold")


def test_sources_cannot_set_a_computed_trait() -> None:
    life = Life(book())
    life.happens("lead.created", START, traits={"orders": 99, "plain": "x"})

    assert value(life, "orders", START) == 0
    assert life.person().traits == {"plain": ("x", START)}


def test_one_fact_under_two_ids_counts_once_within_memory() -> None:
    life = Life(book())
    life.happens("order.paid", START, id="1", order_id="o", amount=5)
    life.happens("order.paid", START + MINUTE, id="2", source="erp", order_id="o", amount=5)
    life.happens("order.paid", START + MINUTE, id="3", amount=5)

    assert value(life, "orders", START + HOUR) == 2


def test_buckets_that_no_window_reaches_are_dropped() -> None:
    life = Life(book())
    for n in range(60):
        life.tick(START + n * DAY)
        bought(life, START + n * DAY, 1)

    kept = {name.split("/")[0]: len(found) for name, found in life.person().tallies.items()}
    assert (kept["orders_3d"], kept["most"], kept["orders"]) == (3, 30, 1)
    assert len(encode(life.person())) < 4_000


def test_a_merge_adds_up_what_both_did() -> None:
    life, alone = Life(book()), Life(book())
    for n, who in enumerate([ANN, BEA, BEA, ANN]):
        for each, name in ((life, who), (alone, ANN)):
            bought(each, START + n * 20 * HOUR, n + 0.5, name, id=f"o{n}", category="toy")
    life.append(Merged(BEA, ANN), START + 3 * DAY)
    life.deliver()

    mine, one = life.person().tallies, alone.person().tallies
    assert {name: dict(sorted(found.items())) for name, found in mine.items()} == {
        name: dict(sorted(found.items())) for name, found in one.items()
    }


def test_a_changed_definition_starts_anew() -> None:
    life = Life(book())
    bought(life, START, 5)
    changed = book(
        catalogue=CATALOGUE.replace("{count: order.paid, in: 3d}", "{count: order.paid, in: 9d}")
    )
    life.publish(changed)
    bought(life, START + 1, 5)
    person, workspace = life.person(), changed.workspace
    scope = Scope(None, None, person, None, START + HOUR, workspace.zone)

    assert workspace.figures["orders_3d"](scope) == 1
    assert workspace.figures["orders"](scope) == 2


def test_figures_are_the_same_in_any_batching() -> None:
    life = Life(book())
    for n in range(40):
        bought(
            life, START + n * 5 * HOUR, n, (ANN, BEA)[n % 2], category=("toy", "care")[n % 3 == 0]
        )

    again = folded_again(life, {3, 9, 27})

    assert again.stored == life.stored
