"""Lines of a stage and those that hold anywhere: what moves people between stages (rule 3)."""

from collections.abc import Iterable

from journeys.language.model import Line, Map
from journeys.language.scope import Noticed

from .gate import request
from .goals import noticed, pre_empt, pre_empt_by_state, stands_for
from .ids import touchpoint_key
from .judging import Hold
from .local_time import subtract
from .moves import go, has_ended
from .profile import Instance, Profile, Remembered, Then
from .reports import report_late
from .segments import holds
from .settling import chosen, note
from .turn import Turn, by_touchpoint
from .waits import is_open, rearm, window_end

TAKEN_AT_MOST = 50
"""Touchpoints an instance of a map that looks back knows to have taken."""


def give(turn: Turn, map_: Map, instance: Instance, event: Noticed, kept: Remembered) -> bool:
    """Gives a touchpoint to goals, exits and lines, in this order; True if one took it.

    Conditions see `event`, the instance keeps `kept`. Where it moved her, what she did later
    and we heard of earlier is given to the new stage.
    """
    visit, end = instance.visit, window_end(instance)
    took = _offer(turn, map_, instance, event, kept, goals=True)
    if took and not has_ended(instance):
        # Restarted, not moved: up to the old end of the window all has been looked at.
        after = event.time if instance.visit != visit else end
        catch_up(turn, map_, instance, later(turn.profile, after))
    return took


def catch_up(
    turn: Turn, map_: Map, instance: Instance, past: Iterable[Remembered], goals: bool = False
) -> None:
    """Gives remembered touchpoints, earliest first, to the instance until it ends.

    One pass is enough: what moves her dates the next arrival, and a wait begins after that.
    """
    _on_arrival(turn, map_, instance)
    for kept in past:
        if has_ended(instance):
            return
        _offer(turn, map_, instance, kept, kept, goals)
        _on_arrival(turn, map_, instance)


def resume(turn: Turn, map_: Map, instance: Instance, given: Iterable[Remembered]) -> None:
    """Gives touchpoints the instance has never seen, of any time, to goals, exits and lines.

    Where one moves her, what she had seen counts anew for the stage she comes to.
    """
    queue = _once(given)
    while queue and not has_ended(instance):
        kept = queue.pop(0)
        visit, end = instance.visit, window_end(instance)
        if _offer(turn, map_, instance, kept, kept, goals=True):
            _on_arrival(turn, map_, instance)
            after = kept.time if instance.visit != visit else end
            queue = _once([*queue, *later(turn.profile, after)])


def settle(turn: Turn, map_: Map, instance: Instance) -> None:
    """The wait for an earlier touchpoint is over: the earliest leads on."""
    first = chosen(turn, instance)
    lines = map_.stages[instance.stage].on if first.place == "on" else map_.anywhere
    kept = first.kept
    at = first.place, first.index
    _follow(turn, map_, instance, lines[first.index], at, kept, kept)
    if not has_ended(instance):
        catch_up(turn, map_, instance, later(turn.profile, kept.time))


def later(profile: Profile, moment: int) -> list[Remembered]:
    """Her remembered touchpoints dated after `moment`, in the order in which they count."""
    found = [kept for kept in profile.remembered if kept.time > moment]
    return sorted(found, key=in_order) if len(found) > 1 else found


def in_order(kept: Remembered) -> tuple[int, int, str, str]:
    """Event time, then received, then the touchpoint's own id (rule 3)."""
    return kept.time, kept.received, kept.id, kept.source


def _on_arrival(turn: Turn, map_: Map, instance: Instance) -> None:
    """What is true on arrival counts at once; then what happened before and lines look back to."""
    while instance.id in turn.arrived:
        turn.arrived.discard(instance.id)
        if has_ended(instance) or (map_.watches and _by_state(turn, map_, instance)):
            continue
        if map_.looks_back:
            _look_back(turn, map_, instance)


