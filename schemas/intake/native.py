"""The native form of a touchpoint: the least an app team must write, and its JSON Schema.

Null says the same as leaving the field out. Fields nobody declared are ignored, so that a sender
may be ahead of us.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Never

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from ..errors import ContractError
from ..touchpoint import Millis, Touchpoint
from .document import named

MAX_IDENTIFIERS = 50
AHEAD_TOLERATED = 5 * 60 * 1000
AHEAD_REFUSED = 24 * 3600 * 1000
WATERMARK = "source.watermark"
"""Says about a source, not about a person, that all before `upto` is in: no identifier."""

_SOMEBODYS: dict[str, Any] = {
    "if": {"properties": {"type": {"const": WATERMARK}}},
    "else": {
        "required": ["identifiers"],
        "properties": {
            "identifiers": {
                "type": "object",
                "not": {"additionalProperties": {"enum": ["", None, []]}},
            }
        },
    },
}
"""What its JSON Schema says besides: at least one identifier that is not empty."""

Name = Annotated[str, Field(min_length=1, max_length=200)]
Id = Annotated[str, Field(min_length=1, max_length=500)]
Value = Annotated[str, Field(max_length=512)]


class NativeTouchpoint(BaseModel):
    """What a channel reports about one person at one moment.

    Only `type` and one identifier are required (`source.watermark` has none). A touchpoint is the
    same as another when `source` and `id` are equal. `time` says its zone, as in
    `2026-03-01T11:30:00+08:00`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        strict=True,
        title="Touchpoint",
        hide_input_in_errors=True,
        json_schema_extra=_SOMEBODYS,
    )

    type: Name = Field(examples=["order.paid"], json_schema_extra={"pattern": r"\S"})
    id: Id | None = Field(None, description="Default: topic, partition and offset.")
    time: str | None = Field(
        None,
        description="When it happened, RFC 3339. Default: the record's timestamp.",
        json_schema_extra={"format": "date-time"},
    )
    source: Name | None = Field(None, description="The sender. Default: the topic.")
    channel: Annotated[str, Field(max_length=200)] | None = None
    identifiers: dict[Name, Value | list[Value] | None] | None = Field(
        None, examples=[{"phone": "138 0013 8000", "member_card": "C-88123"}]
    )
    properties: dict[str, Any] | None = Field(None, description="Facts about this touchpoint.")
    traits: dict[str, Any] | None = Field(None, description="Facts about the person; null removes.")
    consents: dict[str, bool] | None = None
    backfill: bool | None = Field(None, description="History: feeds facts, starts nothing.")
    verified: list[Name] | None = Field(
        None,
        description="Namespaces of `identifiers` that the sender has proof of, as by a text code.",
        examples=[["phone"]],
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_validate = NativeTouchpoint.__pydantic_validator__.validate_python


def touchpoint_from(
    document: dict[str, Any],
    origin: tuple[str, int, int],
    default_source: str,
    received: Millis,
    now: Millis,
    happened: Millis | None = None,
) -> Touchpoint:
    """The touchpoint this native form says, as of `now`; `origin` (topic, partition, offset) is
    its id where it has none, `happened` or else `received` its time.

    A time over five minutes ahead is set to `now`, over a day ahead is refused: some clock is
    wrong, and a touchpoint from the future would answer every wait. Raises ContractError.
    """
    try:
        form: NativeTouchpoint = _validate(document)
    except ValidationError as error:
        refuse(error)
    type_ = form.type
    identifiers = _identifiers(form.identifiers) if form.identifiers else {}
    properties = form.properties or {}
    if type_ == WATERMARK:
        properties = _watermark(properties)
    elif not identifiers:
        raise ContractError(
            "no-identifier",
            "/identifiers",
            "Nothing says whose touchpoint this is.",
            "Give at least one identifier, such as a phone, a member card or a user id.",
        )
    elif not type_.strip():
        raise ContractError("empty-text", "/type", "The type is blank.", "Name what happened.")
    if form.time is not None:
        time = read_time(form.time)
    else:
        time = received if happened is None else happened
    if time > now + AHEAD_TOLERATED:
        time = _not_ahead(time, now)
    return Touchpoint(
        form.id or "{}-{}-{}".format(*origin),
        type_,
        time,
        received,
        form.source or default_source,
        form.channel or "",
        identifiers,
        properties,
        form.traits or {},
        form.consents or {},
        form.backfill or False,
        tuple(form.verified) if form.verified else (),
    )


def read_time(text: str, path: str = "/time") -> Millis:
    """Milliseconds of an RFC 3339 time between 1970 and 9999. Raises ContractError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _refuse_time(text, path)
    if moment.tzinfo is None:
        raise ContractError(
            "time-without-zone",
            path,
            f'"{text[:40]}" does not say in which zone.',
            'Write the offset: "2026-03-01T11:30:00+08:00", or Z for UTC.',
        )
    time = (moment - _EPOCH) // _MILLISECOND
    if time < 0:
        raise ContractError(
            "time-out-of-range",
            path,
            f'"{text[:40]}" lies before 1970.',
            "Leave the time out where it is not known.",
        )
    return Millis(time)


def written_time(time: Millis) -> str:
    """The RFC 3339 text of a moment, in UTC."""
    return datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="milliseconds")


def refuse(error: ValidationError) -> Never:
    """The first thing that is wrong, in our words and with a stable code."""
    found = error.errors(include_url=False)
    # A text or a list: pydantic tells of both tries, and the deeper one is what was meant.
    first = max((e for e in found if e["loc"][:2] == found[0]["loc"][:2]), key=_depth)
    place = first["loc"]
    if place[0] == "identifiers":
        place = (*place[:2], *place[3:])  # without the name of the try
    path = "".join(f"/{step}" for step in place)
    match first["type"]:
        case "missing":
            raise ContractError("missing-field", path, "It is not there.", "It is required.")
        case "string_too_short" | "too_short":
            raise ContractError(
                "empty-text", path, "The text is empty.", "Leave it out or fill it."
            )
        case "string_too_long":
            most = first["ctx"]["max_length"]
            raise ContractError(
                "too-long", path, f"The text has more than {most} characters.", "Shorten it."
            )
        case kind:
            wanted = _WANTED.get(kind, "something else")
            raise ContractError(
                "wrong-type",
                path,
                f"It is {named(first['input'])} where {wanted} is expected.",
                f"Send {wanted}, or leave it out.",
            )


_WANTED = {
    "string_type": "a text in quotes",
    "dict_type": "an object",
    "list_type": "a list",
    "bool_type": "true or false",
    "model_type": "an object",
}


def _depth(error: ErrorDetails) -> int:
    return len(error["loc"])


def _identifiers(
    given: dict[str, str | list[str] | None],
) -> dict[str, tuple[str, ...]]:
    """Empty values say nothing and are dropped, as null is: forms send them by habit."""
    found: dict[str, tuple[str, ...]] = {}
    count = 0
    for namespace, value in given.items():
        if type(value) is str:
            values: tuple[str, ...] = (value,) if value else ()
        else:
            values = tuple(dict.fromkeys(v for v in value or () if v))
        if values:
            found[namespace] = values
            count += len(values)
    if count > MAX_IDENTIFIERS:
        raise ContractError(
            "too-many-identifiers",
            "/identifiers",
            f"There are {count}; {MAX_IDENTIFIERS} are allowed.",
            "Send only those that belong to this one person.",
        )
    return found


def _watermark(properties: dict[str, Any]) -> dict[str, Any]:
    """`source` as a text and `upto` in ms, whichever way it was written."""
    source, upto = properties.get("source"), properties.get("upto")
    if not isinstance(source, str) or not source:
        raise ContractError(
            "bad-watermark",
            "/properties/source",
            "The watermark does not name its source.",
            "Give the `source` of the touchpoints it speaks about.",
        )
    match upto:
        case str():
            upto = read_time(upto, "/properties/upto")
        case int() if not isinstance(upto, bool):
            pass
        case _:
            raise ContractError(
                "bad-watermark",
                "/properties/upto",
                "The watermark does not say up to when all is in.",
                "Give `upto` as an RFC 3339 time.",
            )
    return properties | {"upto": upto}


def _not_ahead(time: Millis, now: Millis) -> Millis:
    if time <= now + AHEAD_REFUSED:
        return now
    raise ContractError(
        "time-in-the-future",
        "/time",
        f"It lies {(time - now) / AHEAD_REFUSED:.0f} days ahead.",
        "Check the sender's clock and the unit of the time.",
    )


def _refuse_time(text: str, path: str) -> Never:
    digits = text.lstrip("+").split("-")[0]
    if digits.isdecimal() and len(digits) > 4 and "-" in text:
        raise ContractError(
            "time-out-of-range",
            path,
            f'"{text[:40]}" lies beyond the year 9999.',
            "Leave the time out where it is not known.",
        )
    raise ContractError(
        "bad-time",
        path,
        f'"{text[:40]}" is no time.',
        'Write it like "2026-03-01T11:30:00+08:00".',
    )
