"""What a claim or an operation comes to."""

from msgspec import Struct

from journeys.identity.claims import Rejection
from schemas.touchpoint import ProfileId


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
