"""One person step by step: what she is in, and what each next touchpoint or waiting would do.

Every answer to "would" is a life with the same past, in which it was done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from journeys.engine.profile import Instance
from journeys.language.model import Map
from schemas.inbox import Arrived
from schemas.touchpoint import Millis, ProfileId, Touchpoint

from .books import Books
from .life import Life
from .people import NOBODY_IN_PARTICULAR, profile_id, profile_of
from .sight import traits_of
from .story import Beat, beat_of, beats_of

SOURCE = "simulation"
SECOND = 1000


@dataclass(frozen=True, slots=True)
class Would:
    """What would come of it; `at` is when, for a timer; `due` is her next timer then, where a
    touchpoint would move it and nothing else."""

    what: str
    beats: tuple[Beat, ...]
    at: Millis | None = None
    due: Millis | None = None


@dataclass
class Simulation:
    """One life; `now` moves by `wait` and `touch` only, and never back.

    A touchpoint comes a second after what was before: at the same moment it would not count.
    """

    books: Books
    map: Map
    now: Millis
    life: Life = field(init=False)
    she: ProfileId = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.life = Life(self.books.release, self.books.workspace.clock)
        self.life.open()
        self.life.pass_until(self.now)
        self.life.append(self.books.published(), self.now)
        release = self.books.release(self.life.shard)
        assert release is not None
        self.she = profile_id(NOBODY_IN_PARTICULAR, release, self.map.name)
        live = self.books.live.values()
        self.life.put(self.she, profile_of(NOBODY_IN_PARTICULAR, self.books.workspace, live))
        self.life.pass_until(self.now)

    @property
    def zone(self) -> ZoneInfo:
        return self.map.zone

    def instances(self) -> list[Instance]:
        """Those she is in now."""
        person = self.life.person(self.she)
        return [] if person is None else person.instances

    def facts(self) -> dict[str, Any]:
        """What is known of her: traits, and tags where there are any."""
        person = self.life.person(self.she)
        if person is None:
            return {}
        traits = traits_of(self.life, person)
        return {**traits, **({"tags": person.tag_list} if person.tag_list else {})}

    def touch(self, type_: str, properties: Mapping[str, Any], **more: Any) -> list[Beat]:
        """A touchpoint happens now."""
        self.now = Millis(self.now + SECOND)
        touchpoint = self._touchpoint(type_, properties, self.now, **more)
        self.count += 1
        return [beat_of(touchpoint, self.she, self.now), *self._arrive(self.life, touchpoint)]

    def wait(self, moment: Millis) -> list[Beat]:
        """Time passes until this moment, and what is due by then has fired."""
        self.now = max(self.now, moment)
        return beats_of(self.life.pass_until(self._heard(self.now)), {})

    def next_moment(self) -> Millis | None:
        """When something would happen of itself."""
        due = self.life.next_due()
        return None if due is None else self._planned(due)

    def would(self) -> list[Would]:
        """What each touchpoint that her maps name would do now, then what waiting would do."""
        found = [self._would_touch(type_) for type_ in self._types()]
        due = self.next_moment()
        if due is not None:
            life = self.life.fork()
            beats = beats_of(life.pass_until(self._heard(due)), {})
            found.append(Would("waiting", tuple(beats), due))
        return found

    def likely(self, type_: str) -> dict[str, Any]:
        """Properties with which a touchpoint would be about what she is in: those of her entry
        that the catalogue gives to the type, and the key."""
        declared = self.books.workspace.events.get(type_)
        found: dict[str, Any] = {}
        for instance in self.instances():
            kept = (instance.last or instance.entry).properties
            found |= {n: v for n, v in kept.items() if declared is None or n in declared}
        return found

    def _types(self) -> list[str]:
        return list(self.map.remembers)

    def _would_touch(self, type_: str) -> Would:
        likely = self.likely(type_)
        life = self.life.fork()
        soon = Millis(self.now + SECOND)
        beats = self._arrive(life, self._touchpoint(type_, likely, soon))
        due = None if beats or life.next_due() == self.life.next_due() else life.next_due()
        return Would(type_, tuple(beats), due=due and self._planned(due))

    def _touchpoint(
        self, type_: str, properties: Mapping[str, Any], at: Millis, **more: Any
    ) -> Touchpoint:
        return Touchpoint(
            id=f"{SOURCE}-{self.count}",
            type=type_,
            time=at,
            received=at,
            source=SOURCE,
            properties=dict(properties),
            **more,
        )

    def _arrive(self, life: Life, touchpoint: Touchpoint) -> list[Beat]:
        at = touchpoint.time
        came = life.pass_until(at)
        came += life.append(Arrived(self.she, touchpoint, (), (SOURCE, 0, self.count)), at)
        return beats_of(came, {})

    def _planned(self, due: Millis) -> Millis:
        return Millis(max(due - self.books.workspace.grace, self.now))

    def _heard(self, moment: Millis) -> Millis:
        return Millis(moment + self.books.workspace.grace)
