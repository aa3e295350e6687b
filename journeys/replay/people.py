"""The people of a test as they are stored before the story begins."""

import re
from collections.abc import Iterable, Mapping
from itertools import chain

from journeys.engine.arms import drawn
from journeys.engine.effects import Shard
from journeys.engine.holdout import held_out
from journeys.engine.profile import Profile
from journeys.engine.turn import Turn
from journeys.language.map_tests import Person
from journeys.language.model import Channel, Map, Release, Split, Workspace
from schemas.touchpoint import ProfileId

NOBODY_IN_PARTICULAR = Person("she", {}, (), {}, {}, None, {})
"""Who the story is about where a test has no `people`."""

IDS_TRIED = 10_000

_BEFORE = 0
"""When her facts were said: whatever happens in a story is newer."""
_BORN = 1
"""Since when she is known: segments she is in when a story begins are no news (rule 20)."""


def profile_of(person: Person, workspace: Workspace, maps: Iterable[Map]) -> Profile:
    """Reachable everywhere if the test says neither how nor whether; else as it says.

    Arms are those of the maps that have a split of the name; so are buckets, whose arms they give.
    """
    profile = Profile(known=True, created=_BORN, tag_list=list(person.tags))
    profile.traits = {name: (value, _BEFORE) for name, value in person.traits.items()}
    profile.identifiers = {name: list(values) for name, values in person.identifiers.items()}
    consents = dict(person.consents)
    for channel in _reachable(person, workspace):
        namespace = channel.identifier.replace(".*", ".test")
        profile.identifiers.setdefault(namespace, [f"{namespace} of {person.name}"])
        if channel.consent is not None:
            consents.setdefault(channel.consent, True)
    profile.consents = {name: (given, _BEFORE) for name, given in consents.items()}
    splits = [(map_, stage.split) for map_ in maps for stage in map_.stages.values() if stage.split]
    arms = {(map_.name, split.name): _arm(person, split) for map_, split in splits}
    profile.arms = {f"{map_}/{split}": arm for (map_, split), arm in arms.items() if arm}
    return profile


def _arm(person: Person, split: Split) -> str | None:
    bucket = person.buckets.get(split.name)
    drawn_ = None if bucket is None else drawn(bucket, ((a.name, a.weight) for a in split.arms))
    return person.arms.get(split.name, drawn_)


def profile_id(person: Person, release: Release, map_name: str) -> ProfileId:
    """Her name, or the first with a number behind it that the hashes of rule 15 hold out of this
    map, if she is to be; else of no map. Where none is found they have their way."""
    numbers = (f"{person.name}-{n}" for n in range(2, IDS_TRIED))
    for name in chain([person.name], numbers):
        if _is_held_out(ProfileId(name), release, map_name, person.holdout) == person.holdout:
            return ProfileId(name)
    return ProfileId(person.name)


def numbered(text: str, n: int) -> str:
    """`{{ n }}` replaced by the number of the repetition."""
    return _NUMBER.sub(str(n), text)


def numbered_all(value: object, n: int) -> object:
    """The same in all texts of a value; a text that is nothing else becomes the number."""
    match value:
        case str():
            return n if _NUMBER.fullmatch(value) else numbered(value, n)
        case list():
            return [numbered_all(each, n) for each in value]
        case Mapping():
            return {name: numbered_all(each, n) for name, each in value.items()}
        case _:
            return value


_NUMBER = re.compile(r"\{\{\s*n\s*\}\}")


def _is_held_out(name: ProfileId, release: Release, map_name: str, only_this: bool) -> bool:
    turn = Turn(Shard(0, 1), release, name, Profile(), 0, [], [])
    maps = [map_ for map_ in release.live if map_.name == map_name or not only_this]
    return any(held_out(turn, map_) for map_ in maps)


def _reachable(person: Person, workspace: Workspace) -> list[Channel]:
    if person.reachable is not None:
        return [each for name, each in workspace.channels.items() if name in person.reachable]
    if person.identifiers or person.consents:
        return []
    return list(workspace.channels.values())
