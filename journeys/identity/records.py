"""What the store of identity holds: identifier records, profile nodes, and the log of merges.

Which of them counts: an identifier belongs to whom its record names, and the record names a live
profile. A node's list is what a merge has to repoint; it may hold more, never less.
"""

from typing import NamedTuple

import msgspec
from msgspec import Struct

from journeys.identity.tokens import ID_LENGTH
from schemas.touchpoint import Millis, ProfileId


class Link(Struct, frozen=True, array_like=True):
    """An identifier of a profile: first linked when (event time), and by which merged profile."""

    first: Millis
    origin: ProfileId = ProfileId("")


class Node(Struct, array_like=True):
    """A profile id that was ever given out. `to` is set once it is merged away: it is dead then.

    `known` (it ever had an identifier of a person) only becomes true, `created` (the smallest
    event time that linked something) only falls: who survives a merge depends on both.
    """

    created: Millis
    known: bool = False
    to: ProfileId | None = None
    identifiers: dict[str, Link] = {}
    aliases: list[ProfileId] = []


class Merge(Struct, frozen=True, array_like=True):
    """One line of identity's outbox: `loser` ended in `survivor`. A profile ends once.

    `time` is the event time of what joined them, `cause` its name, `links` the tokens that did
    it, `moved` those that changed hands; `config` is the version of the rules.
    """

    loser: ProfileId
    survivor: ProfileId
    time: Millis
    cause: str = ""
    links: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    loser_known: bool = False
    loser_created: Millis = Millis(0)
    survivor_known: bool = False
    survivor_created: Millis = Millis(0)
    aliases: tuple[ProfileId, ...] = ()
    config: int = 1


class SurvivorKey(NamedTuple):
    """The least one survives. It only ever falls, so rings of merges cannot come about."""

    unknown: bool
    created: Millis
    profile: ProfileId


_encoder = msgspec.msgpack.Encoder()
_nodes = msgspec.msgpack.Decoder(Node)
_merges = msgspec.msgpack.Decoder(Merge)


def identifier_record(profile: ProfileId, asserted: Millis) -> bytes:
    """`<profile>|<event time of the claim that linked it, ms, hexadecimal>`; fields may follow."""
    return f"{profile}|{asserted:x}".encode()


def owner_of(record: bytes) -> ProfileId:
    """The profile an identifier's record names."""
    return ProfileId(record[:ID_LENGTH].decode())


def repointed(record: bytes, profile: ProfileId) -> bytes:
    """The same record with another owner."""
    return profile.encode() + record[ID_LENGTH:]


def encode(record: Node | Merge) -> bytes:
    return _encoder.encode(record)


def decode_node(value: bytes) -> Node:
    return _nodes.decode(value)


def decode_merge(value: bytes) -> Merge:
    return _merges.decode(value)
