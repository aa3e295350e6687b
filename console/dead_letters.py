"""Dead letters: what was put aside, why, and sending it again."""

import sys
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaProducer, ConsumerRecord

from console.connections import require_topics, topics_there
from console.refusals import Refused
from schemas.deadletter import Returned, read_dead_letter
from schemas.intake import Raw
from streams.reading import read_to_end
from streams.settings import Settings

ENDING = ".dlq"


class Letter(NamedTuple):
    """A dead letter. `name` is `<topic>/<offset>`: dead letter topics have one partition."""

    name: str
    stamp: int
    letter: Returned

    def as_json(self) -> dict[str, Any]:
        """Everything of it, bytes as text where they are UTF-8, else escaped."""
        record = self.letter.record
        return {
            "letter": self.name,
            "code": self.letter.code,
            "path": self.letter.path,
            "message": self.letter.message,
            "stage": self.letter.stage,
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": record.timestamp,
            "key": _text(record.key),
            "headers": {name: _text(value) for name, value in record.headers},
            "value": _text(record.value),
        }


class Replayed(NamedTuple):
    """How many were sent again, and the names of those that carry no value to send."""

    sent: int
    left_out: list[str]


async def letters(settings: Settings, topic: str | None, code: str | None) -> AsyncIterator[Letter]:
    """The dead letters of one source topic, or of all of the workspace, oldest first."""
    async for record in read_to_end(settings.connection, await _topics(settings, topic)):
        letter = _letter(record)
        if code is None or letter.letter.code == code:
            yield letter


async def one(settings: Settings, name: str) -> Letter:
    """The letter of this name; raises Refused where there is none."""
    topic, _, offset = name.rpartition("/")
    if not (topic.endswith(ENDING) and offset.isdecimal()):
        raise Refused(f"{name} is no dead letter's name. Take it from `wayline dlq ls`.")
    async for letter in letters(settings, topic.removesuffix(ENDING), None):
        if letter.name == name:
            return letter
    raise Refused(f"There is no dead letter {name}. `wayline dlq ls` lists them.")


async def print_list(
    settings: Settings, topic: str | None, code: str | None, *, json: bool
) -> None:
    """One letter a line; with `json` everything of each."""
    count = 0
    async for letter in letters(settings, topic, code):
        count += 1
        if json:
            print(orjson.dumps(letter.as_json()).decode())
        else:
            why = letter.letter
            print(f"{letter.name}  {why.code}  {why.path or '/'}  {why.message}")
    if not json:
        print(f"{count} dead letter{'' if count == 1 else 's'}", file=sys.stderr)


async def replay_chosen(
    settings: Settings, name: str | None, topic: str | None, code: str | None
) -> Replayed:
    """Sends one letter again, or all of a topic and code."""
    if name is not None:
        return await replay(settings, [await one(settings, name)])
    return await replay(settings, [each async for each in letters(settings, topic, code)])


async def replay(settings: Settings, chosen: list[Letter]) -> Replayed:
    """Sends the original records again, where they came from; the letters stay.

    A touchpoint with an id counts once, however often it is sent; so the mended sender and the
    replay do not add up. A letter without a value is left out. Raises CannotRun, before anything
    is sent, where a topic they came from is gone.
    """
    records = [each.letter.record for each in chosen if each.letter.record.value is not None]
    left_out = [each.name for each in chosen if each.letter.record.value is None]
    await require_topics(settings, dict.fromkeys(record.topic for record in records))
    producer = AIOKafkaProducer(**settings.connection.client(), enable_idempotence=True)
    await producer.start()
    try:
        for record in records:
            await producer.send_and_wait(
                record.topic, record.value, record.key, headers=list(record.headers)
            )
    finally:
        await producer.stop()
    return Replayed(len(records), left_out)


async def _topics(settings: Settings, topic: str | None) -> list[str]:
    if topic is not None:
        wanted = settings.topics.dead_letters(topic)
        await require_topics(settings, [wanted])
        return [wanted]
    there = await topics_there(settings)
    before = settings.topics.named("")
    return sorted(name for name in there if name.startswith(before) and name.endswith(ENDING))


def _letter(record: ConsumerRecord) -> Letter:
    raw = Raw(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        record.headers,
    )
    return Letter(f"{record.topic}/{record.offset}", record.timestamp, read_dead_letter(raw))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="backslashreplace")
