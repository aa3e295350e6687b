"""What the store of identity holds: identifier records, profile nodes, and the log of merges.

Which of them counts: an identifier belongs to whom its record names, and the record names a live
profile. A node's list is what a merge has to repoint; it may hold more, never less.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec import Struct

from journeys.identity.tokens import ID_LENGTH
from schemas.inbox import Operated
from schemas.touchpoint import Millis, ProfileId

LINKED, FREE, SHARED = "", "!", "*"
"""States of an identifier, and how its record begins."""

FIRST_OF_LINKED = ord("-")
"""The least character of a profile id, which a linked record begins with; other states are less."""

ASSERTED, LAST = slice(23, 34), slice(35, 46)
"""Where a linked record has its times."""


class Link(Struct, frozen=True, array_like=True):
    """An identifier of a profile: first linked when (event time), and by which merged profile."""

    first: Millis
    origin: ProfileId = ProfileId("")


class Node(Struct, array_like=True):
    """A profile id that was ever given out. `to` is set once it is merged away: it is dead then.

    `known` (it ever had an identifier of a person) only becomes true, `created` (the smallest
    event time that linked something) only falls: who survives a merge depends on both.
    `apart` are profiles it was split from. Nothing can be linked to one that is `erased`, since
    that event time; it has no identifiers, and stays so that its id is never used again.
    """

    created: Millis
    known: bool = False
    to: ProfileId | None = None
    identifiers: dict[str, Link] = {}
    aliases: list[ProfileId] = []
    apart: list[ProfileId] = []
    erased: Millis = Millis(0)


class Merge(Struct, frozen=True, array_like=True, tag="merge"):
    """A note in identity's outbox: `loser` ended in `survivor`. A profile ends once.

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


Note = Merge | Operated
"""What waits in identity's outbox until it is in the inbox."""


class SurvivorKey(NamedTuple):
    """The least one survives. It only ever falls, so rings of merges cannot come about."""

    unknown: bool
    created: Millis
    profile: ProfileId


_encoder = msgspec.msgpack.Encoder()
_nodes = msgspec.msgpack.Decoder(Node)
_notes = msgspec.msgpack.Decoder(Note)


class Holding(Struct, frozen=True, gc=False):
    """Whose an identifier is. A `shared` one has a device profile, a `free` one had `owner` last.

    `asserted` is the latest event time at which it took part together with another identifier,
    `last` at which it took part. What linked it at `cut` or before is void: it was unbound or
    erased. `users` are tokens of people it was taken from, or refused to. Whose it was at `erased`
    or before was erased then: no touchpoint of that time is anybody's.
    """

    owner: ProfileId
    asserted: Millis
    last: Millis
    state: str = LINKED
    cut: Millis = Millis(0)
    generation: int = 0
    users: tuple[str, ...] = ()
    erased: Millis = Millis(0)

    @property
    def linked(self) -> bool:
        return self.state == LINKED


def encode_holding(held: Holding) -> bytes:
    """`<profile>|<asserted>|<last>`, times in ms as 11 hexadecimal digits that compare as text.

    What is rare follows, and a state other than linked comes first: no profile id begins so.
    """
    text = f"{held.state}{held.owner}|{held.asserted:011x}|{held.last:011x}"
    if held.cut or held.generation or held.users:
        text += f"|{held.cut:x}|{held.generation:x}|{','.join(held.users)}"
    if held.erased:
        text += f"|{held.erased:x}"
    return text.encode()


def decode_holding(record: bytes) -> Holding:
    state, record = (LINKED, record) if is_linked(record) else (chr(record[0]), record[1:])
    owner, asserted, *rest = record.decode().split("|")
    last = rest[0] if rest else asserted
    held = Holding(ProfileId(owner), _millis(asserted), _millis(last), state)
    if len(rest) < 2:
        return held
    cut, generation, users = rest[1:4]
    return Holding(
        *(held.owner, held.asserted, held.last, state, _millis(cut), int(generation, 16)),
        tuple(users.split(",")) if users else (),
        _millis(rest[4]) if len(rest) > 4 else Millis(0),
    )


def erased_among(records: Mapping[str, bytes | None]) -> dict[str, Millis]:
    """Those of these identifiers whose person was erased once, with the latest event time of it."""
    rare = [
        (token, raw)
        for token, raw in records.items()
        if raw and (len(raw) > LAST.stop or raw[0] < FIRST_OF_LINKED)
    ]
    return {token: at for token, raw in rare if (at := decode_holding(raw).erased)}


def is_linked(record: bytes) -> bool:
    """Whether a record names the profile it belongs to, in its first 22 bytes."""
    return record[0] >= FIRST_OF_LINKED


def owner_of(record: bytes) -> ProfileId:
    """The profile a linked identifier's record names."""
    return ProfileId(record[:ID_LENGTH].decode())


def holder_of(record: bytes | None) -> ProfileId | None:
    """The profile an identifier belongs to; None for one that is nobody's, or is shared."""
    return owner_of(record) if record and is_linked(record) else None


def repointed(record: bytes, profile: ProfileId) -> bytes:
    """The same linked record with another owner."""
    return profile.encode() + record[ID_LENGTH:]


def touched(record: bytes, seen: bytes) -> bytes | None:
    """A record that was also seen at the times of another one; None where the owner differs."""
    if record[:ID_LENGTH] != seen[:ID_LENGTH]:
        return None
    asserted = max(record[ASSERTED], seen[ASSERTED])
    last = max(record[LAST], seen[LAST])
    return b"|".join((record[:ID_LENGTH], asserted, last)) + record[LAST.stop :]


def seen_at(record: bytes, time: bytes, *, together: bool) -> bytes:
    """A linked record that was also seen at a written time, alone or together with another."""
    asserted, last = record[ASSERTED], max(record[LAST], time)
    if together:
        asserted = max(asserted, time)
    return b"|".join((record[:ID_LENGTH], asserted, last)) + record[LAST.stop :]


def written_time(time: int) -> bytes:
    """As in a record: earlier ones are less, as bytes, too."""
    return b"%011x" % time


def merge_of(
    survivor: tuple[ProfileId, Node],
    loser: tuple[ProfileId, Node],
    time: Millis,
    links: tuple[str, ...],
    cause: str,
    version: int,
) -> Merge:
    """The note on a merge that is about to happen."""
    (into, kept), (gone, lost) = survivor, loser
    return Merge(
        gone,
        into,
        time,
        cause,
        links,
        moved=tuple(lost.identifiers),
        loser_known=lost.known,
        loser_created=lost.created,
        survivor_known=kept.known,
        survivor_created=kept.created,
        aliases=tuple(lost.aliases),
        config=version,
    )


def moved_by(note: Note) -> tuple[str, ...]:
    """The identifiers that are somebody else's, or nobody's, by what a note tells of."""
    return note.moved if isinstance(note, Merge) else note.tokens


def encode(record: Node | Note) -> bytes:
    return _encoder.encode(record)


def decode_node(value: bytes) -> Node:
    return _nodes.decode(value)


def decode_note(value: bytes) -> Note:
    return _notes.decode(value)  # type: ignore[no-any-return]


def _millis(text: str) -> Millis:
    return Millis(int(text, 16))
