from journeys.engine.local_time import rfc3339
from journeys.language.model import End, Goal, Line, Timer, To
from schemas import inbox
from schemas.inbox import Arrived, Forwarded, Merged, MergeIn
from schemas.touchpoint import ProfileId

from .building import (
    ANN,
    BEA,
    DAY,
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
    send,
    stage,
    touch,
)

CART = expression(lambda scope: scope.event.properties.get("cart"))


def greeting(**more):
    first = stage("first", do=(send("first/do/0"),), on=(Line(on("next"), go=To("second")),))
    second = stage("second", do=(send("second/do/0"),), after=(Timer(hours(2), go=End("over")),))
    return release(map_of("m", [first, second], [entry("in", key=more.pop("key", None))], **more))


def merge(life, loser=BEA, survivor=ANN, when=START + HOUR):
    life.append(Merged(loser, survivor), when)
    life.deliver()


def test_all_the_loser_was_moves_to_the_survivor() -> None:
    life = Life(greeting())
    life.happens("in", START, BEA, traits={"city": "Hangzhou"}, consents={"sms": True})
    life.happens("next", START + MINUTE, BEA)
    due = life.due[BEA]

    merge(life)

    ann = life.person(ANN)
    assert (ann.trait("city"), ann.consent("sms")) == ("Hangzhou", True)
    assert [one.stage for one in ann.instances] == ["second"]
    assert ann.absorbed == [BEA]
    assert life.due[ANN] == due
    assert len(life.stored[BEA]) < 10


def test_the_newest_fact_of_either_side_wins() -> None:
    life = Life(greeting())
    life.happens("a", START, ANN, traits={"city": "old", "name": "new"})
    life.happens("b", START + 1, BEA, traits={"city": "new"})
    life.happens("c", START - 1, BEA, id="c", traits={"name": "old"})

    merge(life)

    assert [life.person().trait(name) for name in ("city", "name")] == ["new", "new"]


def test_a_touchpoint_that_comes_after_the_merge_is_forwarded() -> None:
    life = Life(greeting())
    life.append(Merged(BEA, ANN), START)
    late = touch("in", START)

    life.append(Arrived(BEA, late, (), ("t", 0, 0)), START)

    sent = [inbox.decode(o.value) for o in life.outputs if o.kind == "inbox"]
    assert sent[1:] == [Forwarded(ANN, late)]


def test_a_touchpoint_either_side_took_is_taken_once() -> None:
    life = Life(greeting())
    life.happens("in", START, BEA, id="x")

    merge(life)
    life.happens("in", START, ANN, id="x")

    assert len(life.told("enter")) == 1
    assert life.told("refused") == []


def test_a_second_merge_of_the_same_loser_changes_nothing() -> None:
    life = Life(greeting())
    life.happens("in", START, BEA)
    life.append(Merged(BEA, ANN), START + HOUR)
    (note,) = [inbox.decode(o.value) for o in life.outputs if o.kind == "inbox"]
    life.append(note, START + HOUR)
    before = life.stored[ANN]

    life.append(note, START + HOUR)
    life.append(Merged(BEA, ANN), START + HOUR)

    assert life.stored[ANN] == before
    assert len([o for o in life.outputs if o.kind == "inbox"]) == 1


def test_of_the_same_map_and_key_the_oldest_stays() -> None:
    life = Life(greeting())
    life.happens("in", START + MINUTE, ANN, id="a")
    life.happens("in", START, BEA, id="b")

    merge(life)

    (kept,) = life.person().instances
    assert kept.entered == START
    (end,) = life.told("end")
    assert (end["outcome"], end["cause"]) == ("merged_duplicate", "merge")


def test_different_keys_live_on_side_by_side() -> None:
    life = Life(greeting(key=CART))
    life.happens("in", START, ANN, id="a", cart="7")
    life.happens("in", START, BEA, id="b", cart="8")

    merge(life)

    assert [one.key for one in life.person().instances] == ["7", "8"] or [
        one.key for one in life.person().instances
    ] == ["8", "7"]


