from dataclasses import replace
from datetime import time

from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.engine.local_time import rfc3339
from journeys.language.model import (
    Await,
    Choice,
    End,
    Goal,
    Line,
    OnPublish,
    QuietHours,
    Release,
    Timer,
    To,
)
from schemas.inbox import Merged, Retried

from .building import (
    ANN,
    BEA,
    DAY,
    HOUR,
    START,
    Life,
    days,
    entry,
    expression,
    folded_again,
    hours,
    map_of,
    on,
    release,
    send,
    stage,
    workspace,
)

MIGRATE = OnPublish("migrate")


def waiting(days_: int = 10, version: int = 1, rule: OnPublish | None = MIGRATE, **more):
    """She waits, is sent something, and is out."""
    name = more.pop("stage", "waiting")
    timer = Timer(days(days_), do=(send(f"{name}/after/0/do/0"),), go=End("sent"))
    return replace(
        map_of("m", [stage(name, after=(timer,))], [entry("in")], version=version, **more),
        on_publish=rule,
    )


def book(*versions, number: int) -> Release:
    """The last is in force, people may be in the others."""
    found = release(versions[-1], space=workspace(digest=f"d{number}"))
    of_all = [release(each) for each in versions]
    return replace(
        found,
        versions={(each.name, each.version): each for each in versions},
        noticing=frozenset().union(*(each.noticing for each in of_all)),
        remembers={k: v for each in of_all for k, v in each.remembers.items()},
    )


def life_through(*versions, first: str = "in") -> Life:
    """Ann is in the first version since START."""
    life = Life(book(versions[0], number=1))
    life.happens(first, START)
    return life


def publish(life: Life, *versions, at: int) -> None:
    life.shard.log_time = at
    life.publish(book(*versions, number=len(life.books) + 1))


def where(life: Life, who: str = ANN):
    return [(i.version, i.stage) for i in life.person(who).instances]


def test_people_stay_in_the_version_they_entered_unless_it_says_otherwise() -> None:
    old, new = waiting(10), waiting(2, 2, rule=None)
    life = life_through(old)
    publish(life, old, new, at=START + DAY)

    life.tick(START + 5 * DAY)

    assert (where(life), life.shard.round) == ([(1, "waiting")], None)
    assert life.actions() == []


def test_a_migration_moves_people_to_the_stage_of_the_same_name_by_the_next_tick() -> None:
    old, new = waiting(10), waiting(20, 2)
    life = life_through(old)
    publish(life, old, new, at=START + DAY)

    life.tick(START + DAY)

    (row,) = life.told("migrate")
    assert where(life) == [(2, "waiting")]
    assert (row["at"], row["from_version"], row["version"]) == (rfc3339(START + DAY), 1, 2)
    assert life.due[ANN] == START + 20 * DAY + 5000


def test_a_stage_that_was_renamed_is_where_the_map_says() -> None:
    old, new = (
        waiting(10),
        waiting(10, 2, OnPublish("migrate", {"waiting": "pause"}), stage="pause"),
    )
    life = life_through(old)
    publish(life, old, new, at=START + DAY)

    life.tick(START + DAY)

    assert where(life) == [(2, "pause")]
    assert life.person().instances[0].visits == {"waiting": 1, "pause": 1}


def test_what_is_due_before_the_publication_by_the_new_version_is_due_at_it() -> None:
    old, new = waiting(10), waiting(2, 2)
    life = life_through(old)
    publish(life, old, new, at=START + 5 * DAY)

    life.pass_until(START + 5 * DAY + HOUR)

    (action,) = life.actions()
    then = rfc3339(START + 5 * DAY)
    assert (action["due"], action["at"]) == (rfc3339(START + 2 * DAY), then)
    assert [row["at"] for row in life.told("end")] == [then]


def test_what_is_due_too_long_before_the_publication_does_not_leave() -> None:
    rule = OnPublish("migrate", max_staleness=days(2))
    old, new = waiting(10), waiting(2, 2, rule)
    life = life_through(old)
    life.happens("in", START + 2 * DAY, BEA, id="later")
    publish(life, old, new, at=START + 5 * DAY)

    life.pass_until(START + 5 * DAY + HOUR)

    assert [a["profile_id"] for a in life.actions()] == [BEA]
    assert [(r["profile_id"], r["reason"]) for r in life.told("withheld")] == [(ANN, "stale")]


