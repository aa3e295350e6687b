"""What a condition may look at, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from zoneinfo import ZoneInfo


class Noticed(Protocol):
    """A touchpoint, or what a profile remembers of one. Times are ms since the epoch."""

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def time(self) -> int: ...
    @property
    def channel(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def properties(self) -> Mapping[str, Any]: ...


class Person(Protocol):
    """The profile as conditions see it. Absent is None, never an exception."""

    def trait(self, name: str) -> Any: ...
    def consent(self, name: str) -> bool | None: ...
    def has_identifier(self, namespace: str) -> bool: ...
    def figures(self, computed: str) -> Mapping[int, Any]: ...
    @property
    def tags(self) -> list[str]: ...


class Visits(Protocol):
    """The instance as `times()`, `visits()` and `arm()` see it."""

    def times(self, event_type: str) -> int: ...
    def visited(self, stage: str) -> int: ...
    def arm(self, split: str) -> str | None: ...


@dataclass(slots=True)
class Scope:
    """One evaluation: reused by the engine, never kept by an expression.

    `now` is the logical time in ms (rule 4), `zone` the person's resolved zone (rule 7).
    """

    event: Noticed | None
    entry: Noticed | None
    profile: Person
    key: str | None
    now: int
    zone: ZoneInfo
    instance: Visits | None = None
