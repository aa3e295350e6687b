"""A backtest told: to people as tables, to scripts as JSON, to spreadsheets as CSV files."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from console.histories import History
from journeys.language.model import Map
from journeys.replay.tally import Tally, percentile

Cells = dict[str, Any]

ROWS_SHOWN = 20
"""Rows of a file that are named; all are counted."""


@dataclass(frozen=True, slots=True)
class Report:
    """`seconds` of the replay alone, over all processes at work at the same time."""

    maps: list[Map]
    history: History
    tally: Tally
    seconds: float
    jobs: int

    def tables(self) -> dict[str, list[Cells]]:
        """Every table by its name, refusals first; the columns of an empty one are not known."""
        return {
            "refused": list(self._refused()),
            "withheld": _counted(self.tally.withheld, ("map", "stage", "action", "reason")),
            "funnel": list(self._funnel()),
            "outcomes": _counted(self.tally.ended, ("map", "outcome")),
            "goals": list(self._goals()),
            "ways": _counted(self.tally.left, ("map", "stage", "to")),
            "actions": _counted(
                self.tally.actions, ("map", "stage", "action", "channel", "day"), by_count=False
            ),
        }

    def as_json(self) -> Cells:
        return {
            "touchpoints": self.tally.touchpoints,
            "people": self.tally.people,
            "rows_refused": len(self.history.refused),
            "touchpoints_of_nobody": self.history.nobody,
            "seconds": round(self.seconds, 3),
            "touchpoints_per_second": self._rate(),
            "jobs": self.jobs,
            "maps": {
                each.name: {
                    "version": each.version,
                    "entered": self.tally.entered[each.name],
                    "people": self.tally.entered_people[each.name],
                    "actions": self._actions_of(each.name),
                }
                for each in self.maps
            },
            **self.tables(),
        }

    def write_csv(self, folder: Path) -> None:
        """A file for each table that has rows; those of an earlier report are replaced."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, cells in self.tables().items():
            with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                if cells:
                    writer = csv.DictWriter(file, list(cells[0]))
                    writer.writeheader()
                    writer.writerows(cells)

    def shown(self, *, speed: bool) -> RenderableType:
        """Actions are summed over the days; a script gets each. `speed`: with how fast it went."""
        tables = self.tables()
        days = Counter[tuple[str, ...]]()
        for (map_, stage, action, channel, _), count in self.tally.actions.items():
            days[map_, stage, action, channel] += count
        tables["actions"] = _counted(days, ("map", "stage", "action", "channel"))
        return Group(
            *self._head(speed),
            *(_table(name, cells) for name, cells in tables.items() if cells),
        )

    def _head(self, speed: bool) -> Iterator[str]:
        tally, history = self.tally, self.history
        yield f"{tally.touchpoints:,} touchpoints of {tally.people:,} people"
        if speed:
            processes = f"{self.jobs} process{'es' if self.jobs > 1 else ''}"
            yield f"in {self.seconds:.1f} s, {self._rate():,}/s by {processes}"
        if history.refused or history.nobody:
            yield f"{len(history.refused):,} rows refused, {history.nobody:,} of nobody"
            for row in history.refused[:ROWS_SHOWN]:
                yield escape(f"  line {row.line} {row.path}: {row.what} [{row.code}]")

    def _rate(self) -> int:
        return round(self.tally.touchpoints / self.seconds) if self.seconds else 0

    def _actions_of(self, name: str) -> int:
        return sum(count for (map_, *_), count in self.tally.actions.items() if map_ == name)

    def _refused(self) -> Iterator[Cells]:
        yield from _counted(self.tally.refused, ("map", "reason"))
        for cells in _counted(self.tally.stuck, ("map", "reason")):
            yield {**cells, "reason": f"stuck: {cells['reason']}"}

    def _goals(self) -> Iterator[Cells]:
        for cells in _counted(self.tally.goals, ("map", "goal")):
            worth = self.tally.worth[cells["map"], cells["goal"]]
            yield {**cells, "worth": round(worth, 2)}

    def _funnel(self) -> Iterator[Cells]:
        """Stages in the order in which they are written."""
        tally = self.tally
        for each in self.maps:
            for stage in each.stages:
                place = each.name, stage
                dwell = tally.dwell.get(place)
                yield {
                    "map": each.name,
                    "stage": stage,
                    "reached": tally.reached[place],
                    "share": _share(tally.reached[place], tally.entered[each.name]),
                    "visits": tally.visits[place],
                    "still_there": tally.standing[place],
                    "dwell_p50_s": _seconds(percentile(dwell, 0.5) if dwell else None),
                    "dwell_p90_s": _seconds(percentile(dwell, 0.9) if dwell else None),
                }


def _counted(
    counter: "Counter[Any]", columns: tuple[str, ...], by_count: bool = True
) -> list[Cells]:
    items: Iterable[tuple[Any, int]] = counter.items()
    ordered = sorted(items, key=lambda item: (-item[1] if by_count else 0, item[0]))
    return [{**dict(zip(columns, key, strict=True)), "count": n} for key, n in ordered]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _seconds(millis: int | None) -> float | None:
    return None if millis is None else millis / 1000


def _table(name: str, rows: list[Cells]) -> RenderableType:
    table = Table(title=name, title_justify="left", title_style="bold", box=None)
    for column in rows[0]:
        numbers = isinstance(rows[0][column], int | float)
        heading = column.removesuffix("_s").replace("_", " ")
        table.add_column(heading, justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*(escape(_cell(column, value)) for column, value in row.items()))
    return table


def _cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if column.endswith("_s"):
        return _lasting(value)
    if column == "share":
        return f"{value:.1%}"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _lasting(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
