"""What leaves a person with her identifiers: unbound, moved, and where a profile is split."""

import pytest

from journeys.language.model import End, Line, Timer
from schemas import inbox
from schemas.inbox import Arrived, Merged, Operated
from schemas.touchpoint import Millis, ProfileId

from .building import (
    ANN,
    BEA,
    DAY,
    HOUR,
    MINUTE,
    START,
    Life,
    entry,
    folded_again,
    hours,
    map_of,
    on,
    release,
    send,
    stage,
    touch,
)

PHONE, MAIL, CARD = "phone:1", "email:a@x.io", "member_card:M7"
CAT = ProfileId("01J0000000000000000000000C")


def shop() -> Life:
    """Whoever leaves a cart is reminded after two hours, unless she buys."""
    timer = Timer(hours(2), do=(send("first/after/0/do/0"),), go=End("reminded"))
    first = stage("first", on=(Line(on("bought"), go=End("bought")),), after=(timer,))
    return Life(release(map_of("m", [first], [entry("left")])))


def by(*links: str) -> dict[str, object]:
    """A touchpoint of these identifiers."""
    found: dict[str, tuple[str, ...]] = {}
    for name, _, value in (link.partition(":") for link in links):
        found[name] = (*found.get(name, ()), value)
    return {"links": links, "identifiers": found}


def split(*tokens: str, other: ProfileId = BEA, time: int = START + HOUR) -> Operated:
    return Operated("split", ANN, tokens, Millis(time), other)


@pytest.mark.parametrize("kind", ["unbind", "moved", "shared", "evicted"])
def test_nothing_is_sent_any_more_to_what_left_her(kind: str) -> None:
    life = shop()
    life.happens("seen", START, **by(PHONE, MAIL, CARD))

    life.append(Operated(kind, ANN, (PHONE, MAIL), Millis(START)), START + MINUTE)

    assert life.person().identifiers == {"member_card": ["M7"]}
    assert life.person().known


def test_of_a_redirect_it_leaves_whom_that_leads_to() -> None:
    life = shop()
    life.happens("seen", START, CAT, **by(PHONE, MAIL))
    life.append(Merged(ANN, CAT), START)
    life.deliver()

    life.append(Operated("unbind", ANN, (PHONE,), Millis(START)), START)
    life.deliver()

    assert life.person(CAT).identifiers == {"email": ["a@x.io"]}


def test_who_was_never_seen_loses_nothing() -> None:
    life = shop()

    life.append(Operated("unbind", ANN, (PHONE,), Millis(START)), START)

    assert life.stored == {}


def test_a_split_gives_an_instance_to_whose_identifiers_began_it() -> None:
    life = shop()
    life.happens("left", START, **by(PHONE), id="theirs", traits={"name": "Bea"})
    life.append(split(PHONE, CARD), START + MINUTE)
    life.tick(START + MINUTE)
    life.deliver()

    assert life.person().instances == []
    assert life.person().identifiers == {}
    [moved] = life.person(BEA).instances
    assert (moved.entry.id, [timer.deadline for timer in moved.timers]) == (
        *("theirs", [START + 2 * HOUR]),
    )
    assert life.person(BEA).identifiers == {"phone": ["1"]}
    assert (life.person(BEA).trait("name"), life.person().trait("name")) == ("Bea", None)
    life.pass_until(START + DAY)
    assert [action["profile_id"] for action in life.actions()] == [BEA]


@pytest.mark.parametrize("links", [(PHONE,), (PHONE, MAIL), ()], ids=["hers", "both", "unknown"])
def test_what_came_by_others_too_or_by_nobody_knows_what_stays(links: tuple[str, ...]) -> None:
    life = shop()
    life.happens("left", START, **{**by(PHONE, MAIL), "links": links}, traits={"name": "Ann"})

    life.append(split(MAIL), START + MINUTE)
    life.pass_until(START + DAY)
    life.deliver()

    assert life.person().trait("name") == "Ann"
    assert life.person().identifiers == {"phone": ["1"]}
    assert life.person(BEA).identifiers == {"email": ["a@x.io"]}
    assert [action["profile_id"] for action in life.actions()] == [ANN]


def test_what_was_under_way_at_a_split_follows_as_well() -> None:
    """Stitched before it, and in the inbox behind it."""
    life = shop()
    life.happens("seen", START, **by(PHONE, MAIL), id="first")
    life.append(split(MAIL), START + MINUTE)
    late = touch("left", START + MINUTE, identifiers={"email": ("a@x.io",)})
    life.append(Arrived(ANN, late, (MAIL,), ("t", 0, 0)), START + MINUTE)

    life.tick(START + 2 * MINUTE)
    life.deliver()

    assert life.person().instances == []
    assert life.person().identifiers == {"phone": ["1"]}
    assert len(life.person(BEA).instances) == 1
    assert life.person(BEA).identifiers == {"email": ["a@x.io"]}


def test_what_the_new_profile_did_meanwhile_counts_for_what_follows() -> None:
    life = shop()
    life.happens("left", START, **by(MAIL))
    life.append(split(MAIL), START + MINUTE)
    life.happens("bought", START + 2 * MINUTE, BEA, **by(MAIL))

    life.pass_until(START + HOUR)
    life.deliver()

    assert [(row["outcome"], row["profile_id"]) for row in life.told("end")] == [("bought", BEA)]


def test_an_objection_stays_with_both_and_a_consent_with_whom_it_came_from() -> None:
    life = shop()
    life.happens("left", START, **by(MAIL), consents={"sms": True, "mail": False})

    life.append(split(MAIL), START + MINUTE)
    life.tick(START + MINUTE)
    life.deliver()

    assert [life.person().consent(way) for way in ("sms", "mail")] == [None, False]
    assert [life.person(BEA).consent(way) for way in ("sms", "mail")] == [True, False]


def test_a_split_that_comes_twice_is_one() -> None:
    life = shop()
    life.happens("left", START, **by(MAIL))
    life.append(split(MAIL), START + MINUTE)
    life.append(split(MAIL), START + MINUTE)
    life.tick(START + MINUTE)
    [note] = [inbox.decode(output.value) for output in life.outputs if output.kind == "inbox"]
    life.deliver()
    life.happens("left", START + HOUR, **by(MAIL), id="later")
    life.append(split(MAIL), START + HOUR)
    life.append(note, START + HOUR)
    life.tick(START + HOUR)
    life.deliver()

    assert len(life.person().instances) == 1
    assert len(life.person(BEA).instances) == 1


def test_a_split_of_who_is_merged_meanwhile_is_done_where_she_went() -> None:
    life = shop()
    life.happens("left", START, **by(MAIL))
    life.append(split(MAIL), START + MINUTE)
    life.append(Merged(ANN, CAT), START + MINUTE)
    life.deliver()

    life.tick(START + 2 * MINUTE)
    life.deliver()

    assert life.person(CAT).instances == []
    assert len(life.person(BEA).instances) == 1


def test_a_split_is_the_same_in_any_batching() -> None:
    life = shop()
    life.happens("left", START, **by(MAIL))
    life.append(split(MAIL), START + MINUTE)
    life.happens("seen", START + MINUTE, **by(MAIL, PHONE))
    life.tick(START + 2 * MINUTE)
    life.happens("left", START + HOUR, **by(PHONE))

    again = folded_again(life, cuts=[3])

    assert again.stored == life.stored
    assert [output.value for output in again.outputs] == [output.value for output in life.outputs]