def _by_state(turn: Turn, map_: Map, instance: Instance) -> bool:
    """Goals, exits and lines by a segment she is in; True if one moved or ended the instance."""
    visit = instance.visit
    if pre_empt_by_state(turn, map_, instance):
        return True
    for place, lines in (("on", map_.stages[instance.stage].on), ("anywhere", map_.anywhere)):
        for index, line in enumerate(lines):
            if instance.visit != visit:
                return True
            if holds(turn, map_, instance, line.trigger, instance.base):
                event = stands_for(instance, line.trigger, f"{place}/{index}")
                _take(turn, map_, instance, line, (place, index), event, event)
    return instance.visit != visit


def _look_back(turn: Turn, map_: Map, instance: Instance) -> None:
    """Each touchpoint counts once, and what caused the arrival never again."""
    for kept in sorted(turn.profile.remembered, key=in_order):
        if kept.time <= instance.since and not kept.backfill:
            _look_at(turn, map_, instance, kept)
        if instance.id in turn.arrived or has_ended(instance):
            return


def _look_at(turn: Turn, map_: Map, instance: Instance, kept: Remembered) -> None:
    key = touchpoint_key(kept.source, kept.id)
    if key in instance.taken or key == touchpoint_key(instance.entry.source, instance.entry.id):
        return
    zone, lines = turn.zone(map_), map_.stages[instance.stage].on
    for place, found in (("on", lines), ("anywhere", map_.anywhere)):
        for index, line in enumerate(found):
            if line.lookback is None or kept.time <= subtract(line.lookback, instance.since, zone):
                continue
            if noticed(turn, map_, instance, line.trigger, kept):
                _take(turn, map_, instance, line, (place, index), kept, kept)
                return


def _once(given: Iterable[Remembered]) -> list[Remembered]:
    return sorted({(kept.source, kept.id): kept for kept in given}.values(), key=in_order)


def _offer(
    turn: Turn, map_: Map, instance: Instance, event: Noticed, kept: Remembered, goals: bool
) -> bool:
    if goals and pre_empt(turn, map_, instance, event):
        instance.last = kept
        return True
    if kept.backfill or not is_open(instance, event.time):  # rule 8
        if instance.left and not kept.backfill:
            report_late(turn, map_, instance, event)
        return False
    for place, lines in (("on", map_.stages[instance.stage].on), ("anywhere", map_.anywhere)):
        for index, line in enumerate(lines):
            if noticed(turn, map_, instance, line.trigger, event):
                return _take(turn, map_, instance, line, (place, index), event, kept)
    return False


def _take(
    turn: Turn,
    map_: Map,
    instance: Instance,
    line: Line,
    at: tuple[str, int],
    event: Noticed,
    kept: Remembered,
) -> bool:
    """Follows the line, or keeps the touchpoint until it has settled which one leads on."""
    stage = map_.stages[instance.stage]
    if stage.settle is not None and line.go is not None:
        note(turn, map_, instance, stage, at, kept)
        return True
    return _follow(turn, map_, instance, line, at, event, kept)


def _follow(
    turn: Turn,
    map_: Map,
    instance: Instance,
    line: Line,
    at: tuple[str, int],
    event: Noticed,
    kept: Remembered,
) -> bool:
    cause, moment = by_touchpoint(event), event.time
    if map_.looks_back:
        instance.taken.append(touchpoint_key(kept.source, kept.id))
        del instance.taken[:-TAKEN_AT_MOST]
    moves = line.go is not None
    if moves or line.restart:
        instance.last = kept
    found = request(turn, map_, instance, line.do, moment, cause, event, holds=moves)
    if isinstance(found, Hold):
        instance.timers = []
        instance.then = Then(*at, moment, cause.id, cause.kind, 0)
    elif where := found or line.go:
        instance.last = kept
        go(turn, map_, instance, where, moment, max(moment, instance.base), cause)
    elif line.restart:
        rearm(turn, map_, instance, moment)
    return moves or line.restart or found is not None
