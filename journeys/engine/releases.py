"""Releases by what a shard says is in force: settings by digest, maps by name and version.

Each is compiled once, for all shards. What is in force follows from the shard alone; where the
texts come from is the caller's.
"""

from collections.abc import Callable, Iterable

from journeys.language.model import Map, Release, Workspace
from journeys.language.workspace import compile_map, make_release

from .effects import Shard


class Releases:
    """`workspace_of` a digest and `text_of` a map (file and text) are asked once for each."""

    def __init__(
        self,
        workspace_of: Callable[[str], Workspace],
        text_of: Callable[[str, int], tuple[str, str]],
    ) -> None:
        self._workspace_of, self._text_of = workspace_of, text_of
        self._workspaces: dict[str, Workspace] = {}
        self._maps: dict[tuple[str, str, int], Map] = {}
        self._releases: dict[tuple[object, ...], Release] = {}

    def of(self, shard: Shard) -> Release | None:
        """What is in force in the shard; None before the first publication."""
        if not shard.settings:
            return None
        key = (shard.settings, *shard.maps.items(), *((n, *v) for n, v in shard.known.items()))
        found = self._releases.get(key)
        if found is None:
            found = self._releases[key] = self._made(shard)
        return found

    def workspace(self, digest: str) -> Workspace:
        """The compiled settings of this digest."""
        found = self._workspaces.get(digest)
        if found is None:
            found = self._workspaces[digest] = self._workspace_of(digest)
        return found

    def know(self, digest: str, maps: Iterable[Map]) -> None:
        """Takes maps that were compiled with these settings already."""
        self._maps |= {(digest, each.name, each.version): each for each in maps}

    def _made(self, shard: Shard) -> Release:
        live = [self._map(shard.settings, name, version) for name, version in shard.maps.items()]
        pinned = [
            self._map(shard.settings, name, version)
            for name, versions in shard.known.items()
            for version in versions
            if shard.maps.get(name) != version
        ]
        return make_release(self.workspace(shard.settings), live, pinned)

    def _map(self, settings: str, name: str, version: int) -> Map:
        found = self._maps.get((settings, name, version))
        if found is None:
            file, text = self._text_of(name, version)
            found = compile_map(text, file, self.workspace(settings))
            self._maps[settings, name, version] = found
        return found
