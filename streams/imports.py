"""Imports: rows of a file become native touchpoints on the topic for imports.

Safe to run twice: a row without an id is named by its content, so the same row is the same
touchpoint whichever file it comes in. A row that breaks the contract is refused here, with its
line, by the very code the worker would refuse it with.
"""

import asyncio
import csv
import gzip
import io
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson
from aiokafka import AIOKafkaProducer

from schemas.errors import ContractError
from schemas.intake import Mapping as SourceMapping
from schemas.intake import Raw, decode
from schemas.intake.document import read_object
from schemas.intake.native import WATERMARK, written_time
from schemas.topics import Topics
from schemas.touchpoint import Millis, Touchpoint

BULK = 1000
START = Millis(0)
WATERMARK_EVERY = 1.0
_FORMATS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
_SEPARATORS = ",;\t|"


class UnreadableFile(Exception):
    """The file cannot be imported at all; the message says why and what to do."""


class Row(NamedTuple):
    """`line` is the file's line on which the row begins, counted from 1."""

    line: int
    values: dict[str, Any]


class Refused(NamedTuple):
    """A row that is left out; the words are those of a ContractError."""

    line: int
    code: str
    path: str
    what: str
    mend: str


class Imported(NamedTuple):
    """A row as the record it becomes; `time` is its event time in ms."""

    line: int
    key: bytes
    value: bytes
    time: Millis


@dataclass(slots=True)
class Progress:
    """How far an import is. Bytes are those of the file as it lies on the disk; `latest` is the
    largest event time so far, in ms."""

    total_bytes: int = 0
    read_bytes: int = 0
    sent: int = 0
    refused: int = 0
    latest: Millis = START


@dataclass(frozen=True, slots=True)
class Destination:
    """`producer` is started and idempotent; `partitions` counts those of every source topic."""

    producer: AIOKafkaProducer
    topics: Topics
    partitions: Mapping[str, int]
    event_clock: bool = False


def read_rows(path: Path, progress: Progress | None = None) -> Iterator[Row | Refused]:
    """The rows of a CSV or JSON lines file, also gzipped, one at a time, in order.

    A row that cannot be read is refused and the next one follows. Raises UnreadableFile.
    """
    name = path.name.lower()
    if not name.endswith(_FORMATS):
        raise UnreadableFile(
            f"{path} is not a file that can be imported. Its name must end in "
            f"{', '.join(_FORMATS)}."
        )
    progress = progress or Progress()
    try:
        progress.total_bytes = path.stat().st_size
        with path.open("rb") as raw:
            stream: Any = gzip.GzipFile(fileobj=raw) if name.endswith(".gz") else raw
            rows = _csv_rows(stream) if ".csv" in name[-7:] else _json_rows(stream)
            for row in rows:
                progress.read_bytes = raw.tell()
                yield row
            progress.read_bytes = raw.tell()
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"{path} cannot be read: {error}. Check the file.") from error


def touchpoints_of(
    path: Path, mapping: SourceMapping | None, now: Millis, progress: Progress | None = None
) -> Iterator[Imported | Refused]:
    """Each row of the file as a native record, or refused. Raises UnreadableFile.

    `now` is the moment of the import: the event time of rows that name none.
    """
    if mapping is None and ".csv" in path.name.lower()[-7:]:
        raise UnreadableFile(
            f"Nothing says what the columns of {path.name} mean. Describe them under `sources:` "
            "in wayline.yaml, with `format: mapped`."
        )
    for row in read_rows(path, progress):
        if isinstance(row, Refused):
            yield row
            continue
        try:
            yield _imported(row, mapping, now)
        except ContractError as error:
            yield _refused(row.line, error)


async def send_file(
    path: Path,
    mapping: SourceMapping | None,
    into: Destination,
    now: Millis,
    on_refused: Callable[[Refused], None] | None = None,
    on_progress: Callable[[Progress], Awaitable[None]] | None = None,
) -> Progress:
    """Sends a file to the topic for imports; returns when all of it is acknowledged.

    With the event clock every source hears, each second and at the end, up to which event time
    all is in. `on_progress` is awaited after each acknowledged bulk and may hold the import back.
    Raises UnreadableFile, and KafkaError for what the broker refused.
    """
    progress = Progress()
    watermarks = _Watermarks(into, path.name if mapping is None else mapping.source)
    found = touchpoints_of(path, mapping, now, progress)
    async for bulk in _bulks(found, progress, on_refused):
        # 1. All rows before the word that they are in.
        sent = [
            await into.producer.send(into.topics.imported, key=row.key, value=row.value)
            for row in bulk
        ]
        await asyncio.gather(*sent)
        progress.sent += len(bulk)
        progress.latest = max([progress.latest, *(row.time for row in bulk)])
        # 2. The rows that follow may be of the same moment, so it is not over yet.
        if into.event_clock and watermarks.are_due():
            await watermarks.send(Millis(progress.latest - 1))
        if on_progress:
            await on_progress(progress)
    if into.event_clock and progress.sent:
        await watermarks.send(progress.latest)
    return progress


