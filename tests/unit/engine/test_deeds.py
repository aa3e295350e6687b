"""What a map does besides sending, and entering a map on request."""

from typing import Any

import pytest

from journeys.language.model import (
    START_KEY,
    Change,
    Emit,
    End,
    Entry,
    Line,
    Map,
    Start,
    Template,
    Timer,
    To,
)
from schemas.inbox import Held, Merged, Released

from .building import (
    ANN,
    BEA,
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
    touch,
    workspace,
)

NO_LIQUID: dict[str, Any] = {}
AMOUNT = expression(lambda scope: scope.event.properties.get("amount"))
BRONZE = expression(lambda scope: "bronze")
NOTHING = expression(lambda scope: None)


def doing(*do: Any, after: Any = (), name: str = "m", **more: Any) -> Map:
    first = stage("first", do=do, on=(Line(on("go"), go=End("gone")),), after=after)
    return map_of(name, [first], [entry("in")], **more)


def requested(name: str = "other", **more: Any) -> Map:
    """Entered on request only; its conditions read `amount`."""
    first = stage(
        "first", on=(Line(on("go"), go=End("gone")),), after=(Timer(hours(9), go=End("x")),)
    )
    way_in = Entry(
        on("map.requested", when=more.pop("when", None)), more.pop("key", None), hours(24), True
    )
    remembers = {"map.requested": frozenset({"map", "key", "with"}), "go": frozenset()}
    return map_of(name, [first], [way_in], remembers=remembers, asks=frozenset({"amount"}), **more)


def test_set_tag_and_untag_change_the_person_at_once_and_count_like_her_facts() -> None:
    change = Change("first/do/0", {"tier": BRONZE, "spent": AMOUNT}, ("new", "seen"), ("old",))
    life = Life(release(doing(change)))
    life.happens("else", START, traits={"spent": 1})
    life.happens("in", START + MINUTE, amount=7)

    person = life.person()
    assert person.traits["tier"] == ("bronze", START + MINUTE)
    assert person.trait("spent") == 7
    assert person.tags == ["new", "seen"]


def test_a_trait_set_to_null_is_gone() -> None:
    life = Life(release(doing(Change("first/do/0", {"tier": NOTHING}))))
    life.happens("in", START, traits={"tier": "gold"})

    assert life.person().trait("tier") is None


def test_what_a_channel_said_later_stays_when_a_timer_sets_what_was() -> None:
    timer = Timer(hours(1), do=(Change("first/after/0/do/0", {"tier": BRONZE}),))
    life = Life(release(doing(after=(timer,))))
    life.happens("in", START)
    life.happens("else", START + 2 * HOUR, traits={"tier": "gold"})

    life.tick(START + 3 * HOUR)

    assert life.person().trait("tier") == "gold"


def test_a_step_that_fails_changes_no_facts() -> None:
    def breaks(params: Any) -> dict[str, Any]:
        raise ValueError("no")

    change = Change("first/do/0", {"tier": BRONZE}, ("new",))
    space = workspace(templates={"hello": Template("hello", None, {}, {"sms": breaks})})
    life = Life(release(doing(change, send("first/do/1")), space=space))
    life.happens("in", START)

    assert [row["kind"] for row in life.told()] == ["stuck"]
    assert (life.person().traits, life.person().tags) == ({}, [])


def test_what_a_map_emits_is_a_touchpoint_of_the_same_person_dated_by_its_cause() -> None:
    first = doing(Emit("first/do/0", "noted", {"amount": AMOUNT}))
    other = map_of("other", [stage("s", after=(Timer(hours(1), go=End("x")),))], [entry("noted")])
    life = Life(release(first, other))
    life.happens("in", START, amount=7, stamp=START + MINUTE)
    life.deliver()

    instance = next(i for i in life.person().instances if i.map == "other")
    assert (instance.entered, instance.entry.source) == (START, "wayline")
    assert instance.entry.properties == {"amount": 7}
    assert instance.entry.received == START + MINUTE
    told = life.told("emit")[0]
    assert (told["type"], told["touchpoint_id"]) == ("noted", instance.entry.id)