def test_a_message_of_the_next_stage_is_stale_too() -> None:
    def asking(wait: int, version: int):
        ask = stage("ask", do=(send("ask/do/0"),), go=End("asked"))
        rest = stage("waiting", after=(Timer(days(wait), go=To("ask")),))
        rule = OnPublish("migrate", max_staleness=hours(1))
        return replace(map_of("m", [rest, ask], [entry("in")], version=version), on_publish=rule)

    old, new = asking(10, 1), asking(2, 2)
    life = life_through(old)
    publish(life, old, new, at=START + 5 * DAY)

    life.pass_until(START + 5 * DAY + HOUR)

    assert [row["reason"] for row in life.told("withheld")] == ["stale"]


def test_a_timer_that_has_fired_does_not_fire_again() -> None:
    def twice(version: int, second: int):
        do = send("waiting/after/0/do/0")
        timers = (Timer(days(1), do=(do,)), Timer(days(second), go=End("over")))
        rest = stage("waiting", after=timers)
        return replace(map_of("m", [rest], [entry("in")], version=version), on_publish=MIGRATE)

    old, new = twice(1, 5), twice(2, 9)
    life = life_through(old)
    life.pass_until(START + 2 * DAY)
    publish(life, old, new, at=START + 2 * DAY)

    life.pass_until(START + 20 * DAY)

    assert len(life.actions()) == 1
    assert [(r["outcome"], r["at"]) for r in life.told("end")] == [
        ("over", rfc3339(START + 9 * DAY))
    ]


def test_a_timer_of_the_new_version_alone_counts_from_the_arrival() -> None:
    old = waiting(10)
    more = (*old.stages["waiting"].after, Timer(days(12), go=End("late")))
    new = replace(map_of("m", [stage("waiting", after=more)], [entry("in")], version=2))
    new = replace(new, on_publish=MIGRATE)
    life = life_through(old)
    publish(life, old, new, at=START + DAY)

    life.tick(START + DAY)

    deadlines = [armed.deadline for armed in life.person().instances[0].timers]
    assert deadlines == [START + 10 * DAY, START + 12 * DAY]


def test_where_nobody_rests_any_more_people_go_on_and_its_do_is_not_done_again() -> None:
    old = waiting(10)
    ways = (Choice(expression(lambda scope: False), To("a")), Choice(None, To("b")))
    choose = stage("waiting", do=(send("waiting/do/0"),), choose=ways)
    ends = [stage("a", go=End("a")), stage("b", do=(send("b/do/0"),), go=End("b"))]
    new = replace(map_of("m", [choose, *ends], [entry("in")], version=2), on_publish=MIGRATE)
    life = life_through(old)
    publish(life, old, new, at=START + DAY)

    life.tick(START + DAY)

    assert [row["outcome"] for row in life.told("end")] == ["b"]
    assert [action["stage"] for action in life.actions()] == ["b"]


def test_who_has_no_place_in_the_new_version_stays_where_she_is() -> None:
    old, new = waiting(10), waiting(2, 2, stage="elsewhere")
    life = life_through(old)
    publish(life, old, new, at=START + DAY)

    life.pass_until(START + 11 * DAY)

    assert life.told("migrate") == []
    assert [row["version"] for row in life.told("end")] == [1]


def test_nobody_is_moved_to_a_version_with_another_key() -> None:
    old = waiting(10)
    keyed = entry("in", key=expression(lambda scope: "k"))
    new = replace(map_of("m", [old.stages["waiting"]], [keyed], version=2), on_publish=MIGRATE)
    life = life_through(old)
    publish(life, old, new, at=START + DAY)

    life.tick(START + DAY)

    assert where(life) == [(1, "waiting")]


def test_who_was_not_looked_at_for_two_publications_goes_through_both() -> None:
    rule = OnPublish("migrate", {"waiting": "second"})
    one, two = waiting(10), waiting(10, 2, rule, stage="second")
    three = waiting(10, 3, OnPublish("migrate", {"second": "third"}), stage="third")
    life = life_through(one)
    publish(life, one, two, at=START + DAY)
    publish(life, one, two, three, at=START + 2 * DAY)

    life.happens("something", START + 3 * DAY)

    assert where(life) == [(3, "third")]
    assert [row["at"] for row in life.told("migrate")] == [
        rfc3339(START + DAY),
        rfc3339(START + 2 * DAY),
    ]


def test_who_waits_at_the_gate_is_moved_once_nothing_of_hers_does() -> None:
    night = QuietHours(time(8), time(12))
    first = stage(
        "first", do=(send("first/do/0", class_="marketing", channels=("email",)),), go=To("rest")
    )
    rest = stage("rest", after=(Timer(days(1), go=End("over")),))
    old = map_of("m", [first, rest], [entry("in")])
    new = replace(map_of("m", [first, rest], [entry("in")], version=2), on_publish=MIGRATE)
    space = workspace(quiet_hours=(night,))
    life = Life(replace(book(old, number=1), workspace=replace(space, digest="d1")))
    life.happens("in", START, identifiers={"email": ("ann@example.com",)})
    life.books["d2"] = replace(book(old, new, number=2), workspace=replace(space, digest="d2"))
    life.publish(life.books["d2"])
    life.tick(START)
    held = where(life)

    life.tick(START + 3 * HOUR)

    assert (held, where(life)) == ([(1, "first")], [(2, "rest")])


