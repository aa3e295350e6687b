"""A trait that comes later and is filled is what it had been, had it always been there."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.language.computing import Computed
from journeys.language.model import Release, Workspace
from journeys.language.workspace import compile_workspace, make_release
from journeys.replay.recounting import Recounting
from schemas import inbox
from schemas.inbox import Logged, Merged, Recounted
from schemas.touchpoint import ProfileId
from tests.unit.engine.building import ANN, BEA, DAY, HOUR, START, Life

CATALOGUE = """
traits:
  orders: {count: order.paid}
  orders_9d: {count: order.paid, in: 9d}
  spent: {sum: event.amount, of: order.paid}
  first: {first: event.amount, of: order.paid}
  kinds: {distinct: event.amount, of: order.paid, keep: 3}
  any: {count: any, when: event.amount > 1}
"""
SPACE = compile_workspace(
    {"wayline.yaml": "workspace: w\ntimezone: Europe/Rome\n", "catalogue/c.yaml": CATALOGUE}
).workspace
PEOPLE = (ANN, BEA, ProfileId("cleo"))


def book(space: Workspace) -> Release:
    return make_release(space, [], [])


WITH = book(replace(SPACE, digest="with"))
WITHOUT = book(replace(SPACE, digest="without", computed={}, figures={}))
WANTED = {each.id: each for each in SPACE.computed.values()}


def empty() -> Life:
    return Life(books={"with": WITH, "without": WITHOUT})


def fill(life: Life, start: int = 0) -> list[Recounted]:
    """What `wayline recompute` puts into the log, which begins at `start`."""
    counting = Recounting(
        type(life.shard)(0, 1), WANTED, life.shard.since, SPACE, lambda d: life.books[d].workspace
    )
    for logged in life.log[start:]:
        counting.apply(logged)
    found = list(counting.found())
    for record in found:
        life.append(record, life.shard.log_time)
        life.deliver()
    return found


def figures(life: Life) -> dict[str, dict[str, dict[int, object]]]:
    return {name: life.person(name).tallies for name in life.stored if life.person(name).tallies}


def test_what_was_before_the_publication_counts_once_it_is_filled() -> None:
    life = empty()
    life.publish(WITHOUT)
    life.happens("order.paid", START, amount=5)
    life.publish(WITH)
    life.happens("order.paid", START + HOUR, amount=7)
    before = life.person().tallies[SPACE.computed["spent"].id]

    fill(life)

    assert before == {0: "7"}
    assert life.person().tallies[SPACE.computed["spent"].id] == {0: "12"}


def test_filled_twice_it_is_the_same() -> None:
    life = empty()
    life.happens("order.paid", START, amount=5)
    life.publish(WITH)
    first = fill(life)
    once = figures(life)

    again = fill(life)

    assert (first, figures(life)) == (again, once)


def test_what_happened_while_it_was_out_of_force_counts_too() -> None:
    life = empty()
    life.publish(WITH)
    life.happens("order.paid", START, amount=1)
    life.publish(WITHOUT)
    life.happens("order.paid", START + HOUR, amount=2)
    life.publish(replace(WITH, workspace=replace(WITH.workspace, digest="with")))
    fill(life)
    life.publish(WITHOUT)
    life.happens("order.paid", START + 2 * HOUR, amount=4)
    life.publish(WITH)

    fill(life)

    assert life.person().tallies[SPACE.computed["spent"].id] == {0: "7"}


def test_a_log_that_lost_its_beginning_counts_nothing_twice() -> None:
    life = empty()
    life.publish(WITH)
    life.happens("order.paid", START, amount=1)
    life.happens("order.paid", START + HOUR, amount=2)
    life.publish(WITH)

    found = fill(life, start=3)

    assert found == []
    assert life.person().tallies[SPACE.computed["orders"].id] == {0: 2}


def test_a_log_that_lost_its_beginning_before_the_trait_came_counts_what_it_has() -> None:
    life = empty()
    life.publish(WITHOUT)
    life.happens("order.paid", START, amount=1)
    life.happens("order.paid", START + HOUR, amount=2)
    life.publish(WITH)

    fill(life, start=3)

    assert life.person().tallies[SPACE.computed["spent"].id] == {0: "2"}


def test_figures_of_a_trait_that_is_no_longer_in_force_are_not_kept() -> None:
    life = empty()
    life.happens("order.paid", START, amount=1)
    life.publish(WITH)
    record = Recounted(ANN, ANN, "gone/123456", 4, b"\x81\x00\x05")

    life.append(record, START + HOUR)

    assert "gone/123456" not in life.person().tallies


Step = tuple[str, ProfileId, ProfileId, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["order.paid", "order.paid", "looked", "merge", "publish", "tick"]),
        st.sampled_from(PEOPLE),
        st.sampled_from(PEOPLE),
        st.integers(0, 4),
    ),
    max_size=14,
)


@settings(deadline=None)
@given(STEPS, st.booleans())
def test_a_filled_trait_is_what_it_had_always_been(what: list[Step], late: bool) -> None:
    ever, later = empty(), empty()
    ever.publish(WITH)
    later.publish(WITHOUT)
    came = next((n for n, step in enumerate(what) if step[0] == "publish"), len(what))
    for life in (ever, later):
        lead(life, what[:came])
    later.publish(WITH)
    for life in (ever, later):
        lead(life, what[came:], came)
        if late:
            life.happens("order.paid", START + 30 * DAY, amount=3, id="last")
            life.deliver()

    fill(later)

    assert shown(later) == shown(ever)


def lead(life: Life, what: list[Step], first: int = 0) -> None:
    """An id that came before is the same touchpoint."""
    for n, (kind, who, other, amount) in enumerate(what, first):
        now = START + n * 15 * HOUR
        match kind:
            case "merge" if who != other:
                life.append(Merged(who, other), now)
            case "tick":
                life.tick(now)
            case "order.paid" | "looked":
                id_ = f"{kind}-{n - amount}"
                life.happens(kind, now - amount * DAY, who, id=id_, amount=amount, stamp=now)
        life.deliver()


def shown(life: Life) -> dict[str, object]:
    """Figures in one order; of windows only what they reach."""
    return {
        name: {id_: _reached(life, WANTED[id_], each) for id_, each in tallies.items()}
        for name, tallies in figures(life).items()
    }


def _reached(life: Life, computed: Computed, kept: dict[int, object]) -> dict[int, object]:
    window = computed.window
    horizon = window.bucket(life.shard.time) - window.size if window else -1
    return {bucket: kept[bucket] for bucket in sorted(kept) if bucket > horizon}


def test_a_merge_from_another_shard_brings_its_figures_by_its_own_log() -> None:
    other = empty()
    other.publish(WITHOUT)
    other.happens("order.paid", START, amount=5)
    other.append(Merged(ANN, BEA), START + HOUR)
    note = next(inbox.decode(o.value) for o in other.outputs if o.kind == "inbox")
    life = empty()
    life.publish(WITHOUT)
    life.happens("order.paid", START, BEA, amount=2, id="hers")
    life.append(note, START + HOUR)
    for each in (other, life):
        each.publish(WITH)
    other.outputs.clear()

    fill(life)
    for record in _found(other):
        other.append(record, START + 2 * HOUR)
    for output in other.outputs:
        life.append(inbox.decode(output.value), START + 2 * HOUR)

    assert life.person(BEA).tallies[SPACE.computed["spent"].id] == {0: "7"}


def _found(life: Life) -> list[Recounted]:
    counting = Recounting(
        type(life.shard)(0, 1), WANTED, life.shard.since, SPACE, lambda d: life.books[d].workspace
    )
    for logged in life.log:
        counting.apply(Logged(*logged))
    return list(counting.found())
