"""Segments and conditions alone: edges, and what is true on arrival (rule 20)."""

from typing import Any

import pytest

from journeys.language.model import Release
from journeys.language.workspace import compile_workspace, make_release
from schemas.inbox import Merged

from .building import ANN, BEA, DAY, HOUR, MINUTE, START, Life, at, folded_again

CATALOGUE = """
events:
  order.paid: {properties: {amount: number}}
  visit: {}
traits:
  tier: text
  seen: time
  spent: {sum: event.amount, of: order.paid}
  spent_3d: {sum: event.amount, of: order.paid, in: 3d}
  last_order: {last: event.time, of: order.paid}
segments:
  gold: {title: Gold, when: profile.traits.tier == 'gold'}
  big: {when: profile.traits.spent >= 100}
  busy: {when: profile.traits.spent_3d >= 100}
  lapsing: {when: exists(profile.traits.last_order) and days_since(profile.traits.last_order) >= 3}
  stale: {when: hours_since(profile.traits.seen) > 2}
"""
SETTINGS = "workspace: w\ntimezone: Asia/Shanghai\n"


def book(
    enter: str, rest: str = "stages: {a: {on: {event: visit, end: x}}}", **more: str
) -> Release:
    documents = {
        "wayline.yaml": SETTINGS,
        "catalogue/all.yaml": more.get("catalogue", CATALOGUE),
        "maps/m.yaml": f"map: m\nversion: 1\nenter: {enter}\n{rest}\n",
    }
    compiled = compile_workspace(documents)
    return make_release(compiled.workspace, compiled.maps, ())


def entered(life: Life) -> list[str]:
    return [row["at"][:19] for row in life.told("enter")]


def ended(life: Life) -> list[tuple[str, str]]:
    return [(row["outcome"], row["at"][:19]) for row in life.told("end")]


def bought(life: Life, time: int, amount: int, who: str = ANN, **more: Any) -> None:
    life.happens("order.paid", time, who, id=f"o{len(life.log)}", amount=amount, **more)


@pytest.mark.parametrize("enter", ["{segment: big}", '{when: "profile.traits.spent >= 100"}'])
def test_she_enters_when_it_becomes_true_and_not_while_it_stays_so(enter: str) -> None:
    life = Life(book(enter, "reentry: parallel\nstages: {a: {on: {event: visit, end: x}}}"))
    bought(life, START, 60)
    bought(life, START + HOUR, 60)
    bought(life, START + 2 * HOUR, 60)

    assert entered(life) == ["2026-05-04T10:00:00"]


def test_who_leaves_and_comes_back_makes_an_edge_each_time() -> None:
    rest = "reentry: parallel\nstages: {a: {on: {event: visit, end: x}}}"
    life = Life(book("[{segment: gold}, {left: gold}]", rest))
    for n, tier in enumerate(["gold", "none", "gold", "gold"]):
        bought(life, START + n * HOUR, 1, traits={"tier": tier})
        life.happens("visit", START + n * HOUR + MINUTE, id=f"v{n}")

    assert [text[11:13] for text in entered(life)] == ["09", "10", "11"]


def test_a_condition_beside_a_segment_must_be_true_too() -> None:
    life = Life(book("{segment: big, when: profile.traits.tier == 'gold'}"))
    bought(life, START, 100)
    bought(life, START + HOUR, 100, BEA, traits={"tier": "gold"})

    assert [row["profile_id"] for row in life.told("enter")] == ["bea"]


def test_time_alone_brings_her_in_at_local_midnight() -> None:
    life = Life(book("{segment: lapsing}"))
    bought(life, START, 5)

    life.pass_until(START + 9 * DAY)

    assert entered(life) == ["2026-05-06T16:00:00"]


def test_a_window_that_runs_out_takes_her_out_at_midnight_of_the_workspace() -> None:
    life = Life(book("{left: busy}"))
    bought(life, START, 100)

    life.pass_until(START + 9 * DAY)

    assert entered(life) == ["2026-05-06T16:00:00"]


def test_hours_since_bring_her_in_at_the_very_moment() -> None:
    life = Life(book("{segment: stale}"))
    life.happens("visit", START, traits={"seen": "2026-05-04T09:30:00Z"})

    life.pass_until(START + DAY)

    assert [row["at"] for row in life.told("enter")] == ["2026-05-04T11:30:00.001Z"]


def test_what_moves_the_moment_moves_the_edge() -> None:
    life = Life(book("{segment: lapsing}"))
    bought(life, START, 5)
    bought(life, START + DAY, 5)

    life.pass_until(START + 9 * DAY)

    assert entered(life) == ["2026-05-07T16:00:00"]


