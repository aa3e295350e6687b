"""The records of the inbox, the one ordered truth of a shard.

All of them are folded in offset order and nothing else changes a person. They are tagged
arrays in msgpack: fields are only ever appended, with defaults, so an old log stays readable.
"""

from typing import Literal, NamedTuple, get_args

import msgspec
from msgspec import Struct

from .touchpoint import Millis, ProfileId, Touchpoint


class Arrived(Struct, frozen=True, array_like=True, tag="arrived", gc=False):
    """A touchpoint whose person is known.

    `links` are the tokens of the identifiers that took part: repair asserts them again.
    `origin` is where it was read: source topic, partition, offset.
    """

    profile: ProfileId
    touchpoint: Touchpoint
    links: tuple[str, ...]
    origin: tuple[str, int, int]


class Forwarded(Struct, frozen=True, array_like=True, tag="forwarded"):
    """A touchpoint that reached a profile after its merge, on its way to the survivor."""

    profile: ProfileId
    touchpoint: Touchpoint
    links: tuple[str, ...] = ()


class Emitted(Struct, frozen=True, array_like=True, tag="emitted"):
    """A touchpoint that a map made of the person; `hops` counts those before it in a chain, and it.

    It is forwarded as it is when it reaches a redirect.
    """

    profile: ProfileId
    touchpoint: Touchpoint
    hops: int = 1


class Merged(Struct, frozen=True, array_like=True, tag="merged"):
    """Identity found that `loser` and `survivor` are one person; read in the loser's shard.

    The redirect is kept for `kept` ms; 0: for ever.
    """

    loser: ProfileId
    survivor: ProfileId
    kept: int = 0


class MergeIn(Struct, frozen=True, array_like=True, tag="merge_in"):
    """All that `loser` was, for `profile` to unite with. `passed` are redirects gone through."""

    loser: ProfileId
    profile: ProfileId
    passed: tuple[ProfileId, ...]
    state: bytes


class Tick(Struct, frozen=True, array_like=True, tag="tick"):
    """All that reached the touchpoint topics before `until` has been stitched.

    `marks` holds event-time marks of sources that declare a lateness.
    """

    until: Millis
    marks: dict[str, Millis] = {}


class Opened(Struct, frozen=True, array_like=True, tag="opened"):
    """First record of a shard: `clock` is `wall` or `event`, for ever."""

    clock: str
    fold_version: int


class Published(Struct, frozen=True, array_like=True, tag="published"):
    """From here on this release is in force: settings by digest, maps by name and version.

    `texts` has the digest of each map whose text is not the first that bore its version.
    """

    settings: str
    maps: dict[str, int]
    texts: dict[str, str] = {}


class Held(Struct, frozen=True, array_like=True, tag="held"):
    """From here on no action leaves this shard (the panic button)."""

    reason: str = ""


class Released(Struct, frozen=True, array_like=True, tag="released"):
    """The gate is open again; held actions are judged anew by the Ticks that follow."""


class Paused(Struct, frozen=True, array_like=True, tag="paused"):
    """From here on nothing this map sends leaves: it is held, or discarded with `discard`.

    Held longer than `max_staleness` ms after it was due, it does not leave either; 0: no matter.
    """

    map: str
    mode: Literal["hold", "discard"] = "hold"
    max_staleness: int = 0


class Resumed(Struct, frozen=True, array_like=True, tag="resumed"):
    """The map sends again and lets people in; what it held is judged anew by Ticks."""

    map: str


class Drained(Struct, frozen=True, array_like=True, tag="drained"):
    """From here on the map lets nobody in; those who are in it go on."""

    map: str


class Stopped(Struct, frozen=True, array_like=True, tag="stopped"):
    """All who are in the map end, each when she is next looked at; only a version published
    later lets anybody in."""

    map: str


class Archived(Struct, frozen=True, array_like=True, tag="archived"):
    """The map is forgotten, where nobody is in it."""

    map: str


