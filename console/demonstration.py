"""`wayline demo`: a year of a real shop through the whole pipeline, counted at its end."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from console.connections import redis_of, shards_of
from console.creating import create, wanted_of
from console.examples import example
from console.folders import read_documents
from console.importing import import_file
from console.publication import publish
from console.refusals import CannotRun
from console.settling import backlog
from console.starting import ended_by_signals, running, working
from journeys.identity.config import DEMO_KEY
from journeys.language.model import Workspace
from journeys.language.workspace import compile_workspace
from streams.children import Child
from streams.imports import Progress
from streams.reading import read_to_end
from streams.settings import Settings, load_settings

FILE = "purchases.csv.gz"
CHANNEL = "mail"
PREFIX = "demo"
"""The workspace of a demo on servers that hold others, too."""
LOOKED_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the year. `actions` are distinct ids read from the action topic, by map."""

    imported: Progress
    profiles: int
    entries: Mapping[str, int]
    actions: Mapping[str, int]
    repeated: int
    seconds: float

    def differs_from(self, expected: Mapping[str, Any]) -> list[str]:
        """What is not as the example says, in sentences."""
        found = {
            "touchpoints": self.imported.sent,
            "profiles": self.profiles,
            **{f"actions of {name}": count for name, count in self.actions.items()},
        }
        wanted = {
            "touchpoints": expected["touchpoints"],
            "profiles": expected["profiles"],
            **{f"actions of {name}": count for name, count in expected["actions"].items()},
        }
        return [
            f"{name}: {found.get(name, 0):,}, expected {count:,}."
            for name, count in wanted.items()
            if found.get(name, 0) != count
        ]


def demonstrate(kafka: str | None, redis: str | None, workers: int, out: Console) -> list[str]:
    """Runs the demo, prints its table, and returns what is not as expected.

    Without addresses everything is embedded. Raises CannotRun when a worker ends by itself.
    """
    folder = example("online-retail")
    documents = read_documents(folder)
    workspace = compile_workspace(documents).workspace
    with ended_by_signals(), _place(kafka, redis, workers, documents, out) as (settings, children):
        outcome = asyncio.run(_year(settings, workspace, folder / FILE, children, out))
    out.print(_table(outcome), highlight=False)
    expected = orjson.loads((folder / "expected.json").read_bytes())
    return outcome.differs_from(expected)


@contextmanager
def _place(
    kafka: str | None, redis: str | None, workers: int, documents: Mapping[str, str], out: Console
) -> Iterator[tuple[Settings, list[Child]]]:
    """Embedded, or the servers that were named, with the example published and workers ready."""
    if kafka is None and redis is None:
        with running(documents, workers) as instance:
            broker = instance.settings.kafka.bootstrap
            out.print(f"embedded: Kafka at {broker}, {instance.base.redis_is}", highlight=False)
            yield instance.settings, list(instance.workers)
        return
    given: dict[str, Any] = {"kafka": {"bootstrap": kafka}} if kafka else {}
    given |= {"redis": {"url": redis}} if redis else {}
    settings = load_settings(prefix=PREFIX, identity_key=DEMO_KEY.decode(), **given)
    asyncio.run(create(settings, wanted_of(compile_workspace(documents).workspace)))
    asyncio.run(publish(settings, documents))
    with working(settings, workers) as (children, _):
        out.print(f"Kafka at {settings.kafka.bootstrap}, workspace {PREFIX}", highlight=False)
        yield settings, children


async def _year(
    settings: Settings, workspace: Workspace, file: Path, children: list[Child], out: Console
) -> Outcome:
    """1 import, 2 wait until nothing is left to do, 3 read back what came of it."""
    began = time.monotonic()
    async with backlog(settings, settings.topics.sources()) as behind:
        slower = behind.hold_back if settings.kafka.embedded else None
        imported = await import_file(settings, file, workspace, None, out, slower)  # 1
        with out.status("folding what is left") as status:  # 2
            while not await behind.is_settled(imported.latest):
                if any(child.ended() is not None for child in children):
                    raise CannotRun("A worker ended; what it said is above.")
                status.update(f"folding: {await behind.count():,} records left")
                await asyncio.sleep(LOOKED_EVERY_S)
    seconds = time.monotonic() - began
    actions, records = await _actions(settings)  # 3
    async with redis_of(settings) as redis:
        shards = await shards_of(settings)
        profiles = sum([await redis.zcard(settings.keys.due(n)) for n in range(shards)])
        entries = await _entries(redis, settings, shards)
    repeated = records - sum(actions.values())
    return Outcome(imported, profiles, entries, actions, repeated, seconds)


async def _actions(settings: Settings) -> tuple[Counter[str], int]:
    """Distinct action ids by map, and how many records the topic holds."""
    topic, ids, records = settings.topics.actions(CHANNEL), set(), 0
    async for record in read_to_end(settings.connection, [topic]):
        action = orjson.loads(record.value)
        ids.add((action["map"], action["action_id"]))
        records += 1
    return Counter(name for name, _ in ids), records


async def _entries(redis: Redis, settings: Settings, shards: int) -> Counter[str]:
    """Entries by map, from the shards' exact counters."""
    found: Counter[str] = Counter()
    for shard in range(shards):
        async for key in redis.scan_iter(settings.keys.counts(shard, "*"), count=1000):
            fields: dict[Any, Any] = await redis.hgetall(key)
            for name, count in fields.items():
                map_name, _, edge = name.decode().split("/", 2)
                if edge == "enter":
                    found[map_name] += int(count)
    return found


def _table(outcome: Outcome) -> Table:
    table = Table(title="A year of an online shop", title_justify="left")
    table.add_column("")
    table.add_column("", justify="right")
    imported = outcome.imported
    table.add_row("touchpoints", f"{imported.sent:,}")
    table.add_row("rows refused", f"{imported.refused:,}")
    table.add_row("profiles", f"{outcome.profiles:,}")
    for name in sorted(outcome.actions):
        table.add_row(f"entries into {name}", f"{outcome.entries.get(name, 0):,}")
        table.add_row(f"[bold]actions of {name}[/]", f"[bold]{outcome.actions[name]:,}[/]")
    table.add_row("actions seen again", f"{outcome.repeated:,}")
    table.add_row("seconds", f"{outcome.seconds:,.1f}")
    table.add_row("touchpoints/s", f"{imported.sent / outcome.seconds:,.0f}")
    return table
