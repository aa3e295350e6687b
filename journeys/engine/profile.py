"""A person as stored: facts, open instances with their timers, and what is remembered of her.

The structs are arrays in msgpack: fields are only ever appended, with defaults. Whoever holds
one may change it in place; what is encoded depends on nothing but the records folded into it.
"""

from collections.abc import Collection
from typing import Any

import msgspec
from msgspec import Struct

from schemas.touchpoint import Millis

from .departures import Erasure, Parting, print_of

ANONYMOUS_KEPT = 90 * 24 * 3600 * 1000
"""An anonymous profile without an open instance is forgotten so long after it was last seen."""

NEVER = Millis(2**52)
"""A moment that does not come; so every profile has a place in the due index."""


class Remembered(Struct, array_like=True, gc=False):
    """A touchpoint as kept: only the properties that some map names.

    Stored in ms after its time, which is shorter: `delay` of its reception, and `lag` of the
    moment from which its memory counts (the shard's time when it came, if later). `by` is the
    print of the identifiers it came by, 0 where they are not known.
    """

    id: str
    type: str
    time: int
    delay: int
    source: str
    channel: str
    properties: dict[str, Any]
    lag: int = 0
    backfill: bool = False
    by: int = 0

    @property
    def received(self) -> int:
        return self.time + self.delay

    @property
    def kept(self) -> int:
        return self.time + self.lag


class Armed(Struct, array_like=True, gc=False):
    """A timer that has not fired; `index` is its place in the stage's `after`.

    `past`: its moment was past, or not known, when it was armed, so it goes by `on_past`.
    `look`: it is due and waits for a late source, and is looked at again then; else 0.
    `planned`: when it had been due, if a publication made it due before itself; else 0.
    """

    index: int
    deadline: int
    armed: int
    past: bool = False
    look: int = 0
    planned: int = 0


class Standing(Struct, array_like=True):
    """An action at the gate, ready but for the permission to leave.

    `stood` is the log time at which it came there; `holds` says that she waits for it. It is
    judged anew when the shard's time reaches `until`; 0: when the gate is opened, NEVER and more:
    when its map is resumed. It does not leave after `fresh_until`, if that is set.
    """

    id: str
    place: str
    due: int
    stood: int
    cause: str
    kind: str
    armed: int
    values: dict[str, Any]
    holds: bool
    until: int = 0
    why: str = ""
    store: str = ""
    fresh_until: int = 0
    assign: str = ""
    tried: list[str] = []
    flags: list[str] = []


class Then(Struct, array_like=True):
    """What goes on once nothing that holds her stands at the gate.

    `place` is `do`, `on`, `anywhere` or `after`, whose line `index` decided at `decided`.
    """

    place: str
    index: int
    decided: int
    cause: str
    kind: str
    armed: int


class Candidate(Struct, array_like=True, gc=False):
    """A touchpoint that may lead on by the line `index` of `on` or `anywhere`."""

    place: str
    index: int
    kept: Remembered


class Settling(Struct, array_like=True, gc=False):
    """A stage that waits until that log time for an earlier touchpoint."""

    until: int
    candidates: list[Candidate]


FINAL = frozenset({"delivered", "done", "failed", "expired", "declined"})
"""After these nothing more becomes of an action, but that she clicks or replies."""


class Sent(Struct, array_like=True):
    """An action that left, of a map that looks at results; `visit` is that of its stage.

    `until` is the end of its sla, 0 without one; `state` the result so far, or `holdout` where it
    was kept back in silence. `standing` is there where another channel may be tried.
    """

    id: str
    place: str
    visit: int
    channel: str = ""
    until: int = 0
    state: str = ""
    standing: Standing | None = None

    @property
    def is_open(self) -> bool:
        return self.state not in FINAL

    @property
    def is_waited_for(self) -> bool:
        return self.until > 0 and self.is_open


class Left(Struct, array_like=True, gc=False):
    """The stage she left last: dated in (`since`, `until`) it had led on in place of `taken`."""

    stage: str
    since: int
    until: int
    taken: str


class Instance(Struct, array_like=True, gc=False):
    """One run of one person through one version of one map.

    Touchpoints count from `since` (rule 3), timers from `base`, which is `held` ms later only
    after a hold. `last` is None while the last touchpoint taken is `entry`. `behind` are the keys
    of touchpoints that would enter anew if a timer ended it: they are dated after its deadline.
    `taken` are those that lines took, where a line looks back. `sent` has the log time at which
    what stands at a place of the map left; `engine.credit` says what else may be its key.
    """

    id: str
    map: str
    version: int
    key: str | None
    entry: Remembered
    stage: str = ""
    visit: int = 0
    since: int = 0
    held: int = 0
    timers: list[Armed] = []
    last: Remembered | None = None
    goals: list[str] = []
    counted: dict[str, int] = {}
    visits: dict[str, int] = {}
    gate: list[Standing] = []
    then: Then | None = None
    sent: dict[str, int] = {}
    barred: list[str] = []
    stuck: str = ""
    missed: list[int] = []
    tries: int = 0
    arms: dict[str, str] = {}
    contaminated: bool = False
    held_out: bool = False
    actions: list[Sent] = []
    behind: list[int] = []
    settling: Settling | None = None
    taken: list[int] = []
    left: Left | None = None

    @property
    def entered(self) -> int:
        return self.entry.time

    @property
    def base(self) -> int:
        return self.since + self.held

    def times(self, event_type: str) -> int:
        return self.counted.get(event_type, 0)

    def visited(self, stage: str) -> int:
        return self.visits.get(stage, 0)

    def arm(self, split: str) -> str | None:
        return self.arms.get(split)


class Ended(Struct, array_like=True):
    """An instance that ended at `at` (logical time), as long as a goal may still concern it."""

    instance: Instance
    at: int
    outcome: str


