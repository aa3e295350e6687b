"""An action that left: what `actions.<channel>` carries, for whoever does it outside.

The record is JSON; its CloudEvents attributes are in the headers (binary mode), so a consumer
that knows nothing of them reads the value alone. Doing it is at least once: remember `action_id`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

EVENT_TYPE = "wayline.action.requested"


class Reason(BaseModel):
    """What caused the action: a touchpoint, a timer, an occasion, by its id; `armed` for timers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    cause: Literal[
        "touchpoint", "timer", "merge", "retry", "publish", "schedule", "date", "publication"
    ]
    id: str
    armed: datetime | None = None


class Action(BaseModel):
    """One send or task that left. Times are UTC with milliseconds.

    `due` is the logical time of its cause, `at` the same or the end of what held it, `leaves`
    when it was let out. After `expires_at` it must not be done any more.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    action_id: str
    map: str
    version: int
    stage: str
    key: str | None
    action: Literal["send", "task"]
    template: str | None = Field(None, description="of a send")
    channel: str | None = Field(None, description="of a send")
    to: dict[str, str] = Field(
        default_factory=dict, description="of a send: namespace of the identifier -> its value"
    )
    content: dict[str, Any] = Field(default_factory=dict, description="of a send, rendered")
    task: str | None = Field(None, description="of a task: what is to be done")
    role: str | None = Field(None, description="who is to do or to confirm it")
    assign: str | None = Field(None, description="of a task: to whom by name, if it is known")
    sla_until: datetime | None = Field(None, description="what staff do or confirm expires then")
    with_: dict[str, Any] = Field(alias="with")
    class_: Literal["marketing", "transactional"] = Field(alias="class")
    store: str | None = Field(None, description="on whose behalf")
    due: datetime
    at: datetime
    leaves: datetime
    expires_at: datetime | None = None
    not_after: datetime | None = None
    rate: str | None = Field(
        None, description="of a send: the sender does no more of this channel, such as 200/s"
    )
    flags: tuple[str, ...] = Field((), description="`lateness_cap`: decided without a late source")
    passed_over: dict[str, str] = Field(
        default_factory=dict, description="channel preferred to this one -> why not it"
    )
    profile_id: str
    instance: str
    reason: Reason


HEADERS = (
    "ce_specversion",
    "ce_id",
    "ce_type",
    "ce_source",
    "ce_subject",
    "ce_time",
    "ce_correlationid",
    "ce_causationid",
    "content-type",
)
"""Headers of every action; `ce_expirytime` besides where it expires."""


def attributes(headers: Sequence[tuple[str, bytes]]) -> dict[str, str]:
    """The CloudEvents attributes in these headers, without their prefix."""
    return {
        name.removeprefix("ce_"): value.decode()
        for name, value in headers
        if name.startswith("ce_")
    }