def test_publication_makes_no_edge_but_what_happens_then_does() -> None:
    life = Life(book("{event: visit}"))
    bought(life, START, 100)
    bought(life, START, 60, BEA)
    other = book("{segment: big}", catalogue=CATALOGUE + "  more: {when: 'true'}\n")
    life.publish(other)
    bought(life, START + HOUR, 1)
    bought(life, START + HOUR, 60, BEA)

    assert [row["profile_id"] for row in life.told("enter")] == ["bea"]


def test_backfill_and_merges_make_no_edge() -> None:
    life = Life(book("{segment: big}"))
    bought(life, START, 100, backfill=True)
    bought(life, START, 60, BEA)
    life.append(Merged(BEA, ANN), START + HOUR)
    life.deliver()
    bought(life, START + 2 * HOUR, 1)

    assert entered(life) == []


def test_a_merge_that_completes_a_segment_makes_no_edge() -> None:
    life = Life(book("{segment: big}"))
    bought(life, START, 60)
    bought(life, START, 60, BEA)
    life.append(Merged(BEA, ANN), START + HOUR)
    life.deliver()
    bought(life, START + 2 * HOUR, 1)

    assert entered(life) == []


def test_a_line_counts_the_edge_and_what_is_true_on_arrival() -> None:
    rest = """
stages:
  a: {on: {event: order.paid, to: b}, after: {wait: 30d, end: late}}
  b: {on: {segment: big, end: big}, after: {wait: 30d, end: small}}
"""
    life = Life(book("{event: visit}", rest))
    for who, first in ((ANN, 100), (BEA, 60)):
        life.happens("visit", START, who, id=f"v{who}")
        bought(life, START + HOUR, first, who)
        bought(life, START + 2 * HOUR, 60, who)

    assert ended(life) == [("big", "2026-05-04T10:00:00"), ("big", "2026-05-04T11:00:00")]


def test_goals_and_exits_by_a_segment_count_on_entry() -> None:
    rest = """
goals: [{goal: grown, segment: big, then: stay}]
exits: [{when: "profile.traits.tier == 'gold'", outcome: gold}]
stages: {a: {after: {wait: 30d, end: late}}}
"""
    life = Life(book("{event: order.paid}", rest))
    bought(life, START, 100)
    bought(life, START + HOUR, 1, BEA, traits={"tier": "gold"})

    assert [(row["goal"], row["profile_id"]) for row in life.told("goal")] == [("grown", "ann")]
    assert ended(life) == [("gold", "2026-05-04T10:00:00")]


def test_left_is_true_on_arrival_where_she_is_not_in() -> None:
    rest = "stages: {a: {on: {left: gold, end: out}, after: {wait: 30d, end: late}}}"
    life = Life(book("{event: visit}", rest))
    life.happens("visit", START)
    life.happens("visit", START, BEA, traits={"tier": "gold"})

    assert [row["profile_id"] for row in life.told("end")] == ["ann"]


def test_what_a_map_sets_brings_her_into_segments() -> None:
    rest = """
stages:
  a: {do: {set: {tier: gold}}, on: {segment: gold, end: x}, after: {wait: 9d, end: late}}
"""
    life = Life(book("{event: visit}", rest))
    life.happens("visit", START)

    assert ended(life) == [("x", "2026-05-04T09:00:00")]


def test_two_stages_that_are_true_in_turn_for_ever_are_ended() -> None:
    rest = """
stages:
  a: {on: {segment: gold, to: b}, after: {wait: 9d, end: late}}
  b: {on: {segment: gold, to: a}, after: {wait: 9d, end: late}}
"""
    life = Life(book("{event: visit}", rest))
    life.happens("visit", START, traits={"tier": "gold"})

    assert [row[0] for row in ended(life)] == ["looped"]


def test_nobody_waits_for_a_midnight_where_no_map_watches_a_segment() -> None:
    life = Life(book("{event: order.paid}"))
    bought(life, START, 5)

    assert (life.person().segments, life.person().look_again) == ({}, 0)


def test_edges_are_the_same_in_any_batching() -> None:
    rest = "reentry: parallel\nstages: {a: {on: {event: visit, end: x}}}"
    life = Life(book("[{segment: busy}, {left: busy}, {segment: lapsing}, {segment: stale}]", rest))
    for n in range(40):
        moment = START + n * 7 * HOUR
        if n % 3:
            bought(life, moment, 40, (ANN, BEA)[n % 2], traits={"seen": moment})
        life.tick(moment + MINUTE)

    again = folded_again(life, {4, 11, 30, 51})

    assert (again.stored, again.outputs, again.due) == (life.stored, life.outputs, life.due)
    assert len({row["id"] for row in life.told()}) == len(life.told())
    assert at("2026-05-04 09:00") == START
