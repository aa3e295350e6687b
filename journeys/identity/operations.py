"""What people and systems ask of identity: to unbind, erase, split, merge, and unshare.

All of them are ordered by event time, as links are: a late one undoes nothing that is newer, and
one that comes twice does nothing more. Each leaves a note in identity's outbox, which is written
with it and stays until the inbox has it: identity is repaired from nothing else.
"""

from collections.abc import Iterable

from msgspec import Struct

from journeys.identity.claims import Claims, Identifier, Rejection
from journeys.identity.known import Decision
from journeys.identity.overlay import NOBODY, Overlay
from journeys.identity.records import SHARED, Holding, Link
from journeys.identity.tokens import nobody
from schemas.inbox import Operated
from schemas.touchpoint import Millis, ProfileId

KINDS = ("unbind", "erase", "split", "merge", "unshare")
BY_ID = "profile:"
PREFIX = "identity."
"""A touchpoint of the type `identity.<kind>` asks for one."""


class Operation(Struct, frozen=True, gc=False):
    """`tokens` are the identifiers it is about, strongest first; of a merge those whose profiles
    become one. An erasure may be of a `profile`, by its id, instead.
    """

    kind: str
    tokens: tuple[str, ...]
    time: Millis
    cause: str = ""
    rejected: tuple[Rejection, ...] = ()
    profile: ProfileId = ProfileId("")

    @property
    def is_of_nobody(self) -> bool:
        """Whether nothing in it can be anybody's."""
        return not (self.tokens or self.profile)


def asked_for(type_: str) -> str | None:
    """The kind of operation that a touchpoint's type asks for; None for an ordinary one."""
    kind = type_.removeprefix(PREFIX)
    return kind if kind != type_ and kind in KINDS else None


def operation(
    kind: str, written: Iterable[str], claims: Claims, time: Millis, cause: str = ""
) -> Operation:
    """The operation on these identifiers, `namespace:value`; what can be none is rejected.

    `profile:<id>` names a profile to erase, where no namespace is called so.
    """
    found = {one: claims.identifier(one) for one in written}
    usable = [one for one in found.values() if isinstance(one, Identifier)]
    usable.sort(key=lambda one: one.order)
    tokens = tuple(dict.fromkeys(one.token for one in usable))
    rejected = {one: why for one, why in found.items() if isinstance(why, str)}
    ids = [one for one, why in rejected.items() if why == "unknown_namespace"]
    named = [one for one in ids if kind == "erase" and one.startswith(BY_ID)] if not tokens else []
    profile = ProfileId(named[0].removeprefix(BY_ID) if named else "")
    refused = tuple((one, why) for one, why in rejected.items() if one not in named)
    return Operation(kind, tokens, time, cause, refused, profile)


def carry_out(overlay: Overlay, asked: Operation, key: bytes) -> Decision:
    """Does it on the overlay, and notes it for the inbox. The decision's profile is the one that
    came of a split or merge.

    One that is redelivered does nothing: its note waits in the outbox, or is in the inbox.
    """
    if asked.is_of_nobody:
        return Decision(None, (), asked.rejected)
    match asked.kind:
        case "merge":
            return _merge(overlay, asked)
        case "split":
            return _split(overlay, asked)
        case "erase" if asked.profile:
            return _erase_by_id(overlay, asked)
        case "erase":
            return _erase(overlay, asked)
        case _:
            return _take_away(overlay, asked, key)


def undo(overlay: Overlay, operated: Operated) -> None:
    """Frees the identifiers of an unbind, an erasure or an unsharing; a newer link stays."""
    for token in operated.tokens:
        held, time = overlay.holding(token), operated.time
        if held is not None and held.linked and time < held.asserted:
            overlay.void(token, time)
        elif held is None or held.linked or time > held.cut:
            overlay.free(token, time)
            if operated.kind == "unshare":
                overlay.note_users(token, ())
        if operated.kind == "erase":
            overlay.forget(token, time)


def part(overlay: Overlay, operated: Operated) -> None:
    """The two of a split never meet again."""
    stayed, left = overlay.change(operated.profile), overlay.change(operated.other)
    if operated.other not in stayed.apart:
        stayed.apart = [*stayed.apart, operated.other]
    if operated.profile not in left.apart:
        left.apart = [*left.apart, operated.profile]


def empty(overlay: Overlay, profile: ProfileId, time: Millis) -> tuple[str, ...]:
    """Erases a live profile, or one that never was; returns what was hers.

    Nothing links to her any more, and all that linked them at `time` or before is void.
    """
    listed = tuple(overlay.node(profile).identifiers)
    overlay.fetch(listed)
    hers = tuple(token for token in listed if overlay.root(token) == profile)
    for token in hers:
        overlay.free(token, time)
        overlay.forget(token, time)
    node = overlay.change(profile)
    node.erased, node.identifiers, node.aliases = time, {}, []
    return hers


