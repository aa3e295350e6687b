"""Timers that are due, and people the gate lets go on: what happens without a touchpoint."""

from journeys.language.model import End, Go, Map, To

from .gate import judge_anew, request
from .ids import cause_id
from .judging import Hold
from .lateness import decided
from .lines import catch_up, later
from .local_time import add
from .moves import go, onward
from .profile import Armed, Instance, Standing, Then
from .turn import Cause, Turn
from .waits import arm


def fire(turn: Turn, map_: Map, instance: Instance, armed: Armed) -> None:
    """Fires one timer at its deadline, then looks at what she did after that.

    A `do` that moves her on holds her while it stands at the gate; one that stays does not.
    """
    instance.timers.remove(armed)
    when, timer = armed.deadline, map_.stages[instance.stage].after[armed.index]
    ref = cause_id("timer", instance.id, str(instance.visit), str(armed.index))
    settled, flags = decided(turn, timer, armed)
    cause = Cause(ref, "timer", ref, armed.armed, flags, *_from_before(turn, map_, armed))
    do, on = timer.do, timer.go
    if armed.past and isinstance(timer.on_past, To | End):
        do, on = (), timer.on_past
    found = request(turn, map_, instance, do, when, cause, None, holds=on is not None)
    if isinstance(found, Hold):
        instance.timers = []
        instance.then = Then("after", armed.index, when, ref, "timer", armed.armed)
        return
    if where := found or on:
        go(turn, map_, instance, where, when, max(settled, instance.base), cause)
    catch_up(turn, map_, instance, later(turn.profile, when))


def let_go(turn: Turn, map_: Map, instance: Instance, moment: int) -> None:
    """What stands at the gate until `moment` is judged anew; she goes on if nothing holds her.

    Her timers, and those of the stage she goes to, count from now, which is log time; the
    touchpoints she made meanwhile are not lost.
    """
    found = judge_anew(turn, map_, instance, moment)
    if found is not None:
        _turn_off(turn, map_, instance, *found)
    elif instance.then is not None and not any(one.holds for one in instance.gate):
        _go_on(turn, map_, instance, instance.then)


def _from_before(turn: Turn, map_: Map, armed: Armed) -> tuple[int, int, int]:
    """Of a timer that a publication made due before itself: for when it was planned, when that
    was, and until when what it brings about may leave."""
    rule = map_.on_publish
    if not armed.planned or rule is None:
        return 0, 0, 0
    late = rule.max_staleness
    until = 0 if late is None else add(late, armed.planned, turn.zone(map_))
    return armed.planned, armed.deadline, until


def _go_on(turn: Turn, map_: Map, instance: Instance, then: Then) -> None:
    instance.then = None
    when = max(then.decided, instance.base, turn.shard.log_time)
    cause = Cause(then.cause, then.kind, then.cause, then.armed)
    where = _where(turn, map_, instance, then, when)
    if where is None:
        instance.held = when - instance.since
        arm(turn, map_, instance, map_.stages[instance.stage])
        return
    go(turn, map_, instance, where, then.decided, when, cause)
    catch_up(turn, map_, instance, later(turn.profile, then.decided))


def _turn_off(turn: Turn, map_: Map, instance: Instance, where: Go, standing: Standing) -> None:
    """One was withheld for good and says where she goes instead of on; decided now, unless
    something had been decided and waited for it."""
    when = max(instance.base, turn.shard.log_time)
    since = instance.then.decided if instance.then else when
    cause = Cause(standing.cause, standing.kind, standing.id, standing.armed)
    go(turn, map_, instance, where, since, max(since, when), cause)
    catch_up(turn, map_, instance, later(turn.profile, since))


def _where(turn: Turn, map_: Map, instance: Instance, then: Then, when: int) -> Go | None:
    stage = map_.stages[instance.stage]
    match then.place:
        case "on":
            return stage.on[then.index].go
        case "anywhere":
            return map_.anywhere[then.index].go
        case "after":
            return stage.after[then.index].go
        case _:
            return onward(turn, map_, instance, stage, when)
