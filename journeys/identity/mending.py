"""What the inbox says about identity, asserted on an overlay of what the store still holds.

Both assertions are idempotent and commute, so that a repair may read the shards in any order and
several may run at once. The log decides who survived: it may differ from today's order.
"""

from journeys.identity.overlay import NEVER_SEEN, Overlay
from schemas.inbox import Arrived, Merged
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
    if overlay.node(merged.loser).to is None and survivor != merged.loser:
        overlay.absorb(survivor, merged.loser)
    return overlay.living(merged.loser) == survivor


def assert_arrived(overlay: Overlay, arrived: Arrived) -> bool:
    """Its identifiers lead to the profile that took the touchpoint, and she is as old as it.

    An identifier that leads elsewhere is left there. False then, as with merges.
    """
    time = arrived.touchpoint.time
    _ensure(overlay, arrived.profile, time)
    profile = overlay.living(arrived.profile)
    overlay.date_back(profile, time)
    together = True
    for token in arrived.links:
        owner = overlay.root(token)
        if owner is None:
            overlay.link(profile, token, time)
        elif owner != profile:
            together = False
    return together


def _ensure(overlay: Overlay, profile: ProfileId, created: Millis) -> None:
    if overlay.find(profile) is None:
        overlay.begin(profile, created)
