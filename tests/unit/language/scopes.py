"""What conditions look at in tests: the smallest things that satisfy the scope's protocols."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from journeys.language.scope import Scope


def millis(text: str) -> int:
    """Milliseconds of a timestamp with an offset."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@dataclass
class Touch:
    properties: Mapping[str, Any] = field(default_factory=dict)
    id: str = "t-1"
    type: str = "order.paid"
    time: int = millis("2026-03-01T11:30:00+08:00")
    channel: str = "pos"
    source: str = "till"


@dataclass
class Somebody:
    traits: Mapping[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    consents: Mapping[str, bool] = field(default_factory=dict)
    identifiers: frozenset[str] = frozenset()

    def trait(self, name: str) -> Any:
        return self.traits.get(name)

    def consent(self, name: str) -> bool | None:
        return self.consents.get(name)

    def has_identifier(self, namespace: str) -> bool:
        return namespace in self.identifiers

    def figures(self, computed: str) -> Mapping[int, Any]:
        return {}


@dataclass
class Counted:
    noticed: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, int] = field(default_factory=dict)
    arms: Mapping[str, str] = field(default_factory=dict)

    def times(self, event_type: str) -> int:
        return self.noticed.get(event_type, 0)

    def visited(self, stage: str) -> int:
        return self.stages.get(stage, 0)

    def arm(self, split: str) -> str | None:
        return self.arms.get(split)


def scope(
    properties: Mapping[str, Any] | None = None,
    person: Somebody | None = None,
    now: str = "2026-03-05T10:00:00+08:00",
    zone: str = "Asia/Shanghai",
    key: str | None = "k-1",
    entry: Touch | None = None,
    instance: Counted | None = None,
) -> Scope:
    return Scope(
        event=None if properties is None else Touch(properties),
        entry=entry,
        profile=person or Somebody(),
        key=key,
        now=millis(now),
        zone=ZoneInfo(zone),
        instance=instance,
    )
