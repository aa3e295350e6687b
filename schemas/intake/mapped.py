"""The mapping form: an entry of `sources:` that turns foreign records and rows into native ones.

Values are templates over the record's fields. What is missing or empty is left out, so an empty
cell of a file says nothing.
"""

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ..errors import ContractError
from .document import named
from .extraction import BadTemplate, Extract, Record, Unfit, compile_template
from .native import written_time

_TEXTS = ("id", "type", "time", "channel")
_GROUPS = ("identifiers", "properties", "traits", "consents")
_KEYS = frozenset((*_TEXTS, *_GROUPS, "timezone", "format", "topic", "file", "backfill"))
_FLAGS = frozenset(("lateness", "brings", "watermark", "bulk"))
_FORMATS = ("mapped", "debezium")
_MILLIS_FROM = 100_000_000_000
"""Epoch numbers from here on are ms: as seconds they would lie in the year 5138. A thousand times
as much, and again, are the microseconds and nanoseconds in which databases count."""


class MappingProblem(NamedTuple):
    """`path` are the keys that lead to the place inside the entry."""

    code: str
    path: tuple[str, ...]
    what: str
    mend: str


class MappingError(Exception):
    """The designer's mapping is wrong; `problems` are all of them."""

    def __init__(self, problems: list[MappingProblem]) -> None:
        super().__init__("; ".join(f"{'/'.join(p.path)}: {p.what} {p.mend}" for p in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Mapping:
    """A compiled mapping. `source` is what its touchpoints are from; `topic` or `file` may name
    where its records are."""

    source: str
    topic: str | None
    file: str | None
    zone: ZoneInfo
    fields: tuple[tuple[str, Extract], ...]
    groups: tuple[tuple[str, tuple[tuple[str, Extract], ...]], ...]
    backfill: bool = False
    changes: bool = False
    """Its records are change events of Debezium, and nothing else."""

    def native(self, record: Record) -> dict[str, Any]:
        """The native form of one record.

        Raises ContractError where a value is not what the mapping says it is; the path is that
        of the native form.
        """
        form: dict[str, Any] = {"source": self.source}
        for name, extract in self.fields:
            value = _extracted(extract, record, f"/{name}")
            if value is not None and value != "":
                form[name] = self._time(value) if name == "time" else _text(value, f"/{name}")
        for name, members in self.groups:
            form[name] = _group(name, members, record)
        if self.backfill:
            form["backfill"] = True
        return form

    def _time(self, value: Any) -> str:
        """Texts without an offset are local to the mapping's zone; numbers are s or ms."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _epoch(value)
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            return str(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.zone)
        return moment.isoformat()


def compile_mapping(
    name: str, entry: AnyMapping[str, Any], zone: ZoneInfo | None = None
) -> Mapping:
    """Compiles one entry of `sources:`, once; `zone` (default UTC) holds where it names none.

    Raises MappingError with all that is wrong with it.
    """
    problems: list[MappingProblem] = []
    _check_keys(entry, problems)
    fields = tuple((key, _compiled(entry[key], (key,), problems)) for key in _TEXTS if key in entry)
    groups = tuple(
        (group, _compiled_group(entry[group], group, problems))
        for group in _GROUPS
        if group in entry
    )
    own = _zone(entry.get("timezone"), problems)
    if problems:
        raise MappingError(problems)
    return Mapping(
        source=name,
        topic=entry.get("topic"),
        file=entry.get("file"),
        zone=own or zone or ZoneInfo("UTC"),
        fields=fields,
        groups=groups,
        backfill=entry.get("backfill") is True,
        changes=entry.get("format") == "debezium",
    )


def _check_keys(entry: AnyMapping[str, Any], problems: list[MappingProblem]) -> None:
    for key in entry:
        if key not in _KEYS and key not in _FLAGS:
            problems.append(
                MappingProblem(
                    "unknown-key",
                    (key,),
                    f'A mapping has no "{key}".',
                    f"It has {', '.join(sorted(_KEYS))}.",
                )
            )
    for key, mend in (
        ("type", "Name what happened, such as `type: order.paid`."),
        ("identifiers", "Say whose records they are, such as `identifiers: {phone: ...}`."),
    ):
        if not entry.get(key):
            problems.append(MappingProblem("missing-field", (key,), f'"{key}" is missing.', mend))
    if entry.get("format", "mapped") not in _FORMATS:
        problems.append(
            MappingProblem(
                "unknown-format",
                ("format",),
                f'There is no format "{entry["format"]}".',
                "Write `mapped`, or `debezium`; the other forms are known by their marks.",
            )
        )


def _zone(name: Any, problems: list[MappingProblem]) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError):
        problems.append(
            MappingProblem(
                "no-such-zone",
                ("timezone",),
                f'There is no time zone "{name}".',
                'Write an IANA name, such as "Asia/Shanghai".',
            )
        )
        return None


def _compiled_group(
    members: Any, group: str, problems: list[MappingProblem]
) -> tuple[tuple[str, Extract], ...]:
    if not isinstance(members, dict):
        problems.append(
            MappingProblem(
                "wrong-type",
                (group,),
                f'"{group}" is {named(members)}.',
                'Write names with their values: {name: "{{ column }}"}.',
            )
        )
        return ()
    return tuple((key, _compiled(v, (group, key), problems)) for key, v in members.items())


def _compiled(template: Any, path: tuple[str, ...], problems: list[MappingProblem]) -> Extract:
    try:
        return compile_template(template)
    except BadTemplate as bad:
        mend = 'Write a column as "{{ column }}", a fixed text as it is.'
        problems.append(MappingProblem("bad-template", path, str(bad), mend))
        return compile_template(None)


def _group(name: str, members: tuple[tuple[str, Extract], ...], record: Record) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, extract in members:
        value = _extracted(extract, record, f"/{name}/{key}")
        if value is not None and value != "":
            found[key] = _identifier(value, key) if name == "identifiers" else value
    return found


def _extracted(extract: Extract, record: Record, path: str) -> Any:
    try:
        return extract(record)
    except Unfit as unfit:
        raise ContractError(
            unfit.code, path, unfit.what, "Mend the record, or the mapping."
        ) from None


def _identifier(value: Any, key: str) -> Any:
    if isinstance(value, list):
        return [_text(v, f"/identifiers/{key}") for v in value]
    return _text(value, f"/identifiers/{key}")


def _text(value: Any, path: str) -> str:
    """Whole numbers are texts where a text is wanted: foreign systems have numeric keys."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ContractError(
        "wrong-type",
        path,
        f"The value is {named(value)} where a text is expected.",
        "Mend the record, or the mapping.",
    )


def _epoch(value: float) -> str:
    size, millis = abs(value), value
    if size < _MILLIS_FROM:
        millis = value * 1000
    elif size >= _MILLIS_FROM * 1000:
        millis = value // (1000 if size < _MILLIS_FROM * 1_000_000 else 1_000_000)
    try:
        return written_time(int(millis))  # type: ignore[arg-type]
    except (OverflowError, ValueError, OSError):
        raise ContractError(
            "time-out-of-range",
            "/time",
            f"The number {value} is no moment between 1970 and 9999.",
            "Send seconds or milliseconds since 1970.",
        ) from None
