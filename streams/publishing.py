"""Publishing: contents to the library topic and the word that puts them in force to every shard.

All of it is one transaction of the id `publish`, so a worker that reads the word finds the
contents, and either all shards hear it or none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from journeys.language.model import Map, Workspace
from journeys.language.problems import MapError
from journeys.language.workspace import (
    Compiled,
    compile_map,
    compile_settings,
    compile_workspace,
)
from schemas import inbox
from schemas.inbox import (
    Drained,
    Held,
    InboxRecord,
    Paused,
    Published,
    Released,
    Resumed,
    Retried,
    Stopped,
)
from schemas.topics import Topics, shard_of
from schemas.touchpoint import ProfileId

from .identity_rules import check_identity
from .kafka import KafkaConnection
from .library import LATEST, Shelf, map_key, read_shelf, settings_key
from .ports import Outgoing
from .publisher import publish_once

PUBLISH = "publish"


class PublicationRefused(Exception):
    """The publication would break a promise; the message says which and what to do instead."""


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What is in force from now on. `changed` are the maps whose version is new to the log.

    `settings`: they are others than those published last, templates and catalogue among them.
    `restart`: workers take what changed in sources or identity up only at their next start.
    """

    workspace: Workspace
    maps: tuple[Map, ...]
    changed: tuple[Map, ...]
    settings: bool
    restart: bool


async def publish(
    connection: KafkaConnection, topics: Topics, shards: int, documents: Mapping[str, str]
) -> PublishReport:
    """Compiles a workspace folder and puts it in force.

    `documents` maps relative paths to texts. Raises MapError with every problem, and
    PublicationRefused where a version was used for another text or people in an older version
    could not go on under the new settings.
    """
    compiled = compile_workspace(documents)
    check_identity(documents)
    shelf = await read_shelf(connection, topics)
    _refuse_what_strands(compiled, shelf)
    written = zip(compiled.files, compiled.texts, strict=True)
    texts = {m.name: text for m, text in zip(compiled.maps, written, strict=True)}
    changed = tuple(m for m in compiled.maps if (m.name, m.version) not in shelf.maps)
    record = Published(compiled.workspace.digest, {m.name: m.version for m in compiled.maps})
    contents = [_settings_record(topics, compiled.workspace.digest, documents)]
    contents += [_map_record(topics, m, *texts[m.name]) for m in changed]
    latest = orjson.dumps({"settings": record.settings, "maps": record.maps})
    contents.append(Outgoing(topics.maps, LATEST, latest, partition=0))
    await _append(connection, topics, [*contents, *_to_all(topics, shards, record)])
    settings = shelf.latest is None or shelf.latest.settings != compiled.workspace.digest
    restart = settings and _asks_for_restart(compiled.workspace, shelf)
    return PublishReport(compiled.workspace, compiled.maps, changed, settings, restart)


async def hold(connection: KafkaConnection, topics: Topics, shards: int, reason: str) -> None:
    """Shuts the gate of all shards: no action leaves from where each reads this."""
    await _append(connection, topics, _to_all(topics, shards, Held(reason)))


async def release(connection: KafkaConnection, topics: Topics, shards: int) -> None:
    """Opens the gate of all shards; what was held is judged anew."""
    await _append(connection, topics, _to_all(topics, shards, Released()))


async def steer(
    connection: KafkaConnection,
    topics: Topics,
    shards: int,
    record: Paused | Resumed | Drained | Stopped,
) -> None:
    """Pauses, resumes, drains or stops a map in all shards, from where each reads this."""
    await _append(connection, topics, _to_all(topics, shards, record))


async def retry(
    connection: KafkaConnection, topics: Topics, shards: int, profile: ProfileId
) -> None:
    """Lets the stuck instances of a profile try again."""
    record = Retried(profile)
    await _append(connection, topics, [_inbox(topics, shard_of(profile, shards), record, profile)])


async def _append(connection: KafkaConnection, topics: Topics, records: Iterable[Outgoing]) -> None:
    await publish_once(connection, topics.named(PUBLISH), list(records))


def _asks_for_restart(workspace: Workspace, shelf: Shelf) -> bool:
    """A worker that runs since before the first publication knows no source but our own."""
    if shelf.latest is None:
        return bool(workspace.sources or workspace.identity)
    try:
        before = compile_settings(shelf.settings[shelf.latest.settings])
    except MapError:  # written for another Wayline
        return True
    return (before.sources, before.identity) != (workspace.sources, workspace.identity)


def _to_all(topics: Topics, shards: int, record: InboxRecord) -> list[Outgoing]:
    return [_inbox(topics, shard, record, "") for shard in range(shards)]


def _inbox(topics: Topics, shard: int, record: InboxRecord, key: str) -> Outgoing:
    return Outgoing(topics.inbox, key.encode() or None, inbox.encode(record), partition=shard)


def _settings_record(topics: Topics, digest: str, documents: Mapping[str, str]) -> Outgoing:
    settings = {path: text for path, text in documents.items() if not path.startswith("maps/")}
    return Outgoing(topics.maps, settings_key(digest), orjson.dumps(settings), partition=0)


def _map_record(topics: Topics, map_: Map, file: str, text: str) -> Outgoing:
    value = orjson.dumps({"file": file, "text": text})
    return Outgoing(topics.maps, map_key(map_.name, map_.version), value, partition=0)


def _refuse_what_strands(compiled: Compiled, shelf: Shelf) -> None:
    """Every version in the log goes on for the people in it: as it was, under these settings."""
    published = {(m.name, m.version): m for m in compiled.maps}
    for (name, version), (file, text) in shelf.maps.items():
        try:
            older = compile_map(text, file, compiled.workspace)
        except MapError as error:
            if (name, version) in published:
                older = None
            else:
                raise PublicationRefused(
                    f"People may still be in version {version} of {name}, which does not fit the "
                    f"new settings: {error.problems[0].what} Keep what it names until they are out."
                ) from error
        newer = published.get((name, version))
        if newer is not None and (older is None or older.digest != newer.digest):
            raise PublicationRefused(
                f"Version {version} of {name} is in the log with other contents, and people may "
                f"be in it. Give the changed map `version: {version + 1}`."
            )
