"""What a process costs and how far it has come, seen from outside."""

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer

TICKS = os.sysconf("SC_CLK_TCK")
UTIME, STIME, SESSION = 11, 12, 3  # fields of /proc/<pid>/stat behind the closing bracket


class Stalled(Exception):
    """A contestant ended or stood still; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Figure:
    """`cpu_us`: processor time of the contestant's own processes, per touchpoint."""

    per_second: float
    cpu_us: float


def cpu_seconds(session: int) -> float:
    """Processor time so far of all living processes of a session, in user and kernel."""
    used = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[SESSION]) == session:
                used += int(fields[UTIME]) + int(fields[STIME])
    return used / TICKS


class Counter:
    """Counts what a `read_committed` reader sees in a topic, from its start."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        self.seen = 0

    async def __aenter__(self) -> "Counter":
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def more(self) -> int:
        batches = await self._consumer.getmany(timeout_ms=50)
        self.seen += sum(len(records) for records in batches.values())
        return self.seen


async def reached(
    counter: Counter, process: asyncio.subprocess.Process, wanted: int, log: Path
) -> None:
    """Returns when so many actions came; raises Stalled after a minute in which none did."""
    seen, moved = counter.seen, time.monotonic()
    while seen < wanted:
        before, seen = seen, await counter.more()
        now = time.monotonic()
        moved = now if seen > before else moved
        if process.returncode is not None or now - moved > 60:
            raise Stalled(f"{seen} of {wanted} actions came.\n" + log.read_text()[-3000:])
