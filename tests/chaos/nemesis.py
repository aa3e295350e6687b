"""The nemesis: breaks real processes, one after the other, as a seed says."""

import asyncio
import random
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.world import World
from tests.kafka_broker import KafkaBroker

AT_LEAST, AT_MOST = 1, 3
"""Workers alive between two faults."""

SESSION = 6.0
"""Seconds after which the group expels a worker that says nothing."""


@dataclass(slots=True)
class Nemesis:
    """`done` counts the faults by name; the world is whole again when one returns."""

    world: World
    broker: KafkaBroker
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    _workers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    _older: Path | None = None

    def begin(self) -> None:
        """Starts two workers."""
        self._workers = [self.world.worker(), self.world.worker()]

    async def strike(self) -> None:
        """One fault, and a moment of peace."""
        fault = self.dice.choices(list(FAULTS), [weight for weight, _ in FAULTS.values()])[0]
        self.done[fault] += 1
        await FAULTS[fault][1](self)
        await asyncio.sleep(self.dice.uniform(0.5, 3.0))

    async def kill_worker(self) -> None:
        self._any().send_signal(signal.SIGKILL)
        self._fill_up()

    async def pause_worker(self) -> None:
        """Long enough to be expelled: it wakes up as a zombie."""
        worker = self._any()
        worker.send_signal(signal.SIGSTOP)
        await asyncio.sleep(SESSION + self.dice.uniform(0.5, 3.0))
        worker.send_signal(signal.SIGCONT)

    async def worker_joins_or_leaves(self) -> None:
        if len(self._living()) < AT_MOST:
            self._workers.append(self.world.worker())
        else:
            self._any().send_signal(signal.SIGTERM)

    async def kill_redis(self) -> None:
        self.world.server.kill()
        await asyncio.sleep(self.dice.uniform(0.0, 2.0))
        self.world.server.start()

    async def flush_redis(self) -> None:
        await self.world.redis.flushall()

    async def bring_back_an_older_redis(self) -> None:
        """Keeps a copy of the append-only files; the next time Redis wakes up with it."""
        files = self.world.server.folder / "appendonlydir"
        if self._older is None:
            self._older = Path(tempfile.mkdtemp(dir=self.world.server.folder)) / files.name
            shutil.copytree(files, self._older)
            return
        self.world.server.kill()
        shutil.rmtree(files)
        shutil.move(self._older, files)
        self._older = None
        self.world.server.start()

    async def kill_broker(self) -> None:
        await asyncio.to_thread(self.broker.kill)
        await asyncio.sleep(self.dice.uniform(0.0, 2.0))
        await asyncio.to_thread(self.broker.start)

    def _living(self) -> "list[subprocess.Popen[bytes]]":
        self._workers = [worker for worker in self._workers if worker.poll() is None]
        return self._workers

    def _any(self) -> "subprocess.Popen[bytes]":
        self._fill_up()
        return self.dice.choice(self._living())

    def _fill_up(self) -> None:
        while len(self._living()) < AT_LEAST:
            self._workers.append(self.world.worker())


FAULTS: dict[str, tuple[int, Callable[[Nemesis], Awaitable[None]]]] = {
    "worker killed": (6, Nemesis.kill_worker),
    "worker paused": (2, Nemesis.pause_worker),
    "worker joins or leaves": (4, Nemesis.worker_joins_or_leaves),
    "Redis killed": (3, Nemesis.kill_redis),
    "Redis flushed": (2, Nemesis.flush_redis),
    "older Redis": (4, Nemesis.bring_back_an_older_redis),
    "broker killed": (2, Nemesis.kill_broker),
}
"""How often each comes beside the others, and what it does."""
