"""What a publication is going to do to those who are in a map, told before it does (rule 10)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from journeys.language.model import Map, OnPublish

from .heads import by_version


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of the `people` in a stage of an older version: they stay in it, end, go on in
    stage `to` of the newer one, or it has no place for them."""

    map: str
    version: int
    stage: str
    people: int
    becomes: Literal["stays", "ends", "moves", "stranded"]
    to: str = ""


def fates(newer: Map, older: Iterable[Map], heads: Mapping[str, int]) -> tuple[Fate, ...]:
    """Of everybody in other versions of the map, by version and in the order of their stages."""
    found = by_version(heads, newer.name)
    return tuple(
        _fate(newer, each, stage, found[each.version][stage])
        for each in sorted(older, key=lambda map_: map_.version)
        if each.name == newer.name and each.version != newer.version
        for stage in each.stages
        if found.get(each.version, {}).get(stage)
    )


def says_the_same(map_: Map, before: Map | None) -> bool:
    """Whether the map that was in force has the same version and says the same of those in other
    ones: then publishing this does nothing to them."""
    return before is not None and (map_.version, map_.on_publish) == (
        before.version,
        before.on_publish,
    )


def place_in(newer: Map, older: Map, stage: str) -> str | None:
    """The stage of the newer version in which who is in that of the older goes on; None if there
    is none. Nobody can go on under a key who has none, or without one."""
    if newer.on_publish is None or newer.has_key != older.has_key:
        return None
    name = newer.on_publish.stages.get(stage, stage)
    return name if name in newer.stages else None


def _fate(newer: Map, older: Map, stage: str, people: int) -> Fate:
    match newer.on_publish:
        case OnPublish(mode="migrate"):
            to = place_in(newer, older, stage)
            becomes: Literal["moves", "stranded"] = "stranded" if to is None else "moves"
            return Fate(newer.name, older.version, stage, people, becomes, to or "")
        case OnPublish():
            return Fate(newer.name, older.version, stage, people, "ends")
        case _:
            return Fate(newer.name, older.version, stage, people, "stays")
