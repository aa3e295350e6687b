"""What happened to people, relived under given maps: whole lives, one after the other, fast.

A past is all that happened to those who end up as one person; nobody else's matters to them. Time
passes as in a shard with the event clock: by Ticks at due moments, one person each, in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from journeys.engine.effects import FOLD_VERSION, Announced, Output, Shard
from journeys.engine.fold import Folding, fold
from journeys.language.model import Map, Release, Workspace
from journeys.language.workspace import make_release
from schemas import inbox
from schemas.inbox import Arrived, InboxRecord, Logged, Opened, Published, Tick
from schemas.touchpoint import Millis

START = Millis(0)
TICKS_AT_A_MOMENT = 10_000
"""More than any good map needs; the engine ends a loop after a hundred timers of one moment."""


class Happened(NamedTuple):
    """A record and when it was heard of: no record before it in the log is dated later."""

    heard: Millis
    record: InboxRecord


@dataclass(frozen=True, slots=True)
class Rules:
    """Maps that people are led through: `opened` is a shard in which they have been published."""

    release: Release
    opened: Shard


def rules_of(workspace: Workspace, maps: Sequence[Map]) -> Rules:
    """These maps, and no others, in force from the beginning."""
    release = make_release(workspace, maps, [])
    versions = {each.name: each.version for each in maps}
    records: list[InboxRecord] = [
        Opened("event", FOLD_VERSION),
        Published(workspace.digest, versions),
    ]
    opened = Shard(0, 1)
    fold(opened, [Logged(n, START, r) for n, r in enumerate(records)], {}, lambda _: release)
    return Rules(release, opened)


def relive(
    rules: Rules, past: Sequence[Happened], until: Millis, since: Millis = START
) -> list[Output]:
    """All that comes of a past, in order; then time passes up to and including `until`. Nobody
    enters by a schedule, a date or a segment before `since`.

    An output's offset is the place in the past of the record that caused it, or of the one
    before which, at the end after which, a timer did.
    """
    life = _Life(rules, since)
    for place, happened in enumerate(past):
        life.pass_until(Millis(happened.heard - 1), place)
        life.apply(Logged(place, happened.heard, happened.record))
    life.pass_until(until, len(past))
    return [output for output in life.folding.outputs if output.kind != "inbox"]


def as_known_before(past: Sequence[Happened], since: Millis) -> list[Happened]:
    """The same past, in which touchpoints dated before `since` only say what is known of her."""
    return [_as_known(each, since) for each in past]


class _Life:
    def __init__(self, rules: Rules, since: Millis) -> None:
        self.shard = msgspec.structs.replace(rules.opened, announced=_since(rules.opened, since))
        release = rules.release
        self.folding = Folding(self.shard, {}, lambda _: release)
        self._heard = 0

    def apply(self, logged: Logged) -> None:
        """Folds a record, then what was sent to other profiles of this life."""
        self.folding.apply(logged, (), ())
        self._deliver(logged)

    def pass_until(self, moment: Millis, place: int) -> None:
        """A Tick at each due moment up to this one, and at this one itself."""
        folding, same, last = self.folding, 0, START
        while (first := folding.next_due()) is not None and first[0] <= moment:
            when = max(first[0], self.shard.time)
            same, last = (same + 1 if when == last else 0), when
            if same > TICKS_AT_A_MOMENT:
                break
            # One after the other, in the order of a Tick that wakes all who are due.
            tick = Logged(place, when, Tick(when))
            folding.apply(tick, (first,), ())
            self._deliver(tick)
        if moment > self.shard.time:
            folding.apply(Logged(place, moment, Tick(moment)), (), ())

    def _deliver(self, cause: Logged) -> None:
        """What was sent to other profiles of this life is heard at once."""
        outputs = self.folding.outputs
        while self._heard < len(outputs):
            output = outputs[self._heard]
            self._heard += 1
            if output.kind == "inbox":
                again = Logged(cause.offset, cause.stamp, inbox.decode(output.value))
                self.folding.apply(again, (), ())


def _as_known(happened: Happened, since: Millis) -> Happened:
    record = happened.record
    if not isinstance(record, Arrived) or record.touchpoint.time >= since:
        return happened
    told = msgspec.structs.replace(record.touchpoint, backfill=True)
    return Happened(happened.heard, msgspec.structs.replace(record, touchpoint=told))


def _since(opened: Shard, since: Millis) -> dict[str, Announced]:
    """What was published, as if that had been at `since`."""
    announced = opened.announced
    return {n: msgspec.structs.replace(a, since=since) for n, a in announced.items()}
