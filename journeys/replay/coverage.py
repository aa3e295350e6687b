"""Which stages, ways on and goals of a map its tests reached, all tests together.

Two ways from one stage to the same place count as one: transitions do not tell them apart.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from journeys.language.model import End, Map, Stage, To
from journeys.language.walk import within

from .sight import Item


@dataclass(frozen=True, slots=True)
class Coverage:
    """What no test reached, each in the order of the map; `ways` are `stage → where`, `exits`
    outcomes."""

    stages: tuple[str, ...]
    ways: tuple[str, ...]
    goals: tuple[str, ...]
    exits: tuple[str, ...]

    @property
    def is_full(self) -> bool:
        return not (self.stages or self.ways or self.goals or self.exits)


def coverage_of(map_: Map, rows: Iterable[Item]) -> Coverage:
    """From the transitions of all tests; those of other maps are left out."""
    own = [row for row in rows if row["map"] == map_.name]
    reached = {row["to"] for row in own if row["kind"] in ("enter", "move")}
    gone = {_way(row["stage"], row["to"]) for row in own if row["kind"] == "move"}
    gone |= {_way(row["stage"], f"end {row['outcome']}") for row in own if row["kind"] == "end"}
    counted = {row["goal"] for row in own if row["kind"] == "goal"}
    ended = {row["outcome"] for row in own if row["kind"] == "end"}
    ways = [way for stage in map_.stages.values() for way in ways_of(stage)]
    return Coverage(
        stages=tuple(name for name in map_.stages if name not in reached),
        ways=tuple(way for way in ways if way not in gone and way.partition(" → ")[0] in reached),
        goals=tuple(goal.name for goal in map_.goals if goal.name not in counted),
        exits=tuple(each.outcome for each in map_.exits if each.outcome not in ended),
    )


def ways_of(stage: Stage) -> list[str]:
    """Every way on that is written in the stage, once: `ask → call`, `call → end called`."""
    found = [
        _way(stage.name, part.stage if isinstance(part, To) else f"end {part.outcome}")
        for part in within(stage)
        if isinstance(part, To | End)
    ]
    return list(dict.fromkeys(found))


def _way(stage: str | None, where: str) -> str:
    return f"{stage} → {where}"
