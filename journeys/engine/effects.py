"""What a fold causes: bytes for Redis, outputs for Kafka. Plain data, no behaviour."""

from collections import Counter
from dataclasses import dataclass, field

from msgspec import Struct

from schemas.touchpoint import Millis, ProfileId

FOLD_VERSION = 1
"""Raised only when the meaning of the log changes; a worker older than its shard refuses it."""


class Pause(Struct, array_like=True):
    """A map whose gate is shut: `mode` is `hold` or `discard`, `max_staleness` and `since` ms."""

    mode: str
    max_staleness: int
    since: int


class Stop(Struct, array_like=True):
    """The versions of a map in which nobody is any more, since `at`."""

    versions: list[int]
    at: int


class Move(Struct, array_like=True):
    """People in these versions of a map went over to version `to` at `at` (`on_publish`)."""

    versions: list[int]
    to: int
    at: int


class Round(Struct, array_like=True):
    """Everybody in the shard is looked at once, in (due, id) order; it stands behind these."""

    due: int = -1
    id: str = ""


class Announced(Struct, frozen=True, array_like=True):
    """What a publication brought that a round has to tell people of (`engine.occasions`).

    It counts from `since`, ms; `number` is that of the announcement.
    """

    definition: str
    number: int
    since: int


class Shard(Struct, array_like=True):
    """The facts of one shard, stored beside its offset. Changed in place by the fold.

    `time` moves with Ticks only and fires timers; `log_time` is the largest broker's stamp seen
    (with the event clock, the largest event time) and judges what a person would notice.
    """

    number: int
    shards: int
    time: Millis = Millis(0)
    log_time: Millis = Millis(0)
    clock: str = "wall"
    fold_version: int = FOLD_VERSION
    settings: str = ""
    maps: dict[str, int] = {}
    held: bool = False
    marks: dict[str, Millis] = {}
    known: dict[str, list[int]] = {}
    """Every version of each map that was ever in force here: people may still be in it."""
    held_since: Millis = Millis(0)
    held_for: str = ""
    """The reason given last; it decides nothing."""
    paused: dict[str, Pause] = {}
    draining: list[str] = []
    stopped: dict[str, Stop] = {}
    resumes: int = 0
    """How many maps were resumed so far: what a map held before is judged anew after one more."""
    moves: dict[str, list[Move]] = {}
    """Of each map, in order: somebody may come from a shard that has not heard of one yet."""
    round: Round | None = None
    heads: dict[str, int] = {}
    """`<map>/<version>/<stage>` -> instances in it now."""
    texts: dict[str, str] = {}
    """Digests of the maps in force that were published anew under the same version."""
    announced: dict[str, Announced] = {}
    announcements: int = 0
    """How many publications had something to announce."""
    since: dict[str, int] = {}
    """Computed trait, by id -> the inbox offset from which on it is counted."""


class Output(Struct, frozen=True, gc=False):
    """A record for Kafka. `offset` is the inbox offset that caused it.

    `kind` names the topic without its prefix: `inbox`, `transitions`, `merges` or
    `actions.<channel>`. An `inbox` output goes to the shard of `key`, a profile id.
    """

    offset: int
    kind: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(slots=True)
class Effects:
    """All that one fold of a batch changes; a profile that is gone is None.

    `due` and `gate` index the profiles changed: the next moment to look at one (ms), and since
    when an action of hers stands at the shut gate. None takes her out of the index.
    `counts` maps (day `2026-11-25`, `<map>/<version>/<edge>`) to an increment.
    """

    profiles: dict[ProfileId, bytes | None] = field(default_factory=dict)
    due: dict[ProfileId, Millis | None] = field(default_factory=dict)
    gate: dict[ProfileId, Millis | None] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    outputs: list[Output] = field(default_factory=list)
