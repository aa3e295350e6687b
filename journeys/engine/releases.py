"""Releases by what a shard says is in force: settings by digest, maps by name and version, and by
the digest of their text where it is not the first of its version.

Each is compiled once, for all shards. What is in force follows from the shard alone; where the
texts come from is the caller's.
"""

from collections.abc import Callable, Iterable, Mapping

from journeys.language.model import Map, Release, Workspace
from journeys.language.workspace import compile_map, make_release

from .effects import Shard


class Releases:
    """`workspace_of` a digest and `text_of` a map (file and text) are asked once for each."""

    def __init__(
        self,
        workspace_of: Callable[[str], Workspace],
        text_of: Callable[[str, int, str], tuple[str, str]],
    ) -> None:
        self._workspace_of, self._text_of = workspace_of, text_of
        self._workspaces: dict[str, Workspace] = {}
        self._maps: dict[tuple[str, str, int, str], Map] = {}
        self._releases: dict[tuple[object, ...], Release] = {}

    def of(self, shard: Shard) -> Release | None:
        """What is in force in the shard; None before the first publication."""
        if not shard.settings:
            return None
        known = ((name, *versions) for name, versions in shard.known.items())
        key = (shard.settings, *shard.maps.items(), *known, *shard.texts.items())
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

    def know(self, digest: str, maps: Iterable[Map], texts: Mapping[str, str]) -> None:
        """Takes maps that were compiled with these settings already; `texts` as in `Shard`."""
        for each in maps:
            self._maps[digest, each.name, each.version, texts.get(each.name, "")] = each

    def _made(self, shard: Shard) -> Release:
        live = [
            self._map(shard.settings, name, version, shard.texts.get(name, ""))
            for name, version in shard.maps.items()
        ]
        pinned = [
            self._map(shard.settings, name, version, "")
            for name, versions in shard.known.items()
            for version in versions
            if shard.maps.get(name) != version
        ]
        return make_release(self.workspace(shard.settings), live, pinned)

    def _map(self, settings: str, name: str, version: int, digest: str) -> Map:
        found = self._maps.get((settings, name, version, digest))
        if found is None:
            file, text = self._text_of(name, version, digest)
            found = compile_map(text, file, self.workspace(settings))
            self._maps[settings, name, version, digest] = found
        return found