class Memory(Struct, array_like=True, gc=False):
    """What re-entry must know of one map and key: logical times, the newest last."""

    entries: list[int] = []
    exit: int | None = None
    sent: dict[str, int] = {}


class Place(Struct, array_like=True, gc=False):
    """An action that left at this log time and counts for caps and limits (rule 13)."""

    at: int
    map: str
    channel: str
    template: str
    action: str
    store: str = ""
    marketing: bool = True


class Profile(Struct, array_like=True, gc=False):
    """All that is known of one person; with `redirect` set, nothing but where she went.

    A redirect is forgotten at `look_again`, if that is set.
    """

    redirect: str = ""
    created: int = 0
    known: bool = False
    last_seen: int = 0
    identifiers: dict[str, list[str]] = {}
    traits: dict[str, tuple[Any, int]] = {}
    tag_list: list[str] = []
    consents: dict[str, tuple[bool, int]] = {}
    instances: list[Instance] = []
    memory: dict[str, Memory] = {}
    seen: dict[int, int] = {}
    remembered: list[Remembered] = []
    absorbed: list[str] = []
    arms: dict[str, str] = {}
    places: list[Place] = []
    windows: dict[str, int] = {}
    """Of caps that arbitrate: when the window ends that an action opened."""
    tallies: dict[str, dict[int, Any]] = {}
    segments: dict[str, bool] = {}
    look_again: int = 0
    """When time alone may change a segment she is in or not; 0: never."""
    ended: list[Ended] = []
    pace: dict[int, int] = {}
    """Touchpoints by window of event time; see `engine.pace`."""
    heard: int = 0
    """The latest announcement she has been told of."""
    occasions: dict[str, tuple[int, int]] = {}
    """Her next moment of each occasion, and when she is let in by it."""
    let_in: dict[str, int] = {}
    """The latest moment of an occasion that let her in."""
    parting: list[Parting] = []
    erasure: Erasure | None = None
    failed: dict[str, int] = {}
    """Identifiers of no use, and since when; see `engine.failures`."""

    filled: list[int] = []
    """What computed traits were filled with; see `engine.recounting`."""

    def trait(self, name: str) -> Any:
        found = self.traits.get(name)
        return None if found is None else found[0]

    def consent(self, name: str) -> bool | None:
        found = self.consents.get(name)
        return None if found is None else found[0]

    def has_identifier(self, namespace: str) -> bool:
        return bool(self.address(namespace))

    def figures(self, computed: str) -> dict[int, Any]:
        return self.tallies.get(computed) or {}

    @property
    def tags(self) -> list[str]:
        return self.tag_list

    def address(self, namespace: str) -> tuple[str, str] | None:
        """Namespace and newest value of an identifier; `namespace` may end in `.*`."""
        if not namespace.endswith(".*"):
            values = self.identifiers.get(namespace)
            return (namespace, values[-1]) if values else None
        for name, values in self.identifiers.items():
            if name.startswith(namespace[:-1]) and values:
                return name, values[-1]
        return None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Profile).decode


def encode(profile: Profile) -> bytes:
    """Of a redirect only where it leads: what a shorter array lacks has its default."""
    is_short = profile.redirect and not profile.look_again
    return _encode((profile.redirect,)) if is_short and not profile.erasure else _encode(profile)


def decode(stored: bytes) -> Profile:
    """Raises msgspec.ValidationError where a newer release wrote a field of another kind."""
    return _decode(stored)


def remember(
    touchpoint: Any, wanted: Collection[str], kept: int, links: Collection[str] = ()
) -> Remembered:
    """What is kept of a touchpoint, given the properties that maps name for its type."""
    found = touchpoint.properties
    return Remembered(
        touchpoint.id,
        touchpoint.type,
        touchpoint.time,
        touchpoint.received - touchpoint.time,
        touchpoint.source,
        touchpoint.channel,
        {name: found[name] for name in found if name in wanted} if wanted else {},
        kept - touchpoint.time,
        touchpoint.backfill,
        print_of(links) if links else 0,
    )


def due_of(profile: Profile, grace: int) -> Millis:
    """The next moment to look at her: a timer's, an occasion's, the end of a hold, else when to
    forget her, else NEVER."""
    if profile.redirect:
        return Millis(profile.look_again or NEVER)
    due: int = profile.parting[0].due if profile.parting else NEVER
    for instance in profile.instances:
        if not instance.stuck:
            due = min(due, _due(instance, grace))
    if due == NEVER and not (profile.known or profile.instances):
        due = profile.last_seen + ANONYMOUS_KEPT
    if profile.occasions:
        due = min([due, *(each[1] + grace for each in profile.occasions.values())])
    return Millis(min(due, profile.look_again) if profile.look_again else due)


def gate_of(profile: Profile) -> Millis | None:
    """Her place among those who wait for the gate; None if none of her actions does.

    Since when one stands at the shut gate, or NEVER and more for those of a paused map.
    """
    standing = [s for i in profile.instances if not i.stuck for s in i.gate]
    places = [s.until or s.stood for s in standing if not 0 < s.until < NEVER]
    return Millis(min(places)) if places else None


def _due(instance: Instance, grace: int) -> int:
    if instance.settling is not None:
        due = instance.settling.until
    else:
        # The earliest decides first, so where it waits for a source all others wait for it.
        first = min(instance.timers, key=_deadline, default=None)
        due = NEVER if first is None else first.look or first.deadline + grace
    if instance.gate:
        due = min([due, *(one.until for one in instance.gate if one.until)])
    if instance.actions:
        due = min([due, *(one.until + grace for one in instance.actions if one.is_waited_for)])
    return due


def _deadline(armed: Armed) -> int:
    return armed.deadline
