"""Every topic: its name, what it must be, how many partitions it has. Names live nowhere else."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from zlib import crc32

DAY_MS = 24 * 3600 * 1000
SHARDS = 12
"""Partitions of the inbox unless a workspace was created with another number."""


TASKS = "task"
"""The topic of tasks is named like that of a channel; no channel has this name."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a topic must be. `config` holds only what correctness or retention asks for."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Topics:
    """The names of one workspace's topics; `prefix` is put before each (`acme.inbox`)."""

    prefix: str = ""

    def named(self, name: str) -> str:
        return f"{self.prefix}.{name}" if self.prefix else name

    @property
    def touchpoints(self) -> str:
        return self.named("touchpoints")

    @property
    def imported(self) -> str:
        return self.named("touchpoints.import")

    @property
    def inbox(self) -> str:
        return self.named("inbox")

    @property
    def cursors(self) -> str:
        return self.named("wayline.cursors")

    @property
    def maps(self) -> str:
        return self.named("wayline.maps")

    @property
    def transitions(self) -> str:
        return self.named("journey.transitions")

    @property
    def merges(self) -> str:
        return self.named("identity.merges")

    def actions(self, channel: str) -> str:
        return self.named(f"actions.{channel}")

    def output(self, kind: str) -> str:
        """The topic of an output of the fold: `transitions`, `merges` or `actions.<channel>`."""
        own = {"transitions": self.transitions, "merges": self.merges}
        return own.get(kind) or self.named(kind)

    def dead_letters(self, topic: str) -> str:
        """`topic` is the full name of a source, prefix and all."""
        return f"{topic}.dlq"

    def sources(self, extra: Iterable[str] = ()) -> list[str]:
        """The topics stitch reads; `extra` are those the published `sources` name."""
        return [self.touchpoints, self.imported, *(t for t in dict.fromkeys(extra))]

    def specs(
        self, channels: Iterable[str], extra: Iterable[str] = (), shards: int = SHARDS
    ) -> list[TopicSpec]:
        """All topics of a workspace with these channels and these sources beside our two."""
        month, week = _kept(30), _kept(7)
        sources = self.sources(extra)
        log = month | {"message.timestamp.type": "LogAppendTime"}
        compacted = {
            "cleanup.policy": "compact",
            "segment.ms": "600000",
            "segment.bytes": str(4 << 20),
            "min.cleanable.dirty.ratio": "0.1",
        }
        outputs = [self.transitions, self.merges, *(self.actions(c) for c in (*channels, TASKS))]
        return [
            *(TopicSpec(name, SHARDS, week) for name in sources),
            *(TopicSpec(self.dead_letters(name), 1, month) for name in sources),
            TopicSpec(self.inbox, shards, log),
            *(TopicSpec(name, SHARDS, month) for name in outputs),
            TopicSpec(self.cursors, SHARDS, compacted),
            TopicSpec(self.maps, 1, {"cleanup.policy": "compact"}),
        ]


def shard_of(profile: str, shards: int) -> int:
    """The shard, which is the inbox partition, of a profile: fixed for the life of the topic."""
    return crc32(profile.encode()) % shards


def _kept(days: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * DAY_MS)}
