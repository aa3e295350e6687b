"""Laws that hold for every life; each was seen to fail with the fold broken on purpose."""

from collections.abc import Callable
from datetime import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.engine.local_time import rfc3339
from journeys.language.model import (
    Arm,
    Cap,
    Change,
    Emit,
    End,
    Exit,
    Goal,
    Holdout,
    Limit,
    Line,
    Map,
    QuietHours,
    Reentry,
    Release,
    Send,
    Split,
    Timer,
    To,
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
    win_back,
    workspace,
)

CART = expression(lambda scope: scope.event.properties.get("cart"))
DUE = expression(lambda scope: scope.profile.trait("due"))
SOON = expression(lambda scope: scope.now + 3 * 3_600_000)
FRAIL = expression(lambda scope: 1 // (scope.event.properties.get("cart") or 0))


def follow_up(sends: bool = True, **more: Any) -> Map:
    """Stages that wait, act and stay, restart, and come back."""

    def do(place: str) -> tuple[Send, ...]:
        return (send(place, on_capped="hold", expires_after=hours(8)),) if sends else ()

    first = stage(
        "first",
        do=do("first/do/0"),
        on=(
            Line(on("b"), go=To("second"), do=do("first/on/0/do/0")),
            Line(on("c"), restart=True),
        ),
        after=(
            Timer(hours(1), do=do("first/after/0/do/0")),
            Timer(hours(3), do=do("first/after/1/do/0"), go=To("second")),
        ),
    )
    second = stage(
        "second",
        do=do("second/do/0"),
        on=(Line(on("a"), go=To("first")), Line(on("c"), do=do("second/on/0/do/0"))),
        after=(Timer(hours(2), go=End("over")),),
    )
    return map_of("follow-up", [first, second], [entry("a")], **more)


def carts() -> Map:
    """Keyed, limited, with a goal, an exit and a message that fails for some carts."""
    waiting = stage(
        "waiting",
        after=(
            Timer(hours(1), do=(send("waiting/after/0/do/0", values={"n": FRAIL}),)),
            Timer(hours(2), go=End("over")),
        ),
    )
    return map_of(
        "carts",
        [waiting],
        [entry("b", key=CART)],
        goals=(Goal("won", on("c", match="cart"), None, None),),
        exits=(Exit(on("d"), "left"),),
        reentry=Reentry(limit=Limit(2, hours(6))),
        remembers={kind: frozenset({"cart"}) for kind in "bcd"},
    )


NOON = (QuietHours(time(12), time(14, 30), "transactional"),)
SCARCE = (Cap(2, hours(3), class_="transactional"), Cap(5, days(1), class_="transactional"))


def features() -> Map:
    """Splits, facts and touchpoints of its own, moments by a value, settling and looking back."""
    arms = (Arm("a", 1, To("wait")), Arm("b", 1, To("talk")))
    wait = stage(
        "wait",
        on=(Line(on("b"), go=To("talk")), Line(on("c"), go=End("c"))),
        after=(Timer(None, until=DUE, on_past="skip", go=To("talk")), Timer(hours(9), go=End("x"))),
        settle=hours(1),
    )
    talk = stage(
        "talk",
        do=(Change("talk/do/0", {"due": SOON}, ("t",)), Emit("talk/do/1", "d", {})),
        on=(Line(on("c"), go=To("wait"), lookback=hours(6)),),
        after=(
            Timer(
                hours(2), time(12), do=(Emit("talk/after/0/do/0", "a", {}),), days=("mon", "wed")
            ),
        ),
    )
    stages = [stage("which", split=Split("s", "", "person", arms)), wait, talk]
    return map_of("features", stages, [entry("a")], looks_back=True)


BOOK = release(
    follow_up(),
    features(),
    carts(),
    win_back(hours(4), name="win-back"),
    space=workspace(quiet_hours=NOON, caps=SCARCE, holdout=Holdout(50, "b")),
)
OTHER = release(
    follow_up(),
    features(),
    carts(),
    win_back(hours(4), name="win-back"),
    space=workspace(grace=MINUTE, digest="d2"),
)

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


def picture(life: Life) -> tuple[object, ...]:
    outputs = [output for output in life.outputs if output.kind != "inbox"]
    return life.stored, life.due, life.gate, outputs, life.counts, life.shard


@given(lives)
def test_the_same_life_twice_has_the_same_outcome(happened: list[Happening]) -> None:
    assert picture(lived(happened)) == picture(lived(happened))


@settings(max_examples=200)
@given(lives, st.sets(st.integers(0, 60)), clocks)
def test_splitting_a_batch_anywhere_changes_nothing(
    happened: list[Happening], cuts: set[int], clock: str
) -> None:
    one_by_one = lived(happened, clock)

    again = folded_again(one_by_one, cuts)

    assert picture(again) == picture(one_by_one)


@settings(max_examples=200)
@given(lives, clocks)
def test_no_two_actions_share_an_id_nor_two_transitions(
    happened: list[Happening], clock: str
) -> None:
    life = lived(happened, clock)

    left = [action["action_id"] for action in life.actions()]
    told = [row["id"] for row in life.told()]

    assert len(set(left)) == len(left)
    assert len(set(told)) == len(told)


@settings(max_examples=200)
@given(lives)
def test_a_timer_never_fires_early(happened: list[Happening]) -> None:
    def watch(life: Life) -> None:
        rows = life.told()[len(seen) :]
        seen.extend(rows)
        grace = life.books[life.shard.settings].workspace.grace
        for row in rows:
            if row["cause"] == "timer" and row["kind"] in ("move", "end", "action"):
                assert row["at"] <= rfc3339(life.shard.time - grace) or row["at"] == row["logged"]

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


@settings(max_examples=300)
@given(quiet_lives)
def test_a_merge_before_or_after_is_the_same_when_neither_sends(
    happened: list[tuple[ProfileId, str, int]],
) -> None:
    """One side enters, the other does the rest: what either was refused, or brought to an end
    before they met, cannot be unmade (rule 9)."""
    one_sided = [(ANN if type_ == "a" else BEA, type_, ago) for _, type_, ago in happened]
    before, after = _merged_before_and_after(QUIET, one_sided)

    assert _ended(after) == _ended(before)


@settings(max_examples=300)
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
