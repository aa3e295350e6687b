"""A batch of claims decided in order, on an overlay of what was read, into one plan of writes.

Only what differs at the end is written: a profile made and merged away within the batch is one
write. Everything the plan changes says what it expects to find, so that the store can refuse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from journeys.identity.claims import Claim, Rejection
from journeys.identity.config import IdentityConfig
from journeys.identity.decide import Verdict, decide, survivor_key
from journeys.identity.records import (
    Link,
    Merge,
    Node,
    decode_node,
    encode,
    identifier_record,
    owner_of,
    repointed,
)
from journeys.identity.tokens import ID_LENGTH, profile_id
from schemas.touchpoint import Millis, ProfileId

NEVER_SEEN = Millis(1 << 53)
"""When a profile was created of which nothing is known but its id: later than all others."""


class Unread(Exception):
    """A decision needs the node of `profile`, which was not read yet."""

    def __init__(self, profile: ProfileId) -> None:
        super().__init__(profile)
        self.profile = profile


class Decision(Struct, frozen=True, gc=False):
    """`profile` None: nothing in the claim can identify. `links` are the tokens that took part.

    `merges` are (loser, survivor), in order.
    """

    profile: ProfileId | None
    links: tuple[str, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    merges: tuple[tuple[ProfileId, ProfileId], ...] = ()


@dataclass(slots=True)
class Plan:
    """All that a batch changes: {key: (expected, new)}, where b"" expects that it is not there.

    `repoints` are (token, from, to) for identifiers of a loser which the batch did not read: they
    belong to the node, which is compared, so they are not.
    """

    records: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    nodes: dict[ProfileId, tuple[bytes, bytes]] = field(default_factory=dict)
    repoints: list[tuple[str, ProfileId, ProfileId]] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.records or self.nodes or self.merges)


def wanted_nodes(
    claims: Sequence[Claim], records: Mapping[str, bytes | None], config: IdentityConfig
) -> list[ProfileId]:
    """The nodes to be read before these claims can be decided; none if all of them are hot."""
    wanted: dict[ProfileId, None] = {}
    for claim in claims:
        found = [records[token] for token in claim.tokens]
        if _hot(found):
            continue
        owners = {owner_of(record) for record in found if record}
        if not owners:
            wanted[profile_id(claim.tokens[0], 0, config.key)] = None
        elif len(owners) > 1 or None in found:
            wanted.update(dict.fromkeys(owners))
    return list(wanted)


class Overlay:
    """Records and nodes as read, and what the claims so far have made of them.

    `records` holds every token of the batch. Raises Unread for a node that is not in `nodes`;
    nothing is to be kept of an overlay that did.
    """

    def __init__(
        self,
        records: Mapping[str, bytes | None],
        nodes: Mapping[ProfileId, bytes | None],
        config: IdentityConfig,
    ) -> None:
        self._records, self._stored, self._config = records, nodes, config
        self._owners = {token: owner_of(raw) if raw else None for token, raw in records.items()}
        self._moved: dict[str, ProfileId] = {}
        self._nodes: dict[ProfileId, Node | None] = {}
        self._changed: dict[ProfileId, None] = {}
        self._merges: list[Merge] = []

    def take(self, claim: Claim) -> Decision:
        """Decides a claim and carries it out here."""
        tokens = claim.tokens
        if not tokens:
            return Decision(None, (), claim.rejected)
        owners = self._owners
        first = owners[tokens[0]]
        if first is not None:
            for token in tokens:
                if owners[token] != first:
                    break
            else:
                return Decision(first, tokens, claim.rejected)
        return self._carried_out(decide(claim, self), claim)

    def root(self, token: str) -> ProfileId | None:
        owner = self._owners[token]
        if owner is None or (root := self.living(owner)) == owner:
            return owner
        self._give(token, root)
        return root

    def living(self, profile: ProfileId) -> ProfileId:
        """The profile a given one has ended in; itself as long as it lives."""
        while (node := self.find(profile)) and node.to:
            profile = node.to
        return profile

    def node(self, profile: ProfileId) -> Node:
        """A node which an identifier names. Damage is mended here: it may have been lost."""
        node = self.find(profile)
        if node is None:
            node = self.begin(profile, NEVER_SEEN)
        return node

    def find(self, profile: ProfileId) -> Node | None:
        if profile not in self._nodes:
            if profile not in self._stored:
                raise Unread(profile)
            raw = self._stored[profile]
            self._nodes[profile] = decode_node(raw) if raw else None
        return self._nodes[profile]

    def begin(self, profile: ProfileId, created: Millis) -> Node:
        """A new node in the place of none."""
        node = self._nodes[profile] = Node(created)
        self._changed[profile] = None
        return node

    def link(self, profile: ProfileId, token: str, time: Millis) -> None:
        """Gives an identifier to a live profile."""
        node = self.node(profile)
        node.identifiers[token] = Link(time)
        node.created = min(node.created, time)
        node.known = node.known or self._config.is_person(token)
        self._give(token, profile)
        self._changed[profile] = None

    def date_back(self, profile: ProfileId, time: Millis) -> None:
        """Makes a profile as old as this event time."""
        node = self.node(profile)
        if time < node.created:
            node.created = time
            self._changed[profile] = None

    def unite(
        self, profiles: Sequence[ProfileId], time: Millis, links: tuple[str, ...], cause: str = ""
    ) -> ProfileId:
        """Merges live profiles into the one that has to survive, and notes it in the outbox."""
        first, *others = sorted(profiles, key=lambda one: survivor_key(one, self.node(one)))
        for other in others:
            self.note(self._merge(first, other, time, links, cause))
            self.absorb(first, other)
        return first

    def note(self, merge: Merge) -> None:
        """Has a merge told of: it goes to identity's outbox with the rest."""
        self._merges.append(merge)

    def absorb(self, survivor: ProfileId, loser: ProfileId) -> None:
        """Ends a live profile in another one; in a repair the log says which, not the order."""
        kept, lost = self.node(survivor), self.node(loser)
        for token, link in lost.identifiers.items():
            kept.identifiers[token] = Link(link.first, link.origin or loser)
            if token in self._owners:
                self._give(token, survivor)
        kept.aliases += [loser, *lost.aliases]
        kept.created = min(kept.created, lost.created)
        kept.known = kept.known or lost.known
        lost.to, lost.identifiers, lost.aliases = survivor, {}, []
        self._changed[survivor] = self._changed[loser] = None

    def plan(self) -> Plan:
        """What has to be written, net of what the claims did and undid."""
        plan = Plan(merges=self._merges)
        for profile in self._changed:
            node, raw = self.node(profile), self._stored[profile]
            plan.nodes[profile] = (raw or b"", encode(node))
            if node.to and raw:
                plan.repoints += self._repoints(profile, raw)
        for token, owner in self._moved.items():
            raw = self._records[token]
            plan.records[token] = (raw or b"", self._record(token, owner, raw))
        return plan

    def _give(self, token: str, owner: ProfileId) -> None:
        self._owners[token] = self._moved[token] = owner

    def _carried_out(self, verdict: Verdict, claim: Claim) -> Decision:
        before = len(self._merges)
        rejected = (*claim.rejected, *verdict.rejected)
        if verdict.roots:
            profile = self.unite(verdict.roots, claim.time, claim.tokens, claim.cause)
        else:
            profile = self._created(verdict.new[0].token, claim.time)
        for one in verdict.new:
            self.link(profile, one.token, claim.time)
        merges = tuple((merge.loser, merge.survivor) for merge in self._merges[before:])
        links = tuple(token for token in claim.tokens if token not in verdict.refused)
        return Decision(profile, links, rejected, merges)

    def _created(self, strongest: str, time: Millis) -> ProfileId:
        """A new profile. One that lists this identifier is taken as it is: work done before."""
        generation = 0
        while True:
            profile = profile_id(strongest, generation, self._config.key)
            node = self.find(profile)
            if node is None:
                self.begin(profile, time)
                return profile
            if node.to is None and strongest in node.identifiers:
                return profile
            generation += 1

    def _merge(
        self,
        survivor: ProfileId,
        loser: ProfileId,
        time: Millis,
        links: tuple[str, ...],
        cause: str,
    ) -> Merge:
        kept, lost = self.node(survivor), self.node(loser)
        return Merge(
            loser,
            survivor,
            time,
            cause,
            links,
            moved=tuple(lost.identifiers),
            loser_known=lost.known,
            loser_created=lost.created,
            survivor_known=kept.known,
            survivor_created=kept.created,
            aliases=tuple(lost.aliases),
            config=self._config.version,
        )

    def _repoints(self, loser: ProfileId, raw: bytes) -> list[tuple[str, ProfileId, ProfileId]]:
        survivor = self.living(loser)
        listed = decode_node(raw).identifiers
        return [(token, loser, survivor) for token in listed if token not in self._owners]

    def _record(self, token: str, owner: ProfileId, raw: bytes | None) -> bytes:
        if raw is not None:
            return repointed(raw, owner)
        return identifier_record(owner, self.node(owner).identifiers[token].first)


def _hot(records: Sequence[bytes | None]) -> bool:
    """Whether all of them name one profile, or there are none."""
    first = records[0] if records else b""
    if first is None:
        return False
    for record in records:
        if record is None or record[:ID_LENGTH] != first[:ID_LENGTH]:
            return False
    return True
