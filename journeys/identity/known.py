"""What a claim or an operation comes to; and most of the stream, to which nothing has to be done.

Who is known by all that a touchpoint says, and was seen not long ago, is answered without a
decision. It is what `decide` would say: a law of the contract tests holds it to that.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from journeys.identity.claims import Claim, Rejection
from journeys.identity.records import FIRST_OF_LINKED, LAST, written_time
from schemas.touchpoint import ProfileId

_PLAIN = LAST.stop
"""Bytes of a linked record to which nothing rare has happened: no erasure, for one."""


class Decision(Struct, frozen=True, gc=False):
    """`profile` None: nothing in the claim can identify. `links` are the tokens that took part.

    `merges` are (loser, survivor), in order. `erased`: it is of somebody who was erased since;
    `refused`: nobody can be meant by an operation.
    """

    profile: ProfileId | None
    links: tuple[str, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    merges: tuple[tuple[ProfileId, ProfileId], ...] = ()
    erased: bool = False
    refused: bool = False


def known(
    claims: Sequence[object], records: Mapping[str, bytes | None], fresh: int
) -> list[Decision | None]:
    """For each claim the decision, where it is one of these; it holds until one before it in the
    batch changes a record of its identifiers.

    Not long ago is at `fresh` or later, and together with another identifier if there is one.
    """
    since, found = written_time(fresh), list[Decision | None]()
    # In one loop: a call for each identifier of the stream would cost as much as all this does.
    for claim in claims:
        answer = None
        if isinstance(claim, Claim) and claim.tokens and not claim.looks_up:
            tokens = claim.tokens
            alone = len(tokens) == 1
            first = records[tokens[0]]
            owner = first[:22] if first else b""
            for token in tokens:
                raw = records[token]
                if not raw or raw[:22] != owner or raw[35:46] < since or len(raw) != _PLAIN:
                    break
                if raw[0] < FIRST_OF_LINKED or (raw[23:34] < since and not alone):
                    break
            else:
                answer = Decision(ProfileId(owner.decode()), tokens, claim.rejected)
        found.append(answer)
    return found
