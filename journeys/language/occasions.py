"""Occasions: moments at which a map lets people in without a touchpoint of theirs.

A schedule's are the same for everybody, in the map's zone; a date's are each person's own, in
hers; and `existing: enter` has one, the publication. What they are called here decides whether a
person's next moment is planned anew when a map is published.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import TYPE_CHECKING, Literal

from .parts import Duration, Expression

if TYPE_CHECKING:
    from .model import Entry, Map

Kind = Literal["schedule", "date", "publication"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """`at` on every day, on these `days` or `on` one; or a cron schedule of five fields."""

    at: time | None = None
    days: tuple[str, ...] = ()
    on: date | None = None
    cron: str = ""


@dataclass(frozen=True, slots=True)
class Dates:
    """The moment that a value says, or the same each `every`; moved by `shift`.

    With `at` that time on the day; without, a date is its midnight.
    """

    value: Expression
    every: Literal["year", "month"] | None = None
    shift: Duration | None = None
    at: time | None = None


@dataclass(frozen=True)
class Occasion:
    """An entry of a live map by which people enter at moments.

    `id` is that of its place in the map, `definition` changes with what decides on its moments.
    """

    id: str
    kind: Kind
    map: "Map"
    entry: "Entry"
    definition: str


def occasions_of(live: Sequence["Map"]) -> dict[str, Occasion]:
    """All occasions of these maps by their ids, in the order of entries."""
    found = [
        Occasion(f"{map_.name}/{index}/{kind}", kind, map_, entry, _definition(map_, entry))
        for map_ in live
        for index, entry in enumerate(map_.enter)
        if (kind := _kind(entry)) is not None
    ]
    return {each.id: each for each in found}


def said(part: Schedule | Dates) -> str:
    """As somebody would read it aloud."""
    if isinstance(part, Dates):
        shift = part.shift
        moved = f" {shift.text.lstrip('-')} {_side(shift)}" if shift else ""
        every = f" every {part.every}" if part.every else ""
        at = f" at {part.at.isoformat('minutes')}" if part.at else ""
        return f"{part.value.source}{every}{moved}{at}"
    if part.cron:
        return f"cron {part.cron}"
    day = f"{part.on.isoformat()} " if part.on else f"{', '.join(part.days) or 'every day'} "
    return f"{day}at {part.at.isoformat('minutes') if part.at else ''}"


def _kind(entry: "Entry") -> Kind | None:
    if entry.schedule is not None:
        return "schedule"
    if entry.date is not None:
        return "date"
    return "publication" if entry.existing else None


def _definition(map_: "Map", entry: "Entry") -> str:
    segment = entry.trigger.segment
    spread = entry.spread.text if entry.spread else ""
    parts = [map_.zone.key, spread]
    if entry.schedule is not None:
        parts.append(said(entry.schedule))
    elif entry.date is not None:
        parts.append(said(entry.date))
    elif segment is not None:  # those of each version are let in once
        parts += [str(map_.version), segment.id, str(entry.trigger.outside)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _side(shift: Duration) -> str:
    return "before" if shift.text.startswith("-") else "after"
