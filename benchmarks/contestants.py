"""Who runs: how each is made ready, what is started, and where its actions come out."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

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
    """One contestant in one round: its topics and what to start."""

    source: str
    target: str
    command: Sequence[str]
    environment: Mapping[str, str]


async def bare(servers: Servers, prefix: str, folder: Path) -> Lane:
    source, target = await _own_topics(servers, prefix)
    command = [sys.executable, "-m", "benchmarks.bare", servers.bootstrap, source, target]
    return Lane(source, target, command, dict(os.environ))


async def plain_faust(servers: Servers, prefix: str, folder: Path) -> Lane:
    source, target = await _own_topics(servers, prefix)
    module = [sys.executable, "-m", "benchmarks.plain_faust"]
    command = [*module, servers.bootstrap, source, target, servers.redis]
    return Lane(source, target, command, dict(os.environ))


async def one_map(servers: Servers, prefix: str, folder: Path) -> Lane:
    return await _wayline(servers, prefix, folder, ONE_MAP)


async def five_maps(servers: Servers, prefix: str, folder: Path) -> Lane:
    return await _wayline(servers, prefix, folder, None)


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
    return Lane(source, target, [wayline, "worker"], environment)


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
