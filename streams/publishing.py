"""Publishing: contents to the library topic and the word that puts them in force to every shard.

All of it is one transaction of the id `publish`, so a worker that reads the word finds the
contents, and either all shards hear it or none.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import orjson

from journeys.engine.fates import Fate, fates, says_the_same
from journeys.language.model import Map, Workspace
from journeys.language.problems import MapError, nearest
from journeys.language.workspace import (
    Compiled,
    compile_map,
    compile_settings,
    compile_workspace,
    digest_of_text,
    settings_of,
)
from schemas import inbox
from schemas.inbox import (
    Archived,
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
    `fates`: what becomes of those who are in other versions of the maps that changed.
    """

    workspace: Workspace
    maps: tuple[Map, ...]
    changed: tuple[Map, ...]
    settings: bool
    restart: bool
    fates: tuple[Fate, ...] = ()


async def publish(
    connection: KafkaConnection,
    topics: Topics,
    shards: int,
    documents: Mapping[str, str],
    heads: Mapping[str, int] | None = None,
) -> PublishReport:
    """Compiles a workspace folder and puts it in force.

    `documents` maps relative paths to texts, `heads` says how many are where (`Shard`). Raises
    MapError with every problem, and PublicationRefused where a version was used for another
    structure, or people in an older version could not go on.
    """
    compiled = compile_workspace(documents)
    check_identity(documents)
    shelf = await read_shelf(connection, topics)
    coming = prospects(compiled, shelf, heads or {})
    written = zip(compiled.files, compiled.texts, strict=True)
    texts = {m.name: text for m, text in zip(compiled.maps, written, strict=True)}
    changed = tuple(m for m in compiled.maps if (m.name, m.version) not in shelf.maps)
    anew = {m.name: m.digest for m in compiled.maps if _is_anew(m, shelf)}
    versions = {m.name: m.version for m in compiled.maps}
    record = Published(compiled.workspace.digest, versions, anew)
    contents = [_settings_record(topics, compiled.workspace.digest, documents)]
    contents += [
        _map_record(topics, m, *texts[m.name], anew.get(m.name, ""))
        for m in compiled.maps
        if m in changed or m.name in anew
    ]
    contents.append(_latest(topics, record))
    await _append(connection, topics, [*contents, *_to_all(topics, shards, record)])
    settings = shelf.latest is None or shelf.latest.settings != compiled.workspace.digest
    restart = settings and _asks_for_restart(compiled.workspace, shelf)
    return PublishReport(compiled.workspace, compiled.maps, changed, settings, restart, coming)


def prospects(compiled: Compiled, shelf: Shelf, heads: Mapping[str, int]) -> tuple[Fate, ...]:
    """What publishing this would do to those who are in other versions of what changes.

    Raises PublicationRefused as `publish` does.
    """
    older = _refuse_what_strands(compiled, shelf)
    live = _live(compiled.workspace, shelf)
    found: list[Fate] = []
    for map_ in compiled.maps:
        if not says_the_same(map_, live.get(map_.name)):
            before = [each for each in older if each.name == map_.name]
            _refuse_unknown_stages(map_, before)
            found += fates(map_, before, heads)
    stranded = [fate for fate in found if fate.becomes == "stranded"]
    if stranded:
        raise PublicationRefused(_strands(stranded, compiled.maps, older))
    return tuple(found)


async def archive(connection: KafkaConnection, topics: Topics, shards: int, map_name: str) -> None:
    """Forgets a map in every shard where nobody is in it; only publishing brings it back."""
    latest = (await read_shelf(connection, topics)).latest
    records = _to_all(topics, shards, Archived(map_name))
    if latest is not None and map_name in latest.maps:
        left = {name: version for name, version in latest.maps.items() if name != map_name}
        texts = {name: text for name, text in latest.texts.items() if name != map_name}
        records.append(_latest(topics, Published(latest.settings, left, texts)))
    await _append(connection, topics, records)


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
    return _at_start(before) != _at_start(workspace)


def _at_start(workspace: Workspace) -> tuple[object, ...]:
    """What a worker takes up when it starts."""
    return workspace.sources, workspace.identity, workspace.hold_time_at_most


