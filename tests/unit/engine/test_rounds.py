from journeys.engine.fates import fates
from journeys.language.model import OnPublish
from schemas import inbox
from schemas.inbox import Archived, Merged, MergeIn, Stopped

from .building import ANN, BEA, DAY, HOUR, START, Life
from .test_versions import book, life_through, publish, waiting, where


def test_everybody_in_a_stopped_map_ends_by_the_next_ticks() -> None:
    life = life_through(waiting(10))

    life.append(Stopped("m"), START + DAY)
    life.tick(START + DAY)

    assert [row["outcome"] for row in life.told("end")] == ["stopped"]
    assert (life.shard.round, life.shard.heads) == (None, {})


def test_a_round_looks_at_so_many_people_a_tick_until_it_has_seen_everybody() -> None:
    old, new = waiting(10), waiting(20, 2)
    life = Life(book(old, number=1), per_tick=2)
    for n in range(5):
        life.happens("in", START + n % 2, f"p{n}", id=f"in-{n}")
    publish(life, old, new, at=START + DAY)

    steps = []
    while life.shard.round is not None:
        life.tick(START + DAY)
        steps.append(len(life.told("migrate")))

    assert steps[:3] == [2, 4, 5]


def test_who_goes_to_another_place_while_a_round_is_under_way_is_not_left_out() -> None:
    old, new = waiting(10), waiting(20, 2)
    life = Life(book(old, number=1), per_tick=1)
    for n in range(3):
        life.happens("in", START + n, f"p{n}", id=f"in-{n}")
    publish(life, old, new, at=START + DAY)
    life.tick(START + DAY)

    life.happens("in", START + DAY, "p2", id="again")
    while life.shard.round is not None:
        life.tick(START + DAY)

    assert [life.person(f"p{n}").instances[0].version for n in range(3)] == [2, 2, 2]


def test_who_comes_from_a_shard_that_had_not_heard_of_it_is_moved_on_arrival() -> None:
    old, new = waiting(10), waiting(20, 2)
    other = life_through(old)
    other.append(Merged(ANN, BEA), START + HOUR)
    (note,) = [o for o in other.outputs if o.kind == "inbox"]
    life = Life(book(old, number=1))
    publish(life, old, new, at=START + DAY)
    life.tick(START + DAY)

    record = inbox.decode(note.value)
    assert isinstance(record, MergeIn)
    life.append(record, START + 2 * DAY)

    assert where(life, BEA) == [(2, "waiting")]


def test_heads_are_those_of_the_profiles_whatever_happens_to_them() -> None:
    old, new = waiting(10), waiting(20, 2)
    life = life_through(old)
    life.happens("in", START, BEA, id="too")
    before = dict(life.shard.heads)
    publish(life, old, new, at=START + DAY)
    life.tick(START + DAY)
    moved = dict(life.shard.heads)
    life.append(Merged(BEA, ANN), START + DAY)
    gone = dict(life.shard.heads)
    life.deliver()
    united = dict(life.shard.heads)

    life.pass_until(START + 30 * DAY)

    assert (before, moved) == ({"m/1/waiting": 2}, {"m/2/waiting": 2})
    assert (gone, united, life.shard.heads) == ({"m/2/waiting": 1}, {"m/2/waiting": 1}, {})


def test_a_map_is_forgotten_only_where_nobody_is_in_it() -> None:
    life = life_through(waiting(10))
    life.append(Archived("m"), START + HOUR)
    kept = dict(life.shard.maps)
    life.pass_until(START + 11 * DAY)

    life.append(Archived("m"), START + 11 * DAY)

    assert (kept, life.shard.maps, life.shard.known) == ({"m": 1}, {}, {})


def test_fates_say_what_becomes_of_everybody() -> None:
    old = waiting(10)
    heads = {"m/1/waiting": 7, "other/1/waiting": 3}

    def fate(newer):
        return [(f.people, f.becomes, f.to) for f in fates(newer, [old, newer], heads)]

    assert fate(waiting(2, 2)) == [(7, "moves", "waiting")]
    assert fate(waiting(2, 2, stage="x")) == [(7, "stranded", "")]
    assert fate(waiting(2, 2, rule=None)) == [(7, "stays", "")]
    assert fate(waiting(2, 2, OnPublish("stop"))) == [(7, "ends", "")]
