"""Dead letters: a record that broke its contract, untouched, with the reason in its headers.

The headers named `__connect.errors.*` are those of Kafka Connect, which operators' tools know;
two of our own carry the stable code and the place.
"""

from collections.abc import Sequence
from typing import NamedTuple

from .errors import ContractError
from .intake.decoding import Raw

CODE = "wayline-error-code"
PATH = "wayline-error-path"
OMITTED = "wayline-value-omitted"
"""Its bytes, where a value was too large to be carried along."""

LARGEST_VALUE = 900_000
"""Bytes of key and value together: brokers take 1 MiB of a record by default. A source may take
more; what lies beyond is left where the headers say it is."""

_CONNECT = "__connect.errors."
_OURS = (_CONNECT, CODE, PATH, OMITTED)


class DeadLetter(NamedTuple):
    """What is produced to the dead letters of the record's topic; `timestamp` in ms or None."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp: int | None


class Returned(NamedTuple):
    """A dead letter read back: the record as it was, and why it was put aside."""

    record: Raw
    """Topic, partition and offset are those it first had; headers are only its own."""
    stage: str
    code: str
    path: str
    message: str
    omitted: bool = False
    """The value was too large to be carried along: it lies where the record first was."""


def dead_letter(raw: Raw, error: ContractError, stage: str = "STITCH") -> DeadLetter:
    """The dead letter of a record; its key, value, headers and timestamp stay as they are.

    But for a value too large for a dead letter: that one is left out, and its size is said.
    """
    reasons = {
        "topic": raw.topic,
        "partition": str(raw.partition),
        "offset": str(raw.offset),
        "stage": stage,
        "class.name": f"{type(error).__module__}.{type(error).__qualname__}",
        "exception.message": f"{error.what} {error.mend}",
    }
    headers = (
        *_own(raw.headers),
        *((_CONNECT + name, text.encode(errors="replace")) for name, text in reasons.items()),
        (CODE, error.code.encode()),
        (PATH, error.path.encode(errors="replace")),
    )
    value, size = raw.value, len(raw.value or b"") + len(raw.key or b"")
    if size > LARGEST_VALUE:
        value, headers = None, (*headers, (OMITTED, str(len(raw.value or b"")).encode()))
    return DeadLetter(raw.key, value, headers, raw.timestamp if raw.timestamp >= 0 else None)


def read_dead_letter(raw: Raw) -> Returned:
    """What a record of a dead letter topic says. `record` is ready to be sent again.

    A header that is not there reads as an empty text (a topic named by the dead letter topic, a
    partition or offset of -1), so that letters of other writers can be shown as well.
    """
    found = {name: value.decode(errors="replace") for name, value in raw.headers if value}

    def reason(name: str) -> str:
        return found.get(_CONNECT + name, "")

    record = Raw(
        topic=reason("topic") or raw.topic.removesuffix(".dlq"),
        partition=_whole(reason("partition")),
        offset=_whole(reason("offset")),
        timestamp=raw.timestamp,
        key=raw.key,
        value=raw.value,
        headers=_own(raw.headers),
    )
    message = reason("exception.message")
    code, path, omitted = found.get(CODE, ""), found.get(PATH, ""), OMITTED in found
    return Returned(record, reason("stage"), code, path, message, omitted)


def _own(headers: Sequence[tuple[str, bytes | None]]) -> tuple[tuple[str, bytes | None], ...]:
    """The sender's headers: a record that dies twice carries only its last reason."""
    return tuple((name, value) for name, value in headers if not name.startswith(_OURS))


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else -1
