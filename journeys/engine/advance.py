"""One record of one person, in the order of the contract (map-language, section 8).

1 her timers due before it, 2 de-duplicate, 3 fold its facts, 4 goals, exits and transitions of
her open instances, oldest first, 5 entries by priority, then name. Actions pass the gate where
they are caused. The profile in hand is changed in place.
"""

from functools import partial

from journeys.language.model import Map
from journeys.language.scope import Noticed
from schemas.touchpoint import Touchpoint

from . import facts
from .afterwards import notice_afterwards
from .caps import ARBITRATION
from .credit import forget_ended
from .entries import Taken, enter, enter_on
from .firing import fire, let_go
from .gate import shut
from .ids import touchpoint_key
from .lateness import is_decidable
from .lines import catch_up, give, later, resume, settle
from .moves import end_loop, has_ended
from .occasions import Next, begin, exists, next_of, renew
from .pace import skips
from .profile import Armed, Instance, Profile, Remembered, due_of
from .results import RESULT_TYPES, as_expired, note, overdue, settled
from .segments import acquaint, edges
from .settling import is_over
from .steering import is_ripe
from .stuck import guarded
from .turn import Cause, Turn, by_touchpoint
from .versions import bring_up
from .waits import replan

FIRED_AT_MOST = 100
"""Timers of one person fired in one record; what is left is due at once, for the next."""


MISSED_AT_MOST = 200
"""Touchpoints a stuck instance keeps for its retry; memory holds no more by default."""


def advance(turn: Turn, touchpoint: Touchpoint) -> None:
    """Applies a touchpoint to the profile in hand."""
    wake(turn, touchpoint.time if turn.shard.clock == "event" else None)  # 1
    if not facts.is_new(turn, touchpoint):  # 2
        return
    if touchpoint.type in RESULT_TYPES:
        note(turn, touchpoint)
    watched = turn.release.watched if turn.release else ()
    if watched:
        acquaint(turn, turn.shard.log_time)
    is_there = exists(turn.profile)
    kept = facts.take(turn, touchpoint)  # 3, rule 6
    if not is_there:
        begin(turn, touchpoint.time)
    replan(turn, touchpoint.time)
    if skips(turn, touchpoint, kept):
        facts.trim(turn)
        return
    if kept is not None or watched:
        _lead(turn, touchpoint, kept)  # 4, 5
    facts.trim(turn)
    if turn.profile.ended:
        forget_ended(turn)


def _lead(turn: Turn, touchpoint: Touchpoint, kept: Remembered | None) -> None:
    """Gives the touchpoint and the edges it made to her journeys, then those of what maps set."""
    profile = turn.profile
    found, traits, tags = _edges(turn, touchpoint), profile.traits, profile.tag_list
    if kept is not None or found:
        _notice(turn, [(touchpoint, kept)] if kept is not None else [], found)
    if profile.traits is not traits or profile.tag_list is not tags:
        _notice(turn, [], _edges(turn, touchpoint))


def _edges(turn: Turn, touchpoint: Touchpoint) -> list[Remembered]:
    return edges(turn, touchpoint.time, turn.shard.log_time, quiet=touchpoint.backfill)


def _notice(
    turn: Turn, happened: list[tuple[Noticed, Remembered]], found: list[Remembered]
) -> None:
    """Gives the touchpoint, then the edges it made, to instances, then to entries."""
    taken: Taken = []
    happened += [(edge, edge) for edge in found]
    ended = turn.profile.ended
    for event, kept in happened:
        taken += _instances(turn, event, kept)
        if ended:
            notice_afterwards(turn, event, ended, taken)
    for event, kept in happened:
        enter(turn, event, kept, taken)


def _time_tells(turn: Turn, moment: int) -> bool:
    """Judges her segments again where time alone may have changed them by `moment`."""
    at = turn.profile.look_again
    if not 0 < at <= moment:
        return False
    acquaint(turn, at - 1)
    _notice(turn, [], edges(turn, at, at, by_time=True))
    return True


