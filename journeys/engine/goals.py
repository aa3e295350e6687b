"""Goals, then exits, pre-empt any wait or hold at once (rule 5), whatever is due meanwhile."""

from journeys.language.model import End, Goal, Map, Trigger
from journeys.language.scope import Noticed

from .credit import credited
from .keys import as_text
from .moves import end, go
from .profile import Instance, Remembered
from .results import is_noticed
from .segments import holds, state
from .turn import Turn, by_touchpoint


def pre_empt(turn: Turn, map_: Map, instance: Instance, event: Noticed) -> bool:
    """True if a goal or an exit moved or ended the instance. Each goal counts once."""
    if event.time <= instance.entered:
        return False
    goal = _first_goal(turn, map_, instance, event)
    if goal is not None and _reach(turn, map_, instance, goal, event):
        return True
    for way_out in map_.exits:
        if noticed(turn, map_, instance, way_out.trigger, event):
            end(turn, map_, instance, way_out.outcome, event.time, by_touchpoint(event))
            return True
    return False


def pre_empt_by_state(turn: Turn, map_: Map, instance: Instance) -> bool:
    """The same for goals and exits by a segment that are true on arrival (2.2)."""
    for number, goal in enumerate(map_.goals):
        if goal.name not in instance.goals and holds(
            turn, map_, instance, goal.trigger, instance.base
        ):
            event = stands_for(instance, goal.trigger, f"goals/{number}")
            if _reach(turn, map_, instance, goal, event):
                return True
    for number, way_out in enumerate(map_.exits):
        if holds(turn, map_, instance, way_out.trigger, instance.base):
            event = stands_for(instance, way_out.trigger, f"exits/{number}")
            end(turn, map_, instance, way_out.outcome, event.time, by_touchpoint(event))
            return True
    return False


def stands_for(instance: Instance, trigger: Trigger, place: str) -> Remembered:
    """The touchpoint that being in a segment on arrival counts as, dated by the arrival."""
    ids = instance.id, str(instance.visit), place
    return state(trigger.events[0], ids, instance.base)


def noticed(turn: Turn, map_: Map, instance: Instance, trigger: Trigger, event: Noticed) -> bool:
    """Whether the trigger concerns this instance (rule 1) and its condition is true."""
    if event.type not in trigger.events:
        return False
    if trigger.action and not is_noticed(instance, map_, trigger, event):
        return False
    name = trigger.match.get(event.type)
    if name is not None and as_text(event.properties.get(name)) != instance.key:
        return False
    if trigger.when is None:
        return True
    return trigger.when.run(turn.look(map_, instance, event, event.time)) is True


def _first_goal(turn: Turn, map_: Map, instance: Instance, event: Noticed) -> Goal | None:
    for goal in map_.goals:
        if goal.name in instance.goals:
            continue
        if noticed(turn, map_, instance, goal.trigger, event):
            return goal
    return None


def _reach(turn: Turn, map_: Map, instance: Instance, goal: Goal, event: Noticed) -> bool:
    """Counts the goal; True if it also moves or ends the instance."""
    cause = by_touchpoint(event)
    value = goal.value and goal.value.run(turn.look(map_, instance, event, event.time))
    instance.goals.append(goal.name)
    credit = credited(turn, map_, instance, event.time, goal.credit)
    more = {"stage": instance.stage, "goal": goal.name, "value": value, "credit": credit}
    turn.tell("goal", instance, event.time, cause, (goal.name,), more)
    turn.count(map_.name, map_.version, f"goal:{goal.name}")
    if goal.then is None:
        return False
    # An end is dated by its touchpoint; a move never before the arrival (rule 3).
    end_or_move = event.time if isinstance(goal.then, End) else max(event.time, instance.base)
    go(turn, map_, instance, goal.then, event.time, end_or_move, cause)
    return True
