"""Laws that hold for every good map, whatever happens to its people: those of the corpus, of the
rules and of the examples."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.engine.local_time import rfc3339
from journeys.language.model import End, Line, Release, Timer, To
from journeys.language.workspace import compile_workspace, make_release
from schemas.inbox import Merged
from tests.unit.language.corpus import cases, documents

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
    folded_again,
    hours,
    map_of,
    on,
    release,
    stage,
    win_back,
    workspace,
)

ROOT = Path(__file__).parents[3]
FOLDERS = [
    *(ROOT / "tests" / "maps" / name for name in ("rules", "tickets")),
    *(each.parent for each in sorted((ROOT / "examples").glob("*/wayline.yaml"))),
]


def _of_folder(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*.yaml")}


GOOD: dict[str, Callable[[], dict[str, str]]] = {
    **{case.stem: lambda case=case: documents(case) for case in cases("ok")},
    **{folder.name: lambda folder=folder: _of_folder(folder) for folder in FOLDERS},
}


@cache
def _book(name: str) -> Release:
    compiled = compile_workspace(GOOD[name]())
    return make_release(compiled.workspace, compiled.maps, [])


happenings = st.one_of(
    st.tuples(st.just("touch"), st.sampled_from([ANN, BEA]), st.integers(0, 9999)),
    st.tuples(st.just("touch"), st.just(ANN), st.integers(0, 9999)),
    st.tuples(st.just("result"), st.sampled_from(["replied", "failed", "done", "delivered"])),
    st.tuples(st.just("tick"), st.sampled_from([MINUTE, HOUR, 5 * HOUR, DAY, 9 * DAY])),
    st.tuples(st.just("merge")),
)
Happening = tuple[Any, ...]


@pytest.mark.parametrize("name", sorted(GOOD))
@settings(max_examples=5, deadline=None)
@given(
    happened=st.lists(happenings, min_size=5, max_size=16),
    cuts=st.sets(st.integers(0, 60)),
    clock=st.sampled_from(["wall", "event"]),
)
def test_a_good_map_keeps_the_laws(
    name: str, happened: list[Happening], cuts: set[int], clock: str
) -> None:
    """The same life twice comes to the same; a batch may be split anywhere; no two actions share
    an id, nor two transitions; no timer fires early."""
    book = _book(name)
    life = lived(book, happened, clock, watched=True)

    assert picture(lived(book, happened, clock)) == picture(life)
    assert picture(folded_again(life, cuts)) == picture(life)
    for found in ([a["action_id"] for a in life.actions()], [row["id"] for row in life.told()]):
        assert len(set(found)) == len(found)


def lived(book: Release, happened: list[Happening], clock: str, watched: bool = False) -> Life:
    """Touchpoints come up to two hours late and time never runs back."""
    life, now, seen = Life(book, clock=clock), START, 0
    for number, (kind, *rest) in enumerate(happened):
        match kind:
            case "touch":
                _touch(life, book, Random(rest[1]), rest[0], number, now)
            case "result":
                _result(life, rest[0], number, now)
            case "tick":
                now += rest[0]
                life.tick(now)
            case _:
                life.append(Merged(BEA, ANN), now)
        life.deliver()
        if watched:
            seen = _nothing_is_early(life, seen, book.workspace.grace)
    return life


def _touch(life: Life, book: Release, random: Random, who: str, number: int, now: int) -> None:
    """One of the types that the workspace or its maps know, with something in each property."""
    space = book.workspace
    types = sorted({*(space.events or ()), *book.entering, *(e for _, _, e in book.noticing)})
    type_ = random.choice([each for each in types if not each.startswith("action.")] or ["a"])
    known = (space.events or {}).get(type_, {})
    properties = {name: _something(str(kind), random) for name, kind in known.items()}
    traits = {
        name: _something(str(kind), random)
        for name, kind in sorted((space.traits or {}).items())
        if random.random() < 0.2 and name not in ("timezone", "store")
    }
    when = now - random.choice([0, 0, 0, MINUTE, 2 * HOUR])
    more = {"id": str(number), "stamp": now, "received": now, "traits": traits}
    properties = {name: each for name, each in properties.items() if name not in _OWN}
    life.happens(type_, when, who, **more, **properties)


_OWN = ("id", "time", "type", "channel", "source", "stamp", "links", "who", "traits", "received")


def _something(kind: str, random: Random) -> Any:
    match kind:
        case "number" | "integer":
            return random.choice([0, 1, 5, 50, 150])
        case "boolean":
            return random.random() < 0.5
        case "time":
            return rfc3339(START + random.choice([-DAY, HOUR, 2 * DAY]))
        case "date":
            return rfc3339(START + random.choice([-DAY, DAY, 30 * DAY]))[:10]
        case _:
            return random.choice(["a", "b", "gold"])


def _result(life: Life, result: str, number: int, now: int) -> None:
    for action in life.actions()[-1:]:
        more = {"id": str(number), "stamp": now, "received": now, "action_id": action["action_id"]}
        life.happens(f"action.{result}", now, action["profile_id"], **more)


def _nothing_is_early(life: Life, seen: int, grace: int) -> int:
    """With the event clock, a touchpoint of a later time tells the time too."""
    shard, rows = life.shard, life.told()
    time = shard.log_time if shard.clock == "event" else shard.time
    for row in rows[seen:]:
        if row["cause"] == "timer" and row["kind"] in ("move", "end", "action"):
            assert row["at"] <= rfc3339(time - grace) or row["at"] == row["logged"], row
    return len(rows)


def picture(life: Life) -> tuple[object, ...]:
    outputs = [output for output in life.outputs if output.kind != "inbox"]
    return life.stored, life.due, life.gate, outputs, life.counts, life.shard


SETTLING = release(
    map_of(
        "settling",
        [
            stage(
                "first",
                on=(Line(on("b"), go=To("second")), Line(on("c"), go=To("third"))),
                after=(Timer(hours(5), go=End("over")),),
                settle=hours(1),
            ),
            stage("second", after=(Timer(hours(1), go=End("b")),)),
            stage("third", after=(Timer(hours(1), go=End("c")),)),
        ],
        [entry("a")],
    ),
    space=workspace(grace=HOUR),
)
BUYING = release(win_back(days(2)), space=workspace(grace=HOUR))
order = st.lists(st.integers(1, 3000), min_size=2, max_size=8, unique=True).flatmap(
    lambda seconds: st.tuples(st.just(seconds), st.permutations(range(len(seconds))))
)


@settings(max_examples=100, deadline=None)
@given(order, st.sampled_from(["settling", "buying"]))
def test_touchpoints_shuffled_within_the_grace_come_to_the_same(
    given_: tuple[list[int], list[int]], which: str
) -> None:
    seconds, shuffled = given_
    in_order = sorted(range(len(seconds)), key=seconds.__getitem__)

    one, other = (_heard(which, seconds, each) for each in (in_order, shuffled))

    assert _ends(one) == _ends(other)
    assert [a["due"] for a in one.actions()] == [a["due"] for a in other.actions()]


def _heard(which: str, seconds: list[int], order_: list[int]) -> Life:
    """All within an hour, heard of in this order when the hour is over."""
    life = Life(SETTLING if which == "settling" else BUYING)
    life.happens("a" if which == "settling" else "order.paid", START, id="entry")
    for number in order_:
        type_ = "bc"[number % 2] if which == "settling" else "order.paid"
        when = START + seconds[number] * 1000
        life.happens(type_, when, id=str(number), stamp=START + 3_001_000)
    life.pass_until(START + 9 * DAY)
    return life


def _ends(life: Life) -> list[tuple[str, str]]:
    return [(row["outcome"], row["at"]) for row in life.told("end")]
