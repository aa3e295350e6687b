"""Touchpoints that came too late to win (rule 3): told of, so that somebody can see what a longer
wait would have changed. Nothing is rewound."""

from journeys.language.model import Map
from journeys.language.scope import Noticed

from .goals import noticed
from .profile import Instance
from .turn import Turn, by_touchpoint


def report_late(turn: Turn, map_: Map, instance: Instance, event: Noticed) -> None:
    """Tells of one that a line of the stage she left last would have taken before what led on."""
    left = instance.left
    if left is None or not left.since < event.time < left.until:
        return
    stage = map_.stages.get(left.stage)
    for line in (*(stage.on if stage else ()), *map_.anywhere):
        if line.go is not None and noticed(turn, map_, instance, line.trigger, event):
            more = {"stage": instance.stage, "reason": "late", "taken": left.taken}
            more["missed"] = left.stage
            ids = ("late", event.source, event.id)
            turn.tell("report", instance, event.time, by_touchpoint(event), ids, more)
            turn.count(instance.map, instance.version, "report:late")
            return
