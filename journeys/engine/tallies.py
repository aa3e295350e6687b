"""Computed traits: what a touchpoint adds to the figures kept of a person, and what a merge does.

A touchpoint counts in the bucket of its event time, whenever it comes. Buckets that no window can
reach any more are dropped, by the shard's time.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from journeys.language.computing import Computed
from schemas.touchpoint import Touchpoint

from .profile import Profile
from .turn import Turn


def tally(turn: Turn, touchpoint: Touchpoint) -> None:
    """Adds the touchpoint to every computed trait that counts its type."""
    tallying = turn.book.tallying
    for computed in tallying.get(touchpoint.type) or tallying.get("", ()):
        _add(turn, computed, touchpoint)


def fill(profile: Profile, computed: Computed, figures: Mapping[int, Any], now: int) -> None:
    """Adds figures of touchpoints that were not counted when they came; `now`: the shard's time."""
    kept = profile.tallies.setdefault(computed.id, {})
    join_all(kept, figures, computed)
    if computed.window is not None and computed.how != "distinct":
        _drop(kept, computed.window.bucket(now) - computed.window.size)


def join_all(kept: dict[int, Any], figures: Mapping[int, Any], computed: Computed) -> None:
    """Adds figures to those kept of the same trait."""
    for bucket, figure in figures.items():
        _join(kept, bucket, figure, computed)


def unite(profile: Profile, other: Profile, known: Mapping[str, Computed]) -> None:
    """Figures of two people who are one: buckets add up. `known` is by id."""
    for name, theirs in other.tallies.items():
        mine = profile.tallies.get(name)
        computed = known.get(name)
        if mine is None or computed is None:
            profile.tallies.setdefault(name, theirs)
            continue
        join_all(mine, theirs, computed)


def _add(turn: Turn, computed: Computed, touchpoint: Touchpoint) -> None:
    scope = turn.look_at(touchpoint)
    if computed.when is not None and computed.when.run(scope) is not True:
        return
    value = computed.value.run(scope) if computed.value is not None else None
    figure = _figure(computed, value, touchpoint)
    if figure is None:
        return
    kept = turn.profile.tallies.setdefault(computed.id, {})
    bucket = 0
    if computed.window is not None and computed.how != "distinct":
        bucket = computed.window.bucket(touchpoint.time)
        _drop(kept, computed.window.bucket(turn.shard.time) - computed.window.size)
    _join(kept, bucket, figure, computed)


def _join(kept: dict[int, Any], bucket: int, figure: Any, computed: Computed) -> None:
    joined = _JOIN[computed.how](kept[bucket], figure, computed) if bucket in kept else figure
    kept[bucket] = joined


def _figure(computed: Computed, value: Any, touchpoint: Touchpoint) -> Any:
    """What this touchpoint alone comes to; None where it has nothing to say."""
    match computed.how:
        case "count":
            return 1
        case "sum":
            return str(Decimal(repr(value))) if _is_number(value) else None
        case "min" | "max":
            return value if _is_number(value) else None
        case "distinct":
            return None if value is None else [[touchpoint.time, value]]
        case _:
            return None if value is None else [touchpoint.time, touchpoint.id, value]


def _drop(kept: dict[int, Any], horizon: int) -> None:
    for bucket in [bucket for bucket in kept if bucket <= horizon]:
        del kept[bucket]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _newest(mine: Any, theirs: Any, computed: Computed) -> list[list[Any]]:
    """Each value once, where it was seen last; the newest, as many as are kept."""
    found: dict[str, list[Any]] = {}
    for time, value in sorted([*mine, *theirs], key=lambda each: (each[0], repr(each[1]))):
        found.pop(repr(value), None)
        found[repr(value)] = [time, value]
    return list(found.values())[-computed.keep :]


_JOIN: dict[str, Callable[[Any, Any, Computed], Any]] = {
    "count": lambda mine, theirs, _: mine + theirs,
    "sum": lambda mine, theirs, _: str(Decimal(mine) + Decimal(theirs)),
    "min": lambda mine, theirs, _: min(mine, theirs),
    "max": lambda mine, theirs, _: max(mine, theirs),
    "first": lambda mine, theirs, _: min(mine, theirs, key=lambda each: (each[0], each[1])),
    "last": lambda mine, theirs, _: max(mine, theirs, key=lambda each: (each[0], each[1])),
    "distinct": _newest,
}
