"""What the inbox says about identity, asserted on an overlay of what the store still holds.

The assertions are idempotent and commute, so that a repair may read the shards in any order and
several may run at once. The log decides who survived: it may differ from today's order.
"""

from collections.abc import Sequence

from journeys.identity.config import IdentityConfig
from journeys.identity.decide import user_of
from journeys.identity.limits import overfull, why_not
from journeys.identity.operations import empty, part, undo
from journeys.identity.overlay import NEVER_SEEN, Overlay
from journeys.identity.records import SHARED
from journeys.identity.tokens import device_profile
from schemas.inbox import Arrived, Merged, Operated
from schemas.touchpoint import Millis, ProfileId


def assert_merged(overlay: Overlay, merged: Merged) -> bool:
    """The loser is dead, and its identifiers are the survivor's.

    A ring of merges in the log is left open where it would close: its profiles lead to one.
    A loser that ended elsewhere is left there. False then: they are apart, to be united once all
    that was merged in the log is merged here.
    """
    for profile in (merged.loser, merged.survivor):
        _ensure(overlay, profile, NEVER_SEEN)
    survivor = overlay.living(merged.survivor)
    _join(overlay, survivor, merged.loser)
    return overlay.living(merged.loser) == survivor


def assert_arrived(overlay: Overlay, arrived: Arrived, config: IdentityConfig) -> bool:
    """Its identifiers lead to the profile that took the touchpoint, and she is as old as it.

    An identifier that leads elsewhere is left there. False then, as with merges.
    """
    time, links = arrived.touchpoint.time, arrived.links
    if [device_profile(token, config.key) for token in links] == [arrived.profile]:
        overlay.share(links[0])
        return True
    _ensure(overlay, arrived.profile, time)
    profile = overlay.living(arrived.profile)
    if overlay.node(profile).erased:
        return True
    overlay.date_back(profile, time)
    together = True
    for token in links:
        if _is_void(overlay, token, time):
            continue
        owner = overlay.root(token)
        if owner is None:
            overlay.link(profile, token, time)
            _evict(overlay, profile, token, time, config)
        elif owner != profile:
            together = False
        else:
            overlay.touch(token, time, together=len(links) > 1)
    return together


def assert_operated(overlay: Overlay, operated: Operated) -> None:
    """What was unbound, erased, split off or unshared is so, but for what is newer.

    Where an identifier went by the rules is seen from the touchpoints.
    """
    match operated.kind:
        case "split":
            for profile in (operated.profile, operated.other):
                _ensure(overlay, profile, operated.time)
            _assert_split(overlay, operated)
        case "erase":
            _assert_erased(overlay, operated)
        case "unbind" | "unshare":
            undo(overlay, operated)
        case _:
            pass


def _assert_erased(overlay: Overlay, operated: Operated) -> None:
    """Also of what the store still had of her, under any of her ids."""
    _ensure(overlay, operated.profile, operated.time)
    root = overlay.living(operated.profile)
    for alias in operated.aliases:
        _ensure(overlay, alias, NEVER_SEEN)
        _join(overlay, root, alias)
    empty(overlay, root, max(operated.time, overlay.node(root).erased))
    undo(overlay, operated)


def _join(overlay: Overlay, survivor: ProfileId, loser: ProfileId) -> None:
    """Ends a live profile in another one; what it had dies with one who was erased."""
    if overlay.node(loser).to is not None or loser == survivor:
        return
    erased = overlay.node(survivor).erased
    overlay.absorb(survivor, loser)
    if erased:
        empty(overlay, survivor, erased)


def _assert_split(overlay: Overlay, operated: Operated) -> None:
    time = operated.time
    left = overlay.living(operated.other)
    for token in operated.tokens:
        held = overlay.holding(token)
        if held is None or (held.asserted <= time and time > held.cut):
            overlay.link(left, token, time)
        overlay.void(token, time)
    part(overlay, operated)


def reconcile(
    overlay: Overlay,
    profile: ProfileId,
    links: Sequence[str],
    time: Millis,
    config: IdentityConfig,
) -> int:
    """Unites a profile with those its identifiers lead to, or settles whose they are.

    What limits, a split, or its being evictable keeps apart belongs to whom it was linked last,
    in event time. Returns how many merges it took.
    """
    root, united = overlay.living(profile), 0
    for token in () if overlay.node(root).erased else links:
        owner = overlay.root(token)
        if owner is None or owner == root or _is_void(overlay, token, time):
            continue
        if _may_be_one(overlay, token, (root, owner), time, config):
            root, united = overlay.unite((root, owner), time, tuple(links)), united + 1
        else:
            _settle(overlay, token, root, links, time, config)
    return united


def _may_be_one(
    overlay: Overlay,
    token: str,
    roots: tuple[ProfileId, ProfileId],
    time: Millis,
    config: IdentityConfig,
) -> bool:
    rules = config.rules_of(token)
    if rules.evicts and rules.limit is not None:
        return False  # it may have been evicted from one of them, of which the log says nothing
    held = overlay.holding(token)
    if rules.ttl is not None and held and abs(time - held.last) > rules.ttl:
        return False  # it was nobody's between the two
    return not why_not({root: overlay.node(root) for root in roots}, (), time, config)


def _settle(
    overlay: Overlay,
    token: str,
    profile: ProfileId,
    links: Sequence[str],
    time: Millis,
    config: IdentityConfig,
) -> None:
    """Last linked by whom, in event time? And is it a device that too many people used?"""
    held, owner = overlay.holding(token), overlay.root(token)
    if held is None or owner is None:
        return
    listed = list(overlay.node(owner).identifiers)
    both = (user_of(listed, config), user_of(list(links), config))
    users = tuple(dict.fromkeys([*held.users, *filter(None, both)]))
    after = config.rules_of(token).share_after
    if users != held.users:
        overlay.note_users(token, users)
    if after is not None and len(_people(overlay, users)) >= after:
        overlay.share(token)
    elif time >= held.asserted:
        overlay.link(profile, token, time)
        _evict(overlay, profile, token, time, config)


def _people(overlay: Overlay, users: Sequence[str]) -> set[str]:
    overlay.fetch(users)
    return {overlay.root(token) or token for token in users}


def _evict(
    overlay: Overlay, profile: ProfileId, token: str, time: Millis, config: IdentityConfig
) -> None:
    """Frees what a profile has too much of since it got this one, the longest unseen first."""
    identifiers = overlay.node(profile).identifiers
    if len(identifiers) <= config.evicts_from:
        return
    for excess, tokens in list(overfull([identifiers], [token], time, config)):
        overlay.fetch(tokens)
        for old in sorted(tokens, key=lambda one: (_last(overlay, one), one))[:excess]:
            overlay.free(old)


def _last(overlay: Overlay, token: str) -> Millis:
    held = overlay.holding(token)
    return held.last if held is not None and held.linked else Millis(0)


def _is_void(overlay: Overlay, token: str, time: Millis) -> bool:
    """Whether a link of that time was undone since, or is to a device that is nobody's."""
    held = overlay.holding(token)
    return held is not None and (held.state == SHARED or 0 < time <= held.cut)


def _ensure(overlay: Overlay, profile: ProfileId, created: Millis) -> None:
    if overlay.find(profile) is None:
        overlay.begin(profile, created)
