"""What all models are made of: durations, compiled expressions, ways on, deeds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .scope import Scope


@dataclass(frozen=True, slots=True)
class Rate:
    """So many touchpoints of one person within `per` ms; of more, journeys hear nothing."""

    count: int
    per: int


@dataclass(frozen=True, slots=True)
class Duration:
    """Elapsed (`millis`) or calendar steps (`months`, `days`) in the resolved zone; one of them.

    `1d` is a calendar day, `24h` is elapsed: they differ on two days a year.
    """

    text: str
    millis: int = 0
    days: int = 0
    months: int = 0

    @property
    def is_calendar(self) -> bool:
        return bool(self.days or self.months)


@dataclass(frozen=True, slots=True)
class Limit:
    count: int
    per: Duration


@dataclass(frozen=True, slots=True)
class Holdout:
    """So many of a hundred people are sent no marketing; another salt, other people."""

    percent: int
    salt: str = ""


@dataclass(frozen=True, slots=True)
class OnPublish:
    """What becomes of those in older versions once this one is in force (rule 10).

    `migrate` moves them to the stage of the same name, or as `stages` says. What is due longer
    than `max_staleness` before the publication does not leave any more; None: no matter.
    """

    mode: Literal["stop", "migrate"]
    stages: Mapping[str, str] = field(default_factory=dict)
    max_staleness: Duration | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition or expression; `run` never raises: what fails at run time is null."""

    source: str
    run: Callable[[Scope], Any]


@dataclass(frozen=True, slots=True)
class To:
    stage: str


@dataclass(frozen=True, slots=True)
class End:
    outcome: str


Go = To | End


@dataclass(frozen=True, slots=True)
class Choice:
    when: Expression | None
    """None for `else`."""
    go: Go


@dataclass(frozen=True, slots=True)
class Arm:
    name: str
    weight: int
    go: Go


START_KEY = ""
"""Under this name a `start` keeps its `key` among its values."""


@dataclass(frozen=True, slots=True)
class Change:
    """`set`, `tag` and `untag`: a value of null removes the trait."""

    place: str
    values: Mapping[str, Expression]
    tag: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Emit:
    """A touchpoint of this type about the same person, with these properties."""

    place: str
    type: str
    values: Mapping[str, Expression]


@dataclass(frozen=True, slots=True)
class Start:
    """A request to enter the map; the values are those of `with`, and START_KEY."""

    place: str
    map: str
    values: Mapping[str, Expression]
