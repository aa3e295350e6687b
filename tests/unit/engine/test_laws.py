"""Laws that hold for every life; each was seen to fail with the fold broken on purpose."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.engine.local_time import rfc3339
from journeys.language.model import (
    End,
    Goal,
    Line,
    Reentry,
    Release,
    Timer,
)
from schemas.inbox import (
    Drained,
    Held,
    InboxRecord,
    Merged,
    Paused,
    Released,
    Resumed,
    Retried,
    Stopped,
)
from schemas.touchpoint import ProfileId

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
    stage,
    win_back,
)
from .lively import BOOK, OTHER

QUIET = release(
    map_of(
        "quiet",
        [
            stage(
                "first", on=(Line(on("b"), go=End("b")),), after=(Timer(hours(1), go=End("over")),)
            )
        ],
        [entry("a")],
        goals=(Goal("won", on("c"), None, End("won")),),
        reentry=Reentry("never"),
    )
)

RECORDS: dict[str, InboxRecord] = {
    "hold": Held(),
    "release": Released(),
    "retry": Retried(ANN),
    "pause": Paused("follow-up", max_staleness=5 * HOUR),
    "discard": Paused("carts", "discard"),
    "resume": Resumed("follow-up"),
    "drain": Drained("follow-up"),
    "stop": Stopped("carts"),
}

moments = st.integers(0, 24).map(lambda n: n * 30 * MINUTE)
people = st.sampled_from([ANN, BEA])
happenings = st.one_of(
    st.tuples(st.just("touch"), people, st.sampled_from("abcd"), moments, st.integers(0, 2)),
    st.tuples(st.just("touch"), people, st.sampled_from("abcd"), moments, st.integers(0, 2)),
    st.tuples(st.just("tick"), moments),
    st.tuples(st.just("tick"), moments),
    st.tuples(st.sampled_from(["hold", "release", "publish", "retry", "merge"])),
    st.tuples(
        st.just("result"),
        people,
        st.sampled_from(["failed", "replied", "done", "delivered", "declined"]),
        st.integers(1, 3),
    ),
    st.tuples(st.sampled_from(["pause", "discard", "resume", "resume", "drain", "stop"])),
)
Happening = tuple[Any, ...]
clocks = st.sampled_from(["wall", "event"])
lives = st.lists(happenings, max_size=30)


def lived(
    happened: list[Happening], clock: str = "wall", watch: Callable[[Life], None] | None = None
) -> Life:
    """Touchpoints come up to some hours late; stamps never run back."""
    life, now = Life(BOOK, clock=clock), START
    for n, (kind, *rest) in enumerate(happened):
        match kind:
            case "touch":
                who, type_, ago, cart = rest
                life.happens(
                    type_,
                    now - ago // 8,
                    who,
                    id=str(n),
                    stamp=now,
                    received=now,
                    cart=cart or None,
                )
                life.deliver()
            case "result":
                _result_comes(life, str(n), now, *rest)
            case "tick":
                now += rest[0]
                life.tick(now)
                life.deliver()
            case "merge":
                life.append(Merged(BEA, ANN), now)
                life.deliver()
            case "publish":
                life.publish(OTHER if life.shard.settings == "d1" else BOOK)
            case _:
                life.append(RECORDS[kind], now)
        if watch is not None:
            watch(life)
    return life


def _result_comes(life: Life, id_: str, now: int, who: str, result: str, back: int) -> None:
    """One of the last actions reports it, whoever's it was."""
    for action in [each["action_id"] for each in life.actions()][-back:][:1]:
        more = {"id": id_, "stamp": now, "received": now, "action_id": action}
        life.happens(f"action.{result}", now, who, **more)


def picture(life: Life) -> tuple[object, ...]:
    outputs = [output for output in life.outputs if output.kind != "inbox"]
    return life.stored, life.due, life.gate, outputs, life.counts, life.shard


@given(lives)
def test_the_same_life_twice_has_the_same_outcome(happened: list[Happening]) -> None:
    assert picture(lived(happened)) == picture(lived(happened))


