"""Rule 14: an arm follows from a hash, and stays."""

from dataclasses import replace
from typing import Any

import pytest

from journeys.engine.ids import bucket_of
from journeys.language.model import Arm, End, Line, Map, Reentry, Split, Timer, To
from schemas.inbox import Merged

from .building import (
    ANN,
    BEA,
    HOUR,
    MINUTE,
    START,
    Life,
    entry,
    expression,
    hours,
    map_of,
    on,
    release,
    stage,
    workspace,
)

CART = expression(lambda scope: scope.event.properties.get("cart"))


def offer(a: int, b: int, by: Any = "person", **more: Any) -> Map:
    arms = (Arm("a", a, To("first")), Arm("b", b, To("second")))
    stages = [
        stage("which", split=Split("offer", more.pop("salt", ""), by, arms)),
        stage("first", on=(Line(on("go"), go=End("a")),), after=(Timer(hours(9), go=End("a")),)),
        stage("second", on=(Line(on("go"), go=End("b")),), after=(Timer(hours(9), go=End("b")),)),
    ]
    key = CART if by == "key" else None
    return map_of("offers", stages, [entry("in", key=key)], **more)


def stage_of(life: Life, who: str = ANN) -> str:
    return life.person(who).instances[0].stage


@pytest.mark.parametrize(("a", "b", "expected"), [(1, 0, "first"), (0, 1, "second")])
def test_an_arm_without_weight_takes_nobody(a: int, b: int, expected: str) -> None:
    life = Life(release(offer(a, b)))
    life.happens("in", START)

    assert stage_of(life) == expected


def test_people_fall_into_arms_by_their_weights() -> None:
    life = Life(release(offer(30, 70)))
    for n in range(1000):
        life.happens("in", START, f"person-{n}", id=str(n))
    first = sum(stage_of(life, f"person-{n}") == "first" for n in range(1000))

    assert 260 < first < 340
    assert life.counts["2026-05-04", "offers/1/arm:offer=a"] == first


def test_a_bucket_below_the_first_arms_share_is_the_first_arms() -> None:
    buckets = {
        f"p{n}": bucket_of("split", "offers", "offer", "s", "person", f"p{n}") for n in range(99)
    }

    shares = {who: Life(release(offer(b + 1, 9999 - b, salt="s"))) for who, b in buckets.items()}
    for who, each in shares.items():
        each.happens("in", START, who)

    assert {stage_of(each, who) for who, each in shares.items()} == {"first"}


def test_the_buckets_are_those_of_every_release_before() -> None:
    assert bucket_of("split", "offers", "offer", "", "person", "ann") == 2415


def test_an_arm_outlives_changed_weights_re_entry_and_a_new_version() -> None:
    life = Life(release(offer(1, 0)))
    life.happens("in", START)
    life.happens("go", START + HOUR)
    life.publish(release(offer(0, 1, version=2), space=workspace(digest="d2")))

    life.happens("in", START + 2 * HOUR, id="again")

    assert stage_of(life) == "first"
    assert life.told("enter")[-1]["version"] == 2


def test_an_arm_that_is_gone_is_drawn_anew() -> None:
    life = Life(release(offer(1, 0)))
    life.happens("in", START)
    life.happens("go", START + HOUR)
    other = offer(1, 1, version=2)
    which = replace(
        other.stages["which"], split=Split("offer", "", "person", (Arm("c", 1, To("second")),))
    )
    life.publish(
        release(
            replace(other, stages={**other.stages, "which": which}), space=workspace(digest="d2")
        )
    )

    life.happens("in", START + 2 * HOUR, id="again")

    assert stage_of(life) == "second"


def test_weights_follow_the_live_version_for_people_in_an_older_one() -> None:
    waits = stage("wait", on=(Line(on("on"), go=To("which")),))
    old, new = offer(1, 0), offer(0, 1, version=2)
    old = replace(old, stages={"wait": waits, **old.stages}, first="wait")
    old = replace(old, remembers={**old.remembers, "on": frozenset()})
    life = Life(release(old))
    life.happens("in", START)
    both = release(new, space=workspace(digest="d2"))
    seen = release(old).noticing | both.noticing
    both = replace(
        both,
        versions={**both.versions, ("offers", 1): old},
        noticing=seen,
        remembers={**both.remembers, **old.remembers},
    )
    life.publish(both)

    life.happens("on", START + MINUTE)

    assert stage_of(life) == "second"


def test_by_key_each_key_has_an_arm_of_its_own() -> None:
    life = Life(release(offer(1, 1, by="key")))
    for n in range(40):
        life.happens("in", START + n, cart=f"c{n}", id=str(n))
    stages = {instance.key: instance.stage for instance in life.person().instances}

    again = Life(release(offer(1, 1, by="key")))
    for n in range(40):
        again.happens("in", START + n, BEA, cart=f"c{n}", id=str(n))

    assert set(stages.values()) == {"first", "second"}
    assert {i.key: i.stage for i in again.person(BEA).instances} == stages


def test_transitions_say_the_arm() -> None:
    life = Life(release(offer(1, 0)))
    life.happens("in", START)

    assert [row.get("arms") for row in life.told()] == [None, {"offer": "a"}]


def test_a_merge_leaves_an_arm_with_its_instance_and_marks_mixed_ones() -> None:
    life = Life(release(offer(1, 0, reentry=Reentry("parallel"))))
    life.happens("in", START)
    life.publish(release(offer(0, 1, reentry=Reentry("parallel")), space=workspace(digest="d2")))
    life.happens("in", START + MINUTE, BEA)
    life.append(Merged(BEA, ANN), START + 2 * MINUTE)
    life.deliver()

    life.happens("go", START + 3 * MINUTE)

    assert {row["outcome"]: row["contaminated"] for row in life.told("end")} == {
        "a": True,
        "b": True,
    }


def test_a_step_that_fails_gives_no_arm() -> None:
    broken = offer(1, 0)
    fails = stage("first", do=(), choose=())
    stages = {**broken.stages, "first": replace(fails, go=To("nowhere"))}
    life = Life(release(replace(broken, stages=stages)))
    life.happens("in", START)

    assert [row["kind"] for row in life.told()] == ["stuck"]
    assert life.person().arms == {}
