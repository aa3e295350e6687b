"""What a profile keeps of what leaves it: a split under way, and the tombstone of an erasure."""

from collections.abc import Iterable
from zlib import crc32

from msgspec import Struct

NOWHERE = "!"
"""Where the tombstone of an erased person leads."""


class Parting(Struct, array_like=True):
    """A split that is under way: what came by `tokens` goes to `other` at the first Tick after
    `due`. `identifiers` have left already.
    """

    id: str
    other: str
    tokens: list[str]
    due: int
    identifiers: dict[str, list[str]]


class Erasure(Struct, array_like=True):
    """What stays of an erased person until that time (0: for ever), or of an id she had (`of`).

    `awaited` are ids of hers whose shards have not forgotten her yet; `asked` are cause and event
    time of requests that are still to be reported, `causes` those of all. `stored`: a Tick has
    come by.
    """

    until: int
    of: str = ""
    aliases: list[str] = []
    awaited: list[str] = []
    asked: list[tuple[str, int]] = []
    causes: list[str] = []
    stored: bool = False


def print_of(links: Iterable[str]) -> int:
    """Tells by which identifiers a touchpoint came, given their tokens in any order."""
    found = 0
    for token in links:
        found ^= crc32(token.encode())
    return found
