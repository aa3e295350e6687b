"""People who enter without a touchpoint: by schedules, dates and publications."""

from typing import Any

import msgspec

from journeys.language.model import Release
from journeys.language.workspace import compile_workspace, make_release
from schemas import inbox
from schemas.inbox import Drained, Merged, Operated, Recounted

from .building import ANN, BEA, DAY, HOUR, MINUTE, SECOND, START, Life, at, folded_again

CATALOGUE = """
events: {visit: {}, order.paid: {properties: {amount: number}}}
traits:
  birthday: date
  vip: boolean
  told: date
  due: {last: event.time, of: order.paid}
  last_order: {last: event.time, of: order.paid}
segments:
  vips: {when: profile.traits.vip}
  lapsing: {when: exists(profile.traits.last_order) and days_since(profile.traits.last_order) >= 3}
"""
ENDS = "stages: {a: {after: {wait: 1h, end: x}}}"
NOON = "{schedule: {at: '12:00'}, when: profile.traits.vip}"


def book(enter: str, version: int = 1, rest: str = ENDS, digest: str = "", **more: Any) -> Release:
    documents = {
        "wayline.yaml": f"workspace: w{digest}\ntimezone: {more.get('zone', 'UTC')}\n",
        "catalogue/all.yaml": CATALOGUE,
        "maps/m.yaml": f"map: m\nversion: {version}\nenter: {enter}\n{rest}\n",
    }
    compiled = compile_workspace(documents)
    return make_release(compiled.workspace, compiled.maps, more.get("older", ()))


def everybody(life: Life, *names: str, time: int = START, **traits: Any) -> None:
    for name in names or (ANN, BEA):
        life.happens("visit", time, name, traits=traits or {"vip": True}, id=f"v-{name}-{time}")


def entered(life: Life) -> list[tuple[str, str]]:
    return [(row["profile_id"], row["at"][5:16]) for row in life.told("enter")]


def test_everybody_for_whom_it_is_true_enters_at_the_time_and_is_dated_by_it() -> None:
    life = Life(book(NOON))
    everybody(life)
    everybody(life, "cleo", vip=False)
    life.tick(at("2026-05-04 12:03"))

    assert [row["profile_id"] for row in life.told("enter")] == [ANN, BEA]
    assert {row["at"] for row in life.told("enter")} == {"2026-05-04T12:00:00.000Z"}
    assert {row["cause"] for row in life.told("enter")} == {"schedule"}
    assert len({row["instance"] for row in life.told("enter")}) == 2


def test_nobody_enters_before_the_time_and_its_grace_are_over() -> None:
    life = Life(book(NOON))
    everybody(life)
    life.tick(at("2026-05-04 12:00") + 5 * SECOND - 1)
    early = entered(life)
    life.tick(at("2026-05-04 12:00") + 5 * SECOND)

    assert early == []
    assert len(entered(life)) == 2


def test_it_comes_again_for_who_is_out_and_refuses_who_is_in() -> None:
    life = Life(book(NOON, rest="stages: {a: {after: {wait: 30h, end: x}}}"))
    everybody(life, ANN)
    life.pass_until(at("2026-05-07 00:00"))

    assert [text for _, text in entered(life)] == ["05-04T12:00", "05-06T12:00"]
    assert [row["at"][5:16] for row in life.told("refused")] == ["05-05T12:00"]
    assert {row["reason"] for row in life.told("refused")} == {"already_in"}


def test_who_comes_after_the_time_waits_for_the_next_one() -> None:
    life = Life(book(NOON))
    everybody(life, ANN, time=at("2026-05-04 12:01"))
    life.pass_until(at("2026-05-05 13:00"))

    assert entered(life) == [(ANN, "05-05T12:00")]


def test_who_was_there_before_it_was_published_is_found_by_a_round_in_bounded_steps() -> None:
    life = Life(book("{event: order.paid}"), per_tick=3)
    people = [f"p{n}" for n in range(10)]
    everybody(life, *people)
    life.publish(book(NOON, 2, digest="2"))
    steps = 0
    while life.shard.round is not None:
        life.tick(START + 1)
        steps += 1

    assert steps == 4
    life.pass_until(at("2026-05-04 13:00"))
    assert sorted(entered(life)) == [(name, "05-04T12:00") for name in people]


