"""Goals of instances that have ended (rule 19): what happened before the end corrects it, what
happened after it is credited and changes nothing.
"""

from collections.abc import Sequence

from journeys.language.model import End, Goal, Map
from journeys.language.scope import Noticed

from .credit import NOBODY, credited
from .entries import Taken
from .goals import noticed
from .profile import Ended
from .turn import Turn, by_touchpoint


def notice_afterwards(turn: Turn, event: Noticed, ended: Sequence[Ended], taken: Taken) -> None:
    """Gives the touchpoint to the goals of the instances that had ended before it came.

    One that an open instance of the same map and key takes, or could, is not counted twice.
    """
    live = {(one.map, one.key) for one in turn.profile.instances}
    for one in ended:
        instance, map_ = one.instance, turn.map_of(one.instance)
        where = (instance.map, instance.key)
        if map_ is None or where in live or where in taken or event.time <= instance.entered:
            continue
        if (instance.map, instance.version, event.type) in turn.book.noticing:
            for goal in map_.goals:
                if goal.name not in instance.goals:
                    _count(turn, map_, one, goal, event)


def _count(turn: Turn, map_: Map, one: Ended, goal: Goal, event: Noticed) -> None:
    instance = one.instance
    if not noticed(turn, map_, instance, goal.trigger, event):
        return
    credit = credited(turn, map_, instance, event.time, goal.credit)
    is_late = event.time <= one.at
    if not is_late and credit == NOBODY:
        return
    instance.goals.append(goal.name)
    cause, value = by_touchpoint(event), None
    if goal.value is not None:
        value = goal.value.run(turn.look(map_, instance, event, event.time))
    more = {"stage": instance.stage, "goal": goal.name, "value": value, "credit": credit}
    more["late" if is_late else "after_end"] = True
    turn.tell("goal", instance, event.time, cause, (goal.name,), more)
    turn.count(map_.name, map_.version, f"goal:{goal.name}")
    if is_late:
        more = {"stage": instance.stage, "reason": "late", "taken": one.outcome}
        ids = ("late", event.source, event.id)
        turn.tell("report", instance, event.time, cause, ids, {**more, "missed": goal.name})
        turn.count(map_.name, map_.version, "report:late")
    if is_late and isinstance(goal.then, End):
        one.outcome, one.at = goal.then.outcome, event.time
        more = {"stage": instance.stage, "outcome": one.outcome, "correction": True}
        turn.tell("end", instance, event.time, cause, (one.outcome, "correction"), more)
        turn.count(map_.name, map_.version, f"corrected:{one.outcome}")
