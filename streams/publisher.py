"""Publishing outputs together with the position they belong to, exactly once or at least once.

After any failure but a refused record the producer is thrown away: whether the transaction was
committed is then unknown until a new producer has settled it and the cursor is read again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.topics import Topics

from .cursors import (
    cursor_record,
    fold_name,
    missing_cursor,
    output_print,
    read_cursors,
    stitch_name,
)
from .kafka import KafkaConnection
from .ports import Cursor, Fenced, Outgoing, Publisher
from .sending import RecordRefused, packed, send

__all__ = [
    "AtLeastOnce",
    "ExactlyOnce",
    "RecordRefused",
    "fence_all",
    "fold_name",
    "publish_once",
    "send_acknowledged",
    "set_cursor",
    "stitch_name",
]

BATCH_BYTES = 256 << 10

SETTINGS: Mapping[str, Any] = {
    "acks": "all",
    "linger_ms": 0,  # all that is to go is known at once; waiting only adds to the latency
    "retry_backoff_ms": 5,  # with 100 a transaction takes twice as long (measured)
    "max_batch_size": BATCH_BYTES,
}
TRANSACTION_TIMEOUT_MS = 10_000
"""A reader behind an abandoned transaction waits this long, and up to 10 s more."""

AT_ONCE = 16
STOP_WITHIN = 5.0

log = structlog.get_logger()


class ExactlyOnce:
    """Publishers whose calls are one Kafka transaction each, fenced by their name."""

    def __init__(
        self,
        connection: KafkaConnection,
        topics: Topics,
        transaction_timeout_ms: int = TRANSACTION_TIMEOUT_MS,
    ) -> None:
        self._connection, self._topics = connection, topics
        self._timeout_ms = transaction_timeout_ms

    async def take_over(self, names: Sequence[str]) -> Mapping[str, Publisher]:
        """1 fences the predecessors, which settles their transactions, 2 then reads the cursors.

        Raises Halt for a name without a cursor, and KafkaError where Kafka is away; then nothing
        stays open.
        """
        producers = await _fenced(self._connection, names, self._timeout_ms)  # 1
        try:
            cursors = await _cursors_of(self._connection, self._topics, names)  # 2
        except BaseException:
            await asyncio.gather(*(_stopped(producer) for producer in producers.values()))
            raise
        return {
            name: _InTransactions(self._topics, name, cursors[name], producers[name])
            for name in names
        }

    async def close(self) -> None:
        """Nothing is shared: each publisher closes its own producer."""


class AtLeastOnce:
    """Publishers that share one idempotent producer; nothing is fenced, records may repeat."""

    def __init__(self, connection: KafkaConnection, topics: Topics) -> None:
        self._connection, self._topics = connection, topics
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()

    async def take_over(self, names: Sequence[str]) -> Mapping[str, Publisher]:
        """Reads the cursors. Raises Halt for a name without one."""
        cursors = await _cursors_of(self._connection, self._topics, names)
        return {name: _Acknowledged(self._topics, name, cursors[name], self) for name in names}

    async def producer(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._producer is None:
                made = AIOKafkaProducer(
                    **self._connection.client(), **SETTINGS, enable_idempotence=True
                )
                await _started(made)
                self._producer = made
            return self._producer

    async def discard(self, producer: AIOKafkaProducer) -> None:
        """Throws a broken producer away; the next call makes a new one."""
        if producer is self._producer:
            self._producer = None
        await _stopped(producer)

    async def close(self) -> None:
        if self._producer is not None:
            await self.discard(self._producer)


async def publish_once(
    connection: KafkaConnection, transactional_id: str, records: Sequence[Outgoing]
) -> None:
    """All of `records` in one transaction, or none. Raises RecordRefused, or Fenced when another
    process used the id meanwhile or the outcome is unknown.

    On the embedded broker they are sent in order, and a failure may leave a part.
    """
    if connection.embedded:
        await send_acknowledged(connection, records)
        return
    producers = await _fenced(connection, [transactional_id])
    try:
        await _in_transaction(producers[transactional_id], records)
    except RecordRefused:
        raise
    except Exception as error:  # noqa: BLE001 - AssertionErrors of aiokafka among them
        _fenced_by(transactional_id, error)
    finally:
        await _stopped(producers[transactional_id])


async def send_acknowledged(connection: KafkaConnection, records: Sequence[Outgoing]) -> None:
    """In order, each for itself: a failure may leave a part. For what may be there twice."""
    producer = AIOKafkaProducer(**connection.client(), **SETTINGS, enable_idempotence=True)
    await _started(producer)
    try:
        await send(producer, await packed(producer, records))
    finally:
        await _stopped(producer)


async def fence_all(connection: KafkaConnection, names: Sequence[str]) -> None:
    """Fences whoever holds these transactional ids; their open transactions are aborted."""
    if connection.embedded:
        return
    for start in range(0, len(names), AT_ONCE):
        producers = await _fenced(connection, names[start : start + AT_ONCE])
        await asyncio.gather(*(_stopped(producer) for producer in producers.values()))


async def set_cursor(connection: KafkaConnection, topics: Topics, name: str, position: int) -> None:
    """Writes a cursor by hand: fences the owner, which takes over again from there."""
    await publish_once(connection, name, [cursor_record(topics, name, Cursor(position))])


@dataclass(slots=True)
class _InTransactions:
    """One transactional id. Useless after the first failure: its owner takes over again."""

    topics: Topics
    name: str
    cursor: Cursor
    producer: AIOKafkaProducer
    broken: bool = False

    async def publish(self, records: Sequence[Outgoing], position: int, mark: int = 0) -> None:
        if self.broken:
            raise Fenced(f"{self.name}: its producer was thrown away")
        self.broken = True  # whatever ends this call early, cancellation too
        cursor = _moved(self.cursor, records, position, mark)
        moving = cursor_record(self.topics, self.name, cursor)
        try:
            await _in_transaction(self.producer, [*records, moving])
        except RecordRefused:
            raise
        except Exception as error:  # noqa: BLE001 - AssertionErrors of aiokafka among them
            await _stopped(self.producer)
            _fenced_by(self.name, error)
        self.broken, self.cursor = False, cursor

    async def close(self) -> None:
        self.broken = True
        await _stopped(self.producer)


@dataclass(slots=True)
class _Acknowledged:
    """Records first, then the cursor: done again after a failure, records may repeat."""

    topics: Topics
    name: str
    cursor: Cursor
    shared: AtLeastOnce

    async def publish(self, records: Sequence[Outgoing], position: int, mark: int = 0) -> None:
        cursor = _moved(self.cursor, records, position, mark)
        moving = cursor_record(self.topics, self.name, cursor)
        producer = await self.shared.producer()
        try:
            await send(producer, await packed(producer, records))
            await send(producer, await packed(producer, [moving]))
        except RecordRefused:
            raise
        except Exception as error:  # noqa: BLE001 - the producer is as broken as in transactions
            await self.shared.discard(producer)
            _fenced_by(self.name, error)
        self.cursor = cursor

    async def close(self) -> None:
        """The producer is shared; `AtLeastOnce.close` ends it."""


async def _in_transaction(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
    # Built outside: waiting for a topic's metadata may outlast the transaction.
    parcels = await packed(producer, records)
    async with producer.transaction():
        await send(producer, parcels)


def _moved(cursor: Cursor, records: Sequence[Outgoing], position: int, mark: int) -> Cursor:
    last = output_print(records[-1]) if records else ""
    return Cursor(position, last, mark=max(cursor.mark, mark))


async def _cursors_of(
    connection: KafkaConnection, topics: Topics, names: Sequence[str]
) -> dict[str, Cursor]:
    cursors = await read_cursors(connection, topics)
    for name in names:
        if name not in cursors:
            raise missing_cursor(topics, name)
    return cursors


async def _fenced(
    connection: KafkaConnection, names: Sequence[str], timeout_ms: int = TRANSACTION_TIMEOUT_MS
) -> dict[str, AIOKafkaProducer]:
    """A new producer of each name. `start` is init_transactions: from its return on the
    predecessor is fenced and its open transaction settled.
    """
    producers = {
        name: AIOKafkaProducer(
            **connection.client(),
            **SETTINGS,
            transactional_id=name,
            transaction_timeout_ms=timeout_ms,
        )
        for name in names
    }
    starts = await asyncio.gather(
        *(_started(producer) for producer in producers.values()), return_exceptions=True
    )
    for start in starts:
        if isinstance(start, BaseException):
            await asyncio.gather(*(_stopped(producer) for producer in producers.values()))
            raise start
    return producers


async def _started(producer: AIOKafkaProducer) -> None:
    try:
        await producer.start()
    except BaseException:
        await _stopped(producer)
        raise


async def _stopped(producer: AIOKafkaProducer) -> None:
    """Ends a producer, broken or whole. Twice is harmless."""
    with suppress(KafkaError, AssertionError, TimeoutError):
        await asyncio.wait_for(producer.stop(), STOP_WITHIN)


def _fenced_by(name: str, error: Exception) -> NoReturn:
    log.warning("publisher thrown away", name=name, why=repr(error))
    raise Fenced(f"{name}: {error!r}") from error
