"""One record applied to one person: what is in hand while it lasts.

`outputs` and `edges` are cut back when a step fails half-way, so a step that failed has said
nothing. Nothing of a turn outlives its record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from journeys.language.model import Map, Release
from journeys.language.scope import Noticed, Scope
from schemas.touchpoint import ProfileId

from .effects import Output, Shard
from .ids import cause_id
from .local_time import rfc3339, zone_named
from .profile import Instance, Profile


class Cause(NamedTuple):
    """Why something happens: `touchpoint`, `timer`, `schedule`, `merge` and more (the transition's
    contract lists them); `armed` for timers, in ms.

    `flags` say what is to be known of how it came. What a publication made due before itself was
    `planned` for then, is `not_before` it, and does not leave after `fresh_until`; 0 for all else.
    """

    id: str
    kind: str
    ref: str
    armed: int = 0
    flags: tuple[str, ...] = ()
    planned: int = 0
    not_before: int = 0
    fresh_until: int = 0


def by_touchpoint(touchpoint: Noticed) -> Cause:
    return Cause(touchpoint.id, "touchpoint", f"{touchpoint.source}\x1f{touchpoint.id}")


@dataclass(slots=True)
class Turn:
    shard: Shard
    release: Release | None
    id: ProfileId
    profile: Profile
    offset: int
    outputs: list[Output]
    edges: list[str]
    passes: int = 0
    arrived: set[str] = field(default_factory=set)
    """Instances that came to a stage whose past has not been looked at (`lookback`)."""
    hops: int = 0
    """How many touchpoints made by maps led to this record, one from the other."""
    links: tuple[str, ...] = ()
    """Tokens of the identifiers that the touchpoint came by, where that is known."""
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        self.scope = Scope(None, None, self.profile, None, 0, _UTC)

    @property
    def book(self) -> Release:
        """The release in force; only people in a map are advanced, so there is one."""
        if self.release is None:
            raise LookupError("nothing is published in this shard")
        return self.release

    def map_of(self, instance: Instance) -> Map | None:
        """The version she entered (rule 10); None where this shard has not heard of it yet."""
        if self.release is None:
            return None
        return self.release.versions.get((instance.map, instance.version))

    def zone(self, map_: Map) -> ZoneInfo:
        """The person's zone, else her store's, else the map's (rule 7)."""
        return self._own_zone() or map_.zone

    def look(self, map_: Map, instance: Instance, event: Noticed | None, now: int) -> Scope:
        """The scope for conditions of this instance; reused, so run them before the next."""
        scope = self.scope
        scope.event = event if event is not None else instance.last or instance.entry
        scope.entry, scope.key, scope.now = instance.entry, instance.key, now
        scope.zone, scope.instance = self.zone(map_), instance
        return scope

    def look_in(self, map_: Map, event: Noticed) -> Scope:
        """The scope for an entry: the touchpoint would be the one that lets her in."""
        scope = self.scope
        scope.event = scope.entry = event
        scope.key, scope.now, scope.zone, scope.instance = None, event.time, self.zone(map_), None
        return scope

    def look_at(self, event: Noticed) -> Scope:
        """The scope for what a touchpoint says by itself, in the person's zone, or the
        workspace's."""
        scope = self.scope
        scope.event, scope.entry, scope.key, scope.instance = event, None, None, None
        scope.now, scope.zone = event.time, self._own_zone() or self.book.workspace.zone
        return scope

    def look_at_facts(self, map_: Map, now: int) -> Scope:
        """The scope for what the profile alone says."""
        scope = self.scope
        scope.event, scope.entry, scope.key, scope.instance = None, None, None, None
        scope.now, scope.zone = now, self.zone(map_)
        return scope

    def emit(self, kind: str, key: str, value: bytes) -> None:
        self.outputs.append(Output(self.offset, kind, key, value))

    def tell(
        self,
        kind: str,
        instance: Instance,
        at: int,
        cause: Cause,
        ids: tuple[str, ...],
        more: Mapping[str, Any],
    ) -> None:
        """Writes one transition of an instance; `ids` and `kind` make its id unique in it."""
        row = {
            "id": cause_id(kind, instance.id, *ids),
            "kind": kind,
            "at": rfc3339(at),
            "logged": rfc3339(self.shard.log_time),
            "profile_id": self.id,
            "map": instance.map,
            "version": instance.version,
            "instance": instance.id,
            "key": instance.key,
            "cause": cause.kind,
            "cause_id": cause.id,
            **more,
        }
        if cause.flags:
            row["flags"] = cause.flags
        if instance.arms:
            row["arms"] = instance.arms
        if instance.held_out:
            row["holdout"] = True
        if instance.contaminated:
            row["contaminated"] = True
        self.emit("transitions", self.id, orjson.dumps(row, default=str))

    def count(self, map_name: str, version: int, edge: str) -> None:
        self.edges.append(f"{map_name}/{version}/{edge}")

    def _own_zone(self) -> ZoneInfo | None:
        found = self.profile.traits.get("timezone")
        return (found and zone_named(found[0])) or self._store_zone()

    def _store_zone(self) -> ZoneInfo | None:
        stores = self.release.workspace.stores if self.release else None
        if not stores:
            return None
        found = self.profile.traits.get("store")
        store = stores.get(found[0]) if found and isinstance(found[0], str) else None
        return store.zone if store else None


_UTC = ZoneInfo("UTC")
