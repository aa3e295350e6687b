"""The stitch agent's work over one source: whose is each touchpoint?

Whole batches, one Kafka transaction each: a touchpoint resolved again after a merge could land
in another shard, which cannot know that it was applied (protocol.md, M10).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson
import structlog
from aiokafka import ConsumerRecord

from journeys.identity.decide import Decision
from schemas import inbox
from schemas.deadletter import dead_letter
from schemas.errors import ContractError
from schemas.inbox import Arrived, Merged
from schemas.intake import Mapping as SourceMapping
from schemas.intake import Raw, decode
from schemas.topics import Topics, shard_of
from schemas.touchpoint import Touchpoint

from .clock import RedisClock
from .feed import Rewind
from .identities import resolve
from .metrics import Metrics
from .ports import Fenced, Halt, Identities, IdentityInvalid, Outgoing, Publisher, Publishers
from .progress import Progress
from .publisher import stitch_name
from .weather import outlast

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Whose:
    """A decoded record and, once decided, whose it is."""

    record: ConsumerRecord
    touchpoint: Touchpoint


class SourceOwner:
    """Owns one partition of a touchpoint topic. `position` is published up to there."""
