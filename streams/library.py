"""The published maps and settings, read from the log's library topic and compiled once.

Contents are immutable: settings by their digest, a map by name and version; a text that changes
only what follows live stands besides, by its own digest. What is in force is said by the inbox
alone; the library only knows what those words mean.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import orjson

from journeys.engine.effects import Shard
from journeys.engine.releases import Releases
from journeys.language.model import Release, Workspace
from journeys.language.problems import MapError
from journeys.language.workspace import compile_settings
from schemas.inbox import Published
from schemas.topics import Topics

from .kafka import KafkaConnection
from .ports import Halt
from .reading import read_to_end

LATEST = b"latest"


@dataclass(slots=True)
class Shelf:
    """The texts of the library topic: settings by digest, maps by (name, version)."""

    settings: dict[str, Mapping[str, str]] = field(default_factory=dict)
    maps: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    """(name, version) -> (file, text), the first."""
    later: dict[tuple[str, int, str], tuple[str, str]] = field(default_factory=dict)
    """The same by (name, version, digest) of texts that came after the first."""
    latest: Published | None = None
    """What was published last: where a worker starts from; shards go by their inbox."""


def settings_key(digest: str) -> bytes:
    return f"settings/{digest}".encode()


def map_key(name: str, version: int, digest: str = "") -> bytes:
    """`digest` of a text that is not the first of its version."""
    return f"map/{name}/{version}{'/' if digest else ''}{digest}".encode()


async def read_shelf(connection: KafkaConnection, topics: Topics) -> Shelf:
    """All that was ever published."""
    shelf = Shelf()
    async for record in read_to_end(connection, [topics.maps]):
        kind, _, rest = record.key.decode().partition("/")
        content = orjson.loads(record.value)
        if record.key == LATEST:
            texts = content.get("texts", {})
            shelf.latest = Published(content["settings"], content["maps"], texts)
        elif kind == "settings":
            shelf.settings[rest] = content
        else:
            name, version, *digest = rest.split("/")
            written = content["file"], content["text"]
            if digest:
                shelf.later[name, int(version), digest[0]] = written
            else:
                shelf.maps[name, int(version)] = written
    return shelf


@contextmanager
def _understood() -> Iterator[None]:
    """What was published was compiled by whoever published it; who cannot is older."""
    try:
        yield
    except MapError as error:
        first = error.problems[0]
        raise Halt(
            f"What is in force is beyond this Wayline: {first.file}:{first.line}: {first.what} "
            "A newer one published it, and nothing was folded past it; start the newer one here, "
            "too."
        ) from error


def _in_force(wanted: Published) -> Shard:
    return Shard(0, 1, settings=wanted.settings, maps=wanted.maps, texts=wanted.texts)


class Library:
    """Releases by what a shard says is in force; compiled once, shared by all shards."""

    def __init__(self, connection: KafkaConnection, topics: Topics) -> None:
        self._connection, self._topics = connection, topics
        self._shelf = Shelf()
        self._releases = Releases(
            lambda digest: compile_settings(self._shelf.settings[digest]),
            lambda *text: self._shelf.later[text] if text[2] else self._shelf.maps[text[:2]],
        )

    async def latest(self) -> Workspace | None:
        """The settings published last; None before the first publication."""
        self._shelf = await read_shelf(self._connection, self._topics)
        if self._shelf.latest is None:
            return None
        with _understood():
            return self.workspace(self._shelf.latest.settings)

    async def prepare(self, wanted: Shard | Published) -> None:
        """Makes sure that `release` can answer for these; raises Halt if it never could, or was
        published by a Wayline that knows more words."""
        if self._lacks(wanted):
            self._shelf = await read_shelf(self._connection, self._topics)
        if missing := self._lacks(wanted):
            raise Halt(
                f"{self._topics.maps} does not hold {missing}, which the inbox says is in force. "
                "Restore that topic; nothing was folded past this point."
            )
        with _understood():
            if isinstance(wanted, Shard):
                self._releases.of(wanted)
            elif wanted.settings:
                self._releases.of(_in_force(wanted))

    def release(self, shard: Shard) -> Release | None:
        """What is in force in `shard`; None before anything was published. Pure after prepare."""
        return self._releases.of(shard)

    def workspace(self, digest: str) -> Workspace:
        """The compiled settings of this digest."""
        return self._releases.workspace(digest)

    def _lacks(self, wanted: Shard | Published) -> str | None:
        if wanted.settings and wanted.settings not in self._shelf.settings:
            return f"the settings {wanted.settings}"
        for name, version in wanted.maps.items():
            if (name, version) not in self._shelf.maps:
                return f"version {version} of the map {name}"
            digest = wanted.texts.get(name, "")
            if digest and (name, version, digest) not in self._shelf.later:
                return f"the text {digest[:12]} of version {version} of the map {name}"
        return None