class Retried(Struct, frozen=True, array_like=True, tag="retried"):
    """The stuck instances of a profile may try again."""

    profile: ProfileId


class Operated(Struct, frozen=True, array_like=True, tag="operated"):
    """Identity was changed by hand (unbind, erase, split, unshare), or an identifier left
    somebody by the rules (moved, shared, evicted). A merge is told of by `Merged`.

    `tokens` are the identifiers that left `profile`; those of a split, and one that moved, are
    `other`'s. By hand, what linked them at `time` (event time) or before is void. An erasure
    tells all ids that `profile` had, and is remembered for `kept` ms; 0: for ever.
    """

    kind: str
    profile: ProfileId
    tokens: tuple[str, ...]
    time: Millis
    other: ProfileId = ProfileId("")
    cause: str = ""
    aliases: tuple[ProfileId, ...] = ()
    kept: int = 0

    @property
    def profiles(self) -> tuple[ProfileId, ...]:
        """All whom it concerns."""
        return (self.profile, *((self.other,) if self.other else ()), *self.aliases)


class Forget(Struct, frozen=True, array_like=True, tag="forget"):
    """`profile` is an id that `of` had, who was erased; remembered for `kept` ms, 0: for ever."""

    profile: ProfileId
    of: ProfileId
    kept: int = 0


class Forgotten(Struct, frozen=True, array_like=True, tag="forgotten"):
    """The shard of `part`, an id that the erased `profile` had, keeps nothing of it any more."""

    profile: ProfileId
    part: ProfileId


class Recounted(Struct, frozen=True, array_like=True, tag="recounted"):
    """What touchpoints that were not counted at the time come to in a computed trait.

    They are those that `of` had, on its way to whoever it is now (`profile`), from the log before
    `trait`, by id, came into force for the `gap`-th time. `figures`: bucket -> figure, in msgpack.
    """

    profile: ProfileId
    of: ProfileId
    trait: str
    gap: int
    figures: bytes


class Marked(Struct, frozen=True, array_like=True, tag="marked"):
    """A source has told of all, or as good as all, that happened to it before `upto`."""

    source: str
    upto: Millis


InboxRecord = (
    Arrived
    | Forwarded
    | Merged
    | MergeIn
    | Tick
    | Opened
    | Published
    | Held
    | Released
    | Retried
    | Emitted
    | Marked
    | Paused
    | Resumed
    | Drained
    | Stopped
    | Operated
    | Archived
    | Forget
    | Forgotten
    | Recounted
)


class Logged(NamedTuple):
    """A record with its offset and the broker's stamp on it, as the fold reads it."""

    offset: int
    stamp: Millis
    record: InboxRecord


_KINDS = frozenset(each.__struct_config__.tag for each in get_args(InboxRecord))
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(InboxRecord)


def encode(record: InboxRecord) -> bytes:
    """The bytes of a record as they stand in the inbox."""
    return _encoder.encode(record)


def decode(value: bytes) -> InboxRecord:
    """The record in these bytes.

    Raises msgspec.DecodeError where they are none: the inbox is ours, so that halts the shard.
    """
    return _decoder.decode(value)  # type: ignore[no-any-return]


def is_of_later(value: bytes) -> str | None:
    """The kind of a record that is one of ours and that this release does not know; else None."""
    try:
        kind = msgspec.msgpack.decode(value)[0]
    except (msgspec.DecodeError, LookupError, TypeError):
        return None
    return kind if isinstance(kind, str) and kind not in _KINDS else None


def recipient(record: InboxRecord) -> ProfileId | None:
    """The profile in whose shard the record belongs; None for those that concern a shard."""
    match record:
        case Arrived() | Forwarded() | Emitted() | MergeIn() | Retried() | Recounted():
            return record.profile
        case Operated() | Forget() | Forgotten():
            return record.profile
        case Merged():
            return record.loser
        case _:
            return None