def test_who_does_something_before_the_round_comes_is_planned_then() -> None:
    life = Life(book("{event: order.paid}"))
    everybody(life, ANN)
    life.publish(book(NOON, 2, digest="2"))
    life.happens("visit", START + HOUR, ANN, id="v2")

    assert life.due[ANN] == at("2026-05-04 12:00") + 5 * SECOND


def test_a_round_that_comes_late_lets_in_by_what_came_meanwhile() -> None:
    life = Life(book("{event: order.paid}"), per_tick=1)
    everybody(life)
    life.publish(book(NOON, 2, digest="2"))
    for minute in (1, 2, 3):
        life.tick(at("2026-05-04 14:00") + minute * MINUTE)

    assert sorted(entered(life)) == [(ANN, "05-04T12:00"), (BEA, "05-04T12:00")]


def test_a_publication_dates_nothing_back() -> None:
    life = Life(book("{event: order.paid}"))
    everybody(life, ANN)
    life.tick(at("2026-05-04 13:00"))
    life.publish(book(NOON, 2, digest="2"))
    life.pass_until(at("2026-05-05 13:00"))

    assert entered(life) == [(ANN, "05-05T12:00")]


def test_what_was_due_before_a_new_version_lets_people_into_that_one() -> None:
    life = Life(book(NOON))
    everybody(life, ANN)
    everybody(life, BEA, time=at("2026-05-04 12:00") + 2 * SECOND)
    life.publish(book("{schedule: {at: '15:00'}, when: profile.traits.vip}", 2, digest="2"))
    life.pass_until(at("2026-05-04 15:30"))

    assert entered(life) == [(ANN, "05-04T12:00"), (ANN, "05-04T15:00"), (BEA, "05-04T15:00")]
    assert {row["version"] for row in life.told("enter")} == {2}


def test_a_backlog_of_days_is_too_old_to_let_anybody_in() -> None:
    life = Life(book("{schedule: {at: '12:00'}, max_age: 6h}"))
    everybody(life, ANN)
    life.tick(at("2026-05-06 13:00"))

    assert [row["reason"] for row in life.told("refused")] == ["stale_entry", "stale_entry"]
    assert entered(life) == [(ANN, "05-06T12:00")]


def test_with_the_event_clock_time_leaps_and_nothing_is_too_old() -> None:
    life = Life(book("{schedule: {at: '12:00'}, max_age: 6h}"), clock="event")
    everybody(life, ANN)
    life.tick(at("2026-05-06 13:00"))

    assert [text for _, text in entered(life)] == ["05-04T12:00", "05-05T12:00", "05-06T12:00"]


def test_spread_lets_each_in_at_another_moment_and_the_same_each_day() -> None:
    life = Life(book("{schedule: {at: '12:00'}, spread: 2h}"))
    everybody(life, *[f"p{n}" for n in range(20)])
    life.pass_until(at("2026-05-06 00:00"))

    first = {who: text for who, text in entered(life) if text.startswith("05-04")}
    second = {who: text for who, text in entered(life) if text.startswith("05-05")}
    assert {who: text[6:] for who, text in first.items()} == {
        who: text[6:] for who, text in second.items()
    }
    assert len(set(first.values())) > 10
    assert all("12:00" <= text[6:] < "14:00" for text in first.values())


def test_a_date_is_each_persons_own_and_comes_again() -> None:
    life = Life(book("{date: profile.traits.birthday, every: year, before: 7d, at: '10:00'}"))
    everybody(life, ANN, birthday="1990-05-20")
    everybody(life, BEA, birthday="2000-02-29")
    life.pass_until(at("2027-06-01 00:00"))

    assert entered(life) == [(ANN, "05-13T10:00"), (BEA, "02-21T10:00"), (ANN, "05-13T10:00")]
    assert {row["cause"] for row in life.told("enter")} == {"date"}


def test_a_date_is_in_her_own_zone() -> None:
    life = Life(book("{date: profile.traits.birthday, every: year, at: '10:00'}"))
    everybody(life, ANN, birthday="1990-05-20", timezone="America/New_York")
    life.pass_until(at("2026-05-21 00:00"))

    assert entered(life) == [(ANN, "05-20T14:00")]


def test_another_value_plans_the_date_again_and_no_value_plans_none() -> None:
    life = Life(book("{date: profile.traits.birthday, every: year, at: '10:00'}"))
    everybody(life, birthday="1990-05-20")
    everybody(life, ANN, time=START + DAY, birthday="1990-05-22")
    everybody(life, BEA, time=START + DAY, birthday=None)
    life.pass_until(at("2026-06-01 00:00"))

    assert entered(life) == [(ANN, "05-22T10:00")]


