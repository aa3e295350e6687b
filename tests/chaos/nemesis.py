"""The nemesis: breaks real processes, one after the other, as a seed says."""

import asyncio
import random
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.world import World
from tests.kafka_broker import KafkaBroker

from .proxy import Proxy

AT_LEAST, AT_MOST = 1, 3
"""Workers that a supervisor keeps alive: who halts or gives up is started again."""

SESSION = 6.0
"""Seconds after which the group expels a worker that says nothing."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The broker, and the networks over which workers reach it and Redis."""

    broker: KafkaBroker
    to_kafka: Proxy
    to_redis: Proxy


@dataclass(slots=True)
class Nemesis:
    """`done` counts the faults by name; the world is whole again when one returns."""

    world: World
    ways: Ways
    dice: random.Random
    faults: Sequence[str] = ()
    """Those it may choose from; none: all."""
    done: Counter[str] = field(default_factory=Counter)
    wanted: int = 2
    _workers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    _older: Path | None = None

    async def supervise(self) -> None:
        """Keeps as many workers as are wanted; for ever."""
        while True:
            while len(self._living()) < self.wanted:
                self._workers.append(self.world.worker())
            await asyncio.sleep(0.5)

    async def strike(self) -> None:
        """One fault, and a moment of peace."""
        names = list(self.faults or FAULTS)
        fault = self.dice.choices(names, [FAULTS[name][0] for name in names])[0]
        self.done[fault] += 1
        await FAULTS[fault][1](self)
        await asyncio.sleep(self.dice.uniform(0.5, 3.0))

    async def kill_worker(self) -> None:
        self._tell(signal.SIGKILL)

    async def pause_worker(self) -> None:
        """Long enough to be expelled: it wakes up as a zombie."""
        worker = self._tell(signal.SIGSTOP)
        await asyncio.sleep(SESSION + self.dice.uniform(0.5, 3.0))
        if worker is not None:
            worker.send_signal(signal.SIGCONT)

    async def worker_joins_or_leaves(self) -> None:
        before, self.wanted = self.wanted, self.dice.randint(AT_LEAST, AT_MOST)
        if self.wanted <= before:
            self._tell(signal.SIGTERM)

    async def kill_redis(self) -> None:
        self.world.server.kill()
        await asyncio.sleep(self.dice.uniform(0.0, 2.0))
        await self._start_redis()

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
        await self._start_redis()

    async def kill_broker(self) -> None:
        await asyncio.to_thread(self.ways.broker.kill)
        await asyncio.sleep(self.dice.uniform(0.0, 2.0))
        await asyncio.to_thread(self.ways.broker.start)

    async def cut_a_network(self) -> None:
        way = self._way()
        await way.cut()
        await asyncio.sleep(self.dice.uniform(0.5, 4.0))
        await way.open()

    async def silence_a_network(self) -> None:
        """Long enough for sessions and time-outs to end."""
        way = self._way()
        way.stall()
        await asyncio.sleep(self.dice.uniform(1.0, SESSION + 3.0))
        await way.open()

    async def _start_redis(self) -> None:
        self.world.server.start()
        await self.world.redis.connection_pool.disconnect()  # ours lead to the one that was killed

    def _way(self) -> Proxy:
        return self.dice.choice([self.ways.to_kafka, self.ways.to_redis])

    def _living(self) -> "list[subprocess.Popen[bytes]]":
        self._workers = [worker for worker in self._workers if worker.poll() is None]
        return self._workers

    def _tell(self, word: signal.Signals) -> "subprocess.Popen[bytes] | None":
        """Sends a signal to some worker; None where none lives just now."""
        living = self._living()
        if not living:
            return None
        worker = self.dice.choice(living)
        worker.send_signal(word)
        return worker


FAULTS: dict[str, tuple[int, Callable[[Nemesis], Awaitable[None]]]] = {
    "worker killed": (6, Nemesis.kill_worker),
    "worker paused": (2, Nemesis.pause_worker),
    "worker joins or leaves": (4, Nemesis.worker_joins_or_leaves),
    "Redis killed": (3, Nemesis.kill_redis),
    "Redis flushed": (2, Nemesis.flush_redis),
    "older Redis": (4, Nemesis.bring_back_an_older_redis),
    "broker killed": (2, Nemesis.kill_broker),
    "network cut": (3, Nemesis.cut_a_network),
    "network silent": (2, Nemesis.silence_a_network),
}
"""How often each comes beside the others, and what it does."""
