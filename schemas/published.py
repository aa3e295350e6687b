"""JSON Schemas (2020-12) of the records that others write or read, made of the models themselves.

A schema says what shape a record has. What needs a clock or the bytes (times ahead, sizes, keys
that are there twice) only the decoder can tell.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .action import Action
from .deadletter import CODE, OMITTED, PATH
from .intake.native import NativeTouchpoint
from .known import KNOWN, ActionHeaders, OutputHeaders
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
    "action-headers": ActionHeaders,
    "output-headers": OutputHeaders,
    "dead-letter-headers": DeadLetterHeaders,
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """The schema of each record by its name, as plain JSON values."""
    found = {name: _schema(name, model) for name, model in MODELS.items()}
    return found | {name: _touchpoint(name, *known) for name, known in KNOWN.items()}


def _schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    return _head(name) | model.model_json_schema(by_alias=True, mode="validation")


def _touchpoint(name: str, types: tuple[str, ...], model: type[BaseModel]) -> dict[str, Any]:
    """The native form of these types, whose properties are as the model says."""
    properties = model.model_json_schema(by_alias=True, mode="validation")
    return _head(name) | {
        "title": model.__name__,
        "description": properties.pop("description", ""),
        "allOf": [NativeTouchpoint.model_json_schema(by_alias=True, mode="validation")],
        "required": ["type", "properties"],
        "properties": {"type": {"enum": list(types)}, "properties": properties},
    }


def _head(name: str) -> dict[str, Any]:
    return {"$schema": DIALECT, "$id": f"urn:wayline:{name}"}
