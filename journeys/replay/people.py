"""The people of a test as they are stored before the story begins."""

import re
from collections.abc import Iterable, Mapping

from journeys.engine.profile import Profile
from journeys.language.map_tests import Person
from journeys.language.model import Channel, Map, Workspace

NOBODY_IN_PARTICULAR = Person("she", {}, (), {}, {}, None, {})
"""Who the story is about where a test has no `people`."""

_BEFORE = 0
"""When her facts were said: whatever happens in a story is newer."""


def profile_of(person: Person, workspace: Workspace, maps: Iterable[Map]) -> Profile:
    """Reachable everywhere if the test says neither how nor whether; else as it says.

    Arms are those of the maps that have a split of the name.
    """
    profile = Profile(known=True, tag_list=list(person.tags))
    profile.traits = {name: (value, _BEFORE) for name, value in person.traits.items()}
    profile.identifiers = {name: list(values) for name, values in person.identifiers.items()}
    consents = dict(person.consents)
    for channel in _reachable(person, workspace):
        namespace = channel.identifier.replace(".*", ".test")
        profile.identifiers.setdefault(namespace, [f"{namespace} of {person.name}"])
        if channel.consent is not None:
            consents.setdefault(channel.consent, True)
    profile.consents = {name: (given, _BEFORE) for name, given in consents.items()}
    profile.arms = {
        f"{map_.name}/{stage.split.name}": person.arms[stage.split.name]
        for map_ in maps
        for stage in map_.stages.values()
        if stage.split is not None and stage.split.name in person.arms
    }
    return profile


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


def _reachable(person: Person, workspace: Workspace) -> list[Channel]:
    if person.reachable is not None:
        return [each for name, each in workspace.channels.items() if name in person.reachable]
    if person.identifiers or person.consents:
        return []
    return list(workspace.channels.values())