def _to_all(topics: Topics, shards: int, record: InboxRecord) -> list[Outgoing]:
    return [_inbox(topics, shard, record, "") for shard in range(shards)]


def _inbox(topics: Topics, shard: int, record: InboxRecord, key: str) -> Outgoing:
    return Outgoing(topics.inbox, key.encode() or None, inbox.encode(record), partition=shard)


def _settings_record(topics: Topics, digest: str, documents: Mapping[str, str]) -> Outgoing:
    settings = settings_of(documents)
    return Outgoing(topics.maps, settings_key(digest), orjson.dumps(settings), partition=0)


def _map_record(topics: Topics, map_: Map, file: str, text: str, digest: str) -> Outgoing:
    value = orjson.dumps({"file": file, "text": text})
    return Outgoing(topics.maps, map_key(map_.name, map_.version, digest), value, partition=0)


def _latest(topics: Topics, record: Published) -> Outgoing:
    said = {"settings": record.settings, "maps": record.maps, "texts": record.texts}
    return Outgoing(topics.maps, LATEST, orjson.dumps(said), partition=0)


def _live(workspace: Workspace, shelf: Shelf) -> dict[str, Map]:
    """What was published last, as far as it fits these settings."""
    found = {}
    latest = shelf.latest
    for name, version in latest.maps.items() if latest else ():
        digest = latest.texts.get(name, "") if latest else ""
        texts = shelf.later[name, version, digest] if digest else shelf.maps[name, version]
        with suppress(MapError):
            found[name] = compile_map(texts[1], texts[0], workspace)
    return found


def _is_anew(map_: Map, shelf: Shelf) -> bool:
    """Whether this version has been published with another text before."""
    first = shelf.maps.get((map_.name, map_.version))
    return first is not None and digest_of_text(first[1]) != map_.digest


def _refuse_what_strands(compiled: Compiled, shelf: Shelf) -> list[Map]:
    """Every version in the log goes on for the people in it: as it was, under these settings.

    Returns them all.
    """
    published = {(m.name, m.version): m for m in compiled.maps}
    found: list[Map] = []
    for (name, version), (file, text) in shelf.maps.items():
        newer = published.get((name, version))
        try:
            older = compile_map(text, file, compiled.workspace)
        except MapError as error:
            if newer is None:
                raise PublicationRefused(
                    f"People may still be in version {version} of {name}, which does not fit the "
                    f"new settings: {error.problems[0].what} Keep what it names until they are out."
                ) from error
            older = None
        if newer is not None and (older is None or older.structure != newer.structure):
            raise PublicationRefused(
                f"Version {version} of {name} is in the log with another structure, and people may "
                f"be in it. Give the changed map `version: {version + 1}`."
            )
        found += [] if older is None else [older]
    return found


def _refuse_unknown_stages(map_: Map, older: Sequence[Map]) -> None:
    known = {stage for each in older for stage in each.stages}
    for name in map_.on_publish.stages if map_.on_publish and older else ():
        if name not in known:
            raise PublicationRefused(
                f"`on_publish` of {map_.name} {map_.version} moves people out of {name}, and no "
                f"version in the log has such a stage. {nearest(name, sorted(known))}"
            )


def _strands(stranded: Sequence[Fate], maps: Sequence[Map], older: Sequence[Map]) -> str:
    first = stranded[0]
    here = [fate for fate in stranded if fate.map == first.map]
    newer = next(each for each in maps if each.name == first.map)
    where = ", ".join(f"{f.people} in {f.stage} of version {f.version}" for f in here)
    people = sum(fate.people for fate in here)
    said = f"Version {newer.version} of {newer.name} would strand {people} people: {where}. "
    before = next(m for m in older if (m.name, m.version) == (first.map, first.version))
    if before.has_key != newer.has_key:
        return said + "They cannot go on under another `key`; use `on_publish: pin` or `stop`."
    return said + (
        "Say where each goes on, `on_publish: {mode: migrate, stages: {"
        f"{first.stage}: ...}}}}`, or let them stay with `on_publish: pin`."
    )