def test_a_moment_that_is_past_enters_nobody() -> None:
    life = Life(book("{date: profile.traits.told, at: '08:00'}"))
    everybody(life, ANN, told="2026-05-04")
    life.pass_until(at("2026-06-01 00:00"))

    assert entered(life) == []


def test_a_change_after_the_moment_comes_too_late_and_one_before_it_counts() -> None:
    life = Life(book("{date: profile.traits.told, at: '12:00'}"))
    everybody(life, told="2026-05-04")
    noon = at("2026-05-04 12:00")
    everybody(life, ANN, time=noon + SECOND, told="2026-05-09")
    everybody(life, BEA, time=noon - SECOND, told="2026-05-10")
    life.pass_until(at("2026-06-01 00:00"))

    assert entered(life) == [(ANN, "05-04T12:00"), (ANN, "05-09T12:00"), (BEA, "05-10T12:00")]


def test_a_date_may_be_a_computed_trait() -> None:
    life = Life(book("{date: profile.traits.due, plus: 2d}"))
    life.happens("order.paid", START, amount=5)
    life.happens("order.paid", START + DAY, amount=5)
    life.pass_until(at("2026-06-01 00:00"))

    assert entered(life) == [(ANN, "05-07T09:00")]


def test_a_fact_a_map_sets_plans_a_date_too() -> None:
    rest = "stages: {a: {do: {set: {told: '2026-05-09'}}, after: {wait: 1h, end: x}}}"
    life = Life(book("[{event: order.paid}, {date: profile.traits.told}]", rest=rest))
    life.happens("order.paid", START)
    life.pass_until(at("2026-06-01 00:00"))

    assert entered(life) == [(ANN, "05-04T09:00"), (ANN, "05-09T00:00")]


def test_those_in_a_segment_already_enter_when_it_is_published() -> None:
    life = Life(book("{event: order.paid}"))
    everybody(life, ANN)
    everybody(life, BEA, vip=False)
    life.publish(book("{segment: vips, existing: enter}", 2, digest="2"))
    life.tick(START + HOUR)
    everybody(life, BEA, time=START + 2 * HOUR, vip=True)

    assert entered(life) == [(ANN, "05-04T09:00"), (BEA, "05-04T11:00")]
    assert [row["cause"] for row in life.told("enter")] == ["publication", "touchpoint"]


def test_those_in_a_segment_already_do_not_enter_unless_it_says_so() -> None:
    life = Life(book("{event: order.paid}"))
    everybody(life, ANN)
    life.publish(book("{segment: vips}", 2, digest="2"))
    life.pass_until(START + DAY)
    everybody(life, ANN, time=START + 2 * DAY)

    assert entered(life) == []


def test_who_left_the_segment_before_her_moment_does_not_enter() -> None:
    life = Life(book("{event: order.paid}"))
    everybody(life)
    life.publish(book("{segment: vips, existing: enter, spread: 5h}", 2, digest="2"))
    life.tick(START + 1)
    everybody(life, ANN, time=START + 2, vip=False)
    life.pass_until(START + DAY)

    assert [who for who, _ in entered(life)] == [BEA]


def test_a_version_published_again_lets_nobody_in_twice_and_another_one_does() -> None:
    life = Life(book("{event: order.paid}"))
    everybody(life, ANN)
    for version, digest in ((2, "2"), (2, "others"), (3, "3")):
        life.publish(book("{segment: vips, existing: enter}", version, digest=digest))
        life.pass_until(life.shard.log_time + 2 * HOUR)

    assert [row["version"] for row in life.told("enter")] == [2, 3]


def test_time_alone_brings_people_into_a_segment_whom_nothing_has_touched_since() -> None:
    life = Life(book("{event: visit}"))
    life.happens("order.paid", START, amount=5)
    life.publish(book("{segment: lapsing}", 2, digest="2"))
    life.tick(START + HOUR)
    life.pass_until(START + 5 * DAY)

    assert entered(life) == [(ANN, "05-07T00:00")]


def test_a_drained_map_refuses_whom_a_schedule_would_let_in() -> None:
    life = Life(book(NOON))
    everybody(life, ANN)
    life.append(Drained("m"), START + 1)
    life.pass_until(at("2026-05-04 13:00"))

    assert [row["reason"] for row in life.told("refused")] == ["draining"]
    assert life.told("refused")[0]["cause"] == "schedule"


