"""Kinds of identifiers and senders, and what the rules allow each of them.

The defaults protect: a person has one customer number, a device belongs to its last login, and one
that three people used belongs to nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CLASSES = ("person", "account", "contact", "txn", "device", "none")
LINKS = ("full", "attach", "resolve", "never")
NORMS = ("phone", "email", "lower", "upper_alnum")
GMAIL = "gmail"
"""The step of `fold_gmail`: one mailbox of Google's is one address, however it is written."""

ON_LIMIT = ("refuse", "evict_oldest")
ON_CONFLICT = ("keep", "move", "move_if_verified", "share")

_VERIFIED = {"on_conflict": "move_if_verified"}
_DEVICE = {"on_limit": "evict_oldest", "on_conflict": "move", "share_after": 3, "ttl": "400d"}
_ORDER = {"on_limit": "evict_oldest", "ttl": "180d"}

DEFAULT_NAMESPACES: Mapping[str, Mapping[str, Any]] = {
    "crm_id": {"cls": "person", "rank": 10, "limit": 1},
    "user_id": {"cls": "person", "rank": 20, "limit": 1},
    "customer_id": {"cls": "person", "rank": 25, "limit": 1},
    "member_card": {"cls": "person", "rank": 30, "limit": 3, "norm": ["upper_alnum"]},
    "unionid.*": {"cls": "person", "rank": 40, "limit": 1},
    "openid.*": {"cls": "account", "rank": 50, "limit": 1},
    "wecom_ext.*": {"cls": "account", "rank": 52, "limit": 1},
    "phone": {"cls": "contact", "rank": 60, "limit": 3, "norm": ["phone"], **_VERIFIED},
    "email": {"cls": "contact", "rank": 70, "limit": 5, "norm": ["email"]},
    "landline": {"cls": "contact", "rank": 75, "limit": 2, "norm": ["phone"], "link": "attach"},
    "order_id": {"cls": "txn", "rank": 80, "limit": 50, **_ORDER},
    "device_id": {"cls": "device", "rank": 90, "limit": 20, "norm": ["lower"], **_DEVICE},
    "cookie": {"cls": "device", "rank": 95, "limit": 50, **_DEVICE},
    "qr": {"cls": "none", "rank": 999, "link": "never"},
}


@dataclass(frozen=True, slots=True)
class Namespace:
    """The rules for one kind of identifier; `name` may be a pattern such as `openid.*`.

    A profile has at most `limit` of them (None: any number), with `window` at most so many that
    were first linked within that many milliseconds. `share_after` people make a device shared.
    """

    name: str
    cls: str
    rank: int
    norm: tuple[str, ...] = ()
    link: str = "full"
    limit: int | None = None
    window: int | None = None
    on_limit: str = "refuse"
    on_conflict: str = "keep"
    share_after: int | None = None
    ttl: int | None = None

    @property
    def evicts(self) -> bool:
        """Whether a new one takes the place of the oldest, so that it never stands in the way."""
        return self.on_limit == "evict_oldest"


@dataclass(frozen=True, slots=True)
class Source:
    """What a sender may do: `looks_up` only finds people, what it `ignores` says nothing."""

    looks_up: bool = False
    ignores: frozenset[str] = frozenset()


EVERYTHING = Source()
"""The policy of a sender that the configuration does not name."""
