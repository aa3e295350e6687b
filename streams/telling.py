"""What identity's outbox holds, as others hear of it: the inbox, and readers of `identity.merges`.

The same note makes the same records whoever tells it, and however often.
"""

from collections.abc import Sequence

import orjson
from msgspec.structs import replace

from journeys.engine.ids import cause_id
from journeys.identity.config import IdentityConfig
from journeys.identity.records import Merge, Note
from schemas import inbox
from schemas.inbox import InboxRecord, Merged, Operated
from schemas.topics import Topics, shard_of
from schemas.touchpoint import ProfileId

from .ports import Outgoing, Waiting

ROWS = {
    "unbind": "identifier.unbound",
    "unshare": "identifier.unshared",
    "moved": "identifier.moved",
    "shared": "identifier.shared",
    "evicted": "identifier.evicted",
    "split": "profile.split",
}
"""Types of rows by kind. Of an erasure the fold tells, once all shards have done it."""


def told(
    outbox: Sequence[Waiting], topics: Topics, shards: int, config: IdentityConfig
) -> tuple[list[Outgoing], list[Outgoing]]:
    """The records of merges, and those of all else; each with its row.

    Merges go before, all else behind the touchpoints of a batch: whatever these were decided
    upon is known to their shard then.
    """
    merges: list[Outgoing] = []
    others: list[Outgoing] = []
    for waiting in outbox:
        note = waiting.note
        record = _record(note, config)
        profile = record.loser if isinstance(record, Merged) else record.profile
        part = merges if isinstance(note, Merge) else others
        part.append(to_inbox(topics, shards, profile, record))
        if (row := _row(note)) is not None:
            row |= {"tenant": config.tenant} if config.tenant else {}
            part.append(Outgoing(topics.merges, profile.encode(), orjson.dumps(row)))
    return merges, others


def to_inbox(topics: Topics, shards: int, profile: ProfileId, record: InboxRecord) -> Outgoing:
    """The record on its way to this profile's shard."""
    partition = shard_of(profile, shards)
    return Outgoing(topics.inbox, profile.encode(), inbox.encode(record), partition=partition)


def _record(note: Note, config: IdentityConfig) -> Merged | Operated:
    if isinstance(note, Merge):
        return Merged(note.loser, note.survivor, config.alias_ttl)
    return replace(note, kept=config.tombstone_ttl) if note.kind == "erase" else note


def _row(note: Note) -> dict[str, object] | None:
    if isinstance(note, Merge):
        return _merged(note)
    if note.kind not in ROWS:
        return None
    return {
        "type": ROWS[note.kind],
        "id": cause_id(note.kind, note.profile, note.cause, *note.tokens),
        "from": note.profile,
        "into": note.other or None,
        "identifiers": note.tokens,
        "ts": note.time,
        "cause": {"event_id": note.cause},
    }


def _merged(merge: Merge) -> dict[str, object]:
    """A profile dies once, so `from` names the row."""
    return {
        "type": "profile.merged",
        "id": merge.loser,
        "config": merge.config,
        "from": merge.loser,
        "into": merge.survivor,
        "from_aliases": merge.aliases,
        "ts": merge.time,
        "cause": {"event_id": merge.cause, "links": merge.links},
        "from_state": {"known": merge.loser_known, "created": merge.loser_created},
        "into_state": {"known": merge.survivor_known, "created": merge.survivor_created},
        "moved": merge.moved,
    }
