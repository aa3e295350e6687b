from dataclasses import replace

from journeys.language.model import End, Line, Template, Timer, To
from schemas.inbox import Retried

from .building import (
    ANN,
    DAY,
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
    send,
    stage,
    workspace,
)


def breaks(params):
    raise ValueError(f"no {params['name']} here")


BROKEN = workspace(templates={"hello": Template("hello", None, {}, {"sms": breaks})})
NAME = {"name": expression(lambda scope: "Li")}


def journey(name="m", sends=True):
    do = (send("second/do/0", values=NAME),) if sends else ()
    first = stage("first", on=(Line(on("go"), go=To("second")),))
    second = stage(
        "second",
        do=do,
        on=(Line(on("done"), go=End("done")),),
        after=(Timer(hours(1), go=End("over")),),
    )
    return map_of(name, [first, second], [entry("in")])


def test_what_fails_stays_with_its_instance_and_all_others_go_on() -> None:
    life = Life(release(journey("bad"), journey("good", sends=False), space=BROKEN))
    life.happens("in", START)

    life.happens("go", START + MINUTE)

    bad, good = sorted(life.person().instances, key=lambda one: one.map)
    assert (bad.stage, good.stage) == ("first", "second")
    (row,) = life.told("stuck")
    assert (row["map"], row["reason"], row["offset"]) == ("bad", "ValueError: no Li here", 3)
    assert [r["map"] for r in life.told("move")] == ["good"]
    assert ("2026-05-04", "bad/1/stage:second") not in life.counts


def test_a_stuck_instance_is_not_due() -> None:
    timer = Timer(hours(1), do=(send("first/after/0/do/0", values=NAME),), go=End("over"))
    life = Life(release(map_of("m", [stage("first", after=(timer,))], [entry("in")]), space=BROKEN))
    life.happens("in", START)

    life.pass_until(START + DAY)

    assert len(life.told("stuck")) == 1
    assert life.person().instances[0].timers != []
    assert life.due[ANN] == 2**52


def test_a_retry_takes_up_what_it_missed_and_fires_what_is_due() -> None:
    life = Life(release(journey(), space=BROKEN))
    life.happens("in", START)
    life.happens("go", START + MINUTE)
    life.happens("done", START + 2 * MINUTE)
    life.books["d1"] = release(journey())

    life.append(Retried(ANN), START + HOUR)

    assert len(life.actions()) == 1
    assert [row["outcome"] for row in life.told("end")] == ["done"]
    assert life.person().instances == []


def test_a_retry_that_fails_again_misses_nothing() -> None:
    life = Life(release(journey(), space=BROKEN))
    life.happens("in", START)
    life.happens("go", START + MINUTE)

    life.append(Retried(ANN), START + HOUR)

    assert len({row["id"] for row in life.told("stuck")}) == 2
    assert len(life.person().instances[0].missed) == 1


def test_an_entry_that_fails_lets_nobody_in_and_says_so() -> None:
    first = stage("first", do=(send("first/do/0", values=NAME),))
    life = Life(release(map_of("m", [first], [entry("in")]), space=BROKEN))

    life.happens("in", START)

    assert life.person().instances == []
    assert life.person().memory == {}
    assert [row["kind"] for row in life.told()] == ["stuck"]


def test_a_retry_of_a_person_nobody_knows_makes_none() -> None:
    life = Life(release(journey()))

    life.append(Retried(ANN), START)

    assert life.stored == {}


def test_a_version_this_shard_has_not_heard_of_waits_for_it() -> None:
    old = journey(sends=False)
    life = Life(release(old))
    life.happens("in", START)
    life.books["d1"] = release(replace(old, version=2))

    life.happens("go", START + MINUTE)

    assert life.told("stuck") == []
    assert life.person().instances[0].stage == "first"
