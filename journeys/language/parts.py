"""What all models are made of: durations, compiled expressions, ways on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .scope import Scope


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
