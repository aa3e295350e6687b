"""Publishing: contents to the library topic and the word that puts them in force to every shard.

All of it is one transaction of the id `publish`, so a worker that reads the word finds the
contents, and either all shards hear it or none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from journeys.language.model import Map, Workspace
from journeys.language.problems import MapError
from journeys.language.workspace import compile_map, compile_settings, compile_workspace
from schemas import inbox
from schemas.inbox import Held, InboxRecord, Published, Released, Retried
from schemas.topics import Topics, shard_of
from schemas.touchpoint import ProfileId

from .kafka import KafkaConnection
from .library import Shelf, map_key, read_shelf, settings_key
from .ports import Outgoing
from .publisher import publish_once

PUBLISH = "publish"


class PublicationRefused(Exception):
    """The publication would break a promise; the message says which and what to do instead."""


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What is in force from now on. `changed` are the maps whose version is new to the log."""

    workspace: Workspace
    maps: tuple[Map, ...]
    changed: tuple[Map, ...]


async def publish(
    connection: KafkaConnection, topics: Topics, shards: int, documents: Mapping[str, str]
) -> PublishReport:
    """Compiles a workspace folder and puts it in force.

    `documents` maps relative paths to texts. Raises MapError with every problem, and
    PublicationRefused where a version was used for another text or people in an older version
    could not go on under the new settings.
    """
    compiled = compile_workspace(documents)
    shelf = await read_shelf(connection, topics)
    _refuse_reused_versions(compiled.maps, shelf)
    _refuse_stranding(documents, compiled.maps, shelf)
    changed = tuple(m for m in compiled.maps if (m.name, m.version) not in shelf.maps)
    record = Published(compiled.workspace.digest, {m.name: m.version for m in compiled.maps})
    contents = [_settings_record(topics, compiled.workspace.digest, documents)]
    contents += [_map_record(topics, m, documents) for m in changed]
    await _append(connection, topics, [*contents, *_to_all(topics, shards, record)])
    return PublishReport(compiled.workspace, compiled.maps, changed)


async def hold(connection: KafkaConnection, topics: Topics, shards: int, reason: str) -> None:
    """Shuts the gate of all shards: no action leaves from where each reads this."""
    await _append(connection, topics, _to_all(topics, shards, Held(reason)))


async def release(connection: KafkaConnection, topics: Topics, shards: int) -> None:
    """Opens the gate of all shards; what was held is judged anew."""
    await _append(connection, topics, _to_all(topics, shards, Released()))


async def retry(
    connection: KafkaConnection, topics: Topics, shards: int, profile: ProfileId
) -> None:
    """Lets the stuck instances of a profile try again."""
    record = Retried(profile)
    await _append(connection, topics, [_inbox(topics, shard_of(profile, shards), record, profile)])


async def _append(connection: KafkaConnection, topics: Topics, records: Iterable[Outgoing]) -> None:
    await publish_once(connection, topics.named(PUBLISH), list(records))


def _to_all(topics: Topics, shards: int, record: InboxRecord) -> list[Outgoing]:
    return [_inbox(topics, shard, record, "") for shard in range(shards)]


def _inbox(topics: Topics, shard: int, record: InboxRecord, key: str) -> Outgoing:
    return Outgoing(topics.inbox, key.encode() or None, inbox.encode(record), partition=shard)


def _settings_record(topics: Topics, digest: str, documents: Mapping[str, str]) -> Outgoing:
    settings = {path: text for path, text in documents.items() if not path.startswith("maps/")}
    return Outgoing(topics.maps, settings_key(digest), orjson.dumps(settings), partition=0)


def _map_record(topics: Topics, map_: Map, documents: Mapping[str, str]) -> Outgoing:
    value = orjson.dumps({"file": map_.file, "text": documents[map_.file]})
    return Outgoing(topics.maps, map_key(map_.name, map_.version), value, partition=0)


def _refuse_reused_versions(maps: Iterable[Map], shelf: Shelf) -> None:
    for map_ in maps:
        _, text = shelf.maps.get((map_.name, map_.version), (None, None))
        if text is not None and map_.text_digest != text_digest(text):
            raise PublicationRefused(
                f"Version {map_.version} of {map_.name} is in the log with another text, and "
                f"people may be in it. Give the changed map `version: {map_.version + 1}`."
            )


def _refuse_stranding(documents: Mapping[str, str], maps: Iterable[Map], shelf: Shelf) -> None:
    """Older versions go on for the people in them, so they must fit the new settings too."""
    settings = compile_settings(
        {path: text for path, text in documents.items() if not path.startswith("maps/")}
    )
    published = {(m.name, m.version) for m in maps}
    for (name, version), (file, text) in shelf.maps.items():
        if (name, version) in published:
            continue
        try:
            compile_map(text, file, settings)
        except MapError as error:
            raise PublicationRefused(
                f"People may still be in version {version} of {name}, and it does not fit the "
                f"new settings: {error.problems[0].what} Keep what it names until they are out."
            ) from error