def _take_away(overlay: Overlay, asked: Operation, key: bytes) -> Decision:
    """Unbinds or unshares what is older than this; a note for each whom it is taken from."""
    left: dict[ProfileId, list[str]] = {}
    for token in asked.tokens:
        held = overlay.holding(token)
        if held is not None and _is_done(asked, held):
            continue
        if asked.kind == "unshare" and (held is None or held.state != SHARED):
            continue
        root = overlay.root(token)
        is_older = held is not None and held.linked and asked.time < held.asserted
        whose = nobody(token, key) if root is None or is_older else root
        left.setdefault(whose, []).append(token)
    for profile, tokens in left.items():
        done = Operated(asked.kind, profile, tuple(tokens), asked.time, cause=asked.cause)
        undo(overlay, done)
        overlay.note(done)
    return Decision(None, (), asked.rejected)


def _erase(overlay: Overlay, asked: Operation) -> Decision:
    """The strongest one's person. Who was erased before is told of again, so that it is reported;
    of an identifier that is nobody's an empty profile is, which keeps late touchpoints away.
    """
    token, time = asked.tokens[0], asked.time
    held, root = overlay.holding(token), overlay.root(token)
    if held is not None and held.erased == time:
        return Decision(None, (), asked.rejected)  # this very request, redelivered
    if held is not None and held.state == SHARED:
        return Decision(None, (), (*asked.rejected, (token, "shared")), refused=True)
    if held is not None and root is not None and time <= held.cut:
        return Decision(None, (), asked.rejected)  # she came back since, as somebody new
    before = overlay.find(held.owner) if held and held.owner and root is None else None
    if held is not None and before is not None and before.erased:
        done = Operated("erase", held.owner, (token,), time, cause=asked.cause)
        overlay.void(token, time)
        overlay.forget(token, time)
    else:
        profile = root or overlay.create(token, time)
        overlay.link(profile, token, time)
        done = _erased(overlay, asked, profile, token)
    overlay.note(done)
    return Decision(None, (), asked.rejected)


def _erase_by_id(overlay: Overlay, asked: Operation) -> Decision:
    """Also of who has no identifiers any more. An id that was never given out is nobody's."""
    root = overlay.living(asked.profile)
    node = overlay.find(root)
    if node is None:
        written = BY_ID + asked.profile
        return Decision(None, (), (*asked.rejected, (written, "unknown")), refused=True)
    if node.erased:
        overlay.note(Operated("erase", root, (), asked.time, cause=asked.cause))
    else:
        overlay.note(_erased(overlay, asked, root))
    return Decision(None, (), asked.rejected)


def _erased(overlay: Overlay, asked: Operation, profile: ProfileId, *more: str) -> Operated:
    aliases = tuple(overlay.node(profile).aliases)
    tokens = dict.fromkeys([*more, *empty(overlay, profile, asked.time)])
    return Operated("erase", profile, tuple(tokens), asked.time, NOBODY, asked.cause, aliases)


def _split(overlay: Overlay, asked: Operation) -> Decision:
    """These leave the strongest one's profile for a new one, but for those seen together since."""
    time, mine = asked.time, [token for token in asked.tokens if _is_newest(overlay, asked, token)]
    first = overlay.root(mine[0]) if mine else None
    if first is None:
        return Decision(None, (), asked.rejected)
    leaving = tuple(token for token in mine if overlay.root(token) == first)
    listed = overlay.node(first).identifiers
    if len(leaving) == len(listed):
        return Decision(first, (), asked.rejected)
    links = {token: listed[token] for token in leaving if token in listed}
    profile = overlay.create(leaving[0], time)
    for token in leaving:
        overlay.link(profile, token, time)
        overlay.node(profile).identifiers[token] = links.get(token, Link(time))
        overlay.void(token, time)
    overlay.change(profile).created = min([time, *(link.first for link in links.values())])
    done = Operated("split", first, leaving, time, profile, asked.cause)
    part(overlay, done)
    overlay.note(done)
    return Decision(profile, (), asked.rejected)


def _merge(overlay: Overlay, asked: Operation) -> Decision:
    """Whatever the limits say and whatever was split; who survives is not for the caller."""
    mine = [token for token in asked.tokens if _is_newest(overlay, asked, token, alone=True)]
    roots = {overlay.root(token) for token in mine} - {None}
    profiles = sorted(root for root in roots if root is not None)
    if not profiles:
        return Decision(None, (), asked.rejected)
    survivor = overlay.unite(profiles, asked.time, asked.tokens, asked.cause)
    merges = tuple((one, survivor) for one in profiles if one != survivor)
    return Decision(survivor, (), asked.rejected, merges)


def _is_done(asked: Operation, held: Holding) -> bool:
    """Whether the identifier was freed by this, or by a later one; a split of that very moment
    has left it with somebody.
    """
    after_split = held.linked and held.asserted <= asked.time == held.cut
    return asked.time <= held.cut and not after_split


def _is_newest(overlay: Overlay, asked: Operation, token: str, *, alone: bool = False) -> bool:
    """Whether it belongs to somebody, and nothing newer was said of whom."""
    held = overlay.holding(token)
    if held is None or not held.linked or asked.time <= held.cut:
        return False
    return alone or held.asserted <= asked.time
