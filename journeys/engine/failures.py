"""Identifiers at which nothing arrives (rule 17): a sender said `failed`, and that it is for good.

Remembered until the identifier is seen again in a touchpoint that is no result of an action.
"""

from collections.abc import Iterator

from journeys.language.scope import Noticed
from schemas.touchpoint import Touchpoint

from .profile import Profile
from .turn import Turn

FAILED_AT_MOST = 20
"""Identifiers remembered of one person; the longest remembered goes first."""


def note_failure(turn: Turn, touchpoint: Touchpoint) -> None:
    """A result that says `hard: true`: what it names of the channel's identifiers is of no use, or
    the one that is hers if it names none. A channel nobody knows is all it names."""
    if turn.release is None or touchpoint.properties.get("hard") is not True:
        return
    channel = turn.book.workspace.channels.get(_channel(turn.profile, touchpoint))
    named = [(ns, value) for ns, values in touchpoint.identifiers.items() for value in values]
    if channel is not None:
        own = turn.profile.address(channel.identifier)
        named = [each for each in named if _is_of(channel.identifier, each[0])]
        named = named or ([own] if own else [])
    failed = turn.profile.failed
    for namespace, value in named:
        where = f"{namespace}:{value}"
        failed[where] = max(touchpoint.time, failed.pop(where, 0))
    for where in list(failed)[:-FAILED_AT_MOST]:
        del failed[where]


def note_seen(profile: Profile, touchpoint: Noticed, namespace: str, value: str) -> None:
    """The identifier is in use, if it is one by which she came and not one that was sent to."""
    where = f"{namespace}:{value}"
    since = profile.failed.get(where)
    if since is not None and touchpoint.time > since and not touchpoint.type.startswith("action."):
        del profile.failed[where]


def is_of_no_use(profile: Profile, address: tuple[str, str]) -> bool:
    return bool(profile.failed) and f"{address[0]}:{address[1]}" in profile.failed


def _channel(profile: Profile, touchpoint: Touchpoint) -> str:
    """That of the action, where it is remembered; else what the result says."""
    action = touchpoint.properties.get("action_id")
    return next((name for id_, name in _left(profile) if id_ == action), touchpoint.channel)


def _left(profile: Profile) -> Iterator[tuple[str, str]]:
    for instance in (*profile.instances, *(ended.instance for ended in profile.ended)):
        for sent in instance.actions:
            yield sent.id, sent.channel
    for place in profile.places:
        yield place.action, place.channel


def _is_of(pattern: str, namespace: str) -> bool:
    if pattern.endswith(".*"):
        return namespace.startswith(pattern[:-1])
    return namespace == pattern
