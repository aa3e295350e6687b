"""Holdout (rule 15): some people walk a map in silence, so that one can see what messages do.

Who is held out follows from hashes alone, of the map's holdout or of the workspace's, and is
settled when the instance begins.
"""

from journeys.language.model import Holdout, Map

from .ids import bucket_of
from .turn import Turn

_BUCKETS_PER_CENT = 100


def held_out(turn: Turn, map_: Map) -> bool:
    """Whether an instance of the map that begins now sends no marketing."""
    everywhere = turn.book.workspace.holdout
    return _draws(map_.holdout, map_.name, turn.id) or _draws(everywhere, "", turn.id)


def _draws(holdout: Holdout | None, map_name: str, person: str) -> bool:
    if holdout is None:
        return False
    bucket = bucket_of("holdout", map_name, holdout.salt, person)
    return bucket < holdout.percent * _BUCKETS_PER_CENT