def test_two_who_turn_out_to_be_one_enter_once_by_one_schedule() -> None:
    """The loser's shard is ahead: there it was noon."""
    ahead, behind = (Life(book(NOON, rest=f"reentry: parallel\n{ENDS}")) for _ in range(2))
    everybody(ahead, ANN)
    everybody(behind, BEA)
    ahead.tick(at("2026-05-04 12:01"))
    ahead.append(Merged(ANN, BEA), at("2026-05-04 12:02"))
    (note,) = [output for output in ahead.outputs if output.kind == "inbox"]
    behind.append(inbox.decode(note.value), START + HOUR)
    behind.pass_until(at("2026-05-05 11:00"))

    assert entered(ahead) == [(ANN, "05-04T12:00")]
    assert entered(behind) == []
    assert behind.due[BEA] == at("2026-05-05 12:00") + 5 * SECOND


def test_what_only_the_other_half_of_her_missed_is_made_up_for() -> None:
    ahead, behind = (Life(book(NOON)) for _ in range(2))
    everybody(ahead, ANN, vip=False)
    everybody(behind, BEA)
    ahead.tick(at("2026-05-04 12:01"))
    ahead.append(Merged(ANN, BEA), at("2026-05-04 12:02"))
    (note,) = [output for output in ahead.outputs if output.kind == "inbox"]
    behind.append(inbox.decode(note.value), START + HOUR)
    behind.pass_until(at("2026-05-04 13:00"))

    assert entered(behind) == [(BEA, "05-04T12:00")]


def test_somebody_of_whom_nothing_is_known_brings_nothing_of_the_past_with_her() -> None:
    life = Life(book(NOON))
    everybody(life, ANN)
    life.append(Merged(BEA, ANN), START + 1)
    life.deliver()

    assert life.due[ANN] == at("2026-05-04 12:00") + 5 * SECOND


def test_who_is_parted_from_her_keeps_the_moments_they_had_together() -> None:
    life = Life(book("[{event: order.paid}, {schedule: {at: '12:00'}}]"))
    links = ("phone:1", "email:a@x.io")
    ids = {"phone": ("1",), "email": ("a@x.io",)}
    life.happens("visit", START, links=links, identifiers=ids)
    life.append(Operated("split", ANN, ("email:a@x.io",), START, BEA), START + MINUTE)
    life.tick(START + HOUR)
    life.deliver()
    life.pass_until(at("2026-05-04 13:00"))

    assert sorted(entered(life)) == [(ANN, "05-04T12:00"), (BEA, "05-04T12:00")]


def test_a_trait_filled_from_the_past_plans_a_date() -> None:
    life = Life(book("{date: profile.traits.due, plus: 2d}"))
    everybody(life, ANN)
    compiled = life.books[life.shard.settings].workspace.computed["due"]
    figures = msgspec.msgpack.encode({0: [START, "o1", START]})
    life.append(Recounted(ANN, ANN, compiled.id, 1, figures), START + HOUR)

    assert life.person().occasions["m/0/date"] == (START + 2 * DAY, START + 2 * DAY)


def test_without_occasions_nothing_is_announced_and_nobody_is_planned() -> None:
    life = Life(book("{event: visit}"))
    everybody(life)
    life.publish(book("{event: visit}", 2, digest="2"))

    assert (life.shard.announcements, life.shard.round, life.shard.announced) == (0, None, {})
    assert (life.person().heard, life.person().occasions) == (0, {})


def test_what_is_taken_away_wakes_nobody_any_more() -> None:
    life = Life(book(NOON))
    everybody(life, ANN)
    life.publish(book("{event: order.paid}", 2, digest="2"))
    life.pass_until(at("2026-05-06 00:00"))

    assert entered(life) == []
    assert life.person().occasions == {}


def test_folded_in_other_batches_it_is_the_same() -> None:
    life = Life(book("{event: order.paid}"), per_tick=2)
    everybody(life, *[f"p{n}" for n in range(5)])
    life.publish(
        book(
            "[{schedule: {at: '12:00'}, spread: 1h}, {segment: vips, existing: enter}]",
            2,
            digest="2",
        )
    )
    for hour in range(8):
        life.tick(START + hour * HOUR)
        everybody(life, "p3", "new", time=START + hour * HOUR + MINUTE, vip=hour % 2 == 0)
    again = folded_again(life, {3, 9})

    assert (again.stored, again.due, again.shard) == (life.stored, life.due, life.shard)
    assert again.outputs == life.outputs
