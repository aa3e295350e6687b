"""Timers of a stage visit: when each is due, and until when its lines take touchpoints (rule 3).

A wait covers (since, deadline]. The window closes at the earliest deadline that has not fired:
what is dated later waits in memory for what the timer brings about.
"""

from collections.abc import Collection

from journeys.language.model import Map, Stage, Timer

from . import occasions
from .local_time import add, wait_until
from .planned import moment_of, moved_on
from .profile import NEVER, Armed, Instance
from .turn import Turn


def arm(turn: Turn, map_: Map, instance: Instance, stage: Stage) -> None:
    """Arms all timers of the stage from the instance's base."""
    base = instance.base
    instance.timers = []
    for index, timer in enumerate(stage.after):
        armed = Armed(index, NEVER, base)
        if timer.until is None:
            armed.deadline = _deadline(turn, map_, timer, base, base)
        else:
            _plan(armed, timer, _moment(turn, map_, instance, timer), base)
        instance.timers.append(armed)


def carry_over(
    turn: Turn, map_: Map, instance: Instance, stage: Stage, fired: Collection[int], at: int
) -> None:
    """The timers of an older version go on as those of this stage, in the order of both.

    Each is due so long after it was armed as it says now, but not before `at`, the publication;
    those that have fired stay fired.
    """
    were = {armed.index: armed for armed in instance.timers}
    instance.timers = []
    for index, timer in enumerate(stage.after):
        was = were.get(index, Armed(index, NEVER, instance.base))
        if index not in fired:
            instance.timers.append(was)
            _carry_over(turn, map_, instance, timer, was, at)


def rearm(turn: Turn, map_: Map, instance: Instance, moment: int) -> None:
    """`restart_timer`: the latest restarting event time counts, and `max` holds (rule 4).

    Timers that fired stay fired; one whose moment a value says is where the touchpoint that
    restarts it says, if it looks at that.
    """
    stage = map_.stages[instance.stage]
    for armed in instance.timers:
        timer = stage.after[armed.index]
        if timer.until is not None:
            _replan(turn, map_, instance, armed, timer, moment)
        elif moment > armed.armed:
            armed.deadline = _deadline(turn, map_, timer, moment, instance.base)
            armed.armed, armed.look = moment, 0


def replan(turn: Turn, moment: int) -> None:
    """Her facts changed at `moment`: timers whose moment they say are worked out again.

    One that was due before stays; one that fired stays fired. So are her occasions.
    """
    if turn.release is None:
        return
    if turn.release.occasions:
        occasions.replan(turn, moment)
    planning = turn.release.planning
    if not planning:
        return
    for instance in turn.profile.instances:
        if (instance.map, instance.version) not in planning or instance.stuck:
            continue
        map_ = turn.book.versions[instance.map, instance.version]
        for armed in instance.timers:
            timer = map_.stages[instance.stage].after[armed.index]
            if timer.until is not None:
                _replan(turn, map_, instance, armed, timer, moment)


def window_end(instance: Instance) -> int:
    """The last event time that lines still take."""
    return min([armed.deadline for armed in instance.timers], default=NEVER)


def is_open(instance: Instance, moment: int) -> bool:
    """Whether lines take a touchpoint of this time. While a line or timer has decided and its
    action stands at the gate, they take none: only goals and exits pre-empt that."""
    if moment <= instance.since or (instance.then is not None and instance.then.place != "do"):
        return False
    return moment <= window_end(instance)


def _deadline(turn: Turn, map_: Map, timer: Timer, moment: int, arrival: int) -> int:
    zone = turn.zone(map_)
    due = wait_until(timer.wait, timer.at, moment, zone)
    return _bounded(turn, map_, timer, due, arrival)


def _bounded(turn: Turn, map_: Map, timer: Timer, due: int, arrival: int) -> int:
    zone = turn.zone(map_)
    due = moved_on(timer, due, zone, turn.book.workspace.is_workday)
    return due if timer.max is None else min(due, add(timer.max, arrival, zone))


def _moment(turn: Turn, map_: Map, instance: Instance, timer: Timer) -> int | None:
    """When a timer by `until` is due; None where its value is no moment."""
    assert timer.until is not None
    value = timer.until.run(turn.look(map_, instance, None, instance.base))
    found = moment_of(value, timer.at, timer.shift, turn.zone(map_))
    return None if found is None else _bounded(turn, map_, timer, found, instance.base)


def _replan(
    turn: Turn, map_: Map, instance: Instance, armed: Armed, timer: Timer, moment: int
) -> None:
    if armed.past or armed.deadline < moment:
        return
    found = _moment(turn, map_, instance, timer)
    if found != armed.deadline:
        _plan(armed, timer, found, max(moment, instance.base))


def _carry_over(
    turn: Turn, map_: Map, instance: Instance, timer: Timer, armed: Armed, at: int
) -> None:
    if timer.until is None:
        found: int | None = _deadline(turn, map_, timer, armed.armed, instance.base)
    else:
        found = _moment(turn, map_, instance, timer)
    if found is None:
        _plan(armed, timer, None, at)
    elif found not in (armed.deadline, armed.planned):
        armed.deadline, armed.planned = max(found, at), found if found < at else 0
        armed.past, armed.look = False, 0


def _plan(armed: Armed, timer: Timer, found: int | None, asked: int) -> None:
    """Past or null when asked: `on_past`. What goes on then fires at once."""
    armed.past, armed.look = found is None or found < asked, 0
    if found is not None and not armed.past:
        armed.deadline = found
    elif timer.on_past == "skip":
        armed.deadline, armed.past = NEVER, False
    else:
        armed.deadline = asked
