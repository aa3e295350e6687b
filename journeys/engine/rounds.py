"""Rounds: everybody in a shard is looked at, by bounded steps of its Ticks.

What a record of the log changes for many people, it changes for each when she is next looked at;
a round sees to it that everybody is. It goes by the due index: whoever comes to another place in
it has been looked at by that, and may be once more.
"""

from collections.abc import Mapping
from typing import NamedTuple

from schemas.touchpoint import Millis, ProfileId

from .effects import Round, Shard


class Visited(NamedTuple):
    """The next people of a round, in (due, id) order; `last`: there are no more."""

    people: tuple[tuple[Millis, ProfileId], ...] = ()
    last: bool = False


NOBODY = Visited()


def begin(shard: Shard) -> None:
    """Also while one is under way: then from the beginning."""
    shard.round = Round()


def move_on(shard: Shard, visited: Visited) -> None:
    """These have been looked at."""
    if shard.round is None:
        return
    if visited.last:
        shard.round = None
    elif visited.people:
        shard.round = Round(*visited.people[-1])


def next_of(shard: Shard, due: Mapping[ProfileId, Millis], at_most: int) -> Visited:
    """The same out of a due index in memory, `at_most` people."""
    if shard.round is None or at_most < 0:
        return NOBODY
    behind = shard.round.due, shard.round.id
    found = sorted((at, name) for name, at in due.items() if (at, name) > behind)
    return Visited(tuple(found[:at_most]), len(found) <= at_most)
