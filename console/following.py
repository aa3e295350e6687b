"""What left on the action topics, as a reader sees it who waits for committed transactions."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from rich.console import Console
from rich.markup import escape

from console.connections import require_topics, topics_there
from console.refusals import CannotRun
from streams.settings import Settings

POLL_MS = 200


async def action_topics(settings: Settings, channel: str | None) -> list[str]:
    """The action topics of the workspace, or that of one channel; raises CannotRun for none."""
    if channel is not None:
        wanted = [settings.topics.actions(channel)]
        await require_topics(settings, wanted)
        return wanted
    before = settings.topics.actions("")
    found = sorted(name for name in await topics_there(settings) if name.startswith(before))
    if not found:
        raise CannotRun("There is no action topic yet. Run `wayline topics create`.")
    return found


async def records_of(
    settings: Settings, topics: Sequence[str], *, from_start: bool, follow: bool
) -> AsyncIterator[ConsumerRecord]:
    """Committed records, in order within a partition; ends at today's end unless followed."""
    consumer = AIOKafkaConsumer(
        *topics,
        **settings.connection.client(),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="latest",
    )
    await consumer.start()
    try:
        partitions = list(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions) if from_start else ends
        for partition, start in starts.items():
            consumer.seek(partition, start)
        left = {p for p in partitions if starts[p] < ends[p]}
        while left or follow:
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    yield record
            left = {p for p in left if await consumer.position(p) < ends[p]}
    finally:
        await consumer.stop()


async def print_actions(
    settings: Settings,
    channel: str | None,
    *,
    from_start: bool,
    follow: bool,
    limit: int | None,
    json: bool,
) -> None:
    """Prints each action as it comes; returns at the limit, or at the end unless followed."""
    out, shown = Console(), 0
    topics = await action_topics(settings, channel)
    async for record in records_of(settings, topics, from_start=from_start, follow=follow):
        if json:
            print(as_line(record), flush=True)
        else:
            out.print(as_pretty(record), highlight=False, soft_wrap=True)
        shown += 1
        if limit is not None and shown >= limit:
            return


def as_line(record: ConsumerRecord) -> str:
    """The action's JSON on one line, with its topic."""
    return orjson.dumps({"topic": record.topic, **orjson.loads(record.value)}).decode()


def as_pretty(record: ConsumerRecord) -> str:
    """When, where to, by which stage of which map, and what it says (rich markup)."""
    action: dict[str, Any] = orjson.loads(record.value)
    to = ", ".join(f"{name} {value}" for name, value in (action.get("to") or {}).items())
    what = escape(str(action.get("template") or action.get("task") or action.get("action") or ""))
    content = action.get("content") or action.get("with") or {}
    said = "\n".join(f"    [dim]{escape(str(n))}[/] {escape(str(v))}" for n, v in content.items())
    head = (
        f"[dim]{escape(str(action.get('at', '')))}[/] [bold]{escape(str(action.get('channel')))}[/]"
        f" [green]{what}[/] → {escape(to) or 'nobody'}"
        f"  [dim]{escape(str(action.get('map')))}/{escape(str(action.get('stage')))}"
        f" {escape(str(action.get('action_id')))}[/]"
    )
    return f"{head}\n{said}" if said else head
