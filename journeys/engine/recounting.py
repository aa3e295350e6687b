"""Computed traits filled with what was not counted when it came, because they were not in force.

The figures come as a record each, wherever the person is by then, and count once. They add up, so
it does not matter what she did meanwhile.
"""

from typing import Any

import msgspec

from schemas import inbox
from schemas.inbox import Recounted
from schemas.touchpoint import ProfileId

from . import tallies
from .effects import Shard
from .ids import touchpoint_key
from .segments import acquaint, edges
from .turn import Turn
from .waits import replan

FILLED_AT_MOST = 1000
"""Fillings a profile remembers: traits that were filled, times the people who are one in her."""

_unpack = msgspec.msgpack.Decoder(dict[int, Any]).decode


def came_into_force(shard: Shard, traits: set[str], offset: int) -> None:
    """Notes since which inbox offset each computed trait, by id, has been counted."""
    if shard.since.keys() != traits:
        shard.since = {name: shard.since.get(name, offset) for name in sorted(traits)}


def recounted(turn: Turn, record: Recounted) -> None:
    """Adds what it says to the person, or sends it on to whoever she is now. Makes no edge."""
    profile = turn.profile
    if profile.redirect:
        target = ProfileId(profile.redirect)
        if not profile.erasure:
            on = msgspec.structs.replace(record, profile=target)
            turn.emit("inbox", target, inbox.encode(on))
        return
    known = turn.release.workspace.computed.values() if turn.release else ()
    computed = next((each for each in known if each.id == record.trait), None)
    key = touchpoint_key(f"{record.trait}/{record.gap}", record.of)
    if computed is None or key in profile.filled:
        return
    now = turn.shard.log_time
    acquaint(turn, now)
    profile.filled = [*profile.filled, key][-FILLED_AT_MOST:]
    tallies.fill(profile, computed, _unpack(record.figures), turn.shard.time)
    replan(turn, turn.shard.time)
    edges(turn, now, now, quiet=True)
