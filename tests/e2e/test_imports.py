"""An import on a real Kafka: all rows are in before the word that they are."""

from collections import defaultdict
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from schemas.intake import Raw, compile_mapping, decode
from schemas.topics import Topics, TopicSpec
from schemas.touchpoint import Touchpoint
from streams import imports
from streams.imports import Destination, Progress, Refused, send_file
from streams.kafka import KafkaConnection
from streams.reading import read_to_end
from streams.topics_admin import make_topics

pytestmark = pytest.mark.kafka

NOW = 1_772_400_000_000
FIRST = 1_600_000_000
MAPPING = compile_mapping(
    "till", {"type": "a", "time": "{{ at | integer }}", "identifiers": {"phone": "{{ who }}"}}
)
ROWS = 450


class Target:
    """The two source topics of a workspace, with three and two partitions."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.connection, self.topics = KafkaConnection(bootstrap), Topics(prefix)
        self.partitions = {self.topics.touchpoints: 2, self.topics.imported: 3}

    async def make(self) -> None:
        await make_topics(self.connection, [TopicSpec(*each) for each in self.partitions.items()])

    async def send(self, file: Path, event_clock: bool) -> tuple[Progress, list[Refused]]:
        refused: list[Refused] = []
        producer = AIOKafkaProducer(**self.connection.client(), enable_idempotence=True)
        await producer.start()
        try:
            into = Destination(producer, self.topics, self.partitions, event_clock)
            return await send_file(file, MAPPING, into, NOW, refused.append), refused
        finally:
            await producer.stop()

    async def found(self) -> dict[tuple[str, int], list[Touchpoint]]:
        """What lies on each partition, in order."""
        lying = defaultdict(list)
        async for record in read_to_end(self.connection, list(self.partitions)):
            raw = Raw(record.topic, record.partition, record.offset, NOW, None, record.value)
            lying[record.topic, record.partition].append(decode(raw, None, NOW))
        return lying


@pytest.fixture
async def target(kafka: str, prefix: str) -> Target:
    target = Target(kafka, prefix)
    await target.make()
    return target


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Rows of ten people in the order of time, three of a second, and one that is refused."""
    path = tmp_path / "rows.jsonl"
    rows = [{"at": FIRST + n // 3, "who": f"p{n % 10}"} for n in range(ROWS)]
    path.write_bytes(b"\n".join(map(orjson.dumps, [*rows, {"at": "soon", "who": "p1"}])))
    return path


async def test_every_source_hears_up_to_when_all_is_in(
    target: Target, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BULK", 100)
    monkeypatch.setattr(imports, "WATERMARK_EVERY", 0.0)

    progress, refused = await target.send(file, event_clock=True)

    last = (FIRST + (ROWS - 1) // 3) * 1000
    assert (progress.sent, progress.refused, progress.latest) == (ROWS, 1, last)
    assert [(r.line, r.code) for r in refused] == [(ROWS + 1, "wrong-type")]
    lying = await target.found()
    assert len(lying) == 5
    for touchpoints in lying.values():
        words = [t.properties["upto"] for t in touchpoints if t.type == "source.watermark"]
        assert len(words) == 6
        assert words == sorted(words)
        assert words[-1] == last
        assert _late(touchpoints) == []


async def test_the_records_of_a_person_lie_in_order_on_one_partition(
    target: Target, file: Path
) -> None:
    await target.send(file, event_clock=False)

    lying = await target.found()
    places = defaultdict(list)
    for place, touchpoints in lying.items():
        for touchpoint in touchpoints:
            places[touchpoint.identifiers["phone"]].append((place, touchpoint.time))
    assert sum(len(each) for each in places.values()) == ROWS
    for each in places.values():
        assert len({place for place, _ in each}) == 1
        assert each == sorted(each)


def _late(touchpoints: list[Touchpoint]) -> list[Touchpoint]:
    """Touchpoints that came after the word that all of their moment is in."""
    upto, late = 0, []
    for touchpoint in touchpoints:
        if touchpoint.type == "source.watermark":
            upto = touchpoint.properties["upto"]
        elif touchpoint.time <= upto:
            late.append(touchpoint)
    return late
