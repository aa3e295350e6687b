"""Timers that decide on an absence wait for sources that are late (rule 8).

A source has a mark, the latest event time it has told of; every shard hears it as a record. Such
a timer is decided once each source that brings its types has a mark at or past the deadline, or
its lateness has passed. Nothing is rewound.
"""

from collections.abc import Sequence

from journeys.language.model import Map, Source, Timer

from .profile import Armed, Instance
from .turn import Turn

LOOK_EVERY = 60_000
"""How often, in ms of the shard's time, somebody who waits is looked at."""

CAPPED = "lateness_cap"


def is_decidable(turn: Turn, map_: Map, instance: Instance, armed: Armed) -> bool:
    """Whether a timer that is due may fire; if not, when to look at it again is written down."""
    timer = map_.stages[instance.stage].after[armed.index]
    if not timer.without:
        return True
    waiting = [each for each in _sources(turn, timer) if not _is_in(turn, each, armed.deadline)]
    caps = [armed.deadline + each.lateness for each in waiting]
    open_ = [cap for cap in caps if cap > turn.shard.time]
    if not open_:
        return True
    armed.look = min(*open_, turn.shard.time + LOOK_EVERY)
    return False


def decided(turn: Turn, timer: Timer, armed: Armed) -> tuple[int, tuple[str, ...]]:
    """When it was decided, by log time where she had to wait, and whether a cap decided it."""
    if not armed.look:
        return armed.deadline, ()
    missing = [each for each in _sources(turn, timer) if not _is_in(turn, each, armed.deadline)]
    if missing:
        return armed.deadline + max(each.lateness for each in missing), (CAPPED,)
    return max(armed.deadline, turn.shard.log_time), ()


def awaited(turn: Turn, map_: Map, instance: Instance) -> Sequence[str]:
    """The sources that a timer of hers waits for now."""
    for armed in instance.timers:
        if armed.look:
            timer = map_.stages[instance.stage].after[armed.index]
            found = _sources(turn, timer)
            return [each.name for each in found if not _is_in(turn, each, armed.deadline)]
    return ()


def _sources(turn: Turn, timer: Timer) -> list[Source]:
    declared = turn.book.workspace.sources.values()
    return [each for each in declared if not timer.without.isdisjoint(each.brings)]


def _is_in(turn: Turn, source: Source, deadline: int) -> bool:
    return turn.shard.marks.get(source.name, 0) >= deadline
