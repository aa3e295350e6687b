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


async def measured(
    counter: Counter, process: asyncio.subprocess.Process, actions: int, each: int, log: Path
) -> Figure:
    """From the first tenth of the actions to the last: starting up is not what is asked for.

    `each` is how many touchpoints stand behind one action. Raises Stalled after a minute in
    which nothing came.
    """
    first = await _reached(counter, process, actions // 10, log)
    began, used = time.monotonic(), cpu_seconds(process.pid)
    last = await _reached(counter, process, actions, log)
    seconds, cpu = time.monotonic() - began, cpu_seconds(process.pid) - used
    done = (last - first) * each
    return Figure(done / seconds, cpu / done * 1e6)


async def _reached(
    counter: Counter, process: asyncio.subprocess.Process, wanted: int, log: Path
) -> int:
    seen, moved = counter.seen, time.monotonic()
    while seen < wanted:
        before, seen = seen, await counter.more()
        now = time.monotonic()
        moved = now if seen > before else moved
        if process.returncode is not None or now - moved > 60:
            raise Stalled(f"{seen} of {wanted} actions came.\n" + log.read_text()[-3000:])
    return seen
