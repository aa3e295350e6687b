"""A file of touchpoints into the topic for imports, with its progress shown."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiokafka import AIOKafkaProducer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from console.connections import redis_of, require_topics
from console.folders import read_documents
from console.refusals import Refused
from journeys.language.model import Source, Workspace
from journeys.language.workspace import compile_workspace
from schemas.intake import Mapping, compile_mapping
from streams.clock import RedisClock
from streams.imports import Destination, send_file
from streams.imports import Progress as Imported
from streams.imports import Refused as RefusedRow
from streams.reading import high_watermarks
from streams.settings import Settings

SHOWN_REFUSALS = 20
"""So many refused rows are printed; all of them are counted."""

LINGER_MS = 20
"""So that a bulk becomes one batch of a partition: a batch is what the embedded broker hands out
at a time, and what the agents then work on."""

Waiting = Callable[[Imported], Awaitable[None]]


def mapping_for(file: Path, workspace: Workspace | None, source: str | None) -> Mapping | None:
    """The mapping of the named source, else of the source whose `file` bears this file's name.

    None: the rows are touchpoints in the native form already. Raises Refused for a source that
    is not there.
    """
    sources = workspace.sources if workspace else {}
    if source is not None:
        if source not in sources:
            known = ", ".join(sorted(sources)) or "none"
            raise Refused(f"There is no source {source} in the workspace. There is: {known}.")
        return _compiled(sources[source], workspace)
    for each in sources.values():
        if each.mapping is not None and each.mapping.get("file") == file.name:
            return _compiled(each, workspace)
    return None


def workspace_of(folder: Path | None) -> Workspace | None:
    """The compiled workspace of a folder; raises MapError with every problem."""
    return None if folder is None else compile_workspace(read_documents(folder)).workspace


async def import_file(
    settings: Settings,
    file: Path,
    workspace: Workspace | None,
    source: str | None,
    shown: Console,
    waiting: Waiting | None = None,
) -> Imported:
    """Sends all rows; refused ones are printed with their line. `waiting` may hold it back."""
    topics, mapping = settings.topics, mapping_for(file, workspace, source)
    extra = [s.topic for s in workspace.sources.values() if s.topic] if workspace else []
    sources = topics.sources(extra)
    await require_topics(settings, sources)
    ends = await high_watermarks(settings.connection, sources)
    producer = AIOKafkaProducer(
        **settings.connection.client(),
        enable_idempotence=True,
        max_batch_size=256 << 10,
        linger_ms=LINGER_MS,
    )
    event_clock = workspace is not None and workspace.clock == "event"
    partitions = {name: sum(tp.topic == name for tp in ends) for name in sources}
    destination = Destination(producer, topics, partitions, event_clock)
    async with redis_of(settings) as redis:
        now = await RedisClock(redis).exact()
    await producer.start()
    try:
        with _bar(shown) as bar:
            task = bar.add_task("importing", total=None, rows=0)

            async def step(done: Imported) -> None:
                bar.update(task, total=done.total_bytes, completed=done.read_bytes, rows=done.sent)
                if waiting is not None:
                    await waiting(done)

            done = await send_file(file, mapping, destination, now, _Refusals(shown).add, step)
            bar.update(task, total=done.total_bytes, completed=done.total_bytes, rows=done.sent)
            return done
    finally:
        await producer.stop()


def _compiled(source: Source, workspace: Workspace | None) -> Mapping | None:
    if source.mapping is None or workspace is None:
        return None
    return compile_mapping(source.name, source.mapping, workspace.zone)


class _Refusals:
    """Prints the first refused rows; an import of a wrong file must not print a million."""

    def __init__(self, shown: Console) -> None:
        self._shown, self._count = shown, 0

    def add(self, row: RefusedRow) -> None:
        self._count += 1
        if self._count <= SHOWN_REFUSALS:
            where = f"line {row.line}{' ' + row.path if row.path else ''}"
            said = f"{where}: {row.what} {row.mend} [{row.code}]"
            self._shown.print(said, markup=False, highlight=False, soft_wrap=True)
        elif self._count == SHOWN_REFUSALS + 1:
            self._shown.print("Further refused rows are only counted.")


def _bar(shown: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
        console=shown,
    )
