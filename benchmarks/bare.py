"""Contestant a: a bare aiokafka loop. Reads, parses, produces one in ten; keeps nothing.

It is the floor: nobody who uses this client in Python is faster.
    python -m benchmarks.bare BOOTSTRAP SOURCE TARGET
"""

import asyncio
import sys

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.load import PURCHASE


async def run(bootstrap: str, source: str, target: str) -> None:
    consumer = AIOKafkaConsumer(
        source, bootstrap_servers=bootstrap, group_id="bare", auto_offset_reset="earliest"
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5)
    async with consumer, producer:
        while True:
            batches = await consumer.getmany(timeout_ms=500, max_records=2000)
            pending = []
            for records in batches.values():
                for record in records:
                    touchpoint = orjson.loads(record.value)
                    if touchpoint["type"] == PURCHASE:
                        pending.append(await producer.send(target, record.value, key=record.key))
            await asyncio.gather(*pending)


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
