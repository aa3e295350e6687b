"""A person's pace: over the workspace's rate her journeys are skipped and her facts kept.

Counted in windows of event time, so a backlog that arrives at once is no flood. A window begins
at a multiple of its length; who is at its border may do twice as much.
"""

import orjson

from schemas.touchpoint import Touchpoint

from .ids import cause_id
from .local_time import rfc3339
from .profile import Remembered
from .turn import Turn

WINDOWS = 4
"""So many are counted, the newest; what is dated before them counts in the oldest."""

OVER = -1
"""The count of a window whose rate was passed, which was told."""


def skips(turn: Turn, touchpoint: Touchpoint, kept: Remembered | None) -> bool:
    """Counts a touchpoint; True where it is one too many, and then it is not remembered either.

    The first one too many of a window is told. What maps make themselves is not counted.
    """
    rate = turn.release.workspace.rate if turn.release else None
    if rate is None or turn.hops:
        return False
    counts = turn.profile.pace
    window = touchpoint.time // rate.per
    count = counts.get(window)
    if count is None:
        window = _placed(counts, window)
        count = counts.get(window, 0)
    if 0 <= count < rate.count:
        counts[window] = count + 1
        return False
    if count != OVER:
        counts[window] = OVER
        _tell(turn, touchpoint, (window + 1) * rate.per)
    if kept is not None:
        del turn.profile.remembered[-1]
    return True


def united(mine: dict[int, int], theirs: dict[int, int]) -> dict[int, int]:
    """The counts of two who are one person; a window that either passed is passed."""
    found = dict(mine)
    for window, count in theirs.items():
        own = found.get(window, 0)
        found[window] = OVER if OVER in (own, count) else own + count
    return {window: found[window] for window in sorted(found)[-WINDOWS:]}


def _placed(counts: dict[int, int], window: int) -> int:
    if len(counts) < WINDOWS:
        return window
    oldest = min(counts)
    if window > oldest:
        del counts[oldest]
        return window
    return oldest


def _tell(turn: Turn, touchpoint: Touchpoint, until: int) -> None:
    """Of all maps, so of none: `map` is empty. `until` is the end of the window."""
    row = {
        "id": cause_id("skipped", touchpoint.source, touchpoint.id),
        "kind": "skipped",
        "at": rfc3339(touchpoint.time),
        "logged": rfc3339(turn.shard.log_time),
        "profile_id": turn.id,
        "map": "",
        "version": 0,
        "cause": "touchpoint",
        "cause_id": touchpoint.id,
        "reason": "rate",
        "until": rfc3339(until),
    }
    turn.emit("transitions", turn.id, orjson.dumps(row))
