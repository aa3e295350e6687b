"""What the feed asks of the code that owns a partition."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from aiokafka import ConsumerRecord, TopicPartition


class Rewind(Exception):
    """Raised by an owner: read again from `offset`. What is queued beyond is forgotten."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"read again from offset {offset}")
        self.offset = offset


class Owner(Protocol):
    """Owns one partition from its take-over to its revocation; never called twice at a time.

    Any exception but Rewind ends the worker with nothing of that batch counted as done.
    """

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Returns when all of `records` is published and stored; may raise Rewind.

        They are in offset order; offsets have gaps (transaction markers). Up to 1,000.
        """

    async def idle(self) -> None:
        """Called about once a second between batches, busy or not; may raise Rewind."""

    async def close(self) -> None:
        """The partition is given up; nothing is called after it."""


TakeOver = Callable[[set[TopicPartition]], Awaitable[Mapping[TopicPartition, tuple[Owner, int]]]]
"""Makes the owner of each partition just assigned and says from which offset to read."""
