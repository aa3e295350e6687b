"""Erasures that are done: asked for by a touchpoint, reported once every shard has forgotten."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from console.connections import redis_of, require_topics
from console.people import moment, show, who
from console.refusals import CannotRun, Refused
from console.sending import send
from journeys.engine.profile import Profile
from journeys.identity.limits import namespace_of
from journeys.identity.operations import BY_ID
from journeys.identity.records import Node, decode_node
from schemas.touchpoint import ProfileId
from streams.identities import RedisIdentities
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


async def what_would_go(settings: Settings, whom: str) -> str:
    """What an erasure would forget, in one line; nothing is sent.

    `whom` is an identifier, or `profile:<id>`. Raises Refused for what can identify nobody.
    """
    by_id = whom.startswith(BY_ID)
    profile = ProfileId(whom.removeprefix(BY_ID)) if by_id else (await who(settings, whom)).profile
    async with redis_of(settings) as redis:
        profile, node = await _living(RedisIdentities(redis, settings.keys), profile)
    if profile is None or node is None or node.erased:
        return f"{whom} is nobody's. Touchpoints of it that are older would be kept away."
    counts = Counter(map(namespace_of, node.identifiers))
    parts = [f"{count} {name}" for name, count in sorted(counts.items())]
    try:
        found = (await show(settings, profile)).profile
    except Refused:  # her shard is behind identity
        found = Profile()
    parts += [f"{len(found.remembered)} remembered touchpoints", f"{len(node.aliases)} former ids"]
    parts += [f"her journey in {instance.map}" for instance in found.instances]
    return f"would forget {profile}: {', '.join(parts)}"


async def _living(
    identities: RedisIdentities, profile: ProfileId | None
) -> tuple[ProfileId | None, Node | None]:
    """Where a profile has ended, and its node."""
    while profile is not None:
        raw = (await identities.nodes([profile]))[profile]
        node = decode_node(raw) if raw else None
        if node is None or node.to is None:
            return profile, node
        profile = node.to
    return None, None


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
