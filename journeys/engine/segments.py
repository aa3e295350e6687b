"""Segments of a person: who came in, who went out, and when time alone may change it (rule 20).

Judged as of log time after each touchpoint, and at the moments that time alone may bring. An edge
is a touchpoint of the segment's own type, dated by what made it; publication, backfill and merges
make none.
"""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

from journeys.language.computing import HOUR_MS, Segment
from journeys.language.model import Map, Trigger
from journeys.language.scope import Scope
from journeys.language.segments import came_in, went_out

from .ids import cause_id
from .local_time import instant, local_at
from .profile import Instance, Remembered
from .turn import Turn

SOURCE = "wayline"

_MIDNIGHT = time(0)


def announced_as(segment: Segment) -> str:
    """The name under which a publication announces that it is watched."""
    return f"segment/{segment.id}"


def acquaint(turn: Turn, now: int) -> None:
    """Before anything changes: segments never judged for her are, in silence, as of `now`.

    For somebody who did not exist before, they begin empty.
    """
    if turn.release is None or not turn.release.watched:
        return
    known = turn.profile.segments
    if all(each.id in known for each in turn.release.watched):
        return
    scope = _scope(turn, now)
    wanted = {segment.id for segment in turn.release.watched}
    for name in [name for name in known if name not in wanted]:
        del known[name]
    for segment in turn.release.watched:
        if segment.id not in known:
            known[segment.id] = bool(turn.profile.created) and segment.when.run(scope) is True
    _look_again(turn, scope)


def edges(
    turn: Turn, moment: int, now: int, quiet: bool = False, by_time: bool = False
) -> list[Remembered]:
    """The edges of this moment, as of log time `now`, in the order of the segments.

    Time alone makes none of a segment before that is watched for the first time.
    """
    found: list[Remembered] = []
    if turn.release is None or not turn.release.watched:
        turn.profile.look_again = 0
        return found
    scope, known = _scope(turn, now), turn.profile.segments
    for segment in turn.release.watched:
        inside = segment.when.run(scope) is True
        if inside != known.get(segment.id, False):
            known[segment.id] = inside
            if not quiet and not (by_time and moment < _since(turn, segment)):
                found.append(_edge(turn, segment, inside, moment))
    _look_again(turn, scope)
    return found


def holds(turn: Turn, map_: Map, instance: Instance, trigger: Trigger, now: int) -> bool:
    """Whether a trigger by a segment is true as of `now`; one by touchpoints never is."""
    if trigger.segment is None:
        return False
    if is_in(turn, trigger.segment, now) is trigger.outside:
        return False
    if trigger.when is None:
        return True
    return trigger.when.run(turn.look(map_, instance, None, now)) is True


def is_in(turn: Turn, segment: Segment, now: int) -> bool:
    """Whether she is in the segment as of `now`."""
    return segment.when.run(_scope(turn, now)) is True


def state(name: str, ids: tuple[str, ...], moment: int) -> Remembered:
    """What stands for being in a segment, or not, where no edge brought it."""
    return Remembered(cause_id("state", *ids), name, moment, 0, SOURCE, "", {})


def _since(turn: Turn, segment: Segment) -> int:
    announced = turn.shard.announced.get(announced_as(segment))
    return 0 if announced is None else announced.since


def _edge(turn: Turn, segment: Segment, inside: bool, moment: int) -> Remembered:
    """Its id names the person: at midnight many come in at once, and nobody else's did."""
    type_ = came_in(segment.name) if inside else went_out(segment.name)
    name = cause_id("edge", turn.id, segment.id, str(moment), str(inside))
    return Remembered(name, type_, moment, max(0, turn.shard.log_time - moment), SOURCE, "", {})


def _scope(turn: Turn, now: int) -> Scope:
    scope = turn.look_at(_NOBODY)
    scope.event, scope.now = None, now
    return scope


_NOBODY = Remembered("", "", 0, 0, "", "", {})


def _look_again(turn: Turn, scope: Scope) -> None:
    """Sets the next moment at which time alone may change a segment; 0: there is none."""
    now, found = scope.now, []
    book = turn.book
    units = {unit for segment in book.watched for unit in segment.units}
    if "d" in units:
        found += [_midnight(now, scope.zone), _midnight(now, book.workspace.zone)]
    if "h" in units:
        found.append(_next_hour(now, book.workspace.zone))
    for segment in book.watched:
        for after in segment.moments:
            moment = after(scope)
            if moment is not None:
                # `>` becomes true a millisecond after `>=` does.
                found += [each for each in (moment, moment + 1) if each > now]
    turn.profile.look_again = min(found, default=0)


def _midnight(now: int, zone: ZoneInfo) -> int:
    return instant(local_at(now, zone).date() + timedelta(days=1), _MIDNIGHT, zone)


def _next_hour(now: int, zone: ZoneInfo) -> int:
    offset = local_at(now, zone).utcoffset()
    shift = int(offset.total_seconds() * 1000) % HOUR_MS if offset else 0
    return now + HOUR_MS - (now + shift) % HOUR_MS
