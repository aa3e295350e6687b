"""Erasures that are done: asked for by a touchpoint, reported once every shard has forgotten."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from console.connections import require_topics
from console.people import moment
from console.refusals import CannotRun
from console.sending import send
from streams.reading import high_watermarks, read_to_end
from streams.settings import Settings

POLL_MS = 200


@dataclass(frozen=True, slots=True)
class Report:
    """`request` is source and id of the touchpoint that asked, at `asked` (ms, event time).

    `formerly` are the ids that had been merged into `profile`; `reported` is a moment of the log.
    """

    request: str
    profile: str
    formerly: tuple[str, ...]
    asked: int
    reported: str


async def all_reports(settings: Settings) -> list[Report]:
    """Those that the topic still holds, in the order of their reporting."""
    topic = settings.topics.merges
    await require_topics(settings, [topic])
    read = read_to_end(settings.connection, [topic])
    rows = [orjson.loads(record.value) async for record in read]
    found = [_report(row) for row in rows if row["type"] == "profile.erased"]
    return sorted(found, key=lambda report: (report.reported, report.request))


async def erase(settings: Settings, value: bytes, within: float) -> tuple[str, Report | None]:
    """Sends the request and waits for its report, `within` seconds at most, 0: not at all.

    Returns the id of the request. Raises CannotRun where the report did not come; the request is
    on its way all the same.
    """
    topics = settings.topics
    await require_topics(settings, [topics.touchpoints, topics.merges])
    starts = await high_watermarks(settings.connection, [topics.merges])
    [sent] = await send(settings, [value])
    if not within:
        return sent, None
    try:
        async with asyncio.timeout(within), aclosing(_rows_from(settings, starts)) as rows:
            async for row in rows:
                if row.get("cause", {}).get("event_id") == f"{topics.touchpoints}/{sent}":
                    return sent, _report(row)
    except TimeoutError:
        pass
    raise CannotRun(
        f"Request {sent} was sent, but within {within:g} seconds no shard reported it done. Are "
        "workers running? `wayline identity erased` shows it once it is; `wayline dlq ls` shows "
        "whether it was refused."
    )


def line(report: Report) -> str:
    """For people to read."""
    formerly = f", with {len(report.formerly)} former ids" if report.formerly else ""
    asked = moment(report.asked)
    return f"{report.reported}  {report.request}: {report.profile}{formerly}, asked {asked}"


async def _rows_from(
    settings: Settings, starts: Mapping[TopicPartition, int]
) -> AsyncGenerator[dict[str, Any], None]:
    """Committed rows behind these offsets, and those still to come."""
    consumer = AIOKafkaConsumer(
        **settings.connection.client(),
        isolation_level="read_committed",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        consumer.assign(list(starts))
        for partition, start in starts.items():
            consumer.seek(partition, start)
        while True:
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    yield orjson.loads(record.value)
    finally:
        await consumer.stop()


def _report(row: Mapping[str, Any]) -> Report:
    return Report(
        row["cause"]["event_id"], row["from"], tuple(row["from_aliases"]), row["ts"], row["at"]
    )
