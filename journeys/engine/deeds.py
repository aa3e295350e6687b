"""What a map does besides sending: facts of its own, touchpoints, requests to other maps.

A touchpoint that a map makes goes through the log like any other, so it is folded after all that
came before it. One that follows from another is a hop; the tenth of a chain is the last (`hops`).
"""

from typing import Any

from journeys.language.model import START_KEY, Change, Emit, Map, Start
from journeys.language.names import REQUESTED
from schemas import inbox
from schemas.inbox import Emitted
from schemas.touchpoint import Millis, Touchpoint

from .profile import Instance, Profile, Standing
from .turn import Cause, Turn
from .waits import replan

HOPS_AT_MOST = 10

SOURCE = "wayline"
"""The source of touchpoints that maps make."""


def perform(
    turn: Turn,
    map_: Map,
    instance: Instance,
    item: Change | Emit | Start,
    standing: Standing,
) -> None:
    """Does it at once. Facts are dated like their cause: what a channel said later stays."""
    match item:
        case Change():
            _change(turn.profile, item, standing)
            replan(turn, standing.due)
        case Emit():
            _make(turn, map_, instance, item.type, standing, standing.values, "emit")
        case Start():
            values = {name: value for name, value in standing.values.items() if name != START_KEY}
            asked = {"map": item.map, "key": standing.values.get(START_KEY), "with": values}
            _make(turn, map_, instance, REQUESTED, standing, asked, "start")


def _change(profile: Profile, item: Change, standing: Standing) -> None:
    """In new collections, so that a step that fails can put the old ones back."""
    traits = dict(profile.traits)
    for name, value in standing.values.items():
        found = traits.get(name)
        if found is None or standing.due >= found[1]:
            traits[name] = (value, standing.due)
    profile.traits = traits
    kept = [tag for tag in profile.tag_list if tag not in item.untag]
    profile.tag_list = [*kept, *(tag for tag in item.tag if tag not in kept)]


def _make(
    turn: Turn,
    map_: Map,
    instance: Instance,
    type_: str,
    standing: Standing,
    properties: dict[str, Any],
    kind: str,
) -> None:
    """Puts the touchpoint into the log of the person, dated when it was due, or let go."""
    log_time = turn.shard.log_time
    when = max(standing.due, log_time) if standing.stood < log_time else standing.due
    cause = Cause(standing.cause, standing.kind, "")
    more = {"stage": instance.stage, "type": type_, "touchpoint_id": standing.id}
    if kind == "start":
        more["starts"] = properties["map"]
    if turn.hops >= HOPS_AT_MOST:
        more["reason"] = "hops"
        turn.tell("refused", instance, when, cause, (standing.id,), more)
        turn.count(map_.name, map_.version, "refused:hops")
        return
    touchpoint = Touchpoint(
        standing.id,
        type_,
        Millis(when),
        turn.shard.log_time,
        SOURCE,
        properties=properties,
    )
    note = Emitted(turn.id, touchpoint, turn.hops + 1)
    turn.emit("inbox", turn.id, inbox.encode(note))
    turn.tell(kind, instance, when, cause, (standing.id,), more)
    turn.count(map_.name, map_.version, f"{kind}:{more.get('starts', type_)}")
