"""What a workspace is made of besides maps: channels, quiet hours, caps, templates, sources."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any, Literal
from zoneinfo import ZoneInfo

from .parts import Duration, Expression


@dataclass(frozen=True, slots=True)
class Store:
    """`zone` None: that of whatever is asked next (rule 7)."""

    id: str
    title: str = ""
    zone: ZoneInfo | None = None


@dataclass(frozen=True, slots=True)
class ChannelRate:
    """So many actions within `per` ms, whoever they are for: its sender keeps to it."""

    text: str
    count: int
    per: int


@dataclass(frozen=True, slots=True)
class Channel:
    """`identifier` is a namespace or a pattern that ends in `.*`; `consent` a consent's name.

    By one with `human` staff of this `role` must confirm each message; past `sla` it has expired.
    """

    name: str
    identifier: str
    consent: str | None = None
    when: Expression | None = None
    human: bool = False
    role: str = ""
    sla: Duration | None = None
    rate: ChannelRate | None = None


@dataclass(frozen=True, slots=True)
class QuietHours:
    """`[start, end)` by the clock where the person is; `channels` empty: all of them."""

    start: time
    end: time
    class_: Literal["marketing", "transactional"] = "marketing"
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` actions that leave within `per`, of one person, as far as `of` counts them
    together; `channel` empty: by any."""

    limit: int
    per: Duration
    channel: str = ""
    class_: Literal["marketing", "transactional"] = "marketing"
    of: Literal["person", "store", "map"] = "person"
    arbitration: Duration | None = None
    """So long the first action that needs a place waits for others that do."""


@dataclass(frozen=True, slots=True)
class Param:
    name: str
    type: str
    default: Any = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """`channels`: channel -> render(params) -> the content, a mapping of texts."""

    name: str
    class_: Literal["marketing", "transactional"] | None
    params: Mapping[str, Param]
    channels: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Source:
    """How one `sources:` entry maps foreign records; `mapping` is None where it only has flags.

    `lateness` in ms: what it `brings` may come so late. It says how far it is by the largest event
    time `seen`, or by `source.watermark` touchpoints (`explicit`).
    """

    name: str
    topic: str | None
    bulk: bool
    mapping: Any = None
    lateness: int = 0
    brings: frozenset[str] = frozenset()
    watermark: Literal["seen", "explicit"] = "seen"
