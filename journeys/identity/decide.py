"""Whose is a touchpoint? The decision for one claim, on what is known of its identifiers.

Pure, and nothing is changed here: `overlay` carries a verdict out. From the strongest identifier
on, each is judged alone: one that finds no place here costs none of the others theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from journeys.identity.claims import Claim, Identifier, Rejection, named
from journeys.identity.config import IdentityConfig
from journeys.identity.limits import overfull, why_not
from journeys.identity.namespaces import Namespace
from journeys.identity.records import SHARED, Holding, Node, SurvivorKey
from journeys.identity.tokens import device_profile
from schemas.touchpoint import Millis, ProfileId


class Known(Protocol):
    """What is known when a claim is decided, the claims before it in the batch included."""

    def root(self, token: str) -> ProfileId | None:
        """The live profile an identifier belongs to; None for one that is nobody's, or shared."""

    def node(self, profile: ProfileId) -> Node: ...

    def find(self, profile: ProfileId) -> Node | None:
        """None for one that never was, or that nobody knows any more."""

    def holding(self, token: str) -> Holding | None:
        """The record of an identifier; None where it has none."""

    def fetch(self, tokens: Sequence[str]) -> None:
        """Has these records at hand, all at once."""

    def living(self, profile: ProfileId) -> ProfileId: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """`roots` are the profiles the claim joins, `new` the identifiers it links to them.

    No roots, but something new: a profile begins. Neither: the claim is `otherwise`'s, if anyone's.
    `rejected` are those of the claim that found no place here, `refused` their tokens. `touched`
    were seen where they are; `shared` become a device of nobody's, `users` is who used what;
    `evicted` lose their place to newer ones.
    """

    roots: tuple[ProfileId, ...] = ()
    new: tuple[Identifier, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    refused: frozenset[str] = frozenset()
    touched: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    evicted: tuple[str, ...] = ()
    otherwise: ProfileId | None = None


def decide(claim: Claim, known: Known, config: IdentityConfig) -> Verdict:
    """The verdict. The strongest identifier always answers; the order of writing is nothing."""
    deliberation = _Deliberation(claim, known, config)
    linkable, shared, stale = _sorted_out(claim, known)
    deliberation.refuse(stale, "stale")
    if not linkable:
        return deliberation.without_anyone(shared, stale)
    deliberation.refuse([one for one in shared if one not in claim.shared], "shared")
    ordered = _by_strength(linkable, known, claim.time)
    if claim.looks_up:
        first = next((pair for pair in ordered if pair[1] is not None), ordered[0])
        deliberation.refuse([one for one, _ in ordered if one is not first[0]], "source")
        ordered = [first]
    for one, root in ordered:
        if root is None and claim.finds:
            deliberation.refuse([one], "stale")
        else:
            deliberation.place(one, root)
    return deliberation.verdict()


def survivor_key(profile: ProfileId, node: Node) -> SurvivorKey:
    """Known before unknown, then the oldest, then the id: the least survives."""
    return SurvivorKey(not node.known, node.created, profile)


def user_of(tokens: Sequence[str], config: IdentityConfig) -> str | None:
    """The strongest identifier of a person that is no device: it stands for who used one."""
    ranked = [(config.rules_of(token), token) for token in tokens]
    people = [(rules.rank, token) for rules, token in ranked if rules.cls != "device"]
    return min(people)[1] if people else None


class _Deliberation:
    """One claim being decided: what it joined so far, and what it refused."""

    def __init__(self, claim: Claim, known: Known, config: IdentityConfig) -> None:
        self._claim, self._known, self._config = claim, known, config
        self._roots: dict[ProfileId, Node] = {}
        self._new: list[Identifier] = []
        self._refused: dict[str, Rejection] = {}
        self._touched: list[str] = []
        self._shared: list[str] = []
        self._users: dict[str, tuple[str, ...]] = {}

    def has_answer(self) -> bool:
        return bool(self._roots or self._new)

    def refuse(self, some: Sequence[Identifier], why: str) -> None:
        for one in some:
            self._refused[one.token] = (named(one), why)

    def place(self, one: Identifier, root: ProfileId | None) -> None:
        """Finds a place for the next identifier, or refuses it."""
        if root in self._roots:
            self._touched.append(one.token)
        elif root is None:
            if why := self._why_not_new(one):
                self.refuse([one], why)
            else:
                self._new.append(one)
        elif why := self._why_not_join(one, root):
            self._conflict(one, root, why)
        else:
            self._roots[root] = self._known.node(root)
            self._touched.append(one.token)

    def without_anyone(self, shared: Sequence[Identifier], stale: Sequence[Identifier]) -> Verdict:
        """Nothing links: a shared device answers, else whose the strongest stale one was."""
        otherwise = None
        if shared:
            first = min(shared, key=lambda one: one.order)
            otherwise = device_profile(first.token, self._config.key)
        elif stale:
            otherwise = self._former(stale[0])
        return Verdict(
            rejected=tuple(self._refused.values()),
            refused=frozenset(self._refused),
            otherwise=otherwise,
        )

    def verdict(self) -> Verdict:
        evicted = self._evicted()
        incoming = [one for one in self._new if one.token in evicted]
        self.refuse(incoming, "evicted")
        new = tuple(one for one in self._new if one.token not in evicted)
        return Verdict(
            roots=tuple(self._roots),
            new=new,
            rejected=tuple(self._refused.values()),
            refused=frozenset(self._refused),
            touched=tuple(self._touched),
            shared=tuple(self._shared),
            users=self._users,
            evicted=tuple(
                sorted(evicted - {one.token for one in incoming} | self._listed(evicted))
            ),
        )

    def _listed(self, tokens: set[str]) -> set[str]:
        """Those that a profile still lists: incoming ones too, which were nobody's by their age."""
        lists = [node.identifiers.keys() for node in self._roots.values()]
        return {token for token in tokens if any(token in listed for listed in lists)}

    def _former(self, stale: Identifier) -> ProfileId | None:
        """Whose it was when the touchpoint was made: it came late, and links nothing."""
        held = self._known.holding(stale.token)
        if held is None or not held.owner:
            return None
        profile = self._known.living(held.owner)
        node = self._known.find(profile)
        return None if node is None or node.erased else profile

    def _why_not_join(self, one: Identifier, root: ProfileId) -> str:
        """Why a known identifier's profile may not be joined to what stronger ones found."""
        if one.rules.link == "attach" and self._roots:
            return "attach_only"
        if one.rules.link == "resolve" and self.has_answer():
            return "resolve_only"
        if not self.has_answer():
            return ""
        group = {**self._roots, root: self._known.node(root)}
        tokens = [new.token for new in self._new]
        return why_not(group, tokens, self._claim.time, self._config)

    def _why_not_new(self, one: Identifier) -> str:
        """Why an identifier that is nobody's, or moves, may not be linked to the rest."""
        size = 1 + len(self._new) + sum(len(node.identifiers) for node in self._roots.values())
        most, limit = self._config.max_identifiers, one.rules.limit
        room = limit is None or one.rules.evicts or size <= limit
        if room and (most is None or size <= most):
            return ""
        tokens = [new.token for new in (*self._new, one)]
        return why_not(self._roots, tokens, self._claim.time, self._config)

    def _conflict(self, one: Identifier, root: ProfileId, why: str) -> None:
        """What becomes of an identifier whose profile cannot be joined."""
        rules, sure = one.rules, one.token in self._claim.verified
        if rules.on_conflict == "share":
            self._shared.append(one.token)
        elif why.startswith("max_") or not _moves(rules, sure=sure):
            self.refuse([one], why)
        else:
            self._move(one, root)

    def _move(self, one: Identifier, root: ProfileId) -> None:
        held, time = self._known.holding(one.token), self._claim.time
        self._users[one.token] = self._users_with_this(one, root, held)
        after = one.rules.share_after
        if after is not None and len(self._people(self._users[one.token])) >= after:
            self._shared.append(one.token)
        elif held is not None and time < held.asserted:
            self.refuse([one], "stale")
        elif why := self._why_not_new(one):
            self.refuse([one], why)
        else:
            self._new.append(one)

    def _users_with_this(
        self, one: Identifier, root: ProfileId, held: Holding | None
    ) -> tuple[str, ...]:
        """Who used it: those of old, whom it would be taken from, and this claim's."""
        before = held.users if held else ()
        owner = user_of(list(self._known.node(root).identifiers), self._config)
        taken = [*self._touched, *(other.token for other in self._new)]
        mine = user_of(taken, self._config) or user_of(
            [token for node in self._roots.values() for token in node.identifiers], self._config
        )
        return tuple(dict.fromkeys([*before, *filter(None, (owner, mine))]))

    def _people(self, users: Sequence[str]) -> set[str]:
        """The people they are today: two of them may have become one."""
        self._known.fetch(users)
        roots = {token: self._known.root(token) for token in users}
        mine = {one.token for one in self._new}
        return {
            "this one" if token in mine or root in self._roots else root or token
            for token, root in roots.items()
        }

    def _evicted(self) -> set[str]:
        """Those over the limit of a namespace that evicts: the longest unseen, then by value."""
        members = [node.identifiers for node in self._roots.values()]
        if len(self._new) + sum(map(len, members)) <= self._config.evicts_from:
            return set()
        new = [one.token for one in self._new]
        evicted: set[str] = set()
        for excess, tokens in overfull(members, new, self._claim.time, self._config):
            self._known.fetch(tokens)
            evicted.update(sorted(tokens, key=self._last_seen)[:excess])
        return evicted

    def _last_seen(self, token: str) -> tuple[Millis, str, str]:
        now = {one.token: one.value for one in self._claim.links}
        held = self._known.holding(token)
        last = held.last if held and held.linked else Millis(0)
        if token in self._touched or any(one.token == token for one in self._new):
            last = max(last, self._claim.time)
        return last, now.get(token, ""), token


def _sorted_out(
    claim: Claim, known: Known
) -> tuple[list[Identifier], list[Identifier], list[Identifier]]:
    """Those that may link, the shared ones, and those that were unbound or erased since."""
    linkable, shared, stale = [], list(claim.shared), []
    for one in claim.links:
        held = known.holding(one.token)
        if held is None or held.linked:
            linkable.append(one)
        elif held.state == SHARED:
            shared.append(one)
        elif claim.time <= held.cut:
            stale.append(one)
        else:
            linkable.append(one)
    return linkable, shared, stale


def _moves(rules: Namespace, *, sure: bool) -> bool:
    return rules.on_conflict == "move" or (rules.on_conflict == "move_if_verified" and sure)


def _is_over(one: Identifier, held: Holding | None, time: Millis) -> bool:
    """Whether it was not seen for longer than its kind lives: it is nobody's then."""
    ttl = one.rules.ttl
    return ttl is not None and held is not None and held.last + ttl < time


def _by_strength(
    links: Sequence[Identifier], known: Known, time: Millis
) -> list[tuple[Identifier, ProfileId | None]]:
    """Strongest first: by rank, known before new, by their profiles, by value."""
    found = [
        (one, None if _is_over(one, known.holding(one.token), time) else known.root(one.token))
        for one in links
    ]
    if len(found) < 2:
        return found
    last = SurvivorKey(True, Millis(0), ProfileId(""))

    def strength(pair: tuple[Identifier, ProfileId | None]) -> tuple[object, ...]:
        one, root = pair
        key = survivor_key(root, known.node(root)) if root is not None else last
        return (*one.order[:2], root is None, key, one.order[2:])

    return sorted(found, key=strength)
