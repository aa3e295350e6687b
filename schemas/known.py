"""Touchpoints that Wayline itself reads or makes, by their types, and the headers of what it says.

They come and go in the native form; here is what their properties must be.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .action import EVENT_TYPE

_OPEN = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

RESULTS = (
    "accepted",
    "delivered",
    "done",
    "failed",
    "expired",
    "declined",
    "clicked",
    "replied",
    "postponed",
)
"""What may become of an action; each comes back as a touchpoint `action.<result>`."""


class ActionResult(BaseModel):
    """What became of an action, from whoever does it: `action.accepted`, `action.failed` ...

    Besides the identifiers of the person; `channel` is best that of the action.
    """

    model_config = _OPEN

    action_id: str = Field(description="of the action's record")
    reason: str | None = Field(None, description="why it failed, expired or was declined")
    hard: bool | None = Field(
        None, description="of `failed`: the address is of no use until it is seen again"
    )


class SourceWatermark(BaseModel):
    """All that happened to a source before `upto` has been told. It has no identifiers."""

    model_config = _OPEN

    source: str
    upto: datetime | int = Field(description="RFC 3339, or ms since 1970")


class MapRequested(BaseModel):
    """Somebody is to enter a map that takes requests (`wayline start`, `start` in a map)."""

    model_config = _OPEN

    map: str
    key: str | int | float | bool | None = Field(None, description="of the instance, in keyed maps")
    with_: dict[str, Any] = Field(
        default_factory=dict, alias="with", description="what the map reads as `entry.x`"
    )


class OutputHeaders(BaseModel):
    """Headers of all that the fold says: the inbox record that caused it."""

    model_config = _OPEN

    shard: str = Field(alias="wayline-shard", json_schema_extra={"pattern": r"^\d+$"})
    offset: str = Field(alias="wayline-offset", json_schema_extra={"pattern": r"^\d+$"})


class ActionHeaders(BaseModel):
    """CloudEvents attributes of an action, in binary mode, beside those of all outputs."""

    model_config = _OPEN

    shard: str = Field(alias="wayline-shard", json_schema_extra={"pattern": r"^\d+$"})
    offset: str = Field(alias="wayline-offset", json_schema_extra={"pattern": r"^\d+$"})
    ce_specversion: Literal["1.0"]
    ce_id: str = Field(description="the action's id")
    ce_type: str = Field(json_schema_extra={"const": EVENT_TYPE})
    ce_source: str = Field(json_schema_extra={"pattern": r"^/maps/[a-z0-9-]+/\d+$"})
    ce_subject: str = Field(description="the profile's id")
    ce_time: datetime = Field(description="`at` of the action")
    ce_expirytime: datetime | None = Field(None, description="`expires_at` of the action")
    ce_correlationid: str = Field(description="the instance's id")
    ce_causationid: str = Field(description="the touchpoint's id, or a timer's")
    content_type: str = Field(alias="content-type", json_schema_extra={"const": "application/json"})


KNOWN: dict[str, tuple[tuple[str, ...], type[BaseModel]]] = {
    "action-result": (tuple(f"action.{result}" for result in RESULTS), ActionResult),
    "source-watermark": (("source.watermark",), SourceWatermark),
    "map-requested": (("map.requested",), MapRequested),
}
"""Name of a schema -> the types it is for, and their properties."""