class _Watermarks:
    """The word that all before a moment is in, to every partition of every source.

    One without rows must not hold time back.
    """

    def __init__(self, into: Destination, source: str) -> None:
        self._producer, self._source = into.producer, source
        places = into.partitions.items()
        self._places = [(topic, n) for topic, count in places for n in range(count)]
        self._sent_at = asyncio.get_running_loop().time()

    def are_due(self) -> bool:
        return asyncio.get_running_loop().time() - self._sent_at >= WATERMARK_EVERY

    async def send(self, upto: Millis) -> None:
        """Returns when all are acknowledged."""
        value = watermark(self._source, upto)
        sent = [
            await self._producer.send(topic, value=value, partition=partition)
            for topic, partition in self._places
        ]
        await asyncio.gather(*sent)
        self._sent_at = asyncio.get_running_loop().time()


def watermark(source: str, upto: Millis) -> bytes:
    """The touchpoint that says: all of this source up to `upto` is in. It happened then."""
    time = written_time(upto)
    return orjson.dumps(
        {
            "type": WATERMARK,
            "source": source,
            "time": time,
            "properties": {"source": source, "upto": time},
        }
    )


async def _bulks(
    found: Iterator[Imported | Refused],
    progress: Progress,
    on_refused: Callable[[Refused], None] | None,
) -> AsyncIterator[list[Imported]]:
    bulk: list[Imported] = []
    for row in found:
        if isinstance(row, Refused):
            progress.refused += 1
            if on_refused:
                on_refused(row)
            continue
        bulk.append(row)
        if len(bulk) == BULK:
            yield bulk
            bulk = []
    if bulk:
        yield bulk


def touchpoint_of(row: Row, mapping: SourceMapping | None, now: Millis) -> Touchpoint:
    """The touchpoint that a row would become if it were imported `now`; raises ContractError."""
    return _decoded(row, _written(row, mapping), now)


def _imported(row: Row, mapping: SourceMapping | None, now: Millis) -> Imported:
    value = _written(row, mapping)
    touchpoint = _decoded(row, value, now)
    first = next(iter(touchpoint.identifiers.items()), None)
    key = f"{first[0]}:{first[1][0]}" if first else touchpoint.id
    return Imported(row.line, key.encode(), value, touchpoint.time)


def _written(row: Row, mapping: SourceMapping | None) -> bytes:
    form = row.values if mapping is None else mapping.native(row.values)
    try:
        if form.get("id") is None:
            form = form | {"id": _content_id(row.values)}
        return orjson.dumps(form)
    except orjson.JSONEncodeError as error:
        raise ContractError(
            "not-utf8", "", "The row is not UTF-8.", "Save the file as UTF-8."
        ) from error


def _decoded(row: Row, value: bytes, now: Millis) -> Touchpoint:
    return decode(Raw("import", 0, row.line, now, None, value), None, now)


def _content_id(values: dict[str, Any]) -> str:
    content = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    return f"row-{blake2b(content, digest_size=16).hexdigest()}"


def _csv_rows(stream: BinaryIO) -> Iterator[Row | Refused]:
    """Bytes that are no UTF-8 stay in the row as surrogates, so that only that row is refused."""
    text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
    try:
        header = text.readline()
        separator = max(_SEPARATORS, key=header.count)
        columns = next(csv.reader([header], delimiter=separator), [])
        yield from _rows_below(columns, csv.reader(text, delimiter=separator, strict=True))
    finally:
        text.detach()  # else the wrapper closes a stream that is not its own


def _rows_below(columns: list[str], reader: Any) -> Iterator[Row | Refused]:
    while True:
        line = reader.line_num + 2
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Refused(line, "not-csv", "", f"The row is no CSV: {error}.", "Mend the quotes.")
            continue
        if cells is None:
            return
        if len(cells) == len(columns):
            yield Row(line, dict(zip(columns, cells, strict=True)))
        elif cells:
            yield Refused(
                line,
                "wrong-columns",
                "",
                f"The row has {len(cells)} columns, the header {len(columns)}.",
                "Mend the row; texts with separators need quotes.",
            )


def _json_rows(stream: BinaryIO) -> Iterator[Row | Refused]:
    for line, text in enumerate(stream, start=1):
        if not text.strip():
            continue
        try:
            yield Row(line, read_object(text.strip()))
        except ContractError as error:
            yield _refused(line, error)


def _refused(line: int, error: ContractError) -> Refused:
    return Refused(line, error.code, error.path, error.what, error.mend)