def test_credit_goes_to_what_was_sent_whatever_stands_at_its_place_now() -> None:
    def asking(version: int, template: str):
        rest = stage(
            "waiting",
            do=(send("waiting/do/0", template),),
            after=(Timer(days(10), go=End("over")),),
        )
        goal = Goal("bought", on("order.paid"), None, None)
        made = map_of("m", [rest], [entry("in")], version=version, goals=(goal,))
        return replace(made, on_publish=MIGRATE)

    old, new = asking(1, "hello"), asking(2, "other")
    life = life_through(old)
    publish(life, old, new, at=START + HOUR)

    life.happens("order.paid", START + 2 * HOUR)

    assert [row["credit"] for row in life.told("goal")] == ["hello"]


def test_a_result_of_an_action_the_new_version_has_not_moves_nobody() -> None:
    def awaiting(version: int, place: str):
        wait = Await(place, "delivered", To("came"), To("came"))
        line = Line(replace(on("action.delivered"), action=True, place=place), go=To("came"))
        rest = stage(
            "waiting",
            do=(send(place),),
            on=(line,),
            after=(Timer(days(10), go=End("over")),),
            awaits=wait,
        )
        ends = stage("came", go=End("came"))
        made = map_of("m", [rest, ends], [entry("in")], version=version, tracks=True)
        return replace(made, on_publish=MIGRATE)

    old, new = awaiting(1, "waiting/do/0"), awaiting(2, "waiting/do/1")
    life = life_through(old)
    action = life.actions()[0]["action_id"]
    publish(life, old, new, at=START + HOUR)

    life.happens("action.delivered", START + 2 * HOUR, action_id=action)

    assert (where(life), life.told("stuck")) == ([(2, "waiting")], [])


def test_a_stuck_instance_goes_on_in_the_version_that_mends_it() -> None:
    def breaks(scope):
        raise ValueError("a bad map")

    choose = stage("next", choose=(Choice(expression(breaks), To("waiting")),))
    rest = stage(
        "waiting", on=(Line(on("go"), go=To("next")),), after=(Timer(days(9), go=End("x")),)
    )
    old = map_of("m", [rest, choose], [entry("in")])
    mended = stage("waiting", on=(Line(on("go"), go=End("went")),), after=rest.after)
    new = replace(map_of("m", [mended], [entry("in")], version=2), on_publish=MIGRATE)
    life = life_through(old)
    life.happens("go", START + HOUR)
    publish(life, old, new, at=START + 2 * HOUR)
    life.tick(START + 2 * HOUR)
    stuck = where(life)

    life.append(Retried(ANN), START + 3 * HOUR)

    assert (stuck, [r["outcome"] for r in life.told("end")]) == ([(1, "waiting")], ["went"])


def test_a_publication_that_stops_ends_all_who_are_in_other_versions() -> None:
    old, new = waiting(10), waiting(10, 2, OnPublish("stop"))
    life = life_through(old)
    publish(life, old, new, at=START + DAY)
    life.happens("in", START + DAY, BEA, id="later")

    life.tick(START + DAY)

    assert [(r["profile_id"], r["outcome"], r["at"]) for r in life.told("end")] == [
        (ANN, "stopped", rfc3339(START + DAY))
    ]
    assert where(life, BEA) == [(2, "waiting")]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["ann", "bea", "publish", "tick", "merge"]), max_size=8), st.data())
def test_a_migration_is_the_same_in_any_batching(what: list[str], data: st.DataObject) -> None:
    old, new = waiting(3), waiting(1, 2)
    life, now = Life(book(old, number=1), per_tick=1), START
    for n, each in enumerate(what):
        now += 10 * HOUR
        match each:
            case "publish":
                life.publish(book(old, new, number=2))
            case "tick":
                life.tick(now)
            case "merge":
                life.append(Merged(BEA, ANN), now)
            case _:
                life.happens("in", now, each, id=f"{n}")
    offsets = range(len(life.log))
    cuts = data.draw(st.sets(st.sampled_from(offsets))) if life.log else set()

    again = folded_again(life, cuts)

    assert (again.stored, again.shard) == (life.stored, life.shard)
    assert again.outputs == life.outputs