def wake(turn: Turn, before: int | None = None) -> None:
    """What is due of her, earliest first: what stands at the gate until then, timers, occasions.

    A timer is due when the shard's time has reached deadline + grace; with `before`, also when
    deadline + grace lies before that event time. So is an occasion; at one moment timers go first.
    """
    if turn.release is None or not _has_plans(turn):
        return
    bring_up(turn)
    limit = turn.shard.time if before is None else max(turn.shard.time, before - 1)
    grace = turn.release.workspace.grace
    if not _may_be_due(turn.profile, max(limit, turn.shard.log_time), grace):
        return
    last, same = ("", 0), 0
    for _ in range(FIRED_AT_MOST):
        due = _earliest(turn, limit - grace)
        occasion = _occasion(turn, limit - grace if due is None else due[1].deadline - 1)
        if _goes_before(turn, occasion, due, limit, grace):
            continue
        if due is None:
            return
        last, same = _repeated(*due, last, same)
        _fire(turn, *due, looped=same == FIRED_AT_MOST)


def _has_plans(turn: Turn) -> bool:
    """Whether anything can be due of her; what was published since she was last looked at is
    planned first."""
    profile = turn.profile
    if profile.heard < turn.shard.announcements:
        renew(turn)
    return bool(profile.instances or profile.look_again or profile.occasions)


def _may_be_due(profile: Profile, moment: int, grace: int) -> bool:
    """Whether it is worth looking: most touchpoints find nothing due."""
    return due_of(profile, grace) <= moment or any(each.gate for each in profile.instances)


def _occasion(turn: Turn, moment: int) -> Next | None:
    return next_of(turn, moment) if turn.profile.occasions else None


def _goes_before(
    turn: Turn, occasion: Next | None, due: tuple[Instance, Armed] | None, limit: int, grace: int
) -> bool:
    """Does one thing that is due before the next timer, or at its moment, last an occasion before
    it; False: there is none."""
    deadline = occasion.due if occasion else due[1].deadline if due else None
    return (
        _settled(turn)
        or _time_tells(turn, limit if deadline is None else deadline)
        or _at_gate(turn, limit if deadline is None else deadline)
        or _expire(turn, limit - grace if deadline is None else deadline)
        or (occasion is not None and enter_on(turn, occasion))
    )


def retry(turn: Turn) -> None:
    """Her stuck instances try again, in the version that is theirs by now: what they missed
    first, then what is due."""
    tried = [instance for instance in turn.profile.instances if instance.stuck]
    for instance in tried:
        instance.stuck = ""
    bring_up(turn)
    for instance in tried:
        missed, instance.missed = instance.missed, []
        if not (instance.stuck or has_ended(instance)):
            _give_missed(turn, instance, missed)
    wake(turn)


def _instances(turn: Turn, touchpoint: Noticed, kept: Remembered) -> Taken:
    """Gives the touchpoint to her open instances; returns those that took it, or ended by it."""
    taken: Taken = []
    noticing = turn.book.noticing
    for instance in list(turn.profile.instances):
        if (instance.map, instance.version, touchpoint.type) not in noticing:
            continue
        if touchpoint.time > instance.entered:
            counted = instance.counted
            counted[touchpoint.type] = counted.get(touchpoint.type, 0) + 1
        if not instance.stuck:
            step = partial(_give, turn, instance, touchpoint, kept, taken)
            guarded(turn, instance, by_touchpoint(touchpoint), step)
        if instance.stuck:
            instance.missed.append(touchpoint_key(touchpoint.source, touchpoint.id))
            del instance.missed[:-MISSED_AT_MOST]
    return taken


def _give(
    turn: Turn, instance: Instance, touchpoint: Noticed, kept: Remembered, taken: Taken
) -> None:
    map_, visit = _map(turn, instance), instance.visit
    if touchpoint.type in RESULT_TYPES and settled(turn, map_, instance, touchpoint):
        if visit != instance.visit and not has_ended(instance):
            catch_up(turn, map_, instance, later(turn.profile, touchpoint.time))
    elif not give(turn, map_, instance, touchpoint, kept):
        return
    taken.append((instance.map, instance.key))


def _expire(turn: Turn, moment: int) -> bool:
    """Reports that an sla is over by then, the earliest first; True if one was."""
    found = [
        (sent.until, instance, sent)
        for instance in turn.profile.instances
        if instance.actions and not instance.stuck and turn.map_of(instance)
        if (sent := overdue(instance)) and sent.until <= moment
    ]
    if not found:
        return False
    _, instance, sent = min(found, key=lambda each: each[0])
    event = as_expired(sent)
    note(turn, event)
    step = partial(_give, turn, instance, event, event, [])
    guarded(turn, instance, by_touchpoint(event), step)
    return True


