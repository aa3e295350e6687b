"""A shard's log folded once more for computed traits alone: what was not counted when it came.

A profile's figures are those of its own touchpoints, whoever it was merged into later: the state
that comes with a merge has none of them. So each shard can be folded by itself.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from journeys.engine import tallies
from journeys.engine.effects import Shard
from journeys.engine.fold import Folding
from journeys.engine.profile import Profile
from journeys.language.computing import Computed
from journeys.language.model import Release, Workspace
from journeys.language.workspace import make_release
from schemas.inbox import Logged, Merged, Opened, Published, Recounted
from schemas.touchpoint import ProfileId

_pack = msgspec.msgpack.Encoder().encode


class Recounting:
    """One shard from the beginning of its log. `wanted` are the traits by their ids, all in force
    now under `present`; `since` says from which offset on, and `workspace_of` knows the settings
    of a digest.

    What lies before the first publication of a log that lost its beginning is counted only where
    that publication brought the trait: else nobody knows whether it was counted.
    """

    def __init__(
        self,
        shard: Shard,
        wanted: Mapping[str, Computed],
        since: Mapping[str, int],
        present: Workspace,
        workspace_of: Callable[[str], Workspace],
    ) -> None:
        self._wanted, self._since = wanted, since
        self._present, self._workspace_of = present, workspace_of
        self._counting = dict.fromkeys(wanted, True)
        self._ends: dict[str, list[int]] = {name: [] for name in wanted}
        self._found: dict[tuple[ProfileId, str, int], dict[int, Any]] = {}
        self._offset = -1
        self._whole: bool | None = None
        self._published = False
        self._folding = Folding(shard, {}, self._in_force)

    def apply(self, logged: Logged) -> None:
        """One record of the shard, in order. Nobody is woken: no trait depends on that."""
        record, self._offset = logged.record, logged.offset
        if self._whole is None:
            self._whole = isinstance(record, Opened)
        if isinstance(record, Merged):
            self._note(record.loser, self._folding.profile(record.loser))
        self._folding.apply(logged, (), ())
        if isinstance(record, Published) and not self._published:
            self._published = True
            self._forget(name for name in self._wanted if self._since.get(name) != logged.offset)
        self._folding.outputs.clear()

    @property
    def is_whole(self) -> bool:
        """Whether the log has its beginning."""
        return bool(self._whole)

    def found(self) -> Iterator[Recounted]:
        """What all records so far come to, for the log; to be asked for once."""
        for name, profile in self._folding.people().items():
            self._note(name, profile)
        for (name, trait, gap), figures in self._found.items():
            if gap < len(self._ends[trait]):
                yield Recounted(name, name, trait, self._ends[trait][gap], _pack(figures))

    def is_redirect(self, name: ProfileId) -> bool:
        """Whether these records say that the profile was merged into another."""
        profile = self._folding.profile(name)
        return profile is not None and bool(profile.redirect)

    def _in_force(self, shard: Shard) -> Release:
        """What is counted from here on: the traits that the settings in force have not.

        What is counted between two publications is told apart by the offset at which it ends.
        """
        workspace = self._workspace_of(shard.settings) if shard.settings else None
        ids = {each.id for each in workspace.computed.values()} if workspace else set()
        for name, counted in self._counting.items():
            if counted and name in ids:
                self._ends[name].append(self._offset)
            self._counting[name] = name not in ids
        computed = {
            each.name: replace(each, id=f"{name}@{len(self._ends[name])}")
            for name, each in self._wanted.items()
            if self._counting[name]
        }
        settings = workspace or replace(self._present, unique={})
        return make_release(replace(settings, computed=computed, segments={}), [], [])

    def _forget(self, names: Iterator[str]) -> None:
        """What was counted of these traits before nobody knows whether it had been."""
        if self._whole:
            return
        unknown = {f"{name}@0" for name in names}
        for profile in self._folding.people().values():
            for where in unknown & profile.tallies.keys() if profile else ():
                assert profile is not None
                del profile.tallies[where]
        for name, trait, gap in list(self._found):
            if f"{trait}@{gap}" in unknown:
                del self._found[name, trait, gap]

    def _note(self, name: ProfileId, profile: Profile | None) -> None:
        """These are her figures so far; she has none of them any more."""
        if profile is None:
            return
        for where in [each for each in profile.tallies if "@" in each]:
            trait, _, gap = where.rpartition("@")
            kept = self._found.setdefault((name, trait, int(gap)), {})
            tallies.join_all(kept, profile.tallies.pop(where), self._wanted[trait])
