"""One moment of everything the protocol touches: Kafka, Redis and the minds of the processes.

All of it is tuples, so that two moments that are equal are one node of the search. Time is a
small integer: the brokers' clock is `now`, the clock of Redis runs `World.skew` ahead of it.

Records of the inbox are tuples too: kind first, then whose they are.
    ("Arrived", profile, touchpoint, origin)          ("Forwarded", profile, touchpoint, hops)
    ("Merged", loser, survivor)                       ("MergeIn", profile, loser, passed, state)
    ("Tick", until, stamp)    ("Control", version)    ("Aborted", record)
Only a Tick carries a stamp, for nothing else looks at one.
Outputs are ("Action", id, version, due, history) and ("Send", shard, record).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

FAULTS = (
    "stcrash",  # the owner of a source dies
    "strebal",  # ... loses it and does not know: a zombie
    "focrash",  # the owner of a shard dies
    "forebal",  # ... becomes a zombie
    "retake",  # a zombie takes the shard over again
    "abort",  # a worker dies inside its transaction
    "roll",  # a shard in Redis falls back
    "idroll",  # identity falls back
    "idpart",  # ... on one of its primaries
    "joint",  # everything in Redis falls back together
    "progroll",  # the noted progress falls back
    "lostcur",  # a cursor is lost
    "ztick",  # a Tick comes from whoever
    "dupctl",  # a control record comes twice
    "hang",  # a neighbour's transaction stays open
)
_PLACE = {fault: place for place, fault in enumerate(FAULTS)}


class Violation(Exception):
    """An invariant does not hold; the message begins with its number."""


class Live(NamedTuple):
    """A profile. `timers` are (due, the touchpoint that armed it)."""

    history: tuple = ()
    seen: tuple = ()
    absorbed: tuple = ()
    timers: tuple = ()


class Gone(NamedTuple):
    """A redirect."""

    to: str


class Picture(NamedTuple):
    """A shard as stored. `fired` and `commits` are looked at by M2 and M3 only."""

    offset: int = 0
    time: int = 0
    version: int = 0
    fired: int = 0
    commits: int = 0
    profiles: tuple = ()


class Identity(NamedTuple):
    """`nodes` are (profile, oldest moment known, survivor or None), sorted by profile."""

    links: tuple
    nodes: tuple
    outbox: tuple


class Stitcher(NamedTuple):
    """The mind of a stitch worker. `current`: no later producer has fenced its own."""

    stage: str
    current: bool
    position: int | None
    hand: Any


class Folder(NamedTuple):
    """The mind of a fold worker: stored offset, cursor, and the batch between two acts."""

    stage: str
    current: bool = True
    offset: int | None = None
    cursor: int | None = None
    base: Picture | None = None
    new: Picture | None = None
    late: tuple = ()


class Owners(NamedTuple):
    """The two slots of a partition: its owner's, and one in which a zombie may go on."""

    owner: int
    slots: tuple


class State(NamedTuple):
    """Everything. Tuples by source: topics, progress, stitch_cursors, stitchers; others by shard.

    `topics` holds the moments (Redis's clock) at which the touchpoints came.
    """

    now: int
    topics: tuple
    identity: Identity
    valid: bool
    progress: tuple
    stitch_cursors: tuple
    stitchers: tuple
    inbox: tuple
    fold_cursors: tuple
    published: tuple
    stored: tuple
    folders: tuple
    told: tuple
    snapshot: Any
    hanging: Any
    budget: tuple


@dataclass(frozen=True, slots=True)
class Protections:
    """Every protection of the protocol, on. A mutant switches one off; its number stands beside."""

    # the store
    check: str = "offset"  # what commit.lua compares: M1 none, M3 commits
    chunks: bool = False  # a Tick is committed timer by timer: M2, M3
    load: bool = True  # load compares the offset: M29
    notice: bool = True  # an idle owner compares it too: M21
    publish_first: bool = True  # M8
    # the cursor
    cursor: str = "txn"  # where and when it is written: M5 after, M6 redis
    lost: str = "halt"  # what a missing one means: M7 zero
    made: bool = True  # written when the topic is made: M33
    read_end: str = "high"  # how far its reader reads: M35 stable
    read: str = "committed"  # M36 uncommitted
    silent: bool = True  # outputs below it are not emitted again: M9
    fence: bool = True  # M4
    fence_first: bool = True  # M25
    # stitch
    stitch: str = "tx"  # M10 alo (at least once)
    stitch_fence: bool = True  # M22
    outbox: str = "loose"  # what a batch sends of it: M34 own; "own first": the rest when idle
    committed: bool = True  # the inbox is read so: M11
    # the fold's rules
    remember: bool = True  # M12
    unite: bool = True  # remembered ids are united: M13
    forward: str = "tx"  # M14 drop, M15 after
    idempotent: bool = True  # a MergeIn counts once per loser: M16
    ring: str = "smallest"  # who opens one: M17 nobody, M17b anyone
    clock: str = "log"  # M18 worker
    stamps: str = "broker"  # M19 producer
    ties: str = "id"  # M20 worker
    version: str = "log"  # M30 outside
    # identity
    repair: bool = True  # M23
    refence: bool = True  # repair fences stitch first: M24
    repair_end: str = "high"  # M35b stable
    gate: bool = True  # stitch waits for the repair: M31
    resend: bool = True  # a missing Merged is appended: M32
    # time
    progress: str = "committed"  # when it may be noted: M26 read
    moment: str = "first"  # taken before the high watermark: M27 after
    capped: bool = True  # a Tick counts up to its stamp: M28
    absent: str = "zero"  # progress that Redis lost counts as: M37 skip
    # what at_least_once gives up
    may_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Touch:
    """A touchpoint: when it happened, of whom; `arm` is a timer's due moment."""

    time: int
    identifiers: tuple[str, ...]
    arm: int = 0
    cancels: str | None = None


