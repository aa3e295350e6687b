"""JSON Schemas (2020-12) of the records that others write or read, made of the models themselves.

A schema says what shape a record has. What needs a clock or the bytes (times ahead, sizes, keys
that are there twice) only the decoder can tell.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .action import Action
from .deadletter import CODE, OMITTED, PATH
from .intake.native import NativeTouchpoint
from .transition import Transition

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class DeadLetterHeaders(BaseModel):
    """Headers of a dead letter beside those of the record itself; all are UTF-8 texts."""

    model_config = ConfigDict(frozen=True, extra="ignore", title="Dead letter headers")

    code: str = Field(
        validation_alias=CODE, description="Stable; docs/developers/touchpoints.md lists them."
    )
    path: str = Field(validation_alias=PATH, description="Leads to the place in the record.")
    message: str = Field(
        alias="__connect.errors.exception.message", description="What is wrong and how to mend it."
    )
    topic: str = Field(alias="__connect.errors.topic")
    partition: str = Field(
        alias="__connect.errors.partition", json_schema_extra={"pattern": r"^\d+$"}
    )
    offset: str = Field(alias="__connect.errors.offset", json_schema_extra={"pattern": r"^\d+$"})
    stage: str = Field(alias="__connect.errors.stage")
    class_name: str = Field(alias="__connect.errors.class.name")
    omitted: str | None = Field(
        None,
        validation_alias=OMITTED,
        description="Bytes of a value too large to be carried along.",
    )


MODELS: dict[str, type[BaseModel]] = {
    "touchpoint": NativeTouchpoint,
    "action": Action,
    "transition": Transition,
    "dead-letter-headers": DeadLetterHeaders,
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """The schema of each record by its name, as plain JSON values."""
    return {name: _schema(name, model) for name, model in MODELS.items()}


def _schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    head = {"$schema": DIALECT, "$id": f"urn:wayline:{name}"}
    return head | model.model_json_schema(by_alias=True, mode="validation")