def _settled(turn: Turn) -> bool:
    """Lets one instance go on whose wait for an earlier touchpoint is over; True if one was."""
    for instance in turn.profile.instances:
        if instance.settling and is_over(turn, instance) and turn.map_of(instance):
            map_ = _map(turn, instance)
            cause = Cause(instance.id, "timer", f"{instance.id}/{instance.visit}/settle")
            guarded(turn, instance, cause, partial(settle, turn, map_, instance))
            return True
    return False


def _at_gate(turn: Turn, moment: int) -> bool:
    """Judges anew what stands at the gate until `moment` at the latest; True if something did."""
    found = False
    standing = [each for each in turn.profile.instances if each.gate and not each.stuck]
    for instance in sorted(standing, key=partial(_turn_of, turn)) if standing else ():
        if turn.map_of(instance) is None or has_ended(instance):
            continue
        if turn.shard.held:
            shut(turn, instance, moment)
        elif any(is_ripe(turn.shard, one.until, moment) for one in instance.gate):
            _let_go(turn, instance, moment)
            found = True
    return found


def _turn_of(turn: Turn, instance: Instance) -> tuple[bool, int, int, str]:
    """Those that wait for each other by priority, `due` and instance (rule 13), after the others,
    which stay in order of age."""
    first = instance.gate[0]
    if first.why != ARBITRATION:
        return False, 0, 0, ""
    priorities = {each.name: each.priority for each in turn.book.live}
    return True, -priorities.get(instance.map, 0), first.due, instance.id


def _let_go(turn: Turn, instance: Instance, moment: int) -> None:
    first = instance.gate[0]
    ref = f"{first.id}/{first.until}" if first.until else first.id
    cause = Cause(first.cause, first.kind, ref)
    before = instance.then.decided if instance.then else instance.base
    step = partial(let_go, turn, _map(turn, instance), instance, moment)
    if guarded(turn, instance, cause, step):
        _enter_anew(turn, instance, before)


def _earliest(turn: Turn, limit: int) -> tuple[Instance, Armed] | None:
    """The earliest timer due at `limit`; of several the oldest instance's, then as written."""
    found: tuple[Instance, Armed] | None = None
    for instance in turn.profile.instances:
        map_ = turn.map_of(instance)
        if instance.stuck or instance.settling or map_ is None or not instance.timers:
            continue
        armed = min(instance.timers, key=_deadline)
        if armed.deadline > limit or (found and armed.deadline >= found[1].deadline):
            continue
        if is_decidable(turn, map_, instance, armed):
            found = instance, armed
    return found


def _deadline(armed: Armed) -> int:
    return armed.deadline


def _repeated(
    instance: Instance, armed: Armed, last: tuple[str, int], same: int
) -> tuple[tuple[str, int], int]:
    """How often in a row one instance fired at one moment: a wait of nothing is a loop."""
    this = instance.id, armed.deadline
    return this, same + 1 if this == last else 1


def _fire(turn: Turn, instance: Instance, armed: Armed, looped: bool) -> None:
    when, map_ = armed.deadline, _map(turn, instance)
    cause = Cause(instance.id, "timer", f"{instance.id}/{instance.visit}/{armed.index}")
    if looped:  # rule 18
        end_loop(turn, map_, instance, when, cause)
    elif guarded(turn, instance, cause, partial(fire, turn, map_, instance, armed)):
        _enter_anew(turn, instance, when)


def _enter_anew(turn: Turn, instance: Instance, after: int) -> None:
    """Where a timer ended it, what she did after the deadline may enter anew (rule 3).

    Only what waited behind this very timer: all else was let in or refused when it came.
    """
    if has_ended(instance) and instance.behind:
        for kept in later(turn.profile, after):
            if touchpoint_key(kept.source, kept.id) in instance.behind:
                enter(turn, kept, kept, [], only=instance.map)


def _give_missed(turn: Turn, instance: Instance, missed: list[int]) -> None:
    """In order of time; what memory has dropped meanwhile is lost to it."""
    keys = frozenset(missed)
    found = [k for k in turn.profile.remembered if touchpoint_key(k.source, k.id) in keys]
    cause = Cause(instance.id, "retry", f"retry/{instance.tries}")

    def step() -> None:
        resume(turn, _map(turn, instance), instance, found)

    if found and not guarded(turn, instance, cause, step):
        instance.missed = missed


def _map(turn: Turn, instance: Instance) -> Map:
    """The version she entered (rule 10)."""
    return turn.book.versions[instance.map, instance.version]