@settings(max_examples=200, deadline=None)
@given(lives, st.sets(st.integers(0, 60)), clocks)
def test_splitting_a_batch_anywhere_changes_nothing(
    happened: list[Happening], cuts: set[int], clock: str
) -> None:
    one_by_one = lived(happened, clock)

    again = folded_again(one_by_one, cuts)

    assert picture(again) == picture(one_by_one)


@settings(max_examples=200, deadline=None)
@given(lives, clocks)
def test_no_two_actions_share_an_id_nor_two_transitions(
    happened: list[Happening], clock: str
) -> None:
    life = lived(happened, clock)

    left = [action["action_id"] for action in life.actions()]
    told = [row["id"] for row in life.told()]

    assert len(set(left)) == len(left)
    assert len(set(told)) == len(told)


@settings(max_examples=200, deadline=None)
@given(lives)
def test_a_timer_never_fires_early(happened: list[Happening]) -> None:
    def watch(life: Life) -> None:
        rows = life.told()[len(seen) :]
        seen.extend(rows)
        grace = life.books[life.shard.settings].workspace.grace
        for row in rows:
            if row["cause"] == "timer" and row["kind"] in ("move", "end", "action"):
                assert row["at"] <= rfc3339(life.shard.time - grace) or row["at"] == row["logged"]
            if row["cause"] in ("schedule", "date") and row["kind"] in ("enter", "refused"):
                assert row["at"] <= rfc3339(life.shard.time - grace)

    seen: list[dict[str, Any]] = []
    lived(happened, watch=watch)


@given(lives, clocks)
def test_nothing_due_stays_behind_a_tick(happened: list[Happening], clock: str) -> None:
    life = lived(happened, clock)

    life.tick(life.shard.time + DAY)
    life.tick(life.shard.time)

    assert min(life.due.values(), default=life.shard.time + 1) > life.shard.time


@given(lives)
def test_an_open_gate_holds_nobody_for_ever(happened: list[Happening]) -> None:
    life = lived(happened)
    life.append(Released(), life.shard.log_time)
    life.append(Resumed("follow-up"), life.shard.log_time)

    life.tick(life.shard.time)

    assert life.gate == {}


quiet_lives = st.lists(
    st.tuples(people, st.sampled_from("abc"), st.integers(1, 40).map(lambda n: n * MINUTE)),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(quiet_lives)
def test_a_merge_before_or_after_is_the_same_when_neither_sends(
    happened: list[tuple[ProfileId, str, int]],
) -> None:
    """One side enters, the other does the rest: what either was refused, or brought to an end
    before they met, cannot be unmade (rule 9)."""
    one_sided = [(ANN if type_ == "a" else BEA, type_, ago) for _, type_, ago in happened]
    before, after = _merged_before_and_after(QUIET, one_sided)

    assert _ended(after) == _ended(before)


@settings(max_examples=300, deadline=None)
@given(quiet_lives)
def test_a_merge_makes_one_wait_of_two_as_if_there_had_been_one_person(
    happened: list[tuple[ProfileId, str, int]],
) -> None:
    purchases = [(who, "order.paid", ago) for who, _, ago in happened]
    before, after = _merged_before_and_after(release(win_back()), purchases)

    assert _ended(after) == _ended(before)
    assert [a["due"] for a in after.actions()] == [a["due"] for a in before.actions()]


def _merged_before_and_after(
    book: Release, happened: list[tuple[ProfileId, str, int]]
) -> tuple[Life, Life]:
    before, after = Life(book), Life(book)
    before.append(Merged(BEA, ANN), START)
    before.deliver()
    now = START
    for n, (who, type_, pause) in enumerate(happened):
        now += pause
        for life in (before, after):
            life.happens(type_, now, who, id=str(n))
            life.deliver()
    after.append(Merged(BEA, ANN), now)
    after.deliver()
    for life in (before, after):
        life.pass_until(now + 40 * DAY)
    return before, after


def _ended(life: Life) -> list[tuple[str, str, str]]:
    rows = [row for row in life.told("end") if row["outcome"] != "merged_duplicate"]
    return [(row["map"], row["outcome"], row["at"]) for row in rows]
