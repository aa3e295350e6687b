"""Asking a published map to let somebody in: a touchpoint like any other, so it goes by the log."""

from collections.abc import Sequence

import orjson

from console.refusals import Refused
from console.sending import document, send
from journeys.language.names import REQUESTED
from journeys.language.workspace import compile_map, compile_settings
from streams.library import read_shelf
from streams.settings import Settings


async def start(
    settings: Settings,
    map_name: str,
    identifiers: Sequence[str],
    key: str | None,
    given: Sequence[str],
) -> str:
    """Sends the request and returns its id; `given` are `name=value`, JSON where it is.

    Raises Refused where no published map of that name takes requests. Whether she enters is the
    map's to say: the transitions tell.
    """
    await _check(settings, map_name)
    written = orjson.loads(document(REQUESTED, identifiers, given, (), {}))
    properties = {"map": map_name, "with": written.get("properties", {})}
    written["properties"] = properties | ({} if key is None else {"key": key})
    [sent] = await send(settings, [orjson.dumps(written)])
    return sent


async def _check(settings: Settings, map_name: str) -> None:
    shelf = await read_shelf(settings.connection, settings.topics)
    live = shelf.latest.maps if shelf.latest else {}
    if shelf.latest is None or map_name not in live:
        known = ", ".join(sorted(live)) or "none"
        raise Refused(f"No map {map_name} is published; there is: {known}.")
    file, text = shelf.maps[map_name, live[map_name]]
    workspace = compile_settings(shelf.settings[shelf.latest.settings])
    if not any(entry.request for entry in compile_map(text, file, workspace).enter):
        raise Refused(f"The map {map_name} takes no requests: give it an entry {{request: true}}.")
