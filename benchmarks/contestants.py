"""Who runs: how each is made ready, what is started, and where its actions come out."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.settings import load_settings

WORKSPACE = Path(__file__).parent / "workspace"
ONE_MAP = ("win-back",)
PARTITIONS = 12


@dataclass(frozen=True, slots=True)
class Servers:
    """The broker and the Redis that all contestants share."""

    bootstrap: str
    redis: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One contestant in one round: its topics and what to start, `copies` times.

    More than one share the consumer group `group`, and are warm when all of them are in it.
    """

    source: str
    target: str
    command: Sequence[str]
    environment: Mapping[str, str]
    copies: int = 1
    group: str = ""


async def bare(servers: Servers, prefix: str, folder: Path) -> Lane:
    source, target = await _own_topics(servers, prefix)
    command = [sys.executable, "-m", "benchmarks.bare", servers.bootstrap, source, target]
    return Lane(source, target, command, dict(os.environ))


async def plain_faust(servers: Servers, prefix: str, folder: Path) -> Lane:
    source, target = await _own_topics(servers, prefix)
    module = [sys.executable, "-m", "benchmarks.plain_faust"]
    command = [*module, servers.bootstrap, source, target, servers.redis]
    return Lane(source, target, command, dict(os.environ), group=source)


async def two_plain_fausts(servers: Servers, prefix: str, folder: Path) -> Lane:
    return replace(await plain_faust(servers, prefix, folder), copies=2)


async def one_map(servers: Servers, prefix: str, folder: Path) -> Lane:
    return await _wayline(servers, prefix, folder, ONE_MAP)


async def five_maps(servers: Servers, prefix: str, folder: Path) -> Lane:
    return await _wayline(servers, prefix, folder, None)


async def one_map_two_workers(servers: Servers, prefix: str, folder: Path) -> Lane:
    return replace(await one_map(servers, prefix, folder), copies=2)


async def five_maps_two_workers(servers: Servers, prefix: str, folder: Path) -> Lane:
    return replace(await five_maps(servers, prefix, folder), copies=2)


async def all_joined(servers: Servers, lane: Lane) -> None:
    """Returns when all copies are in the consumer group and it has settled."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.bootstrap)
    await admin.start()
    try:
        while await _members(admin, lane.group) < lane.copies:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.2)
    finally:
        await admin.close()


async def _members(admin: AIOKafkaAdminClient, group: str) -> int:
    """How many are in a consumer group; 0 while it is rebalancing."""
    (described,) = await admin.describe_consumer_groups([group])
    _, _, state, _, _, joined, *_ = described.groups[0]
    return len(joined) if state == "Stable" else 0


async def _wayline(servers: Servers, prefix: str, folder: Path, maps: Sequence[str] | None) -> Lane:
    """The product as an operator runs it: topics, publish, worker; its defaults but for names."""
    environment = dict(os.environ) | {
        "WAYLINE_PREFIX": prefix,
        "WAYLINE_KAFKA__BOOTSTRAP": servers.bootstrap,
        "WAYLINE_REDIS__URL": servers.redis,
        "WAYLINE_IDENTITY_KEY": "a-key-for-benchmarks-only",
        "WAYLINE_METRICS__PORT": "0",
    }
    workspace = folder / prefix
    shutil.copytree(WORKSPACE, workspace)
    for file in (workspace / "maps").iterdir():
        if maps is not None and file.stem not in maps:
            file.unlink()
    wayline = str(Path(sys.executable).with_name("wayline"))
    await _done([wayline, "topics", "create", str(workspace)], environment)
    await _done([wayline, "publish", str(workspace)], environment)
    source, target = f"{prefix}.touchpoints", f"{prefix}.actions.mail"
    group = load_settings(prefix=prefix).group
    return Lane(source, target, [wayline, "worker"], environment, group=group)


async def _own_topics(servers: Servers, prefix: str) -> tuple[str, str]:
    names = (f"{prefix}.source", f"{prefix}.target")
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
    finally:
        await admin.close()
    return names


async def _done(command: Sequence[str], environment: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{said.decode()}")
