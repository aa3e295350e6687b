"""A batch of claims decided in order, on an overlay of what was read, into one plan of writes.

Only what differs at the end is written: a profile made and merged away within the batch is one
write. Everything the plan changes says what it expects to find, so that the store can refuse.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from journeys.identity.claims import Claim, Rejection, named
from journeys.identity.config import IdentityConfig
from journeys.identity.decide import Verdict, decide, survivor_key
from journeys.identity.known import Decision
from journeys.identity.plan import Plan, Unread
from journeys.identity.records import (
    ASSERTED,
    FIRST_OF_LINKED,
    FREE,
    LAST,
    LINKED,
    SHARED,
    Holding,
    Link,
    Merge,
    Node,
    Note,
    decode_holding,
    decode_node,
    encode,
    encode_holding,
    erased_among,
    holder_of,
    merge_of,
    seen_at,
    written_time,
)
from journeys.identity.tokens import ID_LENGTH, device_profile, profile_id
from schemas.inbox import Operated
from schemas.touchpoint import Millis, ProfileId

NEVER_SEEN = Millis(1 << 53)
"""When a profile was created of which nothing is known but its id: later than all others."""


NOBODY, NEVER = ProfileId(""), Millis(0)


class Overlay:
    """Records and nodes as read, and what the claims so far have made of them.

    `records` holds every token of the batch; identifiers seen at `fresh` or later need not be
    noted as seen. Raises Unread for what was not read; nothing is to be kept of an overlay
    that did.
    """

    def __init__(
        self,
        records: Mapping[str, bytes | None],
        nodes: Mapping[ProfileId, bytes | None],
        config: IdentityConfig,
        fresh: int = 0,
    ) -> None:
        self._records, self._stored, self._config = records, nodes, config
        self._fresh = fresh
        self._erased = erased_among(records)
        self._held: dict[str, Holding | None] = {}
        self._put: dict[str, None] = {}
        self._seen: dict[str, bytes] = {}
        self._nodes: dict[ProfileId, Node | None] = {}
        self._changed: dict[ProfileId, None] = {}
        self._notes: list[Note] = []

    def leaves(self, tokens: Sequence[str]) -> bool:
        """Whether the records of these identifiers are as they were read."""
        return not self._put or self._put.keys().isdisjoint(tokens)

    def take(self, claim: Claim) -> Decision:
        """Decides a claim and carries it out here."""
        if self._erased and (late := self._of_the_erased(claim)):
            return Decision(None, (), (*claim.rejected, *late), erased=True)
        return self._taken(claim)

    def root(self, token: str) -> ProfileId | None:
        held = self.holding(token)
        if held is None or not held.linked:
            return None
        root = self.living(held.owner)
        if root != held.owner:
            self.put(token, replace(held, owner=root))
        return root

    def holding(self, token: str) -> Holding | None:
        """The record of an identifier; None where it has none."""
        if token not in self._held:
            if token not in self._records:
                raise Unread(tokens=[token])
            raw = self._seen.get(token) or self._records[token]
            self._held[token] = decode_holding(raw) if raw else None
        return self._held[token]

    def fetch(self, tokens: Sequence[str]) -> None:
        """Raises Unread once for all of these records that are not at hand."""
        missing = [token for token in tokens if token not in self._records]
        if missing:
            raise Unread(tokens=missing)
        holders = {holder_of(self._records[token]) for token in tokens}
        unknown = [one for one in holders if one and one not in self._stored]
        if unknown:
            raise Unread(unknown)

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
                raise Unread([profile])
            raw = self._stored[profile]
            self._nodes[profile] = decode_node(raw) if raw else None
        return self._nodes[profile]

    def begin(self, profile: ProfileId, created: Millis) -> Node:
        """A new node in the place of none."""
        node = self._nodes[profile] = Node(created)
        self._changed[profile] = None
        return node

    def create(self, strongest: str, time: Millis) -> ProfileId:
        """A new profile that begins with this identifier. No id is ever used twice."""
        held = self.holding(strongest)
        generation = held.generation + held.linked if held else 0
        while True:
            profile = profile_id(strongest, generation, self._config.key)
            node = self.find(profile)
            if node is None:
                self.begin(profile, time)
                break
            if node.to is None and held is None and strongest in node.identifiers:
                break  # the record was lost
            generation += 1
        if held is not None and generation > held.generation:
            self.put(strongest, replace(held, generation=generation))
        return profile

    def link(self, profile: ProfileId, token: str, time: Millis) -> None:
        """Gives an identifier to a live profile; it is taken from whom it belonged to."""
        held = self.holding(token) or Holding(profile, time, time)
        if held.linked and (root := self.root(token)) not in {None, profile}:
            self._unlist(root, token)
        node = self.node(profile)
        node.identifiers[token] = Link(time)
        node.created = min(node.created, time)
        node.known = node.known or self._config.is_person(token)
        self._changed[profile] = None
        last = max(held.last, time) if held.linked else time
        self.put(token, replace(held, owner=profile, asserted=time, last=last, state=LINKED))

    def touch(self, token: str, time: Millis, *, together: bool) -> None:
        """Notes that an identifier was seen; `together` with another one of its profile."""
        held = self.holding(token)
        if held is None or not held.linked:
            return
        seen = encode_holding(held)
        later = seen_at(seen, written_time(time), together=together)
        if later != seen:
            self._held[token], self._seen[token] = decode_holding(later), later

    def free(self, token: str, cut: Millis | None = None) -> None:
        """Takes an identifier from whom it belongs to; what was linked up to `cut` is void.

        It begins no profile of the same id again, also where nobody knows the id any more.
        """
        held, root = self.holding(token) or Holding(NOBODY, NEVER, NEVER), self.root(token)
        if root is not None:
            self._unlist(root, token)
        generation = held.generation + (held.state != FREE and held.owner != NOBODY)
        free = replace(held, owner=root or held.owner, state=FREE, generation=generation)
        self.put(token, free)
        if cut is not None:
            self.void(token, cut)

    def void(self, token: str, cut: Millis) -> None:
        """Whatever linked this identifier at `cut` or before did not."""
        held = self.holding(token)
        if held is not None and cut > held.cut:
            self.put(token, replace(held, cut=cut))

    def forget(self, token: str, time: Millis) -> None:
        """What was said of this identifier's person at that event time or before is nobody's."""
        held = self.holding(token)
        if held is not None and time > held.erased:
            self.put(token, replace(held, erased=time))
            self._erased[token] = time

    def share(self, token: str) -> None:
        """Makes an identifier a shared device, which is nobody's."""
        held = self.holding(token) or Holding(NOBODY, NEVER, NEVER)
        if (root := self.root(token)) is not None:
            self._unlist(root, token)
        device = device_profile(token, self._config.key)
        self.put(token, replace(held, owner=device, state=SHARED))

    def note_users(self, token: str, users: tuple[str, ...]) -> None:
        """Notes by which identifiers those are known who used this one."""
        if held := self.holding(token):
            self.put(token, replace(held, users=users))

    def put(self, token: str, held: Holding) -> None:
        self._held[token] = held
        self._put[token] = None

    def date_back(self, profile: ProfileId, time: Millis) -> None:
        """Makes a profile as old as this event time."""
        if time < self.node(profile).created:
            self.change(profile).created = time

    def change(self, profile: ProfileId) -> Node:
        """A node that is about to be changed."""
        self._changed[profile] = None
        return self.node(profile)

    def unite(
        self, profiles: Sequence[ProfileId], time: Millis, links: tuple[str, ...], cause: str = ""
    ) -> ProfileId:
        """Merges live profiles into the one that has to survive, and notes it in the outbox."""
        first, *others = sorted(profiles, key=lambda one: survivor_key(one, self.node(one)))
        for other in others:
            kept, lost = (first, self.node(first)), (other, self.node(other))
            self.note(merge_of(kept, lost, time, links, cause, self._config.version))
            self.absorb(first, other)
        return first

    def note(self, note: Note) -> None:
        """Has the inbox told of something: it goes to identity's outbox with the rest."""
        self._notes.append(note)

    def absorb(self, survivor: ProfileId, loser: ProfileId) -> None:
        """Ends a live profile in another one; in a repair the log says which, not the order."""
        kept, lost = self.node(survivor), self.node(loser)
        for token, link in lost.identifiers.items():
            kept.identifiers[token] = Link(link.first, link.origin or loser)
            if token in self._records:
                self._give(token, loser, survivor)
        kept.aliases += [loser, *lost.aliases]
        kept.created = min(kept.created, lost.created)
        kept.known = kept.known or lost.known
        kept.apart = [one for one in {*kept.apart, *lost.apart} if one not in kept.aliases]
        lost.to, lost.identifiers, lost.aliases, lost.apart = survivor, {}, [], []
        self._changed[survivor] = self._changed[loser] = None

    def plan(self) -> Plan:
        """What has to be written, net of what the claims did and undid."""
        plan = Plan(notes=self._notes)
        for profile in self._changed:
            node, raw = self.node(profile), self._stored.get(profile)
            plan.nodes[profile] = (raw or b"", encode(node))
            if node.to and raw:
                plan.repoints += self._repoints(profile, raw)
        for token in self._put:
            if (held := self._held[token]) is not None:
                plan.records[token] = (self._records[token] or b"", encode_holding(held))
        plan.touches = {token: seen for token, seen in self._seen.items() if token not in self._put}
        dead = [profile for profile in self._changed if self.node(profile).to]
        free = [token for token in self._put if (held := self._held[token]) and held.state == FREE]
        plan.lapse(dead, self._config.alias_ttl)
        plan.lapse(free, self._config.tombstone_ttl)
        return plan

    def _taken(self, claim: Claim) -> Decision:
        if claim.tokens and not claim.looks_up:
            if profile := self._put_lately(claim.tokens) or self._seen_again(claim):
                return Decision(profile, claim.tokens, claim.rejected)
        elif not (claim.tokens or claim.shared):
            return Decision(None, (), claim.rejected)
        return self._carried_out(decide(claim, self, self._config), claim)

    def _put_lately(self, tokens: Sequence[str]) -> ProfileId | None:
        """Whose all these identifiers are, all seen lately and at least one changed here."""
        if self.leaves(tokens):
            return None
        owner, together = None, len(tokens) > 1
        for token in tokens:
            held = self.holding(token)
            if held is None or not held.linked or held.owner != (owner or held.owner):
                return None
            if held.last < self._fresh or (together and held.asserted < self._fresh):
                return None
            owner = held.owner
        return owner

    def _seen_again(self, claim: Claim) -> ProfileId | None:
        """Whose all identifiers are, their times noted where that is due; None if not one's."""
        found: dict[str, bytes] = {}
        owner = b""
        for token in claim.tokens:
            raw = self._seen.get(token) or self._records[token]
            if raw is None or token in self._put or raw[0] < FIRST_OF_LINKED:
                return None
            owner = owner or raw[:ID_LENGTH]
            if raw[:ID_LENGTH] != owner:
                return None
            found[token] = raw
        now, together = written_time(claim.time), len(found) > 1
        due = written_time(max(0, claim.time - self._config.touch_interval))
        for one in claim.links:
            ttl = one.rules.ttl
            if ttl is not None and found[one.token][LAST] < written_time(max(0, claim.time - ttl)):
                return None
        for token, raw in found.items():
            if raw[LAST] < due or (together and raw[ASSERTED] < due):
                self._seen[token] = seen_at(raw, now, together=together)
                self._held.pop(token, None)
        return ProfileId(owner.decode())

    def _of_the_erased(self, claim: Claim) -> list[Rejection]:
        """Those of its identifiers whose person was erased since; one is enough."""
        erased, time = self._erased, claim.time
        return [(named(one), "stale") for one in claim.links if erased.get(one.token, -1) >= time]

    def _carried_out(self, verdict: Verdict, claim: Claim) -> Decision:
        before, time = len(self._notes), claim.time
        self._note_users(verdict, claim)
        if not (verdict.roots or verdict.new):
            return self._otherwise(verdict, claim)
        if verdict.roots:
            profile = self.unite(verdict.roots, time, claim.tokens, claim.cause)
        else:
            profile = self.create(verdict.new[0].token, time)
        for one in verdict.new:
            self._tell("moved", one.token, claim, profile)
            self.link(profile, one.token, time)
        links = tuple(token for token in claim.tokens if token not in verdict.refused)
        for token in verdict.touched:
            self.touch(token, time, together=len(links) > 1)
        for token in verdict.evicted:
            self._tell("evicted", token, claim)
            self.free(token)
        notes = self._notes[before:]
        merges = tuple((one.loser, one.survivor) for one in notes if isinstance(one, Merge))
        return Decision(profile, links, (*claim.rejected, *verdict.rejected), merges)

    def _note_users(self, verdict: Verdict, claim: Claim) -> None:
        for token, users in verdict.users.items():
            self.note_users(token, users)
        for token in verdict.shared:
            self._tell("shared", token, claim)
            self.share(token)

    def _tell(self, kind: str, token: str, claim: Claim, to: ProfileId = NOBODY) -> None:
        """The shard of whom an identifier is about to leave hears of it."""
        if self.holding(token) is not None and (root := self.root(token)) is not None:
            self.note(Operated(kind, root, (token,), claim.time, to, claim.cause))

    def _otherwise(self, verdict: Verdict, claim: Claim) -> Decision:
        """The answer where nothing may link: whose a shared device or a late one is."""
        declared = {(named(one), "shared") for one in claim.shared}
        rejected = [one for one in claim.rejected if one not in declared]
        device = [
            token
            for token in claim.tokens
            if verdict.otherwise == device_profile(token, self._config.key)
        ]
        return Decision(verdict.otherwise, tuple(device), (*rejected, *verdict.rejected))

    def _give(self, token: str, loser: ProfileId, survivor: ProfileId) -> None:
        held = self.holding(token)
        if held is not None and held.linked and held.owner == loser:
            self.put(token, replace(held, owner=survivor))

    def _unlist(self, profile: ProfileId | None, token: str) -> None:
        if profile is not None:
            self.change(profile).identifiers.pop(token, None)

    def _repoints(self, loser: ProfileId, raw: bytes) -> list[tuple[str, ProfileId, ProfileId]]:
        survivor = self.living(loser)
        listed = decode_node(raw).identifiers
        return [(token, loser, survivor) for token in listed if token not in self._records]
