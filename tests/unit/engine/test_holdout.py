from journeys.engine.ids import bucket_of
from journeys.language.model import Channel, End, Goal, Holdout, Line, Start, Timer
from schemas.inbox import Merged
from schemas.touchpoint import ProfileId

from .building import (
    HOUR,
    MINUTE,
    START,
    Life,
    entry,
    hours,
    map_of,
    on,
    release,
    send,
    stage,
    workspace,
)

OPEN = {"sms": Channel("sms", "phone")}


def greeting(name="m", event="in", holdout=None, class_="marketing", everywhere=None):
    first = stage(
        "first",
        do=(send("first/do/0", class_=class_), Start("first/do/1", "other", {})),
        after=(Timer(hours(1), go=End("over")),),
    )
    goals = (Goal("won", on("order.paid"), None, End("won")),)
    map_ = map_of(name, [first], [entry(event)], holdout=holdout, goals=goals)
    return map_, workspace(channels=OPEN, holdout=everywhere)


def life_of(*given, **more) -> Life:
    map_, space = greeting(*given, **more)
    return Life(release(map_, space=space))


def people_of(salt: str, map_name: str, percent: int, out: bool) -> list[str]:
    """People by the rule itself: the bucket of holdout, map, salt and person."""
    names = [f"p{n}" for n in range(200)]
    buckets = {name: bucket_of("holdout", map_name, salt, name) for name in names}
    return [name for name in names if (buckets[name] < percent * 100) == out]


def test_who_is_held_out_is_sent_nothing_and_walks_the_map_all_the_same() -> None:
    life = life_of(holdout=Holdout(30, "x"))
    who = people_of("x", "m", 30, out=True)[0]

    life.happens("in", START, who)
    life.happens("order.paid", START + MINUTE, who)

    assert life.actions() == []
    told = [(row["kind"], row.get("reason"), row["holdout"]) for row in life.told()]
    assert told == [
        ("enter", None, True),
        ("withheld", "holdout", True),
        ("withheld", "holdout", True),
        ("goal", None, True),
        ("end", None, True),
    ]


def test_everybody_else_is_sent_the_message() -> None:
    life = life_of(holdout=Holdout(30, "x"))
    who = people_of("x", "m", 30, out=False)[0]

    life.happens("in", START, who)

    assert [action["profile_id"] for action in life.actions()] == [who]
    assert ["holdout" in row for row in life.told()] == [False, False, False]


def test_a_start_is_withheld_with_the_name_of_the_map() -> None:
    life = life_of(holdout=Holdout(30, "x"))

    life.happens("in", START, people_of("x", "m", 30, out=True)[0])

    assert [row.get("starts") for row in life.told("withheld")] == [None, "other"]
    assert [output for output in life.outputs if output.kind == "inbox"] == []


def test_transactional_messages_leave_all_the_same() -> None:
    life = life_of(holdout=Holdout(99, "x"), class_="transactional")

    life.happens("in", START, people_of("x", "m", 99, out=True)[0])

    assert len(life.actions()) == 1


def test_about_as_many_are_held_out_as_the_map_says() -> None:
    assert 40 <= len(people_of("x", "m", 25, out=True)) <= 60
    assert people_of("x", "m", 25, out=True) != people_of("y", "m", 25, out=True)


def test_a_holdout_of_the_workspace_holds_the_same_people_out_of_every_map() -> None:
    everywhere = Holdout(30, "w")
    one, space = greeting("one", "a", everywhere=everywhere)
    two, _ = greeting("two", "b", everywhere=everywhere)
    life = Life(release(one, two, space=space))
    who = people_of("w", "", 30, out=True)[0]

    life.happens("a", START, who)
    life.happens("b", START, who)

    assert life.actions() == []
    assert [row["map"] for row in life.told("enter")] == ["one", "two"]


def test_who_was_held_out_when_she_entered_stays_so() -> None:
    before, after = Holdout(30, "x"), Holdout(1, "z")
    space = workspace(channels=OPEN)
    waits = stage("first", on=(Line(on("b"), do=(send("first/on/0/do/0", class_="marketing"),)),))
    versions = [map_of("m", [waits], [entry("in")], holdout=each) for each in (before, after)]
    who = people_of("x", "m", 30, out=True)[0]
    life = Life(release(versions[0], space=space))
    life.happens("in", START, who)

    life.publish(release(versions[1], space=workspace(channels=OPEN, digest="d2")))
    life.happens("b", START + HOUR, who)

    assert [row["reason"] for row in life.told("withheld")] == ["holdout"]


def test_a_merge_of_one_held_out_with_one_who_is_not_is_marked() -> None:
    life = life_of(holdout=Holdout(50, "x"))
    out = ProfileId(people_of("x", "m", 50, out=True)[0])
    other = ProfileId(people_of("x", "m", 50, out=False)[0])
    life.happens("in", START, out)
    life.happens("in", START + MINUTE, other, id="other")

    life.append(Merged(other, out), START + 2 * MINUTE)
    life.deliver()
    life.pass_until(START + 2 * HOUR)

    assert life.told("end")[-1]["contaminated"] is True
