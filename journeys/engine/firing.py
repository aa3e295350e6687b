"""Timers that are due, and people whom the gate lets go on: what happens without a touchpoint."""

from journeys.language.model import Go, Map

from .gate import judge_anew, request
from .ids import cause_id
from .lines import catch_up, later
from .moves import go, onward
from .profile import Armed, Instance, Then
from .turn import Cause, Turn
from .waits import arm


def fire(turn: Turn, map_: Map, instance: Instance, armed: Armed) -> None:
    """Fires one timer at its deadline, then looks at what she did after that.

    A `do` that moves her on holds her while it stands at the gate; one that stays does not.
    """
    instance.timers.remove(armed)
    when, timer = armed.deadline, map_.stages[instance.stage].after[armed.index]
    ref = cause_id("timer", instance.id, str(instance.visit), str(armed.index))
    cause = Cause(ref, "timer", ref, armed.armed)
    if request(turn, map_, instance, timer.do, when, cause, None, holds=timer.go is not None):
        instance.timers = []
        instance.then = Then("after", armed.index, when, ref, "timer", armed.armed)
        return
    if timer.go is not None:
        go(turn, map_, instance, timer.go, when, max(when, instance.base), cause)
    catch_up(turn, map_, instance, later(turn.profile, when))


def let_go(turn: Turn, map_: Map, instance: Instance) -> None:
    """The gate is open again: what stands there is judged anew, then she goes on.

    Her timers, and those of the stage she goes to, count from now, which is log time; the
    touchpoints she made meanwhile are not lost.
    """
    judge_anew(turn, map_, instance)
    then, instance.then = instance.then, None
    if then is None:
        return
    when = max(then.decided, instance.base, turn.shard.log_time)
    cause = Cause(then.cause, then.kind, then.cause, then.armed)
    where = _where(turn, map_, instance, then, when)
    if where is None:
        instance.held = when - instance.since
        arm(instance, map_.stages[instance.stage], turn.zone(map_))
        return
    go(turn, map_, instance, where, then.decided, when, cause)
    catch_up(turn, map_, instance, later(turn.profile, then.decided))


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
