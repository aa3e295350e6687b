"""Cursors: how far each transactional id has published, in a compacted topic.

They are records, written in the transaction they belong to, and no consumer-group offsets: those
expire when idle, and operators delete dead groups. A missing cursor is never taken for zero.
"""

from hashlib import blake2b

import msgspec

from journeys.engine.effects import FOLD_VERSION
from schemas.topics import Topics

from .kafka import KafkaConnection
from .ports import Cursor, Halt, Outgoing
from .reading import read_to_end


def stitch_name(topics: Topics, topic: str, partition: int) -> str:
    """The transactional id and cursor key of a source; `topic` is its full name."""
    return topics.named(f"stitch-{topic}-{partition}")


def fold_name(topics: Topics, shard: int) -> str:
    """The transactional id and cursor key of a shard."""
    return topics.named(f"fold-{shard}")


def cursor_record(topics: Topics, name: str, cursor: Cursor) -> Outgoing:
    """The record that moves a cursor. It goes where the hash of its key leads."""
    return Outgoing(topics.cursors, name.encode(), msgspec.json.encode(cursor))


def output_print(record: Outgoing) -> str:
    """A short print of an output: the same work done again must have the same."""
    parts = (record.topic.encode(), record.key or b"", record.value or b"")
    digest = blake2b(digest_size=8)
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()


async def read_cursors(connection: KafkaConnection, topics: Topics) -> dict[str, Cursor]:
    """All committed cursors by name, read to the high watermark.

    Ask only after the predecessor was fenced: before that its last one may still be hidden.
    Raises Halt where one cannot be read or was written by a newer Wayline.
    """
    values = {r.key.decode(): r.value async for r in read_to_end(connection, [topics.cursors])}
    return {
        name: _decoded(name, value)  # not while reading: a reader left half way stays open
        for name, value in values.items()
        if value is not None
    }


def missing_cursor(topics: Topics, name: str) -> Halt:
    return Halt(
        f"{name} has no cursor in {topics.cursors}, so it is not known what it has published. "
        "For a partition that was just added run `wayline topics create`; else find the position "
        f"(headers of its last output) and run `wayline cursor set {name} <next offset>`."
    )


def _decoded(name: str, value: bytes) -> Cursor:
    try:
        cursor = msgspec.json.decode(value, type=Cursor)
    except msgspec.MsgspecError as error:
        raise Halt(f"The cursor of {name} cannot be read: {error}") from error
    if cursor.fold_version > FOLD_VERSION:
        raise Halt(
            f"The cursor of {name} was written by a newer Wayline (fold version "
            f"{cursor.fold_version}, here {FOLD_VERSION}). Run that one."
        )
    return cursor
