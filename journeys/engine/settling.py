"""A stage with `settle` waits a little, by log time, for an earlier touchpoint (rule 3).

The earliest event time leads on, then the earlier received, then the smaller id. The others are
reported, so that somebody can see what a longer wait would have changed.
"""

from journeys.language.model import Map, Stage

from .local_time import add
from .profile import Candidate, Instance, Remembered, Settling
from .turn import Turn, by_touchpoint

CANDIDATES_AT_MOST = 20
"""Touchpoints that may lead on of which one is chosen; later ones are not considered."""


def note(
    turn: Turn, map_: Map, instance: Instance, stage: Stage, at: tuple[str, int], kept: Remembered
) -> None:
    """Keeps a touchpoint that may lead on; the first of a visit begins the wait."""
    settling = instance.settling
    if settling is None:
        assert stage.settle is not None
        until = add(stage.settle, turn.shard.log_time, turn.zone(map_))
        settling = instance.settling = Settling(until, [])
    if len(settling.candidates) < CANDIDATES_AT_MOST:
        settling.candidates.append(Candidate(*at, kept))


def is_over(turn: Turn, instance: Instance) -> bool:
    """Whether the wait of this instance has ended by now."""
    settling = instance.settling
    return settling is not None and settling.until <= turn.shard.log_time and not instance.stuck


def chosen(turn: Turn, instance: Instance) -> Candidate:
    """Ends the wait: the touchpoint that leads on; the others are told of as `ambiguous`."""
    settling, instance.settling = instance.settling, None
    assert settling is not None
    first, *others = sorted(settling.candidates, key=_in_order)
    for other in others:
        more = {"stage": instance.stage, "reason": "ambiguous", "taken": first.kept.id}
        kept = other.kept
        ids = ("ambiguous", str(instance.visit), kept.source, kept.id)
        turn.tell("report", instance, kept.time, by_touchpoint(kept), ids, more)
        turn.count(instance.map, instance.version, "report:ambiguous")
    return first


def _in_order(candidate: Candidate) -> tuple[int, int, str, str]:
    kept = candidate.kept
    return kept.time, kept.received, kept.id, kept.source
