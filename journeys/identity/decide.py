"""Whose is a touchpoint? The decision for one claim, on what is known of its identifiers.

Pure, and nothing is changed here: `overlay` carries a verdict out. Limits, moves and shared
devices belong in the loop of `decide`; a verdict has room for what they refuse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from journeys.identity.claims import Claim, Identifier, Rejection
from journeys.identity.records import Node, SurvivorKey
from schemas.touchpoint import Millis, ProfileId


class Known(Protocol):
    """What is known when a claim is decided, the claims before it in the batch included."""

    def root(self, token: str) -> ProfileId | None:
        """The live profile an identifier leads to; None for a new one."""

    def node(self, profile: ProfileId) -> Node: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """`roots` are the profiles the claim joins, `new` the identifiers it links to them.

    No roots, but something new: a profile begins. Neither: the claim is nobody's.
    `rejected` are those of the claim that found no place here.
    """

    roots: tuple[ProfileId, ...]
    new: tuple[Identifier, ...]
    rejected: tuple[Rejection, ...] = ()
    refused: frozenset[str] = frozenset()


def decide(claim: Claim, known: Known) -> Verdict:
    """The verdict. The strongest identifier always answers; the order of writing is nothing."""
    roots: list[ProfileId] = []
    new: list[Identifier] = []
    refused: dict[str, Rejection] = {}
    for one, root in _by_strength(claim.links, known):
        if root is None:
            new.append(one)
        elif root in roots:
            continue
        elif why := _why_not(one, bool(roots), bool(new)):
            refused[one.token] = (f"{one.namespace}:{one.value}", why)
        else:
            roots.append(root)
    return Verdict(tuple(roots), tuple(new), tuple(refused.values()), frozenset(refused))


def survivor_key(profile: ProfileId, node: Node) -> SurvivorKey:
    """Known before unknown, then the oldest, then the id: the least survives."""
    return SurvivorKey(not node.known, node.created, profile)


def _why_not(one: Identifier, joined: bool, begun: bool) -> str:
    """Why a known identifier's profile may not be joined to what stronger ones found."""
    if one.link == "attach" and joined:
        return "attach_only"
    if one.link == "resolve" and (joined or begun):
        return "resolve_only"
    return ""


def _by_strength(
    links: Sequence[Identifier], known: Known
) -> list[tuple[Identifier, ProfileId | None]]:
    """Strongest first: by rank, known before new, by their profiles, by value."""
    found = [(one, known.root(one.token)) for one in links]
    if len(found) < 2:
        return found
    last = SurvivorKey(True, Millis(0), ProfileId(""))

    def strength(pair: tuple[Identifier, ProfileId | None]) -> tuple[object, ...]:
        one, root = pair
        key = survivor_key(root, known.node(root)) if root is not None else last
        return (*one.order[:2], root is None, key, one.order[2:])

    return sorted(found, key=strength)
