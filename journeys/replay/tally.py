"""Counts of what maps did with people: funnel, dwell, actions by day, refusals, what was withheld.

A tally is plain data that can be sent between processes and added to another: the sum over parts
of the people is the tally of all, whatever the parts.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from journeys.engine.effects import Output
from journeys.engine.local_time import EPOCH

Place = tuple[str, str]
"""A map and one of its stages, or what else is counted in the map."""


class Row(msgspec.Struct, gc=False):
    """What is read of a transition; see `schemas.transition`."""

    kind: str
    at: str
    profile_id: str
    map: str
    logged: str = ""
    instance: str | None = None
    key: str | None = None
    cause: str = ""
    cause_id: str = ""
    stage: str | None = None
    to: str | None = None
    outcome: str | None = None
    goal: str | None = None
    value: Any = None
    reason: str | None = None
    template: str | None = None
    task: str | None = None
    channel: str | None = None
    starts: str | None = None
    type: str | None = None
    passed_over: dict[str, str] | None = None
    by: str | None = None


rows = msgspec.json.Decoder(Row)


@dataclass
class Tally:
    """`reached` and `standing` count instances, `visits` also those who came again.

    `left` is by (map, stage) and where to, `ended` by (map, outcome). `dwell` is in ms, a value
    for each visit that is over. Days are those of the map's zone.
    """

    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)
    touchpoints: int = 0
    people: int = 0
    entered: Counter[str] = field(default_factory=Counter)
    entered_people: Counter[str] = field(default_factory=Counter)
    reached: Counter[Place] = field(default_factory=Counter)
    visits: Counter[Place] = field(default_factory=Counter)
    standing: Counter[Place] = field(default_factory=Counter)
    left: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    ended: Counter[Place] = field(default_factory=Counter)
    goals: Counter[Place] = field(default_factory=Counter)
    worth: defaultdict[Place, float] = field(default_factory=lambda: defaultdict(float))
    refused: Counter[Place] = field(default_factory=Counter)
    stuck: Counter[Place] = field(default_factory=Counter)
    actions: Counter[tuple[str, str, str, str, str]] = field(default_factory=Counter)
    """By map, stage, template, channel and day."""
    withheld: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """By map, stage, template and reason."""
    dwell: defaultdict[Place, "array[int]"] = field(
        default_factory=lambda: defaultdict(lambda: array("q"))
    )

    def add_life(self, outputs: Iterable[Output], touchpoints: int) -> None:
        """Counts all that came of one past."""
        life = _OneLife(self)
        for output in outputs:
            if output.kind == "transitions":
                life.take(rows.decode(output.value))
        life.close()
        self.touchpoints += touchpoints
        self.people += 1

    def add(self, other: "Tally") -> None:
        """Adds another part of the people."""
        self.touchpoints += other.touchpoints
        self.people += other.people
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        for place, found in other.dwell.items():
            self.dwell[place].extend(found)
        for place, value in other.worth.items():
            self.worth[place] += value

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "dwell": dict(self.dwell), "worth": dict(self.worth)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.dwell = defaultdict(lambda: array("q"), state["dwell"])
        self.worth = defaultdict(float, state["worth"])


_COUNTERS = (
    *("entered", "entered_people", "reached", "visits", "standing", "left", "ended", "goals"),
    *("refused", "stuck", "actions", "withheld"),
)


class _OneLife:
    """Where each instance of one life stands, since when and where it has been."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._where: dict[str, tuple[Place, int]] = {}
        self._been: set[tuple[str, str]] = set()
        self._entered: set[str] = set()

    def take(self, row: Row) -> None:
        match row.kind:
            case "enter":
                self._tally.entered[row.map] += 1
                self._entered.add(row.map)
                self._come(row)
            case "move":
                self._leave(row, row.to or "")
                self._come(row)
            case "end":
                self._leave(row, f"end {row.outcome}")
                self._tally.ended[row.map, row.outcome or ""] += 1
            case _:
                self._count(row)

    def _count(self, row: Row) -> None:
        tally, place = self._tally, (row.map, row.stage or "")
        what, reason = row.template or row.task or row.starts or "", row.reason or ""
        match row.kind:
            case "action":
                day = _day(row.at, tally.zones.get(row.map))
                tally.actions[(*place, what, row.channel or "", day)] += 1
            case "withheld":
                tally.withheld[(*place, what, reason)] += 1
            case "goal":
                self._reach(row)
            case "refused":
                tally.refused[row.map, reason] += 1
            case "stuck":
                tally.stuck[row.map, reason] += 1

    def close(self) -> None:
        for place, _ in self._where.values():
            self._tally.standing[place] += 1
        self._tally.entered_people.update(self._entered)

    def _come(self, row: Row) -> None:
        place, instance = (row.map, row.to or ""), row.instance or ""
        self._where[instance] = place, moment(row.at)
        self._tally.visits[place] += 1
        if (instance, place[1]) not in self._been:
            self._been.add((instance, place[1]))
            self._tally.reached[place] += 1

    def _leave(self, row: Row, where: str) -> None:
        found = self._where.pop(row.instance or "", None)
        if found is not None:
            place, since = found
            self._tally.dwell[place].append(max(0, moment(row.at) - since))
            self._tally.left[(*place, where)] += 1

    def _reach(self, row: Row) -> None:
        place = row.map, row.goal or ""
        self._tally.goals[place] += 1
        if isinstance(row.value, int | float) and not isinstance(row.value, bool):
            self._tally.worth[place] += row.value


def percentile(values: "array[int]", share: float) -> int | None:
    """The smallest value that so large a share of them does not exceed; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)]


def moment(written: str) -> int:
    """Of an output's time, in ms."""
    found = datetime.fromisoformat(written) - EPOCH
    return found.days * 86_400_000 + found.seconds * 1000 + found.microseconds // 1000


def _day(written: str, zone: ZoneInfo | None) -> str:
    if zone is None or zone.key == "UTC":
        return written[:10]
    return datetime.fromisoformat(written).astimezone(zone).date().isoformat()