def test_an_emission_behind_a_held_message_waits_for_it_and_is_dated_then() -> None:
    first = doing(send("first/do/0"), Emit("first/do/1", "noted", NO_LIQUID))
    life = Life(
        release(
            first,
            map_of("other", [stage("s", after=(Timer(hours(1), go=End("x")),))], [entry("noted")]),
        )
    )
    life.append(Held(), START)
    life.happens("in", START)
    before = life.told("emit")
    life.append(Released(), START + HOUR)
    life.tick(START + HOUR)

    assert before == []
    assert [row["at"] for row in life.told("emit")] == ["2026-05-04T10:00:00.000Z"]


def test_a_chain_of_emissions_ends_after_ten() -> None:
    back = map_of(
        "m", [stage("s", do=(Emit("s/do/0", "in", NO_LIQUID),), go=End("round"))], [entry("in")]
    )
    life = Life(release(back))
    life.happens("in", START)
    life.deliver()

    assert len(life.told("emit")) == 10
    assert [row["reason"] for row in life.told("refused")] == ["hops"]
    assert len(life.told("end")) == 11


def test_hops_are_kept_through_a_merge() -> None:
    back = map_of(
        "m", [stage("s", do=(Emit("s/do/0", "in", NO_LIQUID),), go=End("round"))], [entry("in")]
    )
    life = Life(release(back))
    life.happens("in", START, BEA)
    sent = [o for o in life.outputs if o.kind == "inbox"]
    life.append(Merged(BEA, ANN), START)
    life.outputs = [*sent, *(o for o in life.outputs if o not in sent)]
    life.deliver()

    assert len(life.told("emit")) == 10


def test_a_start_lets_her_into_the_other_map_with_what_came_with_it() -> None:
    values = {"amount": AMOUNT, "unread": BRONZE}
    life = Life(
        release(doing(Start("first/do/0", "other", values)), requested(), requested("third"))
    )
    life.happens("in", START, amount=7)
    life.deliver()

    entered = [row["map"] for row in life.told("enter")]
    assert entered == ["m", "other"]
    assert life.person().instances[1].entry.properties == {"amount": 7}
    assert life.told("start")[0]["starts"] == "other"


@pytest.mark.parametrize(("by_hand", "expected"), [(False, "k-1"), (True, "7")])
def test_the_key_is_the_requests_own_unless_the_entry_says_otherwise(
    by_hand: bool, expected: str
) -> None:
    other = requested(key=AMOUNT) if by_hand else requested(has_key=True)
    life = Life(release(other))
    life.happens("map.requested", START, map="other", key="k-1", **{"with": {"amount": 7}})

    assert [i.key for i in life.person().instances] == [expected]


def test_a_request_without_the_key_its_map_needs_is_refused() -> None:
    life = Life(release(requested(has_key=True)))
    life.happens("map.requested", START, map="other")

    assert [row["reason"] for row in life.told("refused")] == ["missing_key"]


def test_a_false_condition_and_an_old_request_let_nobody_in() -> None:
    wanted = requested(when=expression(lambda scope: scope.event.properties["amount"] > 5))
    life = Life(release(wanted))
    life.happens("map.requested", START, map="other", **{"with": {"amount": 1}})
    old = touch(
        "map.requested", START, received=START + 2 * DAY, map="other", **{"with": {"amount": 9}}
    )
    life.happens(
        "map.requested",
        START,
        id="old",
        received=old.received,
        stamp=old.received,
        map="other",
        **{"with": {"amount": 9}},
    )

    assert [row["reason"] for row in life.told()] == ["stale_entry"]


def test_one_request_enters_once_however_often_it_comes() -> None:
    life = Life(
        release(doing(Start("first/do/0", "other", {START_KEY: BRONZE})), requested(has_key=True))
    )
    life.happens("in", START)
    note = next(o for o in life.outputs if o.kind == "inbox")
    life.outputs.append(note)
    life.deliver()

    assert [i.key for i in life.person().instances if i.map == "other"] == ["bronze"]


def test_a_map_goes_on_after_what_it_does() -> None:
    passing = stage("first", do=(Change("first/do/0", {"tier": BRONZE}),), go=To("second"))
    last = stage("second", do=(Emit("second/do/0", "noted", NO_LIQUID),), go=End("done"))
    life = Life(release(map_of("m", [passing, last], [entry("in")])))
    life.happens("in", START)

    assert [row["kind"] for row in life.told()] == ["enter", "move", "emit", "end"]
