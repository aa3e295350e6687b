"""Timers of a stage visit: when each is due, and until when its lines take touchpoints (rule 3).

A wait covers (since, deadline]. The window closes at the earliest deadline that has not fired:
what is dated later waits in memory for what the timer brings about.
"""

from zoneinfo import ZoneInfo

from journeys.language.model import Stage, Timer

from .local_time import add, wait_until
from .profile import NEVER, Armed, Instance


def arm(instance: Instance, stage: Stage, zone: ZoneInfo) -> None:
    """Arms all timers of the stage from the instance's base."""
    base = instance.base
    instance.timers = [
        Armed(index, _deadline(timer, base, base, zone), base)
        for index, timer in enumerate(stage.after)
    ]


def rearm(instance: Instance, stage: Stage, moment: int, zone: ZoneInfo) -> None:
    """`restart_timer`: the latest restarting event time counts, and `max` holds (rule 4).

    Timers that fired stay fired.
    """
    for armed in instance.timers:
        if moment > armed.armed:
            timer = stage.after[armed.index]
            armed.deadline = _deadline(timer, moment, instance.base, zone)
            armed.armed = moment


def window_end(instance: Instance) -> int:
    """The last event time that lines still take."""
    return min([armed.deadline for armed in instance.timers], default=NEVER)


def is_open(instance: Instance, moment: int) -> bool:
    """Whether lines take a touchpoint of this time. While a line or timer has decided and its
    action stands at the gate, they take none: only goals and exits pre-empt that."""
    if moment <= instance.since or (instance.then is not None and instance.then.place != "do"):
        return False
    return moment <= window_end(instance)


def _deadline(timer: Timer, moment: int, arrival: int, zone: ZoneInfo) -> int:
    due = wait_until(timer.wait, timer.at, moment, zone)
    return due if timer.max is None else min(due, add(timer.max, arrival, zone))
