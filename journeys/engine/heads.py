"""How many people stand where: exact counts of a shard's instances by map, version and stage.

Taken from the profiles as they were and as they are, whatever changed them.
"""

from collections.abc import Mapping, Sequence

from .effects import Shard
from .profile import Profile

Standing = Sequence[tuple[str, int, str]]
"""Map, version and stage of each instance of one person."""


def standing(profile: Profile | None) -> Standing:
    if profile is None or not profile.instances:
        return ()
    return [(each.map, each.version, each.stage) for each in profile.instances]


def recount(shard: Shard, before: Standing, now: Standing) -> None:
    """One person's instances were there before, and are here now."""
    if before == now:
        return
    heads = shard.heads
    for step, places in ((-1, before), (1, now)):
        for map_name, version, stage in places:
            where = f"{map_name}/{version}/{stage}"
            left = heads.get(where, 0) + step
            if left:
                heads[where] = left
            else:
                heads.pop(where, None)


def by_version(heads: Mapping[str, int], map_name: str) -> dict[int, dict[str, int]]:
    """Version -> stage -> instances, of one map."""
    found: dict[int, dict[str, int]] = {}
    for where, count in heads.items():
        name, version, stage = where.split("/", 2)
        if name == map_name:
            found.setdefault(int(version), {})[stage] = count
    return found
