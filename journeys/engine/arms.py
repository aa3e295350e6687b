"""Splits (rule 14): which arm an instance goes by, and that it stays so.

An arm follows from a hash alone, so nobody draws lots. It is remembered with the profile besides:
weights may change meanwhile, and a merge gives a person another id.
"""

from collections.abc import Iterable

from journeys.language.model import Arm, Map, Split

from .ids import bucket_of
from .profile import Instance, Profile
from .turn import Turn

ARMS_REMEMBERED = 200
"""Per profile; the longest remembered goes first."""


def arm_of(turn: Turn, map_: Map, instance: Instance, split: Split) -> Arm:
    """The arm of her (or of the key): the one she had, else by the weights in force now."""
    where = _where(map_.name, split, instance.key)
    profile = turn.profile
    arms = {arm.name: arm for arm in split.arms}
    arm = arms.get(profile.arms.get(where, ""))
    if arm is None:
        who = (instance.key or "") if split.by == "key" else turn.id
        bucket = bucket_of("split", map_.name, split.name, split.salt, split.by, who)
        arm = arms[drawn(bucket, _weights(turn, map_, split))]
        _remember(profile, where, arm.name)
    instance.arms[split.name] = arm.name
    turn.count(map_.name, map_.version, f"arm:{split.name}={arm.name}")
    return arm


def unite(profile: Profile, other: Profile) -> None:
    """After a merge the survivor's arms count for what is to come; instances keep theirs, and
    those of a map in which the two had different arms are contaminated (rule 9).
    """
    mixed = {
        where.split("/", 1)[0]
        for where, arm in other.arms.items()
        if profile.arms.get(where, arm) != arm
    }
    for instance in profile.instances:
        if instance.map in mixed:
            instance.contaminated = True
    for where, arm in other.arms.items():
        if where not in profile.arms:
            _remember(profile, where, arm)


def _where(map_name: str, split: Split, key: str | None) -> str:
    """No name of a map or split holds a `/`."""
    where = f"{map_name}/{split.name}"
    return where if split.by == "person" or key is None else f"{where}/{key}"


def _remember(profile: Profile, where: str, arm: str) -> None:
    """In a new mapping, so that a step that fails can put the old one back."""
    profile.arms = {**profile.arms, where: arm}
    while len(profile.arms) > ARMS_REMEMBERED:
        del profile.arms[next(iter(profile.arms))]


def _weights(turn: Turn, map_: Map, split: Split) -> list[tuple[str, int]]:
    """Weights follow the live version (rule 10), as long as it has the same arms."""
    own = [(arm.name, arm.weight) for arm in split.arms]
    for live in turn.book.live:
        if live.name == map_.name:
            for stage in live.stages.values():
                if stage.split is not None and stage.split.name == split.name:
                    found = [(arm.name, arm.weight) for arm in stage.split.arms]
                    return found if [n for n, _ in found] == [n for n, _ in own] else own
    return own


def drawn(bucket: int, weights: Iterable[tuple[str, int]]) -> str:
    """The first, as written, with bucket * total < 10,000 * the weights so far."""
    weights = list(weights)
    total, so_far = sum(weight for _, weight in weights), 0
    for name, weight in weights:
        so_far += weight
        if bucket * total < 10_000 * so_far:
            return name
    raise AssertionError("a bucket is below 10,000, so the last arm with a weight takes it")
