"""A worker whose owners write down what they are given: a process for `test_feed.py`.

A partition's picture is a file of `offset value worker` lines, and the position is the line after
the last one, as it is in Redis for a shard. So two owners at once, a loss or a wrong order show.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiokafka import ConsumerRecord, TopicPartition

from streams.feed import Owner, Rewind
from streams.feed.lanes import Lanes
from streams.feed.serving import new_app, serve
from streams.feed.watchdog import Watchdog
from streams.kafka import KafkaConnection


class Recorder:
    """Does what some records say.

    `poison` raises, `hang` never returns, `block` stops the event loop, and `fall-back`, the
    first time, takes three lines out of the picture.
    """

    def __init__(self, file: Path, worker: str) -> None:
        self._file, self._worker = file, worker
        self.position = stored(file)

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        lines = [f"{r.offset} {r.value.decode()} {self._worker}\n" for r in records]
        await asyncio.sleep(0.002)
        values = [r.value for r in records]
        if b"poison" in values:
            raise RuntimeError("poison")
        if b"hang" in values:
            await asyncio.sleep(600)
        if b"block" in values:
            time.sleep(600)  # noqa: ASYNC251 - that is the fault
        if b"fall-back" in values and not self._file.with_suffix(".fell").exists():
            self._file.with_suffix(".fell").touch()
            self._fall_back(3)
        self._refuse_stale()
        with self._file.open("a") as file:
            file.write("".join(lines))
        self.position = records[-1].offset + 1

    async def idle(self) -> None:
        self._refuse_stale()

    async def close(self) -> None:
        self._file.with_suffix(".closed").write_text(self._worker)

    def _refuse_stale(self) -> None:
        found = stored(self._file)
        if found != self.position:
            self.position = found
            raise Rewind(found)

    def _fall_back(self, lines: int) -> None:
        kept = self._file.read_text().splitlines(keepends=True)[:-lines]
        self._file.write_text("".join(kept))


def stored(file: Path) -> int:
    lines = file.read_text().splitlines() if file.exists() else []
    return int(lines[-1].split()[0]) + 1 if lines else 0


async def main() -> None:
    arguments = argparse.ArgumentParser()
    for name in ("bootstrap", "group", "topic", "folder", "worker"):
        arguments.add_argument(name)
    arguments.add_argument("--stall", type=float, default=300)
    given = arguments.parse_args()
    folder = Path(given.folder)

    async def take_over(
        partitions: set[TopicPartition],
    ) -> Mapping[TopicPartition, tuple[Owner, int]]:
        made: dict[TopicPartition, tuple[Owner, int]] = {}
        for partition in partitions:
            recorder = Recorder(folder / f"{partition.partition}.log", given.worker)
            made[partition] = recorder, recorder.position
        return made

    lanes = Lanes(take_over)
    app = new_app(given.group, KafkaConnection(given.bootstrap), lanes)

    @app.agent(app.topic(given.topic))  # type: ignore[untyped-decorator]
    async def record(stream: object) -> None:
        await lanes.run(stream)

    telling = asyncio.create_task(_tell(lanes, folder / f"{given.worker}.status"))
    try:
        await serve(app, lanes, Watchdog(app, lanes, stall=given.stall, loop_stall=given.stall))
    finally:
        telling.cancel()


async def _tell(lanes: Lanes, file: Path) -> None:
    while True:
        passed = {p.partition: [lanes.passed(p), lanes.at_end(p)] for p in lanes.held()}
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(passed))
        fresh.rename(file)
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main())