def test_what_the_other_side_sent_in_that_stage_is_not_sent_again() -> None:
    life = Life(greeting())
    life.happens("in", START, ANN, id="a")
    life.happens("in", START + MINUTE, BEA, id="b")
    life.happens("next", START + 2 * MINUTE, BEA, id="n")

    merge(life)

    rows = [(row["kind"], row.get("reason")) for row in life.told("action", "withheld")]
    assert rows == [("action", None)] * 3 + [("withheld", "already_sent")]
    assert [one.stage for one in life.person().instances] == ["second"]


def test_what_an_ended_run_of_the_other_side_sent_meanwhile_is_not_sent_again() -> None:
    life = Life(greeting())
    life.happens("in", START, ANN, id="a")
    life.happens("in", START + MINUTE, BEA, id="b")
    life.happens("next", START + 2 * MINUTE, BEA, id="n")
    life.pass_until(START + 3 * HOUR)

    merge(life, when=START + 4 * HOUR)

    assert [row["reason"] for row in life.told("withheld")] == ["already_sent"]


def test_what_the_other_side_did_reaches_a_goal_and_enters_nobody() -> None:
    goals = (Goal("won", on("won"), None, End("won")),)
    life = Life(greeting(goals=goals))
    life.happens("in", START, ANN)
    life.happens("won", START + MINUTE, BEA)
    life.happens("in", START - MINUTE, BEA, id="late", backfill=True)

    merge(life)

    assert [(r["outcome"], r["at"]) for r in life.told("end")] == [("won", rfc3339(START + MINUTE))]
    assert life.person().instances == []


def test_what_she_did_herself_counts_for_the_stage_the_other_side_brings_her_to() -> None:
    first = stage("first", on=(Line(on("next"), go=To("second")),))
    second = stage("second", on=(Line(on("reply"), go=End("replied")),))
    life = Life(release(map_of("m", [first, second], [entry("in")])))
    life.happens("in", START, ANN)
    life.happens("reply", START + 2 * MINUTE, ANN)
    life.happens("next", START + MINUTE, BEA)

    merge(life)

    assert [row["outcome"] for row in life.told("end")] == ["replied"]


def test_a_merge_that_reaches_a_redirect_goes_on_to_where_it_leads() -> None:
    eve = ProfileId("eve")
    life = Life(greeting())
    life.happens("in", START, BEA)
    life.append(Merged(ANN, eve), START)
    life.append(Merged(BEA, ANN), START)

    life.deliver()

    assert len(life.person(eve).instances) == 1
    assert sorted(life.person(eve).absorbed) == [ANN, BEA]


def test_of_a_ring_of_redirects_the_smallest_lives_again() -> None:
    life = Life(greeting())
    life.happens("in", START, BEA)
    life.happens("x", START, ANN)
    life.append(Merged(ANN, BEA), START)
    life.append(Merged(BEA, ANN), START)

    life.deliver()

    assert life.person(ANN).redirect == ""
    assert life.person(BEA).redirect == ANN
    assert len(life.person(ANN).instances) == 1
    life.happens("next", START + MINUTE, BEA)
    life.deliver()
    assert life.person(ANN).instances[0].stage == "second"


def test_a_timer_that_moved_with_a_merge_fires_once() -> None:
    life = Life(greeting())
    life.happens("in", START, BEA)
    life.happens("next", START + SECOND, BEA)
    merge(life)

    life.pass_until(START + DAY)

    assert [row["outcome"] for row in life.told("end")] == ["over"]


def test_a_note_of_a_merge_carries_the_state_as_stored() -> None:
    life = Life(greeting())
    life.happens("in", START, BEA)
    stored = life.stored[BEA]

    life.append(Merged(BEA, ANN), START)

    (note,) = [inbox.decode(o.value) for o in life.outputs if o.kind == "inbox"]
    assert note == MergeIn(BEA, ANN, (BEA,), stored)
