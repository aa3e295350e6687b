"""What a batch of claims has to read before it is decided, and all that it writes afterwards."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from journeys.identity.config import IdentityConfig
from journeys.identity.records import Note, decode_holding, is_linked, owner_of
from journeys.identity.tokens import ID_LENGTH, profile_id
from schemas.touchpoint import ProfileId


class Unread(Exception):
    """A decision needs the nodes of `profiles` and the records of `tokens`, not read yet."""

    def __init__(self, profiles: Iterable[ProfileId] = (), tokens: Iterable[str] = ()) -> None:
        self.profiles, self.tokens = tuple(profiles), tuple(tokens)
        super().__init__(*self.profiles, *self.tokens)


class HasTokens(Protocol):
    """A claim or an operation: it is about the identifiers of these."""

    @property
    def tokens(self) -> tuple[str, ...]: ...


@dataclass(slots=True)
class Plan:
    """All that a batch changes: {key: (expected, new)}, where b"" expects that it is not there.

    `repoints` are (token, from, to) for identifiers of a loser which the batch did not read: they
    belong to the node, which is compared, so they are not. `touches` only note that an identifier
    was seen where it is: of two, the later times count, and only another owner is a conflict.
    `notes` are for the outbox, where they say that they are `by` this source. What stands in
    `lapses` may be forgotten after so many ms.
    """

    records: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    nodes: dict[ProfileId, tuple[bytes, bytes]] = field(default_factory=dict)
    repoints: list[tuple[str, ProfileId, ProfileId]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    by: str = ""
    touches: dict[str, bytes] = field(default_factory=dict)
    lapses: dict[str, int] = field(default_factory=dict)

    def lapse(self, keys: Iterable[str], ttl: int) -> None:
        """Lets these be forgotten after `ttl` ms; 0: never."""
        if ttl:
            self.lapses |= dict.fromkeys(keys, ttl)

    def __bool__(self) -> bool:
        return bool(self.records or self.nodes or self.notes or self.touches)


def wanted_nodes(
    claims: Sequence[HasTokens], records: Mapping[str, bytes | None], config: IdentityConfig
) -> list[ProfileId]:
    """The nodes that these claims need for sure; none if all their people are known."""
    wanted: dict[ProfileId, None] = {}
    for claim in claims:
        found = [records[token] for token in claim.tokens]
        if _of_one(found):
            continue
        owners = {owner_of(record) for record in found if record and is_linked(record)}
        wanted.update(dict.fromkeys(owners))
        if not owners:
            wanted[_next_profile(claim.tokens[0], found[0], config)] = None
    return list(wanted)


def _of_one(records: Sequence[bytes | None]) -> bool:
    """Whether all of them name one profile, or there are none."""
    first = records[0] if records else b""
    if first is None or (first and not is_linked(first)):
        return False
    for record in records:
        if record is None or record[:ID_LENGTH] != first[:ID_LENGTH]:
            return False
    return True


def _next_profile(token: str, record: bytes | None, config: IdentityConfig) -> ProfileId:
    """The id of the profile that would begin with this identifier."""
    generation = decode_holding(record).generation if record else 0
    return profile_id(token, generation, config.key)