@dataclass(frozen=True, slots=True)
class World:
    """What there is and what will come. `home` says in which shard a profile lives.

    `already` counts, per source, the touchpoints that are in it from the start.
    `calm`: the folds wait until stitch is done. `split`: reading identity and writing it are
    two steps, and zombies go on taking batches.
    """

    home: dict[str, int]
    touches: dict[str, Touch]
    sources: tuple[tuple[str, ...], ...] = ()
    inbox: tuple | None = None
    already: tuple[int, ...] | None = None
    now: int = 0
    skew: int = 0
    identity: tuple = ((), ())
    valid: bool = True
    stops: tuple[str, ...] = ()
    publication: bool = False
    one_person: bool = True
    ordered: bool = False
    watermark: bool = False
    strict: bool = False
    calm: bool = False
    split: bool = False

    @property
    def shards(self) -> int:
        return max(self.home.values()) + 1


def first_state(rules: Protections, world: World, budget: dict[str, int]) -> State:
    """The world before anything happened, with so many faults to spend."""
    sources, shards = len(world.sources), world.shards
    already = world.already or tuple(len(source) for source in world.sources)
    folder = Folder("ready", True, 0, 0) if rules.made else None
    return State(
        now=world.now,
        topics=tuple((-9,) * count for count in already),
        identity=Identity(*world.identity, ()),
        valid=world.valid,
        progress=(-1,) * sources,
        stitch_cursors=(0,) * sources,
        stitchers=(Owners(0, (Stitcher("idle", True, 0, None), None)),) * sources,
        inbox=world.inbox or ((),) * shards,
        fold_cursors=(0 if rules.made else None,) * shards,
        published=(0,) * shards,
        stored=(Picture(),) * shards,
        folders=(Owners(0, (folder, None)),) * shards,
        told=(not world.publication,) * shards,
        snapshot=None,
        hanging=None,
        budget=tuple(budget.get(fault, 0) for fault in FAULTS),
    )


class Worker(NamedTuple):
    """A process, seen in one state: the agent's name, its partition, its slot, its mind."""

    agent: str
    part: int
    slot: int
    owner: bool
    mind: Any

    @property
    def name(self) -> str:
        return f"{self.agent[:-3]}{self.part}.{self.slot}"


def workers(s: State, agent: str, part: int) -> Iterator[Worker]:
    """Both slots of a partition, the empty ones too."""
    owner, slots = getattr(s, agent)[part]
    for slot, mind in enumerate(slots):
        yield Worker(agent, part, slot, slot == owner, mind)


def thinking(s: State, w: Worker, mind: Any, **more: Any) -> State:
    """The state in which this worker's mind is `mind`."""
    owners = getattr(s, w.agent)
    owner, slots = owners[w.part]
    seats = Owners(owner, at(slots, w.slot, mind))
    return s._replace(**{w.agent: at(owners, w.part, seats)}, **more)


def init_transactions(s: State, w: Worker, mind: Any) -> State:
    """Whoever else holds a producer of this id is fenced."""
    owners = getattr(s, w.agent)
    owner, slots = owners[w.part]
    slots = tuple(
        mind if slot == w.slot else other and other._replace(current=False)
        for slot, other in enumerate(slots)
    )
    return s._replace(**{w.agent: at(owners, w.part, Owners(owner, slots))})


def as_zombie(s: State, w: Worker) -> State:
    """The worker goes on in slot 0; the partition is slot 1's."""
    owners = getattr(s, w.agent)
    return s._replace(**{w.agent: at(owners, w.part, Owners(1, (w.mind, None)))})


def left(s: State, fault: str) -> bool:
    return s.budget[_PLACE[fault]] > 0


def spend(s: State, fault: str) -> State:
    place = _PLACE[fault]
    return s._replace(budget=at(s.budget, place, s.budget[place] - 1))


def append(s: State, shard: int, *records: tuple) -> State:
    return s._replace(inbox=at(s.inbox, shard, s.inbox[shard] + records))


def at(row: tuple, place: int, value: Any) -> tuple:
    return (*row[:place], value, *row[place + 1 :])


def union(*sets: tuple) -> tuple:
    return tuple(sorted(set().union(*sets)))


@dataclass(slots=True)
class Found:
    """What a search found. `full_ends`: ends in which every fault had been used."""

    states: int
    ends: int
    full_ends: int
    broken: str | None = None
    trace: list[str] = field(default_factory=list)
    capped: bool = False
