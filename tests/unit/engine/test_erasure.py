"""An erased person is forgotten by all shards; nothing that was under way brings her back."""

from typing import Any

import orjson
import pytest

from journeys.engine.departures import NOWHERE
from journeys.engine.profile import NEVER, Profile, encode
from journeys.language.model import End, Timer
from schemas.inbox import (
    Arrived,
    Emitted,
    Forget,
    Forgotten,
    Forwarded,
    Held,
    InboxRecord,
    Merged,
    MergeIn,
    Operated,
    Retried,
)
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
    release,
    send,
    stage,
    touch,
)

CAT = ProfileId("01J0000000000000000000000C")


def waiting_shop() -> Life:
    later = Timer(hours(2), do=(send("first/after/0/do/0"),), go=End("over"))
    return Life(release(map_of("m", [stage("first", after=(later,))], [entry("in")])))


def erased(
    who: str = ANN, *aliases: str, cause: str = "cli/1", kept: int = 0, time: int = START
) -> Operated:
    ids = tuple(map(ProfileId, aliases))
    more = {"cause": cause, "aliases": ids, "kept": kept}
    return Operated("erase", ProfileId(who), ("phone:x",), Millis(time), **more)


def reports(life: Life) -> list[dict[str, Any]]:
    return [orjson.loads(output.value) for output in life.outputs if output.kind == "merges"]


def test_what_is_known_of_her_is_gone_and_her_journeys_are_over() -> None:
    life = waiting_shop()
    life.happens("in", START, traits={"name": "Ann"}, identifiers={"phone": ("1",)})

    life.append(erased(), START + MINUTE)
    life.pass_until(START + DAY)

    person = life.person()
    assert person.redirect == NOWHERE
    assert b"Ann" not in life.stored[ANN]
    assert (person.identifiers, person.instances, person.remembered) == ({}, [], [])
    assert [(row["outcome"], row["cause_id"]) for row in life.told("end")] == [("erased", "cli/1")]
    assert [count for (_, edge), count in life.counts.items() if edge == "m/1/end:erased"] == [1]
    assert life.actions() == []


def test_what_stood_at_the_gate_is_withheld() -> None:
    do = (send("first/do/0"),)
    after = (Timer(hours(2), go=End("over")),)
    life = Life(release(map_of("m", [stage("first", do=do, after=after)], [entry("in")])))
    life.append(Held(), START)
    life.happens("in", START)
    assert ANN in life.gate

    life.append(erased(), START + MINUTE)
    life.pass_until(START + DAY)

    assert [row["reason"] for row in life.told("withheld")] == ["cancelled"]
    assert ANN not in life.gate
    assert life.actions() == []


@pytest.mark.parametrize(
    "record",
    [
        Arrived(ANN, touch("in", START), ("phone:x",), ("t", 0, 0)),
        Forwarded(ANN, touch("in", START)),
        Emitted(ANN, touch("in", START)),
        MergeIn(BEA, ANN, (BEA,), encode(Profile(known=True))),
        Merged(ANN, BEA),
        Retried(ANN),
        Operated("unbind", ANN, ("phone:x",), Millis(START)),
        Operated("split", ANN, ("phone:x",), Millis(START), BEA),
    ],
    ids=lambda record: type(record).__name__,
)
def test_nothing_that_was_under_way_to_her_brings_her_back(record: InboxRecord) -> None:
    life = waiting_shop()
    life.happens("in", START, id="first")
    life.append(erased(), START + MINUTE)
    before, said = life.stored[ANN], len(life.outputs)

    life.append(record, START + HOUR)

    assert life.stored[ANN] == before
    assert life.outputs[said:] == []


def test_a_merge_into_her_that_was_under_way_ends_at_its_beginning() -> None:
    """Identity had united the two, but Bea's shard had not heard of it yet."""
    life = waiting_shop()
    life.happens("in", START, BEA, traits={"name": "Bea"})
    life.append(erased(ANN, BEA), START + MINUTE)
    life.deliver()

    life.append(Merged(BEA, ANN), START + MINUTE)
    life.happens("in", START + MINUTE, BEA)

    assert [life.person(who).redirect for who in (ANN, BEA)] == [NOWHERE, NOWHERE]
    assert [output for output in life.outputs if output.kind == "inbox"] == []


def test_an_erasure_is_reported_once_all_shards_have_stored_it() -> None:
    life = waiting_shop()
    life.happens("in", START, id="1")
    life.append(Merged(BEA, ANN), START)
    life.deliver()

    life.append(erased(ANN, BEA, CAT), START + MINUTE)
    forget = [output for output in life.outputs if output.kind == "inbox"]
    life.tick(START + HOUR)  # only Ann's shard has heard of it
    assert reports(life) == []
    assert len(forget) == 2
    life.deliver()
    assert reports(life) == []
    assert life.due[ANN] == NEVER
    life.tick(START + 2 * HOUR)
    life.deliver()

    [report] = reports(life)
    assert (report["type"], report["from"], report["from_aliases"]) == (
        *("profile.erased", ANN, [BEA, CAT]),
    )
    assert report["cause"] == {"event_id": "cli/1"}


def test_each_who_asks_is_told_and_nobody_twice() -> None:
    life = waiting_shop()
    life.append(erased(), START)
    life.append(erased(), START)
    life.append(erased(cause="cli/2", time=START + 1), START)
    assert reports(life) == []
    life.tick(START + MINUTE)
    life.append(erased(cause="cli/3"), START + HOUR)
    life.append(erased(), START + HOUR)
    life.tick(START + DAY)

    found = reports(life)
    assert [row["cause"]["event_id"] for row in found] == ["cli/1", "cli/2", "cli/3"]
    assert len({row["id"] for row in found}) == 3


def test_a_tombstone_is_kept_as_long_as_it_is_told_to_be() -> None:
    life = waiting_shop()
    life.append(erased(ANN, BEA, kept=10 * DAY), START)
    life.append(erased(CAT), START)
    life.deliver()
    life.pass_until(START + HOUR)
    life.deliver()
    life.pass_until(START + 10 * DAY - MINUTE)
    assert {ANN, BEA, CAT} <= life.stored.keys()

    life.pass_until(START + 11 * DAY)

    assert life.stored.keys() == {CAT}


def test_a_redirect_is_kept_as_long_as_it_is_told_to_be() -> None:
    life = waiting_shop()
    life.append(Merged(BEA, ANN, kept=10 * DAY), START)
    life.append(Merged(CAT, ANN), START)
    life.pass_until(START + 10 * DAY - MINUTE)
    assert {BEA, CAT} <= life.stored.keys()

    life.pass_until(START + 11 * DAY)

    assert BEA not in life.stored
    assert CAT in life.stored


def test_an_erasure_is_the_same_in_any_batching() -> None:
    life = waiting_shop()
    life.happens("in", START, id="1")
    life.append(erased(ANN, BEA), START + MINUTE)
    life.happens("in", START, id="2")
    life.append(Forget(BEA, ANN), START + MINUTE)
    life.tick(START + HOUR)
    life.append(Forgotten(ANN, BEA), START + HOUR)
    life.tick(START + DAY)

    again = folded_again(life, cuts=[3])

    assert again.stored == life.stored
    assert [o.value for o in again.outputs] == [o.value for o in life.outputs]
    assert len(reports(again)) == 1
