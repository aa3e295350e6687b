"""What people and systems ask of identity: to unbind, erase, split, merge, and unshare.

All of them are ordered by event time, as links are: a late one undoes nothing that is newer, and
one that comes twice does nothing more.
"""

from collections.abc import Sequence

from msgspec import Struct

from journeys.identity.claims import Rejection
from journeys.identity.overlay import Decision, Overlay
from journeys.identity.records import SHARED
from schemas.touchpoint import Millis, ProfileId

Merges = tuple[tuple[ProfileId, ProfileId], ...]

KINDS = ("unbind", "erase", "split", "merge", "unshare")


class Operation(Struct, frozen=True, gc=False):
    """`tokens` are the identifiers it is about; of a merge the two whose profiles become one."""

    kind: str
    tokens: tuple[str, ...]
    time: Millis
    cause: str = ""
    rejected: tuple[Rejection, ...] = ()


def carry_out(overlay: Overlay, operation: Operation) -> Decision:
    """Does it on the overlay. The decision's profile is the one that came of a split or merge."""
    tokens, time = operation.tokens, operation.time
    profile: ProfileId | None = None
    merges: Merges = ()
    match operation.kind:
        case "unbind":
            for token in tokens:
                _unbind(overlay, token, time)
        case "erase":
            for token in tokens:
                _erase(overlay, token, time)
        case "unshare":
            for token in tokens:
                _unshare(overlay, token)
        case "split":
            profile = _split(overlay, tokens, time)
        case _:
            profile, merges = _merge(overlay, operation)
    return Decision(profile, (), operation.rejected, merges)


def _unbind(overlay: Overlay, token: str, time: Millis) -> None:
    """Nobody's from `time` on, and what linked it until then is void; a newer link stays."""
    held = overlay.holding(token)
    if held is not None and held.linked and time < held.asserted:
        overlay.void(token, time)
    elif held is None or time > held.cut:
        overlay.free(token, time)


def _erase(overlay: Overlay, token: str, time: Millis) -> None:
    """Nothing links to this profile any more, and nothing of her is found by late touchpoints."""
    held, root = overlay.holding(token), overlay.root(token)
    if held is not None and time <= held.cut:
        return
    if root is None:
        overlay.free(token, time)
        return
    listed = list(overlay.node(root).identifiers)
    overlay.fetch(listed)
    for one in {token, *listed}:
        if overlay.root(one) == root:
            overlay.free(one, time)
    node = overlay.change(root)
    node.erased, node.identifiers = True, {}


def _unshare(overlay: Overlay, token: str) -> None:
    held = overlay.holding(token)
    if held is not None and held.state == SHARED:
        overlay.forget(token)


def _split(overlay: Overlay, tokens: Sequence[str], time: Millis) -> ProfileId | None:
    """These leave the strongest one's profile for a new one, and the two never meet again."""
    roots = [root for token in tokens if (root := overlay.root(token)) is not None]
    if not roots:
        return None
    first = roots[0]
    leaving = [token for token in tokens if overlay.root(token) == first]
    if len(leaving) == len(overlay.node(first).identifiers):
        return first
    links = {token: overlay.node(first).identifiers[token] for token in leaving}
    profile = overlay.create(leaving[0], time)
    for token in leaving:
        overlay.link(profile, token, time)
        overlay.node(profile).identifiers[token] = links[token]
    left, stayed = overlay.change(profile), overlay.change(first)
    left.created = min([time, *(link.first for link in links.values())])
    left.apart = [first]
    stayed.apart = [*stayed.apart, profile]
    return profile


def _merge(overlay: Overlay, operation: Operation) -> tuple[ProfileId | None, Merges]:
    """Whatever the limits say and whatever was split; who survives is not for the caller."""
    roots = {overlay.root(token) for token in operation.tokens} - {None}
    profiles = sorted(root for root in roots if root is not None)
    if not profiles:
        return None, ()
    survivor = overlay.unite(profiles, operation.time, operation.tokens, operation.cause)
    return survivor, tuple((one, survivor) for one in profiles if one != survivor)
