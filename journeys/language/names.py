"""What a condition may name at the place where it stands, and of what type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from schemas.known import RESULTS as RESULTS  # noqa: PLC0414 (one list, in the contract)

from .scope import Scope

Type = Literal[
    "text", "number", "integer", "boolean", "time", "date", "list", "object", "null", "any"
]
"""`any` is what no catalogue declares: judged when it runs, null where it does not fit."""

DECLARABLE: tuple[Type, ...] = tuple(each for each in get_args(Type) if each not in ("null", "any"))

REQUESTED = "map.requested"
"""The type of requests to enter a map; a map's `event.x` and `entry.x` are what came `with` it."""

RESULT_PROPERTIES: Mapping[str, str] = {
    "action_id": "text",
    "reason": "text",
    "hard": "boolean",
}


def result_type(result: str) -> str:
    """The type of the touchpoints that report it."""
    return f"action.{result}"


SEGMENTS = "profile.segments"
"""Under this name the segments she is in stand among the computed traits."""

Properties = Mapping[str, Mapping[str, str]] | None
"""Event type -> property -> type; None where no catalogue declares event types."""


@dataclass(frozen=True, slots=True)
class Names:
    """`event` and `entry` say which touchpoints may be looked at; empty: there is none here."""

    roots: frozenset[str]
    event: frozenset[str] = frozenset()
    entry: frozenset[str] = frozenset()
    catalogue: Properties = None
    traits: Mapping[str, str] | None = None
    noticed: frozenset[str] = frozenset()
    """Event types that `times('...')` can count."""
    stages: frozenset[str] = frozenset()
    figures: Mapping[str, Callable[[Scope], Any]] = field(default_factory=dict)
    """Computed traits, by what reads them."""
    splits: frozenset[str] = frozenset()
    """Splits of the map, for `arm('...')`."""


@dataclass(slots=True)
class Reads:
    """Which properties of which event types something looks at; filled while compiling."""

    properties: dict[str, set[str]] = field(default_factory=dict)

    def add(self, event_types: frozenset[str], name: str) -> None:
        for event_type in event_types:
            self.properties.setdefault(event_type, set()).add(name)
