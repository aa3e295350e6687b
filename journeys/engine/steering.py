"""Maps as an operator steers them (rule 11): pause, resume, drain, by records of the log.

What stands at a paused map's gate is looked at once after each resumption: its place in the gate's
index says how many there had been when it was judged last.
"""

from schemas.inbox import Drained, Paused, Resumed

from .effects import Pause, Shard
from .profile import NEVER

Steering = Paused | Resumed | Drained


def steer(shard: Shard, record: Steering) -> None:
    """Puts the record in force. A second pause of a map changes its mode, not its beginning."""
    name = record.map
    match record:
        case Paused():
            known = shard.paused.get(name)
            since = known.since if known else shard.log_time
            shard.paused = {**shard.paused, name: Pause(record.mode, record.max_staleness, since)}
        case Resumed():
            shard.paused = {each: it for each, it in shard.paused.items() if each != name}
            shard.draining = [each for each in shard.draining if each != name]
            shard.resumes += 1
        case Drained():
            shard.draining = [*(each for each in shard.draining if each != name), name]


def until_resumed(shard: Shard) -> int:
    """Until when an action of a paused map stands: for the gate's index, not for a clock."""
    return NEVER + shard.resumes


def is_ripe(shard: Shard, until: int, moment: int) -> bool:
    """Whether what stands until then is to be judged anew at `moment`."""
    return until <= moment or NEVER <= until < until_resumed(shard)


def may_pass(shard: Shard, since: int) -> bool:
    """Whether a Tick looks at somebody with this place in the gate's index."""
    return not shard.held and since < until_resumed(shard)


def closed(shard: Shard, map_name: str, version: int) -> str | None:
    """Why nobody enters this version of a map; None if people do."""
    if map_name in shard.draining:
        return "draining"
    return "stopped" if is_stopped(shard, map_name, version) else None


def is_stopped(shard: Shard, map_name: str, version: int) -> bool:
    found = shard.stopped.get(map_name)
    return found is not None and version in found.versions
