"""One record of one person, in the order of the contract (map-language, section 8).

1 her timers due before it, 2 de-duplicate, 3 fold its facts, 4 goals, exits and transitions of
her open instances, oldest first, 5 entries by priority, then name. Actions pass the gate where
they are caused. The profile in hand is changed in place.
"""

from functools import partial

from journeys.language.model import Map
from schemas.touchpoint import Touchpoint

from . import facts
from .entries import Taken, enter
from .firing import fire, let_go
from .gate import shut
from .ids import touchpoint_key
from .lines import give, later, resume, settle
from .moves import end, has_ended
from .profile import Armed, Instance, Remembered
from .settling import is_over
from .steering import is_ripe, is_stopped
from .stuck import guarded
from .turn import Cause, Turn, by_touchpoint
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
    kept = facts.take(turn, touchpoint)  # 3, rule 6
    if turn.profile.instances:
        replan(turn, touchpoint.time)
    if kept is not None:
        taken = _instances(turn, touchpoint, kept)  # 4
        enter(turn, touchpoint, kept, taken)  # 5
    facts.trim(turn)


def wake(turn: Turn, before: int | None = None) -> None:
    """What is due of her, earliest first: what stands at the gate until then, and timers.

    A timer is due when the shard's time has reached deadline + grace; with `before`, also when
    deadline + grace lies before that event time.
    """
    if turn.release is None or not turn.profile.instances:
        return
    if turn.shard.stopped:
        _end_stopped(turn)
    limit = turn.shard.time if before is None else max(turn.shard.time, before - 1)
    grace = turn.release.workspace.grace
    last, same = ("", 0), 0
    for _ in range(FIRED_AT_MOST):
        if _settled(turn):
            continue
        due = _earliest(turn, limit - grace)
        if _at_gate(turn, limit if due is None else due[1].deadline):
            continue
        if due is None:
            return
        last, same = _repeated(*due, last, same)
        _fire(turn, *due, looped=same == FIRED_AT_MOST)


def retry(turn: Turn) -> None:
    """Her stuck instances try again: what they missed first, then what is due."""
    for instance in list(turn.profile.instances):
        if instance.stuck:
            missed, instance.stuck, instance.missed = instance.missed, "", []
            _give_missed(turn, instance, missed)
    wake(turn)


def _instances(turn: Turn, touchpoint: Touchpoint, kept: Remembered) -> Taken:
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
    turn: Turn, instance: Instance, touchpoint: Touchpoint, kept: Remembered, taken: Taken
) -> None:
    if give(turn, _map(turn, instance), instance, touchpoint, kept):
        taken.append((instance.map, instance.key))


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
    for instance in list(turn.profile.instances):
        if not instance.gate or instance.stuck or turn.map_of(instance) is None:
            continue
        if turn.shard.held:
            shut(turn, instance, moment)
        elif any(is_ripe(turn.shard, one.until, moment) for one in instance.gate):
            _let_go(turn, instance, moment)
            found = True
    return found


def _end_stopped(turn: Turn) -> None:
    """Who is in a version that was stopped is out of it since then (rule 11)."""
    for instance in list(turn.profile.instances):
        map_ = turn.map_of(instance)
        if map_ is not None and is_stopped(turn.shard, map_.name, map_.version):
            stop = turn.shard.stopped[map_.name]
            cause = Cause(f"{map_.name}/{stop.at}", "stop", f"stop/{stop.at}")
            end(turn, map_, instance, "stopped", stop.at, cause)


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
        if instance.stuck or instance.settling or turn.map_of(instance) is None:
            continue
        for armed in instance.timers:
            if armed.deadline <= limit and (not found or armed.deadline < found[1].deadline):
                found = instance, armed
    return found


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
        end(turn, map_, instance, "looped", when, cause)
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
