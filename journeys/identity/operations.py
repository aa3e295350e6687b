"""What people and systems ask of identity: to unbind, erase, split, merge, and unshare.

All of them are ordered by event time, as links are: a late one undoes nothing that is newer, and
one that comes twice does nothing more. Each leaves a record in the inbox, or a merge in the
outbox: identity is repaired from nothing else.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from journeys.identity.claims import Claims, Identifier, Rejection
from journeys.identity.overlay import Decision, Overlay
from journeys.identity.records import SHARED
from journeys.identity.tokens import profile_id
from schemas.inbox import Operated
from schemas.touchpoint import Millis, ProfileId

KINDS = ("unbind", "erase", "split", "merge", "unshare")
PREFIX = "identity."
"""A touchpoint of the type `identity.<kind>` asks for one."""


class Operation(Struct, frozen=True, gc=False):
    """`tokens` are the identifiers it is about, strongest first; of a merge those whose profiles
    become one.
    """

    kind: str
    tokens: tuple[str, ...]
    time: Millis
    cause: str = ""
    rejected: tuple[Rejection, ...] = ()


def asked_for(type_: str) -> str | None:
    """The kind of operation that a touchpoint's type asks for; None for an ordinary one."""
    kind = type_.removeprefix(PREFIX)
    return kind if kind != type_ and kind in KINDS else None


def operation(
    kind: str, written: Iterable[str], claims: Claims, time: Millis, cause: str = ""
) -> Operation:
    """The operation on these identifiers, `namespace:value`; what can be none is rejected."""
    found = {one: claims.identifier(one) for one in written}
    usable = [one for one in found.values() if isinstance(one, Identifier)]
    usable.sort(key=lambda one: one.order)
    tokens = tuple(dict.fromkeys(one.token for one in usable))
    rejected = tuple((one, why) for one, why in found.items() if isinstance(why, str))
    return Operation(kind, tokens, time, cause, rejected)


def carry_out(overlay: Overlay, asked: Operation, key: bytes) -> Decision:
    """Does it on the overlay. The decision's profile is the one that came of a split or merge."""
    tokens, time = asked.tokens, asked.time
    if not tokens:
        return Decision(None, (), asked.rejected)
    somewhere = profile_id(tokens[0], 0, key)
    operated = Operated(asked.kind, somewhere, tokens, time, cause=asked.cause)
    match asked.kind:
        case "merge":
            return _merge(overlay, asked)
        case "split":
            return _split(overlay, asked)
        case "erase":
            return _erase(overlay, asked, operated)
        case "unshare":
            return _unshare(overlay, asked, operated)
        case _:
            undo(overlay, operated)
    return Decision(None, (), asked.rejected, operated=operated)


def undo(overlay: Overlay, operated: Operated) -> None:
    """Frees the identifiers of an unbind, an erasure or an unsharing; a newer link stays."""
    for token in operated.tokens:
        held, time = overlay.holding(token), operated.time
        if held is not None and held.linked and time < held.asserted:
            overlay.void(token, time)
        elif held is None or time > held.cut:
            overlay.free(token, time)
            if operated.kind == "unshare":
                overlay.note_users(token, ())


def part(overlay: Overlay, operated: Operated) -> None:
    """The two of a split never meet again."""
    stayed, left = overlay.change(operated.profile), overlay.change(operated.other)
    if operated.other not in stayed.apart:
        stayed.apart = [*stayed.apart, operated.other]
    if operated.profile not in left.apart:
        left.apart = [*left.apart, operated.profile]


def _erase(overlay: Overlay, asked: Operation, operated: Operated) -> Decision:
    """Nothing links to the strongest one's profile any more, and late touchpoints find nothing.

    Her list stays, of keyed hashes: an erasure that is redelivered tells the inbox the same.
    """
    token, time = asked.tokens[0], asked.time
    operated = replace(operated, tokens=(token,))
    held, root = overlay.holding(token), overlay.root(token)
    if held is not None and time <= held.cut:
        former = overlay.find(held.owner) if held.owner and not held.linked else None
        if former is not None and former.erased and time == held.cut:
            operated = _of_all(operated, held.owner, former.identifiers)
        return Decision(None, (), asked.rejected, operated=operated)
    if root is None:
        undo(overlay, operated)
        return Decision(None, (), asked.rejected, operated=operated)
    listed = dict(overlay.node(root).identifiers)
    overlay.fetch(list(listed))
    for one in {token: None, **listed}:
        if overlay.root(one) == root:
            overlay.free(one, time)
    node = overlay.change(root)
    node.erased, node.identifiers = True, listed
    operated = _of_all(operated, root, listed)
    return Decision(None, (), asked.rejected, operated=operated)


def _of_all(operated: Operated, profile: ProfileId, listed: Iterable[str]) -> Operated:
    tokens = tuple(dict.fromkeys([*operated.tokens, *listed]))
    return Operated("erase", profile, tokens, operated.time, cause=operated.cause)


def _unshare(overlay: Overlay, asked: Operation, operated: Operated) -> Decision:
    """Only a shared one is given back; those who used it are forgotten."""
    found = [(token, overlay.holding(token)) for token in asked.tokens]
    tokens = tuple(
        token
        for token, held in found
        if held and (held.state == SHARED or held.cut == asked.time) and asked.time >= held.cut
    )
    done = replace(operated, tokens=tokens)
    undo(overlay, done)
    return Decision(None, (), asked.rejected, operated=done if tokens else None)


def _split(overlay: Overlay, asked: Operation) -> Decision:
    """These leave the strongest one's profile for a new one."""
    tokens, time = asked.tokens, asked.time
    first = next((root for token in tokens if (root := overlay.root(token)) is not None), None)
    if first is None:
        return Decision(None, (), asked.rejected)
    leaving = tuple(token for token in tokens if overlay.root(token) == first)
    listed = overlay.node(first).identifiers
    if len(leaving) == len(listed):
        return _split_before(overlay, asked, first, leaving)
    links = {token: listed[token] for token in leaving}
    profile = overlay.create(leaving[0], time)
    for token in leaving:
        overlay.link(profile, token, time)
        overlay.node(profile).identifiers[token] = links[token]
    overlay.change(profile).created = min([time, *(link.first for link in links.values())])
    operated = Operated("split", first, leaving, time, profile, asked.cause)
    part(overlay, operated)
    return Decision(profile, (), asked.rejected, operated=operated)


def _split_before(
    overlay: Overlay, asked: Operation, left: ProfileId, leaving: Sequence[str]
) -> Decision:
    """They are all there is of a profile: this split was done, or there is nothing to split."""
    apart = overlay.node(left).apart
    if not apart:
        return Decision(left, (), asked.rejected)
    operated = Operated("split", apart[-1], tuple(leaving), asked.time, left, asked.cause)
    return Decision(left, (), asked.rejected, operated=operated)


def _merge(overlay: Overlay, asked: Operation) -> Decision:
    """Whatever the limits say and whatever was split; who survives is not for the caller."""
    roots = {overlay.root(token) for token in asked.tokens} - {None}
    profiles = sorted(root for root in roots if root is not None)
    if not profiles:
        return Decision(None, (), asked.rejected)
    survivor = overlay.unite(profiles, asked.time, asked.tokens, asked.cause)
    merges = tuple((one, survivor) for one in profiles if one != survivor)
    return Decision(survivor, (), asked.rejected, merges)
